/* The parsers of kernel files. The first byte chooses one, the rest is the file; what a parser
 * takes must lie within it. */
#include "collect/parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span text;

static void inside(struct span s)
{
    if (s.len && (s.at < text.at || s.at + s.len > text.at + text.len))
        abort();
}

static void fuzz_numbers(struct span line)
{
    struct numbers n;
    struct span cpu;
    if (!parse_numbers(line, &n))
        return;
    inside(n.name);
    if (n.n == 0 || n.n > NUMBERS_MAX)
        abort();
    if (parse_cpu_line(&n, &cpu))
        inside(cpu);
}

static void fuzz_meminfo(struct span line)
{
    struct meminfo_line m;
    if (parse_meminfo_line(line, &m))
        inside(m.name);
    vmstat_wanted(line, line);
}

static void fuzz_disk(struct span line)
{
    struct disk_line d;
    if (parse_disk_line(line, &d) && (d.n < 11 || d.n > DISK_FIELDS_MAX))
        abort();
    disk_excluded(line);
}

static void fuzz_mount(struct span line)
{
    struct mount_line m;
    char out[64];
    if (!parse_mount_line(line, &m))
        return;
    inside(m.device);
    inside(m.options);
    if (mount_unescape(m.mountpoint, out, sizeof out) >= sizeof out)
        abort();
    mount_excluded(m.mountpoint);
    fstype_excluded(m.fstype);
    mount_readonly(m.options);
}

static void fuzz_netdev(struct span line)
{
    struct netdev_line d;
    struct softnet_line s;
    if (parse_netdev_line(line, &d))
        inside(d.device);
    if (parse_softnet_line(line, &s) && s.n > SOFTNET_FIELDS_MAX)
        abort();
}

static void fuzz_tcp(struct span line)
{
    struct tcp_row r;
    struct span a, b;
    if (parse_tcp_row(line, &r))
        inside(r.remote_address);
    if (parse_os_line(line, &a, &b)) {
        inside(a);
        inside(b);
    }
    if (split_snmp6_name(line, &a, &b)) {
        inside(a);
        inside(b);
        netstat_wanted(a, b);
    }
}

static void fuzz_storage(struct span line)
{
    struct rpc_line rpc;
    struct kstat_row row;
    struct meminfo_line m;
    struct span place;
    double rate;
    uint64_t id;
    if (parse_rpc_line(line, &rpc)) {
        inside(rpc.name);
        if (rpc.n == 0 || rpc.n > RPC_NUMBERS_MAX)
            abort();
    }
    if (parse_kstat_row(line, &row)) {
        inside(row.name);
        inside(row.text);
    }
    if (parse_numa_line(line, &m))
        inside(m.name);
    if (parse_infiniband_rate(line, &rate) && !(rate >= 0))
        abort();
    parse_infiniband_state(line, &id);
    if (parse_mountinfo_line(line, &id, &id, &place))
        inside(place);
    if (disk_of_link(line, line.len % 2, &place))
        inside(place);
    bool nfs;
    if (parse_nfs_device(line, &place, &nfs))
        inside(place);
    if (!(btrfs_ratio(line, line.len) >= 0))
        abort();
}

static void fuzz_arrays(void)
{
    struct span rest = text;
    struct md_array array;
    bool odd = false;
    while (next_md_array(&rest, &array, &odd))
        inside(array.name);
}

static void by_line(void (*parse)(struct span))
{
    struct span rest = text, line;
    while (span_line(&rest, &line))
        parse(line);
}

static void fuzz_process(void)
{
    struct process_stat s;
    struct span unit, name;
    uint64_t a, b;
    uint32_t uid;
    if (parse_process_stat(text, &s))
        inside(s.name);
    parse_process_io(text, &a, &b);
    parse_open_files_limit(text, &a, &b);
    parse_status_uid(text, &uid);
    if (parse_cgroup_unit(text, &unit))
        inside(unit);
    if (parse_passwd_line(text, &name, &uid))
        inside(name);
    parse_flat_key(text, "nr_periods", &a);
    if (count_inotify_watches(text) > text.len)
        abort();
}

static void fuzz_storage_lines(void)
{
    by_line(fuzz_storage);
}

static void fuzz_whole(void)
{
    struct loadavg l;
    struct pressure p;
    struct span chosen;
    double version;
    uint64_t u;
    int64_t i;
    fuzz_process();
    parse_loadavg(text, &l);
    if (parse_pressure(text, &p) && !p.has_some)
        abort();
    if (parse_choice(text, &chosen))
        inside(chosen);
    parse_version(text, &version);
    parse_u64(text, &u);
    parse_i64(text, &i);
}

static void fuzz_tables(void)
{
    struct hex_column columns[] = {{.name = "entries"}, {.name = "drop"}};
    struct sysvipc v;
    parse_hex_table(text, columns, COUNT(columns));
    if (parse_sysvipc(text, "cbytes", &v) && v.rows == 0 && v.sum)
        abort();
}

static void fuzz_pairs(void)
{
    struct span rest = text;
    struct stat_pair pair;
    bool odd = false;
    while (next_stat_pair(&rest, &pair, &odd)) {
        inside(pair.group);
        inside(pair.names);
        inside(pair.values);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const lines[])(struct span) = {fuzz_numbers, fuzz_meminfo, fuzz_disk,
                                                 fuzz_mount,   fuzz_netdev,  fuzz_tcp};
    static void (*const wholes[])(void) = {fuzz_whole, fuzz_tables, fuzz_pairs};
    static void (*const newer[])(void) = {fuzz_arrays, fuzz_storage_lines};
    if (size == 0)
        return 0;
    /* A copy of its own size: reading beyond the end is seen. */
    char *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    text = span_from(copy + 1, size - 1);
    size_t which = data[0] % (COUNT(lines) + COUNT(wholes));
    if (data[0] >= 'y') /* later ones, so that the corpus keeps its meaning */
        newer[data[0] % COUNT(newer)]();
    else if (which < COUNT(lines))
        by_line(lines[which]);
    else
        wholes[which - COUNT(lines)]();
    free(copy);
    return 0;
}
