#include "fault_disk.h"

#include "fixture.h"
#include "random.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- failing ---- */

static bool fails(struct disk *disk)
{
    struct failing_disk *d = CONTAINER_OF(disk, struct failing_disk, disk);
    long n = ++d->changes;
    return d->fail_at && n >= d->fail_at && n < d->fail_at + d->failures;
}

static int error_of(struct disk *disk)
{
    return -CONTAINER_OF(disk, struct failing_disk, disk)->error;
}

static int failing_open(struct disk *d, const char *path, int flags)
{
    if (flags & O_CREAT && fails(d))
        return error_of(d);
    return disk_posix.open(d, path, flags);
}

static int failing_write(struct disk *d, int fd, const void *bytes, size_t n, int64_t at)
{
    if (!fails(d))
        return disk_posix.write(d, fd, bytes, n, at);
    disk_posix.write(d, fd, bytes, n / 2, at); /* as a full disk does */
    return error_of(d);
}

static int failing_sync(struct disk *d, int fd)
{
    (void)fd; /* nothing here depends on the real one */
    return fails(d) ? error_of(d) : 0;
}

static int failing_resize(struct disk *d, int fd, int64_t size)
{
    return fails(d) ? error_of(d) : disk_posix.resize(d, fd, size);
}

static int failing_reserve(struct disk *d, int fd, int64_t size)
{
    return fails(d) ? error_of(d) : disk_posix.reserve(d, fd, size);
}

static int failing_rename(struct disk *d, const char *from, const char *to)
{
    return fails(d) ? error_of(d) : disk_posix.rename(d, from, to);
}

static int failing_unlink(struct disk *d, const char *path)
{
    return fails(d) ? error_of(d) : disk_posix.unlink(d, path);
}

static int failing_sync_dir(struct disk *d, const char *path)
{
    (void)path;
    return fails(d) ? error_of(d) : 0;
}

static void plain_close(struct disk *d, int fd)
{
    (void)d;
    close(fd);
}

void failing_disk_init(struct failing_disk *d)
{
    *d = (struct failing_disk){
        .disk = {failing_open, failing_write, failing_sync, failing_resize, failing_reserve,
                 failing_rename, failing_unlink, failing_sync_dir, plain_close, NULL},
        .error = ENOSPC,
    };
}

/* ---- forgetful ---- */

enum { MOST = 4096, SECTOR = 512 };

struct object {    /* a file, whatever its name is now */
    char *content; /* what is on the disk for certain */
    size_t len;
};

struct name {
    char *path;
    struct object *object;
};

struct names {
    struct name at[MOST];
    size_t n;
};

struct forgetful_disk {
    struct disk disk;
    pthread_mutex_t lock;
    char dir[256];
    struct names now, kept;
    struct object *of_fd[MOST], *objects[MOST];
    size_t objects_n;
};

static struct forgetful_disk *forgetful(struct disk *d)
{
    return CONTAINER_OF(d, struct forgetful_disk, disk);
}

static struct object *find_name(struct names *names, const char *path)
{
    for (size_t i = 0; i < names->n; i++)
        if (!strcmp(names->at[i].path, path))
            return names->at[i].object;
    return NULL;
}

static void set_name(struct names *names, const char *path, struct object *o)
{
    for (size_t i = 0; i < names->n; i++)
        if (!strcmp(names->at[i].path, path)) {
            names->at[i].object = o;
            return;
        }
    if (names->n == MOST)
        abort();
    names->at[names->n++] = (struct name){mem_dup(path), o};
}

static void drop_name(struct names *names, const char *path)
{
    for (size_t i = 0; i < names->n; i++)
        if (!strcmp(names->at[i].path, path)) {
            free(names->at[i].path);
            names->at[i] = names->at[--names->n];
            return;
        }
}

static char *content_of(int fd, size_t *len)
{
    struct stat info;
    if (fstat(fd, &info))
        abort();
    *len = (size_t)info.st_size;
    char *at = mem_alloc(*len + 1);
    for (size_t got = 0; got < *len;) {
        ssize_t n = pread(fd, at + got, *len - got, (off_t)got);
        if (n <= 0)
            abort();
        got += (size_t)n;
    }
    return at;
}

static int forgetful_open_file(struct disk *disk, const char *path, int flags)
{
    struct forgetful_disk *d = forgetful(disk);
    pthread_mutex_lock(&d->lock);
    int fd = disk_posix.open(disk, path, flags);
    if (fd >= MOST)
        abort();
    if (fd >= 0) {
        struct object *o = find_name(&d->now, path);
        if (!o) {
            o = d->objects[d->objects_n++] = mem_zero(1, sizeof *o);
            set_name(&d->now, path, o);
        }
        d->of_fd[fd] = o;
    }
    pthread_mutex_unlock(&d->lock);
    return fd;
}

static int forgetful_sync(struct disk *disk, int fd)
{
    struct forgetful_disk *d = forgetful(disk);
    pthread_mutex_lock(&d->lock);
    struct object *o = d->of_fd[fd];
    free(o->content);
    o->content = content_of(fd, &o->len);
    pthread_mutex_unlock(&d->lock);
    return 0;
}

static bool directly_in(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return !strncmp(path, dir, n) && path[n] == '/' && !strchr(path + n + 1, '/');
}

static int forgetful_sync_dir(struct disk *disk, const char *path)
{
    struct forgetful_disk *d = forgetful(disk);
    pthread_mutex_lock(&d->lock);
    for (size_t i = d->kept.n; i-- > 0;)
        if (directly_in(d->kept.at[i].path, path))
            drop_name(&d->kept, d->kept.at[i].path);
    for (size_t i = 0; i < d->now.n; i++)
        if (directly_in(d->now.at[i].path, path))
            set_name(&d->kept, d->now.at[i].path, d->now.at[i].object);
    pthread_mutex_unlock(&d->lock);
    return 0;
}

static int forgetful_unlink(struct disk *disk, const char *path)
{
    struct forgetful_disk *d = forgetful(disk);
    pthread_mutex_lock(&d->lock);
    int result = disk_posix.unlink(disk, path);
    if (!result)
        drop_name(&d->now, path);
    pthread_mutex_unlock(&d->lock);
    return result;
}

static int forgetful_rename(struct disk *disk, const char *from, const char *to)
{
    struct forgetful_disk *d = forgetful(disk);
    pthread_mutex_lock(&d->lock);
    struct object *o = find_name(&d->now, from);
    int result = disk_posix.rename(disk, from, to);
    if (!result) {
        drop_name(&d->now, from);
        set_name(&d->now, to, o);
    }
    pthread_mutex_unlock(&d->lock);
    return result;
}

struct forgetful_disk *forgetful_open(const char *dir)
{
    struct forgetful_disk *d = mem_zero(1, sizeof *d);
    d->disk = disk_posix;
    d->disk.open = forgetful_open_file;
    d->disk.sync = forgetful_sync;
    d->disk.rename = forgetful_rename;
    d->disk.unlink = forgetful_unlink;
    d->disk.sync_dir = forgetful_sync_dir;
    pthread_mutex_init(&d->lock, NULL);
    snprintf(d->dir, sizeof d->dir, "%s", dir);
    return d;
}

void forgetful_close(struct forgetful_disk *d)
{
    for (size_t i = 0; i < d->objects_n; i++) {
        free(d->objects[i]->content);
        free(d->objects[i]);
    }
    for (size_t i = 0; i < d->now.n; i++)
        free(d->now.at[i].path);
    for (size_t i = 0; i < d->kept.n; i++)
        free(d->kept.at[i].path);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

struct disk *forgetful_face(struct forgetful_disk *d)
{
    return &d->disk;
}

/* Some sectors as they are now, the others as they were synced. */
static char *torn_content(const struct object *o, const char *path, struct dice *dice, size_t *len)
{
    auto_fd fd = open(path, O_RDONLY);
    size_t now_len = 0;
    auto_free char *now = fd >= 0 ? content_of(fd, &now_len) : NULL;
    *len = !now || roll(dice) & 1 ? o->len : now_len;
    char *out = mem_zero(1, *len + 1);
    if (o->content)
        memcpy(out, o->content, MIN(*len, o->len));
    for (size_t at = 0; now && at < MIN(*len, now_len); at += SECTOR)
        if (roll(dice) & 1)
            memcpy(out + at, now + at, MIN((size_t)SECTOR, MIN(*len, now_len) - at));
    return out;
}

static void write_out(struct forgetful_disk *d, const struct name *name, const char *to, bool torn,
                      struct dice *dice)
{
    char path[1024];
    size_t len = name->object->len;
    snprintf(path, sizeof path, "%s%s", to, name->path + strlen(d->dir));
    auto_free char *content = torn ? torn_content(name->object, name->path, dice, &len) : NULL;
    auto_fd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const char *bytes = content ? content : name->object->content;
    if (fd < 0 || (len && write(fd, bytes, len) != (ssize_t)len))
        abort();
}

void forgetful_cut(struct forgetful_disk *d, const char *to, bool torn, uint64_t seed)
{
    static const char *const parts[] = {"", "/log", "/blocks"};
    struct dice dice = dice_of(seed);
    for (size_t i = 0; i < COUNT(parts); i++) {
        char path[512];
        snprintf(path, sizeof path, "%s%s", to, parts[i]);
        mkdir(path, 0700);
    }
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->kept.n; i++) { /* a name that is gone now may be gone, or not */
        struct object *now = find_name(&d->now, d->kept.at[i].path);
        if (!torn || now == d->kept.at[i].object || roll(&dice) & 1)
            write_out(d, &d->kept.at[i], to, torn && now == d->kept.at[i].object, &dice);
    }
    for (size_t i = 0; torn && i < d->now.n; i++)
        if (!find_name(&d->kept, d->now.at[i].path) && roll(&dice) & 1)
            write_out(d, &d->now.at[i], to, true, &dice);
    pthread_mutex_unlock(&d->lock);
}
