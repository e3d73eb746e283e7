/* A source narrowed to one host: its matcher is put beside those that are asked for. */
#include "series/source.h"

static struct matcher *with_host(const struct one_host *s, const struct matcher *matchers, size_t n,
                                 struct arena *arena)
{
    struct matcher *all = ARENA_ARRAY(arena, struct matcher, n + 1);
    if (n)
        memcpy(all, matchers, n * sizeof *all);
    all[n] = s->host;
    return all;
}

static enum status host_select(struct source *face, const struct matcher *matchers, size_t n,
                               const struct select_hints *hints, struct arena *arena,
                               struct selected **out, size_t *n_out, struct err *err)
{
    struct one_host *s = CONTAINER_OF(face, struct one_host, face);
    return s->all->select(s->all, with_host(s, matchers, n, arena), n + 1, hints, arena, out, n_out,
                          err);
}

static enum status host_read(struct source *face, struct selected *series,
                             const struct select_hints *hints, struct arena *arena, struct err *err)
{
    struct one_host *s = CONTAINER_OF(face, struct one_host, face);
    return s->all->read(s->all, series, hints, arena, err);
}

static enum status host_label_values(struct source *face, struct span name,
                                     const struct matcher *matchers, size_t n, int64_t start_ms,
                                     int64_t end_ms, struct arena *arena, struct span **out,
                                     size_t *n_out, struct err *err)
{
    struct one_host *s = CONTAINER_OF(face, struct one_host, face);
    return s->all->label_values(s->all, name, with_host(s, matchers, n, arena), n + 1, start_ms,
                                end_ms, arena, out, n_out, err);
}

struct source *one_host_face(struct one_host *s, struct source *all, struct span name)
{
    *s = (struct one_host){
        .face = {host_select, host_read, host_label_values},
        .all = all,
        .host = {.kind = MATCH_EQUAL, .name = SPAN("instance"), .value = name},
    };
    return &s->face;
}
