/* probe/ asks services how they are: systemd over D-Bus, else init scripts, else processes tell
 * whether a service runs; checks over HTTP(S), TCP and Unix sockets tell whether it answers. All
 * of it waits on the loop, nothing forks. It knows nothing of servers to report to.
 *
 *   known.c: services by heart   names.c: YAML    dbus.c: bytes of D-Bus   systemd.c: the bus
 *   check.c: one check           judge.c: pure    services.c: the rounds, series, JSON */
#pragma once

#include "base/loop.h"
#include "base/yaml.h"
#include "collect/collect.h"

enum {
    SERVICES_MAX = 64,
    SERVICE_CHECKS_MAX = 8,
    SERVICE_NAMES_MAX = 8, /* units, init scripts or processes that may be it */
    PROBE_EVERY_MS = 15000,
    PROBE_EVERY_MIN_MS = 1000,
    PROBE_EVERY_MAX_MS = 3600 * 1000,
    PROBE_TIMEOUT_MS = 5000,
    PROBE_TIMEOUT_MIN_MS = 100,
    PROBE_TIMEOUT_MAX_MS = 60000,
};

enum check_kind { CHECK_HTTP, CHECK_TCP, CHECK_UNIX };

struct check_config {
    enum check_kind kind;
    const char *name;   /* the label check */
    const char *target; /* URL, HOST:PORT or path */
    int status;         /* wanted; 0: any below 400 */
    const char *text;   /* that the body must hold; NULL: none */
    const char *ca;     /* PEM file for an https target; NULL: the system's */
    /* Of a service that nobody configured: refused means that it listens elsewhere, no fault. */
    bool guess;
};

struct service_config {
    const char *name;
    /* Shell patterns, each list ended by NULL. */
    const char *units[SERVICE_NAMES_MAX];
    const char *inits[SERVICE_NAMES_MAX];
    const char *processes[SERVICE_NAMES_MAX];
    struct check_config checks[SERVICE_CHECKS_MAX];
    size_t n_checks;
    int64_t every_ms, timeout_ms;
    bool wanted; /* configured by name: reported also when it is not found */
};

/* The services that are known by heart. */
const struct service_config *services_known(size_t *n);
/* What an item of the list `services` says; name may be that of a known one, which it then
 * changes. node is a scalar or a map. Strings live in the arena. */
MUST_USE enum status service_parse(const struct yaml *node, struct arena *arena,
                                   struct service_config *out, struct err *err);

struct probe;

struct probe_config {
    struct collect *collect;     /* its root, and its last scan of processes; must outlive it */
    const struct yaml *services; /* the list as configured; NULL: none */
    struct setting_list names;   /* further ones, by name alone */
    struct setting_list off;     /* not to be looked at */
    const char *bus;             /* D-Bus socket; NULL: run/dbus/system_bus_socket */
};

MUST_USE enum status probe_open(struct loop *loop, const struct probe_config *config,
                                struct probe **out, struct err *err);
void probe_close(struct probe *p); /* NULL is fine */
/* Other names from now on, as chosen from afar; those of the configuration file stay. */
void probe_set(struct probe *p, struct setting_list names, struct setting_list off);
/* Rises whenever the state or health of a service has become another one. */
uint64_t probe_changes(const struct probe *p);
/* Appends what is known of each service, [] at first:
 *   [{"name":"nginx","state":"running","health":"degraded","reason":"http://127.0.0.1/ answered 502
 *     instead of 200","source":"systemd","unit":"nginx.service","since_ms":...,"at_ms":...,
 *     "checks":[{"name":"http","target":"http://127.0.0.1/","ok":false,"seconds":0.002,
 *                "reason":"answered 502 instead of 200"}]}]
 * state: running, stopped, not_found, timeout, error, unknown; health: healthy, degraded, down,
 * unknown. A check without "ok" does not count: nobody listens where it was guessed. */
void services_json(const struct probe *p, struct buf *out);

/* Series of the services and of systemd's units; state is the probe: collect_add. */
extern const struct collector services_collector, systemd_collector;
