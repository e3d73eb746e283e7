/* What the handlers share: failures as problem+json, JSON bodies in and out. */
#include "api/call.h"

#include <jansson.h>

enum { RETRY_AFTER_S = 1, ETAG_TEXT_MAX = 32 };

static int http_status_of(enum status st)
{
    switch (st) {
    case OK:
        return 200;
    case INVALID:
    case UNSUPPORTED:
        return 400;
    case NOT_FOUND:
        return 404;
    case EXISTS:
        return 409;
    case DENIED:
        return 401;
    case AGAIN:
    case TIMED_OUT:
    case UNREACHABLE:
        return 503;
    case FULL:
        return 507;
    case IO_FAILED:
    case CORRUPT:
        return 500;
    }
    return 500;
}

void api_failure(struct call *c, enum status st, const struct err *err)
{
    int status = http_status_of(st);
    if (status == 503 || status == 507)
        http_reply_header(c->req, "Retry-After", "1");
    http_problem(c->req, status, "%s", err->text);
}

void api_etag(struct call *c, int64_t version)
{
    char etag[ETAG_TEXT_MAX];
    snprintf(etag, sizeof etag, "\"%lld\"", (long long)version);
    http_reply_header(c->req, "ETag", etag);
}

bool api_if_match(struct call *c, int64_t *out)
{
    struct span tag = span_trim(http_request_header(c->req, "If-Match"));
    *out = -1;
    if (!tag.len || span_is(tag, "*"))
        return true;
    if (span_starts(tag, SPAN("W/")))
        tag = span_from(tag.at + 2, tag.len - 2);
    if (tag.len > 2 && tag.at[0] == '"' && tag.at[tag.len - 1] == '"' &&
        span_i64(span_from(tag.at + 1, tag.len - 2), out) && *out >= 0)
        return true;
    http_problem(c->req, 400, "If-Match is an ETag, or a version in quotes, such as \"3\"");
    return false;
}

void api_busy(struct call *c, const char *why)
{
    struct err err = {0};
    err_set(&err, AGAIN, "%s; try again in %d s", why, RETRY_AFTER_S);
    api_failure(c, AGAIN, &err);
}

void api_json(struct call *c, int status, struct buf *body)
{
    if (body->failed)
        http_problem(c->req, 500, "the answer became too large");
    else
        http_reply(c->req, status, "application/json", buf_view(body));
}

void api_no_content(struct call *c)
{
    http_reply(c->req, 204, NULL, SPAN(""));
}

struct json_t *api_body(struct call *c)
{
    json_error_t fault;
    struct span body = http_request_body(c->req);
    json_t *root = json_loadb(body.at ? body.at : "", body.len, JSON_REJECT_DUPLICATES, &fault);
    if (!root) {
        http_problem(c->req, 400, "the body is not JSON: line %d, column %d: %s", fault.line,
                     fault.column, fault.text);
    } else if (!json_is_object(root)) {
        http_problem(c->req, 400, "the body must be a JSON object");
        json_decref(root);
        root = NULL;
    }
    return root;
}

bool api_member(struct call *c, struct json_t *body, const char *name, struct span *out)
{
    const json_t *value = json_object_get(body, name);
    if (!json_is_string(value) || !json_string_length(value)) {
        http_problem(c->req, 400, "\"%s\" is missing or not text", name);
        return false;
    }
    *out = span_from(json_string_value(value), json_string_length(value));
    return true;
}
