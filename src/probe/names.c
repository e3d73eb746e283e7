/* What the list `services` of the agent's configuration says:
 *
 *     services:
 *       - nginx                        # known by heart
 *       - name: shop
 *         unit: shop.service           # or a list; shell patterns
 *         process: shopd
 *         interval: 10s
 *         timeout: 2s
 *         probes:
 *           - http: http://127.0.0.1:8080/healthz
 *             status: 200
 *             text: ok
 *           - tcp: 127.0.0.1:8443
 *           - unix: /run/shop.sock
 */
#include "net/http.h"
#include "probe/probe.h"

#include <string.h>

static enum status parse_names(const struct yaml *node, const char **out, struct err *err)
{
    if (!node)
        return OK;
    memset(out, 0, SERVICE_NAMES_MAX * sizeof *out);
    if (node->kind != YAML_LIST)
        return yaml_string(node, &out[0], err);
    if (node->n >= SERVICE_NAMES_MAX)
        return yaml_error(node, err, "at most %d names", SERVICE_NAMES_MAX - 1);
    for (size_t i = 0; i < node->n; i++) {
        enum status st = yaml_string(node->items[i], &out[i], err);
        if (st)
            return st;
    }
    return OK;
}

/* A unit without a type is a service, as for systemctl. */
static void complete_units(struct service_config *s, struct arena *arena)
{
    for (size_t i = 0; i < SERVICE_NAMES_MAX && s->units[i]; i++)
        if (!strchr(s->units[i], '.'))
            s->units[i] = arena_printf(arena, "%s.service", s->units[i]);
}

static bool is_host_port(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    return colon && colon > text && span_u64(span_of(colon + 1), &port) && port > 0 &&
           port <= UINT16_MAX;
}

static enum status check_target(const struct yaml *node, struct check_config *c, struct err *err)
{
    struct url url;
    struct err why = {0};
    if (c->kind == CHECK_HTTP && url_parse(span_of(c->target), &url, &why))
        return yaml_error(node, err, "%s", why.text);
    if (c->kind == CHECK_TCP && !is_host_port(c->target))
        return yaml_error(node, err, "\"%s\" is not HOST:PORT", c->target);
    if (c->kind == CHECK_UNIX && c->target[0] != '/')
        return yaml_error(node, err, "\"%s\" is not the path of a socket, from / on", c->target);
    return OK;
}

static enum status parse_check(const struct yaml *node, struct arena *arena, size_t number,
                               struct check_config *c, struct err *err)
{
    static const char *const keys[] = {"http", "tcp", "unix", "name", "status", "text", "ca", NULL};
    static const char *const kinds[] = {
        [CHECK_HTTP] = "http", [CHECK_TCP] = "tcp", [CHECK_UNIX] = "unix"};
    *c = (struct check_config){.name = ""};
    if (node->kind != YAML_MAP)
        return yaml_error(node, err, "a probe is a map with http, tcp or unix");
    enum status st = yaml_known_keys(node, keys, err);
    const struct yaml *target = NULL;
    for (size_t i = 0; i < COUNT(kinds) && !st; i++) {
        const struct yaml *found = yaml_get(node, kinds[i]);
        if (found && target)
            return yaml_error(found, err, "a probe has one of http, tcp and unix");
        if (found) {
            target = found;
            c->kind = (enum check_kind)i;
            st = yaml_string(found, &c->target, err);
        }
    }
    if (!st && !target)
        return yaml_error(node, err, "a probe needs http, tcp or unix");
    if (!st)
        st = check_target(target, c, err);
    c->name = number ? arena_printf(arena, "%s%zu", kinds[c->kind], number + 1) : kinds[c->kind];
    const struct yaml *name = yaml_get(node, "name"), *status = yaml_get(node, "status"),
                      *text = yaml_get(node, "text"), *ca = yaml_get(node, "ca");
    if (!st && c->kind != CHECK_HTTP && (status || text || ca))
        return yaml_error(node, err, "status, text and ca are of http probes");
    if (!st && name)
        st = yaml_string(name, &c->name, err);
    int64_t wanted = 0;
    if (!st && status)
        st = yaml_i64(status, 100, 599, &wanted, err);
    c->status = (int)wanted;
    if (!st && text)
        st = yaml_string(text, &c->text, err);
    if (!st && ca)
        st = yaml_string(ca, &c->ca, err);
    return st;
}

static size_t same_kind(const struct service_config *s, enum check_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_checks; i++)
        n += s->checks[i].kind == kind;
    return n;
}

static enum status parse_checks(const struct yaml *node, struct arena *arena,
                                struct service_config *s, struct err *err)
{
    if (!node)
        return OK;
    if (node->kind != YAML_LIST)
        return yaml_error(node, err, "probes is a list");
    if (node->n > SERVICE_CHECKS_MAX)
        return yaml_error(node, err, "at most %d probes", SERVICE_CHECKS_MAX);
    s->n_checks = 0; /* configured ones stand in place of guesses */
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml *item = node->items[i];
        enum check_kind kind = yaml_get(item, "tcp")    ? CHECK_TCP
                               : yaml_get(item, "unix") ? CHECK_UNIX
                                                        : CHECK_HTTP;
        enum status st = parse_check(item, arena, same_kind(s, kind), &s->checks[s->n_checks], err);
        if (st)
            return st;
        for (size_t k = 0; k < s->n_checks; k++)
            if (strcmp(s->checks[k].name, s->checks[s->n_checks].name) == 0)
                return yaml_error(item, err, "there are two probes named %s", s->checks[k].name);
        s->n_checks++;
    }
    return OK;
}

/* A known service by that name, or one whose unit, init script and process bear the name. */
static void begin_with(const char *name, struct arena *arena, struct service_config *out)
{
    size_t n;
    const struct service_config *known = services_known(&n);
    *out = (struct service_config){
        .name = name, .every_ms = PROBE_EVERY_MS, .timeout_ms = PROBE_TIMEOUT_MS};
    out->units[0] = arena_printf(arena, "%s%s", name, strchr(name, '.') ? "" : ".service");
    out->inits[0] = name;
    out->processes[0] = name;
    for (size_t i = 0; i < n; i++)
        if (strcmp(known[i].name, name) == 0)
            *out = known[i];
    out->wanted = true;
}

enum status service_parse(const struct yaml *node, struct arena *arena, struct service_config *out,
                          struct err *err)
{
    static const char *const keys[] = {"name",   "unit",     "init",    "process",
                                       "probes", "interval", "timeout", NULL};
    const char *name;
    const struct yaml *name_node = node->kind == YAML_MAP ? yaml_get(node, "name") : node;
    if (!name_node)
        return yaml_error(node, err, "a service needs a name");
    enum status st = yaml_string(name_node, &name, err);
    if (!st && (!*name || strlen(name) > 64))
        st = yaml_error(name_node, err, "a service's name has 1 to 64 characters");
    if (st)
        return st;
    begin_with(name, arena, out);
    if (node->kind != YAML_MAP)
        return OK;
    st = yaml_known_keys(node, keys, err);
    if (!st)
        st = parse_names(yaml_get(node, "unit"), out->units, err);
    if (!st)
        st = parse_names(yaml_get(node, "init"), out->inits, err);
    if (!st)
        st = parse_names(yaml_get(node, "process"), out->processes, err);
    if (!st)
        st = parse_checks(yaml_get(node, "probes"), arena, out, err);
    if (!st && yaml_get(node, "interval"))
        st = yaml_duration_ms(yaml_get(node, "interval"), PROBE_EVERY_MIN_MS, PROBE_EVERY_MAX_MS,
                              &out->every_ms, err);
    if (!st && yaml_get(node, "timeout"))
        st = yaml_duration_ms(yaml_get(node, "timeout"), PROBE_TIMEOUT_MIN_MS, PROBE_TIMEOUT_MAX_MS,
                              &out->timeout_ms, err);
    complete_units(out, arena);
    return st;
}
