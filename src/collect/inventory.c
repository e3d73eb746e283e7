/* What the machine is, as one JSON document whose digest tells that something changed. Lists are
 * in order of name and figures that move by themselves (free space, clock rates) are left out,
 * so that the same machine gives the same bytes. */
#include "collect/identity.h"
#include "collect/parse.h"

#include "base/crypto.h"
#include "base/json.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DEVICES_MAX = 256, /* of disks, and of network interfaces */
    MOUNTS_MAX = 256,
    CACHES_MAX = 16,
    CPUS_MAX = 4096,
    VERSION_BYTES = 16,
    PATH_BYTES = 320,
};

struct inventory {
    struct tick *t;
    struct arena *arena;
    struct json j;
};

static struct span fact_at(struct inventory *v, const char *directory, const char *name,
                           const char *file)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s/%s", directory, name, file);
    return host_fact(v->t, v->arena, path);
}

static void put_span(struct inventory *v, const char *key, struct span value)
{
    if (value.len)
        json_field_span(&v->j, key, value);
}

static void put_u64(struct inventory *v, const char *key, struct span digits, uint64_t factor)
{
    uint64_t n;
    if (!span_u64(digits, &n) || __builtin_mul_overflow(n, factor, &n))
        return;
    json_key(&v->j, key);
    json_u64(&v->j, n);
}

static void begin(struct inventory *v, const char *key)
{
    json_key(&v->j, key);
    json_begin_object(&v->j);
}

static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Calls put for each entry of a directory, in order of name. */
static void each_entry(struct inventory *v, const char *directory,
                       void (*put)(struct inventory *v, const char *name), int max)
{
    struct dirent **entries;
    int n = scandirat(v->t->c->root_fd, directory, &entries, not_hidden, compare_entries);
    for (int i = 0; i < n; i++) {
        if (i < max)
            put(v, entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

/* ---- system ---- */

static void put_system(struct inventory *v)
{
    char id[33];
    struct span os[OS_KEYS] = {0};
    json_field(&v->j, "hostname", v->t->c->instance);
    if (collect_machine_id(v->t->c, id, NULL) == OK)
        json_field(&v->j, "machine_id", id);
    put_span(v, "architecture", host_machine(v->t, v->arena));
    begin(v, "kernel");
    put_span(v, "name", host_fact(v->t, v->arena, "proc/sys/kernel/ostype"));
    put_span(v, "release", host_fact(v->t, v->arena, "proc/sys/kernel/osrelease"));
    put_span(v, "version", host_fact(v->t, v->arena, "proc/sys/kernel/version"));
    put_span(v, "command_line", host_fact(v->t, v->arena, "proc/cmdline"));
    json_end_object(&v->j);
    begin(v, "distribution");
    if (host_os_release(v->t, os, NULL) == OK) {
        put_span(v, "id", os[OS_ID]);
        put_span(v, "name", os[OS_PRETTY_NAME].len ? os[OS_PRETTY_NAME] : os[OS_NAME]);
        put_span(v, "version", os[OS_VERSION_ID]);
    }
    json_end_object(&v->j);
    json_field(&v->j, "agent_version", GALEN_VERSION);
}

static void put_hardware(struct inventory *v)
{
    static const struct {
        const char *key, *file;
    } facts[] = {
        {"board", "board_name"},     {"board_vendor", "board_vendor"},
        {"chassis", "chassis_type"}, {"bios_vendor", "bios_vendor"},
        {"bios", "bios_version"},    {"bios_date", "bios_date"},
    };
    struct span vendor = host_fact(v->t, v->arena, "sys/class/dmi/id/sys_vendor");
    struct span product = host_fact(v->t, v->arena, "sys/class/dmi/id/product_name");
    begin(v, "hardware");
    put_span(v, "vendor", vendor);
    put_span(v, "product", product);
    for (size_t i = 0; i < COUNT(facts); i++)
        put_span(v, facts[i].key, fact_at(v, "sys/class/dmi", "id", facts[i].file));
    json_end_object(&v->j);
    put_span(v, "virtualization", host_virtualization(v->t, v->arena, vendor, product));
    put_span(v, "container", host_container(v->t, v->arena));
}

/* ---- processors ---- */

static void put_cache(struct inventory *v, const char *index)
{
    static const char directory[] = "sys/devices/system/cpu/cpu0/cache";
    struct span size = fact_at(v, directory, index, "size"), digits = size;
    uint64_t unit = span_ends(size, SPAN("K")) ? 1 << 10 : span_ends(size, SPAN("M")) ? 1 << 20 : 0;
    if (strncmp(index, "index", 5) != 0 || !unit)
        return;
    digits.len--;
    json_begin_object(&v->j);
    put_u64(v, "level", fact_at(v, directory, index, "level"), 1);
    put_span(v, "type", fact_at(v, directory, index, "type"));
    put_u64(v, "size_bytes", digits, unit);
    put_span(v, "shared_by", fact_at(v, directory, index, "shared_cpu_list"));
    json_end_object(&v->j);
}

/* Different values of a key of /proc/cpuinfo, and how often it stands there. */
struct distinct {
    struct span seen[CPUS_MAX];
    size_t n, lines;
};

static void add_distinct(struct distinct *d, struct span value)
{
    d->lines++;
    for (size_t i = 0; i < d->n; i++)
        if (span_eq(d->seen[i], value))
            return;
    if (d->n < CPUS_MAX)
        d->seen[d->n++] = value;
}

static bool cpuinfo_line(struct span line, struct span *key, struct span *value)
{
    size_t colon = span_find(line, ':');
    if (colon == line.len)
        return false;
    *key = span_trim((struct span){line.at, colon});
    *value = span_trim((struct span){line.at + colon + 1, line.len - colon - 1});
    return true;
}

/* Cores are told apart by socket and number within it. */
static void put_cpu_counts(struct inventory *v)
{
    struct span text, line, key, value, socket = SPAN("0");
    struct distinct *sockets = ARENA_NEW(v->arena, struct distinct);
    struct distinct *cores = ARENA_NEW(v->arena, struct distinct);
    uint64_t threads = 0;
    if (tick_read_once(v->t, "proc/cpuinfo", &text, NULL))
        return;
    while (span_line(&text, &line)) {
        if (!cpuinfo_line(line, &key, &value))
            continue;
        threads += span_is(key, "processor");
        if (span_is(key, "physical id")) {
            socket = value;
            add_distinct(sockets, value);
        } else if (span_is(key, "core id")) {
            char *name = arena_printf(v->arena, "%.*s/%.*s", SPAN_ARG(socket), SPAN_ARG(value));
            add_distinct(cores, span_of(name));
        }
    }
    if (sockets->n)
        json_field_i64(&v->j, "sockets", (int64_t)sockets->n);
    if (cores->n)
        json_field_i64(&v->j, "cores", (int64_t)cores->n);
    if (threads)
        json_field_i64(&v->j, "threads", (int64_t)threads);
}

static void put_node(struct inventory *v, const char *name)
{
    if (strncmp(name, "node", 4) != 0 || name[4] < '0' || name[4] > '9')
        return;
    json_begin_object(&v->j);
    json_field(&v->j, "name", name);
    put_span(v, "cpus", fact_at(v, "sys/devices/system/node", name, "cpulist"));
    json_end_object(&v->j);
}

static void put_cpu(struct inventory *v)
{
    begin(v, "cpu");
    put_span(v, "model", host_cpu_field(v->t, v->arena, "model name"));
    put_span(v, "vendor", host_cpu_field(v->t, v->arena, "vendor_id"));
    put_span(v, "microcode", host_cpu_field(v->t, v->arena, "microcode"));
    put_cpu_counts(v);
    put_u64(v, "max_hz",
            host_fact(v->t, v->arena, "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"),
            1000);
    json_key(&v->j, "caches");
    json_begin_array(&v->j);
    each_entry(v, "sys/devices/system/cpu/cpu0/cache", put_cache, CACHES_MAX);
    json_end_array(&v->j);
    json_key(&v->j, "nodes");
    json_begin_array(&v->j);
    each_entry(v, "sys/devices/system/node", put_node, DEVICES_MAX);
    json_end_array(&v->j);
    json_end_object(&v->j);
}

static void put_memory(struct inventory *v)
{
    struct span text, line;
    struct meminfo_line m;
    begin(v, "memory");
    if (tick_read_once(v->t, "proc/meminfo", &text, NULL) == OK)
        while (span_line(&text, &line)) {
            if (!parse_meminfo_line(line, &m))
                continue;
            if (span_is(m.name, "MemTotal"))
                json_field_i64(&v->j, "total_bytes", (int64_t)m.value);
            else if (span_is(m.name, "SwapTotal"))
                json_field_i64(&v->j, "swap_bytes", (int64_t)m.value);
        }
    json_end_object(&v->j);
}

/* ---- disks, interfaces, mounts ---- */

static void put_disk(struct inventory *v, const char *name)
{
    enum { SECTOR_BYTES = 512 };
    struct span model = fact_at(v, "sys/block", name, "device/model");
    struct span rotational = fact_at(v, "sys/block", name, "queue/rotational");
    if (disk_excluded(span_of(name)))
        return;
    json_begin_object(&v->j);
    json_field(&v->j, "name", name);
    put_span(v, "model", model);
    put_span(v, "vendor", fact_at(v, "sys/block", name, "device/vendor"));
    put_u64(v, "size_bytes", fact_at(v, "sys/block", name, "size"), SECTOR_BYTES);
    if (rotational.len)
        json_field_bool(&v->j, "rotational", span_is(rotational, "1"));
    put_u64(v, "queue_depth", fact_at(v, "sys/block", name, "queue/nr_requests"), 1);
    struct span scheduler = fact_at(v, "sys/block", name, "queue/scheduler"), chosen;
    if (parse_choice(scheduler, &chosen))
        put_span(v, "scheduler", chosen);
    json_end_object(&v->j);
}

/* The name of the driver is where a link points to. */
static struct span link_name(struct inventory *v, const char *directory, const char *name,
                             const char *file)
{
    char path[PATH_BYTES], target[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s/%s", directory, name, file);
    ssize_t n = readlinkat(v->t->c->root_fd, path, target, sizeof target);
    if (n <= 0)
        return (struct span){0};
    struct span rest = span_from(target, (size_t)n), part = {0};
    while (span_next(&rest, '/', &part))
        continue;
    return arena_span(v->arena, part);
}

static void put_interface(struct inventory *v, const char *name)
{
    static const char directory[] = "sys/class/net";
    if (strncmp(name, "veth", 4) == 0 || strncmp(name, "cali", 4) == 0 || strcmp(name, "lo") == 0 ||
        strcmp(name, "bonding_masters") == 0)
        return; /* a container's, and of no machine */
    json_begin_object(&v->j);
    json_field(&v->j, "name", name);
    put_span(v, "address", fact_at(v, directory, name, "address"));
    put_span(v, "driver", link_name(v, directory, name, "device/driver"));
    put_u64(v, "mtu_bytes", fact_at(v, directory, name, "mtu"), 1);
    put_u64(v, "speed_bits", fact_at(v, directory, name, "speed"), 1000 * 1000);
    json_end_object(&v->j);
}

static int compare_mounts(const void *a, const void *b)
{
    const struct mount_line *x = a, *y = b;
    int by_place = span_compare(x->mountpoint, y->mountpoint);
    return by_place ? by_place : span_compare(x->device, y->device);
}

static void put_mount(struct inventory *v, const struct mount_line *m)
{
    char place[PATH_BYTES], device[PATH_BYTES];
    mount_unescape(m->mountpoint, place, sizeof place);
    mount_unescape(m->device, device, sizeof device);
    json_begin_object(&v->j);
    json_field(&v->j, "mountpoint", place);
    json_field(&v->j, "device", device);
    json_field_span(&v->j, "type", m->fstype);
    json_field_bool(&v->j, "read_only", mount_readonly(m->options));
    json_end_object(&v->j);
}

static void put_mounts(struct inventory *v)
{
    struct span text, line;
    struct mount_line *mounts = ARENA_ARRAY(v->arena, struct mount_line, MOUNTS_MAX);
    size_t n = 0;
    json_key(&v->j, "mounts");
    json_begin_array(&v->j);
    if (tick_read_once(v->t, "proc/1/mounts", &text, NULL) &&
        tick_read_once(v->t, "proc/self/mounts", &text, NULL))
        text = (struct span){0};
    while (n < MOUNTS_MAX && span_line(&text, &line))
        if (parse_mount_line(line, &mounts[n]) && !fstype_excluded(mounts[n].fstype) &&
            !mount_excluded(mounts[n].mountpoint) && !span_is(mounts[n].fstype, "tmpfs"))
            n++;
    qsort(mounts, n, sizeof *mounts, compare_mounts);
    for (size_t i = 0; i < n; i++)
        put_mount(v, &mounts[i]);
    json_end_array(&v->j);
}

static void put_facts(struct inventory *v)
{
    json_begin_object(&v->j);
    put_system(v);
    put_hardware(v);
    put_cpu(v);
    put_memory(v);
    json_key(&v->j, "disks");
    json_begin_array(&v->j);
    each_entry(v, "sys/block", put_disk, DEVICES_MAX);
    json_end_array(&v->j);
    json_key(&v->j, "interfaces");
    json_begin_array(&v->j);
    each_entry(v, "sys/class/net", put_interface, DEVICES_MAX);
    json_end_array(&v->j);
    put_mounts(v);
    json_end_object(&v->j);
}

void inventory_json(struct collect *c, struct buf *out)
{
    auto_arena arena = {0};
    auto_buf facts = {0};
    struct tick t = {c, NULL}; /* reads only whole files; nothing is emitted */
    struct inventory v = {&t, &arena, json_to(&facts)};
    put_facts(&v);
    uint8_t digest[SHA256_BYTES];
    char version[2 * VERSION_BYTES + 1];
    sha256(buf_view(&facts), digest);
    hex_encode(span_from(digest, VERSION_BYTES), version);
    v.j = json_to(out);
    json_begin_object(&v.j);
    json_field(&v.j, "version", version);
    put_span(&v, "boot_id", host_fact(&t, &arena, "proc/sys/kernel/random/boot_id"));
    uint64_t boot_s = host_boot_s(&t);
    if (boot_s)
        json_field_i64(&v.j, "boot_ms", (int64_t)boot_s * 1000);
    json_key(&v.j, "facts");
    json_raw(&v.j, buf_view(&facts));
    json_end_object(&v.j);
}
