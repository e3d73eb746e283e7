/* The tree as JSON, in the form of Prometheus 3's parse_query: an object for each node, its keys
 * in the order of the alphabet. */
#include "promql/functions.h"

#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static void put_text(struct buf *out, struct span text)
{
    struct json j = json_to(out);
    json_span(&j, text);
}

static void put_texts(struct buf *out, const char *key, const struct names *names)
{
    buf_printf(out, "\"%s\":[", key);
    for (size_t i = 0; i < names->n; i++) {
        buf_str(out, i > 0 ? "," : "");
        put_text(out, names->at[i]);
    }
    buf_char(out, ']');
}

static void put_expr(struct buf *out, const char *key, const struct expr *e)
{
    buf_printf(out, "\"%s\":", key);
    promql_tree(out, e);
}

static void put_start_or_end(struct buf *out, const struct when *w)
{
    buf_printf(out, "\"startOrEnd\":%s",
               w->at == AT_START ? "\"start\""
               : w->at == AT_END ? "\"end\""
                                 : "null");
}

static void put_timestamp(struct buf *out, const struct when *w)
{
    buf_str(out, "\"timestamp\":");
    if (w->at == AT_TIME)
        buf_i64(out, w->at_ms);
    else
        buf_str(out, "null");
}

static void put_matchers(struct buf *out, const struct selector *s)
{
    static const char *const operators[] = {
        [MATCH_EQUAL] = "=",
        [MATCH_NOT_EQUAL] = "!=",
        [MATCH_REGEX] = "=~",
        [MATCH_NOT_REGEX] = "!~",
    };
    buf_str(out, "\"matchers\":[");
    for (size_t i = 0; i < s->n; i++) {
        const struct matcher *m = &s->matchers[i];
        buf_str(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        put_text(out, m->name);
        buf_printf(out, ",\"type\":\"%s\",\"value\":", operators[m->kind]);
        put_text(out, m->value);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static void put_selector(struct buf *out, const struct expr *e)
{
    const struct selector *s = e->selector;
    put_matchers(out, s);
    buf_str(out, ",\"name\":");
    put_text(out, s->name);
    buf_printf(out, ",\"offset\":%" PRId64, s->when.offset_ms);
    if (e->kind == NODE_MATRIX)
        buf_printf(out, ",\"range\":%" PRId64, s->range_ms);
    buf_char(out, ',');
    put_start_or_end(out, &s->when);
    buf_char(out, ',');
    put_timestamp(out, &s->when);
    buf_printf(out, ",\"type\":\"%s\"",
               e->kind == NODE_MATRIX ? "matrixSelector" : "vectorSelector");
}

static void put_subquery(struct buf *out, const struct expr *e)
{
    put_expr(out, "expr", e->subquery.inner);
    buf_printf(out, ",\"offset\":%" PRId64 ",\"range\":%" PRId64 ",", e->subquery.when.offset_ms,
               e->subquery.range_ms);
    put_start_or_end(out, &e->subquery.when);
    buf_printf(out, ",\"step\":%" PRId64 ",", e->subquery.step_ms);
    put_timestamp(out, &e->subquery.when);
    buf_str(out, ",\"type\":\"subquery\"");
}

static const char *type_of(enum value_kind kind)
{
    static const char *const names[] = {[VALUE_SCALAR] = "scalar",
                                        [VALUE_STRING] = "string",
                                        [VALUE_VECTOR] = "vector",
                                        [VALUE_MATRIX] = "matrix"};
    return names[kind];
}

static void put_call(struct buf *out, const struct expr *e)
{
    const struct function *f = e->call.function;
    buf_str(out, "\"args\":[");
    for (size_t i = 0; i < e->call.n; i++) {
        buf_str(out, i > 0 ? "," : "");
        promql_tree(out, e->call.args[i]);
    }
    buf_str(out, "],\"func\":{\"argTypes\":[");
    for (int i = 0; i < f->n_args; i++)
        buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", type_of(f->args[i]));
    buf_printf(out, "],\"name\":\"%s\",\"returnType\":\"%s\",\"variadic\":%d},\"type\":\"call\"",
               f->name, type_of(f->type), f->variadic);
}

static void put_aggregate(struct buf *out, const struct expr *e)
{
    put_expr(out, "expr", e->aggregate.inner);
    buf_char(out, ',');
    put_texts(out, "grouping", &e->aggregate.grouping);
    buf_printf(out, ",\"op\":\"%s\",\"param\":", aggregate_name(e->aggregate.op));
    if (e->aggregate.param)
        promql_tree(out, e->aggregate.param);
    else
        buf_str(out, "null");
    buf_printf(out, ",\"type\":\"aggregation\",\"without\":%s",
               e->aggregate.without ? "true" : "false");
}

static void put_matching(struct buf *out, const struct matching *m)
{
    static const char *const cards[] = {[ONE_TO_ONE] = "one-to-one",
                                        [MANY_TO_ONE] = "many-to-one",
                                        [ONE_TO_MANY] = "one-to-many",
                                        [MANY_TO_MANY] = "many-to-many"};
    buf_printf(out, "{\"card\":\"%s\",", cards[m->card]);
    put_texts(out, "include", &m->include);
    buf_char(out, ',');
    put_texts(out, "labels", &m->labels);
    buf_printf(out, ",\"on\":%s}", m->on ? "true" : "false");
}

static void put_binary(struct buf *out, const struct expr *e)
{
    const struct expr *left = e->binary.left, *right = e->binary.right;
    buf_printf(out, "\"bool\":%s,", e->binary.returns_bool ? "true" : "false");
    put_expr(out, "lhs", left);
    buf_str(out, ",\"matching\":");
    if (left->type == VALUE_VECTOR && right->type == VALUE_VECTOR)
        put_matching(out, &e->binary.matching);
    else
        buf_str(out, "null");
    buf_printf(out, ",\"op\":\"%s\",", operator_name(e->binary.op));
    put_expr(out, "rhs", right);
    buf_str(out, ",\"type\":\"binaryExpr\"");
}

/* The shortest digits that read back as the same number, without an exponent. */
static void put_plain(struct buf *out, double v)
{
    auto_buf text = {0};
    buf_double(&text, v);
    struct span all = buf_view(&text);
    const char *e = memchr(all.at, 'e', all.len);
    if (!isfinite(v) || !e) {
        buf_span(out, all);
        return;
    }
    long places = strtol(buf_text(&text) + (e - all.at) + 1, NULL, 10);
    const char *digits = all.at + (v < 0);
    size_t whole = 1, n = (size_t)(e - digits);
    const char *point = memchr(digits, '.', n);
    size_t rest = point ? n - whole - 1 : 0;
    buf_str(out, v < 0 ? "-" : "");
    if (places < 0) {
        buf_str(out, "0.");
        buf_fill(out, '0', (size_t)(-places - 1));
        buf_put(out, digits, whole);
        buf_put(out, digits + n - rest, rest);
        return;
    }
    size_t moved = MIN(rest, (size_t)places);
    buf_put(out, digits, whole);
    buf_put(out, digits + n - rest, moved);
    buf_fill(out, '0', (size_t)places - moved);
    if (rest > moved) {
        buf_char(out, '.');
        buf_put(out, digits + n - rest + moved, rest - moved);
    }
}

static void put_node(struct buf *out, const struct expr *e)
{
    switch (e->kind) {
    case NODE_NUMBER:
        buf_str(out, "\"type\":\"numberLiteral\",\"val\":\"");
        put_plain(out, e->number.v);
        buf_char(out, '"');
        return;
    case NODE_STRING:
        buf_str(out, "\"type\":\"stringLiteral\",\"val\":");
        put_text(out, e->string);
        return;
    case NODE_SELECTOR:
    case NODE_MATRIX:
        put_selector(out, e);
        return;
    case NODE_SUBQUERY:
        put_subquery(out, e);
        return;
    case NODE_CALL:
        put_call(out, e);
        return;
    case NODE_AGGREGATE:
        put_aggregate(out, e);
        return;
    case NODE_BINARY:
        put_binary(out, e);
        return;
    case NODE_UNARY:
        put_expr(out, "expr", e->unary.inner);
        buf_printf(out, ",\"op\":\"%c\",\"type\":\"unaryExpr\"", e->unary.minus ? '-' : '+');
        return;
    case NODE_PAREN:
        put_expr(out, "expr", e->paren);
        buf_str(out, ",\"type\":\"parenExpr\"");
        return;
    }
}

void promql_tree(struct buf *out, const struct expr *e)
{
    buf_char(out, '{');
    put_node(out, e);
    buf_char(out, '}');
}
