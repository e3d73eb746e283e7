/* Reading eval commands and the lines below them. */
#include "promql/script/eval_case.h"

#include "promql/lexer.h"
#include "promql/script/script.h"

bool eval_case_expects(const struct eval_case *c, enum expect_kind kind)
{
    for (const struct expectation *e = c->expectations; e; e = e->next)
        if (e->kind == kind)
            return true;
    return false;
}

static void expect(struct eval_case *c, struct arena *arena, enum expect_kind kind,
                   struct span text, int match)
{
    struct expectation *e = ARENA_NEW(arena, struct expectation);
    e->kind = kind;
    e->text = text;
    e->match = (typeof(e->match))match;
    e->next = c->expectations;
    c->expectations = e;
}

static enum status duration(struct span word, struct arena *arena, int64_t *out, struct err *err)
{
    const char *why = NULL;
    if (!promql_duration_parse(word, out, arena, &why))
        return err_set(err, INVALID, "%s", why);
    return OK;
}

/* "from 0 to 1m step 10s" as words; rest goes on behind them. */
static enum status time_range(struct span *rest, struct arena *arena, struct eval_case *c,
                              struct err *err)
{
    static const char *const words[] = {"from", "to", "step"};
    int64_t *const fields[] = {&c->start_ms, &c->end_ms, &c->step_ms};
    for (size_t i = 0; i < COUNT(words); i++) {
        struct span word, value;
        if (!span_word(rest, &word) || !span_is(word, words[i]) || !span_word(rest, &value))
            return err_set(err, INVALID, "no \"from <time> to <time> step <duration>\"");
        enum status st = duration(value, arena, fields[i], err);
        if (st)
            return st;
    }
    return OK;
}

static enum status old_notation(struct span word, struct arena *arena, struct eval_case *c,
                                struct err *err)
{
    static const struct {
        const char *word;
        enum expect_kind kind;
    } kinds[] = {
        {"eval_fail", EXPECT_FAIL}, {"eval_warn", EXPECT_WARN}, {"eval_info", EXPECT_INFO}};
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (span_is(word, kinds[i].word))
            expect(c, arena, kinds[i].kind, SPAN(""), EXPECT_ANY);
    c->ordered = span_is(word, "eval_ordered");
    if (!c->expectations && !c->ordered && !span_is(word, "eval"))
        return err_set(err, INVALID, "unknown command %.*s", SPAN_ARG(word));
    return OK;
}

enum status eval_case_parse(struct span line, struct arena *arena, struct eval_case *out,
                            struct err *err)
{
    *out = (struct eval_case){0};
    struct span rest = line, word;
    bool first = span_word(&rest, &word);
    enum status st = first ? old_notation(word, arena, out, err) : INVALID;
    if (st)
        return st;
    bool kind = span_word(&rest, &word);
    out->range = kind && span_is(word, "range");
    if (out->range) {
        st = time_range(&rest, arena, out, err);
    } else {
        struct span at;
        if (!kind || !span_is(word, "instant") || !span_word(&rest, &at) || !span_is(at, "at") ||
            !span_word(&rest, &word))
            return err_set(err, INVALID, "neither \"instant at <time>\" nor \"range from ...\"");
        st = duration(word, arena, &out->start_ms, err);
        out->end_ms = out->at_ms = out->start_ms;
    }
    out->expr = span_trim(rest);
    return st;
}

/* Behind "expect": "fail msg: ...", "no_warn", "ordered", ... */
static enum status expect_line(struct span rest, struct arena *arena, struct eval_case *c,
                               struct err *err)
{
    static const struct {
        const char *word;
        enum expect_kind kind;
    } kinds[] = {
        {"fail", EXPECT_FAIL}, {"warn", EXPECT_WARN},       {"no_warn", EXPECT_NO_WARN},
        {"info", EXPECT_INFO}, {"no_info", EXPECT_NO_INFO},
    };
    struct span word;
    if (!span_word(&rest, &word))
        return err_set(err, INVALID, "expect what?");
    rest = span_trim(rest);
    if (span_is(word, "ordered")) {
        c->ordered = true;
        return OK;
    }
    int match = span_starts(rest, SPAN("msg:"))     ? EXPECT_MESSAGE
                : span_starts(rest, SPAN("regex:")) ? EXPECT_PATTERN
                                                    : EXPECT_ANY;
    size_t skip = match == EXPECT_MESSAGE ? 4 : match == EXPECT_PATTERN ? 6 : 0;
    struct span text = span_trim(span_from(rest.at + skip, rest.len - skip));
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (span_is(word, kinds[i].word)) {
            expect(c, arena, kinds[i].kind, text, match);
            return OK;
        }
    }
    return err_set(err, INVALID, "unknown expectation %.*s", SPAN_ARG(word));
}

static enum status string_line(struct span rest, struct arena *arena, struct eval_case *c,
                               struct err *err)
{
    struct lexer l = {.text = span_trim(rest)};
    struct token token;
    lex_next(&l, &token);
    if (token.kind != TOKEN_STRING)
        return err_set(err, INVALID, "expected string literal not valid");
    c->has_string = true;
    c->string = string_unquote(token.text, arena);
    return OK;
}

static bool cut_prefix(struct span *line, struct span prefix)
{
    if (!span_starts(*line, prefix))
        return false;
    *line = span_from(line->at + prefix.len, line->len - prefix.len);
    return true;
}

static enum status series_line(struct span line, struct arena *arena, struct eval_case *c,
                               struct err *err)
{
    if (c->n == SCRIPT_SERIES_MAX)
        return err_set(err, INVALID, "more than %d series are expected", SCRIPT_SERIES_MAX);
    c->series =
        arena_grow(arena, c->series, c->n * sizeof *c->series, (c->n + 1) * sizeof *c->series);
    struct expected_series *s = &c->series[c->n++];
    s->place = c->n;
    enum status st = script_series_parse(line, arena, &s->series, err);
    c->native |= s->series.native;
    return st;
}

enum status eval_case_line(struct span line, struct arena *arena, struct eval_case *c,
                           struct err *err)
{
    if (cut_prefix(&line, SPAN("expected_fail_message"))) {
        expect(c, arena, EXPECT_FAIL, span_trim(line), EXPECT_MESSAGE);
        return OK;
    }
    if (cut_prefix(&line, SPAN("expected_fail_regexp"))) {
        expect(c, arena, EXPECT_FAIL, span_trim(line), EXPECT_PATTERN);
        return OK;
    }
    if (cut_prefix(&line, SPAN("expect range vector "))) {
        c->has_range_vector = true;
        enum status st = time_range(&line, arena, c, err);
        c->at_ms = c->end_ms;
        return st;
    }
    if (cut_prefix(&line, SPAN("expect string")))
        return string_line(line, arena, c, err);
    if (cut_prefix(&line, SPAN("expect ")))
        return expect_line(line, arena, c, err);
    if (script_number_parse(line, arena, &c->scalar)) {
        c->has_scalar = true;
        return OK;
    }
    return series_line(line, arena, c, err);
}
