/* See status.h. The answer is JSON, which YAML's reader reads too. */
#include "agent/status.h"

#include "agent/control.h"
#include "base/clock.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DEAREST = 5 };

static const char *text_at(const struct yaml *map, const char *key)
{
    const struct yaml *node = yaml_get(map, key);
    const char *text = "";
    return node && yaml_string(node, &text, NULL) == OK ? text : "";
}

static int64_t number_at(const struct yaml *map, const char *key)
{
    const struct yaml *node = yaml_get(map, key);
    int64_t n = 0;
    return node && yaml_i64(node, INT64_MIN, INT64_MAX, &n, NULL) == OK ? n : 0;
}

static double real_at(const struct yaml *map, const char *key)
{
    const struct yaml *node = yaml_get(map, key);
    double v = 0;
    return node && yaml_double(node, -1e300, 1e300, &v, NULL) == OK ? v : 0;
}

static bool is_true(const struct yaml *map, const char *key)
{
    const struct yaml *node = yaml_get(map, key);
    bool v = false;
    return node && yaml_bool(node, &v, NULL) == OK && v;
}

static void put_age(struct buf *out, int64_t at_ms, int64_t now_ms)
{
    if (!at_ms)
        buf_str(out, "never");
    else
        buf_printf(out, "%.1f s ago", (double)(now_ms - at_ms) / 1000);
}

static void put_delivery(const struct yaml *d, int64_t now_ms, struct buf *out)
{
    const struct yaml *spool = yaml_get(d, "spool");
    buf_str(out, "last send   ");
    put_age(out, number_at(d, "last_send_ms"), now_ms);
    buf_printf(out, ", %lld taken, %lld failed, %lld refused\n", (long long)number_at(d, "taken"),
               (long long)number_at(d, "failed"), (long long)number_at(d, "refused"));
    if (*text_at(d, "failure"))
        buf_printf(out, "            %s\n", text_at(d, "failure"));
    buf_printf(out, "spool       %lld batches, %lld of %lld bytes",
               (long long)number_at(spool, "batches"), (long long)number_at(spool, "bytes"),
               (long long)number_at(spool, "max_bytes"));
    if (number_at(spool, "oldest_ms")) {
        buf_str(out, ", the oldest ");
        put_age(out, number_at(spool, "oldest_ms"), now_ms);
    }
    if (number_at(spool, "lost_batches"))
        buf_printf(out, ", %lld lost", (long long)number_at(spool, "lost_batches"));
    buf_char(out, '\n');
}

static int by_cost(const void *a, const void *b)
{
    int64_t x = number_at(*(struct yaml *const *)a, "last_us");
    int64_t y = number_at(*(struct yaml *const *)b, "last_us");
    return x > y ? -1 : x < y;
}

static void put_cost(const struct yaml *cost, struct buf *out)
{
    const struct yaml *list = yaml_get(cost, "collectors");
    double up_s = real_at(cost, "up_s"), cpu_s = real_at(cost, "cpu_s");
    buf_printf(out, "cost        %.2f s CPU in %.0f s (%.3f %%), %.1f MiB resident\n", cpu_s, up_s,
               up_s > 0 ? 100 * cpu_s / up_s : 0, real_at(cost, "resident_bytes") / (1 << 20));
    if (!list || list->kind != YAML_LIST || !list->n)
        return;
    qsort(list->items, list->n, sizeof(struct yaml *), by_cost);
    buf_str(out, "            dearest:");
    for (size_t i = 0; i < MIN(list->n, (size_t)DEAREST); i++)
        buf_printf(out, "%s %s %lld us", i ? "," : "", text_at(list->items[i], "name"),
                   (long long)number_at(list->items[i], "last_us"));
    buf_char(out, '\n');
}

enum status status_text(struct span answer, int64_t now_ms, struct buf *out, struct err *err)
{
    auto_arena arena = {0};
    struct yaml *root = NULL;
    enum status st = yaml_parse(answer, "the agent's answer", &arena, &root, err);
    if (st)
        return st;
    if (!root || root->kind != YAML_MAP)
        return err_set(err, INVALID, "the agent's answer is no object");
    const struct yaml *link = yaml_get(root, "link"), *advice = yaml_get(root, "advice");
    const struct yaml *settings = yaml_get(root, "settings"), *d = yaml_get(root, "delivery");
    buf_printf(out, "galen-agent %s on %s\n", text_at(root, "version"), text_at(root, "instance"));
    buf_printf(out, "server      %s\n",
               *text_at(root, "server") ? text_at(root, "server") : "none");
    buf_printf(out, "link        %s%s%s\n", is_true(link, "open") ? "open" : "not open",
               is_true(link, "watched") ? ", somebody watches"
               : *text_at(link, "why")  ? ": "
                                        : "",
               is_true(link, "open") ? "" : text_at(link, "why"));
    if (d && d->kind == YAML_MAP)
        put_delivery(d, now_ms, out);
    buf_printf(out, "settings    version %lld: collection every %g s, sent every %g s\n",
               (long long)number_at(root, "settings_version"), real_at(settings, "collect_s"),
               real_at(settings, "send_s"));
    if (advice && advice->kind == YAML_MAP)
        buf_printf(out, "advice      %s: %s\n", text_at(advice, "recommendation"),
                   text_at(advice, "summary"));
    else
        buf_str(out, "advice      none yet\n");
    put_cost(yaml_get(root, "cost"), out);
    return OK;
}

int status_show(const struct agent_config *config)
{
    struct err err = {0};
    auto_buf path = {0}, answer = {.max = CONTROL_ANSWER_MAX_BYTES}, text = {0};
    control_path(config->state, &path);
    enum status st = control_ask(buf_text(&path), &answer, &err);
    if (!st && config->json)
        buf_char(&answer, '\n');
    else if (!st)
        st = status_text(buf_view(&answer), clock_wall_ms(), &text, &err);
    struct span out = config->json ? buf_view(&answer) : buf_view(&text);
    if (!st)
        st = fd_write_all(STDOUT_FILENO, out.at, out.len, &err);
    if (st)
        fprintf(stderr, "galen-agent: %s\n", err.text);
    return st != OK;
}
