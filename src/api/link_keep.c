/* See link_keep.h. */
#include "api/link_keep.h"

#include "base/clock.h"
#include "base/log.h"
#include "record/agents.h"
#include "record/events.h"
#include "series/remote_write.h"

#include <jansson.h>

enum { FLUSH_EVERY_MS = 1000, TRIM_EVERY_MS = 3600 * 1000 };

struct pending {
    char *host_id, *cause;
    int64_t at_ms;
    struct buf packed;
};

struct link_keep {
    struct api *api;
    struct timer *timer;
    struct pending *pending;
    size_t n_pending, size;
    int64_t trimmed_ms;
};

static int64_t time_of(const struct link_message *m)
{
    return m->at_ms ? m->at_ms : clock_wall_ms();
}

/* ---- snapshots of processes ---- */

struct flush {
    struct record *record;
    struct pending *rows;
    size_t n;
    int64_t trim_before_ms; /* 0: no trimming */
};

static void pending_free(struct pending *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rows[i].host_id);
        free(rows[i].cause);
        buf_free(&rows[i].packed);
    }
    free(rows);
}

/* On a worker. */
static void flush_rows(void *arg)
{
    struct flush *f = arg;
    struct err err = {0};
    auto_arena arena = {0};
    struct snapshot_row *rows = ARENA_ARRAY(&arena, struct snapshot_row, f->n);
    for (size_t i = 0; i < f->n; i++)
        rows[i] = (struct snapshot_row){.host_id = span_of(f->rows[i].host_id),
                                        .cause = span_of(f->rows[i].cause),
                                        .at_ms = f->rows[i].at_ms,
                                        .packed = buf_view(&f->rows[i].packed)};
    enum status st = record_snapshots_add(f->record, rows, f->n, &err);
    size_t deleted = 1;
    while (!st && f->trim_before_ms && deleted)
        st = record_snapshots_trim(f->record, f->trim_before_ms, &deleted, &err);
    if (st)
        log_error("snapshots of processes are not kept: %s", err.text);
}

static void flushed(void *arg)
{
    struct flush *f = arg;
    pending_free(f->rows, f->n);
    free(f);
}

static void flush_due(void *arg)
{
    struct link_keep *k = arg;
    int64_t now_ms = clock_wall_ms();
    bool trim = now_ms - k->trimmed_ms >= TRIM_EVERY_MS || now_ms < k->trimmed_ms;
    if (!k->n_pending && !trim)
        return;
    struct flush *f = mem_zero(1, sizeof *f);
    *f = (struct flush){.record = k->api->record,
                        .rows = k->pending,
                        .n = k->n_pending,
                        .trim_before_ms =
                            trim ? store_age_clock_ms(k->api->store) - SNAPSHOTS_KEPT_MS : 0};
    if (!pool_submit(k->api->workers, flush_rows, flushed, k->api->loop, f)) {
        free(f); /* they wait for the next time */
        return;
    }
    k->trimmed_ms = trim ? now_ms : k->trimmed_ms;
    k->pending = NULL;
    k->n_pending = k->size = 0;
}

void link_keep_processes(struct link_keep *k, struct link_host host, const char *cause,
                         const struct link_message *m)
{
    if (k->n_pending == LINKS_PENDING_MAX) {
        log_warn("%d snapshots of processes wait to be kept, one of %s is dropped",
                 LINKS_PENDING_MAX, host.name);
        return;
    }
    if (k->n_pending == k->size) {
        k->size = k->size ? 2 * k->size : 16;
        k->pending = mem_grow(k->pending, k->size * sizeof *k->pending);
    }
    struct pending *p = &k->pending[k->n_pending];
    *p = (struct pending){.at_ms = time_of(m)};
    if (pack(COMPRESSION_ZSTD, span_of(m->json), &p->packed, NULL)) {
        buf_free(&p->packed);
        return;
    }
    p->host_id = mem_dup_span(host.id);
    p->cause = mem_dup(cause);
    k->n_pending++;
}

/* ---- inventory ---- */

/* The names of the facts that differ. */
static void put_changes(struct json *j, struct buf *words, const json_t *before, const json_t *now)
{
    const char *name;
    json_t *value;
    json_begin_array(j);
    json_object_foreach((json_t *)(uintptr_t)now, name, value)
    {
        if (json_equal(value, json_object_get(before, name)))
            continue;
        json_text(j, name);
        buf_printf(words, "%s%s", words->len ? ", " : "", name);
    }
    json_object_foreach((json_t *)(uintptr_t)before, name, value)
    {
        if (json_object_get(now, name))
            continue;
        json_text(j, name);
        buf_printf(words, "%s%s (gone)", words->len ? ", " : "", name);
    }
    json_end_array(j);
}

static void note_change(struct link_keep *k, struct link_host host,
                        const struct inventory_row *before, const struct link_message *m)
{
    struct err err = {0};
    auto_buf data = {0}, words = {0}, text = {0};
    struct json j = json_to(&data);
    json_t *old = json_loadb(before->json.at, before->json.len, 0, NULL);
    json_begin_object(&j);
    json_field_i64(&j, "from_version", before->version);
    json_field_i64(&j, "to_version", before->version + 1);
    json_key(&j, "facts");
    put_changes(&j, &words, json_object_get(old, "facts"), m->facts);
    json_end_object(&j);
    json_decref(old);
    buf_printf(&text, "the machine has changed: %s", buf_text(&words));
    struct event_row event = {.at_ms = time_of(m),
                              .host = host.id,
                              .kind = SPAN("inventory"),
                              .text = buf_view(&text),
                              .data = buf_view(&data)};
    if (record_event_add(k->api->record, &event, NULL, &err))
        log_error("a change of %s is not noted: %s", host.name, err.text);
}

void link_keep_inventory(struct link_keep *k, struct link_host host, const struct link_message *m)
{
    struct err err = {0};
    auto_arena arena = {0};
    struct inventory_row before;
    bool changed = false;
    auto_buf kept = {0};
    buf_printf(&kept, "{\"facts\":%s}", m->json);
    enum status st = record_inventory_put(k->api->record, host.id, buf_view(&kept), time_of(m),
                                          &arena, &before, &changed, &err);
    if (st)
        log_error("the inventory of %s is not kept: %s", host.name, err.text);
    else if (changed && before.version)
        note_change(k, host, &before, m);
}

void link_keep_services(struct link_keep *k, struct link_host host, const struct link_message *m)
{
    struct err err = {0};
    if (record_services_put(k->api->record, host.id, span_of(m->json), time_of(m), &err))
        log_error("the services of %s are not kept: %s", host.name, err.text);
}

/* ---- open, flush, free ---- */

struct link_keep *link_keep_new(struct api *a)
{
    struct link_keep *k = mem_zero(1, sizeof *k);
    k->api = a;
    k->timer = timer_open(a->loop, flush_due, k);
    timer_every(k->timer, FLUSH_EVERY_MS);
    return k;
}

void link_keep_flush(struct link_keep *k)
{
    flush_due(k);
}

void link_keep_free(struct link_keep *k)
{
    if (!k)
        return;
    timer_close(k->timer);
    pending_free(k->pending, k->n_pending);
    free(k);
}
