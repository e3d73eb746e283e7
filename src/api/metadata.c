#include "api/metadata.h"
#include "api/metric_help.h"

#include "base/map.h"

#include <pthread.h>

/* What the server itself adds to a host's series (docs/METRICS.md). */
static const struct metric_help own[] = {
    {"galen_recommendation", "gauge", "The class that is advised for the host, 0 to 3."},
    {"galen_recommendation_probability", "gauge", "The classifier's probability of a class."},
    {"galen_finding", "gauge", "1 while a rule finds something to change on the host."},
    {"galen_service_state", "gauge", "1 for the state that a service is in."},
    {"galen_service_check_ok", "gauge", "1 when the check of a service passed."},
    {"ALERTS", "gauge", "1 while an alert is pending or firing."},
    {"ALERTS_FOR_STATE", "gauge", "When an alert began, in seconds since 1970."},
    {"up", "gauge", "1 when the target could be read."},
};

struct told {
    char *text; /* name, help, unit, one after the other */
    size_t name_len, help_len, unit_len;
    const char *type;
};

struct metadata {
    pthread_mutex_t lock;
    struct map by_name; /* struct told */
};

struct metadata *metadata_open(void)
{
    struct metadata *m = mem_zero(1, sizeof *m);
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

static void told_free(struct told *t)
{
    if (t)
        free(t->text);
    free(t);
}

void metadata_close(struct metadata *m)
{
    if (!m)
        return;
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&m->by_name, &at));)
        told_free(slot->value);
    map_free(&m->by_name);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* Not in the middle of a character. */
static struct span cut_text(struct span s)
{
    if (s.len <= METADATA_TEXT_MAX_BYTES)
        return s;
    s.len = METADATA_TEXT_MAX_BYTES;
    while (s.len && ((unsigned char)s.at[s.len] & 0xc0) == 0x80)
        s.len--;
    return s;
}

static bool same(const struct told *t, const struct write_metadata *w, struct span help)
{
    return t && t->type == write_metadata_type(w->type) &&
           span_eq(span_from(t->text + t->name_len, t->help_len), help) &&
           span_eq(span_from(t->text + t->name_len + t->help_len, t->unit_len), w->unit);
}

static void put(struct metadata *m, const struct write_metadata *w)
{
    struct span help = cut_text(w->help);
    if (!w->name.len || w->name.len > METADATA_TEXT_MAX_BYTES ||
        w->unit.len > METADATA_TEXT_MAX_BYTES || !utf8_valid(w->name) || !utf8_valid(help) ||
        !utf8_valid(w->unit))
        return;
    const struct told *old = map_get(&m->by_name, w->name);
    if (same(old, w, help) || (!old && m->by_name.count >= METADATA_FAMILIES_MAX))
        return;
    struct told *t = mem_zero(1, sizeof *t);
    *t = (struct told){.text = mem_alloc(w->name.len + help.len + w->unit.len),
                       .name_len = w->name.len,
                       .help_len = help.len,
                       .unit_len = w->unit.len,
                       .type = write_metadata_type(w->type)};
    struct buf text = {.at = t->text, .size = w->name.len + help.len + w->unit.len};
    buf_span(&text, w->name);
    buf_span(&text, help);
    buf_span(&text, w->unit);
    told_free(map_remove(&m->by_name, w->name)); /* the key lay in it */
    map_put(&m->by_name, span_from(t->text, t->name_len), t);
}

void metadata_take(struct metadata *m, struct span message)
{
    struct write_reader r = write_reader_of(message);
    struct write_metadata w;
    pthread_mutex_lock(&m->lock);
    while (write_metadata_next(&r, &w))
        put(m, &w);
    pthread_mutex_unlock(&m->lock);
}

/* ---- looking ---- */

static struct metadata_entry entry_of(const struct told *t, struct arena *arena)
{
    struct span text =
        arena_span(arena, span_from(t->text, t->name_len + t->help_len + t->unit_len));
    return (struct metadata_entry){
        .name = span_from(text.at, t->name_len),
        .type = span_of(t->type),
        .help = span_from(text.at + t->name_len, t->help_len),
        .unit = span_from(text.at + t->name_len + t->help_len, t->unit_len),
    };
}

enum { PARTS_MAX = 2 };

/* Whether the name is what the pattern says; parts are what stands at each '%', which takes as
 * little as it can, the last one all. */
static bool name_fits(struct span pattern, struct span name, struct span parts[PARTS_MAX])
{
    for (size_t k = 0; name.at && pattern.at; k++) {
        size_t before = span_find(pattern, '%');
        if (before == pattern.len || k == PARTS_MAX)
            return span_eq(pattern, name);
        if (!span_starts(name, span_from(pattern.at, before)))
            return false;
        pattern = span_from(pattern.at + before + 1, pattern.len - before - 1);
        name = span_from(name.at + before, name.len - before);
        struct span literal = {pattern.at, span_find(pattern, '%')};
        const char *next = NULL;
        if (literal.len == pattern.len) {
            if (name.len <= literal.len || !span_ends(name, literal))
                return false;
            next = name.at + name.len - literal.len;
        } else if (name.len && literal.at) {
            next = memmem(name.at + 1, name.len - 1, literal.at, literal.len);
        }
        if (!next)
            return false;
        parts[k] = span_from(name.at, (size_t)(next - name.at));
        name = span_from(next, name.len - parts[k].len);
    }
    return false; /* no name at all */
}

static struct span fill(struct arena *arena, struct span text, const struct span parts[PARTS_MAX])
{
    auto_buf out = {0};
    for (size_t i = 0, k = 0; i < text.len; i++) {
        if (text.at[i] == '%' && k < PARTS_MAX)
            buf_span(&out, parts[k++]);
        else
            buf_char(&out, text.at[i]);
    }
    return arena_span(arena, buf_view(&out));
}

static bool find_in(const struct metric_help *table, size_t n, struct span metric,
                    struct arena *arena, struct metadata_entry *out)
{
    for (size_t i = 0; i < n; i++) {
        struct span parts[PARTS_MAX] = {0};
        if (!name_fits(span_of(table[i].name), metric, parts))
            continue;
        struct span help = span_of(table[i].help);
        if (parts[0].len)
            help = fill(arena, help, parts);
        *out = (struct metadata_entry){metric, span_of(table[i].type), help, SPAN("")};
        return true;
    }
    return false;
}

static bool find_exactly(struct metadata *m, struct span metric, struct arena *arena,
                         struct metadata_entry *out)
{
    pthread_mutex_lock(&m->lock);
    const struct told *t = map_get(&m->by_name, metric);
    if (t)
        *out = entry_of(t, arena);
    pthread_mutex_unlock(&m->lock);
    return t || find_in(metric_help, metric_help_n, metric, arena, out) ||
           find_in(own, COUNT(own), metric, arena, out);
}

bool metadata_find(struct metadata *m, struct span metric, struct arena *arena,
                   struct metadata_entry *out)
{
    static const char *const suffixes[] = {"_bucket", "_count", "_sum"};
    if (find_exactly(m, metric, arena, out))
        return true;
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        struct span suffix = span_of(suffixes[i]);
        if (span_ends(metric, suffix) &&
            find_exactly(m, span_from(metric.at, metric.len - suffix.len), arena, out))
            return span_is(out->type, "histogram") || span_is(out->type, "summary");
    }
    return false;
}

size_t metadata_told(struct metadata *m, struct arena *arena, struct metadata_entry **out)
{
    size_t n = 0, at = 0;
    pthread_mutex_lock(&m->lock);
    *out = ARENA_ARRAY(arena, struct metadata_entry, m->by_name.count + 1);
    for (struct map_slot *slot; (slot = map_next(&m->by_name, &at));)
        (*out)[n++] = entry_of(slot->value, arena);
    pthread_mutex_unlock(&m->lock);
    return n;
}
