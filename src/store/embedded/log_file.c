#include "store/embedded/log_file.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
    TERMINATOR_BYTES = 16,
    PATH_TEXT_MAX = 4096,
    GIVEN_BACK_MAX = 1 << 20,
    PROGRESS_EVERY_MS = 1000
};

static char *file_path(const struct log_files *f, const char *kind, uint64_t number)
{
    char text[PATH_TEXT_MAX];
    snprintf(text, sizeof text, "%s/%s%012" PRIu64 ".log", f->dir, kind, number);
    return mem_dup(text);
}

/* With the gen, so that a damaged head does not make the frames unreadable. */
static char *segment_path(const struct log_files *f, struct log_segment s)
{
    char text[PATH_TEXT_MAX];
    snprintf(text, sizeof text, "%s/%012" PRIu64 "-%" PRIu64 ".log", f->dir, s.number, s.gen);
    return mem_dup(text);
}

static void drop_current(struct log_files *f)
{
    if (f->fd >= 0)
        f->disk->close(f->disk, f->fd);
    free(f->path);
    f->fd = -1;
    f->path = NULL;
}

/* ---- writing ---- */

static void list_add(struct log_files *f, struct log_segment s)
{
    if (f->segments_n == f->segments_size) {
        f->segments_size = f->segments_size * 2 + 8;
        f->segments = mem_grow(f->segments, f->segments_size * sizeof *f->segments);
    }
    f->segments[f->segments_n++] = s;
}

/* A file for the next segment: one used before where there is one, as writing over what is
 * allocated makes the cheaper flush. */
static enum status segment_file(struct log_files *f, uint64_t gen, size_t room, struct err *err)
{
    auto_free char *path = segment_path(f, (struct log_segment){gen, f->next_number});
    enum status st = OK;
    if (f->spares_n) {
        auto_free char *spare = file_path(f, "spare-", f->spares[f->spares_n - 1]);
        st = disk_rename(f->disk, spare, path, err);
        if (!st)
            f->spares_n--;
    }
    if (!st)
        st = disk_open(f->disk, path, O_RDWR | O_CREAT, &f->fd, err);
    if (st)
        return st;
    f->size = MAX(f->segment_bytes, room);
    int result = f->disk->reserve(f->disk, f->fd, (int64_t)f->size);
    if (result) {
        errno = -result;
        st = err_errno(err, "reserve %zu bytes for %s", f->size, path);
        drop_current(f);
        f->disk->unlink(f->disk, path);
        return st;
    }
    f->path = mem_dup(path);
    return OK;
}

static enum status begin_segment(struct log_files *f, uint64_t gen, size_t room, struct err *err)
{
    drop_current(f);
    enum status st = segment_file(f, gen, room + FRAME_FILE_HEAD_BYTES + TERMINATOR_BYTES, err);
    if (st)
        return st;
    struct frame_file head = {gen, f->next_number, f->next_seq};
    uint8_t bytes[FRAME_FILE_HEAD_BYTES + TERMINATOR_BYTES] = {0};
    frame_file_head(&head, bytes);
    st = disk_write(f->disk, f->fd, bytes, sizeof bytes, 0, f->path, err);
    if (!st)
        st = disk_sync(f->disk, f->fd, f->path, err);
    if (!st)
        st = disk_sync_dir(f->disk, f->dir, err);
    if (st) {
        drop_current(f);
        return st; /* the next attempt takes the same number and opens the same file */
    }
    list_add(f, (struct log_segment){gen, f->next_number++});
    f->gen = gen;
    f->at = FRAME_FILE_HEAD_BYTES;
    return OK;
}

/* How many frames there are: the next segment says with which number it begins. */
static uint64_t frames_in(struct span frames)
{
    uint64_t n = 0;
    for (size_t at = 0; at < frames.len; n++) {
        uint32_t len;
        memcpy(&len, frames.at + at, sizeof len);
        at += FRAME_HEAD_BYTES + ((len + 7) & ~(size_t)7);
    }
    return n;
}

enum status files_write(struct log_files *f, uint64_t gen, struct buf *rows, struct err *err)
{
    size_t len = rows->len;
    if (f->fd < 0 || f->gen != gen || (size_t)f->at + len + TERMINATOR_BYTES > f->size) {
        enum status st = begin_segment(f, gen, len, err);
        if (st)
            return st;
    }
    buf_fill(rows, 0, TERMINATOR_BYTES);
    enum status st = disk_write(f->disk, f->fd, rows->at, rows->len, f->at, f->path, err);
    rows->len = len;
    if (!st)
        st = disk_sync(f->disk, f->fd, f->path, err);
    if (st)
        return st;
    f->at += (int64_t)len;
    f->next_seq += frames_in(buf_view(rows));
    return OK;
}

enum status files_define(struct log_files *f, struct span frames, struct err *err)
{
    enum status st =
        disk_write(f->disk, f->series_fd, frames.at, frames.len, f->series_at, f->series_path, err);
    if (!st)
        st = disk_sync(f->disk, f->series_fd, f->series_path, err);
    if (!st)
        f->series_at += (int64_t)frames.len;
    return st;
}

enum status files_recycle(struct log_files *f, uint64_t gen, struct err *err)
{
    enum status st = OK;
    size_t kept = 0, done = 0;
    if (f->fd >= 0 && f->gen <= gen)
        drop_current(f);
    for (size_t i = 0; i < f->segments_n; i++) {
        struct log_segment s = f->segments[i];
        if (s.gen > gen || st) {
            f->segments[kept++] = s;
            continue;
        }
        auto_free char *path = segment_path(f, s);
        if (f->spares_n < LOG_SPARES) {
            auto_free char *spare = file_path(f, "spare-", s.number);
            st = disk_rename(f->disk, path, spare, err);
            if (!st)
                f->spares[f->spares_n++] = s.number;
        } else {
            st = disk_unlink(f->disk, path, err);
        }
        if (st)
            f->segments[kept++] = s;
        done++;
    }
    f->segments_n = kept;
    if (!st && done)
        st = disk_sync_dir(f->disk, f->dir, err);
    return st;
}

/* ---- the series file ---- */

static char *series_path(const struct log_files *f, uint64_t number)
{
    return file_path(f, "series-", number);
}

enum status files_begin_series(struct log_files *f, struct series_file *s, struct err *err)
{
    struct frame_file head = {.gen = f->series_number + 1, .number = f->series_number + 1};
    uint8_t bytes[FRAME_FILE_HEAD_BYTES];
    frame_file_head(&head, bytes);
    *s = (struct series_file){.fd = -1, .number = head.number};
    s->path = file_path(f, "new-", s->number);
    enum status st = disk_open(f->disk, s->path, O_RDWR | O_CREAT | O_TRUNC, &s->fd, err);
    return st ? st : files_put_series(f, s, span_from(bytes, sizeof bytes), err);
}

enum status files_put_series(const struct log_files *f, struct series_file *s, struct span frames,
                             struct err *err)
{
    enum status st = disk_write(f->disk, s->fd, frames.at, frames.len, s->at, s->path, err);
    if (!st)
        s->at += (int64_t)frames.len;
    return st;
}

enum status files_sync_series(const struct log_files *f, struct series_file *s, struct err *err)
{
    return disk_sync(f->disk, s->fd, s->path, err);
}

void files_abandon_series(const struct log_files *f, struct series_file *s)
{
    if (s->fd >= 0)
        f->disk->close(f->disk, s->fd);
    f->disk->unlink(f->disk, s->path);
    free(s->path);
}

enum status files_end_series(struct log_files *f, struct series_file *s, struct err *err)
{
    auto_free char *path = series_path(f, s->number);
    enum status st = files_sync_series(f, s, err);
    if (!st)
        st = disk_rename(f->disk, s->path, path, err);
    if (!st)
        st = disk_sync_dir(f->disk, f->dir, err);
    if (st) {
        /* the rename may have happened: the file must not be found beside the older one */
        f->disk->unlink(f->disk, path);
        files_abandon_series(f, s);
        return st;
    }
    if (f->series_fd >= 0) {
        f->disk->close(f->disk, f->series_fd);
        f->disk->unlink(f->disk, f->series_path);
    }
    free(s->path);
    free(f->series_path);
    f->series_path = mem_dup(path);
    f->series_fd = s->fd;
    f->series_number = s->number;
    f->series_at = s->at;
    return OK;
}

uint64_t files_bytes(const struct log_files *f)
{
    return (f->segments_n + f->spares_n) * f->segment_bytes + (uint64_t)f->series_at;
}

void files_close(struct log_files *f, bool empty)
{
    if (!f->disk)
        return;
    drop_current(f);
    if (f->series_fd >= 0)
        f->disk->close(f->disk, f->series_fd);
    for (size_t i = 0; empty && i < f->segments_n; i++) {
        auto_free char *path = segment_path(f, f->segments[i]);
        f->disk->unlink(f->disk, path);
    }
    for (size_t i = 0; empty && i < f->spares_n; i++) {
        auto_free char *path = file_path(f, "spare-", f->spares[i]);
        f->disk->unlink(f->disk, path);
    }
    free(f->segments);
    free(f->series_path);
    free(f->dir);
}

/* ---- opening ---- */

/* A file as memory; .at NULL when it is empty. */
static enum status map_file(const char *path, struct span *out, struct err *err)
{
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat info;
    *out = (struct span){0};
    if (fd < 0 || fstat(fd, &info))
        return err_errno(err, "open %s", path);
    if (info.st_size == 0)
        return OK;
    void *at = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return err_errno(err, "map %s", path);
    madvise(at, (size_t)info.st_size, MADV_SEQUENTIAL);
    *out = span_from(at, (size_t)info.st_size);
    return OK;
}

static void unmap(struct span *content)
{
    if (content->at)
        munmap((void *)content->at, content->len);
}

/* Reading: what is found goes to fn; what is damaged is counted and told. */
struct pass {
    const struct log_files *files;
    bool (*fn)(void *arg, uint64_t gen, struct span payload);
    void *arg;
    uint64_t bytes, done;                /* of all segments */
    int64_t told_mono_ms, tell_every_ms; /* how far it is */
    struct log_health health;
    uint64_t next_seq, last_gen;
    bool any; /* a segment was read before */
};

static void tell(const char *path, size_t at, const char *what)
{
    log_error("%s, byte %zu: %s", path, at, what);
}

/* A person who waits for the start wants to know for how long. */
static void tell_progress(struct pass *p, size_t at)
{
    int64_t mono = clock_mono_ms();
    if (!p->bytes || mono - p->told_mono_ms < p->tell_every_ms)
        return;
    p->told_mono_ms = mono;
    log_info("reading the log: %" PRIu64 " %%", (p->done + at) * 100 / p->bytes);
}

/* Hands every whole frame to fn; counts the others. */
static void read_frames(struct pass *p, struct frame_reader *r, const char *path)
{
    struct span payload;
    size_t at, bytes, given_back = 0;
    uint64_t lost;
    for (;;) {
        switch (frame_next(r, &payload, &at, &bytes, &lost)) {
        case FRAME_OK:
            p->health.records++;
            if (!p->fn(p->arg, r->gen, payload)) {
                p->health.damaged++;
                tell(path, r->at, "the record before makes no sense and is left out");
            }
            /* what was read must not count as ours for the whole of a long replay */
            if (r->at - given_back > GIVEN_BACK_MAX) {
                size_t to = r->at & ~(size_t)(GIVEN_BACK_MAX - 1);
                madvise((char *)r->content.at + given_back, to - given_back, MADV_DONTNEED);
                given_back = to;
                tell_progress(p, r->at);
            }
            break;
        case FRAME_DAMAGED:
            p->health.damaged++;
            p->health.lost += lost;
            tell(path, at, "records are damaged and lost; what follows is served");
            break;
        case FRAME_TORN:
            p->health.torn_bytes += bytes;
            log_warn("%s, byte %zu: a write was not finished; it had not been acknowledged", path,
                     at);
            return;
        case FRAME_END:
            return;
        }
    }
}

static enum status replay_series(struct log_files *f, const struct log_replay *replay,
                                 struct log_health *health, struct err *err)
{
    struct span content;
    enum status st = map_file(f->series_path, &content, err);
    if (st)
        return st;
    struct pass p = {.files = f, .fn = replay->define, .arg = replay->define_arg};
    struct frame_file head;
    if (content.len && !frame_file_of(content, &head)) {
        p.health.damaged++;
        tell(f->series_path, 0, "the head is damaged; the rest is read");
    }
    struct frame_reader r = {content, FRAME_FILE_HEAD_BYTES, f->series_number, 0};
    read_frames(&p, &r, f->series_path);
    *health = p.health;
    f->series_at = (int64_t)MAX(r.at, (size_t)FRAME_FILE_HEAD_BYTES);
    f->series_next_seq = r.seq;
    unmap(&content);
    return OK;
}

/* Where the frames of a segment begin. A head is written and synced before the first frame: when
 * it is not whole and there is no frame, nothing was lost. */
static void read_head(struct pass *p, const char *path, struct frame_reader *r)
{
    struct frame_file head;
    if (frame_file_of(r->content, &head)) {
        if (p->any && head.first_seq > r->seq) {
            p->health.damaged++;
            p->health.lost += head.first_seq - r->seq;
            tell(path, 0, "records before it are lost");
        }
        r->seq = MAX(r->seq, head.first_seq);
        return;
    }
    struct frame_reader probe = *r;
    struct span payload;
    size_t at, bytes;
    uint64_t lost;
    enum frame_found found = frame_next(&probe, &payload, &at, &bytes, &lost);
    if (found == FRAME_OK || found == FRAME_DAMAGED) {
        p->health.damaged++;
        tell(path, 0, "the head is damaged; the rest is read");
    }
    if (found == FRAME_DAMAGED && !p->any)
        *r = probe; /* the first of all: there is no number to compare with */
}

static enum status read_segment(struct pass *p, struct log_segment s, struct err *err)
{
    auto_free char *path = segment_path(p->files, s);
    struct span content;
    enum status st = map_file(path, &content, err);
    if (st)
        return st;
    struct frame_reader r = {content, FRAME_FILE_HEAD_BYTES, s.gen, p->next_seq};
    read_head(p, path, &r);
    read_frames(p, &r, path);
    p->next_seq = r.seq;
    p->last_gen = MAX(p->last_gen, s.gen);
    p->health.segments++;
    p->any = true;
    p->done += content.len;
    tell_progress(p, 0);
    unmap(&content);
    return OK;
}

static void add_health(struct log_health *to, const struct log_health *from)
{
    to->segments += from->segments;
    to->records += from->records;
    to->damaged += from->damaged;
    to->lost += from->lost;
    to->torn_bytes += from->torn_bytes;
}

static enum status replay_segments(struct log_files *f, const struct log_segment *segments,
                                   size_t n, const struct log_replay *replay,
                                   struct log_health *health, struct err *err)
{
    struct pass p = {.files = f,
                     .fn = replay->row,
                     .arg = replay->row_arg,
                     .bytes = (uint64_t)n * f->segment_bytes,
                     .tell_every_ms = replay->progress_ms ? replay->progress_ms : PROGRESS_EVERY_MS,
                     .told_mono_ms = clock_mono_ms()};
    enum status st = OK;
    for (size_t i = 0; !st && i < n; i++)
        st = read_segment(&p, segments[i], err);
    add_health(health, &p.health);
    f->next_seq = p.next_seq;
    f->last_gen = p.last_gen;
    for (size_t i = 0; i < n; i++)
        list_add(f, segments[i]);
    return st;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct log_segment *)a)->number;
    uint64_t y = ((const struct log_segment *)b)->number;
    return (x > y) - (x < y);
}

struct found {
    struct log_segment *segments;
    size_t n;
    uint64_t series; /* the newest */
};

static bool number_of(struct span name, const char *kind, uint64_t *out)
{
    struct span start = span_of(kind), end = SPAN(".log");
    if (!span_starts(name, start) || !span_ends(name, end) || name.len < start.len + end.len)
        return false;
    return span_u64(span_from(name.at + start.len, name.len - start.len - end.len), out);
}

static bool segment_of(struct span name, struct log_segment *out)
{
    size_t dash = span_find(name, '-');
    struct span gen = span_from(name.at + dash, name.len - dash);
    return span_u64(span_from(name.at, dash), &out->number) && number_of(gen, "-", &out->gen);
}

static void found_file(struct log_files *f, const char *text, struct found *out)
{
    struct span name = span_of(text);
    uint64_t number;
    struct log_segment segment;
    auto_free char *path = mem_zero(1, strlen(f->dir) + name.len + 2);
    snprintf(path, strlen(f->dir) + name.len + 2, "%s/%s", f->dir, text);
    if (number_of(name, "series-", &number)) {
        out->series = MAX(out->series, number);
    } else if (number_of(name, "spare-", &number)) {
        f->next_number = MAX(f->next_number, number + 1);
        if (f->spares_n < LOG_SPARES)
            f->spares[f->spares_n++] = number;
        else
            f->disk->unlink(f->disk, path);
    } else if (number_of(name, "new-", &number)) {
        f->disk->unlink(f->disk, path);
    } else if (segment_of(name, &segment)) {
        out->segments = mem_grow(out->segments, (out->n + 1) * sizeof *out->segments);
        out->segments[out->n++] = segment;
        f->next_number = MAX(f->next_number, segment.number + 1);
    }
}

static enum status find_files(struct log_files *f, struct found *out, struct err *err)
{
    DIR *dir = opendir(f->dir);
    if (!dir)
        return err_errno(err, "open %s", f->dir);
    for (struct dirent *e; (e = readdir(dir));)
        found_file(f, e->d_name, out);
    closedir(dir);
    if (out->n)
        qsort(out->segments, out->n, sizeof *out->segments, by_number);
    return OK;
}

static enum status first_series(struct log_files *f, struct err *err)
{
    struct series_file first;
    enum status st = files_begin_series(f, &first, err);
    if (!st)
        return files_end_series(f, &first, err);
    files_abandon_series(f, &first);
    return st;
}

/* The newest series file; a first one when there is none. */
static enum status open_series(struct log_files *f, uint64_t newest,
                               const struct log_replay *replay, struct log_health *health,
                               struct err *err)
{
    if (!newest)
        return first_series(f, err);
    if (newest > 1) { /* a crash may have left the one before */
        auto_free char *before = series_path(f, newest - 1);
        f->disk->unlink(f->disk, before);
    }
    f->series_number = newest;
    f->series_path = series_path(f, newest);
    enum status st = replay_series(f, replay, health, err);
    if (!st)
        st = disk_open(f->disk, f->series_path, O_RDWR, &f->series_fd, err);
    if (!st)
        f->disk->resize(f->disk, f->series_fd, f->series_at); /* without an unfinished write */
    return st;
}

enum status files_open(struct log_files *f, struct disk *d, const char *dir, size_t segment_bytes,
                       const struct log_replay *replay, struct log_health *health, struct err *err)
{
    *f = (struct log_files){.disk = d,
                            .dir = mem_dup(dir),
                            .segment_bytes = segment_bytes,
                            .fd = -1,
                            .series_fd = -1,
                            .next_number = 1};
    struct found found = {0};
    enum status st = find_files(f, &found, err);
    if (!st)
        st = open_series(f, found.series, replay, health, err);
    if (!st)
        st = replay_segments(f, found.segments, found.n, replay, health, err);
    free(found.segments);
    return st;
}
