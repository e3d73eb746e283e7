/* File systems: the mount table, and statvfs of each.
 *
 * statvfs of a network or FUSE mount whose server is away hangs for as long as that lasts, so
 * these are asked by threads of their own (guard.h) and reported as an error after two
 * seconds. The types of never_blocks answer from memory and are asked at once.
 *
 * A recorded machine keeps its answers in ROOT/statvfs, a line for each mount, spelled as there:
 *     MOUNTPOINT fragment-size blocks blocks-free blocks-available files files-free */
#include "collect/collectors.h"
#include "collect/guard.h"
#include "collect/parse.h"

#include "base/log.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

enum { MOUNTS_MAX = 1024, MOUNT_PATH_MAX = 4096 };

enum { SIZE, FREE, AVAIL, FILES, FILES_FREE, READONLY, DEVICE_ERROR };

#define FILESYSTEM(name, text)                                                                     \
    {                                                                                              \
        "node_filesystem_" name, METRIC_GAUGE, text,                                               \
        {                                                                                          \
            "device", "fstype", "mountpoint"                                                       \
        }                                                                                          \
    }

static const struct metric filesystem_metrics[] = {
    [SIZE] = FILESYSTEM("size_bytes", "Filesystem size in bytes."),
    [FREE] = FILESYSTEM("free_bytes", "Filesystem free space in bytes."),
    [AVAIL] = FILESYSTEM("avail_bytes", "Filesystem space available to non-root users in bytes."),
    [FILES] = FILESYSTEM("files", "Filesystem total file nodes."),
    [FILES_FREE] = FILESYSTEM("files_free", "Filesystem total free file nodes."),
    [READONLY] = FILESYSTEM("readonly", "Filesystem read-only status."),
    [DEVICE_ERROR] = FILESYSTEM(
        "device_error", "Whether an error occurred while getting statistics for the given device."),
};

struct mount {
    char *mountpoint, *path; /* path: below the root */
    struct span labels[3];
    bool readonly, direct;
    bool hidden;         /* the host's, and not below our root */
    struct guard *guard; /* NULL until first asked */
};

struct filesystem_state {
    struct kfile table;
    const char *table_path;
    struct mount *mounts;
    size_t n;
    struct arena arena; /* of the mounts */
    struct kfile recorded;
    bool hidden_told;
};

bool parse_mount_line(struct span line, struct mount_line *out)
{
    return span_word(&line, &out->device) && span_word(&line, &out->mountpoint) &&
           span_word(&line, &out->fstype) && span_word(&line, &out->options);
}

static bool is_octal(const char *at)
{
    return at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0' &&
           at[2] <= '7';
}

size_t mount_unescape(struct span escaped, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < escaped.len && n + 1 < size; i++) {
        const char *at = escaped.at + i;
        if (*at == '\\' && escaped.len - i > 3 && is_octal(at + 1)) {
            out[n++] = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
            i += 3;
        } else {
            out[n++] = *at;
        }
    }
    out[n] = '\0';
    return n;
}

/* node_exporter's ^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+|...containers/storage/.+)($|/) */
bool mount_excluded(struct span mountpoint)
{
    static const struct span whole[] = {{"/dev", 4}, {"/proc", 5}, {"/run", 4},
                                        {"/sys", 4}, {"/mnt", 4},  {"/media", 6}};
    static const struct span below[] = {{"/var/lib/docker/", 16},
                                        {"/var/lib/containers/storage/", 28}};
    for (size_t i = 0; i < COUNT(whole); i++)
        if (span_starts(mountpoint, whole[i]) &&
            (mountpoint.len == whole[i].len || mountpoint.at[whole[i].len] == '/'))
            return true;
    for (size_t i = 0; i < COUNT(below); i++)
        if (span_starts(mountpoint, below[i]) && mountpoint.len > below[i].len)
            return true;
    return false;
}

static bool one_of(const char *const *names, struct span name)
{
    for (; *names; names++)
        if (span_is(name, *names))
            return true;
    return false;
}

/* node_exporter's default list */
bool fstype_excluded(struct span fstype)
{
    static const char *const types[] = {
        "autofs",   "binfmt_misc", "bpf",     "cgroup",    "cgroup2",    "configfs",   "debugfs",
        "devpts",   "devtmpfs",    "fusectl", "hugetlbfs", "iso9660",    "mqueue",     "nsfs",
        "overlay",  "proc",        "procfs",  "pstore",    "rpc_pipefs", "securityfs", "selinuxfs",
        "squashfs", "sysfs",       "tracefs", NULL};
    return one_of(types, fstype);
}

bool mount_readonly(struct span options)
{
    struct span option;
    while (span_next(&options, ',', &option))
        if (span_is(option, "ro"))
            return true;
    return false;
}

static bool never_blocks(struct span fstype)
{
    static const char *const types[] = {"ext2", "ext3", "ext4",  "xfs",   "btrfs", "tmpfs",
                                        "vfat", "f2fs", "exfat", "ramfs", "zfs",   NULL};
    return one_of(types, fstype);
}

static void drop_mounts(struct filesystem_state *s)
{
    for (size_t i = 0; i < s->n; i++)
        guard_drop(s->mounts[i].guard);
    s->n = 0;
    s->mounts = NULL;
    arena_reset(&s->arena);
}

static void add_mount(struct tick *t, struct filesystem_state *s, const struct mount_line *line)
{
    char text[MOUNT_PATH_MAX];
    struct mount *m = &s->mounts[s->n++];
    mount_unescape(line->mountpoint, text, sizeof text);
    m->mountpoint = arena_dup(&s->arena, text);
    m->path = arena_printf(&s->arena, "%s%s", strcmp(t->c->root, "/") == 0 ? "" : t->c->root, text);
    mount_unescape(line->device, text, sizeof text);
    m->labels[0] = span_of(arena_dup(&s->arena, text));
    m->labels[1] = arena_span(&s->arena, line->fstype);
    m->labels[2] = span_of(m->mountpoint);
    m->readonly = mount_readonly(line->options);
    m->direct = never_blocks(line->fstype);
}

/* The mounts of process 1 are the host's when the agent runs in a container; without the right
 * to see them, its own. */
static enum status read_table(struct tick *t, struct filesystem_state *s, struct span *text,
                              struct err *err)
{
    static const char *const paths[] = {"proc/1/mounts", "proc/self/mounts"};
    enum status st = NOT_FOUND;
    for (size_t i = 0; st && i < COUNT(paths); i++) {
        if (s->table_path && s->table_path != paths[i])
            continue;
        s->table.retry_ms = 0;
        st = tick_read(t, &s->table, paths[i], text, err);
        if (!st)
            s->table_path = paths[i];
    }
    return st;
}

/* The kernel marks an open mount table with POLLPRI when it has changed since the last read. */
static bool table_changed(const struct filesystem_state *s)
{
    if (!s->table.fd_plus_1)
        return true;
    struct pollfd p = {.fd = s->table.fd_plus_1 - 1, .events = POLLPRI};
    return poll(&p, 1, 0) != 0;
}

/* ---- the host's mounts, seen from a container ---- */

bool parse_mountinfo_line(struct span line, uint64_t *major, uint64_t *minor,
                          struct span *mountpoint)
{
    struct span word, number;
    uint64_t id;
    return next_u64(&line, &id) && next_u64(&line, &id) && span_word(&line, &word) &&
           span_next(&word, ':', &number) && span_u64(number, major) && span_u64(word, minor) &&
           span_word(&line, &word) && span_word(&line, mountpoint);
}

/* Is what lies at the path below our root that mount, and not a folder of the container's own? A
 * subvolume of btrfs has a device number that no table has. */
static bool is_there(const struct mount *m, dev_t device)
{
    struct stat s;
    struct statfs fs;
    if (stat(m->path, &s) == 0 && s.st_dev == device)
        return true;
    return span_is(m->labels[1], "btrfs") && statfs(m->path, &fs) == 0 &&
           (uint32_t)fs.f_type == BTRFS_SUPER_MAGIC;
}

/* Of several mounts at one place the last is seen. Mounts that may hang are not looked at: they
 * are there when the root is. */
static void find_hidden(struct tick *t, struct filesystem_state *s)
{
    struct span text, line, place;
    uint64_t major, minor;
    bool root_there = false;
    for (size_t i = 0; i < s->n; i++)
        s->mounts[i].hidden = true;
    if (tick_read_once(t, "proc/1/mountinfo", &text, NULL))
        return;
    while (span_line(&text, &line)) {
        char where[MOUNT_PATH_MAX];
        if (!parse_mountinfo_line(line, &major, &minor, &place))
            continue;
        mount_unescape(place, where, sizeof where);
        for (size_t i = 0; i < s->n; i++)
            if (s->mounts[i].direct && strcmp(where, s->mounts[i].mountpoint) == 0)
                s->mounts[i].hidden =
                    !is_there(&s->mounts[i], makedev((unsigned)major, (unsigned)minor));
        struct stat root;
        if (strcmp(where, "/") == 0)
            root_there = fstat(t->c->root_fd, &root) == 0 &&
                         root.st_dev == makedev((unsigned)major, (unsigned)minor);
    }
    bool some = false;
    for (size_t i = 0; i < s->n; i++)
        root_there =
            root_there || (!s->mounts[i].hidden && strcmp(s->mounts[i].mountpoint, "/") == 0);
    for (size_t i = 0; i < s->n; i++) {
        if (!s->mounts[i].direct)
            s->mounts[i].hidden = !root_there;
        some = some || s->mounts[i].hidden;
    }
    if (some && !s->hidden_told)
        log_info("some file systems of the host are not below %s and are left out; the host's / "
                 "mounted there (read-only, rslave) shows all",
                 t->c->root);
    s->hidden_told = some;
}

static size_t count_lines(struct span text)
{
    size_t n = 0;
    for (struct span line; span_line(&text, &line);)
        n++;
    return n;
}

static enum status load_mounts(struct tick *t, struct filesystem_state *s, struct err *err)
{
    struct span text, line;
    enum status st = read_table(t, s, &text, err);
    if (st)
        return st;
    drop_mounts(s);
    size_t max = MIN(count_lines(text), MOUNTS_MAX);
    s->mounts = ARENA_ARRAY(&s->arena, struct mount, max);
    while (s->n < max && span_line(&text, &line)) {
        struct mount_line m;
        char where[MOUNT_PATH_MAX];
        if (!parse_mount_line(line, &m)) {
            tick_odd(t, s->table_path, line);
            continue;
        }
        size_t len = mount_unescape(m.mountpoint, where, sizeof where);
        if (!mount_excluded(span_from(where, len)) && !fstype_excluded(m.fstype))
            add_mount(t, s, &m);
    }
    if (t->c->namespaces.elsewhere)
        find_hidden(t, s);
    return OK;
}

static void emit_mount(struct tick *t, const struct mount *m, const struct statvfs *v)
{
    double unit = (double)v->f_frsize;
    const double values[] = {
        [SIZE] = (double)v->f_blocks * unit,
        [FREE] = (double)v->f_bfree * unit,
        [AVAIL] = (double)v->f_bavail * unit,
        [FILES] = (double)v->f_files,
        [FILES_FREE] = (double)v->f_ffree,
        [READONLY] = m->readonly,
        [DEVICE_ERROR] = 0,
    };
    for (size_t i = 0; i < COUNT(values); i++)
        emit_values(t, &filesystem_metrics[i], m->labels, 3, values[i]);
}

static void emit_error(struct tick *t, const struct mount *m)
{
    emit_values(t, &filesystem_metrics[READONLY], m->labels, 3, m->readonly);
    emit_values(t, &filesystem_metrics[DEVICE_ERROR], m->labels, 3, 1);
}

static void collect_mount(struct tick *t, struct mount *m)
{
    struct statvfs v;
    if (m->hidden)
        return;
    if (m->direct) {
        if (statvfs(m->path, &v) == 0)
            emit_mount(t, m, &v);
        else
            emit_error(t, m);
        return;
    }
    switch (guard_ask(&m->guard, m->path, tick_mono_ms(t), &v)) {
    case GUARD_ANSWERED:
        emit_mount(t, m, &v);
        break;
    case GUARD_FAILED:
        emit_error(t, m);
        break;
    case GUARD_WAITING:
        break;
    }
}

/* ---- a recorded machine ---- */

static bool parse_recorded(struct span line, struct span *mountpoint, struct statvfs *v)
{
    uint64_t n[6];
    if (!span_word(&line, mountpoint))
        return false;
    for (size_t i = 0; i < COUNT(n); i++)
        if (!next_u64(&line, &n[i]))
            return false;
    *v = (struct statvfs){.f_frsize = n[0],
                          .f_blocks = n[1],
                          .f_bfree = n[2],
                          .f_bavail = n[3],
                          .f_files = n[4],
                          .f_ffree = n[5]};
    return true;
}

static enum status collect_recorded(struct tick *t, struct filesystem_state *s, struct err *err)
{
    struct span text, line, mountpoint;
    enum status st = tick_read(t, &s->recorded, "statvfs", &text, err);
    while (!st && span_line(&text, &line)) {
        struct statvfs v;
        if (!parse_recorded(line, &mountpoint, &v)) {
            tick_odd(t, "statvfs", line);
            continue;
        }
        char where[MOUNT_PATH_MAX];
        mount_unescape(mountpoint, where, sizeof where);
        for (size_t i = 0; i < s->n; i++)
            if (strcmp(where, s->mounts[i].mountpoint) == 0)
                emit_mount(t, &s->mounts[i], &v);
    }
    return st;
}

static enum status filesystem_collect(struct tick *t, void *state, struct err *err)
{
    struct filesystem_state *s = state;
    if (!t->c->live || table_changed(s)) {
        enum status st = load_mounts(t, s, err);
        if (st)
            return st;
    }
    if (!t->c->live)
        return collect_recorded(t, s, err);
    for (size_t i = 0; i < s->n; i++)
        collect_mount(t, &s->mounts[i]);
    return OK;
}

static void filesystem_free(void *state)
{
    struct filesystem_state *s = state;
    drop_mounts(s);
    arena_free(&s->arena);
}

const struct collector filesystem_collector = {COLLECTOR_OF(filesystem, struct filesystem_state),
                                               .every_s = 5, .optional = true,
                                               .free = filesystem_free};
