/* ZFS: what its caches and pools count, in /proc/spl/kstat/zfs. A file is a line of the kernel's,
 * one of titles and then a name, a type and a value in each; that of a pool's I/O is a row of names
 * above one of values. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/sysfs.h"

#include <stdio.h>

enum { POOL_IO, DATASET, POOL_STATE, STATISTICS };
enum { POOL_MAX_BYTES = 256, DATASET_MAX_BYTES = 256, KSTAT_UINT64 = 4, KSTAT_STRING = 7 };

#define STATISTIC(part, file)                                                                      \
    {                                                                                              \
        "node_zfs_" part "_%", METRIC_UNTYPED, "kstat.zfs.misc." file ".%",                        \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct metric zfs_metrics[] = {
    [POOL_IO] = {"node_zfs_zpool_%", METRIC_UNTYPED, "kstat.zfs.misc.io.%", {"zpool"}},
    [DATASET] = {"node_zfs_zpool_dataset_%",
                 METRIC_UNTYPED,
                 "kstat.zfs.misc.objset.%",
                 {"dataset", "zpool"}},
    [POOL_STATE] = {"node_zfs_zpool_state",
                    METRIC_GAUGE,
                    "kstat.zfs.misc.state",
                    {"state", "zpool"}},
    [STATISTICS] = STATISTIC("arc", "arcstats"),
    STATISTIC("abd", "abdstats"),
    STATISTIC("dmu_tx", "dmu_tx"),
    STATISTIC("dnode", "dnodestats"),
    STATISTIC("fm", "fm"),
    STATISTIC("vdev_cache", "vdev_cache_stats"),
    STATISTIC("vdev_mirror", "vdev_mirror_stats"),
    STATISTIC("xuio", "xuio_stats"),
    STATISTIC("zfetch", "zfetchstats"),
    STATISTIC("zil", "zil"),
};

/* Files of all pools together, in the order of their metrics. */
static const char *const statistics[] = {
    "arcstats",         "abdstats",          "dmu_tx",     "dnodestats",  "fm",
    "vdev_cache_stats", "vdev_mirror_stats", "xuio_stats", "zfetchstats", "zil"};

struct zfs_state {
    struct kfile files[COUNT(statistics)];
    char pool[POOL_MAX_BYTES], dataset[DATASET_MAX_BYTES]; /* that are being read */
};

bool parse_kstat_row(struct span line, struct kstat_row *out)
{
    if (!span_word(&line, &out->name) || !next_u64(&line, &out->type))
        return false;
    out->text = span_trim(line);
    out->v = 0;
    return out->type != KSTAT_UINT64 || span_u64(out->text, &out->v);
}

/* The rows begin after two lines. */
static bool skip_head(struct span *text)
{
    struct span line;
    return span_line(text, &line) && span_line(text, &line);
}

static enum status collect_statistics(struct tick *t, struct zfs_state *s, size_t i,
                                      struct err *err)
{
    char path[SYSFS_PATH_MAX];
    struct span text, line;
    snprintf(path, sizeof path, "proc/spl/kstat/zfs/%s", statistics[i]);
    enum status st = tick_read(t, &s->files[i], path, &text, err);
    if (st)
        return st;
    skip_head(&text);
    while (span_line(&text, &line)) {
        struct kstat_row row;
        if (!parse_kstat_row(line, &row))
            tick_odd(t, path, line);
        else if (row.type == KSTAT_UINT64)
            emit1(t, &zfs_metrics[STATISTICS + i], row.name, (double)row.v);
    }
    return OK;
}

/* A dataset's name is the first of its rows. */
static void put_dataset(struct tick *t, const char *path, const char *number UNUSED)
{
    struct zfs_state *s = t->a->state;
    struct span text, line;
    struct kstat_row row;
    if (tick_read_once(t, path, &text, NULL) || !skip_head(&text))
        return;
    s->dataset[0] = 0;
    while (span_line(&text, &line)) {
        if (!parse_kstat_row(line, &row))
            tick_odd(t, path, line);
        else if (row.type == KSTAT_STRING && span_is(row.name, "dataset_name"))
            snprintf(s->dataset, sizeof s->dataset, "%.*s", SPAN_ARG(row.text));
        else if (row.type == KSTAT_UINT64 && s->dataset[0])
            emit_values(t, &zfs_metrics[DATASET],
                        (struct span[]){row.name, span_of(s->dataset), span_of(s->pool)}, 3,
                        (double)row.v);
    }
}

static void put_io(struct tick *t, const char *path, struct span text)
{
    struct span names, values, name;
    uint64_t v;
    if (!span_line(&text, &names) || !span_line(&text, &names) || !span_line(&text, &values))
        return;
    while (span_word(&names, &name)) {
        if (!next_u64(&values, &v)) {
            tick_odd(t, path, name);
            return;
        }
        emit2(t, &zfs_metrics[POOL_IO], name, span_of(((struct zfs_state *)t->a->state)->pool),
              (double)v);
    }
}

static void put_state(struct tick *t, struct span pool, struct span now)
{
    static const char *const states[] = {"online",  "degraded", "faulted",
                                         "offline", "removed",  "unavail"};
    for (size_t i = 0; i < COUNT(states); i++)
        emit2(t, &zfs_metrics[POOL_STATE], span_of(states[i]), pool,
              span_eq_nocase(now, span_of(states[i])));
}

/* A folder is a pool. */
static void put_pool(struct tick *t, const char *path, const char *pool)
{
    struct zfs_state *s = t->a->state;
    struct span text;
    bool is_pool = false;
    snprintf(s->pool, sizeof s->pool, "%s", pool);
    if (sysfs_read(t, path, "io", &text)) { /* until OpenZFS 2.1 */
        put_io(t, path, text);
        is_pool = true;
    }
    if (sysfs_read(t, path, "state", &text)) {
        put_state(t, span_of(s->pool), text);
        is_pool = true;
    }
    if (is_pool)
        sysfs_each(t, path, "objset-", put_dataset);
}

static enum status zfs_collect(struct tick *t, void *state, struct err *err)
{
    enum status st = collect_statistics(t, state, 0, err);
    if (st)
        return st; /* no ZFS */
    for (size_t i = 1; i < COUNT(statistics) && !st; i++) {
        st = collect_statistics(t, state, i, err);
        if (st == NOT_FOUND) /* not every version has all */
            st = OK;
    }
    sysfs_each(t, "proc/spl/kstat/zfs", "", put_pool);
    return st;
}

const struct collector zfs_collector = {COLLECTOR_OF(zfs, struct zfs_state), .every_s = 15,
                                        .optional = true};
