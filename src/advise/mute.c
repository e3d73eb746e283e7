/* What must not be said on a host for a time: the same advice twice without effect, dismissed, just
 * changed by hand, or a step whose check is under way. */
#include "advise/tick.h"

#include "advise/verify.h"

static void put_key(struct buf *key, struct span instance, const char *what, const char *subject)
{
    buf_span(key, instance);
    buf_char(key, '\n');
    buf_str(key, what);
    buf_char(key, '\n');
    buf_str(key, subject ? subject : "");
}

static void mute_free(struct mute *m)
{
    if (!m)
        return;
    free(m->key);
    free(m->why);
    free(m);
}

void adviser_mute(struct adviser *a, struct span instance, const char *what, const char *subject,
                  int64_t until_ms, const char *why)
{
    auto_buf key = {0};
    put_key(&key, instance, what, subject);
    mute_free(map_remove(&a->mutes, buf_view(&key)));
    if (until_ms <= 0)
        return;
    struct mute *m = mem_zero(1, sizeof *m);
    m->key = mem_dup_span(buf_view(&key));
    m->why = mem_dup(why);
    m->until_ms = until_ms;
    map_put(&a->mutes, span_of(m->key), m);
}

static const struct mute *find(struct adviser *a, struct span instance, const char *prefix,
                               const char *what, const char *subject, int64_t now_ms)
{
    if (!what)
        return NULL;
    auto_buf key = {0}, name = {0};
    buf_str(&name, prefix);
    buf_str(&name, what);
    put_key(&key, instance, buf_text(&name), subject);
    struct mute *m = map_get(&a->mutes, buf_view(&key));
    if (!m || now_ms < m->until_ms)
        return m;
    mute_free(map_remove(&a->mutes, buf_view(&key)));
    return NULL;
}

const struct mute *mute_of(struct adviser *a, struct span instance, const struct rule *r,
                           const char *subject, int64_t now_ms)
{
    if (a->mutes.count == 0)
        return NULL;
    const struct mute *m = find(a, instance, "", r->id, subject, now_ms);
    if (!m)
        m = find(a, instance, "=", r->parameter, NULL, now_ms);
    if (!m && (r->class == 1 || r->class == 2))
        m = find(a, instance, "@", r->resource, NULL, now_ms);
    return m;
}

void mutes_free(struct adviser *a)
{
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&a->mutes, &at));)
        mute_free(slot->value);
    map_free(&a->mutes);
}
