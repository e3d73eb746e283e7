/* Signing in and out. Passwords are hashed on a worker: it takes 50 ms. */
#include "api/call.h"

#include "base/clock.h"
#include "base/json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct password_job {
    struct call *call;
    json_t *body;
    struct span user, old, new; /* of the body; user and old are a login's */
    char session[SESSION_TEXT_MAX];
    struct principal who;
    int64_t retry_after_s;
    enum status status;
    struct err err;
};

static void put_session(struct call *c, const struct principal *who)
{
    auto_buf body = {0};
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_field(&j, "user", who->name);
    json_field(&j, "role", role_name(who->role));
    json_field_bool(&j, "must_change_password", who->must_change);
    json_end_object(&j);
    api_json(c, 200, &body);
}

static void set_cookie(struct call *c, const char *value)
{
    auto_buf cookie = {0};
    access_cookie(&cookie, value, http_request_tls(c->req));
    http_reply_header(c->req, "Set-Cookie", buf_text(&cookie));
    http_reply_header(c->req, "Cache-Control", "no-store");
}

static void login_work(void *arg)
{
    struct password_job *job = arg;
    struct call *c = job->call;
    job->status =
        access_login(c->api->access, job->user, job->old, http_request_peer(c->req),
                     clock_wall_ms(), job->session, &job->who, &job->retry_after_s, &job->err);
}

static void login_done(void *arg)
{
    struct password_job *job = arg;
    struct call *c = job->call;
    if (job->status == OK) {
        set_cookie(c, job->session);
        put_session(c, &job->who);
    } else if (job->status == AGAIN) {
        char seconds[24];
        snprintf(seconds, sizeof seconds, "%lld", (long long)job->retry_after_s);
        http_reply_header(c->req, "Retry-After", seconds);
        http_problem(c->req, 429, "%s", job->err.text);
    } else {
        api_failure(c, job->status, &job->err);
    }
    explicit_bzero(job->session, sizeof job->session);
    json_decref(job->body);
}

static struct password_job *job_of(struct call *c)
{
    json_t *body = api_body(c);
    if (!body)
        return NULL;
    struct password_job *job = ARENA_NEW(http_request_arena(c->req), struct password_job);
    job->call = c;
    job->body = body;
    return job;
}

static void submit(struct password_job *job, loop_fn work, loop_fn done)
{
    struct api *a = job->call->api;
    json_t *body = job->body;
    if (pool_submit(a->workers, work, done, a->loop, job))
        return;
    json_decref(body);
    api_busy(job->call, "too many requests wait already");
}

void session_login(struct call *c)
{
    struct password_job *job = job_of(c);
    if (!job)
        return;
    json_t *body = job->body;
    if (api_member(c, body, "user", &job->user) && api_member(c, body, "password", &job->old))
        submit(job, login_work, login_done);
    else
        json_decref(body);
}

static void password_work(void *arg)
{
    struct password_job *job = arg;
    struct call *c = job->call;
    job->status =
        access_password(c->api->access, &c->who, job->old, job->new, clock_wall_ms(), &job->err);
}

static void password_done(void *arg)
{
    struct password_job *job = arg;
    json_decref(job->body);
    if (job->status == OK)
        api_no_content(job->call);
    else if (job->status == DENIED) /* not 401: the session is fine, the old password is not */
        http_problem(job->call->req, 403, "%s", job->err.text);
    else
        api_failure(job->call, job->status, &job->err);
}

void session_password(struct call *c)
{
    struct password_job *job = job_of(c);
    if (!job)
        return;
    json_t *body = job->body;
    if (api_member(c, body, "old", &job->old) && api_member(c, body, "new", &job->new))
        submit(job, password_work, password_done);
    else
        json_decref(body);
}

void session_show(struct call *c)
{
    put_session(c, &c->who);
}

void session_logout(struct call *c)
{
    struct err err = {0};
    enum status st = access_logout(c->api->access, &c->who, &err);
    if (st) {
        api_failure(c, st, &err);
        return;
    }
    set_cookie(c, "");
    api_no_content(c);
}
