/* JSON: objects one after the other, one on each line, or as elements of one array. An object is
 *
 *   {"metric":{"__name__":...},"values":[1,2.5,"NaN"],"timestamps":[ms,ms,ms]}
 *   {"metric":{"__name__":...},"values":[[s,"1"],...]} or "value":[s,"1"]    Prometheus's answers,
 *       also whole: {"status":"success","data":{"result":[...]}}
 *   {"total_memory":...,"kernel_params":{...}}    the seeds' payload, with "timestamp" or now
 *
 * Where the first object ends on its own line every object has to: then a broken line spoils that
 * line alone. */
#include "exchange/exchange.h"
#include "exchange/text.h"

#include <jansson.h>

struct json_in {
    size_t scanned, depth; /* of the object under way */
    bool begun, quoted, escaped;
    bool objects;            /* there was one */
    bool knows_lines, lines; /* an object on each line */
    struct arena arena;
};

struct object {
    struct json_in *state;
    struct importer *in;
    size_t line_no;
    struct err *err;
};

/* ---- numbers ---- */

static bool number_of(const json_t *v, double *out)
{
    if (json_is_null(v)) { /* as VictoriaMetrics exports NaN */
        *out = bits_double(NORMAL_NAN_BITS);
        return true;
    }
    if (json_is_string(v))
        return value_parse(span_from(json_string_value(v), json_string_length(v)), out);
    *out = json_number_value(v);
    return json_is_number(v);
}

static bool time_of(const json_t *v, int64_t *out)
{
    if (json_is_string(v))
        return when_parse(span_from(json_string_value(v), json_string_length(v)), out);
    return json_is_number(v) && when_number(json_number_value(v), out);
}

/* ---- one object ---- */

static bool metric_of(struct object *o, const json_t *metric, struct label_builder *b)
{
    const char *name;
    json_t *value;
    b->n = 0, b->failed = false;
    if (!json_is_object(metric)) {
        importer_bad(o->in, o->line_no, "\"metric\" should be an object of labels");
        return false;
    }
    json_object_foreach((json_t *)metric, name, value)
    {
        if (!json_is_string(value)) {
            importer_bad(o->in, o->line_no, "the value of label \"%.100s\" is not text", name);
            return false;
        }
        label_set(b, span_of(name), span_from(json_string_value(value), json_string_length(value)));
    }
    return true;
}

/* [seconds, value] as Prometheus answers: always seconds, however small. */
static bool pair_of(const json_t *pair, struct sample *s)
{
    const json_t *t = json_array_get(pair, 0);
    double seconds = json_number_value(t);
    if (json_array_size(pair) != 2 || !json_is_number(t) || !(seconds > -9e12 && seconds < 9e12))
        return false;
    s->t_ms = (int64_t)(seconds * 1000 + (seconds < 0 ? -0.5 : 0.5));
    return number_of(json_array_get(pair, 1), &s->v);
}

static enum status take_series(struct object *o, const json_t *root)
{
    struct label_builder b;
    const json_t *values = json_object_get(root, "values"), *one = json_object_get(root, "value");
    const json_t *times = json_object_get(root, "timestamps");
    size_t n = one ? 1 : json_array_size(values);
    struct sample *s = ARENA_ARRAY(&o->state->arena, struct sample, n);
    if (!metric_of(o, json_object_get(root, "metric"), &b))
        return OK;
    if (!one && !json_is_array(values)) {
        importer_bad(o->in, o->line_no, "\"values\" should be an array");
        return OK;
    }
    if (times && json_array_size(times) != n) {
        importer_bad(o->in, o->line_no, "%zu values, but %zu timestamps", n,
                     json_array_size(times));
        return OK;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *v = one ? one : json_array_get(values, i);
        bool good = times ? number_of(v, &s[i].v) && time_of(json_array_get(times, i), &s[i].t_ms)
                          : pair_of(v, &s[i]);
        if (!good) {
            importer_bad(o->in, o->line_no,
                         times ? "value or timestamp %zu is not a number"
                               : "value %zu is not [seconds, \"value\"], and there are no "
                                 "\"timestamps\"",
                         i + 1);
            return OK;
        }
    }
    return importer_take(o->in, o->line_no, &b, s, n, o->err);
}

struct payload_taking {
    struct object *o;
    enum status status;
};

static void put(void *arg, struct labels labels, struct sample s)
{
    struct payload_taking *t = arg;
    struct label_builder b;
    label_builder_start(&b, labels);
    if (!t->status)
        t->status = importer_take(t->o->in, t->o->line_no, &b, &s, 1, t->o->err);
}

static enum status take_payload(struct object *o, const json_t *root)
{
    struct payload_taking t = {.o = o};
    struct err why = {0};
    struct span instance = {0};
    int64_t at_ms = importer_now(o->in);
    const json_t *when = json_object_get(root, "timestamp");
    if (when && !time_of(when, &at_ms)) {
        importer_bad(o->in, o->line_no, "\"timestamp\" is not a time");
        return OK;
    }
    if (payload_instance(root, SPAN(""), &instance, &why) ||
        payload_series(root, instance, at_ms, put, &t, &why))
        importer_bad(o->in, o->line_no, "%s", why.text);
    return t.status;
}

static enum status take_value(struct object *o, const json_t *root)
{
    const json_t *result = json_object_get(json_object_get(root, "data"), "result");
    if (json_object_get(root, "metric"))
        return take_series(o, root);
    if (payload_is(root))
        return take_payload(o, root);
    if (!json_is_array(result)) {
        importer_bad(o->in, o->line_no,
                     "the object has neither \"metric\" with \"values\" and "
                     "\"timestamps\" nor the members of a payload");
        return OK;
    }
    enum status st = OK;
    for (size_t i = 0; !st && i < json_array_size(result); i++)
        st = take_series(o, json_array_get(result, i));
    return st;
}

static enum status take_object(struct json_in *j, struct importer *in, struct span text,
                               size_t line_no, struct err *err)
{
    json_error_t why;
    /* Integers as reals: -0 keeps its sign, and no integer is too large. */
    json_t *root =
        json_loadb(text.at, text.len, JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        importer_bad(in, line_no + (size_t)MAX(why.line - 1, 0), "not JSON: %s (column %d)",
                     why.text, why.column);
        return OK;
    }
    arena_reset(&j->arena);
    struct object o = {j, in, line_no, err};
    enum status st = take_value(&o, root);
    json_decref(root);
    return st;
}

/* ---- finding objects ---- */

static void begin_again(struct json_in *j)
{
    j->scanned = j->depth = 0;
    j->begun = j->quoted = j->escaped = false;
}

/* Takes one character into account; true when the object has ended with it. */
static bool step(struct json_in *j, char c)
{
    if (c == '\n' && !j->knows_lines) {
        j->knows_lines = true;
        j->lines = false;
    }
    if (c == '\n' && j->lines)
        return true; /* whether complete or not */
    if (j->escaped)
        j->escaped = false;
    else if (j->quoted && c == '\\')
        j->escaped = true;
    else if (c == '"')
        j->quoted = !j->quoted;
    else if (!j->quoted && (c == '{' || c == '['))
        j->depth++;
    else if (!j->quoted && (c == '}' || c == ']'))
        return --j->depth == 0;
    return false;
}

/* What stands between objects. */
static size_t skip_between(struct json_in *j, struct span text, size_t *line_no)
{
    size_t n = 0;
    for (; n < text.len && text.at[n] && strchr(" \t\r\n,[]", text.at[n]); n++)
        if (text.at[n] == '\n') {
            ++*line_no;
            j->lines = j->knows_lines ? j->lines : j->objects;
            j->knows_lines |= j->objects;
        }
    return n;
}

static size_t object_end(struct json_in *j, struct span text, bool last)
{
    for (size_t i = j->scanned; i < text.len; i++)
        if (step(j, text.at[i]))
            return i + 1;
    j->scanned = text.len;
    return last ? text.len : 0;
}

/* Something that is no object: up to the end of the line. */
static size_t stray(struct importer *in, struct span text, bool last, size_t line_no)
{
    size_t n = span_find(text, '\n');
    if (n == text.len && !last)
        return 0;
    importer_bad(in, line_no, "an object should begin here with {");
    return n;
}

static enum status eat(void *state, struct importer *in, struct span text, bool last,
                       size_t *line_no, size_t *eaten, struct err *err)
{
    struct json_in *j = state;
    while (*eaten < text.len) {
        struct span rest = span_from(text.at + *eaten, text.len - *eaten);
        size_t n = j->begun ? 0 : skip_between(j, rest, line_no);
        *eaten += n;
        rest = span_from(rest.at + n, rest.len - n);
        if (!rest.len)
            break;
        j->begun = true;
        bool object = rest.at[0] == '{';
        n = object ? object_end(j, rest, last) : stray(in, rest, last, *line_no);
        if (!n)
            break;
        begin_again(j);
        j->objects |= object;
        *eaten += n;
        struct span one = span_from(rest.at, n);
        enum status st = object ? take_object(j, in, one, *line_no, err) : OK;
        if (st)
            return st;
        for (size_t i = 0; i < n; i++)
            *line_no += one.at[i] == '\n';
    }
    return OK;
}

static void close_json(void *state)
{
    struct json_in *j = state;
    arena_free(&j->arena);
    free(j);
}

struct format_reader json_reader(void)
{
    return (struct format_reader){eat, close_json, mem_zero(1, sizeof(struct json_in))};
}
