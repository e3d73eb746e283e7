/* Every change to files goes through here, SQLite's too (vfs.c), so that a test can put another
 * disk in its place: one that fails the n-th write, or one that forgets what was not synced.
 * Reading needs no such thing and is done with pread. */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <sys/types.h>

/* Each returns 0 (open: the descriptor) or -errno. Any thread. */
struct disk {
    int (*open)(struct disk *d, const char *path, int flags); /* new files get mode 0600 */
    int (*write)(struct disk *d, int fd, const void *bytes, size_t n, int64_t at); /* all n */
    int (*sync)(struct disk *d, int fd);
    int (*resize)(struct disk *d, int fd, int64_t size);
    int (*reserve)(struct disk *d, int fd, int64_t size); /* space for it, read as zeros */
    int (*rename)(struct disk *d, const char *from, const char *to);
    int (*unlink)(struct disk *d, const char *path);
    int (*sync_dir)(struct disk *d, const char *path);
    void (*close)(struct disk *d, int fd);
    /* Of the file system of path: what a process without privileges may still write, and its
     * size, in bytes. NULL: there is always space. */
    int (*space)(struct disk *d, const char *path, uint64_t *free_bytes, uint64_t *total_bytes);
};

extern struct disk disk_posix;

/* The same with a sentence; path is for the sentence alone where fd says which file. */
MUST_USE enum status disk_open(struct disk *d, const char *path, int flags, int *fd,
                               struct err *err);
MUST_USE enum status disk_write(struct disk *d, int fd, const void *bytes, size_t n, int64_t at,
                                const char *path, struct err *err);
MUST_USE enum status disk_sync(struct disk *d, int fd, const char *path, struct err *err);
MUST_USE enum status disk_rename(struct disk *d, const char *from, const char *to, struct err *err);
MUST_USE enum status disk_unlink(struct disk *d, const char *path, struct err *err);
MUST_USE enum status disk_sync_dir(struct disk *d, const char *path, struct err *err);

/* SQLite's files on this disk: the name for sqlite3_open_v2. The disk stays for the life of the
 * process. */
const char *disk_vfs(struct disk *d);
