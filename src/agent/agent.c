/* Puts the parts together, for one collection or for as long as the machine runs. */
#include "agent/agent.h"

#include "agent/action.h"
#include "agent/control.h"
#include "agent/direct.h"
#include "agent/link.h"
#include "agent/local.h"
#include "agent/notify.h"
#include "agent/remote.h"
#include "agent/schedule.h"
#include "agent/settle.h"
#include "agent/targets.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "probe/probe.h"
#include "series/increment.h"

#include <signal.h>
#include <stdlib.h>

enum {
    ONCE_DEADLINE_MS = 60000,
    MACHINE_ID_TEXT = 33,
    /* Then all has been done once that is done only once, such as reading certificates and the
     * handshake of a new link: what it took is given back. Each time the wait doubles up to the
     * longest: the first advice comes after some 10 s, and processes are told once a minute. */
    SETTLE_AFTER_MS = 4000,
    SETTLE_MOST_MS = 60000,
    TELL_FIRST_MS = 1000,
    TELL_EVERY_MS = 60000,
    TELLS_PER_INVENTORY = 10, /* hardware does not change every minute */
};

struct agent {
    const struct agent_config *config;
    struct loop *loop;
    struct collect *collect;
    struct ship *ship; /* NULL: only the local page */
    struct link *link; /* NULL: none */
    struct targets *targets;
    struct remote *remote;
    struct probe *probe; /* NULL: a recorded machine, or a single collection */
    char *boot_id;
    struct timer *live; /* runs while somebody watches */
    int64_t live_ms;    /* as the server wants it; 0: nobody watches */
    struct increment_writer *frames;
    struct timer *teller, *watchdog;
    uint64_t told, inventory_hash; /* in this connection */
    uint64_t services_told;
    char *advice; /* the server's last message of it; NULL: none */
    struct actions *actions;
    struct control *control;
    struct local *local;
    struct direct *direct;
    struct timer *timer;
    struct schedule schedule;
    uint64_t ticks, recoveries;
    int64_t started_ms, settle_ms; /* mono */
    int64_t settle_wait_ms;
    char machine_id[MACHINE_ID_TEXT];
    /* of --once */
    bool done, again;
    enum status result;
    struct err *result_err;
};

enum status agent_collect_open(const struct agent_config *config, struct collect **out,
                               struct err *err)
{
    struct collect_config c = {.root = config->root,
                               .instance = config->hostname,
                               .sysctls = config->sysctls,
                               .off = config->collectors_off,
                               .textfiles = config->textfiles,
                               .budget_ms = config->budget_ms};
    return collect_open(&c, out, err);
}

/* Whoever still has the last collection under way keeps it elsewhere. */
static void let_go(void *arg)
{
    struct agent *a = arg;
    ship_let_go(a->ship);
    targets_let_go(a->targets);
}

static void agent_close(struct agent *a)
{
    targets_close(a->targets);
    local_close(a->local);
    direct_close(a->direct);
    link_close(a->link);
    actions_close(a->actions);
    ship_close(a->ship);
    remote_close(a->remote);
    control_close(a->control);
    timer_close(a->live);
    timer_close(a->teller);
    timer_close(a->watchdog);
    increment_writer_close(a->frames);
    probe_close(a->probe);
    free(a->boot_id);
    free(a->advice);
    timer_close(a->timer);
    collect_close(a->collect);
    loop_close(a->loop);
}

static enum status agent_open(struct agent *a, const struct agent_config *config,
                              ship_result_fn result, struct err *err)
{
    *a = (struct agent){.config = config};
    enum status st = loop_open(&a->loop, err);
    if (!st)
        st = agent_collect_open(config, &a->collect, err);
    if (!st)
        collect_before_run(a->collect, let_go, a);
    if (st || !config->server)
        return st;
    bool known = collect_machine_id(a->collect, a->machine_id, NULL) == OK;
    struct ship_config ship = {.agent = config,
                               .machine_id = known ? a->machine_id : NULL,
                               .hostname = collect_instance(a->collect),
                               .result = result,
                               .arg = a};
    st = ship_open(a->loop, &ship, &a->ship, err);
    if (!st)
        collect_add(a->collect, &ship_collector, a->ship);
    return st;
}

static void collect_and_ship(struct agent *a, bool all)
{
    collect_run(a->collect, clock_wall_ms(), clock_mono_ms(), all);
    struct collection found = collect_found(a->collect);
    if (a->ship)
        ship_take(a->ship, &found);
    targets_take(a->targets, &found);
}

/* ---- once ---- */

static void on_result(enum status st, const char *why, void *arg)
{
    struct agent *a = arg;
    if (!a->done) {
        a->result = st;
        if (st)
            err_set(a->result_err, st, "%s", why);
    }
    a->done = true;
    loop_stop(a->loop);
}

static void on_deadline(void *arg)
{
    on_result(TIMED_OUT, "the server took longer than a minute", arg);
}

static void start_once(void *arg)
{
    collect_and_ship(arg, true);
}

enum status agent_once(const struct agent_config *config, struct err *err)
{
    struct agent a;
    enum status st = agent_open(&a, config, on_result, err);
    if (!st) {
        a.result_err = err;
        a.timer = timer_open(a.loop, on_deadline, &a);
        timer_once(a.timer, ONCE_DEADLINE_MS);
        loop_post(a.loop, start_once, &a);
        loop_run(a.loop);
        st = a.result;
    }
    agent_close(&a);
    return st;
}

/* ---- run ---- */

static void send_services(struct agent *a);

static void settle_soon(struct agent *a)
{
    a->settle_wait_ms = SETTLE_AFTER_MS;
    a->settle_ms = clock_mono_ms() + SETTLE_AFTER_MS;
}

/* A connection that was made anew, and what had waited for it, leave much behind. */
static void settle_when_due(struct agent *a)
{
    int64_t now_ms = clock_mono_ms();
    uint64_t recoveries = ship_recoveries(a->ship) + targets_recoveries(a->targets);
    if (recoveries != a->recoveries)
        settle_soon(a);
    a->recoveries = recoveries;
    if (now_ms < a->settle_ms)
        return;
    settle();
    a->settle_wait_ms = MIN(2 * a->settle_wait_ms, (int64_t)SETTLE_MOST_MS);
    a->settle_ms = now_ms + a->settle_wait_ms;
}

static void on_tick(void *arg)
{
    struct agent *a = arg;
    collect_and_ship(a, false);
    if (a->probe && probe_changes(a->probe) != a->services_told && link_is_open(a->link))
        send_services(a);
    a->ticks++;
    settle_when_due(a);
    timer_once(a->timer, schedule_next(&a->schedule, clock_mono_ms()));
}

static void on_stop(void *arg)
{
    struct agent *a = arg;
    loop_stop(a->loop);
}

/* ---- live frames ---- */

static void send_frame(void *arg)
{
    struct agent *a = arg;
    auto_buf frame = {0};
    bool whole;
    collect_run_live(a->collect, clock_wall_ms(), clock_mono_ms());
    struct collection found = collect_found(a->collect);
    if (increment_write(a->frames, &found, &frame, &whole, NULL) ||
        !link_send(a->link, buf_view(&frame), false))
        increment_writer_reset(a->frames);
}

/* Not where collections come as often and are sent at once. */
static void run_live(struct agent *a)
{
    const struct host_settings *s = remote_settings(a->remote);
    int64_t every_ms = MAX(a->live_ms, s->display_ms);
    bool wanted = a->live_ms && link_is_open(a->link) &&
                  (every_ms < s->collect_ms || s->send_ms > s->collect_ms);
    increment_writer_reset(a->frames);
    if (wanted)
        timer_every(a->live, every_ms);
    else
        timer_stop(a->live);
}

/* ---- settings that may change ---- */

static void apply(struct agent *a)
{
    const struct host_settings *s = remote_settings(a->remote);
    if (a->schedule.interval_ms != s->collect_ms) {
        schedule_start(&a->schedule, clock_mono_ms(), s->collect_ms, random_u64());
        timer_once(a->timer, 1);
    }
    int64_t send_ms = s->send_ms > s->collect_ms ? s->send_ms : 0;
    if (a->ship)
        ship_send_every(a->ship, send_ms);
    targets_send_every(a->targets, send_ms);
    collect_off(a->collect, &s->collectors_off);
    collect_processes_top(a->collect, (unsigned)s->processes_top);
    direct_every(a->direct, s->display_ms);
    if (a->probe)
        probe_set(a->probe, s->services, s->services_off);
}

static void tell_applied(struct agent *a)
{
    auto_buf text = {0};
    remote_applied_json(a->remote, &text);
    link_send(a->link, buf_view(&text), true);
}

static void on_link_settings(const struct yaml *message, struct span text, void *arg)
{
    struct agent *a = arg;
    struct err err = {0};
    auto_buf refusal = {0};
    if (remote_take(a->remote, message, text, &err)) {
        log_warn("the server's settings are refused: %s", err.text);
        remote_refused_json(remote_message_version(message), err.text, &refusal);
        link_send(a->link, buf_view(&refusal), true);
        return;
    }
    apply(a);
    run_live(a);
    tell_applied(a);
    log_info("settings of version %lld hold: a collection every %lld ms",
             (long long)remote_version(a->remote),
             (long long)remote_settings(a->remote)->collect_ms);
}

static void send_told(struct agent *a, const char *op, struct span json, bool asked)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    if (!json.len)
        return;
    json_begin_object(&j);
    json_field(&j, "op", op);
    json_field_i64(&j, "at_ms", clock_wall_ms());
    if (asked)
        json_field_bool(&j, "asked", true);
    json_key(&j, op);
    json_raw(&j, json);
    json_end_object(&j);
    link_send(a->link, buf_view(&text), true);
}

static void send_processes(struct agent *a, bool asked)
{
    auto_buf json = {0};
    if (processes_json(a->collect, &json))
        send_told(a, "processes", buf_view(&json), asked);
}

/* Only when it differs from what this connection was told. */
static void send_inventory(struct agent *a)
{
    auto_buf json = {0};
    inventory_json(a->collect, &json);
    uint64_t hash = span_hash(buf_view(&json));
    if (hash != a->inventory_hash)
        send_told(a, "inventory", buf_view(&json), false);
    a->inventory_hash = hash;
}

static void send_services(struct agent *a)
{
    auto_buf json = {0};
    if (!a->probe)
        return;
    services_json(a->probe, &json);
    send_told(a, "services", buf_view(&json), false);
    a->services_told = probe_changes(a->probe);
}

/* Once a minute, at a second of its own. */
static void tell(void *arg)
{
    struct agent *a = arg;
    timer_once(a->teller, TELL_EVERY_MS);
    if (!link_is_open(a->link))
        return;
    send_processes(a, false);
    send_services(a);
    if (a->told++ % TELLS_PER_INVENTORY == 0)
        send_inventory(a);
}

static void on_link_open(void *arg)
{
    struct agent *a = arg;
    a->inventory_hash = 0;
    a->told = 0;
    settle_soon(a);
    timer_once(a->teller, TELL_FIRST_MS + (int64_t)(random_u64() % TELL_FIRST_MS));
}

static void on_link_live(int64_t every_ms, void *arg)
{
    struct agent *a = arg;
    a->live_ms = every_ms;
    run_live(a);
}

static void on_link_snapshot(void *arg)
{
    send_processes(arg, true);
}

static void on_link_advice(struct span text, void *arg)
{
    struct agent *a = arg;
    free(a->advice);
    a->advice = mem_dup_span(text);
}

static void on_link_act(const struct yaml *message, void *arg)
{
    const struct agent *a = arg;
    actions_take(a->actions, message);
}

static void send_answer(struct span text, void *arg)
{
    const struct agent *a = arg;
    link_send(a->link, text, true);
}

static void on_link_token(const char *token, void *arg)
{
    struct agent *a = arg;
    struct err err = {0};
    if (ship_new_token(a->ship, token, &err)) {
        log_error("the new token is not taken, the old one goes on: %s", err.text);
        return;
    }
    log_info("the server gave a new token");
    link_reconnect(a->link);
}

static void on_link_close(void *arg)
{
    struct agent *a = arg;
    a->live_ms = 0;
    run_live(a);
}

static const char *link_token(void *arg)
{
    const struct agent *a = arg;
    return ship_token(a->ship);
}

static enum status open_link(struct agent *a, struct err *err)
{
    static const struct link_events events = {.on_open = on_link_open,
                                              .on_settings = on_link_settings,
                                              .on_live = on_link_live,
                                              .on_snapshot = on_link_snapshot,
                                              .on_advice = on_link_advice,
                                              .on_act = on_link_act,
                                              .on_token = on_link_token,
                                              .on_close = on_link_close,
                                              .token = link_token};
    if (!a->ship || a->config->no_link)
        return OK;
    a->actions = actions_open(&(struct actions_config){.loop = a->loop,
                                                       .root = a->config->root,
                                                       .allowed = a->config->allow_actions,
                                                       .send = send_answer,
                                                       .arg = a});
    struct link_config link = {.agent = a->config,
                               .instance = collect_instance(a->collect),
                               .boot_id = a->boot_id,
                               .on = &events,
                               .arg = a};
    return link_open(a->loop, &link, &a->link, err);
}

/* ---- status ---- */

static void put_own_cost(struct agent *a, struct json *j)
{
    json_begin_object(j);
    json_field_double(j, "cpu_s", (double)clock_cpu_ns() / 1e9);
    json_field_i64(j, "up_s", (clock_mono_ms() - a->started_ms) / 1000);
    json_field_i64(j, "resident_bytes", resident_bytes());
    json_field_i64(j, "collections", (int64_t)a->ticks);
    json_field_i64(j, "missed", (int64_t)a->schedule.missed);
    json_key(j, "collectors");
    collect_costs_json(a->collect, j);
    json_end_object(j);
}

static void put_status(struct buf *out, void *arg)
{
    struct agent *a = arg;
    struct json j = json_to(out);
    json_begin_object(&j);
    json_field(&j, "version", GALEN_VERSION);
    json_field(&j, "instance", collect_instance(a->collect));
    json_field(&j, "server", a->config->server);
    json_key(&j, "link");
    json_begin_object(&j);
    json_field_bool(&j, "open", link_is_open(a->link));
    json_field(&j, "why", link_why(a->link));
    json_field_bool(&j, "watched", a->live_ms > 0);
    json_end_object(&j);
    json_key(&j, "delivery");
    if (a->ship)
        ship_status_json(a->ship, &j);
    else
        json_put_null(&j);
    json_key(&j, "targets");
    targets_status_json(a->targets, &j);
    json_field_i64(&j, "settings_version", remote_version(a->remote));
    json_key(&j, "settings");
    host_settings_write(&j, remote_settings(a->remote));
    json_key(&j, "advice");
    if (a->advice)
        json_raw(&j, span_of(a->advice));
    else
        json_put_null(&j);
    json_key(&j, "cost");
    put_own_cost(a, &j);
    json_end_object(&j);
}

static void open_control(struct agent *a)
{
    struct err err = {0};
    auto_buf path = {0};
    control_path(a->config->state, &path);
    if (dir_make(a->config->state, 0700, &err))
        log_warn("%s", err.text);
    if (control_open(a->loop, buf_text(&path), put_status, a, &a->control, &err))
        log_warn("galen-agent status will not work: %s", err.text);
}

static void read_boot_id(struct agent *a)
{
    auto_buf path = {0}, text = {.max = 256};
    buf_printf(&path, "%s/proc/sys/kernel/random/boot_id", a->config->root);
    if (file_read(buf_text(&path), &text, NULL) == OK)
        a->boot_id = mem_dup_span(span_trim(buf_view(&text)));
}

static void on_reload(void *arg)
{
    struct agent *a = arg;
    a->again = true;
    loop_stop(a->loop);
}

static void on_watchdog(void *arg UNUSED)
{
    notify("WATCHDOG=1");
}

/* Services of a recorded machine cannot be asked. */
static enum status open_probe(struct agent *a, struct err *err)
{
    struct probe_config config = {.collect = a->collect, .services = a->config->services_tree};
    if (!collect_is_live(a->collect))
        return OK;
    enum status st = probe_open(a->loop, &config, &a->probe, err);
    if (st)
        return st;
    collect_add(a->collect, &services_collector, a->probe);
    collect_add(a->collect, &systemd_collector, a->probe);
    return OK;
}

static enum status open_direct(struct agent *a, struct err *err)
{
    struct direct_config direct = {.listen = a->config->live_listen,
                                   .token_file = a->config->live_token_file,
                                   .collect = a->collect,
                                   .every_ms = remote_settings(a->remote)->display_ms};
    return a->config->live_listen ? direct_open(a->loop, &direct, &a->direct, err) : OK;
}

static enum status open_targets(struct agent *a, struct err *err)
{
    struct ship_config like = {.agent = a->config, .hostname = collect_instance(a->collect)};
    return targets_open(a->loop, &like, &a->targets, err);
}

static enum status start(struct agent *a, struct err *err)
{
    const struct agent_config *c = a->config;
    enum status st = loop_signal(a->loop, SIGTERM, on_stop, a, err);
    if (!st)
        st = loop_signal(a->loop, SIGINT, on_stop, a, err);
    if (!st)
        st = loop_signal(a->loop, SIGHUP, on_reload, a, err);
    if (!st)
        st = open_targets(a, err);
    if (!st && c->listen)
        st = local_open(a->loop, c->listen, a->collect, &a->local, err);
    if (!st)
        st = open_probe(a, err);
    if (st)
        return st;
    a->started_ms = clock_mono_ms();
    settle_soon(a);
    read_boot_id(a);
    a->timer = timer_open(a->loop, on_tick, a);
    a->live = timer_open(a->loop, send_frame, a);
    a->teller = timer_open(a->loop, tell, a);
    a->frames = increment_writer_open();
    a->remote = remote_open(c);
    st = open_direct(a, err);
    if (st)
        return st;
    open_control(a);
    apply(a);
    log_info("watching %s every %lld ms", collect_instance(a->collect),
             (long long)a->schedule.interval_ms);
    int64_t watchdog_ms = notify_watchdog_ms();
    a->watchdog = timer_open(a->loop, on_watchdog, a);
    if (watchdog_ms)
        timer_every(a->watchdog, watchdog_ms);
    return open_link(a, err);
}

enum status agent_run(const struct agent_config *config, bool *again, struct err *err)
{
    struct agent a;
    enum status st = agent_open(&a, config, NULL, err);
    if (!st)
        st = start(&a, err);
    if (!st) {
        notify("READY=1");
        loop_run(a.loop);
        notify(a.again ? "RELOADING=1" : "STOPPING=1");
    }
    *again = a.again;
    agent_close(&a);
    return st;
}
