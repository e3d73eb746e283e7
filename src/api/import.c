/* POST /import: a file of samples. It is kept in a file (intake.h) and read twice: first everything
 * has to be understood, then it goes to the store, so that a bad file leaves nothing behind. */
#include "api/intake.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "exchange/exchange.h"
#include "series/remote_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum {
    IMPORT_BAD_LINES_MAX = 100, /* that are named */
    IMPORT_PATIENCE_MS = 30000, /* while the store has too much to do */
    IMPORT_PAUSE_MS = 20,
    IMPORT_READ_BYTES = 64 << 10,
};

struct import {
    struct api *api;
    struct importer_config config;
    bool remote_write; /* the body is a message, already checked by who sends it */
    bool dry_run, skip_bad;
    struct intake *intake; /* NULL: the body is in memory */
    struct span body;
    const char *who;
    struct importer_counts counts;
    struct json *bad; /* while bad lines are named */
    size_t bad_named;
    struct store_writer *writer;
    struct append_result sum;
};

static void name_bad(void *arg, size_t line_no, const char *why)
{
    struct import *im = arg;
    if (!im->bad || im->bad_named++ >= IMPORT_BAD_LINES_MAX)
        return;
    json_begin_object(im->bad);
    json_field_i64(im->bad, "line", (int64_t)line_no);
    json_field(im->bad, "why", why);
    json_end_object(im->bad);
}

static enum status look_only(void *arg, struct labels labels, const struct sample *s, size_t n,
                             struct err *err)
{
    (void)arg, (void)labels, (void)s, (void)n, (void)err;
    return OK;
}

/* ---- to the store ---- */

static void add(struct append_result *sum, const struct append_result *r)
{
    if (r->refused && !sum->refused)
        memcpy(sum->refused_why, r->refused_why, sizeof sum->refused_why);
    sum->samples += r->samples;
    sum->duplicates += r->duplicates;
    sum->refused += r->refused;
    sum->series_new += r->series_new;
}

/* The store may be behind: it is waited for, not given up. */
static enum status append(void *arg, struct span message, struct err *err)
{
    struct import *im = arg;
    int64_t until = clock_mono_ms() + IMPORT_PATIENCE_MS;
    struct append_result r = {0};
    enum status st;
    while ((st = store_append_wait(im->writer, message, &r, err)) == AGAIN &&
           clock_mono_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = IMPORT_PAUSE_MS * 1000000L}, NULL);
    if (!st)
        add(&im->sum, &r);
    return st;
}

static enum status gzip_failure(gzFile f, struct err *err)
{
    int code;
    const char *why = gzerror(f, &code);
    if (code == Z_ERRNO)
        return err_errno(err, "read the body again");
    return err_set(err, INVALID, "the body is no whole gzip: %s", why);
}

/* Plain or packed with gzip, which zlib sees by itself. */
static enum status feed_file(struct import *im, struct importer *in, gzFile f, struct err *err)
{
    auto_free char *bytes = mem_alloc(IMPORT_READ_BYTES);
    struct intake *from = im->intake;
    enum status st = OK;
    int n = 1, code;
    while (!st && (n = gzread(f, bytes, IMPORT_READ_BYTES)) > 0) {
        st = importer_feed(in, span_from(bytes, (size_t)n), err);
        z_off_t at = gzoffset(f);
        atomic_store(&from->read, at > 0 ? (uint64_t)at : 0);
        atomic_store(&from->samples, importer_counts(in)->samples);
    }
    if (st)
        return st;
    gzerror(f, &code); /* an end in the middle is no failure of gzread */
    return n < 0 || (code != Z_OK && code != Z_STREAM_END) ? gzip_failure(f, err) : OK;
}

static enum status read_file(struct import *im, struct importer *in, struct err *err)
{
    int fd = fcntl(im->intake->fd, F_DUPFD_CLOEXEC, 0);
    gzFile f = fd >= 0 && lseek(fd, 0, SEEK_SET) == 0 ? gzdopen(fd, "rb") : NULL;
    if (!f) {
        enum status st = err_errno(err, "read the body again");
        if (fd >= 0)
            close(fd);
        return st;
    }
    atomic_store(&im->intake->samples, 0);
    enum status st = feed_file(im, in, f, err);
    gzclose(f);
    return st;
}

static enum status read_all(struct import *im, const struct importer_config *config,
                            struct err *err)
{
    struct importer *in = importer_open(config);
    enum status st = im->intake ? read_file(im, in, err) : importer_feed(in, im->body, err);
    if (!st)
        st = importer_end(in, err);
    im->counts = *importer_counts(in);
    importer_close(in);
    return st;
}

static enum status import_body(struct import *im, struct err *err)
{
    if (im->remote_write)
        return append(im, im->body, err);
    struct write_sender sender = {.send = append, .arg = im};
    struct importer_config config = im->config;
    config.take = write_sender_take;
    config.arg = &sender;
    config.bad = NULL; /* they were named the first time */
    enum status st = read_all(im, &config, err);
    enum status ended = write_sender_end(&sender, !st, err);
    return st ? st : ended;
}

/* ---- the answer ---- */

static void put_counts(const struct import *im, struct json *j, bool imported)
{
    json_field(j, "format",
               im->remote_write ? "remote-write" : exchange_format_name(im->config.format));
    json_field_bool(j, "dry_run", im->dry_run);
    json_field_i64(j, "lines", (int64_t)im->counts.lines);
    json_field_i64(j, "samples", (int64_t)im->counts.samples);
    json_field_i64(j, "bad", (int64_t)im->counts.bad);
    json_field_i64(j, "imported", imported ? (int64_t)im->sum.samples : 0);
    json_field_i64(j, "duplicates", (int64_t)im->sum.duplicates);
    json_field_i64(j, "refused", (int64_t)im->sum.refused);
    json_field(j, "refused_why", im->sum.refused ? im->sum.refused_why : NULL);
    json_field_i64(j, "new_series", (int64_t)im->sum.series_new);
}

static enum status work(struct call *c, void *arg, struct arena *arena, struct buf *body,
                        struct err *err)
{
    struct import *im = arg;
    struct json j = json_to(body);
    (void)arena;
    json_begin_object(&j);
    json_key(&j, "bad_lines");
    json_begin_array(&j);
    im->bad = &j;
    im->config.take = look_only;
    im->config.bad = name_bad;
    im->config.arg = im;
    enum status st = im->intake ? intake_flush(im->intake, err) : OK;
    if (im->intake)
        atomic_store(&im->intake->state, INTAKE_CHECKING);
    if (!st && !im->remote_write)
        st = read_all(im, &im->config, err);
    im->bad = NULL;
    json_end_array(&j);
    if (st)
        return st;
    bool refuse = im->counts.bad && !im->skip_bad, import = !refuse && !im->dry_run;
    if (import) {
        if (im->intake)
            atomic_store(&im->intake->state, INTAKE_IMPORTING);
        im->writer = store_writer_open(im->api->store);
        st = import_body(im, err);
        store_writer_close(im->writer);
        if (st)
            return st;
        if (!im->remote_write) /* else many to come */
            log_info("import: who=%s format=%s samples=%zu duplicates=%zu refused=%zu bad=%llu",
                     im->who, exchange_format_name(im->config.format), im->sum.samples,
                     im->sum.duplicates, im->sum.refused, (unsigned long long)im->counts.bad);
    }
    put_counts(im, &j, import);
    if (refuse) {
        c->answer_status = 422;
        json_field(&j, "detail",
                   "some lines are bad, so nothing was imported; skip_bad=1 imports "
                   "the rest");
    }
    json_end_object(&j);
    return OK;
}

/* ---- the question ---- */

static bool flag(struct http_request *req, const char *name)
{
    struct span text = {0};
    return http_request_param(req, name, &text) && !span_is(text, "0") && !span_is(text, "false");
}

static enum exchange_format by_content_type(struct span type)
{
    static const struct {
        const char *begin;
        enum exchange_format format;
    } types[] = {{"text/csv", EXCHANGE_CSV},
                 {"application/json", EXCHANGE_JSON},
                 {"application/x-ndjson", EXCHANGE_JSON},
                 {"application/openmetrics-text", EXCHANGE_OPENMETRICS}};
    for (size_t i = 0; i < COUNT(types); i++)
        if (span_starts(type, span_of(types[i].begin)))
            return types[i].format;
    return EXCHANGE_AUTO;
}

static enum status format_of(struct call *c, struct import *im, struct err *err)
{
    struct span format = {0};
    im->config.format = by_content_type(http_request_header(c->req, "Content-Type"));
    if (!http_request_param(c->req, "format", &format) || !format.len)
        return OK;
    im->remote_write = span_is(format, "remote-write");
    if (im->remote_write || exchange_format_of(format, &im->config.format))
        return OK;
    return err_set(err, INVALID,
                   "format \"%.*s\" is none of auto, prometheus, openmetrics, csv, json, "
                   "remote-write",
                   (int)MIN(format.len, (size_t)40), format.at);
}

/* label=NAME=VALUE, may repeat: for series that lack it. */
static enum status labels_of(struct call *c, struct import *im, struct err *err)
{
    struct span given[LABELS_MAX];
    size_t n = http_request_params(c->req, "label", given, LABELS_MAX);
    struct label *at = ARENA_ARRAY(http_request_arena(c->req), struct label, n);
    for (size_t i = 0; i < n; i++) {
        size_t equal = span_find(given[i], '=');
        at[i] = (struct label){span_from(given[i].at, equal), {0}};
        if (equal >= given[i].len || !label_name_valid(at[i].name))
            return err_set(err, INVALID, "label \"%.*s\" should be NAME=VALUE",
                           (int)MIN(given[i].len, (size_t)80), given[i].at);
        at[i].value = span_from(given[i].at + equal + 1, given[i].len - equal - 1);
    }
    im->config.labels = (struct labels){at, n};
    return OK;
}

static enum status packing_of(struct call *c, enum compression *out, struct err *err)
{
    struct span encoding = http_request_header(c->req, "Content-Encoding");
    if (compression_of(encoding, out))
        return OK;
    return err_set(err, INVALID, "Content-Encoding \"%.*s\" is not snappy, zstd or gzip",
                   (int)MIN(encoding.len, (size_t)40), encoding.at);
}

static enum status body_of(struct call *c, struct import *im, struct err *err)
{
    enum compression packing;
    enum status st = packing_of(c, &packing, err);
    im->body = http_request_body(c->req);
    if (st || im->intake || packing == COMPRESSION_NONE)
        return st;
    auto_buf plain = {0};
    st = unpack(packing, im->body, IMPORT_BODY_MAX_BYTES, &plain, err);
    im->body = arena_span(http_request_arena(c->req), buf_view(&plain));
    return st;
}

/* One line for each import: the command galen sends many messages, of which the first is empty and
 * names the files and how many samples they have. Others are as what comes to /api/v1/write. */
static enum status audit(struct call *c, struct import *im, struct err *err)
{
    struct span files = {0}, samples = {0};
    if (im->dry_run)
        return OK;
    if (!im->remote_write)
        return api_audit(c, "samples imported", http_request_query(c->req), err);
    if (!http_request_param(c->req, "files", &files))
        return OK;
    http_request_param(c->req, "samples", &samples);
    auto_buf detail = {0};
    buf_printf(&detail, "files=%.*s samples=%.*s", SPAN_ARG(files), SPAN_ARG(samples));
    return api_audit(c, "samples imported", buf_view(&detail), err);
}

static void import_whole(struct call *c)
{
    struct err err = {0};
    struct import *im = ARENA_NEW(http_request_arena(c->req), struct import);
    *im = (struct import){.api = c->api,
                          .config.now_ms = clock_wall_ms(),
                          .dry_run = flag(c->req, "dry_run"),
                          .skip_bad = flag(c->req, "skip_bad"),
                          .intake = c->intake,
                          .who = c->who.name};
    enum status st = format_of(c, im, &err);
    if (!st)
        st = labels_of(c, im, &err);
    if (!st)
        st = body_of(c, im, &err);
    if (!st)
        st = audit(c, im, &err);
    if (st)
        api_failure(c, st, &err);
    else
        api_chore(c, work, im);
}

void import_samples(struct call *c)
{
    if (c->intake)
        intake_end(c->intake, import_whole);
    else
        import_whole(c);
}

void import_on_head(struct call *c)
{
    enum compression packing;
    struct span format = {0};
    http_request_param(c->req, "format", &format);
    if (c->api->ready && !packing_of(c, &packing, NULL) && !span_is(format, "remote-write") &&
        (packing == COMPRESSION_NONE || packing == COMPRESSION_GZIP))
        intake_begin(c);
}

/* ---- GET: how far they are ---- */

void import_list(struct call *c)
{
    static const char *const states[] = {"receiving", "waiting", "checking", "importing"};
    auto_buf body = {0};
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_key(&j, "imports");
    json_begin_array(&j);
    for (struct intake *in = c->api->intakes; in; in = in->next) {
        json_begin_object(&j);
        json_field(&j, "who", in->call->who.name);
        json_field_i64(&j, "begun_ms", in->begun_ms);
        json_field(&j, "state", states[atomic_load(&in->state)]);
        json_field_i64(&j, "received_bytes", (int64_t)in->bytes);
        json_field_i64(&j, "body_bytes", (int64_t)http_request_body_length(in->call->req));
        json_field_i64(&j, "read_bytes", (int64_t)atomic_load(&in->read));
        json_field_i64(&j, "samples", (int64_t)atomic_load(&in->samples));
        json_end_object(&j);
    }
    json_end_array(&j);
    json_end_object(&j);
    api_json(c, 200, &body);
}
