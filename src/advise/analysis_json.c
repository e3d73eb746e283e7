/* An analysis as JSON (docs/API.md) and as series. */
#include "advise/advise.h"

#include <math.h>
#include <stdio.h>

static void json_number_or_null(struct json *j, const char *key, bool has, double v)
{
    json_key(j, key);
    if (has)
        json_double(j, v);
    else
        json_put_null(j);
}

static void evidence_json(struct json *j, const struct finding *f)
{
    json_key(j, "evidence");
    json_begin_array(j);
    for (size_t i = 0; i < f->n_evidence; i++) {
        json_begin_object(j);
        json_field(j, "expr", f->evidence[i].expr);
        json_field(j, "text", f->evidence[i].text);
        json_number_or_null(j, "value", f->evidence[i].has_value, f->evidence[i].value);
        json_number_or_null(j, "threshold", f->evidence[i].has_threshold, f->evidence[i].threshold);
        json_field(j, "unit", f->evidence[i].unit);
        json_key(j, "window_s");
        if (f->evidence[i].window_ms)
            json_i64(j, f->evidence[i].window_ms / 1000);
        else
            json_put_null(j);
        json_end_object(j);
    }
    json_end_array(j);
}

static void lines_json(struct json *j, const struct finding *f)
{
    json_key(j, "lines");
    json_begin_array(j);
    for (size_t i = 0; i < f->n_lines; i++) {
        json_begin_object(j);
        json_field(j, "line", f->lines[i].line);
        json_field(j, "file", f->lines[i].file);
        json_end_object(j);
    }
    json_end_array(j);
}

static void set_by_json(struct json *j, const struct finding *f)
{
    json_key(j, "set_by");
    if (!f->set_by_file) {
        json_put_null(j);
        return;
    }
    json_begin_object(j);
    json_field(j, "file", f->set_by_file);
    json_field(j, "value", f->set_by_value);
    json_end_object(j);
}

static void held_json(struct json *j, const struct analysis *a)
{
    json_key(j, "held_back");
    json_begin_array(j);
    for (size_t i = 0; i < a->n_held; i++) {
        const struct held_back *h = &a->held[i];
        json_begin_object(j);
        json_field(j, "rule", h->rule);
        json_field(j, "title", h->title);
        json_field(j, "parameter", h->parameter);
        json_field(j, "why", h->why);
        json_key(j, "until_ms");
        if (h->until_ms < INT64_MAX)
            json_i64(j, h->until_ms);
        else
            json_put_null(j);
        json_end_object(j);
    }
    json_end_array(j);
}

void finding_json(struct json *j, const struct finding *f)
{
    json_begin_object(j);
    json_key(j, "id");
    if (f->id)
        json_i64(j, f->id);
    else
        json_put_null(j);
    json_field(j, "rule", f->rule);
    json_field(j, "subject", f->subject);
    json_field(j, "class", class_names[f->class]);
    json_field(j, "kind", kind_names[f->kind]);
    json_field(j, "title", f->title);
    json_field(j, "parameter", f->parameter);
    json_field(j, "from", f->from);
    json_field(j, "to", f->to);
    json_field(j, "sentence", f->sentence);
    evidence_json(j, f);
    json_field(j, "effect", f->effect);
    json_field(j, "line", f->line);
    json_field(j, "file", f->file);
    lines_json(j, f);
    set_by_json(j, f);
    json_field(j, "command", f->command);
    json_field(j, "undo", f->undo);
    json_field(j, "takes_effect", f->takes_effect);
    json_field(j, "risk", f->risk);
    json_field(j, "check", f->check);
    json_field(j, "source", f->source);
    json_field(j, "confidence", f->low_confidence ? "low" : "high");
    json_field_i64(j, "since_ms", f->since_ms);
    json_end_object(j);
}

static void probabilities_json(struct json *j, const struct analysis *a)
{
    json_key(j, "probabilities");
    if (!a->has_probabilities) {
        json_put_null(j);
        return;
    }
    json_begin_array(j);
    for (size_t c = 0; c < CLASSES; c++)
        json_double(j, a->probabilities[c]);
    json_end_array(j);
}

static void closest_json(struct json *j, const struct analysis *a)
{
    json_key(j, "closest");
    json_begin_array(j);
    for (size_t i = 0; i < a->n_closest; i++) {
        json_begin_object(j);
        json_field(j, "rule", a->closest[i].rule);
        json_field(j, "title", a->closest[i].title);
        json_field_double(j, "use", a->closest[i].use);
        json_end_object(j);
    }
    json_end_array(j);
}

void analysis_json(struct json *j, const struct analysis *a)
{
    json_begin_object(j);
    json_key(j, "id");
    if (a->id)
        json_i64(j, a->id);
    else
        json_put_null(j);
    json_field_i64(j, "at_ms", a->at_ms);
    json_field_bool(j, "preliminary", a->preliminary);
    json_field_i64(j, "predicted_class", a->class);
    json_field(j, "recommendation", class_recommendations[a->class]);
    json_field_bool(j, "uncertain", a->uncertain);
    probabilities_json(j, a);
    json_field(j, "summary", a->summary);
    json_field_i64(j, "checks", (int64_t)a->checks);
    json_field_i64(j, "silent", (int64_t)a->silent);
    closest_json(j, a);
    json_key(j, "findings");
    json_begin_array(j);
    for (size_t i = 0; i < a->n_findings; i++)
        finding_json(j, &a->findings[i]);
    json_end_array(j);
    held_json(j, a);
    json_end_object(j);
}

/* "50G", as df -h says it. */
static void size_json(struct json *j, const char *key, double gigabytes)
{
    char text[32];
    snprintf(text, sizeof text, gigabytes < 10 ? "%.1fG" : "%.0fG", gigabytes);
    json_field(j, key, isfinite(gigabytes) ? text : NULL);
}

static void whole_json(struct json *j, const char *key, double v)
{
    json_number_or_null(j, key, isfinite(v), fabs(v) < 1e15 ? round(v) : v);
}

void analysis_data_json(struct json *j, const struct analysis *a)
{
    const double *v = a->eleven;
    json_begin_object(j);
    if (a->instance.len)
        json_field_span(j, "server_id", a->instance);
    whole_json(j, "total_memory", v[0]);
    whole_json(j, "used_memory", v[1]);
    json_number_or_null(j, "cpu_usage", isfinite(v[2]), round(v[2] * 100) / 100);
    size_json(j, "total_disk", v[3]);
    size_json(j, "used_disk", v[4]);
    whole_json(j, "total_swap", v[5]);
    whole_json(j, "used_swap", v[6]);
    json_key(j, "kernel_params");
    json_begin_object(j);
    whole_json(j, "fs.file-max", v[7]);
    whole_json(j, "net.ipv4.tcp_fin_timeout", v[8]);
    whole_json(j, "kernel.msgmax", v[9]);
    whole_json(j, "vm.swappiness", v[10]);
    json_end_object(j);
    json_end_object(j);
}

/* ---- series ---- */

struct series_list {
    struct arena *arena;
    struct analysis_sample *at;
    size_t n, size;
};

static void add(struct series_list *l, struct label_builder *b, double v)
{
    if (l->n == l->size) {
        size_t size = MAX(l->size * 2, (size_t)16);
        l->at = arena_grow(l->arena, l->at, l->n * sizeof *l->at, size * sizeof *l->at);
        l->size = size;
    }
    l->at[l->n++] = (struct analysis_sample){labels_dup(l->arena, label_builder_end(b)), v};
}

static struct label_builder start(const struct analysis *a, const char *metric)
{
    struct label_builder b = {0};
    label_set(&b, SPAN(LABEL_NAME), span_of(metric));
    label_set(&b, SPAN("instance"), a->instance);
    label_set(&b, SPAN("job"), SPAN("galen"));
    return b;
}

static void add_finding(struct series_list *l, const struct analysis *a, const struct finding *f,
                        double v)
{
    struct label_builder b = start(a, "galen_finding");
    label_set(&b, SPAN("rule"), span_of(f->rule));
    label_set(&b, SPAN("class"), span_of(class_names[f->class]));
    label_set(&b, SPAN("kind"), span_of(kind_names[f->kind]));
    label_set(&b, SPAN("parameter"), span_of(f->parameter));
    label_set(&b, SPAN("subject"), span_of(f->subject));
    add(l, &b, v);
}

size_t analysis_series(const struct analysis *a, struct arena *arena, struct analysis_sample **out)
{
    struct series_list l = {.arena = arena};
    for (unsigned c = 0; c < CLASSES; c++) {
        struct label_builder b = start(a, "galen_recommendation");
        label_set(&b, SPAN("class"), span_of(class_names[c]));
        add(&l, &b, c == a->class);
        b = start(a, "galen_recommendation_probability");
        label_set(&b, SPAN("class"), span_of(class_names[c]));
        if (a->has_probabilities)
            add(&l, &b, a->probabilities[c]);
    }
    for (size_t i = 0; i < a->n_findings; i++)
        add_finding(&l, a, &a->findings[i], 1);
    for (size_t i = 0; i < a->n_ended; i++)
        add_finding(&l, a, &a->ended[i], bits_double(STALE_NAN_BITS));
    *out = l.at;
    return l.n;
}
