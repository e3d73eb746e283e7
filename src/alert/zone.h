/* Local time in any zone, from the system's database (/usr/share/zoneinfo): the C library knows one
 * zone for the whole process. */
#pragma once

#include "base/err.h"
#include "base/span.h"

struct zone;

/* A name such as "Europe/Berlin"; "UTC" needs no database. INVALID: not a name; NOT_FOUND. */
MUST_USE enum status zone_open(struct span name, struct zone **out, struct err *err);
void zone_close(struct zone *z); /* NULL is fine */
/* Seconds east of UTC at that time. */
int64_t zone_offset_s(const struct zone *z, int64_t unix_s);

struct local_time {
    int weekday; /* 0: Sunday */
    int minute;  /* of the day, 0..1439 */
    int64_t day; /* counts local days */
};
struct local_time zone_local(const struct zone *z, int64_t unix_ms);

/* Days and hours, as people write office hours and maintenance windows. */
struct hours {
    unsigned days;     /* bit 0: Sunday; 0: every day */
    int from_m, to_m;  /* minutes of the day; to <= from: until the next day */
    struct zone *zone; /* NULL: UTC */
};
/* A window that began the evening before belongs to that day. */
bool hours_contain(const struct hours *h, int64_t unix_ms);
bool weekday_parse(struct span text, int *out);       /* "mon", "Monday" */
bool time_of_day_parse(struct span text, int *out_m); /* "08:30", "24:00" */
