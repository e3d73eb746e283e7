/* Private to collect/: the pure parsers. Each takes the text of a file, or a line of it, and
 * fills a struct; false means that the text is not of that form. None keeps or changes text.
 *
 * A line parser is given lines by span_line. Numbers that a kernel is too old to have are left
 * out by the struct's n, never read as zero. */
#pragma once

#include "base/span.h"

/* ---- common forms ---- */

bool next_u64(struct span *rest, uint64_t *out); /* the next word, a number */
bool next_hex(struct span *rest, uint64_t *out);
/* A file that is one number and a line end. */
bool parse_u64(struct span text, uint64_t *out);
bool parse_i64(struct span text, int64_t *out);

/* "name 1 2 3": all of the first NUMBERS_MAX must be numbers; more are not looked at. */
enum { NUMBERS_MAX = 32 };
struct numbers {
    struct span name; /* without a colon at its end */
    uint64_t v[NUMBERS_MAX];
    size_t n;
};
bool parse_numbers(struct span line, struct numbers *out);

/* ---- processor and scheduler ---- */

/* A line of /proc/stat that begins with "cpuN"; false for all others. */
bool parse_cpu_line(const struct numbers *line, struct span *cpu);

struct loadavg {
    double load1, load5, load15;
    uint64_t running, tasks;
};
bool parse_loadavg(struct span text, struct loadavg *out);

struct pressure {
    bool has_some, has_full;
    uint64_t some_us, full_us; /* totals */
};
bool parse_pressure(struct span text, struct pressure *out);

/* ---- memory ---- */

struct meminfo_line {
    struct span name;
    uint64_t value;
    bool bytes; /* value was in kB and is in bytes now */
};
bool parse_meminfo_line(struct span line, struct meminfo_line *out);
bool vmstat_wanted(struct span group, struct span name);
/* "always [madvise] never": the word in brackets. */
bool parse_choice(struct span text, struct span *chosen);

/* ---- disks and file systems ---- */

enum { DISK_FIELDS_MAX = 17 };
struct disk_line {
    uint64_t major, minor;
    struct span device;
    uint64_t v[DISK_FIELDS_MAX]; /* 11, since Linux 4.18 15, since 5.5 17 */
    size_t n;
};
bool parse_disk_line(struct span line, struct disk_line *out);
bool disk_excluded(struct span device); /* ram, loop, fd, partitions */

struct mount_line {
    struct span device, mountpoint, fstype, options; /* still with \040 for a blank */
};
bool parse_mount_line(struct span line, struct mount_line *out);
/* A line of mountinfo, as far as it says which device is where. */
bool parse_mountinfo_line(struct span line, uint64_t *major, uint64_t *minor,
                          struct span *mountpoint);
/* "device filer:/export mounted on /mnt with fstype nfs4 ..." of mountstats */
bool parse_nfs_device(struct span line, struct span *export, bool *nfs);
/* The disk that a link of sys/dev/block leads to; of a partition the part before. */
bool disk_of_link(struct span link, bool partition, struct span *disk);
/* \040 and its like; at most size - 1 bytes, terminated. */
size_t mount_unescape(struct span escaped, char *out, size_t size);
bool mount_excluded(struct span mountpoint);
bool fstype_excluded(struct span fstype);
bool mount_readonly(struct span options);

/* An array of /proc/mdstat. Blocks are of 1 KiB. */
struct md_array {
    struct span name, state; /* active, inactive, recovering, resync or check */
    bool inactive, plain;    /* plain: raid0 or linear, which miss no member */
    uint64_t blocks, synced, members, active, required, failed, spare;
};
/* False at the end; *odd when some were not understood. */
bool next_md_array(struct span *rest, struct md_array *out, bool *odd);

struct kstat_row {
    struct span name, text;
    uint64_t type, v; /* v: of those of type 4 */
};
/* "hits  4  8772612" of /proc/spl/kstat/zfs */
bool parse_kstat_row(struct span line, struct kstat_row *out);
/* How many bytes of disks a byte takes in a layout of btrfs; 0: no layout. */
double btrfs_ratio(struct span layout, uint64_t devices);
/* "Node 0 MemTotal:  134182340 kB" */
bool parse_numa_line(struct span line, struct meminfo_line *out);

/* ---- network ---- */

enum { RPC_NUMBERS_MAX = 128 };
/* A line of /proc/net/rpc/nfs or nfsd; of "procN" without the count that it begins with. */
struct rpc_line {
    struct span name;
    uint64_t v[RPC_NUMBERS_MAX];
    size_t n;
};
bool parse_rpc_line(struct span line, struct rpc_line *out);
/* "40 Gb/sec (4X QDR)"; "4: ACTIVE" */
bool parse_infiniband_rate(struct span text, double *bytes_per_s);
bool parse_infiniband_state(struct span text, uint64_t *id);

enum { NETDEV_FIELDS = 16 };
struct netdev_line {
    struct span device;
    uint64_t v[NETDEV_FIELDS];
};
bool parse_netdev_line(struct span line, struct netdev_line *out);

/* /proc/net/snmp and netstat: a line of names, then one of values, each begun by "Group:". */
struct stat_pair {
    struct span group, names, values;
};
/* False at the end; *odd when lines that are no pair were skipped. */
bool next_stat_pair(struct span *rest, struct stat_pair *out, bool *odd);
/* "Ip6InReceives" as "Ip6" and "InReceives". */
bool split_snmp6_name(struct span name, struct span *group, struct span *field);
bool netstat_wanted(struct span group, struct span field);

enum { SOFTNET_FIELDS_MAX = 15 };
struct softnet_line {
    uint64_t v[SOFTNET_FIELDS_MAX];
    size_t n;
};
bool parse_softnet_line(struct span line, struct softnet_line *out);

/* /proc/net/stat/x: a line of names, then a line of hexadecimal numbers for each CPU. Fills
 * sum[i] over the CPUs (and first[i], of the first) for each name that is found. */
struct hex_column {
    const char *name;
    bool found;
    uint64_t sum, first;
};
bool parse_hex_table(struct span text, struct hex_column *columns, size_t n);

/* A row of /proc/net/tcp or tcp6. */
struct tcp_row {
    uint16_t local_port, remote_port;
    struct span remote_address; /* hexadecimal */
    uint8_t state;
    uint64_t tx_queue, rx_queue;
};
bool parse_tcp_row(struct span line, struct tcp_row *out);

/* ---- processes ---- */

struct process_stat {
    struct span name; /* what stands between the outermost brackets */
    char state;
    uint64_t cpu_ticks, threads, start_ticks, virtual_bytes;
    int64_t resident_pages;
};
/* /proc/PID/stat. The name may hold brackets, blanks and line ends. */
bool parse_process_stat(struct span text, struct process_stat *out);
/* read_bytes and write_bytes of /proc/PID/io. */
bool parse_process_io(struct span text, uint64_t *read_bytes, uint64_t *write_bytes);
/* "Max open files" of /proc/PID/limits; UINT64_MAX: unlimited. */
bool parse_open_files_limit(struct span text, uint64_t *soft, uint64_t *hard);
/* The effective user of /proc/PID/status. */
bool parse_status_uid(struct span text, uint32_t *uid);
/* The systemd unit in /proc/PID/cgroup: the last part that ends in .service, .scope or such;
 * of a container the part that names it. False when there is none. */
bool parse_cgroup_unit(struct span text, struct span *unit);
/* "name:x:uid:..." of /etc/passwd */
bool parse_passwd_line(struct span line, struct span *name, uint32_t *uid);

/* The number after a key at the start of a line: cpu.stat, memory.events. */
bool parse_flat_key(struct span text, const char *key, uint64_t *out);
/* Lines of /proc/PID/fdinfo/FD that are a watch. */
uint64_t count_inotify_watches(struct span text);

/* ---- others ---- */

/* KEY=value of os-release; quotes are taken off, escapes left. */
bool parse_os_line(struct span line, struct span *key, struct span *value);
/* The longest first part of a version that is a number: "22.04.3" gives 22.04. */
bool parse_version(struct span text, double *out);

struct sysvipc {
    uint64_t rows, sum, max; /* over the column named */
};
/* The table of /proc/sysvipc/x; false when the head has no such column. */
bool parse_sysvipc(struct span text, const char *column, struct sysvipc *out);
