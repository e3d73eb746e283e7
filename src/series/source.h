/* Where samples can be selected from: the face that promql/ asks and store/ (or a test, or a
 * recorded machine in memory) answers. Neither knows the other. */
#pragma once

#include "series/matcher.h"
#include "series/sample.h"

/* What a reader may do with less than every sample. The source may ignore it. */
struct select_hints {
    int64_t start_ms, end_ms; /* samples outside (start, end] are not needed */
    int64_t step_ms, range_ms;
    struct span func; /* "rate", "sum_over_time", ...: the function around it, or empty */
    bool labels_only; /* no samples are needed */
    bool brief; /* what read gives is done with before the next read: it may use the same memory */
};

/* One selected series. Samples are ascending in time, at most one for each time, stale
 * markers included. */
struct selected {
    struct labels labels; /* sorted; valid as long as the arena or the source says */
    uint64_t ref;         /* the source's own handle */
    const int64_t *t_ms;  /* n times; NULL until source_read */
    const double *v;      /* n values */
    size_t n;
    bool numbers;      /* no value is NaN; false: not known */
    bool rising;       /* nor less than the one before it; false: not known */
    uint64_t times_id; /* the same as that of another series: the same times; 0: not known */
};

struct source {
    /* All series that match and have a sample within the hints' range (a source may also return
     * series that turn out to have none). Result array and labels live in the arena or as long
     * as the source's read lock; order is the source's, stable between calls without writes. */
    enum status (*select)(struct source *s, const struct matcher *matchers, size_t n,
                          const struct select_hints *hints, struct arena *arena,
                          struct selected **out, size_t *n_out, struct err *err);
    /* Decodes the samples of one selected series in the hints' range into the arena: fills t_ms,
     * v and n. May be called from the thread that called select, any number of times. */
    enum status (*read)(struct source *s, struct selected *series, const struct select_hints *hints,
                        struct arena *arena, struct err *err);
    /* Label names (name empty) or the values of one label, sorted, over the series that
     * match and have samples in start..end. */
    enum status (*label_values)(struct source *s, struct span name, const struct matcher *matchers,
                                size_t n, int64_t start_ms, int64_t end_ms, struct arena *arena,
                                struct span **out, size_t *n_out, struct err *err);
};

/* Samples held in memory, for tests, scripts and `galen check`: append in any order of series,
 * ascending in time for each. */
struct memory_source;
struct memory_source *memory_source_open(void);
void memory_source_close(struct memory_source *m); /* NULL is fine */
/* INVALID when t_ms is not after the series' last. */
MUST_USE enum status memory_source_append(struct memory_source *m, struct labels labels,
                                          struct sample sample, struct err *err);
struct source *memory_source_face(struct memory_source *m);

/* Another source, of which only the series of one host (label instance) are seen: for questions
 * about one host, written for all. */
struct one_host {
    struct source face;
    struct source *all;
    struct matcher host;
};
/* name must live as long as the source is used; nothing to be given back. */
struct source *one_host_face(struct one_host *s, struct source *all, struct span name);
