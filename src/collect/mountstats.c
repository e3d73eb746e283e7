/* What NFS mounts did and how long their operations took: proc/PID/mountstats. A device is a line,
 * followed by indented ones; the last of them are one for each operation. */
#include "collect/collectors.h"
#include "collect/parse.h"

#include <stdio.h>

enum { OPERATION_FIELDS = 8, BYTES_FIELDS = 8, MILLISECONDS_FROM = 5, EXPORT_MAX_BYTES = 512 };

/* The fields of an operation's line in their order, then those of "bytes:". */
static const struct metric mountstats_metrics[] = {
    {"node_mountstats_nfs_operations_requests_total",
     METRIC_COUNTER,
     "Number of requests performed for a given operation.",
     {"export", "protocol", "operation"}},
    {"node_mountstats_nfs_operations_transmissions_total",
     METRIC_COUNTER,
     "Number of times an actual RPC request has been transmitted for a given operation.",
     {"export", "protocol", "operation"}},
    {"node_mountstats_nfs_operations_major_timeouts_total",
     METRIC_COUNTER,
     "Number of times a request has had a major timeout for a given operation.",
     {"export", "protocol", "operation"}},
    {"node_mountstats_nfs_operations_sent_bytes_total",
     METRIC_COUNTER,
     "Number of bytes sent for a given operation, including RPC headers and payload.",
     {"export", "protocol", "operation"}},
    {"node_mountstats_nfs_operations_received_bytes_total",
     METRIC_COUNTER,
     "Number of bytes received for a given operation, including RPC headers and payload.",
     {"export", "protocol", "operation"}},
    {"node_mountstats_nfs_operations_queue_time_seconds_total",
     METRIC_COUNTER,
     "Duration all requests spent queued for transmission for a given operation before they were "
     "sent, in seconds.",
     {"export", "protocol", "operation"}},
    {"node_mountstats_nfs_operations_response_time_seconds_total",
     METRIC_COUNTER,
     "Duration all requests took to get a reply back after a request for a given operation was "
     "transmitted, in seconds.",
     {"export", "protocol", "operation"}},
    {"node_mountstats_nfs_operations_request_time_seconds_total",
     METRIC_COUNTER,
     "Duration all requests took from when a request was enqueued to when it was completely "
     "handled for a given operation, in seconds.",
     {"export", "protocol", "operation"}},
    {"node_mountstats_nfs_read_bytes_total",
     METRIC_COUNTER,
     "Number of bytes read using the read() syscall.",
     {"export", "protocol"}},
    {"node_mountstats_nfs_write_bytes_total",
     METRIC_COUNTER,
     "Number of bytes written using the write() syscall.",
     {"export", "protocol"}},
    {"node_mountstats_nfs_direct_read_bytes_total",
     METRIC_COUNTER,
     "Number of bytes read using the read() syscall in O_DIRECT mode.",
     {"export", "protocol"}},
    {"node_mountstats_nfs_direct_write_bytes_total",
     METRIC_COUNTER,
     "Number of bytes written using the write() syscall in O_DIRECT mode.",
     {"export", "protocol"}},
    {"node_mountstats_nfs_total_read_bytes_total",
     METRIC_COUNTER,
     "Number of bytes read from the NFS server, in total.",
     {"export", "protocol"}},
    {"node_mountstats_nfs_total_write_bytes_total",
     METRIC_COUNTER,
     "Number of bytes written to the NFS server, in total.",
     {"export", "protocol"}},
    {"node_mountstats_nfs_read_pages_total",
     METRIC_COUNTER,
     "Number of pages read directly via mmap()'d files.",
     {"export", "protocol"}},
    {"node_mountstats_nfs_write_pages_total",
     METRIC_COUNTER,
     "Number of pages written directly via mmap()'d files.",
     {"export", "protocol"}},
};

struct mountstats_state {
    struct kfile file;
    char export[EXPORT_MAX_BYTES], protocol[16];
};

bool parse_nfs_device(struct span line, struct span *export, bool *nfs)
{
    struct span word;
    if (!span_word(&line, &word) || !span_is(word, "device") || !span_word(&line, export))
        return false;
    *nfs = false;
    while (span_word(&line, &word))
        if (span_is(word, "fstype"))
            *nfs = span_word(&line, &word) && (span_is(word, "nfs") || span_is(word, "nfs4"));
    return true;
}

static void put_operation(struct tick *t, const struct mountstats_state *s,
                          const struct numbers *row)
{
    const struct span labels[] = {span_of(s->export), span_of(s->protocol), row->name};
    if (row->v[0] == 0)
        return; /* never asked for */
    for (size_t i = 0; i < OPERATION_FIELDS; i++)
        emit_values(t, &mountstats_metrics[i], labels, 3,
                    i < MILLISECONDS_FROM ? (double)row->v[i] : (double)row->v[i] / 1000);
}

static void put_bytes(struct tick *t, const struct mountstats_state *s, const struct numbers *row)
{
    for (size_t i = 0; i < MIN(row->n, (size_t)BYTES_FIELDS); i++)
        emit2(t, &mountstats_metrics[OPERATION_FIELDS + i], span_of(s->export),
              span_of(s->protocol), (double)row->v[i]);
}

/* The lines of one mount. The bytes come before the protocol is told: they are kept. */
static void put_mount(struct tick *t, struct mountstats_state *s, struct span *text)
{
    struct span line, after = *text, word;
    struct numbers row, bytes = {.n = 0};
    bool operations = false;
    for (; span_line(&after, &line) && !span_starts(line, SPAN("device ")); *text = after) {
        struct span rest = line;
        if (!span_word(&rest, &word))
            continue;
        if (span_is(word, "per-op")) {
            operations = true;
            put_bytes(t, s, &bytes);
        } else if (span_is(word, "bytes:")) {
            if (!parse_numbers(line, &bytes))
                bytes.n = 0;
        } else if (span_is(word, "xprt:") && span_word(&rest, &word)) {
            snprintf(s->protocol, sizeof s->protocol, "%.*s", SPAN_ARG(word));
        } else if (operations) {
            if (parse_numbers(line, &row) && row.n >= OPERATION_FIELDS)
                put_operation(t, s, &row);
            else
                tick_odd(t, "proc/PID/mountstats", line);
        }
    }
}

/* In a container those of process 1, which are the host's, for who may see them. */
static enum status mountstats_collect(struct tick *t, void *state, struct err *err)
{
    struct mountstats_state *s = state;
    struct span text, line, export;
    bool own = t->c->live && !t->c->namespaces.elsewhere, nfs;
    enum status st =
        tick_read(t, &s->file, own ? "proc/self/mountstats" : "proc/1/mountstats", &text, err);
    while (!st && span_line(&text, &line)) {
        if (!parse_nfs_device(line, &export, &nfs) || !nfs)
            continue;
        snprintf(s->export, sizeof s->export, "%.*s", SPAN_ARG(export));
        s->protocol[0] = 0;
        put_mount(t, s, &text);
    }
    return st;
}

const struct collector mountstats_collector = {COLLECTOR_OF(mountstats, struct mountstats_state),
                                               .every_s = 15, .optional = true};
