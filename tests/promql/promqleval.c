/* promqleval DATA [--rules-of-2] < QUERIES: answers queries over the samples of a file, one line
 * of JSON in Prometheus's form for each line read. For comparing with a real Prometheus.
 *
 *   DATA     metric{label="value"} <tab> milliseconds value milliseconds value ...
 *            (values as strtod reads them, and "stale")
 *   QUERIES  kind <tab> start <tab> end <tab> step <tab> expression, times in milliseconds;
 *            kind is "instant", "range" or "parse" (which only prints the expression) */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "promql/script/series_text.h"

#include <stdio.h>
#include <stdlib.h>

enum { DATA_MAX_BYTES = 1 << 30 };

static enum status load_line(struct memory_source *source, struct span line, struct err *err)
{
    auto_arena arena = {0};
    struct span rest = line, series, time, value;
    struct script_series parsed;
    if (!span_next(&rest, '\t', &series))
        return OK;
    enum status st = script_series_parse(series, &arena, &parsed, err);
    while (!st && span_word(&rest, &time) && span_word(&rest, &value)) {
        struct sample sample = {.v = bits_double(STALE_NAN_BITS)};
        if (!span_i64(time, &sample.t_ms) ||
            (!span_is(value, "stale") && !span_double(value, &sample.v)))
            return err_set(err, INVALID, "bad sample: %.*s %.*s", SPAN_ARG(time), SPAN_ARG(value));
        st = memory_source_append(source, parsed.labels, sample, err);
    }
    return st;
}

static void json_number(struct json *j, double v)
{
    auto_buf text = {0};
    buf_double(&text, v);
    json_text(j, buf_text(&text));
}

static void json_sample(struct json *j, struct sample s)
{
    json_begin_array(j);
    json_double(j, (double)s.t_ms / 1000);
    json_number(j, s.v);
    json_end_array(j);
}

static void json_labels(struct json *j, struct labels l)
{
    json_key(j, "metric");
    json_begin_object(j);
    for (size_t i = 0; i < l.n; i++) {
        json_key_span(j, l.at[i].name);
        json_span(j, l.at[i].value);
    }
    json_end_object(j);
}

static void json_result(struct json *j, const struct result *r)
{
    static const char *const kinds[] = {"scalar", "string", "vector", "matrix"};
    json_field(j, "resultType", kinds[r->kind]);
    json_key(j, "result");
    if (r->kind == VALUE_SCALAR) {
        json_sample(j, (struct sample){r->t_ms, r->scalar});
        return;
    }
    json_begin_array(j);
    for (size_t i = 0; i < r->n; i++) {
        const struct result_series *s = &r->series[i];
        json_begin_object(j);
        json_labels(j, s->labels);
        json_key(j, r->kind == VALUE_VECTOR ? "value" : "values");
        if (r->kind == VALUE_MATRIX)
            json_begin_array(j);
        for (size_t k = 0; k < s->n; k++)
            json_sample(j, s->at[k]);
        if (r->kind == VALUE_MATRIX)
            json_end_array(j);
        json_end_object(j);
    }
    if (r->kind == VALUE_STRING)
        json_span(j, r->string);
    json_end_array(j);
}

static void json_failed(struct json *j, enum status st, const char *sentence)
{
    json_field(j, "status", "error");
    json_field(j, "errorType", status_name(st));
    json_field(j, "error", sentence);
}

struct ask {
    struct span kind, expr;
    int64_t start_ms, end_ms, step_ms;
};

static bool ask_parse(struct span line, struct ask *out)
{
    struct span field;
    int64_t *const times[] = {&out->start_ms, &out->end_ms, &out->step_ms};
    if (!span_next(&line, '\t', &out->kind))
        return false;
    for (size_t i = 0; i < COUNT(times); i++)
        if (!span_next(&line, '\t', &field) || !span_i64(field, times[i]))
            return false;
    out->expr = line;
    return true;
}

static void answer(struct source *source, bool rules_of_2, const struct ask *ask, struct buf *out)
{
    auto_arena arena = {0};
    struct json j = json_to(out);
    struct err err = {0};
    struct expr *e;
    json_begin_object(&j);
    enum status st = promql_parse(ask->expr, &arena, &e, &err);
    if (!st && span_is(ask->kind, "parse")) {
        auto_buf text = {0};
        promql_print(&text, e);
        json_field(&j, "text", buf_text(&text));
    } else if (!st) {
        bool instant = span_is(ask->kind, "instant");
        struct query q = {.expr = e,
                          .start_ms = ask->start_ms,
                          .end_ms = instant ? ask->start_ms : ask->end_ms,
                          .step_ms = instant ? 0 : ask->step_ms,
                          .rules_of_2 = rules_of_2};
        struct result result;
        st = promql_eval(&q, source, &arena, &result, &err);
        if (!st) {
            json_field(&j, "status", "success");
            json_key(&j, "data");
            json_begin_object(&j);
            json_result(&j, &result);
            json_end_object(&j);
        }
    }
    if (st)
        json_failed(&j, st, err.text);
    json_end_object(&j);
    promql_free(e);
}

static enum status load(struct memory_source *source, const char *path, struct err *err)
{
    auto_buf data = {.max = DATA_MAX_BYTES};
    enum status st = file_read(path, &data, err);
    struct span rest = buf_view(&data), line;
    while (!st && span_line(&rest, &line))
        st = load_line(source, line, err);
    return st;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct memory_source *source = memory_source_open();
    bool rules_of_2 = argc > 2 && span_is(span_of(argv[2]), "--rules-of-2");
    if (argc < 2 || load(source, argv[1], &err)) {
        fprintf(stderr, "promqleval: %s\n", argc < 2 ? "which data?" : err.text);
        return 2;
    }
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        auto_buf out = {0};
        struct ask ask = {0};
        size_t len = (size_t)n - (line[n - 1] == '\n');
        if (ask_parse(span_from(line, len), &ask))
            answer(memory_source_face(source), rules_of_2, &ask, &out);
        buf_char(&out, '\n');
        fwrite(out.at, 1, out.len, stdout);
        fflush(stdout);
    }
    free(line);
    memory_source_close(source);
    return 0;
}
