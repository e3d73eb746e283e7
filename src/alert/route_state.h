/* Inside alert/: routes as read. */
#pragma once

#include "alert/route.h"
#include "alert/zone.h"

#include <jansson.h>

struct match_list {
    struct expr *expr; /* of a selector that has the matchers */
    const struct matcher *at;
    size_t n;
};

struct route {
    struct span name;
    struct match_list match;
    struct span channels[ROUTE_CHANNELS_MAX];
    size_t n_channels;
    struct span group_by[ROUTE_GROUP_BY_MAX];
    size_t n_group_by;
    bool by_all; /* "..." : each alert a group of its own */
    int64_t wait_ms, interval_ms, repeat_ms;
    bool go_on; /* "continue" */
    bool has_hours;
    struct hours hours;
};

struct inhibition {
    struct match_list source, target;
    struct span equal[ROUTE_GROUP_BY_MAX];
    size_t n_equal;
};

struct routing {
    struct arena arena;
    struct route routes[ROUTES_MAX];
    size_t n;
    struct inhibition inhibitions[ROUTES_MAX];
    size_t n_inhibitions;
    bool has_summary;
    int summary_m;
    struct zone *summary_zone;
    struct span summary_channels[ROUTE_CHANNELS_MAX];
    size_t n_summary_channels;
};

/* What a list of texts such as ["severity=\"critical\"", "job=~\"a|b\""] asks; empty: everything.
 */
MUST_USE enum status match_read(const json_t *list, const char *where, struct arena *arena,
                                struct match_list *out, struct err *err);
void match_free(struct match_list *m);
bool match_fits(const struct match_list *m, struct labels l);
/* {"days":["mon"],"from":"08:00","to":"18:00","zone":"Europe/Berlin"} */
MUST_USE enum status hours_read(const json_t *hours, const char *where, struct hours *out,
                                struct err *err);
/* Fails with the name of a member that is not in known (ended by NULL). */
MUST_USE enum status members_known(const json_t *object, const char *where,
                                   const char *const *known, struct err *err);
