/* After a restart of the server: what was in force a moment ago still is. The adviser's own
 * series say what it was, so that a finding does not vanish for as long as its condition must
 * last to be believed anew. */
#include "advise/tick.h"

static void restore_one(struct tick *t, struct host *h, struct labels l)
{
    auto_arena arena = {0};
    const struct rule *r =
        rule_by_id(t->a->rules, arena_dup_span(&arena, labels_get(l, SPAN("rule"))));
    struct span subject = labels_get(l, SPAN("subject"));
    if (!r || !r->per != !subject.len)
        return;
    struct rule_state *s =
        rule_state_of(h, r, subject.len ? arena_dup_span(&arena, subject) : NULL, true);
    s->active = true;
    s->since_ms = t->now_ms;
}

enum status restore_new_hosts(struct tick *t)
{
    bool any = false;
    for (size_t i = 0; i < t->n; i++)
        any |= t->hosts[i]->is_new;
    if (!any)
        return OK;
    struct column c;
    enum status st = column_read(t, &t->a->rules->findings, "findings", &c);
    for (size_t i = 0; !st && i < t->n; i++)
        for (uint32_t k = column_first(&c, t->hosts[i]); k && t->hosts[i]->is_new;
             k = c.next[k - 1])
            restore_one(t, t->hosts[i], c.result.series[k - 1].labels);
    arena_reset(&t->a->scratch);
    return st;
}
