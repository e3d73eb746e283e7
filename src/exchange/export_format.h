/* Inside exchange/: how each format writes a stretch of one series. */
#pragma once

#include "exchange/exchange.h"

struct export_piece {
    struct labels labels;
    const int64_t *t_ms;
    const double *v;
    size_t n;
    const struct span *names; /* of all labels that occur in the export, sorted */
    size_t names_n;
};

struct export_format {
    void (*head)(struct buf *out, const struct span *names, size_t n); /* may be NULL */
    void (*group)(struct buf *out, struct span group);                 /* may be NULL */
    void (*series)(struct buf *out, const struct export_piece *p);
    const char *tail; /* may be NULL */
};

const struct export_format *export_format(enum exchange_format f);
