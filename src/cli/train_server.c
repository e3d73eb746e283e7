/* A server's findings and changes -> rows to train with.
 *
 * What a person said of a finding goes before what was measured: useful: its class was right;
 * wrong: nothing was to be changed. Without a word of a person: a change that helped was right; one
 * that had no effect or did harm was not. A change that nobody advised counts by its direction.
 * Once something has helped, nothing was to be changed any more: that makes a row of its own. */
#include "cli/train_server.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000, API_EXPR_MAX_BYTES = 16 << 10 };

struct labelled {
    int64_t at_ms;
    const char *host, *rule, *parameter, *setting, *role;
    unsigned class;
};

struct fetch {
    const struct cli_server *server;
    struct arena arena;
    struct labelled rows[SERVER_ROWS_MAX];
    struct server_rows *out;
    const struct adviser *adviser;
    struct feature_query *features;
    size_t n_features;
    struct err *err;
};

enum { CLASS_NONE, CLASS_INCREASE, CLASS_DECREASE, CLASS_UPGRADE };

static enum status get_json(struct fetch *f, const char *path, json_t **out)
{
    auto_buf body = {0};
    *out = NULL;
    enum status st = cli_get(f->server, path, &body, f->err);
    if (st)
        return st;
    *out = json_loadb(body.at ? body.at : "", body.len, 0, NULL);
    return *out ? OK : err_set(f->err, INVALID, "%s did not answer with JSON", f->server->url);
}

/* All pages of a list; one is called for each item. */
static enum status each(struct fetch *f, const char *list,
                        void (*one)(struct fetch *f, const json_t *item))
{
    const char *cursor = NULL;
    do {
        json_t *page;
        const char *path = arena_printf(&f->arena, "/api/galen/v1/%s?limit=%d%s%s", list, PAGE,
                                        cursor ? "&cursor=" : "", cursor ? cursor : "");
        enum status st = get_json(f, path, &page);
        if (st)
            return st;
        const json_t *item;
        size_t i;
        json_array_foreach(json_object_get(page, list), i, item) one(f, item);
        const char *next = json_string_value(json_object_get(page, "next"));
        cursor = next ? arena_dup(&f->arena, next) : NULL;
        json_decref(page);
    } while (cursor && !f->out->more);
    return OK;
}

/* ---- what was said ---- */

static const char *text(struct fetch *f, const json_t *item, const char *key)
{
    const char *s = json_string_value(json_object_get(item, key));
    return s ? arena_dup(&f->arena, s) : "";
}

static bool is(const json_t *item, const char *key, const char *value)
{
    const char *s = json_string_value(json_object_get(item, key));
    return s && strcmp(s, value) == 0;
}

static void add(struct fetch *f, const struct labelled *row)
{
    if (row->at_ms <= 0 || !*row->host)
        return;
    if (f->out->n == SERVER_ROWS_MAX)
        f->out->more = true;
    else
        f->rows[f->out->n++] = *row;
}

static void finding(struct fetch *f, const json_t *kept)
{
    const json_t *what = json_object_get(kept, "finding");
    struct labelled row = {
        .at_ms = json_integer_value(json_object_get(kept, "opened_ms")),
        .host = text(f, kept, "host_name"),
        .rule = text(f, what, "rule"),
        .parameter = text(f, what, "parameter"),
        .setting = text(f, what, "from"),
    };
    bool useful = is(kept, "verdict", "useful"), wrong = is(kept, "verdict", "wrong");
    bool helped = is(kept, "state", "helped");
    bool idle = is(kept, "state", "no_effect") || is(kept, "state", "harmed");
    unsigned class = 0;
    if (!(useful || wrong || helped || idle) || !class_of(span_of(text(f, what, "class")), &class))
        return;
    row.class = useful || (helped && !wrong) ? class : CLASS_NONE;
    row.role = useful || wrong ? "verdict" : "verified";
    add(f, &row);
}

/* Direction of a change by its numbers; of several numbers the first that differs. */
static unsigned direction(const char *from, const char *to)
{
    struct span a = span_of(from), b = span_of(to), x, y;
    double was, now;
    while (span_word(&a, &x) && span_word(&b, &y))
        if (span_double(x, &was) && span_double(y, &now) && was != now)
            return now > was ? CLASS_INCREASE : CLASS_DECREASE;
    return CLASS_NONE;
}

static void change(struct fetch *f, const json_t *c)
{
    struct labelled row = {
        .at_ms = json_integer_value(json_object_get(c, "before_ms")),
        .host = text(f, c, "host_name"),
        .rule = text(f, c, "rule"),
        .parameter = text(f, c, "parameter"),
        .setting = text(f, c, "from"),
        .role = "verified",
    };
    bool helped = is(c, "verdict", "helped");
    if (!helped && !is(c, "verdict", "no_effect") && !is(c, "verdict", "harmed"))
        return;
    if (!json_is_integer(json_object_get(c, "finding"))) { /* a finding speaks for itself */
        if (helped)
            row.class = is(c, "cause", "resource") ? CLASS_UPGRADE
                                                   : direction(row.setting, text(f, c, "to"));
        add(f, &row);
    }
    if (!helped)
        return;
    row.at_ms = json_integer_value(json_object_get(c, "judged_ms"));
    row.setting = text(f, c, "to");
    row.role = "after";
    row.class = CLASS_NONE;
    add(f, &row);
}

static int by_time(const void *left, const void *right)
{
    const struct labelled *a = left, *b = right;
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms ? -1 : 1;
    int order = strcmp(a->host, b->host);
    return order ? order : strcmp(a->rule, b->rule);
}

/* ---- what the host looked like then ---- */

/* The greatest value of the host; NaN when there is none. */
static double value_of(const json_t *answer, const char *host)
{
    const json_t *series;
    size_t i;
    double most = NAN;
    json_array_foreach(json_object_get(json_object_get(answer, "data"), "result"), i, series)
    {
        const char *v = json_string_value(json_array_get(json_object_get(series, "value"), 1));
        double number;
        if (is(json_object_get(series, "metric"), "instance", host) && v &&
            span_double(span_of(v), &number) && isfinite(number))
            most = fmax(most, number);
    }
    return most;
}

static enum status ask(struct fetch *f, const char *expr, const struct labelled *row, double *out)
{
    auto_buf path = {.max = API_EXPR_MAX_BYTES};
    json_t *answer;
    buf_str(&path, "/api/v1/query?query=");
    url_encode(&path, span_of(expr));
    buf_printf(&path, "&time=%lld.%03d", (long long)(row->at_ms / 1000), (int)(row->at_ms % 1000));
    if (path.failed)
        return err_set(f->err, FULL, "an expression of features.yaml is too long to be asked");
    enum status st = get_json(f, buf_text(&path), &answer);
    if (st)
        return st;
    *out = value_of(answer, row->host);
    json_decref(answer);
    return OK;
}

static const struct feature_query *feature_named(const struct fetch *f, struct span name, bool *bit)
{
    for (size_t i = f->n_features; i-- > 0;) { /* a feature before one of the eleven */
        const struct feature_query *q = &f->features[i];
        size_t len = strlen(q->name);
        *bit = q->has_bit && name.len == len + 8 && memcmp(name.at + len, "_missing", 8) == 0;
        if (name.len >= len && memcmp(name.at, q->name, len) == 0 && (name.len == len || *bit))
            return q;
    }
    return NULL;
}

static void put_text(struct buf *out, const char *s)
{
    for (; *s; s++)
        buf_char(out, strchr(",\"\r\n", *s) ? ' ' : *s);
}

static bool put_known(const struct labelled *row, struct span name, struct buf *out)
{
    if (span_is(name, "label"))
        buf_str(out, class_names[row->class]);
    else if (span_is(name, "parameter"))
        put_text(out, row->parameter);
    else if (span_is(name, "setting"))
        put_text(out, row->setting);
    else if (span_is(name, "role"))
        buf_str(out, row->role);
    else if (span_is(name, "scenario") || span_is(name, "kind")) {
        buf_str(out, "server ");
        put_text(out, row->host);
        buf_char(out, ' ');
        put_text(out, *row->rule ? row->rule : row->parameter);
    } else {
        return false;
    }
    return true;
}

/* A host without any value has no samples of that time any more: *has says. */
static enum status put_row(struct fetch *f, const struct labelled *row, struct span header,
                           bool *has)
{
    struct span name;
    double values[FEATURE_QUERIES_MAX];
    bool known[FEATURE_QUERIES_MAX] = {false};
    auto_buf line = {0};
    *has = false;
    for (bool first = true; span_next(&header, ',', &name); first = false) {
        bool bit;
        name = span_trim(name);
        if (!first)
            buf_char(&line, ',');
        const struct feature_query *q = feature_named(f, name, &bit);
        if (put_known(row, name, &line) || !q)
            continue;
        size_t i = (size_t)(q - f->features);
        enum status st = known[i] ? OK : ask(f, q->expr, row, &values[i]);
        if (st)
            return st;
        known[i] = true;
        *has |= !isnan(values[i]);
        if (bit)
            buf_char(&line, isnan(values[i]) ? '1' : '0');
        else if (!isnan(values[i]))
            buf_printf(&line, "%.7g", feature_scaled(q, values[i]));
        else if (q->has_bit)
            buf_char(&line, '0');
    }
    if (*has) {
        buf_span(&f->out->csv, buf_view(&line));
        buf_char(&f->out->csv, '\n');
    }
    return OK;
}

static enum status put_rows(struct fetch *f, struct span header)
{
    size_t n = f->out->n;
    f->out->n = 0;
    qsort(f->rows, n, sizeof *f->rows, by_time);
    for (size_t i = 0; i < n; i++) {
        bool has;
        enum status st = put_row(f, &f->rows[i], header, &has);
        if (st)
            return st;
        if (has) {
            f->out->n++;
            f->out->by_class[f->rows[i].class]++;
        } else {
            f->out->forgotten++;
        }
    }
    return OK;
}

enum status train_server_rows(const struct cli_server *server, const struct adviser *adviser,
                              struct span header, struct server_rows *out, struct err *err)
{
    struct fetch *f = mem_zero(1, sizeof *f);
    *out = (struct server_rows){0};
    f->server = server;
    f->out = out;
    f->adviser = adviser;
    f->err = err;
    f->n_features = adviser_feature_queries(adviser, &f->arena, &f->features);
    enum status st = each(f, "findings", finding);
    if (!st)
        st = each(f, "changes", change);
    if (!st)
        st = put_rows(f, header);
    arena_free(&f->arena);
    free(f);
    return st;
}
