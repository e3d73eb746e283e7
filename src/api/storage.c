/* What is stored and for whom, whether it is whole, and how space comes back. */
#include "api/call.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"
#include "base/yaml.h"

#include <inttypes.h>
#include <jansson.h>

/* ---- GET /storage ---- */

static void put_host(struct json *j, const struct store_host_stats *h, const struct host_row *row)
{
    json_begin_object(j);
    if (row)
        json_field_span(j, "id", row->id);
    json_field_span(j, "host", h->instance);
    json_field_i64(j, "samples", (int64_t)h->samples);
    json_field_i64(j, "series", (int64_t)h->series);
    json_field_i64(j, "bytes", (int64_t)h->bytes);
    json_field_i64(j, "first_ms", h->min_t_ms);
    json_field_i64(j, "last_ms", h->max_t_ms);
    json_end_object(j);
}

static void put_totals(struct json *j, struct store *s, const struct store_host_stats *hosts,
                       size_t n)
{
    struct store_stats stats;
    int64_t first = 0, last = 0, series = 0;
    store_stats(s, &stats);
    for (size_t i = 0; i < n; i++) {
        first = i ? MIN(first, hosts[i].min_t_ms) : hosts[i].min_t_ms;
        last = i ? MAX(last, hosts[i].max_t_ms) : hosts[i].max_t_ms;
        series += (int64_t)hosts[i].series;
    }
    json_key(j, "totals");
    json_begin_object(j);
    json_field_i64(j, "samples", (int64_t)stats.samples_stored);
    json_field_i64(j, "series", series);
    json_field_i64(j, "series_active", (int64_t)stats.series_active);
    json_field_i64(j, "bytes", (int64_t)stats.bytes_on_disk);
    json_field_i64(j, "log_bytes", (int64_t)stats.log_bytes);
    json_field_i64(j, "blocks", (int64_t)stats.blocks);
    json_field_i64(j, "first_ms", first);
    json_field_i64(j, "last_ms", last);
    json_field_i64(j, "damaged", (int64_t)stats.damaged);
    json_field_i64(j, "lost_records", (int64_t)stats.lost_records);
    json_end_object(j);
    json_key(j, "retention");
    json_begin_object(j);
    json_field_i64(j, "time_ms", stats.retention_ms);
    json_field_i64(j, "bytes", (int64_t)stats.retention_bytes);
    json_end_object(j);
    json_key(j, "disk");
    json_begin_object(j);
    json_field_i64(j, "bytes", (int64_t)stats.disk_bytes);
    json_field_i64(j, "free_bytes", (int64_t)stats.free_bytes);
    json_end_object(j);
}

static enum status show(struct call *c, void *arg, struct arena *arena, struct buf *body,
                        struct err *err)
{
    struct store_host_stats *hosts;
    struct host_row *rows;
    size_t n, rows_n;
    struct map by_name = {0};
    (void)arg;
    enum status st = store_hosts(c->api->store, arena, &hosts, &n, err);
    if (!st)
        st = record_hosts(c->api->record, arena, &rows, &rows_n, err);
    if (st)
        return st;
    for (size_t i = 0; i < rows_n; i++)
        map_put(&by_name, rows[i].name, &rows[i]);
    struct json j = json_to(body);
    json_begin_object(&j);
    put_totals(&j, c->api->store, hosts, n);
    json_key(&j, "hosts");
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++)
        put_host(&j, &hosts[i], map_get(&by_name, hosts[i].instance));
    json_end_array(&j);
    json_end_object(&j);
    map_free(&by_name);
    return OK;
}

void storage_show(struct call *c)
{
    api_work(c, show, NULL);
}

/* ---- GET /storage/check ---- */

static enum status check(struct call *c, void *arg, struct arena *arena, struct buf *body,
                         struct err *err)
{
    (void)arg, (void)arena;
    return store_check_json(c->api->store, NULL, 0, body, err);
}

void storage_check(struct call *c)
{
    api_chore(c, check, NULL);
}

/* ---- POST /storage/clean-up ---- */

static enum status clean(struct call *c, void *arg, struct arena *arena, struct buf *body,
                         struct err *err)
{
    const int64_t *before_ms = arg;
    struct store_cleaned gone;
    (void)arena;
    enum status st = store_drop_before(c->api->store, *before_ms, &gone, err);
    if (st)
        return st;
    struct json j = json_to(body);
    json_begin_object(&j);
    json_field_i64(&j, "before_ms", *before_ms);
    json_field_i64(&j, "samples", (int64_t)gone.samples);
    json_field_i64(&j, "bytes", (int64_t)gone.bytes);
    json_end_object(&j);
    return OK;
}

void storage_clean(struct call *c)
{
    struct err err = {0};
    struct span older;
    int64_t ms = 0, *before_ms = ARENA_NEW(http_request_arena(c->req), int64_t);
    json_t *body = api_body(c);
    if (!body)
        return;
    if (!api_member(c, body, "older_than", &older)) {
        json_decref(body);
        return;
    }
    enum status st = OK;
    if (!duration_parse(older, &ms) || ms < CLEAN_UP_MIN_MS)
        st =
            err_set(&err, INVALID, "older_than \"%.*s\" should be a duration of at least 1h, as 7d",
                    (int)MIN(older.len, (size_t)40), older.at);
    *before_ms = clock_wall_ms() - ms;
    if (!st)
        st = api_audit(c, "samples cleaned up", older, &err);
    json_decref(body);
    if (st)
        api_failure(c, st, &err);
    else
        api_chore(c, clean, before_ms);
}

/* ---- DELETE /hosts/ID ---- */

static enum status delete_host(struct call *c, void *arg, struct arena *arena, struct buf *body,
                               struct err *err)
{
    struct host_row *host = arg;
    struct matcher of_host;
    (void)arena, (void)body;
    enum status st = matcher_init(&of_host, MATCH_EQUAL, SPAN("instance"), host->name, err);
    if (!st)
        st = store_delete(c->api->store, &of_host, 1, INT64_MIN, INT64_MAX, err);
    return st ? st : record_host_delete(c->api->record, host->id, err);
}

void hosts_delete(struct call *c)
{
    struct err err = {0};
    struct arena *arena = http_request_arena(c->req);
    struct host_row *host = ARENA_NEW(arena, struct host_row);
    enum status st = record_host(c->api->record, c->id, arena, host, &err);
    if (!st)
        st = api_audit(c, "host deleted", host->name, &err);
    if (st)
        api_failure(c, st, &err);
    else
        api_chore(c, delete_host, host);
}
