/* The name of a series: pairs of label name and value, sorted by name, each name once; the
 * metric's own name is the label __name__. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define LABEL_NAME "__name__"

/* Ceilings for what comes from outside (Prometheus has none by default; these are generous). */
enum { LABELS_MAX = 64, LABEL_NAME_MAX_BYTES = 256, LABEL_VALUE_MAX_BYTES = 4096 };

struct label {
    struct span name, value;
};

/* A value type: spans point to memory that somebody else owns (an arena, a store, a request). */
struct labels {
    const struct label *at;
    size_t n;
};

/* The value of a label; empty span with at == NULL when absent. An empty value means absent
 * too, as in Prometheus. */
struct span labels_get(struct labels l, struct span name);
static inline struct span labels_metric(struct labels l)
{
    return labels_get(l, SPAN(LABEL_NAME));
}
bool labels_eq(struct labels a, struct labels b);
int labels_compare(struct labels a, struct labels b); /* Prometheus's order */
uint64_t labels_hash(struct labels l);
/* Deep copy into the arena. */
struct labels labels_dup(struct arena *a, struct labels l);
/* Sorts by name in place; false when a name occurs twice. */
bool labels_sort(struct label *at, size_t n);
/* {__name__="up", job="node"} as up{job="node"}; values quoted as Prometheus does. */
void labels_print(struct buf *out, struct labels l);
/* Quoted and escaped, for labels_print, errors and PromQL text. */
void label_value_print(struct buf *out, struct span value);

bool label_name_valid(struct span name);  /* [a-zA-Z_][a-zA-Z0-9_]* */
bool metric_name_valid(struct span name); /* [a-zA-Z_:][a-zA-Z0-9_:]* */
bool utf8_valid(struct span text);
/* The name that U__my_2e_metric stands for: my.metric. So Prometheus 3 and Grafana write what is no
 * plain name where only plain names may stand. In the arena; any other text as it is. */
struct span label_name_unescape(struct arena *a, struct span escaped);

/* Builds a label set; the spans given are kept, not copied. */
struct label_builder {
    struct label at[LABELS_MAX];
    size_t n;
    bool failed; /* more than LABELS_MAX */
};

void label_set(struct label_builder *b, struct span name, struct span value); /* "" removes */
void label_builder_start(struct label_builder *b, struct labels from);
/* Sorted, in place: valid while the builder is. */
struct labels label_builder_end(struct label_builder *b);
