/* Silences, channels, routes and rule files: documents of the record, checked before they take
 * effect, each with a version. If-Match guards against lost updates: without it the last one wins,
 * with another version the answer is 412. 409 is for names that are taken. */
#include "api/call.h"

#include "alert/route.h"
#include "base/clock.h"
#include "base/json.h"
#include "notify/notify.h"
#include "record/alerts.h"

#include <jansson.h>
#include <stdlib.h>

enum { RULE_FILES_MAX = 100, DELIVERIES_DEFAULT = 100 };

struct document_job {
    struct document_row row;
    int64_t expected, before_id, limit;
    size_t most;
};

static bool read_id(struct call *c, int64_t *out)
{
    if (span_i64(c->id, out) && *out > 0)
        return true;
    http_problem(c->req, 404, "there is nothing with the number %.*s",
                 (int)MIN(c->id.len, (size_t)40), c->id.at);
    return false;
}

/* NULL: If-Match is none, and that is answered. */
static struct document_job *job_new(struct call *c, struct span kind, size_t most)
{
    struct document_job *job = ARENA_NEW(http_request_arena(c->req), struct document_job);
    *job = (struct document_job){
        .row = {.kind = kind, .changed_by = span_of(c->who.name), .changed_ms = clock_wall_ms()},
        .most = most};
    return api_if_match(c, &job->expected) ? job : NULL;
}

static struct span dumped(struct call *c, const json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT);
    struct span copy = span_of(arena_dup(http_request_arena(c->req), text ? text : "{}"));
    free(text);
    return copy;
}

/* ---- what all of them do ---- */

static void put_head(struct json *j, const struct document_row *d)
{
    json_field_i64(j, "id", d->id);
    json_field_i64(j, "version", d->version);
    json_field_span(j, "name", d->name);
    json_field_span(j, "changed_by", d->changed_by);
    json_field_i64(j, "changed_ms", d->changed_ms);
}

static enum status audit(struct call *c, const struct document_row *d, const char *what)
{
    auto_buf text = {0}, detail = {0};
    buf_printf(&text, "%.*s %s", SPAN_ARG(d->kind), what);
    buf_printf(&detail, "%lld %.*s", (long long)d->id, SPAN_ARG(d->name));
    return record_audit(c->api->record, d->changed_ms, d->changed_by, buf_view(&text),
                        buf_view(&detail), NULL);
}

/* Is it at another version than was expected? */
static bool is_outdated(struct call *c, const struct document_job *job, struct arena *arena)
{
    struct document_row now = {0};
    if (job->expected < 0 || record_document(c->api->record, job->row.kind, job->row.id,
                                             job->row.name, arena, &now, NULL))
        return false;
    return now.version != job->expected;
}

static enum status put(struct call *c, void *arg, struct arena *arena, struct buf *body,
                       struct err *err)
{
    struct document_job *job = arg;
    bool new = job->row.id == 0;
    enum status st = record_document_put(c->api->record, &job->row, job->expected, job->most, err);
    if (st == EXISTS)
        c->outdated = is_outdated(c, job, arena);
    if (st)
        return st;
    c->versioned = true;
    c->version = job->row.version;
    (void)!audit(c, &job->row, new ? "created" : "changed");
    c->api->alerts.changed(c->api->alerts.arg, job->row.kind);
    struct json j = json_to(body);
    json_begin_object(&j);
    put_head(&j, &job->row);
    json_end_object(&j);
    return OK;
}

static enum status delete (struct call *c, void *arg, struct arena *arena, struct buf *body UNUSED,
                           struct err *err) {
    struct document_job *job = arg; c->outdated = is_outdated(c, job, arena);
    if (c->outdated) return err_set(err, EXISTS, "it has been changed since");
    enum status st = record_document_delete(c->api->record, job->row.kind, job->row.id, err);
    if (st) return st;
    (void)!audit(c, &job->row, "deleted");
    c->api->alerts.changed(c->api->alerts.arg, job->row.kind);
    return OK;
}

static void delete_one(struct call *c, struct span kind)
{
    struct document_job *job = job_new(c, kind, 0);
    if (job && read_id(c, &job->row.id))
        api_work(c, delete, job);
}

/* ---- silences ---- */

static void put_silences(struct json *j, const struct document_row *rows, size_t n)
{
    json_key(j, "silences");
    json_begin_array(j);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(j);
        put_head(j, &rows[i]);
        json_key(j, "silence");
        json_raw(j, rows[i].json);
        json_end_object(j);
    }
    json_end_array(j);
}

static enum status list_silences(struct call *c, void *arg UNUSED, struct arena *arena,
                                 struct buf *body, struct err *err)
{
    struct document_row *rows;
    size_t n;
    enum status st = record_documents(c->api->record, SPAN("silence"), arena, &rows, &n, err);
    struct json j = json_to(body);
    if (st)
        return st;
    json_begin_object(&j);
    put_silences(&j, rows, n);
    json_end_object(&j);
    return OK;
}

void silences_list(struct call *c)
{
    api_work(c, list_silences, NULL);
}

static void put_silence(struct call *c, int64_t id)
{
    struct document_job *job = job_new(c, SPAN("silence"), SILENCES_MAX);
    struct err err = {0};
    json_t *body = job ? api_body(c) : NULL;
    if (!body)
        return;
    json_object_set_new(body, "created_by", json_string(c->who.name));
    job->row.id = id;
    job->row.json = dumped(c, body);
    job->row.name = span_of(arena_printf(http_request_arena(c->req), "%016llx",
                                         (unsigned long long)span_hash(job->row.json)));
    json_decref(body);
    struct silences *probe = silences_open();
    enum status st = silences_add(probe, 1, job->row.json, &err);
    silences_close(probe);
    if (st)
        api_failure(c, st, &err);
    else
        api_work(c, put, job);
}

void silences_create(struct call *c)
{
    put_silence(c, 0);
}

void silences_replace(struct call *c)
{
    int64_t id;
    if (read_id(c, &id))
        put_silence(c, id);
}

void silences_delete(struct call *c)
{
    delete_one(c, SPAN("silence"));
}

/* ---- channels ---- */

static void put_channel(struct json *j, const struct document_row *d)
{
    auto_buf masked = {0};
    json_t *root = json_loadb(d->json.at, d->json.len, 0, NULL);
    char *config = json_dumps(json_object_get(root, "config"), JSON_COMPACT);
    json_begin_object(j);
    put_head(j, d);
    json_field(j, "kind", json_string_value(json_object_get(root, "kind")));
    json_field_bool(j, "enabled", !json_is_false(json_object_get(root, "enabled")));
    json_key(j, "config");
    json_raw(j, config && !notify_masked(span_of(config), &masked, NULL) ? buf_view(&masked)
                                                                         : SPAN("{}"));
    json_end_object(j);
    if (config)
        explicit_bzero(config, strlen(config));
    free(config);
    json_decref(root);
}

static enum status list_channels(struct call *c, void *arg UNUSED, struct arena *arena,
                                 struct buf *body, struct err *err)
{
    struct document_row *rows;
    size_t n;
    enum status st = record_documents(c->api->record, SPAN("channel"), arena, &rows, &n, err);
    struct json j = json_to(body);
    if (st)
        return st;
    json_begin_object(&j);
    json_key(&j, "channels");
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++)
        put_channel(&j, &rows[i]);
    json_end_array(&j);
    json_end_object(&j);
    return OK;
}

void channels_list(struct call *c)
{
    api_work(c, list_channels, NULL);
}

/* {"set":true} keeps the secret that is there. */
static enum status merge_secrets(struct call *c, struct document_job *job, struct arena *arena,
                                 struct err *err)
{
    struct document_row old = {.json = SPAN("{}")};
    auto_buf merged = {0}, sealed = {0};
    json_t *new_root = json_loadb(job->row.json.at, job->row.json.len, 0, NULL), *old_root;
    enum status st = OK;
    if (job->row.id)
        st = record_document(c->api->record, SPAN("channel"), job->row.id, SPAN(""), arena, &old,
                             err);
    old_root = json_loadb(old.json.at, old.json.len, 0, NULL);
    char *new_config = json_dumps(json_object_get(new_root, "config"), JSON_COMPACT);
    char *old_config = json_dumps(json_object_get(old_root, "config"), JSON_COMPACT);
    const char *kind = json_string_value(json_object_get(new_root, "kind"));
    if (!st)
        st = notify_unmasked(span_of(new_config ? new_config : "{}"),
                             span_of(old_config ? old_config : "{}"), &merged, err);
    if (!st && strcmp(kind ? kind : "", "browser") != 0)
        st = notify_check(span_of(kind ? kind : ""), buf_view(&merged), c->api->alerts.notify, err);
    if (!st)
        st = notify_sealed(buf_view(&merged), c->api->alerts.notify, &sealed, err);
    if (!st) {
        json_object_set_new(new_root, "config", json_loads(buf_text(&sealed), 0, NULL));
        char *whole = json_dumps(new_root, JSON_COMPACT);
        job->row.json = span_of(arena_dup(arena, whole ? whole : "{}"));
        free(whole);
    }
    free(new_config);
    free(old_config);
    json_decref(new_root);
    json_decref(old_root);
    return st;
}

static enum status put_channel_document(struct call *c, void *arg, struct arena *arena,
                                        struct buf *body, struct err *err)
{
    enum status st = merge_secrets(c, arg, arena, err);
    return st ? st : put(c, arg, arena, body, err);
}

static void channel_from_body(struct call *c, int64_t id)
{
    struct document_job *job = job_new(c, SPAN("channel"), CHANNELS_MAX);
    struct span name, kind;
    json_t *body = job ? api_body(c) : NULL;
    if (!body)
        return;
    bool fine = api_member(c, body, "name", &name) && api_member(c, body, "kind", &kind);
    if (fine) {
        job->row.id = id;
        job->row.name = arena_span(http_request_arena(c->req), name);
        job->row.json = dumped(c, body);
    }
    json_decref(body);
    if (fine)
        api_work(c, put_channel_document, job);
}

void channels_create(struct call *c)
{
    channel_from_body(c, 0);
}

void channels_replace(struct call *c)
{
    int64_t id;
    if (read_id(c, &id))
        channel_from_body(c, id);
}

void channels_delete(struct call *c)
{
    delete_one(c, SPAN("channel"));
}

static enum status test(struct call *c, void *arg, struct arena *arena UNUSED, struct buf *body,
                        struct err *err)
{
    const struct document_job *job = arg;
    struct err why = {0};
    enum status st = c->api->alerts.test(c->api->alerts.arg, job->row.id, &why);
    if (st == NOT_FOUND)
        return err_set(err, NOT_FOUND, "%s", why.text);
    struct json j = json_to(body);
    json_begin_object(&j);
    json_field_bool(&j, "sent", !st);
    json_field(&j, "error", st ? why.text : NULL);
    json_end_object(&j);
    return OK;
}

void channels_test(struct call *c)
{
    struct document_job *job = job_new(c, SPAN("channel"), 0);
    if (job && read_id(c, &job->row.id))
        api_work(c, test, job);
}

static enum status deliveries(struct call *c, void *arg, struct arena *arena, struct buf *body,
                              struct err *err)
{
    const struct document_job *job = arg;
    struct delivery_row *rows;
    size_t n;
    enum status st = record_deliveries(c->api->record, job->row.id, job->before_id,
                                       (size_t)job->limit, arena, &rows, &n, err);
    struct json j = json_to(body);
    if (st)
        return st;
    json_begin_object(&j);
    json_key(&j, "deliveries");
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(&j);
        json_field_i64(&j, "id", rows[i].id);
        json_field_span(&j, "group", rows[i].group_key);
        json_field_span(&j, "recipient", rows[i].recipient);
        json_field_span(&j, "state", rows[i].state);
        json_field_i64(&j, "attempts", rows[i].attempts);
        json_field_i64(&j, "created_ms", rows[i].created_ms);
        json_field_i64(&j, "next_ms", rows[i].next_ms);
        json_field_i64(&j, "done_ms", rows[i].done_ms);
        json_field_span(&j, "error", rows[i].error);
        json_end_object(&j);
    }
    json_end_array(&j);
    json_field(&j, "next",
               n == (size_t)job->limit ? arena_printf(arena, "%lld", (long long)rows[n - 1].id)
                                       : NULL);
    json_end_object(&j);
    return OK;
}

void channels_deliveries(struct call *c)
{
    struct document_job *job = job_new(c, SPAN("channel"), 0);
    struct err err = {0};
    enum status st;
    if (!job || !read_id(c, &job->row.id))
        return;
    job->limit = DELIVERIES_DEFAULT;
    if ((st = api_whole_param(c->req, "limit", 1, ALERTS_LIMIT_MAX, &job->limit, &err)) ||
        (st = api_whole_param(c->req, "cursor", 1, INT64_MAX, &job->before_id, &err)))
        api_failure(c, st, &err);
    else
        api_work(c, deliveries, job);
}

/* ---- routes: one document ---- */

static enum status show_routing(struct call *c, void *arg UNUSED, struct arena *arena,
                                struct buf *body, struct err *err)
{
    struct document_row *rows;
    size_t n;
    enum status st = record_documents(c->api->record, SPAN("routes"), arena, &rows, &n, err);
    struct json j = json_to(body);
    if (st)
        return st;
    c->versioned = true;
    c->version = n ? rows[0].version : 0;
    json_begin_object(&j);
    json_field_i64(&j, "version", c->version);
    json_field_bool(&j, "default", n == 0);
    json_key(&j, "routes");
    json_raw(&j, n ? rows[0].json : span_of(routing_default));
    json_end_object(&j);
    return OK;
}

void routing_show(struct call *c)
{
    api_work(c, show_routing, NULL);
}

static enum status put_routing(struct call *c, void *arg, struct arena *arena, struct buf *body,
                               struct err *err)
{
    struct document_job *job = arg;
    struct document_row *rows;
    size_t n;
    enum status st = record_documents(c->api->record, SPAN("routes"), arena, &rows, &n, err);
    if (!st && n)
        job->row.id = rows[0].id;
    if (!st && !n && job->expected > 0) {
        c->outdated = true;
        return err_set(err, EXISTS, "nobody has written routes: they are at version 0");
    }
    return st ? st : put(c, job, arena, body, err);
}

void routing_put(struct call *c)
{
    struct document_job *job = job_new(c, SPAN("routes"), 1);
    struct routing *probe;
    struct err err = {0};
    if (!job)
        return;
    enum status st = routing_read(http_request_body(c->req), &probe, &err);
    if (!st && !http_request_body(c->req).len)
        st = err_set(&err, INVALID, "the body must be the routes as JSON");
    routing_close(probe);
    if (st) {
        api_failure(c, st, &err);
        return;
    }
    job->row.name = SPAN("routes");
    job->row.json = arena_span(http_request_arena(c->req), http_request_body(c->req));
    api_work(c, put_routing, job);
}

/* ---- rule files ---- */

static void put_rule_text(struct json *j, const struct document_row *d)
{
    json_begin_object(j);
    put_head(j, d);
    json_field_span(j, "text", d->json);
    json_end_object(j);
}

static enum status list_rule_files(struct call *c, void *arg UNUSED, struct arena *arena,
                                   struct buf *body, struct err *err)
{
    struct document_row *rows;
    size_t n;
    enum status st = record_documents(c->api->record, SPAN("rules"), arena, &rows, &n, err);
    struct json j = json_to(body);
    if (st)
        return st;
    json_begin_object(&j);
    json_key(&j, "files");
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++)
        put_rule_text(&j, &rows[i]);
    json_end_array(&j);
    json_end_object(&j);
    return OK;
}

void rule_files_list(struct call *c)
{
    api_work(c, list_rule_files, NULL);
}

static enum status show_rule_file(struct call *c, void *arg, struct arena *arena, struct buf *body,
                                  struct err *err)
{
    const struct document_job *job = arg;
    struct document_row row;
    enum status st =
        record_document(c->api->record, SPAN("rules"), job->row.id, SPAN(""), arena, &row, err);
    struct json j = json_to(body);
    if (st)
        return st;
    c->versioned = true;
    c->version = row.version;
    put_rule_text(&j, &row);
    return OK;
}

void rule_files_show(struct call *c)
{
    struct document_job *job = job_new(c, SPAN("rules"), 0);
    if (job && read_id(c, &job->row.id))
        api_work(c, show_rule_file, job);
}

static void put_rule_file(struct call *c, int64_t id)
{
    struct document_job *job = job_new(c, SPAN("rules"), RULE_FILES_MAX);
    struct alert_rules probe;
    struct span name, text;
    struct err err = {0};
    json_t *body = job ? api_body(c) : NULL;
    if (!body)
        return;
    bool fine = api_member(c, body, "name", &name) && api_member(c, body, "text", &text);
    if (fine) {
        job->row.id = id;
        job->row.name = arena_span(http_request_arena(c->req), name);
        job->row.json = arena_span(http_request_arena(c->req), text);
    }
    json_decref(body);
    if (!fine)
        return;
    rules_init(&probe);
    enum status st =
        rules_read(&probe, job->row.json, arena_dup_span(http_request_arena(c->req), job->row.name),
                   RULE_INTERVAL_MS, &err);
    rules_free(&probe);
    if (st)
        api_failure(c, st, &err);
    else
        api_work(c, put, job);
}

void rule_files_create(struct call *c)
{
    put_rule_file(c, 0);
}

void rule_files_replace(struct call *c)
{
    int64_t id;
    if (read_id(c, &id))
        put_rule_file(c, id);
}

void rule_files_delete(struct call *c)
{
    delete_one(c, SPAN("rules"));
}
