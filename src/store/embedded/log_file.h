/* The files of the log: which there are, which is written, which may be used again. One thread
 * at a time. */
#pragma once

#include "store/embedded/log.h"

struct log_segment {
    uint64_t gen, number;
};

struct series_file {
    int fd;
    char *path;
    uint64_t number;
    int64_t at;
};

struct log_files {
    struct disk *disk;
    char *dir;
    size_t segment_bytes;

    struct log_segment *segments; /* with the current one, which is the last */
    size_t segments_n, segments_size;
    uint64_t spares[LOG_SPARES];
    size_t spares_n;
    uint64_t next_number;

    int fd; /* of the current segment; -1: the next write begins one */
    char *path;
    uint64_t gen; /* of the current segment */
    int64_t at;
    size_t size;

    int series_fd;
    char *series_path;
    uint64_t series_number;
    int64_t series_at;

    /* found while opening */
    uint64_t last_gen, next_seq, series_next_seq;
};

MUST_USE enum status files_open(struct log_files *f, struct disk *d, const char *dir,
                                size_t segment_bytes, const struct log_replay *replay,
                                struct log_health *health, struct err *err);
/* Durable when OK. rows gets some zeros at its end and loses them again. */
MUST_USE enum status files_write(struct log_files *f, uint64_t gen, struct buf *rows,
                                 struct err *err);
MUST_USE enum status files_define(struct log_files *f, struct span frames, struct err *err);
MUST_USE enum status files_recycle(struct log_files *f, uint64_t gen, struct err *err);
/* A series file that is going to take the place of the current one. _begin, _put and _sync leave
 * what others write alone, and only one thread replaces. After a failure _abandon; _end gives it
 * back in either case. */
MUST_USE enum status files_begin_series(struct log_files *f, struct series_file *s,
                                        struct err *err);
MUST_USE enum status files_put_series(const struct log_files *f, struct series_file *s,
                                      struct span frames, struct err *err);
MUST_USE enum status files_sync_series(const struct log_files *f, struct series_file *s,
                                       struct err *err);
void files_abandon_series(const struct log_files *f, struct series_file *s);
MUST_USE enum status files_end_series(struct log_files *f, struct series_file *s, struct err *err);
uint64_t files_bytes(const struct log_files *f);
/* empty: removes the segments. */
void files_close(struct log_files *f, bool empty);
