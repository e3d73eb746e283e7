/* New agents: a join token from an admin, exchanged by the agent for a token of its own. */
#include "api/call.h"

#include "base/clock.h"
#include "base/json.h"

#include <jansson.h>

enum {
    JOIN_USES_MAX = 10000,
    JOIN_EXPIRES_DEFAULT_S = 3600,
    JOIN_EXPIRES_MAX_S = 30 * 86400,
    HOST_ID_MAX_BYTES = 128,
    HOST_NAME_MAX_BYTES = 253, /* RFC 1123 */
};

/* A whole number of the body, or its default. Replies and returns false when out of range. */
static bool number_of(struct call *c, json_t *body, const char *name, int64_t standard, int64_t max,
                      int64_t *out)
{
    const json_t *value = json_object_get(body, name);
    *out = json_is_integer(value) ? json_integer_value(value) : standard;
    if ((!value || json_is_integer(value)) && *out >= 1 && *out <= max)
        return true;
    http_problem(c->req, 400, "\"%s\" must be a whole number in 1..%lld", name, (long long)max);
    return false;
}

void enroll_make_token(struct call *c)
{
    json_t *body = api_body(c);
    if (!body)
        return;
    int64_t uses, expires_s, now_ms = clock_wall_ms();
    bool good =
        number_of(c, body, "uses", 1, JOIN_USES_MAX, &uses) &&
        number_of(c, body, "expires_s", JOIN_EXPIRES_DEFAULT_S, JOIN_EXPIRES_MAX_S, &expires_s);
    json_decref(body);
    if (!good)
        return;
    struct err err = {0};
    char token[TOKEN_TEXT_MAX];
    int64_t expires_ms = now_ms + expires_s * 1000;
    enum status st =
        access_join_token(c->api->access, uses, expires_ms, c->who.name, now_ms, token, &err);
    if (st) {
        api_failure(c, st, &err);
        return;
    }
    auto_buf answer = {0};
    struct json j = json_to(&answer);
    json_begin_object(&j);
    json_field(&j, "token", token);
    json_field_i64(&j, "expires_ms", expires_ms);
    json_end_object(&j);
    http_reply_header(c->req, "Cache-Control", "no-store");
    api_json(c, 200, &answer);
}

/* Letters, digits and - . _ : what a host name and a machine's id are made of. */
static bool is_name(struct span text, size_t max)
{
    if (!text.len || text.len > max)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.at[i];
        bool good = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                    (ch >= '0' && ch <= '9') || ch == '-' || ch == '.' || ch == '_';
        if (!good)
            return false;
    }
    return true;
}

static void enroll(struct call *c, struct span id, struct span name)
{
    struct err err = {0};
    char token[TOKEN_TEXT_MAX];
    if (!is_name(id, HOST_ID_MAX_BYTES) || !is_name(name, HOST_NAME_MAX_BYTES)) {
        http_problem(c->req, 400,
                     "machine_id and hostname are letters, digits, '-', '.' and '_', at most %d "
                     "and %d bytes",
                     HOST_ID_MAX_BYTES, HOST_NAME_MAX_BYTES);
        return;
    }
    enum status st = access_enroll(c->api->access, http_request_header(c->req, "Authorization"), id,
                                   name, clock_wall_ms(), token, &err);
    if (!st)
        st = record_host_seen(c->api->record, id, name, clock_wall_ms(), &err);
    if (st) {
        api_failure(c, st, &err);
        return;
    }
    auto_buf answer = {0};
    struct json j = json_to(&answer);
    json_begin_object(&j);
    json_field(&j, "token", token);
    json_field_span(&j, "host_id", id);
    json_end_object(&j);
    http_reply_header(c->req, "Cache-Control", "no-store");
    api_json(c, 200, &answer);
}

void enroll_agent(struct call *c)
{
    json_t *body = api_body(c);
    if (!body)
        return;
    struct span id, name;
    if (api_member(c, body, "machine_id", &id) && api_member(c, body, "hostname", &name))
        enroll(c, id, name);
    json_decref(body);
}
