/* See action.h. */
#include "agent/action.h"

#include "apply/apply.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "series/parameter.h"

enum { OVERDUE_AGAIN_MS = 60000 /* what could not be put back is tried again */ };

struct actions {
    struct actions_config config;
    struct timer *overdue;
};

enum status actions_check(const struct setting_list *allowed, struct err *err)
{
    for (size_t i = 0; i < allowed->n; i++) {
        struct span entry = span_of(allowed->items[i]), prefix = SPAN(ACTION_SYSCTL);
        struct span name = entry;
        if (span_starts(entry, prefix))
            name = span_from(entry.at + prefix.len, entry.len - prefix.len);
        if (name.len == entry.len || !parameter_name_valid(name))
            return err_set(err, INVALID,
                           "allow_actions: \"%.80s\" is none; an entry is \"" ACTION_SYSCTL
                           "\" and a parameter, as in " ACTION_SYSCTL "net.core.somaxconn",
                           allowed->items[i]);
    }
    return OK;
}

static bool is_allowed(const struct actions *a, const char *parameter)
{
    size_t skip = strlen(ACTION_SYSCTL);
    for (size_t i = 0; i < a->config.allowed.n; i++)
        if (strcmp(a->config.allowed.items[i] + skip, parameter) == 0)
            return true;
    return false;
}

/* ---- answers ---- */

static void answer(struct actions *a, const struct action_order *o, const struct apply_plan *plan,
                   int64_t confirm_by_ms, const struct err *err)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    json_begin_object(&j);
    json_field(&j, "op", "acted");
    json_field_i64(&j, "id", o->id);
    json_field(&j, "action", o->action);
    json_field(&j, "parameter", o->parameter);
    json_field_bool(&j, "ok", !err);
    if (plan) {
        json_field(&j, "from", plan->from);
        json_field(&j, "to", plan->to);
    }
    if (confirm_by_ms)
        json_field_i64(&j, "confirm_by_ms", confirm_by_ms);
    if (err)
        json_field(&j, "detail", err->text);
    json_end_object(&j);
    a->config.send(buf_view(&text), a->config.arg);
}

/* ---- the timer ---- */

/* The next change that waits to be confirmed; 0: none. */
static int64_t next_overdue_ms(const struct actions *a)
{
    auto_arena arena = {0};
    struct applied *all;
    size_t n = 0;
    int64_t next = 0;
    if (apply_list(a->config.root, &arena, &all, &n, NULL))
        return 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].confirm_by_ms && (!next || all[i].confirm_by_ms < next))
            next = all[i].confirm_by_ms;
    return next;
}

static void start_timer(struct actions *a)
{
    int64_t next = next_overdue_ms(a);
    if (next)
        timer_once(a->overdue, MAX(next - clock_wall_ms(), (int64_t)1));
}

static void put_back(void *arg)
{
    struct actions *a = arg;
    struct err err = {0};
    size_t n = 0;
    enum status st = apply_overdue(a->config.root, clock_wall_ms(), &n, &err);
    struct action_order o = {.action = "revert"};
    if (st) {
        log_error("what was not confirmed is not put back: %s", err.text);
        answer(a, &o, NULL, 0, &err);
        timer_once(a->overdue, OVERDUE_AGAIN_MS);
        return;
    }
    if (n) {
        log_info("%zu change%s not confirmed in time: put back", n, n == 1 ? " was" : "s were");
        answer(a, &o, NULL, 0, NULL);
    }
    start_timer(a);
}

/* ---- orders ---- */

static enum status do_apply(struct actions *a, const struct action_order *o, struct arena *arena,
                            struct apply_plan *plan, int64_t *confirm_by_ms, struct err *err)
{
    int64_t now_ms = clock_wall_ms(), confirm_ms = o->confirm_s * 1000;
    enum status st =
        apply_plan(a->config.root, span_of(o->parameter), span_of(o->value), arena, plan, err);
    if (!st && strcmp(plan->from, plan->to) == 0)
        return err_set(err, EXISTS, "%s is %s already", plan->parameter, plan->to);
    if (!st)
        st = apply_do(a->config.root, plan, now_ms, confirm_ms, err);
    *confirm_by_ms = now_ms + confirm_ms;
    return st;
}

static enum status obey(struct actions *a, const struct action_order *o, struct arena *arena,
                        struct apply_plan *plan, int64_t *confirm_by_ms, struct err *err)
{
    size_t n;
    if (!is_allowed(a, o->parameter))
        return err_set(err, DENIED,
                       "this machine's allow_actions does not list " ACTION_SYSCTL "%.80s",
                       o->parameter);
    if (strcmp(o->action, "apply") == 0)
        return do_apply(a, o, arena, plan, confirm_by_ms, err);
    if (strcmp(o->action, "confirm") == 0)
        return apply_confirm(a->config.root, span_of(o->parameter), &n, err);
    return err_set(err, UNSUPPORTED, "this agent knows no action \"%.40s\"", o->action);
}

static enum status read_text(const struct yaml *m, const char *key, const char **out,
                             struct err *err)
{
    const struct yaml *v = yaml_get(m, key);
    if (!v)
        return err_set(err, INVALID, "an act has %s", key);
    return yaml_string(v, out, err);
}

enum status action_order_read(const struct yaml *m, struct action_order *o, struct err *err)
{
    const struct yaml *id = yaml_get(m, "id"), *confirm = yaml_get(m, "confirm_s");
    enum status st =
        id ? yaml_i64(id, 1, INT64_MAX, &o->id, err) : err_set(err, INVALID, "an act has id");
    if (!st)
        st = read_text(m, "action", &o->action, err);
    if (!st)
        st = read_text(m, "parameter", &o->parameter, err);
    if (st || strcmp(o->action, "apply") != 0)
        return st;
    if ((st = read_text(m, "value", &o->value, err)))
        return st;
    return confirm ? yaml_i64(confirm, APPLY_CONFIRM_MIN_MS / 1000, APPLY_CONFIRM_MAX_MS / 1000,
                              &o->confirm_s, err)
                   : err_set(err, INVALID, "an act has confirm_s");
}

void actions_take(struct actions *a, const struct yaml *message)
{
    auto_arena arena = {0};
    struct err err = {0}, why = {0};
    struct action_order o = {.action = "", .parameter = ""};
    struct apply_plan plan = {0};
    int64_t confirm_by_ms = 0;
    enum status st = action_order_read(message, &o, &err);
    if (!st)
        st = obey(a, &o, &arena, &plan, &confirm_by_ms, &err);
    if (st == DENIED && plan.parameter)
        err_set(&why, st,
                "%s: the agent lacks the privilege; it needs root, and of systemd "
                "ProtectKernelTunables=no and ReadWritePaths=/etc/sysctl.d /var/lib/galen",
                err.text);
    else
        why = err;
    if (st) {
        log_warn("the server's wish to %s %.80s is refused: %s", *o.action ? o.action : "act",
                 o.parameter, why.text);
        answer(a, &o, NULL, 0, &why);
        return;
    }
    log_info("the server had %s %s: done", o.parameter, o.action);
    answer(a, &o, plan.parameter ? &plan : NULL, confirm_by_ms, NULL);
    start_timer(a);
}

struct actions *actions_open(const struct actions_config *config)
{
    struct actions *a = mem_zero(1, sizeof *a);
    a->config = *config;
    a->overdue = timer_open(config->loop, put_back, a);
    if (config->allowed.n)
        start_timer(a);
    return a;
}

void actions_close(struct actions *a)
{
    if (!a)
        return;
    timer_close(a->overdue);
    free(a);
}
