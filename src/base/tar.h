/* tar as POSIX 1988 has it (ustar), as far as plain files go: what a backup is sent and kept as. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { TAR_BLOCK = 512, TAR_NAME_MAX_BYTES = 100 };

/* Appends the header of a file; its size bytes follow, then tar_pad. */
void tar_begin(struct buf *out, const char *name, uint64_t size, int64_t mtime_s);
void tar_pad(struct buf *out, uint64_t size); /* up to a whole block */
void tar_end(struct buf *out);

/* Reads a tar that comes in pieces cut anywhere. */
struct tar_reader {
    /* A file begins; its bytes follow in any number of calls of bytes, then end. */
    enum status (*begin)(void *arg, const char *name, uint64_t size, struct err *err);
    enum status (*bytes)(void *arg, struct span bytes, struct err *err);
    enum status (*end)(void *arg, struct err *err);
    void *arg;
    /* their own */
    char block[TAR_BLOCK];
    size_t have;
    uint64_t left, pad;
    bool in_file, ended;
};

/* INVALID: no tar, or a kind of entry that a backup does not have. */
MUST_USE enum status tar_feed(struct tar_reader *r, struct span bytes, struct err *err);
/* No more comes. INVALID when the end is missing. */
MUST_USE enum status tar_finish(struct tar_reader *r, struct err *err);
