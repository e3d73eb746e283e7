/* Files and descriptors, whole and safely. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

void fd_close(int *fd); /* closes when >= 0, keeps errno */
#define auto_fd CLEANUP(fd_close) int

/* Appends the whole file to out; FULL when it is larger than out allows. */
MUST_USE enum status file_read(const char *path, struct buf *out, struct err *err);
/* The same below an open directory. */
MUST_USE enum status file_read_at(int dir, const char *path, struct buf *out, struct err *err);
/* Either the old or the new content, whatever happens: temporary file in the same directory,
 * fsync, rename, fsync of the directory. */
MUST_USE enum status file_write_atomic(const char *path, struct span content, mode_t mode,
                                       struct err *err);
/* All n bytes at offset; IO_FAILED or FULL otherwise. */
MUST_USE enum status fd_pwrite_all(int fd, const void *bytes, size_t n, int64_t offset,
                                   struct err *err);
MUST_USE enum status fd_write_all(int fd, const void *bytes, size_t n, struct err *err);
MUST_USE enum status fd_pread_all(int fd, void *bytes, size_t n, int64_t offset, struct err *err);
/* mkdir -p; each new directory gets mode. */
MUST_USE enum status dir_make(const char *path, mode_t mode, struct err *err);
/* Makes renames, creations and unlinks in it durable. */
MUST_USE enum status dir_sync(const char *path, struct err *err);
/* A whole secret file without the line end; at least one character, refused when others can
 * read it is the caller's policy. *out is allocated. */
MUST_USE enum status file_read_secret(const char *path, char **out, struct err *err);
