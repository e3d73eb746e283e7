#include "api/prometheus_json.h"

#include "base/json.h"

void prometheus_time(struct buf *out, int64_t t_ms)
{
    if (t_ms < 0) {
        buf_char(out, '-');
        t_ms = -t_ms;
    }
    buf_i64(out, t_ms / 1000);
    if (t_ms % 1000)
        buf_printf(out, ".%03d", (int)(t_ms % 1000));
}

void prometheus_labels(struct buf *out, struct labels l)
{
    struct json j = json_to(out);
    json_begin_object(&j);
    for (size_t i = 0; i < l.n; i++) {
        json_key_span(&j, l.at[i].name);
        json_span(&j, l.at[i].value);
    }
    json_end_object(&j);
}

/* [1435781451.781,"0.5"] */
static void put_point(struct buf *out, int64_t t_ms, double v)
{
    buf_char(out, '[');
    prometheus_time(out, t_ms);
    buf_str(out, ",\"");
    buf_double_json(out, v);
    buf_str(out, "\"]");
}

/* ,"warnings":["..."] or nothing */
static void put_notes(struct buf *out, const char *key, const char **notes, size_t n)
{
    if (!n)
        return;
    struct json j = json_to(out);
    buf_printf(out, ",\"%s\":", key);
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++)
        json_text(&j, notes[i]);
    json_end_array(&j);
}

static void put_string(struct buf *out, const struct result *r)
{
    struct json j = json_to(out);
    buf_char(out, '[');
    prometheus_time(out, r->t_ms);
    buf_char(out, ',');
    json_span(&j, r->string);
    buf_char(out, ']');
}

/* Points of the series that is being written, as many as there is room for; true when all are. */
static bool write_points(struct result_writer *w, struct buf *out, size_t enough)
{
    const struct result_series *s = &w->result->series[w->series];
    while (w->point < s->n) {
        if (out->len >= enough)
            return false;
        if (w->point)
            buf_char(out, ',');
        put_point(out, s->at[w->point].t_ms, s->at[w->point].v);
        w->point++;
    }
    return true;
}

static bool write_series_list(struct result_writer *w, struct buf *out, size_t enough)
{
    const struct result *r = w->result;
    for (; w->series < r->n; w->series++, w->point = 0, w->opened = false) {
        const struct result_series *s = &r->series[w->series];
        if (!w->opened) {
            if (out->len >= enough)
                return false;
            buf_str(out, w->series ? ",{\"metric\":" : "{\"metric\":");
            prometheus_labels(out, s->labels);
            buf_str(out, r->kind == VALUE_MATRIX ? ",\"values\":[" : ",\"value\":");
            w->opened = true;
        }
        if (r->kind != VALUE_MATRIX)
            put_point(out, s->at[0].t_ms, s->at[0].v);
        else if (!write_points(w, out, enough))
            return false;
        buf_str(out, r->kind == VALUE_MATRIX ? "]}" : "}");
    }
    return true;
}

static void begin_result(const struct result *r, struct buf *out)
{
    static const char *const kinds[] = {
        [VALUE_SCALAR] = "scalar",
        [VALUE_STRING] = "string",
        [VALUE_VECTOR] = "vector",
        [VALUE_MATRIX] = "matrix",
    };
    buf_printf(
        out, "{\"status\":\"success\",\"data\":{\"resultType\":\"%s\",\"result\":", kinds[r->kind]);
    if (r->kind == VALUE_SCALAR)
        put_point(out, r->t_ms, r->scalar);
    else if (r->kind == VALUE_STRING)
        put_string(out, r);
    else
        buf_char(out, '[');
}

bool prometheus_result_write(struct result_writer *w, struct buf *out, size_t enough)
{
    const struct result *r = w->result;
    bool list = r->kind == VALUE_VECTOR || r->kind == VALUE_MATRIX;
    if (!w->begun)
        begin_result(r, out);
    w->begun = true;
    if (list && !write_series_list(w, out, enough))
        return false;
    if (list)
        buf_char(out, ']');
    if (w->stats.len) {
        buf_str(out, ",\"stats\":");
        buf_span(out, w->stats);
    }
    buf_char(out, '}');
    put_notes(out, "warnings", r->warnings, r->n_warnings);
    put_notes(out, "infos", r->infos, r->n_infos);
    buf_char(out, '}');
    return true;
}

int prometheus_error(struct buf *out, const char *type, const char *text)
{
    static const struct {
        const char *type;
        int http_status;
    } kinds[] = {
        {"bad_data", 400},    {"execution", 422}, {"timeout", 503},   {"canceled", 503},
        {"unavailable", 503}, {"internal", 500},  {"not_found", 404},
    };
    struct json j = json_to(out);
    json_begin_object(&j);
    json_field(&j, "status", "error");
    json_field(&j, "errorType", type);
    json_field(&j, "error", text);
    json_end_object(&j);
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (span_is(span_of(type), kinds[i].type))
            return kinds[i].http_status;
    return 500;
}

int prometheus_failure(struct buf *out, enum status st, const struct err *err)
{
    switch (st) {
    case NOT_FOUND:
        return prometheus_error(out, "not_found", err->text);
    case TIMED_OUT:
        return prometheus_error(out, "timeout", err->text);
    case AGAIN:
        return prometheus_error(out, "canceled", err->text);
    case INVALID:
    case UNSUPPORTED:
    case FULL:
        return prometheus_error(out, "execution", err->text);
    default:
        return prometheus_error(out, "internal", err->text);
    }
}
