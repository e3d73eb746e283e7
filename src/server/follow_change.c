/* Changes on hosts, by whomever, and what came of them. */
#include "server/follow_state.h"

#include <stdio.h>

enum {
    HAND_QUIET_MS = 24 * 3600 * 1000,
    JUDGE_OFTEN_MS = 30 * 60 * 1000, /* after that, only every JUDGE_RARELY_MS */
    JUDGE_RARELY_MS = 5 * 60 * 1000,
    NO_EFFECT_MAX = 2, /* then the rule is silent on that host */
};

/* ---- changes ---- */

static bool entry_is_about(const struct entry *e, const struct change *c)
{
    if (!span_is(c->instance, e->host))
        return false;
    if (!c->is_resource)
        return strcmp(e->parameter, c->parameter) == 0;
    if (strcmp(e->resource, c->parameter) == 0)
        return true;
    auto_buf disk = {0}; /* "disk /var": the resource and the rule's subject */
    buf_printf(&disk, "%s %s", e->resource, e->subject);
    return *e->subject && strcmp(buf_text(&disk), c->parameter) == 0;
}

static struct entry *entry_about(struct follow *f, const struct change *c)
{
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&f->open, &at));)
        if (entry_is_about(slot->value, c))
            return slot->value;
    return NULL;
}

static void tell_change(struct round *r, const struct change_row *row)
{
    auto_buf data = {0}, text = {0};
    struct json j = json_to(&data);
    json_begin_object(&j);
    json_field_i64(&j, "change", row->id);
    json_field_i64(&j, "finding", row->finding_id);
    json_field_span(&j, "parameter", row->parameter);
    json_field_span(&j, "from", row->from);
    json_field_span(&j, "to", row->to);
    json_field_span(&j, "cause", row->cause);
    json_end_object(&j);
    buf_printf(&text, "%.*s changed from %.*s to %.*s%s", SPAN_ARG(row->parameter),
               SPAN_ARG(row->from), SPAN_ARG(row->to),
               span_is(row->cause, "advice") ? ", as advised" : "");
    follow_tell(r->f, row->at_ms, row->host, "change", buf_text(&text), buf_view(&data));
}

/* By hand to another value: the administrator knows something. As advised: the next step on the
 * same resource waits for the check of this one. */
static void hold_after(struct round *r, const struct change_row *row, const struct check *check)
{
    auto_buf why = {0}, what = {0};
    buf_printf(&why, "%.*s was changed from %.*s to %.*s%s", SPAN_ARG(row->parameter),
               SPAN_ARG(row->from), SPAN_ARG(row->to),
               span_is(row->cause, "hand") ? " by hand" : ": its check comes first");
    bool hand = span_is(row->cause, "hand");
    if (hand)
        buf_printf(&what, "=%.*s", SPAN_ARG(row->parameter));
    else if (check && check->resource)
        buf_printf(&what, "@%s", check->resource);
    else
        return;
    int64_t until_ms = hand ? row->at_ms + HAND_QUIET_MS
                            : verify_due_ms(check, row->at_ms) + (check ? check->settle_ms : 0);
    adviser_mute(r->f->adviser, row->host, buf_text(&what), NULL, until_ms, buf_text(&why));
}

void follow_hold(struct follow *f, struct span host, const char *rule, const char *subject,
                 int64_t at_ms)
{
    struct check check;
    if (adviser_check(f->adviser, rule, &check))
        adviser_mute(f->adviser, host, rule, subject,
                     verify_second_ms(&check, at_ms) + check.settle_ms,
                     "it was applied: its check comes first");
}

static bool is_revert(struct round *r, const struct change *c)
{
    struct change_row *rows;
    size_t n;
    struct change_filter filter = {.host = c->instance,
                                   .parameter = span_of(c->parameter),
                                   .which = CHANGES_HARMFUL,
                                   .limit = 1};
    return record_changes(r->f->record, &filter, r->arena, &rows, &n, NULL) == OK && n &&
           span_is(rows[0].from, c->after);
}

static enum status take_change(struct round *r, const struct change *c)
{
    struct check check = {0};
    struct entry *e = entry_about(r->f, c);
    bool has_check = e ? adviser_check(r->f->adviser, e->rule, &check)
                       : adviser_check_of_parameter(r->f->adviser, c->parameter, &check);
    bool revert = !e && is_revert(r, c);
    const char *cause = revert                              ? "revert"
                        : e && strcmp(e->to, c->after) == 0 ? "advice"
                        : c->is_resource                    ? "resource"
                                                            : "hand";
    struct change_row row = {
        .host = c->instance,
        .at_ms = c->at_ms,
        .before_ms = c->before_ms,
        .parameter = span_of(c->parameter),
        .from = span_of(c->before),
        .to = span_of(c->after),
        .cause = span_of(cause),
        .finding_id = e ? e->id : 0,
        .rule = has_check ? span_of(check.rule) : SPAN(""),
        .subject = e ? span_of(arena_dup(r->arena, e->subject)) : SPAN(""),
        .verdict = revert ? SPAN("unjudged") : SPAN("pending"),
    };
    enum status st = record_change_add(r->f->record, &row, &row.id, r->err);
    if (st)
        return st;
    tell_change(r, &row);
    if (!revert)
        hold_after(r, &row, has_check ? &check : NULL);
    if (!e)
        return OK;
    if (c->is_resource)
        follow_hold(r->f, c->instance, e->rule, e->subject, c->at_ms);
    st = record_finding_state(r->f->record, e->id, FINDING_APPLIED, SPAN(""), r->now_ms, r->err);
    follow_drop(r->f, e);
    return st == NOT_FOUND ? OK : st;
}

enum status follow_take_changes(struct round *r)
{
    struct change *changes;
    size_t n;
    enum status st = advise_changes(r->f->adviser, r->view, r->f->looked_ms, r->now_ms, r->arena,
                                    &changes, &n, r->err);
    for (size_t i = 0; !st && i < n; i++)
        st = take_change(r, &changes[i]);
    return st;
}

/* ---- judgements ---- */

static enum finding_state state_after(enum verdict v)
{
    switch (v) {
    case VERDICT_HELPED:
        return FINDING_HELPED;
    case VERDICT_HARMED:
        return FINDING_HARMED;
    case VERDICT_NO_EFFECT:
        return FINDING_NO_EFFECT;
    default:
        return FINDING_ENDED;
    }
}

static enum status silence_rule(struct round *r, const struct change_row *row,
                                enum finding_state state)
{
    uint64_t n = NO_EFFECT_MAX;
    enum status st = OK;
    if (state == FINDING_NO_EFFECT)
        st =
            record_findings_no_effect(r->f->record, row->host, row->rule, row->subject, &n, r->err);
    if (!st && n >= NO_EFFECT_MAX)
        adviser_mute(r->f->adviser, row->host_name, arena_dup_span(r->arena, row->rule),
                     arena_dup_span(r->arena, row->subject), INT64_MAX, follow_why_silent(state));
    return st;
}

static enum status decide_finding(struct round *r, const struct change_row *row, enum verdict v)
{
    enum finding_state state = state_after(v);
    if (!row->finding_id)
        return OK;
    enum status st =
        record_finding_state(r->f->record, row->finding_id, state, row->outcome, r->now_ms, r->err);
    if (st)
        return st == NOT_FOUND ? OK : st;
    return v == VERDICT_NO_EFFECT || v == VERDICT_HARMED ? silence_rule(r, row, state) : OK;
}

static const char *verdict_word(enum verdict v)
{
    return v == VERDICT_NO_EFFECT  ? "had no effect"
           : v == VERDICT_UNJUDGED ? "could not be judged"
                                   : verdict_names[v];
}

static void tell_verdict(struct round *r, const struct change_row *row, enum verdict v)
{
    auto_buf text = {0}, data = {0};
    struct json j = json_to(&data);
    json_begin_object(&j);
    json_field_i64(&j, "change", row->id);
    json_field_i64(&j, "finding", row->finding_id);
    json_field(&j, "verdict", verdict_names[v]);
    json_key(&j, "before");
    json_raw(&j, row->before);
    json_key(&j, "after");
    json_raw(&j, row->after);
    json_end_object(&j);
    buf_printf(&text, "%.*s from %.*s to %.*s %s: %.*s", SPAN_ARG(row->parameter),
               SPAN_ARG(row->from), SPAN_ARG(row->to), verdict_word(v), SPAN_ARG(row->outcome));
    follow_tell(r->f, r->now_ms, row->host, "verdict", buf_text(&text), buf_view(&data));
}

static struct span figures_text(struct round *r, const struct figures *f)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    figures_json(&j, f);
    return arena_span(r->arena, buf_view(&text));
}

static enum status settle_change(struct round *r, struct change_row *row, enum verdict v,
                                 const struct check *check)
{
    row->verdict = span_of(verdict_names[v]);
    row->judged_ms = v == VERDICT_WAIT ? 0 : r->now_ms;
    enum status st = record_change_judged(r->f->record, row, r->err);
    if (st || v == VERDICT_WAIT)
        return st;
    tell_verdict(r, row, v);
    if (check && check->resource)
        adviser_mute(r->f->adviser, row->host_name, arena_printf(r->arena, "@%s", check->resource),
                     NULL, 0, "");
    if (row->finding_id && (span_is(row->cause, "person") || span_is(row->cause, "resource")))
        adviser_mute(r->f->adviser, row->host_name, arena_dup_span(r->arena, row->rule),
                     arena_dup_span(r->arena, row->subject), 0, "");
    return decide_finding(r, row, v);
}

static bool is_due(struct round *r, const struct change_row *row, const struct check *check)
{
    if (r->now_ms < verify_due_ms(check, row->at_ms))
        return false;
    return r->now_ms - row->at_ms < JUDGE_OFTEN_MS ||
           r->now_ms / JUDGE_RARELY_MS != r->f->looked_ms / JUDGE_RARELY_MS;
}

static enum status judge(struct round *r, struct change_row *row)
{
    struct check check;
    const char *rule = arena_dup_span(r->arena, row->rule);
    const char *subject = row->subject.len ? arena_dup_span(r->arena, row->subject) : NULL;
    bool has = adviser_check(r->f->adviser, rule, &check);
    if (!is_due(r, row, has ? &check : NULL))
        return OK;
    struct adviser *a = r->f->adviser;
    int64_t window = verify_window_ms(has ? &check : NULL);
    struct verify_case v = {.check = has ? &check : NULL, .age_ms = r->now_ms - row->at_ms};
    v.second_look = r->now_ms >= verify_second_ms(v.check, row->at_ms);
    enum status st = advise_figures(a, r->view, row->host_name, has ? rule : NULL, subject,
                                    row->before_ms - window, row->before_ms, &v.before, r->err);
    if (!st)
        st = advise_figures(a, r->view, row->host_name, has ? rule : NULL, subject,
                            r->now_ms - window, r->now_ms, &v.after, r->err);
    if (!st && v.second_look)
        st = advise_figures(a, r->view, row->host_name, has ? rule : NULL, subject,
                            r->now_ms - 2 * window, r->now_ms - window, &v.earlier, r->err);
    if (!st)
        st = advise_effective(a, r->view, row->host_name, rule, r->now_ms, &v.effective, r->err);
    if (st)
        return st;
    auto_buf why = {0};
    enum verdict verdict = verify_judge(&v, &why);
    row->outcome = arena_span(r->arena, buf_view(&why));
    row->before = figures_text(r, &v.before);
    row->after = figures_text(r, &v.after);
    return settle_change(r, row, verdict, has ? &check : NULL);
}

enum status follow_judge(struct round *r)
{
    struct change_row *rows;
    size_t n;
    struct change_filter filter = {.which = CHANGES_PENDING, .limit = CHANGES_LIMIT_MAX};
    enum status st = record_changes(r->f->record, &filter, r->arena, &rows, &n, r->err);
    for (size_t i = 0; !st && i < n; i++)
        st = judge(r, &rows[i]);
    return st;
}
