/* What the analysis knows: rules, model, profiles, the checks of a host. */
#include "api/call.h"

#include "base/clock.h"

struct asking {
    struct advice_question question;
    bool of_host;
    const char *audit; /* what is written down when it succeeds; NULL: nothing */
    struct span detail;
};

static enum status ask(struct call *c, void *arg, struct arena *arena, struct buf *body,
                       struct err *err)
{
    struct asking *a = arg;
    struct host_row host;
    enum status st = OK;
    if (a->of_host) {
        st = record_host(c->api->record, a->detail, arena, &host, err);
        a->question.host = host.name;
    }
    if (!st)
        st = c->api->ask(c->api->pipeline, &a->question, body, err);
    if (!st && a->audit)
        st = record_audit(c->api->record, a->question.now_ms, a->question.who, span_of(a->audit),
                          a->detail, err);
    return st;
}

static struct asking *asking_of(struct call *c, enum advice_ask what)
{
    struct asking *a = ARENA_NEW(http_request_arena(c->req), struct asking);
    a->question = (struct advice_question){
        .what = what, .now_ms = clock_wall_ms(), .who = span_of(c->who.name)};
    a->detail = c->id;
    return a;
}

void advice_rules(struct call *c)
{
    api_work(c, ask, asking_of(c, ASK_RULES));
}

void advice_reload(struct call *c)
{
    struct asking *a = asking_of(c, ASK_RELOAD);
    a->audit = "rules reloaded";
    a->detail = SPAN("");
    api_work(c, ask, a);
}

void advice_model(struct call *c)
{
    api_work(c, ask, asking_of(c, ASK_MODEL));
}

void advice_profiles(struct call *c)
{
    api_work(c, ask, asking_of(c, ASK_PROFILES));
}

void advice_host_profiles(struct call *c)
{
    struct asking *a = asking_of(c, ASK_HOST_PROFILES);
    a->of_host = true;
    api_work(c, ask, a);
}

void advice_host_checks(struct call *c)
{
    struct asking *a = asking_of(c, ASK_HOST_CHECKS);
    a->of_host = true;
    api_work(c, ask, a);
}

/* ---- what people say of a finding ---- */

static void ask_about_finding(struct call *c, enum advice_ask what, const char *audit)
{
    struct asking *a = asking_of(c, what);
    if (!span_i64(c->id, &a->question.id) || a->question.id < 1) {
        http_problem(c->req, 400, "%.*s is not the number of a finding",
                     (int)MIN(c->id.len, (size_t)40), c->id.at);
        return;
    }
    a->audit = audit;
    api_work(c, ask, a);
}

void findings_applied(struct call *c)
{
    ask_about_finding(c, ASK_APPLIED, "finding applied");
}

void findings_dismiss(struct call *c)
{
    ask_about_finding(c, ASK_DISMISS, "finding dismissed");
}

void findings_reopen(struct call *c)
{
    ask_about_finding(c, ASK_REOPEN, "finding allowed again");
}
