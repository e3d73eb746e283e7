/* Groups one after the other (hosts; for OpenMetrics metrics, whose samples must not stand apart),
 * in each the series in the order of their labels, of each a stretch of time after the other.
 * Where it stands is kept as values - group, labels, time -, so that every piece can begin with a
 * fresh view of the source. */
#include "exchange/export_format.h"

#include <stdlib.h>

enum {
    STRETCH_MS = 24 * 3600 * 1000,
    STRETCHES_MAX = 1024, /* a stretch without samples makes the next twice as long */
};

struct exporter {
    struct exporter_config config;
    struct export_progress progress;
    const struct export_format *format;
    struct arena arena;
    struct span group_label; /* what groups have in common */
    struct span *groups, *names;
    size_t groups_n, names_n, group;
    bool begun, in_series;
    struct arena place; /* of the labels */
    struct labels at;   /* the series under way, or the last one that is done */
    bool any;
    int64_t from_ms, stretch_ms;
    uint64_t series_samples;
};

struct exporter *exporter_open(const struct exporter_config *config)
{
    struct exporter *x = mem_zero(1, sizeof *x);
    x->config = *config;
    x->format = export_format(config->format);
    x->group_label = config->format == EXCHANGE_OPENMETRICS ? SPAN(LABEL_NAME) : SPAN("instance");
    return x;
}

void exporter_close(struct exporter *x)
{
    if (!x)
        return;
    arena_free(&x->arena);
    arena_free(&x->place);
    free(x);
}

const struct export_progress *exporter_progress(const struct exporter *x)
{
    return &x->progress;
}

/* ---- what there is ---- */

static int by_text(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

/* Values of a label (names when it is empty) over all selectors, sorted, each once. */
static enum status values(struct exporter *x, struct source *source, struct span label,
                          bool with_none, struct span **out, size_t *n, struct err *err)
{
    struct span *all = ARENA_ARRAY(&x->arena, struct span, 1);
    size_t count = 0;
    all[0] = SPAN("");
    count += with_none;
    for (size_t i = 0; i < x->config.n; i++) {
        const struct export_selector *s = &x->config.selectors[i];
        struct span *some;
        size_t some_n;
        enum status st = source->label_values(source, label, s->matchers, s->n, x->config.start_ms,
                                              x->config.end_ms, &x->arena, &some, &some_n, err);
        if (st)
            return st;
        all = arena_grow(&x->arena, all, MAX(count, (size_t)1) * sizeof *all,
                         (count + some_n + 1) * sizeof *all);
        for (size_t k = 0; k < some_n; k++)
            all[count++] = arena_span(&x->arena, some[k]);
    }
    qsort(all, count, sizeof *all, by_text);
    *n = 0;
    for (size_t i = 0; i < count; i++)
        if (!*n || !span_eq(all[i], all[*n - 1]))
            all[(*n)++] = all[i];
    *out = all;
    return OK;
}

static enum status begin(struct exporter *x, struct source *source, struct buf *out,
                         struct err *err)
{
    bool by_host = x->config.format != EXCHANGE_OPENMETRICS;
    enum status st = values(x, source, x->group_label, by_host, &x->groups, &x->groups_n, err);
    if (!st)
        st = values(x, source, SPAN(""), false, &x->names, &x->names_n, err);
    if (st)
        return st;
    x->progress.groups = x->groups_n;
    x->begun = true;
    if (x->format->head)
        x->format->head(out, x->names, x->names_n);
    return OK;
}

/* ---- a group ---- */

static int by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct selected *)a)->labels,
                          ((const struct selected *)b)->labels);
}

static enum status select_group(struct exporter *x, struct source *source, struct arena *arena,
                                struct selected **out, size_t *n, struct err *err)
{
    struct select_hints hints = {
        .start_ms = x->config.start_ms - 1, .end_ms = x->config.end_ms, .labels_only = true};
    struct matcher own;
    enum status st = matcher_init(&own, MATCH_EQUAL, x->group_label, x->groups[x->group], err);
    *out = NULL;
    *n = 0;
    for (size_t i = 0; !st && i < x->config.n; i++) {
        const struct export_selector *s = &x->config.selectors[i];
        struct matcher *all = ARENA_ARRAY(arena, struct matcher, s->n + 1);
        struct selected *some;
        size_t some_n;
        memcpy(all, s->matchers, s->n * sizeof *all);
        all[s->n] = own;
        st = source->select(source, all, s->n + 1, &hints, arena, &some, &some_n, err);
        if (st)
            break;
        *out = arena_grow(arena, *out, *n * sizeof **out, (*n + some_n) * sizeof **out);
        if (some_n)
            memcpy(*out + *n, some, some_n * sizeof **out);
        *n += some_n;
    }
    matcher_free(&own);
    if (*n)
        qsort(*out, *n, sizeof **out, by_labels);
    return st;
}

static void leave_series(struct exporter *x)
{
    x->progress.series += x->series_samples > 0;
    x->in_series = false;
}

static void enter_series(struct exporter *x, struct labels labels)
{
    arena_reset(&x->place);
    x->at = labels_dup(&x->place, labels);
    x->any = x->in_series = true;
    x->from_ms = x->config.start_ms;
    x->stretch_ms = STRETCH_MS;
    x->series_samples = 0;
}

/* One stretch of the series under way. */
static enum status write_stretch(struct exporter *x, struct source *source, struct selected *s,
                                 struct arena *arena, struct buf *out, struct err *err)
{
    int64_t left = x->config.end_ms - x->from_ms;
    int64_t to = left < x->stretch_ms ? x->config.end_ms : x->from_ms + x->stretch_ms - 1;
    struct select_hints hints = {.start_ms = x->from_ms - 1, .end_ms = to};
    enum status st = source->read(source, s, &hints, arena, err);
    if (st)
        return st;
    size_t first = 0, n = s->n;
    while (first < n && s->t_ms[first] < x->from_ms)
        first++;
    while (n > first && s->t_ms[n - 1] > to)
        n--;
    n -= first;
    if (n) {
        struct export_piece piece = {.labels = x->at,
                                     .t_ms = s->t_ms + first,
                                     .v = s->v + first,
                                     .n = n,
                                     .names = x->names,
                                     .names_n = x->names_n};
        x->format->series(out, &piece);
    }
    x->series_samples += n;
    x->progress.samples += n;
    x->stretch_ms = n ? STRETCH_MS : MIN(x->stretch_ms * 2, (int64_t)STRETCH_MS * STRETCHES_MAX);
    if (to == x->config.end_ms)
        leave_series(x);
    x->from_ms = to + 1;
    return OK;
}

static enum status write_group(struct exporter *x, struct source *source, struct buf *out,
                               size_t full, struct err *err)
{
    auto_arena arena = {0}, samples = {0};
    struct selected *list;
    size_t n;
    enum status st = select_group(x, source, &arena, &list, &n, err);
    if (!st && !x->any && n && x->format->group)
        x->format->group(out, x->groups[x->group]);
    for (size_t i = 0; !st && i < n; i++) {
        int order = x->any ? labels_compare(list[i].labels, x->at) : 1;
        if (order < 0 || (order == 0 && !x->in_series))
            continue; /* done in an earlier piece, or by another selector */
        if (order > 0)
            enter_series(x, list[i].labels);
        while (!st && x->in_series) {
            if (out->len >= full)
                return OK;
            arena_reset(&samples);
            st = write_stretch(x, source, &list[i], &samples, out, err);
        }
    }
    if (st)
        return st;
    x->any = x->in_series = false;
    x->progress.groups_done = ++x->group;
    return OK;
}

enum status exporter_next(struct exporter *x, struct source *source, struct buf *out, bool *more,
                          struct err *err)
{
    size_t full = out->len + EXPORT_PIECE_BYTES;
    enum status st = x->begun ? OK : begin(x, source, out, err);
    while (!st && out->len < full && x->group < x->groups_n)
        st = write_group(x, source, out, full, err);
    *more = !st && x->group < x->groups_n;
    if (!st && !*more && x->format->tail)
        buf_str(out, x->format->tail);
    if (!st && out->failed)
        st = err_set(err, FULL, "a piece of the export does not fit into memory");
    return st;
}
