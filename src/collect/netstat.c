/* /proc/net/netstat, snmp and snmp6: the network stack's counters. Of some 400 the ones that
 * node_exporter takes by default, and those that the tuning rules look at. */
#include "collect/collectors.h"
#include "collect/parse.h"

static const struct metric netstat_metrics[] = {
    {"node_netstat_%_%", METRIC_UNTYPED, "Statistic %%.", {0}},
};

struct netstat_state {
    struct kfile netstat, snmp, snmp6;
    struct picker pick_netstat, pick_snmp, pick_snmp6;
};

struct wanted {
    const char *group;
    const char *fields[28]; /* a '*' at the end stands for anything */
};

/* The first line of each group is what node_exporter's default filter takes. */
static const struct wanted wanted[] = {
    {"Ip",
     {"Forwarding", "InDiscards", "OutDiscards", "OutRequests", "ReasmReqds", "ReasmOKs",
      "ReasmFails"}},
    {"IpExt", {"InOctets", "OutOctets"}},
    {"Ip6", {"InOctets", "OutOctets", "ReasmReqds", "ReasmFails"}},
    {"Icmp", {"InMsgs", "OutMsgs"}},
    {"Icmp6", {"InMsgs", "OutMsgs"}},
    {"Tcp",
     {"ActiveOpens", "InSegs", "OutSegs", "OutRsts", "PassiveOpens", "RetransSegs", "CurrEstab",
      "AttemptFails", "EstabResets"}},
    {"Udp",
     {"InDatagrams", "OutDatagrams", "NoPorts", "RcvbufErrors", "SndbufErrors", "MemErrors"}},
    {"Udp6",
     {"InDatagrams", "OutDatagrams", "NoPorts", "RcvbufErrors", "SndbufErrors", "MemErrors"}},
    {"TcpExt",
     {"Listen*", "Syncookies*", "TCPSynRetrans", "TCPTimeouts",
      /* the rules' */
      "TCPReqQFull*", "TCPBacklogDrop", "TW", "TWRecycled", "TCPTimeWaitOverflow", "TCPKeepAlive",
      "TCPAbortOnTimeout", "TCPAbortOnMemory", "TCPMemoryPressures*", "PruneCalled", "RcvPruned",
      "OfoPruned", "TCPRcvQDrop", "TCPZeroWindowDrop", "TCPLostRetransmit"}},
};

static bool field_matches(const char *pattern, struct span field)
{
    size_t n = strlen(pattern);
    if (n && pattern[n - 1] == '*')
        return span_starts(field, (struct span){pattern, n - 1});
    return span_is(field, pattern);
}

bool netstat_wanted(struct span group, struct span field)
{
    if (span_is(field, "InErrors") || span_is(field, "InErrs"))
        return true;
    for (size_t i = 0; i < COUNT(wanted); i++) {
        if (!span_is(group, wanted[i].group))
            continue;
        for (size_t k = 0; k < COUNT(wanted[i].fields) && wanted[i].fields[k]; k++)
            if (field_matches(wanted[i].fields[k], field))
                return true;
    }
    return false;
}

/* Cuts "Group: rest" in two. */
static bool split_group(struct span line, struct span *group, struct span *rest)
{
    size_t colon = span_find(line, ':');
    *group = (struct span){line.at, colon};
    if (colon == line.len)
        return false;
    *rest = (struct span){line.at + colon + 1, line.len - colon - 1};
    return true;
}

bool next_stat_pair(struct span *rest, struct stat_pair *out, bool *odd)
{
    struct span line, group;
    while (span_line(rest, &line)) {
        if (!split_group(line, &out->group, &out->names)) {
            *odd = true;
            continue;
        }
        struct span after = *rest;
        if (span_line(&after, &line) && split_group(line, &group, &out->values) &&
            span_eq(group, out->group)) {
            *rest = after;
            return true;
        }
        *odd = true;
    }
    return false;
}

/* Values are signed: Tcp's MaxConn is -1. */
static bool emit_pair(struct tick *t, struct picker *picker, size_t *position,
                      const struct stat_pair *pair)
{
    struct span names = pair->names, values = pair->values, name, value;
    while (span_word(&names, &name)) {
        if (!span_word(&values, &value))
            return false;
        if (!pick(t, picker, (*position)++, pair->group, name, netstat_wanted))
            continue;
        int64_t v;
        if (!span_i64(value, &v))
            return false;
        emit2(t, &netstat_metrics[0], pair->group, name, (double)v);
    }
    return true;
}

static enum status collect_pairs(struct tick *t, struct kfile *file, struct picker *picker,
                                 const char *path, struct err *err)
{
    struct span text;
    enum status st = tick_read(t, file, path, &text, err);
    if (st)
        return st;
    struct stat_pair pair;
    bool odd = false;
    size_t position = 0;
    while (next_stat_pair(&text, &pair, &odd)) {
        if (!emit_pair(t, picker, &position, &pair))
            tick_odd(t, path, pair.group);
    }
    if (odd)
        tick_odd(t, path, SPAN("a line of names without one of values"));
    return OK;
}

bool split_snmp6_name(struct span name, struct span *group, struct span *field)
{
    size_t six = span_find(name, '6');
    if (six + 1 >= name.len)
        return false;
    *group = (struct span){name.at, six + 1};
    *field = (struct span){name.at + six + 1, name.len - six - 1};
    return true;
}

static bool snmp6_wanted(struct span group UNUSED, struct span name)
{
    struct span g, field;
    return split_snmp6_name(name, &g, &field) && netstat_wanted(g, field);
}

static enum status collect_snmp6(struct tick *t, struct netstat_state *s, struct err *err)
{
    struct span text, line;
    enum status st = tick_read(t, &s->snmp6, "proc/net/snmp6", &text, err);
    for (size_t i = 0; !st && span_line(&text, &line); i++) {
        struct span rest = line, name, group, field, value;
        int64_t v;
        if (!span_word(&rest, &name) ||
            !pick(t, &s->pick_snmp6, i, (struct span){0}, name, snmp6_wanted))
            continue;
        if (split_snmp6_name(name, &group, &field) && span_word(&rest, &value) &&
            span_i64(value, &v))
            emit2(t, &netstat_metrics[0], group, field, (double)v);
        else
            tick_odd(t, "proc/net/snmp6", line);
    }
    return st == NOT_FOUND ? OK : st; /* no IPv6 */
}

static enum status netstat_collect(struct tick *t, void *state, struct err *err)
{
    struct netstat_state *s = state;
    enum status st = collect_pairs(t, &s->netstat, &s->pick_netstat, "proc/net/netstat", err);
    if (!st)
        st = collect_pairs(t, &s->snmp, &s->pick_snmp, "proc/net/snmp", err);
    return st ? st : collect_snmp6(t, s, err);
}

const struct collector netstat_collector = {COLLECTOR_OF(netstat, struct netstat_state)};
