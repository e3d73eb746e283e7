/* Is what lies in the blocks and the log what was written? Host by host, day by day: checksums,
 * order, duplicates, times of another day, samples that came seldom; of the log the frames. */
#include "store/embedded/embedded.h"

#include "base/file.h"
#include "base/map.h"
#include "store/embedded/frame.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GAP_TIMES = 3 /* of the usual interval */ };

struct check {
    store_check_fn found;
    void *arg;
    struct store_checked *sum;
    int64_t newest_ms; /* samples after it are out of range */
    struct block **blocks;
    size_t n;
    struct block_cursor **cursors;
};

PRINTF(6, 7)
static void tell(struct check *c, enum store_fault kind, const char *file, struct span host,
                 const int64_t range[2], const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct store_finding f = {.kind = kind,
                              .file = file,
                              .host = host,
                              .from_ms = range ? range[0] : 0,
                              .to_ms = range ? range[1] : 0,
                              .text = text};
    c->sum->found[kind]++;
    c->found(c->arg, &f);
}

/* ---- a host's part of a day ---- */

struct host_day {
    struct arena arena;
    struct samples times; /* of all series, once each */
};

/* Most series of a host have the same times: then nothing is to be merged. */
static void merge_times(struct host_day *d, const struct samples *s)
{
    struct samples *all = &d->times;
    if (all->n == s->n && s->n && memcmp(all->t, s->t, s->n * sizeof *s->t) == 0)
        return;
    size_t at = 0, before = all->n;
    for (size_t i = 0; i < s->n; i++) {
        while (at < before && all->t[at] < s->t[i])
            at++;
        if (at == before || all->t[at] != s->t[i])
            samples_put(all, s->t[i], 0);
    }
    if (all->n != before)
        samples_sort(all);
}

static void check_order(struct check *c, const struct block *b, struct span host,
                        const struct samples *s)
{
    size_t wrong = 0, twice = 0, outside = 0;
    int64_t first = b->id.day * DAY_MS, end = first + DAY_MS;
    for (size_t i = 0; i < s->n; i++) {
        wrong += i && s->t[i] < s->t[i - 1];
        twice += i && s->t[i] == s->t[i - 1];
        outside += s->t[i] < first || s->t[i] >= end || s->t[i] > c->newest_ms;
    }
    if (wrong)
        tell(c, STORE_FAULT_ORDER, b->path, host, NULL, "%zu samples are not in order", wrong);
    if (twice)
        tell(c, STORE_FAULT_DUPLICATE, b->path, host, NULL, "%zu samples stand twice", twice);
    if (outside)
        tell(c, STORE_FAULT_RANGE, b->path, host, NULL,
             "%zu samples are not of the block's day, or of the future", outside);
}

/* Later blocks of the same day must not have a time of the series again. */
static void check_twins(struct check *c, size_t number, const struct block_part *p,
                        struct labels own, const struct samples *s)
{
    const struct block *b = c->blocks[number];
    struct label full[LABELS_MAX + 1];
    size_t n = own.n;
    memcpy(full, own.at, n * sizeof *full);
    if (p->instance.len)
        full[n++] = (struct label){SPAN(GROUP_LABEL), p->instance};
    (void)labels_sort(full, n);
    for (size_t i = number + 1; i < c->n && c->blocks[i]->id.day == b->id.day; i++) {
        struct block_place at;
        auto_arena arena = {0};
        struct samples other = {.arena = &arena};
        if (c->blocks[i]->min_t > s->t[s->n - 1] || c->blocks[i]->max_t < s->t[0] ||
            !block_find(c->blocks[i], (struct labels){full, n}, &at))
            continue;
        block_read(c->cursors[i], at, s->t[0], s->t[s->n - 1], &other);
        size_t twice = 0, k = 0;
        for (size_t j = 0; j < other.n; j++) {
            while (k < s->n && s->t[k] < other.t[j])
                k++;
            twice += k < s->n && s->t[k] == other.t[j];
        }
        if (twice)
            tell(c, STORE_FAULT_DUPLICATE, c->blocks[i]->path, p->instance, NULL,
                 "%zu samples stand in %s too", twice, b->path);
    }
}

static void check_part(struct check *c, size_t number, uint32_t part, struct host_day *day)
{
    struct block *b = c->blocks[number];
    const struct block_part *p = &b->parts[part];
    struct directory *d = block_directory(b, part);
    uint64_t damaged = b->damaged, samples = 0;
    c->sum->parts++;
    if (!d) {
        tell(c, STORE_FAULT_CHECKSUM, b->path, p->instance, NULL,
             "the label directory cannot be read");
        return;
    }
    for (uint32_t i = 0; i < d->n; i++) {
        auto_arena arena = {0};
        struct samples s = {.arena = &arena};
        block_read(c->cursors[number], (struct block_place){part, i}, INT64_MIN, INT64_MAX, &s);
        check_order(c, b, p->instance, &s);
        if (s.n)
            check_twins(c, number, p, d->series[i], &s);
        merge_times(day, &s);
        samples += s.n;
    }
    c->sum->series += d->n;
    c->sum->samples += samples;
    if (b->damaged != damaged || samples != p->samples)
        tell(c, STORE_FAULT_CHECKSUM, b->path, p->instance, NULL,
             "%" PRIu64 " of %" PRIu64 " samples cannot be read: other bytes than were written",
             p->samples - MIN(samples, p->samples), p->samples);
    directory_release(d);
}

/* ---- gaps ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t usual_interval(const struct samples *times)
{
    if (times->n < 3)
        return 0;
    int64_t *steps = mem_alloc((times->n - 1) * sizeof *steps);
    for (size_t i = 1; i < times->n; i++)
        steps[i - 1] = times->t[i] - times->t[i - 1];
    qsort(steps, times->n - 1, sizeof *steps, by_size);
    int64_t usual = steps[(times->n - 1) / 2];
    free(steps);
    return usual;
}

static void check_gaps(struct check *c, struct span host, const struct samples *times,
                       int64_t *last_ms)
{
    int64_t usual = usual_interval(times), before = *last_ms;
    for (size_t i = 0; usual && i < times->n; i++) {
        int64_t range[2] = {before, times->t[i]};
        if (before != INT64_MIN && times->t[i] - before > usual * GAP_TIMES)
            tell(c, STORE_GAP, NULL, host, range, "no samples for %" PRId64 " s, usual are %.1f s",
                 (times->t[i] - before) / 1000, (double)usual / 1000);
        before = times->t[i];
    }
    if (times->n)
        *last_ms = times->t[times->n - 1];
}

/* ---- hosts ---- */

static size_t first_part(const struct block *b, struct span host)
{
    size_t low = 0, high = b->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (span_compare(b->parts[mid].instance, host) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void check_host(struct check *c, struct span host)
{
    int64_t last_ms = INT64_MIN;
    for (size_t i = 0, end; i < c->n; i = end) {
        struct host_day day = {0};
        day.times.arena = &day.arena;
        for (end = i; end < c->n && c->blocks[end]->id.day == c->blocks[i]->id.day; end++) {
            const struct block *b = c->blocks[end];
            for (size_t k = first_part(b, host); k < b->n && span_eq(b->parts[k].instance, host);
                 k++)
                check_part(c, end, (uint32_t)k, &day);
        }
        check_gaps(c, host, &day.times, &last_ms);
        arena_free(&day.arena);
    }
}

static int by_text(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static void check_hosts(struct check *c)
{
    struct map seen = {0};
    struct span *hosts = NULL;
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->blocks[i]->n; k++) {
            struct span host = c->blocks[i]->parts[k].instance;
            host.at = host.at ? host.at : "";
            if (map_put(&seen, host, c))
                continue;
            hosts = mem_grow(hosts, (n + 1) * sizeof *hosts);
            hosts[n++] = host;
        }
    if (n)
        qsort(hosts, n, sizeof *hosts, by_text);
    for (size_t i = 0; i < n; i++)
        check_host(c, hosts[i]);
    c->sum->hosts = n;
    map_free(&seen);
    free(hosts);
}

/* Of two blocks of a day none has gens of the other. */
static void check_overlap(struct check *c)
{
    for (size_t i = 0; i + 1 < c->n; i++) {
        const struct block *a = c->blocks[i], *b = c->blocks[i + 1];
        if (a->id.day == b->id.day && b->id.first <= a->id.last)
            tell(c, STORE_FAULT_OVERLAP, b->path, SPAN(""), NULL, "it holds what %s holds too",
                 a->path);
    }
}

static void check_blocks(struct check *c)
{
    c->cursors = mem_zero(c->n + 1, sizeof(struct block_cursor *));
    for (size_t i = 0; i < c->n; i++) {
        c->cursors[i] = block_cursor_open(c->blocks[i]);
        c->sum->blocks++;
        c->sum->bytes += c->blocks[i]->bytes;
    }
    check_overlap(c);
    check_hosts(c);
    for (size_t i = 0; i < c->n; i++)
        block_cursor_close(c->cursors[i]);
    free(c->cursors);
}

/* ---- a store that is open ---- */

enum status store_check(struct store *s, store_check_fn found, void *arg, struct store_checked *sum,
                        struct err *err)
{
    (void)err;
    *sum = (struct store_checked){0};
    struct check c = {.found = found, .arg = arg, .sum = sum};
    c.newest_ms = guard_clock(&s->guard).late + s->future_max_ms;
    sum->unchecked_samples = samples_in_head(s);
    /* the blocks are held, not the version: nobody waits for a check */
    struct version *v = version_hold(&s->versions);
    c.blocks = mem_alloc((v->n + 1) * sizeof(struct block *));
    for (; c.n < v->n; c.n++) {
        c.blocks[c.n] = v->blocks[c.n];
        block_hold(c.blocks[c.n]);
    }
    version_release(&s->versions, v);
    sum->log_records = s->health.records;
    if (s->health.damaged)
        tell(&c, STORE_FAULT_LOG, s->dir, SPAN(""), NULL,
             "%" PRIu64 " places were damaged when the server started", s->health.damaged);
    check_blocks(&c);
    for (size_t i = 0; i < c.n; i++)
        block_release(c.blocks[i]);
    free(c.blocks);
    return OK;
}

/* ---- a directory that nobody has open ---- */

static void check_frames(struct check *c, const char *path, struct span content)
{
    struct frame_file head;
    if (!frame_file_of(content, &head)) {
        tell(c, STORE_FAULT_LOG, path, SPAN(""), NULL, "the head of the file is damaged");
        return;
    }
    struct frame_reader r = {content, FRAME_FILE_HEAD_BYTES, head.gen, head.first_seq};
    for (;;) {
        struct span payload;
        size_t at = 0, bytes = 0;
        uint64_t lost = 0;
        switch (frame_next(&r, &payload, &at, &bytes, &lost)) {
        case FRAME_OK:
            c->sum->log_records++;
            continue;
        case FRAME_DAMAGED:
            tell(c, STORE_FAULT_LOG, path, SPAN(""), NULL,
                 "byte %zu: %zu bytes are damaged, %" PRIu64 " records are lost", at, bytes, lost);
            continue;
        case FRAME_TORN: /* never acknowledged: no fault */
            c->sum->torn_bytes += bytes;
            return;
        case FRAME_END:
            return;
        }
    }
}

static void check_log_file(struct check *c, const char *path)
{
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) || !info.st_size)
        return;
    c->sum->log_files++;
    c->sum->bytes += (uint64_t)info.st_blocks * 512;
    void *at = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return;
    check_frames(c, path, span_from(at, (size_t)info.st_size));
    munmap(at, (size_t)info.st_size);
}

static bool is_log(struct span name)
{
    return span_ends(name, SPAN(".log")) && !span_starts(name, SPAN("spare-")) &&
           !span_starts(name, SPAN("new-"));
}

static void check_block_file(struct check *c, const char *path, struct span name)
{
    struct block_id id;
    struct err err = {0};
    struct block *b = NULL;
    if (span_ends(name, SPAN(".damaged"))) {
        tell(c, STORE_FAULT_CHECKSUM, path, SPAN(""), NULL,
             "it was put aside because it could not be read");
    } else if (!block_name_parse(name, &id)) {
        tell(c, STORE_FAULT_ORPHAN, path, SPAN(""), NULL,
             span_ends(name, SPAN(".new")) ? "a block that was not finished; the server removes it"
                                           : "no file of the store");
    } else if (block_open(&disk_posix, path, id, &b, &err)) {
        tell(c, STORE_FAULT_CHECKSUM, path, SPAN(""), NULL, "%s", err.text);
    } else {
        c->blocks = mem_grow(c->blocks, (c->n + 1) * sizeof(struct block *));
        c->blocks[c->n++] = b;
    }
}

static enum status each_file(struct check *c, const char *dir, const char *part, struct err *err)
{
    char folder[BLOCK_PATH_MAX], path[BLOCK_PATH_MAX + 256];
    snprintf(folder, sizeof folder, "%s/%s", dir, part);
    DIR *d = opendir(folder);
    if (!d && strcmp(part, "log") == 0 && errno == ENOENT)
        return OK; /* a backup */
    if (!d)
        return err_errno(err, "open %s", folder);
    for (struct dirent *e; (e = readdir(d));) {
        struct span name = span_of(e->d_name);
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] == '.')
            continue;
        if (strcmp(part, "blocks") == 0)
            check_block_file(c, path, name);
        else if (is_log(name))
            check_log_file(c, path);
    }
    closedir(d);
    return OK;
}

static int by_day_and_gen(const void *a, const void *b)
{
    const struct block_id *x = &(*(struct block *const *)a)->id;
    const struct block_id *y = &(*(struct block *const *)b)->id;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

enum status store_check_dir(const char *dir, int64_t now_ms, store_check_fn found, void *arg,
                            struct store_checked *sum, struct err *err)
{
    *sum = (struct store_checked){0};
    struct check c = {.found = found, .arg = arg, .sum = sum};
    c.newest_ms = now_ms + STORE_FUTURE_MAX_MS;
    if (strlen(dir) > BLOCK_PATH_MAX / 2)
        return err_set(err, INVALID, "the name of the directory is too long");
    enum status st = each_file(&c, dir, "blocks", err);
    if (!st)
        st = each_file(&c, dir, "log", err);
    if (c.n)
        qsort(c.blocks, c.n, sizeof(struct block *), by_day_and_gen);
    if (!st)
        check_blocks(&c);
    for (size_t i = 0; i < c.n; i++)
        block_release(c.blocks[i]);
    free(c.blocks);
    return st;
}

const char *store_fault_name(enum store_fault kind)
{
    static const char *const names[STORE_FAULT_KINDS] = {
        [STORE_FAULT_CHECKSUM] = "checksum",   [STORE_FAULT_ORDER] = "order",
        [STORE_FAULT_DUPLICATE] = "duplicate", [STORE_FAULT_RANGE] = "out_of_range",
        [STORE_FAULT_OVERLAP] = "overlap",     [STORE_FAULT_LOG] = "log",
        [STORE_FAULT_ORPHAN] = "orphan",       [STORE_GAP] = "gap",
    };
    return names[kind];
}
