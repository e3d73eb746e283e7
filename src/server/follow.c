#include "server/follow.h"

#include "base/log.h"
#include "base/map.h"
#include "record/events.h"
#include "server/revert.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SAVE_EVERY_MS = 5 * 60 * 1000, /* a finding in force is written again */
    GONE_MS = 5 * 60 * 1000,       /* not in force for so long: it has ended */
    HAND_QUIET_MS = 24 * 3600 * 1000,
    JUDGE_OFTEN_MS = 30 * 60 * 1000, /* after that, only every JUDGE_RARELY_MS */
    JUDGE_RARELY_MS = 5 * 60 * 1000,
    NO_EFFECT_MAX = 2, /* then the rule is silent on that host */
};

/* A finding that is open. */
struct entry {
    struct span key; /* host, rule, subject */
    char *host, *rule, *subject, *parameter, *resource, *from, *to;
    int64_t id, seen_ms, saved_ms;
};

struct follow {
    struct record *record;
    struct adviser *adviser;
    struct map open; /* key -> struct entry */
    int64_t looked_ms;
};

/* One tick. */
struct round {
    struct follow *f;
    struct source *view;
    int64_t now_ms;
    struct advice *advice;
    struct arena *arena;
    struct err *err;
};

/* ---- open findings ---- */

static void put_key(struct buf *key, struct span host, struct span rule, struct span subject)
{
    buf_span(key, host);
    buf_char(key, '\n');
    buf_span(key, rule);
    buf_char(key, '\n');
    buf_span(key, subject);
}

static void entry_free(struct entry *e)
{
    if (!e)
        return;
    free((char *)(uintptr_t)e->key.at);
    free(e->host);
    free(e->rule);
    free(e->subject);
    free(e->parameter);
    free(e->resource);
    free(e->from);
    free(e->to);
    free(e);
}

static char *dup_or_empty(const char *text)
{
    return mem_dup(text ? text : "");
}

static struct entry *entry_add(struct follow *f, struct span host, struct span rule,
                               struct span subject)
{
    auto_buf key = {0};
    struct check check;
    struct entry *e = mem_zero(1, sizeof *e);
    put_key(&key, host, rule, subject);
    e->key = span_from(mem_dup_span(buf_view(&key)), key.len);
    e->host = mem_dup_span(host);
    e->rule = mem_dup_span(rule);
    e->subject = mem_dup_span(subject);
    e->resource = dup_or_empty(adviser_check(f->adviser, e->rule, &check) ? check.resource : NULL);
    entry_free(map_put(&f->open, e->key, e));
    return e;
}

static struct entry *entry_of(struct follow *f, struct span host, struct span rule,
                              struct span subject)
{
    auto_buf key = {0};
    put_key(&key, host, rule, subject);
    return map_get(&f->open, buf_view(&key));
}

static void entry_drop(struct follow *f, struct entry *e)
{
    map_remove(&f->open, e->key);
    entry_free(e);
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = dup_or_empty(text);
}

/* When they were in force last is not asked: the first look decides. */
static enum status load_open(struct follow *f, struct err *err)
{
    struct finding_filter filter = {.state = FINDING_OPEN, .limit = FINDINGS_LIMIT_MAX};
    enum status st = OK;
    for (size_t n = FINDINGS_LIMIT_MAX; !st && n == FINDINGS_LIMIT_MAX;) {
        auto_arena arena = {0};
        struct finding_row *rows;
        st = record_findings(f->record, &filter, &arena, &rows, &n, err);
        for (size_t i = 0; !st && i < n; i++) {
            struct entry *e = entry_add(f, rows[i].host_name, rows[i].rule, rows[i].subject);
            e->id = rows[i].id;
            set_text(&e->parameter, arena_dup_span(&arena, rows[i].parameter));
            set_text(&e->from, arena_dup_span(&arena, rows[i].from));
            set_text(&e->to, arena_dup_span(&arena, rows[i].to));
            filter.before_id = rows[i].id;
        }
    }
    return st;
}

/* ---- silence ---- */

static const char *why_silent(enum finding_state why)
{
    switch (why) {
    case FINDING_NO_EFFECT:
        return "it was followed twice on this host without effect";
    case FINDING_HARMED:
        return "following it did harm on this host";
    default:
        return "it was dismissed";
    }
}

static enum status load_silent(struct follow *f, struct err *err)
{
    auto_arena arena = {0};
    struct silence_row *rows;
    size_t n;
    enum status st = record_findings_silent(f->record, &arena, &rows, &n, err);
    for (size_t i = 0; !st && i < n; i++)
        adviser_mute(f->adviser, rows[i].host_name, arena_dup_span(&arena, rows[i].rule),
                     arena_dup_span(&arena, rows[i].subject), INT64_MAX, why_silent(rows[i].why));
    return st;
}

enum status follow_adviser(struct follow *f, struct adviser *adviser, struct err *err)
{
    f->adviser = adviser;
    return load_silent(f, err);
}

enum status follow_open(struct record *record, struct adviser *adviser, int64_t looked_ms,
                        struct follow **out, struct err *err)
{
    struct follow *f = mem_zero(1, sizeof *f);
    f->record = record;
    f->adviser = adviser;
    f->looked_ms = looked_ms;
    enum status st = load_open(f, err);
    if (!st)
        st = load_silent(f, err);
    if (st) {
        follow_close(f);
        return st;
    }
    *out = f;
    return OK;
}

void follow_close(struct follow *f)
{
    if (!f)
        return;
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&f->open, &at));)
        entry_free(slot->value);
    map_free(&f->open);
    free(f);
}

/* ---- events ---- */

static void tell(struct follow *f, int64_t at_ms, struct span host, const char *kind,
                 const char *text, struct span data)
{
    struct err err = {0};
    struct event_row e = {
        .at_ms = at_ms, .host = host, .kind = span_of(kind), .text = span_of(text), .data = data};
    if (record_event_add(f->record, &e, NULL, &err))
        log_warn("an event was not kept: %s", err.text);
}

static void tell_finding(struct round *r, const struct analysis *a, const struct finding *x)
{
    auto_buf data = {0};
    struct json j = json_to(&data);
    json_begin_object(&j);
    json_field_i64(&j, "finding", x->id);
    json_field(&j, "rule", x->rule);
    json_field(&j, "subject", x->subject);
    json_field(&j, "parameter", x->parameter);
    json_field(&j, "from", x->from);
    json_field(&j, "to", x->to);
    json_end_object(&j);
    tell(r->f, r->now_ms, a->instance, "finding", x->sentence, buf_view(&data));
}

/* ---- findings of this tick ---- */

static struct finding_row row_of(struct round *r, const struct analysis *a, const struct finding *x,
                                 int64_t id)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    finding_json(&j, x);
    return (struct finding_row){
        .id = id,
        .host = a->instance,
        .rule = span_of(x->rule),
        .subject = span_of(x->subject),
        .parameter = span_of(x->parameter),
        .from = span_of(x->from),
        .to = span_of(x->to),
        .opened_ms = r->now_ms,
        .seen_ms = r->now_ms,
        .json = arena_span(r->arena, buf_view(&text)),
    };
}

struct noting {
    struct finding_note note;
    struct finding *finding;
    const struct analysis *analysis;
    struct entry *entry; /* NULL: new */
};

static bool needs_saving(const struct entry *e, const struct finding *x, int64_t now_ms)
{
    return !e || now_ms - e->saved_ms >= SAVE_EVERY_MS || strcmp(e->to, x->to ? x->to : "") != 0 ||
           strcmp(e->from, x->from ? x->from : "") != 0;
}

static void noted(struct round *r, struct noting *n, int64_t id)
{
    struct finding *x = n->finding;
    struct entry *e = n->entry;
    x->id = id;
    if (!e) {
        e = entry_add(r->f, n->analysis->instance, span_of(x->rule), span_of(x->subject));
        e->id = id;
        tell_finding(r, n->analysis, x);
    }
    set_text(&e->parameter, x->parameter);
    set_text(&e->from, x->from);
    set_text(&e->to, x->to);
    e->seen_ms = e->saved_ms = r->now_ms;
}

/* Findings without advice ("memory is fine") have no life. */
static bool has_life(const struct finding *x)
{
    return x->class != 0 || x->kind == KIND_PROOF;
}

static enum status note_findings(struct round *r)
{
    size_t n = 0, most = 0;
    for (size_t i = 0; i < r->advice->n; i++)
        most += r->advice->hosts[i].n_findings;
    struct noting *all = ARENA_ARRAY(r->arena, struct noting, most);
    struct finding_note *notes = ARENA_ARRAY(r->arena, struct finding_note, most);
    for (size_t i = 0; i < r->advice->n; i++) {
        const struct analysis *a = &r->advice->hosts[i];
        for (size_t k = 0; k < a->n_findings; k++) {
            struct finding *x = &a->findings[k];
            if (!has_life(x))
                continue;
            struct entry *e = entry_of(r->f, a->instance, span_of(x->rule), span_of(x->subject));
            if (e) {
                x->id = e->id;
                e->seen_ms = r->now_ms;
            }
            if (!needs_saving(e, x, r->now_ms))
                continue;
            notes[n] = (struct finding_note){.row = row_of(r, a, x, e ? e->id : 0)};
            all[n++] = (struct noting){.finding = x, .analysis = a, .entry = e};
        }
    }
    enum status st = record_findings_note(r->f->record, notes, n, r->err);
    for (size_t i = 0; !st && i < n; i++)
        noted(r, &all[i], notes[i].id);
    return st;
}

static bool was_looked_at(const struct advice *advice, const char *host)
{
    for (size_t i = 0; i < advice->n; i++)
        if (span_is(advice->hosts[i].instance, host))
            return true;
    return false;
}

static enum status end_findings(struct round *r)
{
    struct map_slot *slot;
    enum status st = OK;
    for (size_t at = 0; !st && (slot = map_next(&r->f->open, &at));) {
        struct entry *e = slot->value;
        if (!e->seen_ms)
            e->seen_ms = r->now_ms;
        if (r->now_ms - e->seen_ms < GONE_MS || !was_looked_at(r->advice, e->host))
            continue;
        st = record_finding_state(r->f->record, e->id, FINDING_ENDED,
                                  SPAN("its condition no longer holds"), r->now_ms, r->err);
        if (st == NOT_FOUND) /* its host was deleted */
            st = OK;
        entry_drop(r->f, e);
    }
    return st;
}

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
    tell(r->f, row->at_ms, row->host, "change", buf_text(&text), buf_view(&data));
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
    st = record_finding_state(r->f->record, e->id, FINDING_APPLIED, SPAN(""), r->now_ms, r->err);
    entry_drop(r->f, e);
    return st == NOT_FOUND ? OK : st;
}

static enum status take_changes(struct round *r)
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
                     arena_dup_span(r->arena, row->subject), INT64_MAX, why_silent(state));
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
    tell(r->f, r->now_ms, row->host, "verdict", buf_text(&text), buf_view(&data));
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
    int64_t window = (verify_due_ms(has ? &check : NULL, 0) - VERIFY_SCRAPE_MS) / 2;
    struct verify_case v = {.check = has ? &check : NULL, .age_ms = r->now_ms - row->at_ms};
    enum status st = advise_figures(a, r->view, row->host_name, has ? rule : NULL, subject,
                                    row->before_ms - window, row->before_ms, &v.before, r->err);
    if (!st)
        st = advise_figures(a, r->view, row->host_name, has ? rule : NULL, subject,
                            r->now_ms - window, r->now_ms, &v.after, r->err);
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

static enum status judge_pending(struct round *r)
{
    struct change_row *rows;
    size_t n;
    struct change_filter filter = {.which = CHANGES_PENDING, .limit = CHANGES_LIMIT_MAX};
    enum status st = record_changes(r->f->record, &filter, r->arena, &rows, &n, r->err);
    for (size_t i = 0; !st && i < n; i++)
        st = judge(r, &rows[i]);
    return st;
}

/* ---- put back what did harm ---- */

static enum status add_reverts(struct round *r)
{
    struct change_row *rows;
    size_t n;
    struct change_filter filter = {.which = CHANGES_HARMFUL, .limit = CHANGES_LIMIT_MAX};
    enum status st = record_changes(r->f->record, &filter, r->arena, &rows, &n, r->err);
    for (size_t i = 0; !st && i < n; i++)
        for (size_t k = 0; k < r->advice->n && !span_is(rows[i].cause, "resource"); k++)
            if (span_eq(r->advice->hosts[k].instance, rows[i].host_name))
                revert_add(&r->advice->hosts[k], &rows[i], r->arena);
    return st;
}

enum status follow_tick(struct follow *f, struct source *view, int64_t now_ms,
                        struct advice *advice, struct arena *arena, struct err *err)
{
    struct round r = {f, view, now_ms, advice, arena, err};
    enum status st = f->looked_ms ? take_changes(&r) : OK;
    if (!st)
        st = note_findings(&r);
    if (!st)
        st = end_findings(&r);
    if (!st)
        st = judge_pending(&r);
    if (!st)
        st = add_reverts(&r);
    f->looked_ms = now_ms;
    return st;
}

/* ---- what people say ---- */

static enum status read_open(struct follow *f, int64_t id, struct arena *arena,
                             struct finding_row *row, struct err *err)
{
    enum status st = record_finding(f->record, id, arena, row, err);
    if (!st && row->state != FINDING_OPEN)
        return err_set(err, INVALID, "finding %lld is not open but %s", (long long)id,
                       finding_state_names[row->state]);
    return st;
}

static void tell_person(struct follow *f, const struct finding_row *row, struct span who,
                        const char *what, int64_t now_ms)
{
    auto_buf text = {0};
    buf_printf(&text, "%.*s of %.*s was %s by %.*s", SPAN_ARG(row->rule), SPAN_ARG(row->host_name),
               what, SPAN_ARG(who));
    tell(f, now_ms, row->host, "finding", buf_text(&text), SPAN(""));
    struct entry *e = entry_of(f, row->host_name, row->rule, row->subject);
    if (e)
        entry_drop(f, e);
}

enum status follow_applied(struct follow *f, int64_t id, struct span who, int64_t now_ms,
                           struct err *err)
{
    auto_arena arena = {0};
    struct finding_row row;
    enum status st = read_open(f, id, &arena, &row, err);
    if (st)
        return st;
    struct change_row change = {.host = row.host,
                                .at_ms = now_ms,
                                .before_ms = now_ms,
                                .parameter = row.parameter.len ? row.parameter : row.rule,
                                .from = row.from,
                                .to = row.to,
                                .cause = SPAN("person"),
                                .finding_id = id,
                                .rule = row.rule,
                                .subject = row.subject,
                                .verdict = SPAN("pending")};
    st = record_change_add(f->record, &change, NULL, err);
    if (!st)
        st = record_finding_state(f->record, id, FINDING_APPLIED, SPAN(""), now_ms, err);
    if (!st)
        tell_person(f, &row, who, "applied", now_ms);
    return st;
}

enum status follow_dismiss(struct follow *f, int64_t id, struct span who, int64_t now_ms,
                           struct err *err)
{
    auto_arena arena = {0};
    struct finding_row row;
    enum status st = read_open(f, id, &arena, &row, err);
    if (!st)
        st = record_finding_state(f->record, id, FINDING_DISMISSED, SPAN(""), now_ms, err);
    if (st)
        return st;
    adviser_mute(f->adviser, row.host_name, arena_dup_span(&arena, row.rule),
                 arena_dup_span(&arena, row.subject), INT64_MAX, why_silent(FINDING_DISMISSED));
    tell_person(f, &row, who, "dismissed", now_ms);
    return OK;
}

enum status follow_reopen(struct follow *f, int64_t id, struct span who, int64_t now_ms,
                          struct err *err)
{
    auto_arena arena = {0};
    struct finding_row row;
    enum status st = record_finding(f->record, id, &arena, &row, err);
    if (!st && row.state != FINDING_DISMISSED && row.state != FINDING_NO_EFFECT &&
        row.state != FINDING_HARMED)
        st = err_set(err, INVALID, "finding %lld is %s: there is nothing to take back",
                     (long long)id, finding_state_names[row.state]);
    if (!st)
        st = record_finding_state(f->record, id, FINDING_ENDED, SPAN("taken back"), now_ms, err);
    if (st)
        return st;
    adviser_mute(f->adviser, row.host_name, arena_dup_span(&arena, row.rule),
                 arena_dup_span(&arena, row.subject), 0, "");
    tell_person(f, &row, who, "allowed again", now_ms);
    return OK;
}
