/* What btrfs says of its file systems in /sys/fs/btrfs: how much each kind of data has been given
 * and uses. The errors of its devices it tells only by an ioctl on the mount. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/sysfs.h"

#include <stdio.h>

enum { INFO, RESERVE, DEVICE_SIZE, RESERVED, USED, SIZE, RATIO };
enum { SECTOR_BYTES = 512, LABEL_MAX = 256, NAME_MAX_BYTES = 64 };

static const struct metric btrfs_metrics[] = {
    [INFO] = {"node_btrfs_info", METRIC_GAUGE, "Filesystem information", {"label", "uuid"}},
    [RESERVE] = {"node_btrfs_global_rsv_size_bytes",
                 METRIC_GAUGE,
                 "Size of global reserve.",
                 {"uuid"}},
    [DEVICE_SIZE] = {"node_btrfs_device_size_bytes",
                     METRIC_GAUGE,
                     "Size of a device that is part of the filesystem.",
                     {"device", "uuid"}},
    [RESERVED] = {"node_btrfs_reserved_bytes",
                  METRIC_GAUGE,
                  "Amount of space reserved for a data type",
                  {"block_group_type", "uuid"}},
    [USED] = {"node_btrfs_used_bytes",
              METRIC_GAUGE,
              "Amount of used space by a layout/data type",
              {"block_group_type", "mode", "uuid"}},
    [SIZE] = {"node_btrfs_size_bytes",
              METRIC_GAUGE,
              "Amount of space allocated for a layout/data type",
              {"block_group_type", "mode", "uuid"}},
    [RATIO] = {"node_btrfs_allocation_ratio",
               METRIC_GAUGE,
               "Data allocation ratio for a layout/data type",
               {"block_group_type", "mode", "uuid"}},
};

struct btrfs_state {
    char uuid[NAME_MAX_BYTES], group[NAME_MAX_BYTES]; /* that are being read */
    uint64_t devices;
};

static struct btrfs_state *state_of(struct tick *t)
{
    return t->a->state;
}

static bool number_of(struct tick *t, const char *path, const char *file, uint64_t *v)
{
    struct span text;
    return sysfs_read(t, path, file, &text) && span_u64(text, v);
}

double btrfs_ratio(struct span layout, uint64_t devices)
{
    static const struct {
        const char *layout;
        double copies;
    } plain[] = {{"single", 1}, {"raid0", 1},   {"dup", 2},    {"raid1", 2},
                 {"raid10", 2}, {"raid1c3", 3}, {"raid1c4", 4}};
    double n = (double)devices;
    for (size_t i = 0; i < COUNT(plain); i++)
        if (span_is(layout, plain[i].layout))
            return plain[i].copies;
    if (span_is(layout, "raid5") && devices > 1)
        return n / (n - 1);
    if (span_is(layout, "raid6") && devices > 2)
        return n / (n - 2);
    return 0;
}

/* path/device is a link to the block device; its size is in sectors of 512 bytes. */
static void put_device(struct tick *t, const char *path, const char *device)
{
    struct btrfs_state *s = state_of(t);
    uint64_t sectors;
    s->devices++;
    if (number_of(t, path, "size", &sectors))
        emit2(t, &btrfs_metrics[DEVICE_SIZE], span_of(device), span_of(s->uuid),
              (double)sectors * SECTOR_BYTES);
}

/* A folder of allocation/TYPE is a layout that holds some of it. */
static void put_layout(struct tick *t, const char *path, const char *layout)
{
    struct btrfs_state *s = state_of(t);
    const struct span labels[] = {span_of(s->group), span_of(layout), span_of(s->uuid)};
    uint64_t total, used;
    double ratio = btrfs_ratio(span_of(layout), s->devices);
    if (ratio == 0 || !number_of(t, path, "total_bytes", &total) ||
        !number_of(t, path, "used_bytes", &used))
        return;
    emit_values(t, &btrfs_metrics[USED], labels, 3, (double)used);
    emit_values(t, &btrfs_metrics[SIZE], labels, 3, (double)total);
    emit_values(t, &btrfs_metrics[RATIO], labels, 3, ratio);
}

static void put_group(struct tick *t, const char *path, const char *group)
{
    struct btrfs_state *s = state_of(t);
    uint64_t reserved;
    if (!number_of(t, path, "bytes_reserved", &reserved))
        return; /* a file of allocation/ itself */
    snprintf(s->group, sizeof s->group, "%s", group);
    emit2(t, &btrfs_metrics[RESERVED], span_of(s->group), span_of(s->uuid), (double)reserved);
    sysfs_each(t, path, "", put_layout);
}

static void put_filesystem(struct tick *t, const char *path, const char *uuid)
{
    struct btrfs_state *s = state_of(t);
    char below[2 * SYSFS_PATH_MAX];
    char label[LABEL_MAX] = "";
    struct span text;
    uint64_t reserve;
    if (!number_of(t, path, "allocation/global_rsv_size", &reserve))
        return; /* "features" */
    snprintf(s->uuid, sizeof s->uuid, "%s", uuid);
    s->devices = 0;
    if (sysfs_read(t, path, "label", &text))
        snprintf(label, sizeof label, "%.*s", SPAN_ARG(text));
    emit2(t, &btrfs_metrics[INFO], span_of(label), span_of(s->uuid), 1);
    emit1(t, &btrfs_metrics[RESERVE], span_of(s->uuid), (double)reserve);
    snprintf(below, sizeof below, "%s/devices", path);
    sysfs_each(t, below, "", put_device);
    snprintf(below, sizeof below, "%s/allocation", path);
    sysfs_each(t, below, "", put_group);
}

static enum status btrfs_collect(struct tick *t, void *state UNUSED, struct err *err UNUSED)
{
    sysfs_each(t, "sys/fs/btrfs", "", put_filesystem);
    return OK;
}

const struct collector btrfs_collector = {COLLECTOR_OF(btrfs, struct btrfs_state), .every_s = 60,
                                          .optional = true};
