/* The only door to samples. What is behind it (embedded/, later PostgreSQL, InfluxDB, a
 * Prometheus-compatible engine) knows series and bytes; nothing here knows HTTP, rules or
 * hosts' meaning. Samples come in as remote-write messages (protobuf, not compressed), the one
 * ingest format: whoever has other data encodes it with series/remote_write.h. */
#pragma once

#include "base/err.h"
#include "series/source.h"

struct store;
struct store_writer;

struct store_config {
    const char *dir;           /* created when missing; one process at a time */
    int64_t retention_ms;      /* 0: 30 days */
    uint64_t retention_bytes;  /* 0: no limit */
    int64_t future_max_ms;     /* samples later than now + this are refused; 0: 10 minutes */
    uint64_t free_min_bytes;   /* with less free space nothing is taken; 0: the next alone */
    unsigned free_min_percent; /* the same as a share of the file system, of which no more than
                                  16 GiB are asked; both 0: until the disk is full */
    int64_t (*now_ms)(void);   /* NULL: clock_wall_ms */
    int64_t (*mono_ms)(void);  /* NULL: now_ms where that is given, else clock_mono_ms */
};

struct append_result {
    size_t samples;    /* newly taken */
    size_t duplicates; /* were there already, with the same value: no error */
    size_t refused;    /* same time with another value, too old, too far in the future */
    size_t series_new;
    int64_t min_t_ms, max_t_ms; /* of the newly taken */
    char refused_why[160];      /* the first reason, "" when none */
};

/* Called once, on a thread of the store, when everything taken is durable (status OK) or when
 * it could not be made so. */
typedef void (*store_done_fn)(void *arg, enum status status, const struct append_result *result,
                              const struct err *err);

MUST_USE enum status store_open(const struct store_config *config, struct store **out,
                                struct err *err);
/* Everything appended is made durable, then closed. NULL is fine. */
void store_close(struct store *s);

/* A writer remembers the order in which series arrive: one for each connection (or host). One
 * thread at a time uses it. */
struct store_writer *store_writer_open(struct store *s);
void store_writer_close(struct store_writer *w); /* NULL is fine */
/* Takes a remote-write message. INVALID: the message is malformed, nothing was taken; AGAIN:
 * too much waits to be durable, retry; FULL: no space. On OK done is called later, exactly once;
 * on any other status it is not called. request is not needed after the call. */
MUST_USE enum status store_append(struct store_writer *w, struct span request, store_done_fn done,
                                  void *arg, struct err *err);
/* store_append and the wait for it. */
MUST_USE enum status store_append_wait(struct store_writer *w, struct span request,
                                       struct append_result *result, struct err *err);

/* A consistent view for one query. Close soon: it holds memory. Any thread. */
struct source *store_read_begin(struct store *s);
void store_read_end(struct source *view);

/* OK, or why nothing is taken at the moment: FULL for want of space, AGAIN when the disk cannot be
 * written. That much waits to be durable is no reason. */
MUST_USE enum status store_takes(struct store *s, struct err *err);
/* The time by which things may be dropped for their age: the wall clock, or an earlier one while
 * that is doubted (docs/STORE.md). */
int64_t store_age_clock_ms(struct store *s);

/* Samples of matching series in start..end become invisible at once and space is given back
 * by the next compaction. */
MUST_USE enum status store_delete(struct store *s, const struct matcher *matchers, size_t n,
                                  int64_t start_ms, int64_t end_ms, struct err *err);
/* Gives back the space of what was deleted now, and waits for it: the blocks that hold some of
 * it are written anew without. May take as long as reading and writing them does. */
MUST_USE enum status store_clean_tombstones(struct store *s, struct err *err);

struct store_cleaned {
    uint64_t samples, bytes; /* that are gone from the blocks */
};
/* Drops every sample from before that time: whole blocks as files, the block across the time is
 * written anew. Waits for it, as store_clean_tombstones. */
MUST_USE enum status store_drop_before(struct store *s, int64_t before_ms,
                                       struct store_cleaned *out, struct err *err);

struct store_stats {
    uint64_t series_active, samples_appended, samples_stored, bytes_on_disk, log_bytes;
    uint64_t commits, duplicates, refused, blocks;
    uint64_t damaged;      /* places where the disk gave back something else than was written */
    uint64_t lost_records; /* of the log, by damage */
    uint64_t torn_bytes;   /* of a write that a crash interrupted; never acknowledged */
    int64_t min_t_ms, max_t_ms;          /* 0 when empty */
    uint64_t free_bytes, free_min_bytes; /* of the disk, and what must stay; 0: not known */
    bool low_space, clock_doubted;       /* nothing is taken; nothing is dropped for its age */
    int64_t retention_ms;
    uint64_t retention_bytes; /* 0: no limit */
    uint64_t disk_bytes;      /* of the file system */
};
void store_stats(struct store *s, struct store_stats *out);

struct store_host_stats {
    struct span instance; /* value of the label instance */
    uint64_t series, samples, bytes;
    int64_t min_t_ms, max_t_ms;
};
MUST_USE enum status store_hosts(struct store *s, struct arena *arena,
                                 struct store_host_stats **out, size_t *n, struct err *err);

/* Seals, compacts and drops what is due now; the store does it by itself every minute. */
MUST_USE enum status store_maintain(struct store *s, struct err *err);
/* Everything into as few blocks as may be, in the smallest form. Appends and queries go on. */
MUST_USE enum status store_compact(struct store *s, struct err *err);

/* ---- health ---- */

enum store_fault {
    STORE_FAULT_CHECKSUM,  /* other bytes than were written */
    STORE_FAULT_ORDER,     /* times of a series go back */
    STORE_FAULT_DUPLICATE, /* a time twice */
    STORE_FAULT_RANGE,     /* not of the block's day, or of the future */
    STORE_FAULT_OVERLAP,   /* two blocks hold the same part of the log */
    STORE_FAULT_LOG,       /* records are lost */
    STORE_FAULT_ORPHAN,    /* a file that belongs to nothing */
    STORE_GAP,             /* no fault: a host was silent for more than 3 of its intervals */
    STORE_FAULT_KINDS,
};
const char *store_fault_name(enum store_fault kind);

struct store_finding {
    enum store_fault kind;
    const char *file;       /* or NULL */
    struct span host;       /* or empty */
    int64_t from_ms, to_ms; /* of a gap */
    const char *text;
};
/* Everything in it is valid during the call. */
typedef void (*store_check_fn)(void *arg, const struct store_finding *f);

struct store_checked {
    uint64_t blocks, parts, hosts, series, samples, bytes; /* series: of each block anew */
    uint64_t log_files, log_records;
    /* Of a store that is open: in memory and log, looked at when they become blocks. */
    uint64_t unchecked_samples;
    uint64_t torn_bytes; /* of a write that a crash interrupted; never acknowledged */
    uint64_t found[STORE_FAULT_KINDS];
};

/* Reads all blocks of a store that is open; any thread, nothing waits for it. What is not in
 * blocks yet was checked when the store was opened. */
MUST_USE enum status store_check(struct store *s, store_check_fn found, void *arg,
                                 struct store_checked *sum, struct err *err);
/* The same of a directory that no process has open, or a backup; changes nothing. NOT_FOUND: it is
 * none. */
MUST_USE enum status store_check_dir(const char *dir, int64_t now_ms, store_check_fn found,
                                     void *arg, struct store_checked *sum, struct err *err);

/* Either of the two as JSON: findings (at most 1,000), sums, "faults" (gaps and orphans are none),
 * "ok". s NULL: the directory. */
MUST_USE enum status store_check_json(struct store *s, const char *dir, int64_t now_ms,
                                      struct buf *out, struct err *err);
/* The directory it was opened on; as long as it is open. */
const char *store_dir(const struct store *s);

struct store_backup {
    uint64_t files, bytes, samples;
    int64_t at_ms; /* everything acknowledged before it is in the backup */
};
/* Writes the store as it is now into dir (made when missing; must not have a part blocks): a
 * directory that store_open takes. On the same file system blocks are linked, not copied. */
MUST_USE enum status store_backup(struct store *s, const char *dir, struct store_backup *out,
                                  struct err *err);
