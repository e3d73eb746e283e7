/* The JSON that the seeds' collector sends to /analyze. Its figures (exchange/payload.c) become
 * series of a host in memory, so that features, classifier and rules are the same ones that every
 * host gets. */
#include "advise/tick.h"

#include "exchange/exchange.h"

#include <jansson.h>

enum { PAYLOAD_MAX_BYTES = 256 << 10, OLDER_MS = 10 * 60 * 1000 };

struct payload {
    struct memory_source *to;
    struct span instance;
    int64_t now_ms;
    struct err *err;
};

/* The figures stand for themselves: with an older reading of the memory nothing is still to come.
 * Each series gets its samples in order: it cannot fail. */
static void add(void *arg, struct labels labels, struct sample s)
{
    struct payload *p = arg;
    struct sample older = {p->now_ms - OLDER_MS, s.v};
    if (span_is(labels_metric(labels), "node_memory_MemTotal_bytes"))
        (void)!memory_source_append(p->to, labels, older, NULL);
    (void)!memory_source_append(p->to, labels, s, NULL);
}

static enum status add_all(struct payload *p, const json_t *root, struct arena *arena)
{
    if (!json_is_object(root))
        return err_set(p->err, INVALID, "the body must be a JSON object");
    /* features are told apart by instance: it needs one */
    enum status st = payload_instance(root, SPAN("payload"), &p->instance, p->err);
    p->instance = arena_span(arena, p->instance);
    if (st)
        return st;
    return payload_series(root, p->instance, p->now_ms, add, p, p->err);
}

static void take_class(struct analysis *a, unsigned class)
{
    unsigned rules = a->n_findings ? a->findings[0].class : 0;
    a->class = class;
    a->uncertain = rules != class;
    if (class != rules)
        a->summary = class_recommendations[class];
}

/* A tick of an adviser that has no memory of other hosts, with the rules and model of ours. */
static enum status analyse(const struct adviser *a, struct payload *p, struct arena *arena,
                           struct analysis *out)
{
    struct adviser once = {
        .rules = a->rules, .model = a->model, .model_inputs = a->model_inputs, .one_look = true};
    struct advice advice;
    enum status st =
        advise_tick(&once, memory_source_face(p->to), p->now_ms, arena, &advice, p->err);
    if (!st && advice.n != 1)
        st = err_set(p->err, INVALID, "the payload gives no host to analyse");
    if (!st)
        *out = advice.hosts[0];
    /* A model of the seeds' kind answers as it did there: its likeliest class. */
    if (!st && a->model && !model_features(a->model) && out->has_probabilities)
        take_class(out, likeliest_class(out->probabilities));
    once.rules = NULL;
    once.model = NULL;
    once.model_inputs = NULL;
    adviser_forget(&once);
    return st;
}

enum status advise_payload(struct adviser *a, struct span json, int64_t now_ms, struct arena *arena,
                           struct analysis *out, struct err *err)
{
    *out = (struct analysis){0};
    if (json.len > PAYLOAD_MAX_BYTES)
        return err_set(err, FULL, "the body has more than %d bytes", PAYLOAD_MAX_BYTES);
    json_error_t why;
    json_t *root = json_loadb(json.len ? json.at : "", json.len, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return err_set(err, INVALID, "the body is not JSON: %s (line %d, column %d)", why.text,
                       why.line, why.column);
    struct payload p = {.to = memory_source_open(), .now_ms = now_ms, .err = err};
    enum status st = add_all(&p, root, arena);
    if (!st)
        st = analyse(a, &p, arena, out);
    if (!st && !json_is_string(json_object_get(root, "server_id")))
        out->instance = (struct span){0};
    json_decref(root);
    memory_source_close(p.to);
    return st;
}
