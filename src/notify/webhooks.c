/* Channels that are one POST: Slack, Teams, webhook, Alertmanager. */
#include "notify/channel.h"

#include "base/clock.h"
#include "base/json.h"
#include "net/http.h"

#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static enum status check_webhook(struct sending *s)
{
    return check_url(s, "url");
}

static const json_t *alert_at(const struct sending *s, size_t i)
{
    return json_array_get(json_object_get(s->note, "alerts"), i);
}

static const char *colour(const struct sending *s)
{
    const char *severity = note_severity(s);
    return !note_firing(s)                     ? "#2e7d32"
           : strcmp(severity, "critical") == 0 ? "#c62828"
           : strcmp(severity, "warning") == 0  ? "#ef6c00"
                                               : "#1565c0";
}

/* ---- Slack: incoming webhook ---- */

/* & < > are Slack's control characters. */
static void slack_escape(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '&' || c == '<' || c == '>')
            buf_str(out, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;");
        else
            buf_char(out, c);
    }
}

static void escaped_field(struct json *j, const char *key, struct buf *text)
{
    auto_buf escaped = {0};
    slack_escape(buf_view(text), &escaped);
    json_field_span(j, key, buf_view(&escaped));
}

static enum status send_slack(struct sending *s)
{
    auto_buf title = {0}, lines = {0}, body = {0};
    auto_secret *url = NULL;
    struct json j = json_to(&body);
    text_title(s, &title);
    text_lines(s, &lines, NOTIFY_LISTED_MAX);
    json_begin_object(&j);
    escaped_field(&j, "text", &title);
    json_key(&j, "attachments");
    json_begin_array(&j);
    json_begin_object(&j);
    json_field(&j, "color", colour(s));
    escaped_field(&j, "fallback", &title);
    json_field(&j, "title", "Open in Galen");
    json_field(&j, "title_link", note_url(s));
    escaped_field(&j, "text", &lines);
    json_end_object(&j);
    json_end_array(&j);
    json_end_object(&j);
    enum status st = config_secret(s, "url", &url);
    return st ? st : post(s, url, "slack", "application/json", buf_view(&body), NULL, NULL, NULL);
}

static const char *const url_keys[] = {"url", "ca_file", NULL};
const struct channel_kind channel_slack = {"slack", check_webhook, send_slack, url_keys};

/* ---- Microsoft Teams: a workflow's webhook takes an adaptive card ---- */

/* A text block knows Markdown: what comes from labels must not become a link. */
static void no_links(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        buf_char(out, text.at[i]);
        if (text.at[i] == ']' && i + 1 < text.len && text.at[i + 1] == '(')
            buf_char(out, ' ');
    }
}

static void text_block(struct json *j, struct span text, const char *size, const char *weight)
{
    auto_buf plain = {0};
    no_links(text, &plain);
    json_begin_object(j);
    json_field(j, "type", "TextBlock");
    json_field_span(j, "text", buf_view(&plain));
    json_field_bool(j, "wrap", true);
    if (size)
        json_field(j, "size", size);
    if (weight)
        json_field(j, "weight", weight);
    json_end_object(j);
}

static void card(const struct sending *s, struct json *j)
{
    auto_buf title = {0};
    size_t n = json_array_size(json_object_get(s->note, "alerts"));
    text_title(s, &title);
    json_begin_object(j);
    json_field(j, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
    json_field(j, "type", "AdaptiveCard");
    json_field(j, "version", "1.4");
    json_key(j, "body");
    json_begin_array(j);
    text_block(j, buf_view(&title), "Large", "Bolder");
    for (size_t i = 0; i < MIN(n, (size_t)NOTIFY_LISTED_MAX); i++) {
        auto_buf line = {0};
        alert_line(alert_at(s, i), &line);
        text_block(j, buf_view(&line), NULL, NULL);
    }
    if (n > NOTIFY_LISTED_MAX) {
        auto_buf more = {0};
        buf_printf(&more, "and %zu more", n - NOTIFY_LISTED_MAX);
        text_block(j, buf_view(&more), NULL, NULL);
    }
    json_end_array(j);
    if (*note_url(s)) {
        json_key(j, "actions");
        json_begin_array(j);
        json_begin_object(j);
        json_field(j, "type", "Action.OpenUrl");
        json_field(j, "title", "Open in Galen");
        json_field(j, "url", note_url(s));
        json_end_object(j);
        json_end_array(j);
    }
    json_end_object(j);
}

static enum status send_teams(struct sending *s)
{
    auto_buf body = {0};
    auto_secret *url = NULL;
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_field(&j, "type", "message");
    json_key(&j, "attachments");
    json_begin_array(&j);
    json_begin_object(&j);
    json_field(&j, "contentType", "application/vnd.microsoft.card.adaptive");
    json_field(&j, "contentUrl", NULL);
    json_key(&j, "content");
    card(s, &j);
    json_end_object(&j);
    json_end_array(&j);
    json_end_object(&j);
    enum status st = config_secret(s, "url", &url);
    return st ? st : post(s, url, "teams", "application/json", buf_view(&body), NULL, NULL, NULL);
}

const struct channel_kind channel_teams = {"teams", check_webhook, send_teams, url_keys};

/* ---- generic webhook ---- */

/* X-Galen-Signature: sha256=HMAC-SHA256(secret, "TIMESTAMP.BODY") in hexadecimal, with the time
 * that X-Galen-Timestamp says: a receiver can refuse what is old. */
static void sign(const char *secret, const char *timestamp, struct span body, struct buf *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    auto_buf text = {0};
    buf_printf(&text, "%s.", timestamp);
    buf_span(&text, body);
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text.at, text.len,
         digest, &n);
    buf_str(out, "X-Galen-Signature: sha256=");
    for (unsigned i = 0; i < n; i++)
        buf_printf(out, "%02x", digest[i]);
}

static enum status send_webhook(struct sending *s)
{
    auto_secret *url = NULL;
    auto_secret *secret = NULL;
    auto_secret *bearer = NULL;
    auto_buf signature = {0}, timestamp = {0}, authorization = {0};
    auto_buf delivery = {0};
    const char *headers[5] = {NULL};
    size_t n = 0;
    enum status st = config_secret(s, "url", &url);
    if (!st)
        st = config_secret(s, "secret", &secret);
    if (!st)
        st = config_secret(s, "bearer", &bearer);
    if (st)
        return st;
    if (s->id) { /* the same when it is sent again */
        buf_printf(&delivery, "X-Galen-Delivery: %lld", (long long)s->id);
        headers[n++] = buf_text(&delivery);
    }
    if (secret) {
        buf_printf(&timestamp, "X-Galen-Timestamp: %lld", (long long)(clock_wall_ms() / 1000));
        headers[n++] = buf_text(&timestamp);
        sign(secret, headers[n - 1] + strlen("X-Galen-Timestamp: "), s->raw, &signature);
        headers[n++] = buf_text(&signature);
    }
    if (bearer) {
        buf_printf(&authorization, "Authorization: Bearer %s", bearer);
        headers[n++] = buf_text(&authorization);
    }
    st = post(s, url, "webhook", "application/json", s->raw, headers, NULL, NULL);
    if (authorization.at)
        explicit_bzero(authorization.at, authorization.len);
    return st;
}

static const char *const webhook_keys[] = {"url", "secret", "bearer", "ca_file", NULL};
const struct channel_kind channel_webhook = {"webhook", check_webhook, send_webhook, webhook_keys};

/* ---- Prometheus Alertmanager: POST /api/v2/alerts ---- */

/* While it fires it ends in 4 re-sends' time: then Alertmanager resolves it if we are gone. */
static enum status send_alertmanager(struct sending *s)
{
    auto_secret *url = NULL;
    auto_buf body = {0}, address = {0};
    char later[TIME_TEXT_MAX];
    struct json j = json_to(&body);
    const json_t *alerts = json_object_get(s->note, "alerts");
    clock_rfc3339(clock_wall_ms() + 4 * 60 * 1000, later);
    json_begin_array(&j);
    for (size_t i = 0; i < json_array_size(alerts); i++) {
        const json_t *a = json_array_get(alerts, i);
        static const char *const parts[] = {"labels", "annotations"};
        const char *status = json_string_value(json_object_get(a, "status"));
        bool firing = status && strcmp(status, "firing") == 0;
        json_begin_object(&j);
        for (size_t k = 0; k < COUNT(parts); k++) {
            char *text = json_dumps(json_object_get(a, parts[k]), JSON_COMPACT);
            json_key(&j, parts[k]);
            json_raw(&j, text ? span_of(text) : SPAN("{}"));
            free(text);
        }
        json_field(&j, "startsAt", json_string_value(json_object_get(a, "startsAt")));
        json_field(&j, "endsAt", firing ? later : json_string_value(json_object_get(a, "endsAt")));
        json_field(&j, "generatorURL", json_string_value(json_object_get(a, "generatorURL")));
        json_end_object(&j);
    }
    json_end_array(&j);
    enum status st = config_secret(s, "url", &url);
    if (st)
        return st;
    struct span base = span_of(url);
    while (base.len && base.at[base.len - 1] == '/')
        base.len--;
    buf_printf(&address, "%.*s/api/v2/alerts", SPAN_ARG(base));
    return post(s, buf_text(&address), "alertmanager", "application/json", buf_view(&body), NULL,
                NULL, NULL);
}

const struct channel_kind channel_alertmanager = {"alertmanager", check_webhook, send_alertmanager,
                                                  url_keys};
