/* A machine in a directory of its own, whose files a test rewrites. */
#pragma once

#include "base/buf.h"
#include "collect/collect.h"

struct scratch {
    char dir[32];
    struct collect *c;
};

struct scratch scratch_open(void);
void scratch_put(const struct scratch *s, const char *path, const char *text);
void scratch_close(struct scratch *s);
/* What is due; message has what is to be sent. */
void scratch_collect(struct scratch *s, int64_t t_ms, struct buf *message);
/* What the message has of one series: 0 no sample, 1 a value in *v, 2 the stale marker. */
int scratch_sample(const struct buf *message, const char *metric, const char *label,
                   const char *value, double *v);
/* How many series of the message are so, with a value or a marker. */
size_t scratch_count(const struct buf *message, const char *metric, const char *label,
                     const char *value);
