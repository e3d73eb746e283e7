/* Prometheus's text exposition format 0.0.4 (and OpenMetrics's text as far as samples go):
 * what /metrics answers and import and textfiles read. */
#pragma once

#include "series/labels.h"
#include "series/sample.h"

enum metric_type { METRIC_UNTYPED, METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_SUMMARY };

/* # HELP and # TYPE lines; help is escaped. */
void exposition_family(struct buf *out, struct span name, enum metric_type type, const char *help);
/* The same in OpenMetrics 1.0, whose families of counters lack the _total that their samples have;
 * one whose samples have none is unknown there. */
void openmetrics_family(struct buf *out, struct span name, enum metric_type type, const char *help);
/* One sample line; the timestamp is written only when with_time. */
void exposition_sample(struct buf *out, struct labels labels, struct sample s, bool with_time);
const char *metric_type_name(enum metric_type type);

/* What the parser meets, in order. help and type lines come with labels.n == 0. */
struct exposition_line {
    enum { EXPOSITION_SAMPLE, EXPOSITION_HELP, EXPOSITION_TYPE, EXPOSITION_EOF } kind;
    size_t line_no;
    struct labels labels; /* sorted, __name__ included; valid until the next call */
    double v;
    bool has_time;
    int64_t t_ms;
    struct span name, text; /* of HELP and TYPE */
    enum metric_type type;
};

struct exposition_reader;
/* openmetrics: times are seconds, "# EOF" ends. Text must outlive the reader. */
struct exposition_reader *exposition_open(struct span text, bool openmetrics);
/* Text that comes in pieces of whole lines: after NOT_FOUND the next piece, whose lines are counted
 * on. Without last, an end without # EOF is no fault yet. */
void exposition_continue(struct exposition_reader *r, struct span text, bool last);
/* The line that exposition_next looked at last. */
size_t exposition_line_no(const struct exposition_reader *r);
void exposition_close(struct exposition_reader *r);
/* NOT_FOUND at the end; INVALID with "line N: ..." at a fault: the reader has skipped that line
 * and may be asked on. */
MUST_USE enum status exposition_next(struct exposition_reader *r, struct exposition_line *out,
                                     struct err *err);
