/* Backups: a directory DIR/backups/TIME with the store's blocks (links) and a copy of the record,
 * made while everything goes on; sent as a tar. galen-backup.json is written last: with it the
 * backup is whole. */
#include "api/call.h"
#include "api/pieces.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/tar.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BACKUP_PATH_MAX = 4096, BACKUP_ID_BYTES = 20 /* 20261121T063000.123Z */ };

#define MARK "galen-backup.json"

static void path_of(const struct api *a, struct span id, const char *name, char *out)
{
    snprintf(out, BACKUP_PATH_MAX, "%s/backups%s%.*s%s%s", store_dir(a->store), id.len ? "/" : "",
             SPAN_ARG(id), *name ? "/" : "", name);
}

static bool id_valid(struct span id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!strchr("0123456789TZ.", id.at[i]) || !id.at[i])
            return false;
    return id.len == BACKUP_ID_BYTES;
}

static enum status backup_there(struct call *c, struct err *err)
{
    char mark[BACKUP_PATH_MAX];
    if (id_valid(c->id)) {
        path_of(c->api, c->id, MARK, mark);
        if (access(mark, F_OK) == 0)
            return OK;
    }
    return err_set(err, NOT_FOUND, "there is no backup \"%.*s\"", (int)MIN(c->id.len, (size_t)40),
                   c->id.at);
}

/* ---- making ---- */

static void id_of(int64_t now_ms, char id[TIME_TEXT_MAX])
{
    char text[TIME_TEXT_MAX];
    size_t n = 0;
    for (const char *at = clock_rfc3339(now_ms, text); *at; at++)
        if (*at != '-' && *at != ':')
            id[n++] = *at;
    id[n] = 0;
}

static void put_backup(struct json *j, const char *id, const struct store_backup *b)
{
    json_begin_object(j);
    json_field(j, "id", id);
    json_field_i64(j, "at_ms", b->at_ms);
    json_field_i64(j, "files", (int64_t)b->files);
    json_field_i64(j, "bytes", (int64_t)b->bytes);
    json_field_i64(j, "samples", (int64_t)b->samples);
    json_field(j, "version", GALEN_VERSION);
    json_end_object(j);
}

static enum status make_in(struct call *c, const char *dir, const char *id, struct buf *body,
                           struct err *err)
{
    char path[BACKUP_PATH_MAX];
    struct store_backup b;
    struct stat info;
    enum status st = store_backup(c->api->store, dir, &b, err);
    path_of(c->api, span_of(id), "server_analysis.db", path);
    if (!st)
        st = record_backup(c->api->record, path, err);
    if (!st && stat(path, &info) == 0) {
        b.files++;
        b.bytes += (uint64_t)info.st_size;
    }
    struct json j = json_to(body);
    put_backup(&j, id, &b);
    path_of(c->api, span_of(id), MARK, path);
    return st ? st : file_write_atomic(path, buf_view(body), 0600, err);
}

/* A directory of a backup, which has files and one directory of files. */
static void remove_backup(const char *dir)
{
    for (int part = 0; part < 2; part++) {
        char path[BACKUP_PATH_MAX], folder[BACKUP_PATH_MAX];
        snprintf(folder, sizeof folder, "%.4000s%s", dir, part ? "" : "/blocks");
        DIR *d = opendir(folder);
        for (struct dirent *e; d && (e = readdir(d));) {
            if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) < (int)sizeof path &&
                e->d_name[0] != '.')
                unlink(path);
        }
        if (d)
            closedir(d);
        rmdir(folder);
    }
}

/* A backup of this moment; id is its name. */
static enum status make_now(struct call *c, char id[TIME_TEXT_MAX], struct buf *body,
                            struct err *err)
{
    char dir[BACKUP_PATH_MAX];
    id_of(clock_wall_ms(), id);
    path_of(c->api, span_of(id), "", dir);
    if (access(dir, F_OK) == 0)
        return err_set(err, AGAIN, "a backup of this moment is there already");
    enum status st = make_in(c, dir, id, body, err);
    if (st)
        remove_backup(dir);
    return st;
}

static enum status make(struct call *c, void *arg, struct arena *arena, struct buf *body,
                        struct err *err)
{
    char id[TIME_TEXT_MAX];
    (void)arg, (void)arena;
    return make_now(c, id, body, err);
}

static void begin(struct call *c, api_work_fn fn)
{
    struct err err = {0};
    enum status st = api_audit(c, "backup made", SPAN(""), &err);
    if (st)
        api_failure(c, st, &err);
    else
        api_chore(c, fn, NULL);
}

void backup_make(struct call *c)
{
    begin(c, make);
}

/* The same in Prometheus's words. */
static enum status make_snapshot(struct call *c, void *arg, struct arena *arena, struct buf *body,
                                 struct err *err)
{
    auto_buf about = {.max = BACKUP_PATH_MAX};
    char id[TIME_TEXT_MAX];
    (void)arg, (void)arena;
    enum status st = make_now(c, id, &about, err);
    struct json j = json_to(body);
    json_begin_object(&j);
    json_field(&j, "status", "success");
    json_key(&j, "data");
    json_begin_object(&j);
    json_field(&j, "name", id);
    json_end_object(&j);
    json_end_object(&j);
    return st;
}

void backup_snapshot(struct call *c)
{
    begin(c, make_snapshot);
}

/* ---- list and delete ---- */

static enum status list(struct call *c, void *arg, struct arena *arena, struct buf *body,
                        struct err *err)
{
    char dir[BACKUP_PATH_MAX], mark[BACKUP_PATH_MAX];
    struct json j = json_to(body);
    (void)arg, (void)arena, (void)err;
    path_of(c->api, SPAN(""), "", dir);
    json_begin_object(&j);
    json_key(&j, "backups");
    json_begin_array(&j);
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        auto_buf text = {.max = 4096};
        path_of(c->api, span_of(e->d_name), MARK, mark);
        if (id_valid(span_of(e->d_name)) && file_read(mark, &text, NULL) == OK)
            json_raw(&j, buf_view(&text));
    }
    if (d)
        closedir(d);
    json_end_array(&j);
    json_end_object(&j);
    return OK;
}

void backup_list(struct call *c)
{
    api_work(c, list, NULL);
}

static enum status delete (struct call *c, void *arg, struct arena *arena, struct buf *body,
                           struct err *err) {
    char dir[BACKUP_PATH_MAX]; (void)arg, (void)arena, (void)body;
    enum status st = backup_there(c, err);
    path_of(c->api, c->id, "", dir);
    if (!st) remove_backup(dir);
    return st;
}

void backup_delete(struct call *c)
{
    api_chore(c, delete, NULL);
}

/* ---- sending ---- */

struct sending {
    struct pieces out;
    struct arena arena;
    const char **names; /* below the backup's directory; the mark last */
    size_t n, next;
    struct span id;
    int fd;
    uint64_t size, sent; /* of the file under way */
};

static void add_names(struct sending *s, const char *part)
{
    char dir[BACKUP_PATH_MAX];
    path_of(s->out.api, s->id, part, dir);
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.' || strcmp(e->d_name, MARK) == 0 || strcmp(e->d_name, "blocks") == 0)
            continue;
        s->names =
            arena_grow(&s->arena, s->names, s->n * sizeof *s->names, (s->n + 1) * sizeof *s->names);
        s->names[s->n++] = arena_printf(&s->arena, "%s%s%s", part, *part ? "/" : "", e->d_name);
    }
    if (d)
        closedir(d);
}

static bool open_next(struct sending *s, struct buf *out)
{
    char path[BACKUP_PATH_MAX];
    struct stat info;
    path_of(s->out.api, s->id, s->names[s->next], path);
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (s->fd < 0 || fstat(s->fd, &info))
        return false;
    s->size = (uint64_t)info.st_size;
    s->sent = 0;
    tar_begin(out, s->names[s->next], s->size, (int64_t)info.st_mtime);
    return true;
}

static bool copy_some(struct sending *s, struct buf *out)
{
    size_t n = (size_t)MIN(s->size - s->sent, (uint64_t)PIECE_BYTES);
    char *to = buf_reserve(out, n);
    if (!to || fd_pread_all(s->fd, to, n, (int64_t)s->sent, NULL))
        return false;
    out->len += n;
    s->sent += n;
    if (s->sent < s->size)
        return true;
    tar_pad(out, s->size);
    fd_close(&s->fd);
    s->fd = -1;
    s->next++;
    return true;
}

static enum piece next(struct pieces *p, struct buf *out)
{
    struct sending *s = CONTAINER_OF(p, struct sending, out);
    if (!s->names) {
        add_names(s, "blocks");
        add_names(s, "");
        s->names =
            arena_grow(&s->arena, s->names, s->n * sizeof *s->names, (s->n + 1) * sizeof *s->names);
        s->names[s->n++] = MARK;
    }
    while (out->len < PIECE_BYTES && s->next < s->n)
        if ((s->fd < 0 && !open_next(s, out)) || !copy_some(s, out))
            return PIECE_FAILED;
    if (s->next < s->n)
        return PIECE_MORE;
    tar_end(out);
    return PIECE_LAST;
}

static void sent(struct pieces *p)
{
    struct sending *s = CONTAINER_OF(p, struct sending, out);
    if (s->fd >= 0)
        close(s->fd);
    arena_free(&s->arena);
    free(s);
}

void backup_send(struct call *c)
{
    struct err err = {0};
    enum status st = backup_there(c, &err);
    if (!st)
        st = api_audit(c, "backup read", c->id, &err);
    if (st) {
        api_failure(c, st, &err);
        return;
    }
    struct sending *s = mem_zero(1, sizeof *s);
    s->out = (struct pieces){.api = c->api,
                             .req = c->req,
                             .content_type = "application/x-tar",
                             .next = next,
                             .finished = sent};
    s->id = arena_span(&s->arena, c->id);
    s->fd = -1;
    if (pieces_start(&s->out))
        return;
    api_busy(c, "too many queries wait already");
    sent(&s->out);
}
