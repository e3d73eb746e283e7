/* Values on their way from collectors to series: prediction by position, a map for what was
 * mispredicted, and the encoding of labels, once for each series. */
#include "collect/tick.h"

#include "base/log.h"
#include "series/remote_write.h"

#include <stdlib.h>

enum {
    VALUES_MAX = METRIC_LABELS_MAX + 2,
    KEY_HEAD_BYTES = sizeof(uintptr_t), /* of the map's keys: the metric's address */
};

static bool series_is(const struct series *s, const struct metric *m, const struct span *values,
                      size_t n)
{
    if (s->metric != m)
        return false;
    const char *at = s->key.at, *end = at + s->key.len;
    for (size_t i = 0; i < n; i++) {
        size_t len = values[i].len;
        if ((size_t)(end - at) <= len || at[len] || !span_eq((struct span){at, len}, values[i]))
            return false;
        at += len + 1;
    }
    return at == end;
}

/* "Active(anon)" becomes "Active_anon": what a name cannot have is an underscore, a closing
 * bracket nothing. */
static void put_name_part(struct buf *out, struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c != ')')
            buf_char(out, fine ? c : '_');
    }
}

/* Replaces each '%' by the next value; returns how many were used. */
static size_t put_pattern(struct buf *out, const char *pattern, const struct span *values, size_t n)
{
    size_t used = 0;
    for (const char *at = pattern; *at; at++) {
        if (*at == '%' && used < n)
            put_name_part(out, values[used++]);
        else
            buf_char(out, *at);
    }
    return used;
}

static void encode_labels(struct collect *c, const struct metric *m, const struct span *values,
                          size_t n, struct buf *raw)
{
    auto_buf name = {0};
    size_t i = put_pattern(&name, m->name, values, n);
    struct label_builder b = {.n = 0};
    label_set(&b, SPAN(LABEL_NAME), buf_view(&name));
    label_set(&b, SPAN("instance"), span_of(c->instance));
    label_set(&b, SPAN("job"), SPAN("node"));
    for (size_t l = 0; i < n && m->labels[l]; l++, i++) {
        if (utf8_valid(values[i]) && values[i].len <= LABEL_VALUE_MAX_BYTES)
            label_set(&b, span_of(m->labels[l]), values[i]);
    }
    write_labels_raw(raw, label_builder_end(&b));
}

static struct series *series_new(struct tick *t, const struct metric *m, const struct span *values,
                                 size_t n, struct span key)
{
    struct collect *c = t->c;
    if (c->n_series >= SERIES_MAX) {
        if (c->left_out++ == 0)
            log_warn("collector %s: this machine has more than %d series, the others are left out",
                     t->a->collector->name, SERIES_MAX);
        return NULL;
    }
    auto_buf raw = {0};
    encode_labels(c, m, values, n, &raw);
    struct series *s = mem_alloc(sizeof *s + key.len + raw.len);
    *s = (struct series){.metric = m,
                         .id = ++c->last_id,
                         .key = {s->bytes + KEY_HEAD_BYTES, key.len - KEY_HEAD_BYTES},
                         .raw = {s->bytes + key.len, raw.len}};
    memcpy(s->bytes, key.at, key.len);
    memcpy(s->bytes + key.len, raw.at, raw.len);
    map_put(&t->a->by_key, span_from(s->bytes, key.len), s);
    c->n_series++;
    return s;
}

/* The key of the map is the metric's address and the values. */
static struct series *series_find(struct tick *t, const struct metric *m, const struct span *values,
                                  size_t n)
{
    struct buf *key = &t->c->key;
    buf_clear(key);
    uintptr_t address = (uintptr_t)m;
    buf_put(key, &address, KEY_HEAD_BYTES);
    for (size_t i = 0; i < n; i++) {
        buf_span(key, values[i]);
        buf_char(key, '\0');
    }
    struct series *s = map_get(&t->a->by_key, buf_view(key));
    return s ? s : series_new(t, m, values, n, buf_view(key));
}

void emit_values(struct tick *t, const struct metric *m, const struct span *values, size_t n,
                 double v)
{
    struct active *a = t->a;
    struct series *s = NULL;
    if (a->n < a->known && series_is(a->slots[a->n].series, m, values, n)) {
        s = a->slots[a->n].series;
    } else {
        s = series_find(t, m, values, n);
        a->changed = true;
    }
    /* The same device or mount twice in one file: the first one counts. */
    if (!s || s->run == a->run)
        return;
    s->run = a->run;
    if (a->n == a->size) {
        a->size = a->size ? 2 * a->size : 32;
        a->slots = mem_grow(a->slots, a->size * sizeof *a->slots);
    }
    a->slots[a->n++] = (struct slot){s, v};
}

void emit(struct tick *t, const struct metric *m, double v)
{
    emit_values(t, m, NULL, 0, v);
}

void emit1(struct tick *t, const struct metric *m, struct span a, double v)
{
    emit_values(t, m, &a, 1, v);
}

void emit2(struct tick *t, const struct metric *m, struct span a, struct span b, double v)
{
    emit_values(t, m, (struct span[]){a, b}, 2, v);
}

static void free_ended(struct active *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(a->ended[i]);
    a->n_ended -= n;
    if (n)
        memmove(a->ended, a->ended + n, a->n_ended * sizeof(struct series *));
    a->n_told = 0;
}

void active_start(struct tick *t)
{
    struct active *a = t->a;
    if (!t->c->live_run)
        free_ended(a, a->n_told);
    a->known = a->n;
    a->n = 0;
    a->run++;
    a->changed = false;
}

/* Series of which this run had no value leave the map; they live on in ended until the next
 * run, so that a stale marker can be written for them. */
static void end_missing(struct collect *c, struct active *a)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&a->by_key, &at));) {
        struct series *s = slot->value;
        if (s->run == a->run)
            continue;
        map_remove(&a->by_key, slot->key);
        c->n_series--;
        if (a->n_ended == a->ended_size) {
            a->ended_size = a->ended_size ? 2 * a->ended_size : 32;
            a->ended = mem_grow(a->ended, a->ended_size * sizeof(struct series *));
        }
        a->ended[a->n_ended++] = s;
    }
}

void active_end(struct tick *t)
{
    struct active *a = t->a;
    if (a->changed || a->n != a->known)
        end_missing(t->c, a);
    if (!t->c->live_run)
        a->n_told = a->n_ended;
}

void active_free(struct active *a)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&a->by_key, &at));)
        free(slot->value);
    map_free(&a->by_key);
    free_ended(a, a->n_ended);
    free(a->ended);
    free(a->slots);
}

/* ---- text ---- */

struct line {
    struct span name;
    size_t order;
    const struct slot *slot;
    struct labels labels;
    bool literal; /* help */
};

static int compare_lines(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int by_name = span_compare(x->name, y->name);
    return by_name ? by_name : x->order < y->order ? -1 : x->order > y->order;
}

static struct line line_of(struct arena *arena, const struct collector *collector,
                           const struct slot *slot, size_t order, bool bare)
{
    struct label_builder b = {.n = 0};
    struct labels all = {0};
    struct line line = {.order = order, .slot = slot};
    if (write_labels(slot->series->raw, &b, &all, NULL))
        return line;
    struct label *kept = ARENA_ARRAY(arena, struct label, all.n);
    size_t n = 0;
    for (size_t i = 0; i < all.n; i++) {
        struct span name = all.at[i].name;
        if (!bare || !(span_is(name, "instance") || span_is(name, "job")))
            kept[n++] = all.at[i];
    }
    line.labels = (struct labels){kept, n};
    line.literal = collector->family != NULL;
    line.name =
        line.literal ? span_of(collector->family(slot->series->metric)) : labels_metric(all);
    return line;
}

/* Help of a family; its '%' are filled from the key of one of its series. */
static const char *help_of(const struct line *line, struct buf *out)
{
    const struct series *s = line->slot->series;
    struct span values[VALUES_MAX], rest = s->key;
    size_t n = 0;
    while (n < VALUES_MAX && span_next(&rest, '\0', &values[n]))
        n++;
    buf_clear(out);
    put_pattern(out, s->metric->help, values, line->literal ? 0 : n);
    return out->len ? buf_text(out) : NULL;
}

typedef void (*family_fn)(struct buf *out, struct span name, enum metric_type type,
                          const char *help);

static void expose(const struct collect *c, struct buf *out, bool bare, family_fn put_family)
{
    auto_arena arena = {0};
    auto_buf help = {0};
    size_t n = 0;
    for (size_t i = 0; i < c->n_active; i++)
        n += c->active[i].n;
    struct line *lines = ARENA_ARRAY(&arena, struct line, n);
    size_t k = 0;
    for (size_t i = 0; i < c->n_active; i++)
        for (size_t j = 0; j < c->active[i].n; j++, k++)
            lines[k] = line_of(&arena, c->active[i].collector, &c->active[i].slots[j], k, bare);
    qsort(lines, n, sizeof *lines, compare_lines);
    for (k = 0; k < n; k++) {
        if (k == 0 || !span_eq(lines[k].name, lines[k - 1].name))
            put_family(out, lines[k].name, lines[k].slot->series->metric->type,
                       help_of(&lines[k], &help));
        exposition_sample(out, lines[k].labels, (struct sample){c->wall_ms, lines[k].slot->v},
                          false);
    }
}

void collect_expose(const struct collect *c, struct buf *out, bool bare)
{
    expose(c, out, bare, exposition_family);
}

void collect_openmetrics(const struct collect *c, struct buf *out)
{
    expose(c, out, true, openmetrics_family);
    buf_str(out, "# EOF\n");
}

static void each_value(const struct active *a, collection_fn fn, void *arg)
{
    for (size_t i = 0; i < a->n; i++)
        fn(a->slots[i].series->id, a->slots[i].series->raw, a->slots[i].v, arg);
}

static void each_latest(const void *owner, collection_fn fn, void *arg)
{
    const struct collect *c = owner;
    for (size_t i = 0; i < c->n_active; i++)
        each_value(&c->active[i], fn, arg);
}

static void each_found(const void *owner, collection_fn fn, void *arg)
{
    const struct collect *c = owner;
    for (size_t i = 0; i < c->n_active; i++) {
        const struct active *a = &c->active[i];
        if (!a->fresh)
            continue;
        each_value(a, fn, arg);
        for (size_t j = 0; j < a->n_ended; j++)
            fn(a->ended[j]->id, a->ended[j]->raw, bits_double(STALE_NAN_BITS), arg);
    }
}

struct collection collect_found(const struct collect *c)
{
    struct collection found = {.owner = c, .each = each_found, .t_ms = c->wall_ms};
    for (size_t i = 0; i < c->n_active; i++)
        if (c->active[i].fresh)
            found.n += c->active[i].n + c->active[i].n_ended;
    return found;
}

size_t collect_write(const struct collect *c, struct buf *out)
{
    struct collection found = collect_found(c);
    collection_write(&found, out, NULL);
    return found.n;
}

size_t collect_write_all(const struct collect *c, struct buf *out)
{
    struct collection latest = {.owner = c, .each = each_latest, .t_ms = c->wall_ms};
    for (size_t i = 0; i < c->n_active; i++)
        latest.n += c->active[i].n;
    collection_write(&latest, out, NULL);
    return latest.n;
}
