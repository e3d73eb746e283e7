#include "promql/script/script.h"

#include "promql/ast.h"
#include "promql/functions.h"
#include "promql/lexer.h"
#include "promql/script/eval_case.h"

struct script {
    const char *file;
    struct span rest;
    size_t line_no; /* of the line read last, from 1 */
    struct arena arena;
    struct memory_source *source;
    struct labels *native; /* series that are native histograms, or start from one */
    size_t n_native, native_room;
    struct script_totals *totals;
    struct buf *out;
};

/* The next line without blanks at its ends; a comment is an empty line. */
static bool next_line(struct script *s, struct span *line)
{
    if (!span_line(&s->rest, line))
        return false;
    s->line_no++;
    *line = span_trim(*line);
    if (line->len > 0 && line->at[0] == '#')
        line->len = 0;
    return true;
}

static void say_failed(struct script *s, size_t line_no, struct span what, const char *why)
{
    s->totals->failed++;
    buf_printf(s->out, "%s:%zu: FAILED: %.*s: %s\n", s->file, line_no, SPAN_ARG(what), why);
}

/* ---- load ---- */

static void add_native(struct script *s, struct labels labels)
{
    if (s->n_native == s->native_room) {
        size_t room = s->native_room ? s->native_room * 2 : 16;
        s->native = arena_grow(&s->arena, s->native, s->native_room * sizeof *s->native,
                               room * sizeof *s->native);
        s->native_room = room;
    }
    s->native[s->n_native++] = labels;
}

/* load_with_nhcb also makes native histograms of the classic ones: x of x_bucket. */
static void add_native_twin(struct script *s, struct labels labels)
{
    static const char *const suffixes[] = {"_bucket", "_count", "_sum"};
    struct span name = labels_metric(labels);
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        if (!span_ends(name, span_of(suffixes[i])))
            continue;
        struct label_builder b;
        label_builder_start(&b, labels);
        label_set(&b, SPAN("le"), SPAN(""));
        label_set(&b, SPAN(LABEL_NAME), span_from(name.at, name.len - strlen(suffixes[i])));
        add_native(s, labels_dup(&s->arena, label_builder_end(&b)));
    }
}

static enum status load_values(struct script *s, const struct script_series *series,
                               int64_t step_ms, struct err *err)
{
    for (size_t i = 0; i < series->n; i++) {
        if (series->values[i].omitted || series->values[i].native)
            continue;
        struct sample sample = {(int64_t)i * step_ms, series->values[i].v};
        enum status st = memory_source_append(s->source, series->labels, sample, err);
        if (st)
            return st;
    }
    return OK;
}

/* "metric@st ...": start times, which only experimental features look at. */
static bool is_start_line(struct span line, struct span *metric)
{
    struct span rest = line, word;
    if (!span_word(&rest, &word) || !span_ends(word, SPAN("@st")))
        return false;
    *metric = span_from(word.at, word.len - 3);
    return true;
}

static enum status load_line(struct script *s, struct span line, struct script_series *out,
                             struct err *err)
{
    struct span metric;
    bool start = is_start_line(line, &metric);
    enum status st = script_series_parse(start ? metric : line, &s->arena, out, err);
    if (!st && (out->native || start))
        add_native(s, out->labels);
    return st;
}

static enum status load(struct script *s, struct span line, struct err *err)
{
    struct span rest = line, word;
    bool with_native = span_word(&rest, &word) && span_is(word, "load_with_nhcb");
    const char *why = "no step";
    int64_t step_ms;
    if (!promql_duration_parse(span_trim(rest), &step_ms, &s->arena, &why))
        return err_set(err, INVALID, "%s", why);
    struct script_series *series = NULL;
    size_t n = 0;
    while (next_line(s, &line) && line.len > 0) {
        struct script_series one;
        enum status st = load_line(s, line, &one, err);
        if (st)
            return st;
        if (one.n == 0)
            continue;
        size_t i = 0; /* a later line of the same series overrides */
        while (i < n && !labels_eq(series[i].labels, one.labels))
            i++;
        if (i == n) {
            series = arena_grow(&s->arena, series, n * sizeof *series, (n + 1) * sizeof *series);
            n++;
        }
        series[i] = one;
        if (with_native)
            add_native_twin(s, one.labels);
    }
    for (size_t i = 0; i < n; i++) {
        enum status st = load_values(s, &series[i], step_ms, err);
        if (st)
            return st;
    }
    return OK;
}

/* ---- eval ---- */

struct touching {
    const struct script *s;
    bool found;
};

static void touches_native(const struct expr *e, void *arg)
{
    struct touching *t = arg;
    if (e->kind != NODE_SELECTOR && e->kind != NODE_MATRIX)
        return;
    for (size_t i = 0; i < t->s->n_native; i++)
        t->found |= matchers_match(e->selector->matchers, e->selector->n, t->s->native[i]);
}

static enum status evaluate(struct script *s, const struct eval_case *c, const struct expr *e,
                            int64_t start_ms, int64_t end_ms, int64_t step_ms, struct arena *arena,
                            struct result *out, struct err *err)
{
    (void)c;
    struct query q = {.expr = e,
                      .start_ms = start_ms,
                      .end_ms = end_ms,
                      .step_ms = step_ms,
                      .delayed_name_removal = true};
    return promql_eval(&q, memory_source_face(s->source), arena, out, err);
}

static enum status check_outcome(const struct eval_case *c, enum status st,
                                 const struct result *result, struct arena *arena, struct err *err)
{
    bool fails = eval_case_expects(c, EXPECT_FAIL);
    if (st && fails) {
        struct err found = *err;
        return eval_case_check_failure(c, found.text, err);
    }
    if (st)
        return st;
    if (fails)
        return err_set(err, INVALID, "expected to fail");
    return eval_case_check(c, result, arena, err);
}

/* Whether a word stands in the expression as a call: start(), end(), ... depend on the query. */
static bool depends_on_query(struct span expr)
{
    static const char *const calls[] = {"start()", "end()", "range()", "step()"};
    for (size_t i = 0; i < COUNT(calls); i++)
        if (memmem(expr.at, expr.len, calls[i], strlen(calls[i])))
            return true;
    return false;
}

static enum status check_middle(struct script *s, const struct eval_case *c, const struct expr *e,
                                int64_t at_ms, struct arena *arena, struct err *err)
{
    if (c->has_range_vector || c->has_string || depends_on_query(c->expr) ||
        eval_case_expects(c, EXPECT_FAIL))
        return OK;
    struct result result;
    enum status st = evaluate(s, c, e, at_ms - 60000, at_ms + 60000, 60000, arena, &result, err);
    if (!st && !c->ordered)
        st = eval_case_check_middle(c, &result, at_ms, arena, err);
    return st ? err_prefix(err, "in the middle of a range") : OK;
}

static enum status run_instant(struct script *s, const struct eval_case *c, const struct expr *e,
                               int64_t at_ms, struct arena *arena, struct err *err)
{
    struct result result;
    enum status st = evaluate(s, c, e, at_ms, at_ms, 0, arena, &result, err);
    st = check_outcome(c, st, &result, arena, err);
    return st ? st : check_middle(s, c, e, at_ms, arena, err);
}

/* Pins every selector to the time with @, where none is yet; false when the expression asks
 * for the time itself. */
static bool pin(struct expr *e, int64_t at_ms)
{
    switch (e->kind) {
    case NODE_NUMBER:
    case NODE_STRING:
        return true;
    case NODE_SELECTOR:
    case NODE_MATRIX:
        if (e->selector->when.at == AT_NONE) {
            e->selector->when.at = AT_TIME;
            e->selector->when.at_ms = at_ms;
        }
        return true;
    case NODE_SUBQUERY:
        if (e->subquery.when.at == AT_NONE) {
            e->subquery.when.at = AT_TIME;
            e->subquery.when.at_ms = at_ms;
        }
        return true;
    case NODE_CALL:
        for (size_t i = 0; i < e->call.n; i++)
            if (!pin(e->call.args[i], at_ms))
                return false;
        return !e->call.function->of_time;
    case NODE_AGGREGATE:
        return (!e->aggregate.param || pin(e->aggregate.param, at_ms)) &&
               pin(e->aggregate.inner, at_ms);
    case NODE_BINARY:
        return pin(e->binary.left, at_ms) && pin(e->binary.right, at_ms);
    case NODE_UNARY:
        return pin(e->unary.inner, at_ms);
    case NODE_PAREN:
        return pin(e->paren, at_ms);
    }
    return false;
}

/* What is pinned to its time must be the same whenever it is asked for. */
static enum status run_pinned(struct script *s, const struct eval_case *c, struct expr *e,
                              struct arena *arena, struct err *err)
{
    if (!pin(e, c->at_ms))
        return OK;
    expr_mark_invariant(e);
    int64_t t = c->at_ms;
    const int64_t times[] = {t ? -10 * t : -1000, 0, t ? t / 5 : 1000, t, 10 * t};
    for (size_t i = 0; i < COUNT(times); i++) {
        enum status st = run_instant(s, c, e, times[i], arena, err);
        if (st)
            return err_prefix(err, "pinned with @ and asked at %lld ms", (long long)times[i]);
    }
    return OK;
}

static enum status run_case(struct script *s, const struct eval_case *c, struct expr *e,
                            struct arena *arena, struct err *err)
{
    struct result result;
    if (c->range) {
        enum status st = evaluate(s, c, e, c->start_ms, c->end_ms, c->step_ms, arena, &result, err);
        return check_outcome(c, st, &result, arena, err);
    }
    enum status st = run_instant(s, c, e, c->at_ms, arena, err);
    return st ? st : run_pinned(s, c, e, arena, err);
}

static void say_skipped(struct script *s, size_t line_no, struct span expr, const char *why)
{
    s->totals->skipped++;
    buf_printf(s->out, "%s:%zu: skipped: %.*s: %s\n", s->file, line_no, SPAN_ARG(expr), why);
}

static void judge(struct script *s, size_t line_no, const struct eval_case *c)
{
    auto_arena arena = {0};
    struct err err = {0};
    struct expr *e;
    enum status st = promql_parse(c->expr, &arena, &e, &err);
    struct touching touching = {.s = s};
    if (!st)
        expr_walk(e, touches_native, &touching);
    if (st == UNSUPPORTED) {
        say_skipped(s, line_no, c->expr, err.text);
    } else if (!st && (touching.found || c->native)) {
        say_skipped(s, line_no, c->expr, "native histograms are not supported");
    } else if (st || run_case(s, c, e, &arena, &err)) {
        say_failed(s, line_no, c->expr, err.text);
    } else {
        s->totals->passed++;
    }
    promql_free(e);
}

static enum status eval_command(struct script *s, struct span line, struct err *err)
{
    struct eval_case c;
    size_t line_no = s->line_no;
    enum status st = eval_case_parse(line, &s->arena, &c, err);
    while (next_line(s, &line) && line.len > 0)
        if (!st)
            st = eval_case_line(line, &s->arena, &c, err);
    if (!st)
        judge(s, line_no, &c);
    return st;
}

static void clear(struct script *s)
{
    memory_source_close(s->source);
    s->source = memory_source_open();
    s->n_native = 0;
}

static void command(struct script *s, struct span line)
{
    struct err err = {0};
    enum status st = OK;
    size_t line_no = s->line_no;
    if (span_is(line, "clear"))
        clear(s);
    else if (span_starts(line, SPAN("load")))
        st = load(s, line, &err);
    else if (span_starts(line, SPAN("eval")))
        st = eval_command(s, line, &err);
    else
        st = err_set(&err, INVALID, "unknown command");
    if (st)
        say_failed(s, line_no, line, err.text);
}

void script_run(const char *file, struct span text, struct script_totals *totals, struct buf *out)
{
    struct script s = {.file = file, .rest = text, .totals = totals, .out = out};
    struct span line;
    clear(&s);
    while (next_line(&s, &line))
        if (line.len > 0)
            command(&s, line);
    memory_source_close(s.source);
    arena_free(&s.arena);
}
