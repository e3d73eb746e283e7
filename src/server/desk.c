#include "server/desk.h"

#include "advise/profile.h"

enum status desk_reload(const struct desk *d, struct err *err)
{
    return adviser_reload(d->adviser, d->config, err);
}

static enum status reload(const struct desk *d, struct buf *answer, struct err *err)
{
    enum status st = desk_reload(d, err);
    if (st) { /* what is wrong is the file: the request was right, but cannot be done */
        struct err why = *err;
        return err_set(err, INVALID, "the old rules and the old model stay: %s", why.text);
    }
    struct json j = json_to(answer);
    json_begin_object(&j);
    json_field_i64(&j, "rules", (int64_t)adviser_rules(d->adviser));
    json_end_object(&j);
    return OK;
}

static void model_json(const struct desk *d, struct buf *answer)
{
    const struct model *m = adviser_model(d->adviser);
    struct json j = json_to(answer);
    json_begin_object(&j);
    json_field_bool(&j, "loaded", m != NULL);
    if (m) {
        const char *const *features = model_features(m);
        json_field(&j, "file", model_name(m));
        json_field(&j, "checksum", model_checksum(m));
        json_field(&j, "version", model_version(m));
        json_field_i64(&j, "inputs", (int64_t)model_inputs(m));
        json_field_i64(&j, "outputs", (int64_t)model_outputs(m));
        json_key(&j, "features");
        json_begin_array(&j);
        for (size_t i = 0; features && i < model_inputs(m); i++)
            json_text(&j, features[i]);
        json_end_array(&j);
    }
    json_end_object(&j);
}

typedef enum status (*host_fn)(struct adviser *a, struct source *source, struct span instance,
                               int64_t now_ms, struct json *j, struct err *err);

static enum status of_host(const struct desk *d, const struct advice_question *q, host_fn fn,
                           struct buf *answer, struct err *err)
{
    struct json j = json_to(answer);
    struct source *view = store_read_begin(d->store);
    enum status st = fn(d->adviser, view, q->host, q->now_ms, &j, err);
    store_read_end(view);
    return st;
}

enum status desk_answer(const struct desk *d, const struct advice_question *q, struct buf *answer,
                        struct err *err)
{
    struct json j = json_to(answer);
    switch (q->what) {
    case ASK_APPLIED:
        return follow_applied(d->follow, q->id, q->who, q->now_ms, err);
    case ASK_DISMISS:
        return follow_dismiss(d->follow, q->id, q->who, q->now_ms, err);
    case ASK_REOPEN:
        return follow_reopen(d->follow, q->id, q->who, q->now_ms, err);
    case ASK_RULES:
        adviser_rules_json(d->adviser, &j);
        return OK;
    case ASK_RELOAD:
        return reload(d, answer, err);
    case ASK_MODEL:
        model_json(d, answer);
        return OK;
    case ASK_PROFILES:
        adviser_profiles_json(d->adviser, &j);
        return OK;
    case ASK_HOST_PROFILES:
        return of_host(d, q, advise_profiles_json, answer, err);
    case ASK_HOST_CHECKS:
        return of_host(d, q, advise_checks_json, answer, err);
    }
    return err_set(err, UNSUPPORTED, "no such question");
}
