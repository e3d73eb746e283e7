/* /proc/meminfo, every line, and the state of transparent huge pages. */
#include "collect/collectors.h"
#include "collect/parse.h"

enum { BYTES, NUMBER };

static const struct metric meminfo_metrics[] = {
    [BYTES] = {"node_memory_%_bytes", METRIC_GAUGE, "Memory information field %_bytes.", {0}},
    [NUMBER] = {"node_memory_%", METRIC_GAUGE, "Memory information field %.", {0}},
};

bool parse_meminfo_line(struct span line, struct meminfo_line *out)
{
    struct span word;
    size_t colon = span_find(line, ':');
    if (colon == 0 || colon == line.len)
        return false;
    out->name = (struct span){line.at, colon};
    line = (struct span){line.at + colon + 1, line.len - colon - 1};
    if (!next_u64(&line, &out->value))
        return false;
    out->bytes = span_word(&line, &word);
    if (!out->bytes)
        return true;
    return span_is(word, "kB") && !__builtin_mul_overflow(out->value, 1024u, &out->value);
}

/* MemAvailable is missing before Linux 3.14; free + cached would overstate it, so it stays
 * missing. */
static enum status meminfo_collect(struct tick *t, void *state, struct err *err)
{
    struct span text, line;
    enum status st = tick_read(t, state, "proc/meminfo", &text, err);
    if (st)
        return st;
    while (span_line(&text, &line)) {
        struct meminfo_line m;
        if (parse_meminfo_line(line, &m))
            emit1(t, &meminfo_metrics[m.bytes ? BYTES : NUMBER], m.name, (double)m.value);
        else
            tick_odd(t, "proc/meminfo", line);
    }
    return OK;
}

const struct collector meminfo_collector = {COLLECTOR_OF(meminfo, struct kfile)};

static const struct metric thp_metrics[] = {
    {"galen_transparent_hugepage",
     METRIC_GAUGE,
     "1 for the mode in force of transparent huge pages, 0 for the others.",
     {"mode"}},
};

bool parse_choice(struct span text, struct span *chosen)
{
    size_t open = span_find(text, '['), end = span_find(text, ']');
    if (end == text.len || open + 1 >= end)
        return false;
    *chosen = (struct span){text.at + open + 1, end - open - 1};
    return true;
}

static enum status thp_collect(struct tick *t, void *state, struct err *err)
{
    static const struct span modes[] = {{"always", 6}, {"madvise", 7}, {"never", 5}};
    static const char path[] = "sys/kernel/mm/transparent_hugepage/enabled";
    struct span text, chosen;
    enum status st = tick_read_small(t, state, path, &text, err);
    if (st)
        return st;
    if (!parse_choice(text, &chosen))
        return err_set(err, INVALID, "%s is not understood", path);
    for (size_t i = 0; i < COUNT(modes); i++)
        emit1(t, &thp_metrics[0], modes[i], span_eq(chosen, modes[i]));
    return OK;
}

const struct collector thp_collector = {COLLECTOR_OF(thp, struct kfile), .every_s = 60,
                                        .optional = true};
