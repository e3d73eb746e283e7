/* galen backup TO: a backup of a running server, into a directory or a tar file; galen restore
 * FROM: a data directory of it. */
#include "cli/cli.h"
#include "cli/progress.h"

#include "base/file.h"
#include "base/tar.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum { PATH_BYTES = 4096, READ_BYTES = 256 << 10, ZSTD_LEVEL = 3 };

#define MARK "galen-backup.json"

/* ---- the files of a backup, below a directory ---- */

struct unpacking {
    const char *dir;
    char path[PATH_BYTES];
    int fd;
    bool marked;
    uint64_t files;
};

/* What a backup consists of, and nothing else: names come from outside. */
static bool name_allowed(struct span name)
{
    struct span blocks = SPAN("blocks/");
    if (span_is(name, MARK) || span_is(name, "server_analysis.db") || span_is(name, "deleted.db"))
        return true;
    if (!span_starts(name, blocks) || !span_ends(name, SPAN(".db")))
        return false;
    for (size_t i = blocks.len; i + 3 < name.len; i++)
        if (!strchr("0123456789-", name.at[i]))
            return false;
    return name.len > blocks.len + 3;
}

static enum status begin(void *arg, const char *name, uint64_t size, struct err *err)
{
    struct unpacking *u = arg;
    (void)size;
    if (!name_allowed(span_of(name)))
        return err_set(err, INVALID, "\"%s\" is no file of a backup", name);
    u->marked |= strcmp(name, MARK) == 0;
    snprintf(u->path, sizeof u->path, "%.3500s/%s", u->dir, name);
    u->fd = open(u->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    u->files++;
    return u->fd < 0 ? err_errno(err, "open %s", u->path) : OK;
}

static enum status bytes(void *arg, struct span piece, struct err *err)
{
    struct unpacking *u = arg;
    return fd_write_all(u->fd, piece.at, piece.len, err) ? err_prefix(err, "%s", u->path) : OK;
}

static enum status end(void *arg, struct err *err)
{
    struct unpacking *u = arg;
    enum status st = fsync(u->fd) ? err_errno(err, "sync %s", u->path) : OK;
    fd_close(&u->fd);
    u->fd = -1;
    return st;
}

static enum status make_empty(const char *dir, struct err *err)
{
    char blocks[PATH_BYTES];
    DIR *d = opendir(dir);
    size_t n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (d)
        closedir(d);
    if (n)
        return err_set(err, EXISTS, "%s is not empty", dir);
    snprintf(blocks, sizeof blocks, "%.3500s/blocks", dir);
    return dir_make(blocks, 0700, err);
}

static enum status finish(const struct unpacking *u, struct err *err)
{
    char blocks[PATH_BYTES];
    snprintf(blocks, sizeof blocks, "%.3500s/blocks", u->dir);
    if (!u->marked)
        return err_set(err, INVALID, "the backup is not whole: " MARK " is missing");
    enum status st = dir_sync(blocks, err);
    return st ? st : dir_sync(u->dir, err);
}

/* ---- a tar that comes, into a directory or a file ---- */

struct receiving {
    FILE *file;
    ZSTD_CCtx *zstd; /* NULL: not packed */
    struct unpacking unpacking;
    struct tar_reader tar;
    enum status status;
    struct err err;
    struct progress progress;
    uint64_t bytes;
};

static void pack(struct receiving *r, struct span piece, bool last)
{
    char out[READ_BYTES];
    ZSTD_inBuffer in = {piece.at, piece.len, 0};
    for (size_t left = 1; !r->status && left && (in.pos < in.size || last);) {
        ZSTD_outBuffer to = {out, sizeof out, 0};
        left = ZSTD_compressStream2(r->zstd, &to, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            r->status = err_set(&r->err, IO_FAILED, "zstd: %s", ZSTD_getErrorName(left));
        else if (fwrite(out, 1, to.pos, r->file) != to.pos)
            r->status = err_errno(&r->err, "write the backup");
        if (!last && in.pos == in.size)
            break;
    }
}

static void received(void *arg, struct span piece)
{
    struct receiving *r = arg;
    r->bytes += piece.len;
    progress_show(&r->progress, r->bytes);
    if (r->status)
        return;
    if (!r->file)
        r->status = tar_feed(&r->tar, piece, &r->err);
    else if (r->zstd)
        pack(r, piece, false);
    else if (fwrite(piece.at, 1, piece.len, r->file) != piece.len)
        r->status = err_errno(&r->err, "write the backup");
}

static bool is_file_name(const char *name)
{
    return span_ends(span_of(name), SPAN(".tar")) || span_ends(span_of(name), SPAN(".tar.zst"));
}

static enum status open_target(struct receiving *r, const char *to, struct err *err)
{
    r->progress.name = "backup";
    if (!is_file_name(to)) {
        r->unpacking = (struct unpacking){.dir = to, .fd = -1};
        r->tar =
            (struct tar_reader){.begin = begin, .bytes = bytes, .end = end, .arg = &r->unpacking};
        return make_empty(to, err);
    }
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    r->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!r->file)
        return err_errno(err, "open %s", to);
    if (span_ends(span_of(to), SPAN(".zst"))) {
        r->zstd = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(r->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    }
    return OK;
}

static enum status close_target(struct receiving *r, enum status st, const char *to,
                                struct err *err)
{
    progress_end(&r->progress);
    if (!st && r->zstd)
        pack(r, SPAN(""), true);
    if (!st && r->status) {
        st = r->status;
        *err = r->err;
    }
    if (!st && !r->file)
        st = tar_finish(&r->tar, err);
    if (!st && !r->file)
        st = finish(&r->unpacking, err);
    if (r->unpacking.fd > 0)
        close(r->unpacking.fd);
    ZSTD_freeCCtx(r->zstd);
    if (!r->file)
        return st;
    if (!st && (fflush(r->file) || fsync(fileno(r->file))))
        st = err_errno(err, "write %s", to);
    fclose(r->file);
    if (st)
        unlink(to);
    return st;
}

/* ---- backup ---- */

static const char backup_usage[] =
    "usage: galen backup [OPTIONS] DIR | FILE.tar | FILE.tar.zst\n"
    "\n"
    "Backs a running server up: samples and records as they are at one moment, while\n"
    "everything goes on. DIR must be new or empty; a file must be new. galen restore\n"
    "makes a data directory of it.\n"
    "\n"
    "  --keep              the server keeps it too, below backups/ in its data\n"
    "                      directory\n" CLI_SERVER_HELP;

static enum status make(const struct cli_server *s, char *id, size_t size, struct err *err)
{
    auto_buf body = {0};
    enum status st =
        cli_send(s, "POST", "/api/galen/v1/backup", "application/json", SPAN("{}"), &body, err);
    if (st)
        return st;
    json_t *answer = json_loadb(body.at ? body.at : "", body.len, 0, NULL);
    const char *text = json_string_value(json_object_get(answer, "id"));
    if (!text)
        st = err_set(err, INVALID, "%s did not say which backup it made", s->url);
    else
        snprintf(id, size, "%s", text);
    json_decref(answer);
    return st;
}

static int backup(const struct cli_server *s, const char *to, bool keep)
{
    char id[64], path[128];
    struct err err = {0}, ignored;
    struct receiving r = {0};
    enum status st = open_target(&r, to, &err);
    if (st)
        return cli_fail("backup", &err);
    st = make(s, id, sizeof id, &err);
    snprintf(path, sizeof path, "/api/galen/v1/backups/%s", id);
    if (!st) {
        auto_buf body = {0};
        st = cli_stream(s, path, received, &r, (int64_t)24 * 3600 * 1000, &err);
        if (!keep && cli_send(s, "DELETE", path, NULL, SPAN(""), &body, &ignored))
            fprintf(stderr, "galen backup: the server's copy stays: %s\n", ignored.text);
    }
    st = close_target(&r, st, to, &err);
    if (st)
        return cli_fail("backup", &err);
    printf("%s: %.1f MiB\n", to, (double)r.bytes / 0x1p20);
    return EXIT_OK;
}

int cli_backup(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_SERVER_OPTIONS,
        {"keep", no_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct cli_server server;
    bool keep = false, good = true;
    cli_server_defaults(&server);
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'k')
            keep = true;
        else if (c == 'h')
            return cli_usage("backup", backup_usage, stdout);
        else
            good &= cli_server_option(&server, c, optarg);
    }
    if (!good || optind != argc - 1)
        return cli_usage("backup", backup_usage, stderr);
    return backup(&server, argv[optind], keep);
}

/* ---- restore ---- */

static const char restore_usage[] =
    "usage: galen restore FROM --data DIR\n"
    "\n"
    "Makes a server's data directory of a backup: a directory, FILE.tar or\n"
    "FILE.tar.zst. DIR must be new or empty. Start the server on it afterwards.\n";

static enum status feed_file(struct tar_reader *tar, FILE *file, struct err *err)
{
    auto_free char *piece = mem_alloc(READ_BYTES);
    size_t n;
    enum status st = OK;
    while (!st && (n = fread(piece, 1, READ_BYTES, file)) > 0)
        st = tar_feed(tar, span_from(piece, n), err);
    return !st && ferror(file) ? err_errno(err, "read") : st;
}

static enum status feed_packed(struct tar_reader *tar, FILE *file, struct err *err)
{
    auto_free char *piece = mem_alloc(READ_BYTES), *plain = mem_alloc(READ_BYTES);
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    size_t n;
    enum status st = OK;
    while (!st && (n = fread(piece, 1, READ_BYTES, file)) > 0) {
        ZSTD_inBuffer in = {piece, n, 0};
        while (!st && in.pos < in.size) {
            ZSTD_outBuffer out = {plain, READ_BYTES, 0};
            size_t code = ZSTD_decompressStream(zstd, &out, &in);
            if (ZSTD_isError(code))
                st = err_set(err, INVALID, "zstd: %s", ZSTD_getErrorName(code));
            else
                st = tar_feed(tar, span_from(plain, out.pos), err);
        }
    }
    ZSTD_freeDCtx(zstd);
    return !st && ferror(file) ? err_errno(err, "read") : st;
}

static enum status from_file(struct unpacking *u, const char *from, struct err *err)
{
    struct tar_reader tar = {.begin = begin, .bytes = bytes, .end = end, .arg = u};
    FILE *file = fopen(from, "re");
    if (!file)
        return err_errno(err, "open %s", from);
    enum status st = span_ends(span_of(from), SPAN(".zst")) ? feed_packed(&tar, file, err)
                                                            : feed_file(&tar, file, err);
    fclose(file);
    if (!st)
        st = tar_finish(&tar, err);
    return st ? err_prefix(err, "%s", from) : OK;
}

static enum status copy_one(struct unpacking *u, const char *from, const char *name,
                            struct err *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%.3500s/%s", from, name);
    auto_fd in = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0)
        return errno == ENOENT ? OK : err_errno(err, "open %s", path);
    auto_free char *piece = mem_alloc(READ_BYTES);
    enum status st = begin(u, name, 0, err);
    ssize_t n;
    while (!st && (n = read(in, piece, READ_BYTES)) > 0)
        st = bytes(u, span_from(piece, (size_t)n), err);
    return st ? st : end(u, err);
}

static enum status from_directory(struct unpacking *u, const char *from, struct err *err)
{
    char blocks[PATH_BYTES];
    static const char *const names[] = {"server_analysis.db", "deleted.db", MARK};
    snprintf(blocks, sizeof blocks, "%.3500s/blocks", from);
    DIR *d = opendir(blocks);
    if (!d)
        return err_errno(err, "open %s", blocks);
    enum status st = OK;
    for (struct dirent *e; !st && (e = readdir(d));) {
        char name[300];
        snprintf(name, sizeof name, "blocks/%s", e->d_name);
        if (e->d_name[0] != '.')
            st = copy_one(u, from, name, err);
    }
    closedir(d);
    for (size_t i = 0; !st && i < COUNT(names); i++)
        st = copy_one(u, from, names[i], err);
    return st;
}

static int restore(const char *from, const char *data)
{
    struct err err = {0};
    struct unpacking u = {.dir = data, .fd = -1};
    enum status st = make_empty(data, &err);
    if (!st)
        st = is_file_name(from) ? from_file(&u, from, &err) : from_directory(&u, from, &err);
    if (!st)
        st = finish(&u, &err);
    fd_close(&u.fd);
    if (st)
        return cli_fail("restore", &err);
    printf("%s: %llu files restored\n", data, (unsigned long long)u.files);
    return EXIT_OK;
}

int cli_restore(int argc, char **argv)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char *data = NULL;
    bool good = true;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'd')
            data = optarg;
        else if (c == 'h')
            return cli_usage("restore", restore_usage, stdout);
        else
            good = false;
    }
    if (!good || !data || optind != argc - 1)
        return cli_usage("restore", restore_usage, stderr);
    return restore(argv[optind], data);
}
