/* The rounds: whom to ask when, and what came of it. */
#include "probe/state.h"

#include "base/clock.h"
#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FIRST_ROUND_MS = 500, /* after the first collection has looked at the processes */
    TICK_MAX_MS = 5000,
    NAMES_EVERY_MS = 15000, /* systemd's answer for a few units: some 100 us of its time */
    LIST_EVERY_MS = 60000,  /* for all of them: some ms */
    ASKED_MAX = SERVICES_MAX * (SERVICE_NAMES_MAX + 1),
};

static bool has_pattern(const char *name)
{
    return strpbrk(name, "*?[") != NULL;
}

static void replace(char **at, char *text)
{
    free(*at);
    *at = text;
}

/* ---- without systemd ---- */

static bool process_runs(const struct probe *p, const struct service *s)
{
    for (size_t i = 0; i < SERVICE_NAMES_MAX && s->config.processes[i]; i++)
        if (collect_processes_named(p->collect, s->config.processes[i]) > 0)
            return true;
    return false;
}

static bool init_matches(int root, const char *pattern)
{
    auto_buf path = {0};
    if (!has_pattern(pattern)) {
        buf_printf(&path, "etc/init.d/%s", pattern);
        return faccessat(root, buf_text(&path), X_OK, 0) == 0;
    }
    struct dirent **entries;
    bool found = false;
    int n = scandirat(root, "etc/init.d", &entries, NULL, NULL);
    for (int i = 0; i < n; i++) {
        found = found || fnmatch(pattern, entries[i]->d_name, 0) == 0;
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return found;
}

static bool has_init(const struct probe *p, const struct service *s)
{
    for (size_t i = 0; i < SERVICE_NAMES_MAX && s->config.inits[i]; i++)
        if (init_matches(collect_root_fd(p->collect), s->config.inits[i]))
            return true;
    return false;
}

/* ---- what comes out ---- */

static enum raw_state by_systemd(struct probe *p, struct service *s, struct buf *reason)
{
    s->source = "systemd";
    /* A unit that has done its work and ended says nothing of what it started. */
    if (s->unit_exited && s->config.processes[0] && !process_runs(p, s)) {
        buf_printf(reason, "%s is done (exited) and no process of it runs", s->unit);
        return RAW_STOPPED;
    }
    if (s->unit_reason)
        buf_str(reason, s->unit_reason);
    return s->unit_state;
}

static enum raw_state find_state(struct probe *p, struct service *s, struct buf *reason)
{
    bool runs = process_runs(p, s);
    if (s->unit && (s->unit_state == RAW_RUNNING || !runs))
        return by_systemd(p, s, reason);
    /* One that was started by hand beside its unit runs all the same. */
    if (runs) {
        s->source = "process";
        return RAW_RUNNING;
    }
    if (p->bus == TIMED_OUT) {
        s->source = "";
        buf_str(reason, p->bus_why);
        return RAW_TIMEOUT;
    }
    if (p->bus != OK && has_init(p, s)) {
        s->source = "init";
        buf_str(reason, "it has an init script and no process of it runs");
        return RAW_STOPPED;
    }
    s->source = "";
    return p->bus == AGAIN ? RAW_UNKNOWN : RAW_NOT_FOUND;
}

void service_settle(struct probe *p, struct service *s)
{
    struct check_result results[SERVICE_CHECKS_MAX];
    auto_buf reason = {0};
    enum raw_state state = find_state(p, s, &reason);
    for (size_t i = 0; i < s->config.n_checks; i++)
        results[i] = check_result(s->checks[i]);
    enum health health = judge(state, results, s->config.n_checks, &reason);
    int64_t now_ms = clock_wall_ms();
    if (!s->settled || state != s->state || health != s->health)
        s->since_ms = now_ms, p->changes++;
    s->settled = true;
    s->was_seen = s->was_seen || health == HEALTHY || health == DEGRADED;
    s->state = state;
    s->health = health;
    s->at_ms = now_ms;
    replace(&s->reason, mem_dup_span((struct span){reason.at, MIN(reason.len, REASON_MAX_BYTES)}));
    if (!*s->source && health == HEALTHY)
        s->source = "check";
}

uint64_t probe_changes(const struct probe *p)
{
    return p->changes;
}

bool service_shown(const struct service *s)
{
    if (!s->settled)
        return false;
    /* One that is installed and was not started is nobody's concern until somebody names it. */
    return s->config.wanted || s->was_seen || s->state == RAW_ERROR;
}

/* ---- systemd ---- */

static unsigned rank_of(enum raw_state state, bool exited)
{
    switch (state) {
    case RAW_RUNNING:
        return exited ? 3 : 4;
    case RAW_ERROR:
        return 2;
    case RAW_STOPPED:
        return 1;
    default:
        return 0;
    }
}

/* The best of several counts: the one that runs, else the one named first. */
static void take_unit(struct service *s, const struct dbus_unit *u)
{
    auto_buf reason = {0};
    struct unit_state state = {u->load, u->active, u->sub};
    enum raw_state raw = judge_unit(&state, &reason);
    bool exited = raw == RAW_RUNNING && span_is(u->sub, "exited");
    unsigned rank = rank_of(raw, exited);
    if (raw == RAW_NOT_FOUND || (s->unit && rank <= s->unit_rank))
        return;
    replace(&s->unit, mem_dup_span(u->name));
    replace(&s->unit_reason, reason.len ? mem_dup_span(buf_view(&reason)) : NULL);
    s->unit_state = raw;
    s->unit_exited = exited;
    s->unit_rank = rank;
}

static bool is_unit_of(const struct service *s, struct span unit, bool patterns_only)
{
    auto_buf name = {0};
    buf_span(&name, unit);
    for (size_t i = 0; i < SERVICE_NAMES_MAX && s->config.units[i]; i++)
        if (has_pattern(s->config.units[i]) || !patterns_only)
            if (fnmatch(s->config.units[i], buf_text(&name), 0) == 0)
                return true;
    return s->matched && span_is(unit, s->matched);
}

static void forget_units(struct probe *p)
{
    for (size_t i = 0; i < p->n; i++) {
        replace(&p->services[i].unit, NULL);
        replace(&p->services[i].unit_reason, NULL);
        p->services[i].unit_exited = false;
        p->services[i].unit_rank = 0;
    }
}

static void take_units(struct probe *p, const struct dbus_message *answer)
{
    struct dbus_unit u;
    size_t at = 0;
    bool bad = false;
    forget_units(p);
    while (dbus_next_unit(answer, &at, &u, &bad))
        for (size_t i = 0; i < p->n; i++)
            if (is_unit_of(&p->services[i], u.name, false))
                take_unit(&p->services[i], &u);
}

static void settle_all(struct probe *p)
{
    for (size_t i = 0; i < p->n; i++)
        service_settle(p, &p->services[i]);
}

static void take_failure(struct probe *p, enum status st, const char *why)
{
    p->bus = st;
    replace(&p->bus_why, mem_dup(why));
    if (!p->told_bus && st != NOT_FOUND)
        log_warn("systemd: %s; services are judged by their processes", why);
    p->told_bus = true;
    forget_units(p);
    p->has_counts = false;
}

static void on_names(const struct dbus_message *answer, enum status st, const char *why, void *arg)
{
    struct probe *p = arg;
    if (answer) {
        p->bus = OK;
        p->told_bus = false;
        take_units(p, answer);
    } else if (st == UNSUPPORTED) {
        p->by_names_unsupported = true;
        p->list_ms = 0;
    } else {
        take_failure(p, st, why);
    }
    settle_all(p);
}

static unsigned unit_state_number(struct span active)
{
    for (unsigned i = 0; i < UNIT_STATES; i++)
        if (span_is(active, unit_state_names[i]))
            return i;
    return UNIT_STATES;
}

static void clear_failed(struct probe *p)
{
    for (size_t i = 0; i < p->n_failed; i++)
        free(p->failed[i].name);
    p->n_failed = 0;
}

static void count_unit(struct probe *p, const struct dbus_unit *u)
{
    unsigned state = unit_state_number(u->active);
    if (state == UNIT_STATES)
        return;
    p->counts[state]++;
    if (span_is(u->active, "failed") && p->n_failed < FAILED_UNITS_MAX)
        p->failed[p->n_failed++] = (struct unit_row){mem_dup_span(u->name), state};
}

/* Of units that patterns stand for, those that run first: their names are asked from now on. */
static void match_unit(struct service *s, const struct dbus_unit *u)
{
    if (!is_unit_of(s, u->name, true) || span_is(u->load, "not-found"))
        return;
    if (!s->matched || span_is(u->sub, "running"))
        replace(&s->matched, mem_dup_span(u->name));
}

static void on_list(const struct dbus_message *answer, enum status st, const char *why, void *arg)
{
    struct probe *p = arg;
    struct dbus_unit u;
    size_t at = 0;
    bool bad = false;
    if (!answer) {
        take_failure(p, st, why);
        settle_all(p);
        return;
    }
    p->bus = OK;
    p->told_bus = false;
    p->has_counts = true;
    memset(p->counts, 0, sizeof p->counts);
    clear_failed(p);
    for (size_t i = 0; i < p->n; i++)
        replace(&p->services[i].matched, NULL);
    while (dbus_next_unit(answer, &at, &u, &bad)) {
        count_unit(p, &u);
        for (size_t i = 0; i < p->n; i++)
            match_unit(&p->services[i], &u);
    }
    if (bad)
        log_warn("systemd: the list of units is not understood");
    if (p->by_names_unsupported) {
        take_units(p, answer);
        settle_all(p);
    } else {
        p->names_ms = 0; /* at the next tick */
        timer_once(p->timer, 1);
    }
}

static void ask_names(struct probe *p)
{
    const char *names[ASKED_MAX];
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct service *s = &p->services[i];
        for (size_t k = 0; k < SERVICE_NAMES_MAX && s->config.units[k]; k++)
            if (!has_pattern(s->config.units[k]))
                names[n++] = s->config.units[k];
        if (s->matched)
            names[n++] = s->matched;
    }
    if (n)
        systemd_ask(p->systemd, names, n, on_names, p);
}

static void ask_systemd(struct probe *p, int64_t now_ms)
{
    if (now_ms >= p->list_ms) {
        if (systemd_ask(p->systemd, NULL, 0, on_list, p))
            p->list_ms = now_ms + LIST_EVERY_MS;
    } else if (now_ms >= p->names_ms && p->bus == OK && !p->by_names_unsupported) {
        p->names_ms = now_ms + NAMES_EVERY_MS;
        ask_names(p);
    }
}

/* ---- rounds ---- */

/* Guesses are only asked where something says that the service is here. */
static bool worth_checking(const struct service *s, const struct check_config *c)
{
    return !c->guess || s->state == RAW_RUNNING || !s->config.processes[0];
}

static void start_checks(struct service *s)
{
    for (size_t i = 0; i < s->config.n_checks; i++)
        if (worth_checking(s, &s->config.checks[i]))
            check_start(s->checks[i]);
}

static int64_t tick_ms(const struct probe *p)
{
    int64_t tick = TICK_MAX_MS;
    for (size_t i = 0; i < p->n; i++)
        tick = MIN(tick, p->services[i].config.every_ms);
    return tick;
}

static void on_tick(void *arg)
{
    struct probe *p = arg;
    int64_t now_ms = clock_mono_ms(), early_ms = 50;
    ask_systemd(p, now_ms);
    for (size_t i = 0; i < p->n; i++) {
        struct service *s = &p->services[i];
        if (now_ms + early_ms < s->next_ms)
            continue;
        s->next_ms = now_ms + s->config.every_ms;
        service_settle(p, s);
        start_checks(s);
    }
    timer_once(p->timer, tick_ms(p));
}

/* A check may end while it is being started: what it changed is put together at the next tick at
 * the latest. */
static void on_check(void *arg)
{
    struct probe *p = arg;
    settle_all(p);
}

/* ---- the list of services ---- */

static void service_free(struct service *s)
{
    for (size_t i = 0; i < s->config.n_checks; i++)
        check_close(s->checks[i]);
    free(s->matched);
    free(s->unit);
    free(s->unit_reason);
    free(s->reason);
    *s = (struct service){0};
}

static struct service *service_named(struct probe *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->services[i].config.name, name) == 0)
            return &p->services[i];
    return NULL;
}

static bool is_listed(const struct setting_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], name) == 0)
            return true;
    return false;
}

/* A service that is there already is the same one, spoken of again: the later word counts. */
static void add_service(struct probe *p, const struct service_config *config)
{
    struct service *s = service_named(p, config->name);
    if (!s && p->n == SERVICES_MAX) {
        log_warn("service %s is left out: %d are watched at most", config->name, SERVICES_MAX);
        return;
    }
    if (!s) {
        s = &p->services[p->n++];
        *s = (struct service){0};
    }
    s->config = *config;
}

static enum status add_named(struct probe *p, const struct yaml *node, struct err *err)
{
    struct service_config config;
    enum status st = service_parse(node, &p->arena, &config, err);
    if (!st)
        add_service(p, &config);
    return st;
}

static enum status fill(struct probe *p, struct setting_list names, struct setting_list off,
                        struct err *err)
{
    size_t n_known;
    const struct service_config *known = services_known(&n_known);
    for (size_t i = 0; i < n_known; i++)
        add_service(p, &known[i]);
    for (size_t i = 0; p->from_file && i < p->from_file->n; i++) {
        enum status st = add_named(p, p->from_file->items[i], err);
        if (st)
            return st;
    }
    for (size_t i = 0; i < names.n; i++) {
        char *name = arena_dup(&p->arena, names.items[i]);
        struct yaml node = {.kind = YAML_SCALAR, .text = span_of(name)};
        /* One that the file describes stays as described there. */
        struct service *s = service_named(p, name);
        if (s && s->config.wanted)
            continue;
        if (add_named(p, &node, err))
            log_warn("service \"%s\" is left out: %s", name, err ? err->text : "bad name");
    }
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++)
        if (!is_listed(&off, p->services[i].config.name))
            p->services[kept++] = p->services[i];
    p->n = kept;
    return OK;
}

static void open_checks(struct probe *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct service *s = &p->services[i];
        s->source = "";
        for (size_t k = 0; k < s->config.n_checks; k++)
            s->checks[k] =
                check_open(p->loop, &s->config.checks[k], s->config.timeout_ms, on_check, p);
    }
}

static void drop_services(struct probe *p)
{
    for (size_t i = 0; i < p->n; i++)
        service_free(&p->services[i]);
    p->n = 0;
    arena_reset(&p->arena);
}

static bool same_list(const struct setting_list *a, const struct setting_list *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

static struct setting_list keep_list(struct probe *p, const struct setting_list *from)
{
    struct setting_list kept = {.items = ARENA_ARRAY(&p->arena, const char *, from->n),
                                .n = from->n};
    for (size_t i = 0; i < from->n; i++)
        kept.items[i] = arena_dup(&p->arena, from->items[i]);
    return kept;
}

void probe_set(struct probe *p, struct setting_list names, struct setting_list off)
{
    struct err err = {0};
    if (same_list(&p->names, &names) && same_list(&p->off, &off))
        return;
    drop_services(p);
    if (fill(p, names, off, &err))
        log_error("services: %s", err.text);
    p->names = keep_list(p, &names);
    p->off = keep_list(p, &off);
    open_checks(p);
    p->list_ms = p->names_ms = 0;
    timer_once(p->timer, FIRST_ROUND_MS);
}

/* As libdbus does it: the variable, else the usual place. */
static const char *bus_path(const struct probe_config *config)
{
    static const char variable[] = "DBUS_SYSTEM_BUS_ADDRESS", sign[] = "unix:path=";
    const char *address = getenv(variable);
    if (config->bus)
        return config->bus;
    if (address && strncmp(address, sign, sizeof sign - 1) == 0 && !strchr(address, ','))
        return address + sizeof sign - 1;
    return "/run/dbus/system_bus_socket";
}

enum status probe_open(struct loop *loop, const struct probe_config *config, struct probe **out,
                       struct err *err)
{
    struct probe *p = mem_zero(1, sizeof *p);
    p->loop = loop;
    p->collect = config->collect;
    p->from_file = config->services;
    p->services = mem_zero(SERVICES_MAX, sizeof *p->services);
    p->bus = AGAIN;
    p->systemd = systemd_open(loop, bus_path(config));
    p->timer = timer_open(loop, on_tick, p);
    enum status st = fill(p, config->names, config->off, err);
    *out = st ? NULL : p;
    if (st) {
        p->n = 0; /* none has checks yet */
        probe_close(p);
        return st;
    }
    p->names = keep_list(p, &config->names);
    p->off = keep_list(p, &config->off);
    open_checks(p);
    timer_once(p->timer, FIRST_ROUND_MS);
    return OK;
}

void probe_close(struct probe *p)
{
    if (!p)
        return;
    drop_services(p);
    clear_failed(p);
    systemd_close(p->systemd);
    timer_close(p->timer);
    arena_free(&p->arena);
    free(p->services);
    free(p->bus_why);
    free(p);
}
