/* What the machine is: kernel, distribution, hardware. One series each, with the facts as labels
 * and the value 1. */
#include "collect/identity.h"

#include "collect/collectors.h"
#include "collect/parse.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { FACT_MAX_BYTES = 256 };

/* The first line of a file, in the arena of one tick; empty when there is none. */
struct span host_fact(struct tick *t, struct arena *arena, const char *path)
{
    struct span text, line;
    if (tick_read_once(t, path, &text, NULL) || !span_line(&text, &line))
        return (struct span){0};
    line = span_trim(line);
    line.len = MIN(line.len, FACT_MAX_BYTES);
    return arena_span(arena, line);
}

/* This program's architecture is the kernel's as far as anybody cares; a recorded machine has
 * it in a file (Linux 6.1 and later). */
struct span host_machine(struct tick *t, struct arena *arena)
{
    struct utsname u;
    if (t->c->live && uname(&u) == 0)
        return span_of(arena_dup(arena, u.machine));
    return host_fact(t, arena, "proc/sys/kernel/arch");
}

uint64_t host_boot_s(struct tick *t)
{
    struct span text, line;
    uint64_t v = 0;
    if (tick_read_once(t, "proc/stat", &text, NULL))
        return 0;
    while (span_line(&text, &line))
        if (span_starts(line, SPAN("btime ")) &&
            !span_u64((struct span){line.at + 6, line.len - 6}, &v))
            return 0;
    return v;
}

static const struct metric uname_metrics[] = {
    {"node_uname_info",
     METRIC_GAUGE,
     "Labeled system information as provided by the uname system call.",
     {"domainname", "machine", "nodename", "release", "sysname", "version"}},
};

static struct span node_name(struct tick *t, struct arena *arena)
{
    struct span name = {0};
    if (t->c->namespaces.elsewhere)
        name = host_fact(t, arena, "etc/hostname");
    return name.len ? name : host_fact(t, arena, "proc/sys/kernel/hostname");
}

static enum status uname_collect(struct tick *t, void *state UNUSED, struct err *err)
{
    auto_arena arena = {0};
    const struct span values[] = {
        host_fact(t, &arena, "proc/sys/kernel/domainname"),
        host_machine(t, &arena),
        node_name(t, &arena),
        host_fact(t, &arena, "proc/sys/kernel/osrelease"),
        host_fact(t, &arena, "proc/sys/kernel/ostype"),
        host_fact(t, &arena, "proc/sys/kernel/version"),
    };
    if (!values[3].len)
        return err_set(err, NOT_FOUND, "proc/sys/kernel/osrelease is missing");
    emit_values(t, &uname_metrics[0], values, COUNT(values), 1);
    return OK;
}

const struct collector uname_collector = {COLLECTOR_OF(uname, char), .every_s = 60,
                                          .optional = true};

/* ---- os-release ---- */

static const struct metric os_metrics[] = {
    {"node_os_info",
     METRIC_GAUGE,
     "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, "
     "image_version, name, pretty_name, variant, variant_id, version, version_codename, "
     "version_id.",
     {"build_id", "id", "id_like", "image_id", "image_version", "name", "pretty_name", "variant",
      "variant_id", "version", "version_codename", "version_id"}},
    {"node_os_version",
     METRIC_GAUGE,
     "Metric containing the major.minor part of the OS version.",
     {"id", "id_like", "name"}},
};

bool parse_os_line(struct span line, struct span *key, struct span *value)
{
    line = span_trim(line);
    size_t equals = span_find(line, '=');
    if (equals == 0 || equals == line.len || line.at[0] == '#')
        return false;
    *key = (struct span){line.at, equals};
    *value = (struct span){line.at + equals + 1, line.len - equals - 1};
    char quote = value->len >= 2 ? value->at[0] : '\0';
    if ((quote == '"' || quote == '\'') && value->at[value->len - 1] == quote)
        *value = (struct span){value->at + 1, value->len - 2};
    return true;
}

bool parse_version(struct span text, double *out)
{
    size_t n = 0, dots = 0;
    for (; n < text.len; n++) {
        if (text.at[n] == '.' && ++dots > 1)
            break;
        if (text.at[n] != '.' && (text.at[n] < '0' || text.at[n] > '9'))
            break;
    }
    return n > 0 && text.at[0] != '.' && span_double((struct span){text.at, n}, out);
}

/* Label names are the keys in small letters. */
static void keep_os_value(struct span key, struct span value, struct span *values)
{
    for (size_t i = 0; i < OS_KEYS; i++)
        if (span_eq_nocase(key, span_of(os_metrics[0].labels[i])))
            values[i] = value;
}

/* The spans point into the file's text: valid until the next read. */
enum status host_os_release(struct tick *t, struct span *values, struct err *err)
{
    struct span text, line, key, value;
    enum status st = tick_read_once(t, "etc/os-release", &text, NULL);
    if (st)
        st = tick_read_once(t, "usr/lib/os-release", &text, err);
    while (!st && span_line(&text, &line))
        if (parse_os_line(line, &key, &value))
            keep_os_value(key, value, values);
    return st;
}

static enum status os_collect(struct tick *t, void *state UNUSED, struct err *err)
{
    struct span values[OS_KEYS] = {0};
    enum status st = host_os_release(t, values, err);
    if (st)
        return st;
    emit_values(t, &os_metrics[0], values, OS_KEYS, 1);
    double version;
    const struct span id[] = {values[OS_ID], values[OS_ID_LIKE], values[OS_NAME]};
    if (parse_version(values[OS_VERSION_ID], &version))
        emit_values(t, &os_metrics[1], id, COUNT(id), version);
    return OK;
}

const struct collector os_collector = {COLLECTOR_OF(os, char), .every_s = 60, .optional = true};

/* ---- the host as a whole ---- */

static const struct metric host_metrics[] = {
    {"galen_host_info",
     METRIC_GAUGE,
     "What this machine is; machine_id is a digest of its own.",
     {"machine_id", "boot_id", "kernel", "architecture", "distribution", "os_id", "os_version",
      "vendor", "product", "cpu_model", "virtualization", "agent_version"}},
};

struct span host_cpu_field(struct tick *t, struct arena *arena, const char *name)
{
    struct span text, line;
    if (tick_read_once(t, "proc/cpuinfo", &text, NULL))
        return (struct span){0};
    while (span_line(&text, &line)) {
        size_t colon = span_find(line, ':');
        if (colon < line.len && span_is(span_trim((struct span){line.at, colon}), name))
            return arena_span(arena,
                              span_trim((struct span){line.at + colon + 1, line.len - colon - 1}));
    }
    return (struct span){0};
}

static bool has_word(struct span text, const char *wanted)
{
    for (struct span word; span_word(&text, &word);)
        if (span_is(word, wanted))
            return true;
    return false;
}

static bool contains(struct span text, const char *part)
{
    return text.len && memmem(text.at, text.len, part, strlen(part));
}

static bool there_is(struct tick *t, const char *path)
{
    return faccessat(t->c->root_fd, path, F_OK, 0) == 0;
}

struct span host_container(struct tick *t, struct arena *arena)
{
    struct span kind = host_fact(t, arena, "run/systemd/container");
    if (kind.len)
        return kind;
    if (there_is(t, ".dockerenv"))
        return SPAN("docker");
    if (there_is(t, "run/.containerenv"))
        return SPAN("podman");
    if (there_is(t, "proc/vz") && !there_is(t, "proc/bc"))
        return SPAN("openvz");
    return (struct span){0};
}

/* A container shows by its marker files, a virtual machine by its vendor or the CPU's flag. */
struct span host_virtualization(struct tick *t, struct arena *arena, struct span vendor,
                                struct span product)
{
    static const struct {
        const char *sign;
        struct span name;
    } known[] = {
        {"QEMU", {"kvm", 3}},          {"KVM", {"kvm", 3}},       {"VMware", {"vmware", 6}},
        {"VirtualBox", {"oracle", 6}}, {"Xen", {"xen", 3}},       {"Microsoft", {"microsoft", 9}},
        {"Amazon EC2", {"amazon", 6}}, {"Google", {"google", 6}}, {"OpenStack", {"openstack", 9}},
    };
    struct span kind = host_container(t, arena);
    if (kind.len)
        return kind;
    for (size_t i = 0; i < COUNT(known); i++) {
        if (contains(vendor, known[i].sign) || contains(product, known[i].sign))
            return known[i].name;
    }
    return has_word(host_cpu_field(t, arena, "flags"), "hypervisor") ? SPAN("vm") : SPAN("none");
}

struct host_state {
    struct arena arena;
    struct span values[COUNT(host_metrics[0].labels)];
    size_t n; /* 0: not looked at yet */
};

/* All of this stays as it is while the kernel runs, but for a distribution's upgrade. */
static void look_at_host(struct tick *t, struct host_state *s)
{
    struct arena *a = &s->arena;
    char id[33] = "";
    struct span os[OS_KEYS] = {0}, pretty = {0}, os_id = {0}, os_version = {0};
    if (collect_machine_id(t->c, id, NULL))
        id[0] = '\0';
    if (host_os_release(t, os, NULL) == OK) {
        pretty = arena_span(a, os[OS_PRETTY_NAME]);
        os_id = arena_span(a, os[OS_ID]);
        os_version = arena_span(a, os[OS_VERSION_ID]);
    }
    struct span vendor = host_fact(t, a, "sys/class/dmi/id/sys_vendor");
    struct span product = host_fact(t, a, "sys/class/dmi/id/product_name");
    const struct span values[] = {
        span_of(arena_dup(a, id)),
        host_fact(t, a, "proc/sys/kernel/random/boot_id"),
        host_fact(t, a, "proc/sys/kernel/osrelease"),
        host_machine(t, a),
        pretty,
        os_id,
        os_version,
        vendor,
        product,
        host_cpu_field(t, a, "model name"),
        host_virtualization(t, a, vendor, product),
        SPAN(GALEN_VERSION),
    };
    _Static_assert(sizeof values == sizeof s->values, "one value for each label");
    memcpy(s->values, values, sizeof values);
    s->n = COUNT(values);
}

static enum status host_collect(struct tick *t, void *state, struct err *err UNUSED)
{
    enum { LOOK_AGAIN_RUNS = 60 };
    struct host_state *s = state;
    if (s->n == 0 || t->a->run % LOOK_AGAIN_RUNS == 0) {
        arena_reset(&s->arena);
        look_at_host(t, s);
    }
    emit_values(t, &host_metrics[0], s->values, s->n, 1);
    return OK;
}

static void host_free(void *state)
{
    struct host_state *s = state;
    arena_free(&s->arena);
}

const struct collector host_collector = {COLLECTOR_OF(host, struct host_state), .every_s = 60,
                                         .free = host_free};
