#include "store/embedded/guard.h"
#include "store/embedded/log_file.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

struct batch {
    uint64_t gen;
    uint64_t puts; /* with it, so many of all that was put are durable */
    struct buf rows, defs;
    struct log_ticket *tickets;
    size_t tickets_n, tickets_size;
};

struct log {
    struct log_files files; /* the committer's, but for recycle and definitions, which hold
                               files_lock */
    pthread_mutex_t files_lock;
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t work, written;
    struct batch before, filling; /* the rest of the gen before, written first; the gen's own */
    uint64_t seq, series_seq;
    uint64_t puts, durable; /* records and tickets since the start; how many of them are done */
    bool stop, busy /* a batch is being written */;
    struct err failure; /* .status OK: all is well */
    long retry_ms;
    _Atomic bool failing;
    _Atomic uint64_t gen, commits;
    _Atomic size_t waiting;
    pthread_t thread;
};

/* ---- batches ---- */

static bool batch_empty(const struct batch *b)
{
    return !b->rows.len && !b->defs.len && !b->tickets_n;
}

static void batch_ticket(struct batch *b, const struct log_ticket *t)
{
    if (b->tickets_n == b->tickets_size) {
        b->tickets_size = b->tickets_size ? b->tickets_size * 2 : 16;
        b->tickets = mem_grow(b->tickets, b->tickets_size * sizeof *b->tickets);
    }
    b->tickets[b->tickets_n++] = *t;
}

/* What is in from, which is emptied, behind what is in to; both are of one gen. */
static void batch_join(struct batch *to, struct batch *from)
{
    to->puts = from->puts;
    buf_span(&to->rows, buf_view(&from->rows));
    buf_span(&to->defs, buf_view(&from->defs));
    for (size_t i = 0; i < from->tickets_n; i++)
        batch_ticket(to, &from->tickets[i]);
    buf_clear(&from->rows);
    buf_clear(&from->defs);
    from->tickets_n = 0;
}

static void batch_free(struct batch *b)
{
    buf_free(&b->rows);
    buf_free(&b->defs);
    free(b->tickets);
}

/* ---- the committer ---- */

static void answer(struct log *l, struct batch *b, const struct err *err)
{
    for (size_t i = 0; i < b->tickets_n; i++)
        b->tickets[i].done(b->tickets[i].arg, err->status, &b->tickets[i].result, err);
    l->waiting -= b->tickets_n;
    b->tickets_n = 0;
}

static enum status write_batch(struct log *l, struct batch *b, struct err *err)
{
    pthread_mutex_lock(&l->files_lock);
    enum status st = OK;
    if (b->defs.len) {
        st = files_define(&l->files, buf_view(&b->defs), err);
        if (!st)
            buf_clear(&b->defs);
    }
    if (!st && b->rows.len) {
        st = files_write(&l->files, b->gen, &b->rows, err);
        if (!st)
            buf_clear(&b->rows);
    }
    pthread_mutex_unlock(&l->files_lock);
    if (!st)
        l->commits++;
    return st;
}

static bool nothing_put(const struct log *l)
{
    return batch_empty(&l->before) && batch_empty(&l->filling);
}

static void swap_batches(struct batch *a, struct batch *b)
{
    struct batch was = *a;
    *a = *b;
    *b = was;
}

/* The next to be written: what could not be written, with what came behind it. */
static void choose_batch(struct log *l, struct batch *b)
{
    struct batch *next = batch_empty(&l->before) ? &l->filling : &l->before;
    l->filling.puts = l->puts;
    if (batch_empty(b)) {
        swap_batches(b, next);
        next->gen = b->gen;
    } else if (b->gen == next->gen) {
        batch_join(b, next);
    }
}

/* Waits for work, or at most until it is time for another attempt. False: nothing is left. */
static bool take(struct log *l, struct batch *b)
{
    pthread_mutex_lock(&l->lock);
    l->busy = !batch_empty(b);
    if (!l->busy)
        l->durable = b->puts;
    pthread_cond_broadcast(&l->written);
    l->retry_ms = l->busy ? MIN(l->retry_ms * 2, (long)LOG_RETRY_MOST_MS) : LOG_RETRY_FIRST_MS;
    if (l->busy && !l->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += l->retry_ms * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&l->work, &l->lock, &until);
    }
    while (!l->busy && !l->stop && nothing_put(l))
        pthread_cond_wait(&l->work, &l->lock);
    choose_batch(l, b);
    l->busy = !batch_empty(b);
    bool go_on = l->busy || !l->stop;
    pthread_mutex_unlock(&l->lock);
    return go_on;
}

static void note_failure(struct log *l, const struct err *err)
{
    pthread_mutex_lock(&l->lock);
    if (!l->failing && err->status)
        log_error("the log cannot be written, nothing is taken until it can: %s", err->text);
    if (l->failing && !err->status)
        log_info("the log can be written again");
    l->failure = *err;
    l->failing = err->status != OK;
    pthread_mutex_unlock(&l->lock);
}

static void *commit(void *arg)
{
    struct log *l = arg;
    struct batch b = {0};
    thread_name("log");
    b.rows.max = b.defs.max = SIZE_MAX;
    while (take(l, &b)) {
        struct err err = {0};
        /* whatever it is, it is tried again: to a sender only "full" is something else */
        if (write_batch(l, &b, &err) && err.status != FULL)
            err.status = AGAIN;
        if (l->failing || err.status)
            note_failure(l, &err);
        answer(l, &b, &err);
        pthread_mutex_lock(&l->lock);
        bool give_up = l->stop && err.status;
        pthread_mutex_unlock(&l->lock);
        if (give_up)
            break;
    }
    batch_free(&b);
    return NULL;
}

/* ---- putting ---- */

enum status log_works(struct log *l, struct err *err)
{
    if (!l->failing)
        return OK;
    pthread_mutex_lock(&l->lock);
    enum status st = l->failure.status;
    if (st)
        err_set(err, st, "nothing can be stored now: %s", l->failure.text);
    pthread_mutex_unlock(&l->lock);
    return st;
}

enum status log_admit(struct log *l, struct err *err)
{
    enum status st = log_works(l, err);
    if (st)
        return st;
    if (l->waiting >= LOG_WAITING_MAX)
        return err_set(err, AGAIN, "%d requests wait to be made durable", LOG_WAITING_MAX);
    pthread_mutex_lock(&l->lock);
    size_t bytes = l->filling.rows.len + l->filling.defs.len;
    pthread_mutex_unlock(&l->lock);
    if (bytes >= LOG_BATCH_MAX_BYTES)
        return err_set(err, AGAIN, "%zu bytes wait to be made durable", bytes);
    return OK;
}

uint64_t log_gen(struct log *l)
{
    return l->gen;
}

void log_define(struct log *l, struct span payload)
{
    uint32_t crc = crc32c(0, payload.at, payload.len);
    pthread_mutex_lock(&l->lock);
    l->puts++;
    frame_put(&l->filling.defs, l->files.series_number, l->series_seq++, payload, crc);
    pthread_mutex_unlock(&l->lock);
}

bool log_put(struct log *l, uint64_t gen, struct span payload)
{
    uint32_t crc = crc32c(0, payload.at, payload.len);
    pthread_mutex_lock(&l->lock);
    bool same = gen == l->gen;
    if (same) {
        l->puts++;
        frame_put(&l->filling.rows, gen, l->seq++, payload, crc);
    }
    pthread_mutex_unlock(&l->lock);
    return same;
}

void log_ticket(struct log *l, const struct log_ticket *ticket)
{
    l->waiting++;
    pthread_mutex_lock(&l->lock);
    l->puts++;
    batch_ticket(&l->filling, ticket);
    bool wake = !l->busy;
    pthread_mutex_unlock(&l->lock);
    if (wake)
        pthread_cond_signal(&l->work);
}

/* ---- gens ---- */

/* Until so much of what was put is durable, or cannot be made so. lock held. */
static enum status wait_durable(struct log *l, uint64_t puts, struct err *err)
{
    while (!l->failing && l->durable < puts) {
        pthread_cond_signal(&l->work);
        pthread_cond_wait(&l->written, &l->lock);
    }
    return l->failing ? err_set(err, l->failure.status, "%s", l->failure.text) : OK;
}

/* Nobody who puts waits for it: what was put before goes aside and is written first. */
enum status log_rotate(struct log *l, uint64_t *before, struct err *err)
{
    pthread_mutex_lock(&l->lock);
    enum status st = OK;
    if (!batch_empty(&l->before)) /* of a rotation that failed */
        st = wait_durable(l, l->before.puts, err);
    if (!st) {
        l->filling.puts = l->puts;
        swap_batches(&l->before, &l->filling);
        *before = l->gen++;
        l->filling.gen = l->gen;
        st = wait_durable(l, l->before.puts, err);
    }
    pthread_mutex_unlock(&l->lock);
    return st;
}

enum status log_recycle(struct log *l, uint64_t gen, struct err *err)
{
    pthread_mutex_lock(&l->files_lock);
    enum status st = files_recycle(&l->files, gen, err);
    pthread_mutex_unlock(&l->files_lock);
    return st;
}

enum status log_drain(struct log *l, struct err *err)
{
    pthread_mutex_lock(&l->lock);
    enum status st = wait_durable(l, l->puts, err);
    pthread_mutex_unlock(&l->lock);
    return st;
}

/* ---- definitions ---- */

struct log_definitions {
    struct series_file file;
    struct buf frames;
    uint64_t seq;
};

enum status log_definitions_begin(struct log *l, struct log_definitions **out, struct err *err)
{
    struct log_definitions *d = mem_zero(1, sizeof *d);
    d->frames.max = SIZE_MAX;
    pthread_mutex_lock(&l->files_lock);
    enum status st = files_begin_series(&l->files, &d->file, err);
    pthread_mutex_unlock(&l->files_lock);
    *out = d;
    if (st) {
        log_definitions_abandon(l, d);
        *out = NULL;
    }
    return st;
}

enum status log_definitions_add(struct log *l, struct log_definitions *d, struct span payload,
                                struct err *err)
{
    buf_clear(&d->frames);
    frame_put(&d->frames, d->file.number, d->seq++, payload, crc32c(0, payload.at, payload.len));
    return files_put_series(&l->files, &d->file, buf_view(&d->frames), err);
}

enum status log_definitions_sync(struct log *l, struct log_definitions *d, struct err *err)
{
    return files_sync_series(&l->files, &d->file, err);
}

static void definitions_free(struct log_definitions *d)
{
    buf_free(&d->frames);
    free(d);
}

void log_definitions_abandon(struct log *l, struct log_definitions *d)
{
    if (!d)
        return;
    files_abandon_series(&l->files, &d->file);
    definitions_free(d);
}

enum status log_definitions_end(struct log *l, struct log_definitions *d, struct err *err)
{
    pthread_mutex_lock(&l->files_lock);
    enum status st = files_end_series(&l->files, &d->file, err);
    pthread_mutex_unlock(&l->files_lock);
    if (!st) {
        pthread_mutex_lock(&l->lock);
        l->series_seq = d->seq;
        pthread_mutex_unlock(&l->lock);
    }
    definitions_free(d);
    return st;
}

uint64_t log_series_bytes(struct log *l)
{
    pthread_mutex_lock(&l->files_lock);
    uint64_t bytes = (uint64_t)l->files.series_at;
    pthread_mutex_unlock(&l->files_lock);
    return bytes;
}

uint64_t log_bytes(struct log *l)
{
    pthread_mutex_lock(&l->files_lock);
    uint64_t bytes = files_bytes(&l->files);
    pthread_mutex_unlock(&l->files_lock);
    return bytes;
}

uint64_t log_commits(struct log *l)
{
    return l->commits;
}

/* ---- opening ---- */

enum status log_open(struct disk *d, const char *dir, size_t segment_bytes, uint64_t last_gen,
                     const struct log_replay *replay, struct log **out, struct log_health *health,
                     struct err *err)
{
    struct log *l = mem_zero(1, sizeof *l);
    *out = NULL;
    enum status st = files_open(&l->files, d, dir, segment_bytes, replay, health, err);
    if (st) {
        files_close(&l->files, false);
        free(l);
        return st;
    }
    l->seq = l->files.next_seq;
    l->series_seq = l->files.series_next_seq;
    l->gen = MAX(l->files.last_gen, last_gen) + 1;
    l->filling.gen = l->gen;
    l->filling.rows.max = l->filling.defs.max = SIZE_MAX;
    l->before.gen = l->gen;
    l->before.rows.max = l->before.defs.max = SIZE_MAX;
    pthread_mutex_init(&l->files_lock, NULL);
    pthread_mutex_init(&l->lock, NULL);
    cond_init_mono(&l->work);
    pthread_cond_init(&l->written, NULL);
    int failed = pthread_create(&l->thread, NULL, commit, l);
    if (failed) {
        errno = failed;
        st = err_errno(err, "start the thread that writes the log");
        files_close(&l->files, false);
        free(l);
        return st;
    }
    *out = l;
    return OK;
}

void log_close(struct log *l, bool empty)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    answer(l, &l->before, &l->failure); /* none unless the last write failed */
    answer(l, &l->filling, &l->failure);
    files_close(&l->files, empty && !l->failing);
    batch_free(&l->before);
    batch_free(&l->filling);
    pthread_mutex_destroy(&l->files_lock);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->written);
    free(l);
}
