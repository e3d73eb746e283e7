/* POST /api/v1/write: Prometheus remote write 1.0. 204 once everything is durable. */
#include "api/call.h"
#include "api/metadata.h"

#include "base/clock.h"
#include "base/log.h"
#include "series/increment.h"
#include "series/remote_write.h"

enum {
    UNPACKED_KEEP_BYTES = 1 << 20,
    WATCHED_MAX = 32, /* hosts of one message whose viewers are told at once */
};

/* What a connection remembers between its requests. */
struct connection {
    struct store_writer *writer;
    struct increment_reader *increments; /* NULL until the first */
    struct buf unpacked;
};

struct write_call {
    struct batch batch;
    struct http_request *req;
    struct api *api;
    struct span watched[WATCHED_MAX]; /* hosts of the message at which somebody looks */
    size_t watched_n;
};

static void connection_free(void *arg)
{
    struct connection *k = arg;
    store_writer_close(k->writer);
    increment_reader_close(k->increments);
    buf_free(&k->unpacked);
    free(k);
}

static struct connection *connection_of(struct call *c)
{
    void **data = http_request_connection_data(c->req, connection_free);
    if (!*data) {
        struct connection *k = mem_zero(1, sizeof *k);
        k->writer = store_writer_open(c->api->store);
        *data = k;
    }
    return *data;
}

/* A large batch now and then must not stay in memory for every connection. */
static void shrink(struct connection *k)
{
    if (k->unpacked.size > UNPACKED_KEEP_BYTES)
        buf_free(&k->unpacked);
    else
        buf_clear(&k->unpacked);
}

/* The hosts of the message at which somebody looks, copied into the request's arena. A forwarder
 * (another Prometheus) sends many hosts in one message. */
static void note_watched(struct write_call *w, struct span message)
{
    struct write_reader r = write_reader_of(message);
    struct span before = SPAN("");
    for (struct write_entry entry; w->watched_n < WATCHED_MAX && write_next(&r, &entry);) {
        struct span instance = write_label(entry.labels_raw, SPAN("instance"));
        if (span_eq(instance, before))
            continue; /* a host's series come together */
        before = instance;
        if (live_watched(w->api->live, instance) && !span_among(w->watched, w->watched_n, instance))
            w->watched[w->watched_n++] = arena_span(http_request_arena(w->req), instance);
    }
}

static void reply(struct batch *b, enum status st, const struct append_result *result,
                  const struct err *err)
{
    struct write_call *w = b->owner;
    struct call c = {.req = w->req, .api = w->api};
    if (st) {
        api_failure(&c, st, err);
    } else if (result->refused && !result->samples && !result->duplicates) {
        /* Prometheus's answer to samples that can never be taken: the sender drops them. */
        http_problem(w->req, 400, "%zu samples were refused: %s", result->refused,
                     result->refused_why);
    } else {
        if (result->refused)
            log_warn("remote write: %zu of %zu samples were refused: %s", result->refused,
                     result->refused + result->samples + result->duplicates, result->refused_why);
        if (result->samples)
            live_samples_arrived(w->api->live, w->watched, w->watched_n, clock_mono_ms());
        api_no_content(&c);
    }
}

static bool right_version(struct call *c)
{
    struct span type = http_request_header(c->req, "Content-Type");
    if (!memmem(type.at ? type.at : "", type.len, "io.prometheus.write.v2", 22))
        return true;
    http_problem(c->req, 415,
                 "remote write 2.0 is not supported yet; send prometheus.WriteRequest (1.0)");
    return false;
}

/* The body as a remote-write message; replies and returns false when it is none. */
static bool unpacked(struct call *c, struct connection *k, enum compression packing,
                     struct span *message)
{
    struct err err = {0};
    *message = http_request_body(c->req);
    if (packing == COMPRESSION_NONE)
        return true;
    enum status st = unpack(packing, *message, WRITE_MESSAGE_MAX_BYTES, &k->unpacked, &err);
    *message = buf_view(&k->unpacked);
    if (st)
        http_problem(c->req, st == FULL ? 413 : 400, "%s", err.text);
    return st == OK;
}

/* What an increment stands for: 409 asks for a whole one. */
static bool expanded(struct call *c, struct connection *k, struct span *message, struct buf *out)
{
    struct err err = {0};
    if (!k->increments)
        k->increments = increment_reader_open(c->api->increment_labels);
    out->max = WRITE_MESSAGE_MAX_BYTES;
    enum status st = increment_read(k->increments, *message, out, &err);
    *message = buf_view(out);
    if (st)
        http_problem(c->req, st == NOT_FOUND ? 409 : st == FULL ? 413 : 400, "%s", err.text);
    return st == OK;
}

static bool is_increment(struct call *c)
{
    return span_is(http_request_header(c->req, "Content-Type"), INCREMENT_TYPE);
}

void write_samples(struct call *c)
{
    enum compression packing;
    struct span encoding = http_request_header(c->req, "Content-Encoding"), message;
    if (!right_version(c))
        return;
    if (!compression_of(encoding, &packing)) {
        http_problem(c->req, 415, "Content-Encoding \"%.*s\" is not snappy, zstd or gzip",
                     (int)MIN(encoding.len, (size_t)40), encoding.at);
        return;
    }
    struct connection *k = connection_of(c);
    bool small = is_increment(c);
    auto_buf wide = {0};
    if (!small)
        http_reply_header(c->req, "Galen-Increments", "1");
    if (!unpacked(c, k, packing, &message) || (small && !expanded(c, k, &message, &wide))) {
        shrink(k);
        return;
    }
    if (c->who.kind == WHO_API_TOKEN) /* agents have none to tell: their table is known here */
        metadata_take(c->api->metadata, message);
    struct write_call *w = ARENA_NEW(http_request_arena(c->req), struct write_call);
    *w = (struct write_call){.req = c->req, .api = c->api};
    w->batch = (struct batch){.writer = k->writer, .message = message, .done = reply, .owner = w};
    if (live_viewers(c->api->live))
        note_watched(w, message);
    c->api->take(c->api->pipeline, &w->batch);
    shrink(k);
}
