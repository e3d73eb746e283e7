/* POST /api/v1/read: Prometheus remote read, answered with samples. The answer's length stands at
 * its beginning, so samples are read twice: to measure, then to send, a series at a time. */
#include "api/prometheus_job.h"

#include "series/remote_read.h"
#include "series/remote_write.h"

enum { TAG_RESULT = 1 << 3 | 2 /* results, bytes */ };

struct read_result {
    struct select_hints hints;
    struct selected *series;
    size_t *samples; /* of each series, as they were measured */
    size_t n, bytes;
};

struct reading {
    struct read_request request;
    struct read_result results[READ_QUERIES_MAX];
    size_t result, bytes; /* where it is; all bytes of the answer, unpacked */
    bool begun, result_begun;
    struct buf plain;
};

/* One series as it goes into the answer; most: how many samples at most. */
static enum status encode(struct prometheus_job *job, const struct read_result *r, size_t i,
                          size_t most, struct buf *out, size_t *n, struct err *err)
{
    struct selected *s = &r->series[i];
    arena_reset(&job->scratch);
    enum status st = job->view->read(job->view, s, &r->hints, &job->scratch, err);
    if (st)
        return st;
    struct sample *samples = arena_alloc(&job->scratch, MAX(s->n, (size_t)1) * sizeof *samples);
    *n = 0;
    for (size_t k = 0; k < s->n && *n < most; k++)
        if (s->t_ms[k] > r->hints.start_ms && s->t_ms[k] <= r->hints.end_ms)
            samples[(*n)++] = (struct sample){s->t_ms[k], s->v[k]};
    if (*n)
        write_series(out, s->labels, samples, *n);
    return out->failed ? err_set(err, FULL, "a series is too long") : OK;
}

static enum status measure(struct prometheus_job *job, struct read_result *r, size_t *samples_left,
                           struct err *err)
{
    auto_buf encoded = {0};
    r->samples = ARENA_ARRAY(&job->arena, size_t, MAX(r->n, (size_t)1));
    for (size_t i = 0; i < r->n; i++) {
        buf_clear(&encoded);
        enum status st = encode(job, r, i, SIZE_MAX, &encoded, &r->samples[i], err);
        if (st)
            return st;
        if (r->samples[i] > *samples_left)
            return err_set(err, FULL, "exceeded sample limit (%lld)",
                           (long long)job->call->api->limits.samples_max);
        *samples_left -= r->samples[i];
        r->bytes += encoded.len;
        if (__atomic_load_n(&job->out.gone, __ATOMIC_RELAXED))
            return err_set(err, AGAIN, "the client went away");
    }
    return OK;
}

static int by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct selected *)a)->labels,
                          ((const struct selected *)b)->labels);
}

static enum status find(struct prometheus_job *job, struct err *err)
{
    struct reading *reading = job->state;
    size_t samples_left = (size_t)job->call->api->limits.samples_max;
    for (size_t i = 0; i < reading->request.n; i++) {
        const struct read_query *q = &reading->request.queries[i];
        struct read_result *r = &reading->results[i];
        r->hints = (struct select_hints){.start_ms = MAX(q->start_ms, INT64_MIN + 1) - 1,
                                         .end_ms = q->end_ms};
        enum status st = job->view->select(job->view, q->matchers, q->n, &r->hints, &job->arena,
                                           &r->series, &r->n, err);
        if (!st && r->n)
            qsort(r->series, r->n, sizeof *r->series, by_labels);
        if (!st)
            st = measure(job, r, &samples_left, err);
        if (st)
            return st;
        auto_buf length = {0};
        buf_varint(&length, r->bytes);
        reading->bytes += 1 + length.len + r->bytes;
    }
    return OK;
}

/* What is plain leaves packed; all of it at the end. */
static void flush(struct prometheus_job *job, struct buf *out, bool all)
{
    struct reading *reading = job->state;
    struct span rest = buf_view(&reading->plain);
    while (rest.len >= SNAPPY_PIECE_BYTES || (all && rest.len)) {
        size_t n = MIN(rest.len, (size_t)SNAPPY_PIECE_BYTES);
        job->broken |= snappy_piece(span_from(rest.at, n), out, NULL) != OK;
        rest = span_from(rest.at + n, rest.len - n);
    }
    if (rest.len)
        memmove(reading->plain.at, rest.at, rest.len);
    reading->plain.len = rest.len;
}

static void begin_result(struct reading *reading, const struct read_result *r)
{
    if (reading->result_begun)
        return;
    buf_char(&reading->plain, TAG_RESULT);
    buf_varint(&reading->plain, r->bytes);
    reading->result_begun = true;
}

static bool write(struct prometheus_job *job, struct buf *out, size_t enough)
{
    struct reading *reading = job->state;
    if (!reading->begun)
        buf_varint(out, reading->bytes);
    reading->begun = true;
    for (; reading->result < reading->request.n; reading->result++, job->at = 0) {
        struct read_result *r = &reading->results[reading->result];
        begin_result(reading, r);
        for (; job->at < r->n; job->at++) {
            if (out->len >= enough)
                return false;
            size_t before = reading->plain.len, n = 0, want = r->samples[job->at];
            if (encode(job, r, job->at, want, &reading->plain, &n, NULL) || n != want)
                job->broken = true; /* deleted meanwhile: the length does not fit any more */
            r->bytes -= reading->plain.len - before;
            flush(job, out, false);
            if (job->broken)
                return true;
        }
        job->broken |= r->bytes != 0;
        reading->result_begun = false;
    }
    flush(job, out, true);
    return true;
}

static void release(struct prometheus_job *job)
{
    struct reading *reading = job->state;
    read_request_free(&reading->request);
    buf_free(&reading->plain);
}

void prometheus_read(struct call *c)
{
    struct prometheus_job *job = prometheus_job_new(c);
    struct reading *reading = job->state = ARENA_NEW(&job->arena, struct reading);
    job->release = release;
    auto_buf message = {0};
    struct err err = {0};
    enum status st = unpack(COMPRESSION_SNAPPY, http_request_body(c->req), READ_MESSAGE_MAX_BYTES,
                            &message, &err);
    if (!st)
        st = read_request_parse(arena_span(&job->arena, buf_view(&message)), &job->arena,
                                &reading->request, &err);
    if (st) {
        prometheus_job_refuse(job, &err);
        return;
    }
    job->out.content_type = "application/x-protobuf";
    job->out.encoding = "snappy";
    prometheus_job_run(job, find, write);
}
