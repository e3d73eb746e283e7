/* What people see and choose of agents: settings, presets, processes, inventory, services. */
#include "api/link.h"

#include "base/clock.h"
#include "series/remote_write.h"

#include <jansson.h>
#include <stdio.h>

enum { PROCESSES_UNPACKED_MAX_BYTES = 1 << 20 };

/* The host of the address; replies 404 and returns false when there is none. */
static bool known_host(struct call *c, struct host_row *host)
{
    struct err err = {0};
    enum status st = record_host(c->api->record, c->id, http_request_arena(c->req), host, &err);
    if (st)
        api_failure(c, st, &err);
    return st == OK;
}

/* ---- settings ---- */

static void put_raw(struct json *j, const char *key, struct span json)
{
    json_key(j, key);
    if (json.len)
        json_raw(j, json);
    else
        json_put_null(j);
}

static void put_link(struct json *j, const struct link_state *s)
{
    json_begin_object(j);
    json_field_bool(j, "connected", s->connected);
    json_field(j, "state", s->state);
    json_field_i64(j, "applied_version", s->applied_version);
    json_key(j, "detail");
    if (s->detail.len)
        json_span(j, s->detail);
    else
        json_put_null(j);
    put_raw(j, "effective", s->effective);
    put_raw(j, "fixed", s->fixed);
    json_field_span(j, "agent_version", s->version);
    json_field_i64(j, "connected_ms", s->connected_ms);
    json_end_object(j);
}

static void reply_settings(struct call *c, const struct settings_row *row)
{
    struct host_settings settings;
    struct settings_faults faults;
    struct link_state link;
    host_settings_default(&settings);
    if (row->json.len &&
        !host_settings_parse(row->json, http_request_arena(c->req), &settings, &faults))
        host_settings_default(&settings);
    links_state(c->api->links, c->id, row->version, &link);
    auto_buf body = {0};
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_field_i64(&j, "version", row->version);
    json_key(&j, "settings");
    host_settings_write(&j, &settings);
    json_field_i64(&j, "changed_ms", row->changed_ms);
    json_field_span(&j, "changed_by", row->changed_by);
    json_key(&j, "link");
    put_link(&j, &link);
    json_end_object(&j);
    api_etag(c, row->version);
    api_json(c, 200, &body);
}

void agents_settings(struct call *c)
{
    struct host_row host;
    struct settings_row row;
    struct err err = {0};
    if (!known_host(c, &host))
        return;
    enum status st = record_settings(c->api->record, c->id, http_request_arena(c->req), &row, &err);
    if (st)
        api_failure(c, st, &err);
    else
        reply_settings(c, &row);
}

/* RFC 9457 with a member errors: one object for each field at fault. */
static void reply_faults(struct call *c, const struct settings_faults *faults)
{
    auto_buf body = {0};
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_field(&j, "type", "about:blank");
    json_field(&j, "title", "Unprocessable Content");
    json_field_i64(&j, "status", 422);
    auto_buf detail = {0};
    buf_printf(&detail, "%s%s%s", faults->at[0].field, faults->at[0].field[0] ? " " : "",
               faults->at[0].why);
    json_field(&j, "detail", buf_text(&detail));
    json_key(&j, "errors");
    json_begin_array(&j);
    for (size_t i = 0; i < faults->n; i++) {
        json_begin_object(&j);
        json_field(&j, "field", faults->at[i].field);
        json_field(&j, "detail", faults->at[i].why);
        json_end_object(&j);
    }
    json_end_array(&j);
    json_end_object(&j);
    http_reply(c->req, 422, "application/problem+json", buf_view(&body));
}

static void put_settings(struct call *c, const struct host_settings *settings, int64_t expected)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    struct err err = {0};
    host_settings_write(&j, settings);
    struct settings_row row = {
        .json = buf_view(&text), .changed_by = span_of(c->who.name), .changed_ms = clock_wall_ms()};
    enum status st = record_settings_put(c->api->record, c->id, &row, expected, &err);
    if (st == EXISTS) {
        http_problem(c->req, 412, "%s: read them again, then change them", err.text);
        return;
    }
    if (!st)
        st = record_audit(c->api->record, row.changed_ms, row.changed_by,
                          SPAN("agent settings changed"), c->id, &err);
    if (st) {
        api_failure(c, st, &err);
        return;
    }
    links_settings(c->api->links, c->id, row.version, row.json);
    reply_settings(c, &row);
}

void agents_settings_put(struct call *c)
{
    struct host_row host;
    struct host_settings settings;
    struct settings_faults faults;
    int64_t expected;
    if (!known_host(c, &host) || !api_if_match(c, &expected))
        return;
    json_t *body = api_body(c);
    if (!body)
        return;
    /* As compact text: what is valid JSON but not YAML, such as tabs, is gone. */
    auto_free char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (!host_settings_parse(span_of(text), http_request_arena(c->req), &settings, &faults))
        reply_faults(c, &faults);
    else
        put_settings(c, &settings, expected);
}

void agents_presets(struct call *c)
{
    auto_buf body = {0};
    struct json j = json_to(&body);
    struct host_settings s;
    const char *what_for = NULL;
    json_begin_object(&j);
    json_key(&j, "presets");
    json_begin_array(&j);
    for (size_t i = 0; host_preset(i, &s, &what_for); i++) {
        json_begin_object(&j);
        json_field(&j, "name", s.preset);
        json_field(&j, "for", what_for);
        json_key(&j, "settings");
        host_settings_write(&j, &s);
        json_end_object(&j);
    }
    json_end_array(&j);
    json_end_object(&j);
    api_json(c, 200, &body);
}

void agents_rotate(struct call *c)
{
    struct host_row host;
    struct err err = {0};
    if (!known_host(c, &host))
        return;
    enum status st =
        links_rotate(c->api->links, c->id, span_of(c->who.name), clock_wall_ms(), &err);
    if (st == AGAIN)
        http_problem(c->req, 409, "%s", err.text);
    else if (st)
        api_failure(c, st, &err);
    else
        api_no_content(c);
}

/* ---- what agents told ---- */

void agents_processes(struct call *c)
{
    struct host_row host;
    struct snapshot_row row;
    struct err err = {0};
    int64_t at_ms = INT64_MAX;
    if (!known_host(c, &host))
        return;
    auto_buf json = {0};
    enum status st = api_time_param(c->req, "at", &at_ms, &err);
    if (!st)
        st = record_snapshot(c->api->record, c->id, at_ms, http_request_arena(c->req), &row, &err);
    if (!st)
        st = unpack(COMPRESSION_ZSTD, row.packed, PROCESSES_UNPACKED_MAX_BYTES, &json, &err);
    if (st) {
        api_failure(c, st, &err);
        return;
    }
    auto_buf body = {0};
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_field_i64(&j, "at_ms", row.at_ms);
    json_field_span(&j, "cause", row.cause);
    json_key(&j, "processes");
    json_raw(&j, buf_view(&json));
    json_end_object(&j);
    api_json(c, 200, &body);
}

void agents_processes_now(struct call *c)
{
    struct host_row host;
    if (!known_host(c, &host))
        return;
    if (links_snapshot(c->api->links, c->id, "asked"))
        http_reply(c->req, 202, NULL, SPAN(""));
    else
        http_problem(c->req, 409, "the host's agent is not connected");
}

void agents_inventory(struct call *c)
{
    struct host_row host;
    struct inventory_row *rows;
    size_t n;
    struct err err = {0};
    if (!known_host(c, &host))
        return;
    enum status st =
        record_inventory(c->api->record, c->id, http_request_arena(c->req), &rows, &n, &err);
    if (!st && !n)
        st = err_set(&err, NOT_FOUND, "this host has not told its inventory yet");
    if (st) {
        api_failure(c, st, &err);
        return;
    }
    auto_buf body = {0};
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_field_i64(&j, "version", rows[0].version);
    json_field_i64(&j, "from_ms", rows[0].from_ms);
    json_key(&j, "inventory");
    json_raw(&j, rows[0].json);
    json_key(&j, "history");
    json_begin_array(&j);
    for (size_t i = 1; i < n; i++) {
        json_begin_object(&j);
        json_field_i64(&j, "version", rows[i].version);
        json_field_i64(&j, "from_ms", rows[i].from_ms);
        json_field_i64(&j, "until_ms", rows[i - 1].from_ms);
        json_key(&j, "inventory");
        json_raw(&j, rows[i].json);
        json_end_object(&j);
    }
    json_end_array(&j);
    json_end_object(&j);
    api_json(c, 200, &body);
}

void agents_services(struct call *c)
{
    struct host_row host;
    struct span json;
    int64_t at_ms;
    struct err err = {0};
    if (!known_host(c, &host))
        return;
    enum status st =
        record_services(c->api->record, c->id, http_request_arena(c->req), &json, &at_ms, &err);
    if (st) {
        api_failure(c, st, &err);
        return;
    }
    auto_buf body = {0};
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_field_i64(&j, "at_ms", at_ms);
    json_key(&j, "services");
    json_raw(&j, json);
    json_end_object(&j);
    api_json(c, 200, &body);
}
