/* What people say about findings. */
#include "server/follow_state.h"

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
    follow_tell(f, now_ms, row->host, "finding", buf_text(&text), SPAN(""));
    struct entry *e = follow_entry(f, row->host_name, row->rule, row->subject);
    if (e)
        follow_drop(f, e);
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
    if (!st)
        follow_hold(f, row.host_name, arena_dup_span(&arena, row.rule),
                    arena_dup_span(&arena, row.subject), now_ms);
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
                 arena_dup_span(&arena, row.subject), INT64_MAX,
                 follow_why_silent(FINDING_DISMISSED));
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
