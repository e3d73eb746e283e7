/* NFS, as a client and as a server: /proc/net/rpc/nfs and nfsd. A line is a name and its numbers;
 * "procN" has their count first, then how often each procedure of NFS version N was called. */
#include "collect/collectors.h"
#include "collect/parse.h"

enum { NET, CONNECTIONS, RPCS, RETRANSMISSIONS, REFRESHES, REQUESTS };

static const struct metric nfs_metrics[] = {
    [NET] = {"node_nfs_packets_total",
             METRIC_COUNTER,
             "Total NFSd network packets (sent+received) by protocol type.",
             {"protocol"}},
    [CONNECTIONS] = {"node_nfs_connections_total",
                     METRIC_COUNTER,
                     "Total number of NFSd TCP connections.",
                     {0}},
    [RPCS] = {"node_nfs_rpcs_total", METRIC_COUNTER, "Total number of RPCs performed.", {0}},
    [RETRANSMISSIONS] = {"node_nfs_rpc_retransmissions_total",
                         METRIC_COUNTER,
                         "Number of RPC transmissions performed.",
                         {0}},
    [REFRESHES] = {"node_nfs_rpc_authentication_refreshes_total",
                   METRIC_COUNTER,
                   "Number of RPC authentication refreshes performed.",
                   {0}},
    [REQUESTS] = {"node_nfs_requests_total",
                  METRIC_COUNTER,
                  "Number of NFS procedures invoked.",
                  {"method", "proto"}},
};

enum {
    CACHE_HITS,
    CACHE_MISSES,
    NOCACHE,
    STALE,
    READ,
    WRITTEN,
    THREADS,
    RA_SIZE,
    RA_MISSED,
    D_NET,
    D_CONNECTIONS,
    D_RPCS,
    D_ERRORS,
    D_REQUESTS
};

static const struct metric nfsd_metrics[] = {
    [CACHE_HITS] = {"node_nfsd_reply_cache_hits_total",
                    METRIC_COUNTER,
                    "Total number of NFSd Reply Cache hits (client lost server response).",
                    {0}},
    [CACHE_MISSES] =
        {"node_nfsd_reply_cache_misses_total",
         METRIC_COUNTER,
         "Total number of NFSd Reply Cache an operation that requires caching (idempotent).",
         {0}},
    [NOCACHE] = {"node_nfsd_reply_cache_nocache_total",
                 METRIC_COUNTER,
                 "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…).",
                 {0}},
    [STALE] = {"node_nfsd_file_handles_stale_total",
               METRIC_COUNTER,
               "Total number of NFSd stale file handles",
               {0}},
    [READ] = {"node_nfsd_disk_bytes_read_total", METRIC_COUNTER, "Total NFSd bytes read.", {0}},
    [WRITTEN] = {"node_nfsd_disk_bytes_written_total",
                 METRIC_COUNTER,
                 "Total NFSd bytes written.",
                 {0}},
    [THREADS] = {"node_nfsd_server_threads",
                 METRIC_GAUGE,
                 "Total number of NFSd kernel threads that are running.",
                 {0}},
    [RA_SIZE] = {"node_nfsd_read_ahead_cache_size_blocks",
                 METRIC_GAUGE,
                 "How large the read ahead cache is in blocks.",
                 {0}},
    [RA_MISSED] = {"node_nfsd_read_ahead_cache_not_found_total",
                   METRIC_COUNTER,
                   "Total number of NFSd read ahead cache not found.",
                   {0}},
    [D_NET] = {"node_nfsd_packets_total",
               METRIC_COUNTER,
               "Total NFSd network packets (sent+received) by protocol type.",
               {"proto"}},
    [D_CONNECTIONS] = {"node_nfsd_connections_total",
                       METRIC_COUNTER,
                       "Total number of NFSd TCP connections.",
                       {0}},
    [D_RPCS] = {"node_nfsd_server_rpcs_total", METRIC_COUNTER, "Total number of NFSd RPCs.", {0}},
    [D_ERRORS] = {"node_nfsd_rpc_errors_total",
                  METRIC_COUNTER,
                  "Total number of NFSd RPC errors by error type.",
                  {"error"}},
    [D_REQUESTS] = {"node_nfsd_requests_total",
                    METRIC_COUNTER,
                    "Total number NFSd Requests by method and protocol.",
                    {"method", "proto"}},
};

/* In the order of the kernel's tables (nfs2xdr.c, nfs3xdr.c, nfs4xdr.c; of the server the
 * operations of nfs4.h). NULL: not told. */
static const char *const procedures2[] = {
    "Null",   "GetAttr", "SetAttr", "Root", "Lookup",  "ReadLink", "Read",  "WrCache", "Write",
    "Create", "Remove",  "Rename",  "Link", "SymLink", "MkDir",    "RmDir", "ReadDir", "FsStat"};
static const char *const procedures3[] = {
    "Null",    "GetAttr",     "SetAttr", "Lookup", "Access",   "ReadLink", "Read",   "Write",
    "Create",  "MkDir",       "SymLink", "MkNod",  "Remove",   "RmDir",    "Rename", "Link",
    "ReadDir", "ReadDirPlus", "FsStat",  "FsInfo", "PathConf", "Commit"};
static const char *const procedures4[] = {"Null",
                                          "Read",
                                          "Write",
                                          "Commit",
                                          "Open",
                                          "OpenConfirm",
                                          "OpenNoattr",
                                          "OpenDowngrade",
                                          "Close",
                                          "Setattr",
                                          "FsInfo",
                                          "Renew",
                                          "SetClientID",
                                          "SetClientIDConfirm",
                                          "Lock",
                                          "Lockt",
                                          "Locku",
                                          "Access",
                                          "Getattr",
                                          "Lookup",
                                          "LookupRoot",
                                          "Remove",
                                          "Rename",
                                          "Link",
                                          "Symlink",
                                          "Create",
                                          "Pathconf",
                                          "StatFs",
                                          "ReadLink",
                                          "ReadDir",
                                          "ServerCaps",
                                          "DelegReturn",
                                          "GetACL",
                                          "SetACL",
                                          "FsLocations",
                                          "ReleaseLockowner",
                                          "Secinfo",
                                          "FsidPresent",
                                          "ExchangeID",
                                          "CreateSession",
                                          "DestroySession",
                                          "Sequence",
                                          "GetLeaseTime",
                                          "ReclaimComplete",
                                          "LayoutGet",
                                          "GetDeviceInfo",
                                          "LayoutCommit",
                                          "LayoutReturn",
                                          "SecinfoNoName",
                                          "TestStateID",
                                          "FreeStateID",
                                          "GetDeviceList",
                                          "BindConnToSession",
                                          "DestroyClientID",
                                          "Seek",
                                          "Allocate",
                                          "DeAllocate",
                                          "LayoutStats",
                                          "Clone"};
static const char *const operations4[] = {
    NULL,         NULL,          NULL,          "Access",    "Close",  "Commit",   "Create",
    "DelegPurge", "DelegReturn", "GetAttr",     "GetFH",     "Link",   "Lock",     "Lockt",
    "Locku",      "Lookup",      "LookupRoot",  "Nverify",   "Open",   "OpenAttr", "OpenConfirm",
    "OpenDgrd",   "PutFH",       NULL,          NULL,        "Read",   "ReadDir",  "ReadLink",
    "Remove",     "Rename",      "Renew",       "RestoreFH", "SaveFH", "SecInfo",  "SetAttr",
    "Verify",     "Write",       "RelLockOwner"};

/* Which line has which procedures. */
struct rpc_table {
    const char *line;
    struct span version;
    const char *const *names;
    size_t n;
    bool null; /* the first, that does nothing, is told */
};

static const struct rpc_table client_tables[] = {
    {"proc2", {"2", 1}, procedures2, COUNT(procedures2), true},
    {"proc3", {"3", 1}, procedures3, COUNT(procedures3), true},
    {"proc4", {"4", 1}, procedures4, COUNT(procedures4), true},
};
static const struct rpc_table server_tables[] = {
    {"proc2", {"2", 1}, procedures2, COUNT(procedures2), false},
    {"proc3", {"3", 1}, procedures3, COUNT(procedures3), false},
    {"proc4ops", {"4", 1}, operations4, COUNT(operations4), false},
};

/* A number of a line by its place. */
struct rpc_number {
    const char *line;
    size_t place;
    int metric;
    const char *label; /* NULL: none */
};

static const struct rpc_number client_numbers[] = {
    {"net", 1, NET, "udp"},
    {"net", 2, NET, "tcp"},
    {"net", 3, CONNECTIONS, NULL},
    {"rpc", 0, RPCS, NULL},
    {"rpc", 1, RETRANSMISSIONS, NULL},
    {"rpc", 2, REFRESHES, NULL},
};
static const struct rpc_number server_numbers[] = {
    {"rc", 0, CACHE_HITS, NULL},  {"rc", 1, CACHE_MISSES, NULL}, {"rc", 2, NOCACHE, NULL},
    {"fh", 0, STALE, NULL},       {"io", 0, READ, NULL},         {"io", 1, WRITTEN, NULL},
    {"th", 0, THREADS, NULL},     {"ra", 0, RA_SIZE, NULL},      {"ra", 11, RA_MISSED, NULL},
    {"net", 1, D_NET, "udp"},     {"net", 2, D_NET, "tcp"},      {"net", 3, D_CONNECTIONS, NULL},
    {"rpc", 0, D_RPCS, NULL},     {"rpc", 2, D_ERRORS, "fmt"},   {"rpc", 3, D_ERRORS, "auth"},
    {"rpc", 4, D_ERRORS, "cInt"},
};

bool parse_rpc_line(struct span line, struct rpc_line *out)
{
    struct span word;
    uint64_t count;
    *out = (struct rpc_line){.n = 0};
    if (!span_word(&line, &out->name))
        return false;
    bool counted = span_starts(out->name, SPAN("proc"));
    if (counted && !next_u64(&line, &count))
        return false;
    while (out->n < RPC_NUMBERS_MAX && span_word(&line, &word)) {
        if (!span_u64(word, &out->v[out->n])) {
            /* "th" ends in how busy the threads were, with fractions, and always zero since
             * Linux 2.6.30 */
            if (out->n == 0 || !span_is(out->name, "th"))
                return false;
            break;
        }
        out->n++;
    }
    return out->n > 0 && (!counted || out->n == MIN(count, RPC_NUMBERS_MAX));
}

/* What both files have. */
struct rpc_file {
    const char *path;
    const struct metric *metrics;
    const struct rpc_number *numbers;
    size_t n_numbers;
    const struct rpc_table *tables;
    size_t n_tables;
    int requests;
};

static void put_requests(struct tick *t, const struct metric *m, const struct rpc_table *table,
                         const struct rpc_line *line)
{
    for (size_t i = table->null ? 0 : 1; i < MIN(table->n, line->n); i++)
        if (table->names[i])
            emit2(t, m, span_of(table->names[i]), table->version, (double)line->v[i]);
}

static void put_line(struct tick *t, const struct rpc_file *file, const struct rpc_line *line)
{
    for (size_t i = 0; i < file->n_numbers; i++) {
        const struct rpc_number *n = &file->numbers[i];
        if (n->place >= line->n || !span_is(line->name, n->line))
            continue;
        if (n->label)
            emit1(t, &file->metrics[n->metric], span_of(n->label), (double)line->v[n->place]);
        else
            emit(t, &file->metrics[n->metric], (double)line->v[n->place]);
    }
    for (size_t i = 0; i < file->n_tables; i++)
        if (span_is(line->name, file->tables[i].line))
            put_requests(t, &file->metrics[file->requests], &file->tables[i], line);
}

static enum status collect_rpc(struct tick *t, struct kfile *f, const struct rpc_file *file,
                               struct err *err)
{
    struct span text, line;
    enum status st = tick_read(t, f, file->path, &text, err);
    while (!st && span_line(&text, &line)) {
        struct rpc_line row;
        if (parse_rpc_line(line, &row))
            put_line(t, file, &row);
        else
            tick_odd(t, file->path, line);
    }
    return st;
}

static enum status nfs_collect(struct tick *t, void *state, struct err *err)
{
    static const struct rpc_file file = {
        "proc/net/rpc/nfs", nfs_metrics,          client_numbers, COUNT(client_numbers),
        client_tables,      COUNT(client_tables), REQUESTS};
    return collect_rpc(t, state, &file, err);
}

const struct collector nfs_collector = {COLLECTOR_OF(nfs, struct kfile), .every_s = 15,
                                        .optional = true};

static enum status nfsd_collect(struct tick *t, void *state, struct err *err)
{
    static const struct rpc_file file = {
        "proc/net/rpc/nfsd", nfsd_metrics,         server_numbers, COUNT(server_numbers),
        server_tables,       COUNT(server_tables), D_REQUESTS};
    return collect_rpc(t, state, &file, err);
}

const struct collector nfsd_collector = {COLLECTOR_OF(nfsd, struct kfile), .every_s = 15,
                                         .optional = true};
