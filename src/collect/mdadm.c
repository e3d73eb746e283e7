/* Software RAID: /proc/mdstat. An array is a line of its name, state, level and members, one of its
 * size and how many members it wants and has, and while it is rebuilt or checked one of how far. */
#include "collect/collectors.h"
#include "collect/parse.h"

enum { BLOCKS, SYNCED, DISKS, REQUIRED, STATE };

static const struct metric mdadm_metrics[] = {
    [BLOCKS] = {"node_md_blocks", METRIC_GAUGE, "Total number of blocks on device.", {"device"}},
    [SYNCED] = {"node_md_blocks_synced",
                METRIC_GAUGE,
                "Number of blocks synced on device.",
                {"device"}},
    [DISKS] = {"node_md_disks",
               METRIC_GAUGE,
               "Number of active/failed/spare disks of device.",
               {"device", "state"}},
    [REQUIRED] = {"node_md_disks_required",
                  METRIC_GAUGE,
                  "Total number of disks of device.",
                  {"device"}},
    [STATE] = {"node_md_state",
               METRIC_GAUGE,
               "Indicates the state of md-device.",
               {"device", "state"}},
};

static bool has(struct span s, struct span part)
{
    for (; s.len >= part.len; s.at++, s.len--)
        if (span_starts(s, part))
            return true;
    return false;
}

/* "sda1[0]", "sdb1[1](F)", "sdc1[2](S)" */
static void count_member(struct span word, struct md_array *out)
{
    if (span_ends(word, SPAN("(F)")))
        out->failed++;
    else if (span_ends(word, SPAN("(S)")))
        out->spare++;
    else if (span_find(word, '[') < word.len)
        out->members++;
}

/* "md0 : active (auto-read-only) raid1 sdi1[0] sdj1[1]" */
static bool parse_head(struct span line, struct md_array *out)
{
    struct span word;
    *out = (struct md_array){.state = {"active", 6}};
    if (!span_word(&line, &out->name) || !span_word(&line, &word) || !span_is(word, ":") ||
        !span_word(&line, &word) || (!span_is(word, "active") && !span_is(word, "inactive")))
        return false;
    out->inactive = span_is(word, "inactive");
    while (span_word(&line, &word)) {
        out->plain = out->plain || span_is(word, "raid0") || span_is(word, "linear");
        count_member(word, out);
    }
    return true;
}

/* "248896 blocks super 1.2 [2/1] [U_]"; without redundancy there are no brackets. */
static bool parse_size(struct span line, struct md_array *out)
{
    struct span word, number;
    uint64_t active;
    if (!next_u64(&line, &out->blocks) || !span_word(&line, &word) || !span_is(word, "blocks"))
        return false;
    out->synced = out->blocks;
    if (out->inactive)
        return true;
    out->active = out->required = out->members;
    while (!out->plain && span_word(&line, &word)) {
        if (!span_starts(word, SPAN("[")) || span_find(word, '/') == word.len)
            continue;
        word = span_from(word.at + 1, word.len - 1);
        if (!span_next(&word, '/', &number) || !span_u64(number, &out->required) ||
            !span_next(&word, ']', &number) || !span_u64(number, &active))
            return false;
        out->active = active;
    }
    return true;
}

/* "[=>....]  recovery =  8.5% (16775552/195310144) finish=..." or "resync=DELAYED" */
static bool parse_progress(struct span line, struct md_array *out)
{
    static const struct {
        struct span word, state;
    } kinds[] = {{{"recovery", 8}, {"recovering", 10}},
                 {{"resync", 6}, {"resync", 6}},
                 {{"check", 5}, {"check", 5}},
                 {{"reshape", 7}, {"active", 6}}};
    struct span part;
    size_t kind = 0;
    while (kind < COUNT(kinds) && !has(line, kinds[kind].word))
        kind++;
    if (kind == COUNT(kinds))
        return true; /* a bitmap, say */
    out->state = kinds[kind].state;
    out->synced = 0;
    size_t open = span_find(line, '(');
    if (open == line.len)
        return has(line, SPAN("=DELAYED")) || has(line, SPAN("=PENDING")) ||
               has(line, SPAN("=REMOTE"));
    line = span_from(line.at + open + 1, line.len - open - 1);
    return span_next(&line, '/', &part) && span_u64(part, &out->synced);
}

static bool is_of_array(struct span line)
{
    return line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t');
}

bool next_md_array(struct span *rest, struct md_array *out, bool *odd)
{
    struct span line, after;
    while (span_line(rest, &line)) {
        if (is_of_array(line) || span_starts(line, SPAN("Personalities")) ||
            span_starts(line, SPAN("unused")) || span_trim(line).len == 0)
            continue;
        bool good = parse_head(line, out), sized = false;
        for (after = *rest; span_line(&after, &line) && is_of_array(line); *rest = after) {
            good = good && (sized ? parse_progress(line, out) : parse_size(line, out));
            sized = true;
        }
        good = good && sized;
        if (good && out->inactive)
            out->state = SPAN("inactive");
        if (good)
            return true;
        *odd = true;
    }
    return false;
}

static void put_array(struct tick *t, const struct md_array *a)
{
    static const struct span states[] = {
        {"active", 6}, {"inactive", 8}, {"recovering", 10}, {"resync", 6}, {"check", 5}};
    emit1(t, &mdadm_metrics[BLOCKS], a->name, (double)a->blocks);
    emit1(t, &mdadm_metrics[SYNCED], a->name, (double)a->synced);
    emit1(t, &mdadm_metrics[REQUIRED], a->name, (double)a->required);
    emit2(t, &mdadm_metrics[DISKS], a->name, SPAN("active"), (double)a->active);
    emit2(t, &mdadm_metrics[DISKS], a->name, SPAN("failed"), (double)a->failed);
    emit2(t, &mdadm_metrics[DISKS], a->name, SPAN("spare"), (double)a->spare);
    for (size_t i = 0; i < COUNT(states); i++)
        emit2(t, &mdadm_metrics[STATE], a->name, states[i], span_eq(a->state, states[i]));
}

static enum status mdadm_collect(struct tick *t, void *state, struct err *err)
{
    struct span text;
    struct md_array array;
    bool odd = false;
    enum status st = tick_read(t, state, "proc/mdstat", &text, err);
    while (!st && next_md_array(&text, &array, &odd))
        put_array(t, &array);
    if (odd)
        tick_odd(t, "proc/mdstat", SPAN("an array"));
    return st;
}

const struct collector mdadm_collector = {COLLECTOR_OF(mdadm, struct kfile), .every_s = 15,
                                          .optional = true};
