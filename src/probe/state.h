/* Private to probe/: what is held of each service. services.c fills it, series.c and services_json
 * read it. */
#pragma once

#include "probe/check.h"
#include "probe/systemd.h"

enum { FAILED_UNITS_MAX = 64, UNIT_STATES = 5, REASON_MAX_BYTES = 200 };

struct service {
    struct service_config config;
    struct check *checks[SERVICE_CHECKS_MAX];
    int64_t next_ms; /* mono, of the checks */
    char *matched;   /* a loaded unit that one of the patterns matches; NULL: none */
    /* what systemd said of the best of its units; unit is NULL when it has none */
    char *unit, *unit_reason;
    enum raw_state unit_state;
    bool unit_exited;
    unsigned unit_rank;
    /* what came out */
    bool settled, was_seen; /* was_seen: it has run since this program began */
    enum raw_state state;
    enum health health;
    char *reason;
    const char *source;      /* "systemd", "init", "process", "check" or "" */
    int64_t since_ms, at_ms; /* wall */
};

struct unit_row {
    char *name;
    unsigned state; /* of unit_state_names */
};

extern const char *const unit_state_names[UNIT_STATES];

struct probe {
    struct loop *loop;
    struct collect *collect;
    struct systemd *systemd;
    struct timer *timer;
    const struct yaml *from_file;
    struct arena arena; /* strings of services */
    struct service *services;
    uint64_t changes;
    struct setting_list names, off; /* in arena */
    size_t n;
    /* systemd's answers */
    enum status bus; /* of the last question; AGAIN: none yet */
    char *bus_why;
    bool by_names_unsupported, told_bus;
    int64_t list_ms, names_ms; /* mono, when to ask next */
    bool has_counts;
    uint64_t counts[UNIT_STATES];
    struct unit_row failed[FAILED_UNITS_MAX];
    size_t n_failed;
};

/* Is there something to tell of it? */
bool service_shown(const struct service *s);
/* Puts together anew what is known (services.c). */
void service_settle(struct probe *p, struct service *s);
