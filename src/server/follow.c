#include "server/follow_state.h"
#include "server/revert.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SAVE_EVERY_MS = 5 * 60 * 1000, /* a finding in force is written again */
    GONE_MS = 5 * 60 * 1000,       /* not in force for so long: it has ended */
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

struct entry *follow_entry(struct follow *f, struct span host, struct span rule,
                           struct span subject)
{
    auto_buf key = {0};
    put_key(&key, host, rule, subject);
    return map_get(&f->open, buf_view(&key));
}

void follow_drop(struct follow *f, struct entry *e)
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

const char *follow_why_silent(enum finding_state why)
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
                     arena_dup_span(&arena, rows[i].subject), INT64_MAX,
                     follow_why_silent(rows[i].why));
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

void follow_tell(struct follow *f, int64_t at_ms, struct span host, const char *kind,
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
    follow_tell(r->f, r->now_ms, a->instance, "finding", x->sentence, buf_view(&data));
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
            struct entry *e =
                follow_entry(r->f, a->instance, span_of(x->rule), span_of(x->subject));
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
        follow_drop(r->f, e);
    }
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
    enum status st = f->looked_ms ? follow_take_changes(&r) : OK;
    if (!st)
        st = note_findings(&r);
    if (!st)
        st = end_findings(&r);
    if (!st)
        st = follow_judge(&r);
    if (!st)
        st = add_reverts(&r);
    f->looked_ms = now_ms;
    return st;
}
