/* Which disk is below a mount, so that the latency of a mount is that of its disk:
 *   rate(node_disk_read_time_seconds_total[5m]) / rate(node_disk_reads_completed_total[5m])
 *     * on (instance, device) group_right () galen_filesystem_disk
 * Network mounts have no disk; what they wait for is in mountstats.c. */
#include "collect/collectors.h"
#include "collect/parse.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { DISK_NAME_MAX = 64, LINK_MAX_BYTES = 512, MOUNTPOINT_MAX = 4096, MOUNTS_MAX = 1024 };

static const struct metric mountdisk_metrics[] = {
    {"galen_filesystem_disk",
     METRIC_GAUGE,
     "1 for the disk, as node_disk_* names it, that a mount is on; of a partition the whole disk.",
     {"mountpoint", "device"}},
};

bool disk_of_link(struct span link, bool partition, struct span *disk)
{
    struct span part, before = {0};
    *disk = (struct span){0};
    while (span_next(&link, '/', &part)) {
        before = *disk;
        *disk = part;
    }
    if (partition)
        *disk = before;
    return disk->len > 0 && !span_is(*disk, "..");
}

/* sys/dev/block/8:1 is a link to .../block/sda/sda1, which has a file "partition". */
static bool find_disk(struct tick *t, uint64_t major, uint64_t minor, char *name, size_t size)
{
    char path[DISK_NAME_MAX * 2], link[LINK_MAX_BYTES];
    struct span disk;
    snprintf(path, sizeof path, "sys/dev/block/%llu:%llu/partition", (unsigned long long)major,
             (unsigned long long)minor);
    bool partition = faccessat(t->c->root_fd, path, F_OK, 0) == 0;
    path[strlen(path) - strlen("/partition")] = 0;
    ssize_t n = readlinkat(t->c->root_fd, path, link, sizeof link);
    if (n <= 0 || !disk_of_link(span_from(link, (size_t)n), partition, &disk) || disk.len >= size)
        return false;
    memcpy(name, disk.at, disk.len);
    name[disk.len] = 0;
    return true;
}

static enum status mountdisk_collect(struct tick *t, void *state, struct err *err)
{
    struct span text, line, place;
    uint64_t major, minor;
    enum status st = tick_read(t, state, "proc/1/mountinfo", &text, err);
    for (size_t n = 0; !st && n < MOUNTS_MAX && span_line(&text, &line);) {
        char where[MOUNTPOINT_MAX], disk[DISK_NAME_MAX];
        if (!parse_mountinfo_line(line, &major, &minor, &place)) {
            tick_odd(t, "proc/1/mountinfo", line);
            continue;
        }
        size_t len = mount_unescape(place, where, sizeof where);
        if (major == 0 || mount_excluded(span_from(where, len)) ||
            !find_disk(t, major, minor, disk, sizeof disk) || disk_excluded(span_of(disk)))
            continue;
        emit2(t, &mountdisk_metrics[0], span_from(where, len), span_of(disk), 1);
        n++;
    }
    return st;
}

const struct collector mountdisk_collector = {COLLECTOR_OF(mountdisk, struct kfile), .every_s = 60,
                                              .optional = true};
