/* What XFS counts for each of its file systems. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/sysfs.h"

static const struct metric xfs_metrics[] = {
    {"node_xfs_extent_allocation_extents_allocated_total",
     METRIC_COUNTER,
     "Number of extents allocated for a filesystem.",
     {"device"}},
    {"node_xfs_extent_allocation_blocks_allocated_total",
     METRIC_COUNTER,
     "Number of blocks allocated for a filesystem.",
     {"device"}},
    {"node_xfs_extent_allocation_extents_freed_total",
     METRIC_COUNTER,
     "Number of extents freed for a filesystem.",
     {"device"}},
    {"node_xfs_extent_allocation_blocks_freed_total",
     METRIC_COUNTER,
     "Number of blocks freed for a filesystem.",
     {"device"}},
    {"node_xfs_allocation_btree_lookups_total",
     METRIC_COUNTER,
     "Number of allocation B-tree lookups for a filesystem.",
     {"device"}},
    {"node_xfs_allocation_btree_compares_total",
     METRIC_COUNTER,
     "Number of allocation B-tree compares for a filesystem.",
     {"device"}},
    {"node_xfs_allocation_btree_records_inserted_total",
     METRIC_COUNTER,
     "Number of allocation B-tree records inserted for a filesystem.",
     {"device"}},
    {"node_xfs_allocation_btree_records_deleted_total",
     METRIC_COUNTER,
     "Number of allocation B-tree records deleted for a filesystem.",
     {"device"}},
    {"node_xfs_block_mapping_reads_total",
     METRIC_COUNTER,
     "Number of block map for read operations for a filesystem.",
     {"device"}},
    {"node_xfs_block_mapping_writes_total",
     METRIC_COUNTER,
     "Number of block map for write operations for a filesystem.",
     {"device"}},
    {"node_xfs_block_mapping_unmaps_total",
     METRIC_COUNTER,
     "Number of block unmaps (deletes) for a filesystem.",
     {"device"}},
    {"node_xfs_block_mapping_extent_list_insertions_total",
     METRIC_COUNTER,
     "Number of extent list insertions for a filesystem.",
     {"device"}},
    {"node_xfs_block_mapping_extent_list_deletions_total",
     METRIC_COUNTER,
     "Number of extent list deletions for a filesystem.",
     {"device"}},
    {"node_xfs_block_mapping_extent_list_lookups_total",
     METRIC_COUNTER,
     "Number of extent list lookups for a filesystem.",
     {"device"}},
    {"node_xfs_block_mapping_extent_list_compares_total",
     METRIC_COUNTER,
     "Number of extent list compares for a filesystem.",
     {"device"}},
    {"node_xfs_block_map_btree_lookups_total",
     METRIC_COUNTER,
     "Number of block map B-tree lookups for a filesystem.",
     {"device"}},
    {"node_xfs_block_map_btree_compares_total",
     METRIC_COUNTER,
     "Number of block map B-tree compares for a filesystem.",
     {"device"}},
    {"node_xfs_block_map_btree_records_inserted_total",
     METRIC_COUNTER,
     "Number of block map B-tree records inserted for a filesystem.",
     {"device"}},
    {"node_xfs_block_map_btree_records_deleted_total",
     METRIC_COUNTER,
     "Number of block map B-tree records deleted for a filesystem.",
     {"device"}},
    {"node_xfs_directory_operation_lookup_total",
     METRIC_COUNTER,
     "Number of file name directory lookups which miss the operating systems directory name lookup "
     "cache.",
     {"device"}},
    {"node_xfs_directory_operation_create_total",
     METRIC_COUNTER,
     "Number of times a new directory entry was created for a filesystem.",
     {"device"}},
    {"node_xfs_directory_operation_remove_total",
     METRIC_COUNTER,
     "Number of times an existing directory entry was created for a filesystem.",
     {"device"}},
    {"node_xfs_directory_operation_getdents_total",
     METRIC_COUNTER,
     "Number of times the directory getdents operation was performed for a filesystem.",
     {"device"}},
    {"node_xfs_inode_operation_attempts_total",
     METRIC_COUNTER,
     "Number of times the OS looked for an XFS inode in the inode cache.",
     {"device"}},
    {"node_xfs_inode_operation_found_total",
     METRIC_COUNTER,
     "Number of times the OS looked for and found an XFS inode in the inode cache.",
     {"device"}},
    {"node_xfs_inode_operation_recycled_total",
     METRIC_COUNTER,
     "Number of times the OS found an XFS inode in the cache, but could not use it as it was being "
     "recycled.",
     {"device"}},
    {"node_xfs_inode_operation_missed_total",
     METRIC_COUNTER,
     "Number of times the OS looked for an XFS inode in the cache, but did not find it.",
     {"device"}},
    {"node_xfs_inode_operation_duplicates_total",
     METRIC_COUNTER,
     "Number of times the OS tried to add a missing XFS inode to the inode cache, but found it had "
     "already been added by another process.",
     {"device"}},
    {"node_xfs_inode_operation_reclaims_total",
     METRIC_COUNTER,
     "Number of times the OS reclaimed an XFS inode from the inode cache to free memory for "
     "another purpose.",
     {"device"}},
    {"node_xfs_inode_operation_attribute_changes_total",
     METRIC_COUNTER,
     "Number of times the OS explicitly changed the attributes of an XFS inode.",
     {"device"}},
    {"node_xfs_write_calls_total",
     METRIC_COUNTER,
     "Number of write(2) system calls made to files in a filesystem.",
     {"device"}},
    {"node_xfs_read_calls_total",
     METRIC_COUNTER,
     "Number of read(2) system calls made to files in a filesystem.",
     {"device"}},
    {"node_xfs_vnode_active_total",
     METRIC_COUNTER,
     "Number of vnodes not on free lists for a filesystem.",
     {"device"}},
    {"node_xfs_vnode_allocate_total",
     METRIC_COUNTER,
     "Number of times vn_alloc called for a filesystem.",
     {"device"}},
    {"node_xfs_vnode_get_total",
     METRIC_COUNTER,
     "Number of times vn_get called for a filesystem.",
     {"device"}},
    {"node_xfs_vnode_hold_total",
     METRIC_COUNTER,
     "Number of times vn_hold called for a filesystem.",
     {"device"}},
    {"node_xfs_vnode_release_total",
     METRIC_COUNTER,
     "Number of times vn_rele called for a filesystem.",
     {"device"}},
    {"node_xfs_vnode_reclaim_total",
     METRIC_COUNTER,
     "Number of times vn_reclaim called for a filesystem.",
     {"device"}},
    {"node_xfs_vnode_remove_total",
     METRIC_COUNTER,
     "Number of times vn_remove called for a filesystem.",
     {"device"}},
};

/* The groups of /sys/fs/xfs/DEVICE/stats/stats that are told: where the metrics of one begin, and
 * how many of its numbers are. Others follow in newer kernels (fs/xfs/xfs_stats.c). */
static const struct {
    const char *name;
    size_t first, n;
} groups[] = {
    {"extent_alloc", 0, 4}, {"abt", 4, 4}, {"blk_map", 8, 7}, {"bmbt", 15, 4},
    {"dir", 19, 4},         {"ig", 23, 7}, {"rw", 30, 2},     {"vnodes", 32, 7},
};

static void put_group(struct tick *t, struct span device, struct span line)
{
    struct numbers row;
    if (!parse_numbers(line, &row)) {
        tick_odd(t, "sys/fs/xfs/DEVICE/stats/stats", line);
        return;
    }
    for (size_t i = 0; i < COUNT(groups); i++)
        if (span_is(row.name, groups[i].name))
            for (size_t k = 0; k < MIN(groups[i].n, row.n); k++)
                emit1(t, &xfs_metrics[groups[i].first + k], device, (double)row.v[k]);
}

static void put_device(struct tick *t, const char *path, const char *device)
{
    struct span text, line;
    if (!sysfs_read(t, path, "stats/stats", &text))
        return;
    while (span_line(&text, &line))
        put_group(t, span_of(device), line);
}

static enum status xfs_collect(struct tick *t, void *state UNUSED, struct err *err UNUSED)
{
    sysfs_each(t, "sys/fs/xfs", "", put_device);
    return OK;
}

const struct collector xfs_collector = {COLLECTOR_OF(xfs, char), .every_s = 15, .optional = true};
