/* /proc/diskstats: work done by each block device. */
#include "collect/collectors.h"
#include "collect/parse.h"

#define DISK(metric_name, text)                                                                    \
    {                                                                                              \
        "node_disk_" metric_name, METRIC_COUNTER, text,                                            \
        {                                                                                          \
            "device"                                                                               \
        }                                                                                          \
    }

/* In the order of the file's columns. */
static const struct metric disk_metrics[] = {
    DISK("reads_completed_total", "The total number of reads completed successfully."),
    DISK("reads_merged_total", "The total number of reads merged."),
    DISK("read_bytes_total", "The total number of bytes read successfully."),
    DISK("read_time_seconds_total", "The total number of seconds spent by all reads."),
    DISK("writes_completed_total", "The total number of writes completed successfully."),
    DISK("writes_merged_total", "The number of writes merged."),
    DISK("written_bytes_total", "The total number of bytes written successfully."),
    DISK("write_time_seconds_total", "This is the total number of seconds spent by all writes."),
    {"node_disk_io_now", METRIC_GAUGE, "The number of I/Os currently in progress.", {"device"}},
    DISK("io_time_seconds_total", "Total seconds spent doing I/Os."),
    DISK("io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os."),
    DISK("discards_completed_total", "The total number of discards completed successfully."),
    DISK("discards_merged_total", "The total number of discards merged."),
    DISK("discarded_sectors_total", "The total number of sectors discarded successfully."),
    DISK("discard_time_seconds_total",
         "This is the total number of seconds spent by all discards."),
    DISK("flush_requests_total", "The total number of flush requests completed successfully"),
    DISK("flush_requests_time_seconds_total",
         "This is the total number of seconds spent by all flush requests."),
};
_Static_assert(COUNT(disk_metrics) == DISK_FIELDS_MAX, "one metric for each column");

enum { SECTOR_BYTES = 512 };

static double in_unit(size_t column, uint64_t v)
{
    switch (column) {
    case 2:
    case 6:
        return (double)v * SECTOR_BYTES;
    case 3:
    case 7:
    case 9:
    case 10:
    case 14:
    case 16:
        return (double)v / 1000; /* milliseconds */
    default:
        return (double)v;
    }
}

bool parse_disk_line(struct span line, struct disk_line *out)
{
    if (!next_u64(&line, &out->major) || !next_u64(&line, &out->minor) ||
        !span_word(&line, &out->device))
        return false;
    struct span word;
    for (out->n = 0; out->n < DISK_FIELDS_MAX && span_word(&line, &word); out->n++)
        if (!span_u64(word, &out->v[out->n]))
            return false;
    /* Partitions of very old kernels have four columns; they are of no use. */
    return out->n >= 11;
}

static size_t digits(struct span s)
{
    size_t n = 0;
    while (n < s.len && s.at[n] >= '0' && s.at[n] <= '9')
        n++;
    return n;
}

static struct span after(struct span s, size_t n)
{
    return (struct span){s.at + n, s.len - n};
}

static bool all_digits(struct span s)
{
    return s.len > 0 && digits(s) == s.len;
}

/* hda1, sda1, vda1, xvda1 */
static bool is_letter_partition(struct span d)
{
    size_t head = span_starts(d, SPAN("xvd"))                             ? 3
                  : d.len > 2 && d.at[1] == 'd' && strchr("hsv", d.at[0]) ? 2
                                                                          : 0;
    return head && d.len > head + 1 && d.at[head] >= 'a' && d.at[head] <= 'z' &&
           all_digits(after(d, head + 1));
}

/* nvme0n1p1 */
static bool is_nvme_partition(struct span d)
{
    if (!span_starts(d, SPAN("nvme")))
        return false;
    static const char separators[] = {'n', 'p'};
    d = after(d, 4);
    for (size_t i = 0; i < COUNT(separators); i++) {
        size_t n = digits(d);
        if (n == 0 || n == d.len || d.at[n] != separators[i])
            return false;
        d = after(d, n + 1);
    }
    return all_digits(d);
}

/* node_exporter's ^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$ */
bool disk_excluded(struct span device)
{
    static const struct span prefixes[] = {{"ram", 3}, {"loop", 4}, {"fd", 2}};
    for (size_t i = 0; i < COUNT(prefixes); i++)
        if (span_starts(device, prefixes[i]) && all_digits(after(device, prefixes[i].len)))
            return true;
    return is_letter_partition(device) || is_nvme_partition(device);
}

static enum status disk_collect(struct tick *t, void *state, struct err *err)
{
    struct span text, line;
    enum status st = tick_read(t, state, "proc/diskstats", &text, err);
    while (!st && span_line(&text, &line)) {
        struct disk_line d;
        if (!parse_disk_line(line, &d)) {
            tick_odd(t, "proc/diskstats", line);
            continue;
        }
        if (disk_excluded(d.device))
            continue;
        for (size_t i = 0; i < d.n; i++)
            emit1(t, &disk_metrics[i], d.device, in_unit(i, d.v[i]));
    }
    return st;
}

/* Containers may have no diskstats. */
const struct collector disk_collector = {COLLECTOR_OF(disk, struct kfile), .optional = true};
