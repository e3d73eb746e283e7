/* Functions that are more than one value in, one value out. All take evaluated arguments and
 * may give them back changed. */
#pragma once

#include "promql/eval.h"

#define CALL(name)                                                                                 \
    enum status call_##name(struct eval *ev, const struct expr *e, const struct grid *g,           \
                            struct value *args, struct value *out)

CALL(absent);
CALL(clamp);
CALL(clamp_min);
CALL(clamp_max);
CALL(round);
CALL(scalar);
CALL(vector);
CALL(time);
CALL(pi);
CALL(timestamp);
CALL(sort);
CALL(sort_desc);
CALL(label_replace);
CALL(label_join);
CALL(histogram_quantile);
CALL(histogram_fraction);

/* v[i]: seconds since 1970, in place to the part of the date in UTC. */
void calendar_minute(double *v, size_t n);
void calendar_hour(double *v, size_t n);
void calendar_day_of_week(double *v, size_t n);
void calendar_day_of_month(double *v, size_t n);
void calendar_day_of_year(double *v, size_t n);
void calendar_days_in_month(double *v, size_t n);
void calendar_month(double *v, size_t n);
void calendar_year(double *v, size_t n);
