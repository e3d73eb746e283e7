/* The kinds of channels, their configurations and secrets. */
#include "notify/channel.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct channel_kind *const kinds[] = {
    &channel_email, &channel_slack,        &channel_teams,  &channel_webhook,
    &channel_sms,   &channel_alertmanager, &channel_script,
};

/* Members that are never shown again. */
static const char *const secrets[] = {"password", "url", "token", "secret", "bearer"};

enum status notify_init(struct err *err)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) ? err_set(err, IO_FAILED, "libcurl does not start")
                                                 : OK;
}

void notify_end(void)
{
    curl_global_cleanup();
}

/* ---- configuration ---- */

const char *config_text(const struct sending *s, const char *key)
{
    return json_string_value(json_object_get(s->config, key));
}

bool config_has(const struct sending *s, const char *key)
{
    return json_object_get(s->config, key) != NULL;
}

enum status config_needs(struct sending *s, const char *key)
{
    return config_has(s, key) ? OK : err_set(s->err, INVALID, "the channel needs \"%s\"", key);
}

void secret_free(char **secret)
{
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

static enum status from_credential(const struct sending *s, const char *name, char **out)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    auto_buf path = {0};
    if (!dir || strchr(name, '/'))
        return err_set(s->err, INVALID, "there is no credential \"%.64s\" (LoadCredential=)", name);
    buf_printf(&path, "%s/%s", dir, name);
    return file_read_secret(buf_text(&path), out, s->err);
}

static enum status from_seal(const struct sending *s, const char *key, const char *sealed,
                             char **out)
{
    if (s->settings->key && sealed && secret_unseal(s->settings->key, span_of(sealed), out))
        return OK;
    return err_set(s->err, INVALID, "%s: it was sealed with another key: write it again", key);
}

enum status config_secret(const struct sending *s, const char *key, char **out)
{
    const json_t *v = json_object_get(s->config, key);
    const char *text = json_string_value(v), *file = json_string_value(json_object_get(v, "file"));
    const char *env = json_string_value(json_object_get(v, "env"));
    const char *credential = json_string_value(json_object_get(v, "credential"));
    const json_t *sealed = json_object_get(v, "sealed");
    *out = NULL;
    if (!v)
        return OK;
    if (sealed)
        return from_seal(s, key, json_string_value(sealed), out);
    if (file)
        return file_read_secret(file, out, s->err);
    if (credential)
        return from_credential(s, credential, out);
    if (env)
        text = getenv(env);
    if (!text || !*text)
        return err_set(s->err, INVALID,
                       env ? "%s: the environment has no %.64s"
                           : "%s: a text, {\"file\":...}, {\"env\":...} or {\"credential\":...}",
                       key, env);
    *out = mem_dup(text);
    return OK;
}

/* ---- checking ---- */

static const struct channel_kind *kind_of(struct span name)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (span_is(name, kinds[i]->name))
            return kinds[i];
    return NULL;
}

static enum status known_members(const struct channel_kind *k, struct sending *s)
{
    const char *key;
    json_t *value;
    if (!json_is_object(s->config))
        return err_set(s->err, INVALID, "a channel's configuration is an object");
    json_object_foreach((json_t *)(uintptr_t)s->config, key, value)
    {
        size_t i = 0;
        while (k->keys[i] && strcmp(k->keys[i], key) != 0)
            i++;
        if (!k->keys[i])
            return err_set(s->err, INVALID, "a channel of kind %s has no \"%.64s\"", k->name, key);
    }
    return OK;
}

static enum status check(const struct channel_kind *k, struct sending *s)
{
    enum status st = known_members(k, s);
    return st ? st : k->check(s);
}

static json_t *load(struct span text, struct err *err)
{
    json_error_t why;
    json_t *root = json_loadb(text.at ? text.at : "", text.len, 0, &why);
    if (!root)
        err_set(err, INVALID, "not JSON: %s", why.text);
    return root;
}

enum status notify_check(struct span kind, struct span config, const struct notify_settings *s,
                         struct err *err)
{
    const struct channel_kind *k = kind_of(kind);
    if (!k)
        return err_set(err, INVALID,
                       "there is no channel of kind \"%.*s\": email, slack, teams, webhook, sms, "
                       "alertmanager, script, browser",
                       (int)MIN(kind.len, (size_t)40), kind.at);
    json_t *root = load(config, err);
    if (!root)
        return INVALID;
    struct sending sending = {.config = root, .settings = s, .err = err};
    enum status st = check(k, &sending);
    json_decref(root);
    return st;
}

static void put_back(json_t *root, struct buf *out)
{
    char *text = json_dumps(root, JSON_COMPACT);
    buf_str(out, text ? text : "{}");
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    json_decref(root);
}

enum status notify_masked(struct span config, struct buf *out, struct err *err)
{
    json_t *root = load(config, err);
    if (!root)
        return INVALID;
    for (size_t i = 0; i < COUNT(secrets); i++) {
        const json_t *v = json_object_get(root, secrets[i]);
        if (json_is_string(v) || json_object_get(v, "sealed"))
            json_object_set_new(root, secrets[i], json_pack("{s:b}", "set", 1));
    }
    put_back(root, out);
    return OK;
}

/* Who may write a channel could else send its secrets to a place of their own. */
static const char *moved(const json_t *root, const json_t *old)
{
    static const char *const places[] = {"host", "port", "tls", "ca_file", "api_url"};
    const json_t *url = json_object_get(root, "url");
    for (size_t i = 0; i < COUNT(places); i++) {
        const json_t *now = json_object_get(root, places[i]),
                     *was = json_object_get(old, places[i]);
        if (now != was && !json_equal(now, was))
            return places[i];
    }
    return url && !json_is_true(json_object_get(url, "set")) &&
                   !json_equal(url, json_object_get(old, "url"))
               ? "url"
               : NULL;
}

enum status notify_unmasked(struct span new_config, struct span old_config, struct buf *out,
                            struct err *err)
{
    json_t *root = load(new_config, err), *old = NULL;
    enum status st = OK;
    if (!root)
        return INVALID;
    old = load(old_config, NULL);
    const char *place = moved(root, old);
    for (size_t i = 0; i < COUNT(secrets); i++)
        if (json_is_true(json_object_get(json_object_get(root, secrets[i]), "set"))) {
            json_t *kept = json_object_get(old, secrets[i]);
            if (kept && place)
                st = err_set(err, INVALID, "\"%s\" has changed: write \"%s\" again, too", place,
                             secrets[i]);
            else if (kept)
                json_object_set(root, secrets[i], kept);
            else
                json_object_del(root, secrets[i]);
        }
    json_decref(old);
    if (st)
        json_decref(root);
    else
        put_back(root, out);
    return st;
}

enum status notify_sealed(struct span config, const struct notify_settings *settings,
                          struct buf *out, struct err *err)
{
    json_t *root = load(config, err);
    if (!root)
        return INVALID;
    for (size_t i = 0; settings->key && i < COUNT(secrets); i++) {
        const char *plain = json_string_value(json_object_get(root, secrets[i]));
        auto_buf sealed = {0};
        if (!plain)
            continue;
        secret_seal(settings->key, span_of(plain), &sealed);
        json_object_set_new(root, secrets[i], json_pack("{s:s}", "sealed", buf_text(&sealed)));
    }
    put_back(root, out);
    return OK;
}

/* ---- sending ---- */

enum status each_recipient(struct sending *s,
                           enum status (*fn)(struct sending *s, const char *to, void *arg),
                           void *arg)
{
    const json_t *to = json_object_get(s->config, "to");
    enum status st = OK;
    for (size_t i = 0; !st && i < json_array_size(to); i++) {
        const char *one = json_string_value(json_array_get(to, i));
        if (!s->recipient.len || span_is(s->recipient, one))
            st = fn(s, one, arg);
    }
    return st;
}

size_t notify_recipients(struct span kind, struct span config, struct arena *arena,
                         struct span **out)
{
    bool one_by_one = span_is(kind, "email") || span_is(kind, "sms");
    json_t *root = one_by_one ? load(config, NULL) : NULL;
    const json_t *to = json_object_get(root, "to");
    size_t n = 0;
    *out = ARENA_ARRAY(arena, struct span, json_array_size(to));
    for (size_t i = 0; i < json_array_size(to); i++) {
        const char *one = json_string_value(json_array_get(to, i));
        if (one && *one)
            (*out)[n++] = span_of(arena_dup(arena, one));
    }
    json_decref(root);
    return n;
}

enum status notify_send(const struct notification *n, const struct notify_settings *s,
                        struct err *err)
{
    const struct channel_kind *k = kind_of(n->kind);
    if (!k)
        return err_set(err, INVALID, "there is no channel of this kind");
    json_t *root = load(n->config, err), *note = load(n->json, err);
    struct sending sending = {.config = root,
                              .note = note,
                              .raw = n->json,
                              .subject = n->subject,
                              .text = n->text,
                              .html = n->html,
                              .png = n->png,
                              .recipient = n->recipient,
                              .id = n->id,
                              .settings = s,
                              .err = err};
    enum status st = root && note ? check(k, &sending) : INVALID;
    if (!st)
        st = k->send(&sending);
    else if (k != &channel_script)
        st = AGAIN; /* it was right when it was written: a secret's file may come back */
    json_decref(root);
    json_decref(note);
    return st;
}

/* One alert that fires, of a name, with a sentence. */
static void one_alert(const char *key, struct span receiver, struct span labels, struct span words,
                      struct span external_url, int64_t now_ms, struct buf *out)
{
    char at[TIME_TEXT_MAX];
    struct json j = json_to(out);
    clock_rfc3339(now_ms, at);
    json_begin_object(&j);
    json_field(&j, "version", "4");
    json_field(&j, "groupKey", key);
    json_field_i64(&j, "truncatedAlerts", 0);
    json_field(&j, "status", "firing");
    json_field_span(&j, "receiver", receiver);
    json_key(&j, "groupLabels");
    json_raw(&j, labels);
    json_key(&j, "commonLabels");
    json_raw(&j, labels);
    json_key(&j, "commonAnnotations");
    json_raw(&j, words);
    json_field_span(&j, "externalURL", external_url);
    json_key(&j, "alerts");
    json_begin_array(&j);
    json_begin_object(&j);
    json_field(&j, "status", "firing");
    json_key(&j, "labels");
    json_raw(&j, labels);
    json_key(&j, "annotations");
    json_raw(&j, words);
    json_field(&j, "startsAt", at);
    json_field(&j, "endsAt", "0001-01-01T00:00:00Z");
    json_field_span(&j, "generatorURL", external_url);
    json_field(&j, "fingerprint", "0000000000000000");
    json_end_object(&j);
    json_end_array(&j);
    json_end_object(&j);
}

void notify_test_notification(struct span channel, struct span external_url, int64_t now_ms,
                              struct buf *out)
{
    one_alert("test", channel, SPAN("{\"alertname\":\"Test\",\"severity\":\"info\"}"),
              SPAN("{\"summary\":\"This is a test: the channel works\"}"), external_url, now_ms,
              out);
}

void notify_dead_man_notification(struct span external_url, int64_t now_ms, struct buf *out)
{
    one_alert("dead-mans-switch", SPAN("dead-mans-switch"),
              SPAN("{\"alertname\":\"DeadMansSwitch\",\"severity\":\"none\"}"),
              SPAN("{\"summary\":\"Galen lives; sound the alarm when this stays away\"}"),
              external_url, now_ms, out);
}
