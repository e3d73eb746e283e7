/* Opening, closing, statistics, and the thread that looks after the blocks. */
#include "store/embedded/embedded.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/map.h"
#include "base/pool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

void store_blocks_dir(const struct store *s, char *text)
{
    snprintf(text, BLOCK_PATH_MAX, "%s/blocks", s->dir);
}

int64_t store_oldest_ms(const struct store *s, int64_t now)
{
    return day_of(now - s->retention_ms) * DAY_MS;
}

/* ---- the list of blocks ---- */

static int by_day_and_gen(const void *a, const void *b)
{
    const struct block_id *x = &(*(struct block *const *)a)->id;
    const struct block_id *y = &(*(struct block *const *)b)->id;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

static bool is_among(const struct block *b, struct block *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == b)
            return true;
    return false;
}

void store_replace_blocks(struct store *s, struct block *const *gone, size_t gone_n,
                          struct block *const *added, size_t added_n, bool frozen)
{
    struct version *v = version_hold(&s->versions);
    struct block **blocks = mem_alloc((v->n + added_n + 1) * sizeof *blocks);
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++)
        if (!is_among(v->blocks[i], gone, gone_n))
            blocks[n++] = v->blocks[i];
    for (size_t i = 0; i < added_n; i++)
        blocks[n++] = added[i];
    if (n)
        qsort(blocks, n, sizeof *blocks, by_day_and_gen);
    version_publish(&s->versions, blocks, n, NULL, frozen);
    for (size_t i = 0; i < added_n; i++)
        block_release(added[i]); /* the version holds it */
    struct disk *d = s->tuning.disk;
    char dir[BLOCK_PATH_MAX];
    store_blocks_dir(s, dir);
    for (size_t i = 0; i < gone_n; i++)
        d->unlink(d, gone[i]->path); /* when it fails: opening removes what is replaced */
    if (gone_n)
        d->sync_dir(d, dir);
    version_release(&s->versions, v);
}

void store_replace_tombstones(struct store *s, struct tombstones *t)
{
    struct version *v = version_hold(&s->versions);
    struct block **blocks = mem_alloc((v->n + 1) * sizeof *blocks);
    memcpy(blocks, v->blocks, v->n * sizeof *blocks);
    version_publish(&s->versions, blocks, v->n, t, true);
    tombstones_release(t);
    version_release(&s->versions, v);
}

/* ---- opening the blocks ---- */

struct file_list {
    struct block_id *at;
    size_t n;
    uint64_t last_gen;
};

static bool replaces(const struct block_id *a, const struct block_id *b)
{
    bool same = a->first == b->first && a->last == b->last;
    return a->day == b->day && a->first <= b->first && a->last >= b->last &&
           (same ? a->revision > b->revision : true);
}

static enum status list_blocks(struct store *s, const char *dir, struct file_list *out,
                               struct err *err)
{
    DIR *d = opendir(dir);
    if (!d)
        return err_errno(err, "open %s", dir);
    for (struct dirent *e; (e = readdir(d));) {
        struct block_id id;
        char path[BLOCK_PATH_MAX + 256];
        if (span_ends(span_of(e->d_name), SPAN(".new"))) { /* a crash while it was written */
            snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
            s->tuning.disk->unlink(s->tuning.disk, path);
        }
        if (!block_name_parse(span_of(e->d_name), &id))
            continue;
        out->at = mem_grow(out->at, (out->n + 1) * sizeof *out->at);
        out->at[out->n++] = id;
        out->last_gen = MAX(out->last_gen, id.last);
    }
    closedir(d);
    return OK;
}

/* A damaged file is put aside, so that a person can look at it, and the rest is served. */
static enum status open_block(struct store *s, const char *dir, struct block_id id,
                              struct block **out, struct err *err)
{
    char path[BLOCK_PATH_MAX], aside[BLOCK_PATH_MAX + 16];
    block_path(dir, id, path);
    enum status st = block_open(s->tuning.disk, path, id, out, err);
    if (st != CORRUPT)
        return st;
    snprintf(aside, sizeof aside, "%s.damaged", path);
    log_error("%s; it is put aside as %s", err->text, aside);
    s->health.damaged++;
    return disk_rename(s->tuning.disk, path, aside, err);
}

static enum status open_blocks(struct store *s, uint64_t *last_gen, struct err *err)
{
    char dir[BLOCK_PATH_MAX], path[BLOCK_PATH_MAX];
    struct file_list files = {0};
    struct tombstones *deleted = NULL;
    store_blocks_dir(s, dir);
    enum status st = list_blocks(s, dir, &files, err);
    struct block **blocks = mem_alloc((files.n + 1) * sizeof *blocks);
    size_t n = 0;
    for (size_t i = 0; !st && i < files.n; i++) {
        bool replaced = false;
        for (size_t k = 0; k < files.n; k++)
            replaced |= k != i && replaces(&files.at[k], &files.at[i]);
        block_path(dir, files.at[i], path);
        if (replaced) {
            s->tuning.disk->unlink(s->tuning.disk, path);
            continue;
        }
        struct block *b = NULL;
        st = open_block(s, dir, files.at[i], &b, err);
        if (b)
            blocks[n++] = b;
    }
    if (!st)
        st = tombstones_load(s->tuning.disk, s->dir, &deleted, err);
    if (n)
        qsort(blocks, n, sizeof *blocks, by_day_and_gen);
    versions_init(&s->versions, blocks, n, deleted);
    for (size_t i = 0; i < n; i++)
        block_release(blocks[i]);
    tombstones_release(deleted);
    free(files.at);
    *last_gen = files.last_gen;
    return st;
}

/* ---- opening ---- */

static enum status lock_dir(struct store *s, struct err *err)
{
    char path[BLOCK_PATH_MAX], text[32] = "";
    snprintf(path, sizeof path, "%s/lock", s->dir);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return err_errno(err, "open %s", path);
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB)) {
        ssize_t n = pread(s->lock_fd, text, sizeof text - 1, 0);
        struct span pid = span_trim(span_from(text, n > 0 ? (size_t)n : 0));
        return err_set(err, AGAIN, "%s is in use by process %.*s", s->dir, SPAN_ARG(pid));
    }
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(s->lock_fd, 0) || pwrite(s->lock_fd, text, (size_t)n, 0) != n)
        return err_errno(err, "write %s", path);
    return OK;
}

static enum status make_dirs(struct store *s, struct err *err)
{
    static const char *const parts[] = {"", "/log", "/blocks"};
    enum status st = OK;
    for (size_t i = 0; !st && i < COUNT(parts); i++) {
        char path[BLOCK_PATH_MAX];
        snprintf(path, sizeof path, "%s%s", s->dir, parts[i]);
        st = dir_make(path, 0700, err);
    }
    return st;
}

static int64_t stored_until(void *arg, struct span instance)
{
    struct store *s = arg;
    int64_t max = INT64_MIN;
    struct version *v = version_hold(&s->versions);
    for (size_t i = 0; i < v->n; i++)
        max = MAX(max, block_instance_max(v->blocks[i], instance));
    version_release(&s->versions, v);
    return max;
}

/* While the log was read, what blocks hold did not matter: a flush whose segments were not yet
 * given back is simply read again. From now on older samples are compared with the blocks. */
static void know_blocks(struct store *s)
{
    struct head *h = &s->head;
    h->stored_until = stored_until;
    h->stored_arg = s;
    for (uint32_t i = 1; i < h->groups_end; i++) {
        struct group *g = h->groups[i];
        g->blocks_max_t = stored_until(s, span_of(g->instance));
        for (uint32_t k = 0; k < g->series_n; k++)
            g->series[k]->last_t = MAX(g->series[k]->last_t, g->blocks_max_t);
    }
}

static enum status open_log(struct store *s, uint64_t last_gen, struct err *err)
{
    char path[BLOCK_PATH_MAX];
    struct replay rows;
    replay_init(&rows, &s->head);
    struct log_replay replay = {define_replay, replay_take, &rows.readers[0], &rows,
                                s->tuning.progress_ms};
    snprintf(path, sizeof path, "%s/log", s->dir);
    enum status st = log_open(s->tuning.disk, path, s->tuning.segment_bytes, last_gen, &replay,
                              &s->log, &s->health, err);
    replay_end(&rows);
    s->head.samples += replay_samples(&rows);
    s->health.lost_samples += replay_lost(&rows);
    s->health.damaged += rows.bad;
    if (rows.bad)
        log_error("%" PRIu64 " records of the log make no sense and are left out", rows.bad);
    replay_free(&rows);
    if (s->head.samples)
        s->head.since_ms = guard_clock(&s->guard).mono;
    if (!st)
        know_blocks(s);
    return st;
}

static int64_t newest_stored(struct store *s)
{
    int64_t newest = INT64_MIN;
    struct version *v = version_hold(&s->versions);
    for (size_t i = 0; i < v->n; i++)
        newest = MAX(newest, v->blocks[i]->max_t);
    version_release(&s->versions, v);
    return newest;
}

static void *maintain(void *arg);

static enum status start_thread(struct store *s, struct err *err)
{
    if (s->tuning.no_thread)
        return OK;
    int failed = pthread_create(&s->thread, NULL, maintain, s);
    s->has_thread = !failed;
    errno = failed;
    return failed ? err_errno(err, "start the thread that looks after the blocks") : OK;
}

static struct store *new_store(const struct store_config *c, const struct store_tuning *tuning)
{
    struct store *s = mem_zero(1, sizeof *s);
    s->dir = mem_dup(c->dir);
    s->lock_fd = -1;
    s->retention_ms = c->retention_ms ? c->retention_ms : (int64_t)STORE_RETENTION_DAYS * DAY_MS;
    s->retention_bytes = c->retention_bytes;
    s->future_max_ms = c->future_max_ms ? c->future_max_ms : STORE_FUTURE_MAX_MS;
    if (tuning)
        s->tuning = *tuning;
    struct store_tuning *t = &s->tuning;
    t->disk = t->disk ? t->disk : &disk_posix;
    t->segment_bytes = t->segment_bytes ? t->segment_bytes : LOG_SEGMENT_BYTES;
    t->flush_samples = t->flush_samples ? t->flush_samples : STORE_FLUSH_SAMPLES;
    t->flush_per_series = t->flush_per_series ? t->flush_per_series : STORE_FLUSH_PER_SERIES;
    t->compact_blocks = t->compact_blocks ? t->compact_blocks : COMPACT_BLOCKS;
    s->guard = (struct guard){
        .disk = t->disk,
        .dir = s->dir,
        .wall_ms = c->now_ms ? c->now_ms : clock_wall_ms,
        .mono_ms = c->mono_ms  ? c->mono_ms
                   : c->now_ms ? c->now_ms
                               : clock_mono_ms,
        .free_min_bytes = c->free_min_bytes,
        .free_min_percent = c->free_min_percent,
    };
    guard_init(&s->guard);
    pthread_mutex_init(&s->maintaining, NULL);
    pthread_mutex_init(&s->wake_lock, NULL);
    cond_init_mono(&s->wake);
    head_init(&s->head);
    return s;
}

static void free_store(struct store *s)
{
    if (s->versions.current)
        versions_free(&s->versions);
    head_free(&s->head);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    guard_free(&s->guard);
    pthread_mutex_destroy(&s->maintaining);
    pthread_mutex_destroy(&s->wake_lock);
    pthread_cond_destroy(&s->wake);
    free(s->dir);
    free(s);
}

enum status store_open_tuned(const struct store_config *config, const struct store_tuning *tuning,
                             struct store **out, struct err *err)
{
    struct err own;
    err = err ? err : &own;
    *out = NULL;
    if (strlen(config->dir) > BLOCK_PATH_MAX / 2)
        return err_set(err, INVALID, "the name of the data directory is too long");
    struct store *s = new_store(config, tuning);
    uint64_t last_gen = 0;
    int64_t begun = clock_mono_ms();
    enum status st = make_dirs(s, err);
    if (!st)
        st = lock_dir(s, err);
    if (!st)
        st = open_blocks(s, &last_gen, err);
    if (!st) {
        int64_t newest = newest_stored(s); /* which may have come from the future */
        guard_begin(&s->guard, newest == INT64_MIN ? newest : newest - s->future_max_ms);
        st = open_log(s, last_gen, err);
    }
    if (!st)
        st = start_thread(s, err);
    if (st) {
        log_close(s->log, false);
        free_store(s);
        return st;
    }
    log_info("store open: dir=%s blocks=%zu series=%u samples_in_log=%" PRIu64 " ms=%" PRId64,
             s->dir, s->versions.current->n, s->head.alive, s->head.samples,
             clock_mono_ms() - begun);
    *out = s;
    return OK;
}

enum status store_open(const struct store_config *config, struct store **out, struct err *err)
{
    return store_open_tuned(config, NULL, out, err);
}

/* ---- maintenance ---- */

/* maintaining held */
static enum status run_maintenance(struct store *s, struct err *err)
{
    int64_t since = s->head.since_ms;
    bool due = s->frozen || s->head.samples >= flush_due_at(s) ||
               (since && guard_clock(&s->guard).mono - since >= STORE_FLUSH_AGE_MS);
    enum status st = due ? flush_head(s, err) : OK;
    if (!st)
        st = sweep_head(s, err);
    if (!st)
        st = compact_blocks(s, false, err);
    /* also when nothing could be written: it is what makes space */
    struct err ignored;
    enum status retained = retain_blocks(s, st ? &ignored : err);
    return st ? st : retained;
}

enum status store_maintain(struct store *s, struct err *err)
{
    pthread_mutex_lock(&s->maintaining);
    enum status st = run_maintenance(s, err);
    pthread_mutex_unlock(&s->maintaining);
    return st;
}

enum status store_compact(struct store *s, struct err *err)
{
    pthread_mutex_lock(&s->maintaining);
    enum status st = flush_head(s, err);
    if (!st)
        st = compact_blocks(s, true, err);
    if (!st)
        st = retain_blocks(s, err);
    pthread_mutex_unlock(&s->maintaining);
    return st;
}

void store_wake(struct store *s)
{
    pthread_mutex_lock(&s->wake_lock);
    s->wanted = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->wake_lock);
}

static bool wait_for_work(struct store *s)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STORE_MAINTAIN_MS / 1000;
    pthread_mutex_lock(&s->wake_lock);
    while (!s->stop && !s->wanted &&
           pthread_cond_timedwait(&s->wake, &s->wake_lock, &until) != ETIMEDOUT)
        ;
    s->wanted = false;
    bool go_on = !s->stop;
    pthread_mutex_unlock(&s->wake_lock);
    return go_on;
}

static void *maintain(void *arg)
{
    struct store *s = arg;
    enum status before = OK;
    thread_name("store");
    while (wait_for_work(s)) {
        struct err err = {0};
        enum status st = store_maintain(s, &err);
        if (st && st != before)
            log_error("the store's blocks: %s", err.text);
        if (!st && before)
            log_info("the store's blocks: all is well again");
        before = st;
    }
    return NULL;
}

static void stop_thread(struct store *s)
{
    pthread_mutex_lock(&s->wake_lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->wake_lock);
    if (s->has_thread)
        pthread_join(s->thread, NULL);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    struct err err = {0};
    stop_thread(s);
    enum status st = log_drain(s->log, &err);
    if (!st)
        st = flush_head(s, &err);
    if (!st)
        st = sweep_head(s, &err);
    if (st)
        log_warn("closing the store: %s; the log keeps what is not in blocks", err.text);
    log_close(s->log, !st);
    free_store(s);
}

void store_abandon(struct store *s)
{
    stop_thread(s);
    log_close(s->log, false);
    free_store(s);
}

/* ---- statistics ---- */

enum status store_takes(struct store *s, struct err *err)
{
    enum status st = log_works(s->log, err);
    return st ? st : guard_space(&s->guard, err);
}

int64_t store_age_clock_ms(struct store *s)
{
    return guard_clock(&s->guard).early;
}

void store_stats(struct store *s, struct store_stats *out)
{
    *out = (struct store_stats){
        .series_active = s->head.alive,
        .samples_appended = s->appended,
        .samples_stored = samples_in_head(s),
        .log_bytes = log_bytes(s->log),
        .commits = log_commits(s->log),
        .duplicates = s->duplicates,
        .refused = s->refused,
        .damaged = s->health.damaged,
        .lost_records = s->health.lost,
        .torn_bytes = s->health.torn_bytes,
        .retention_ms = s->retention_ms,
        .retention_bytes = s->retention_bytes,
    };
    out->bytes_on_disk = out->log_bytes;
    guard_state(&s->guard, out);
    struct statvfs disk;
    if (statvfs(s->dir, &disk) == 0) {
        out->disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
        out->free_bytes =
            (uint64_t)disk.f_bavail * disk.f_frsize; /* the guard looks when it has to */
    }
    struct version *v = version_hold(&s->versions);
    out->blocks = v->n;
    for (size_t i = 0; i < v->n; i++) {
        const struct block *b = v->blocks[i];
        out->samples_stored += b->samples;
        out->bytes_on_disk += b->bytes;
        out->damaged += b->damaged;
        out->min_t_ms = i ? MIN(out->min_t_ms, b->min_t) : b->min_t;
        out->max_t_ms = i ? MAX(out->max_t_ms, b->max_t) : b->max_t;
    }
    version_release(&s->versions, v);
}
