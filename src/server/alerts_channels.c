/* The channels as people wrote them, and the key that their secrets are sealed with: a file beside
 * the record, of which no backup has a copy. */
#include "server/alerts_state.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

static void read_channel(const struct document_row *row, struct arena *arena, struct channel *c)
{
    json_t *j = json_loadb(row->json.at, row->json.len, 0, NULL);
    const char *kind = json_string_value(json_object_get(j, "kind"));
    char *config = json_dumps(json_object_get(j, "config"), JSON_COMPACT);
    *c = (struct channel){.id = row->id,
                          .name = row->name,
                          .kind = span_of(arena_dup(arena, kind ? kind : "")),
                          .config = span_of(arena_dup(arena, config ? config : "{}")),
                          .enabled = !json_is_false(json_object_get(j, "enabled"))};
    free(config);
    json_decref(j);
}

void alerts_channels_load(struct alerts *a)
{
    struct sender_view *v = &a->known;
    struct document_row *rows;
    size_t n;
    arena_free(&v->channels_arena);
    v->n_channels = 0;
    if (record_documents(a->config.record, SPAN("channel"), &v->channels_arena, &rows, &n, NULL))
        return;
    v->channels = ARENA_ARRAY(&v->channels_arena, struct channel, n);
    for (; v->n_channels < n; v->n_channels++)
        read_channel(&rows[v->n_channels], &v->channels_arena, &v->channels[v->n_channels]);
}

/* ---- secrets at rest ---- */

static enum status make_key(struct alerts *a, struct err *err)
{
    char text[2 * NOTIFY_KEY_BYTES + 2];
    random_bytes(a->key, sizeof a->key);
    hex_encode(span_from(a->key, sizeof a->key), text);
    text[sizeof text - 2] = '\n';
    enum status st =
        file_write_atomic(a->config.key_file, span_from(text, sizeof text - 1), 0600, err);
    explicit_bzero(text, sizeof text);
    return st;
}

static enum status read_key(struct alerts *a, struct err *err)
{
    char *text = NULL;
    if (access(a->config.key_file, F_OK) != 0 && errno == ENOENT)
        return make_key(a, err);
    enum status st = file_read_secret(a->config.key_file, &text, err);
    if (st)
        return st;
    if (!hex_decode(span_of(text), a->key, sizeof a->key))
        st = err_set(err, INVALID, "%s is not a key: %d hexadecimal digits", a->config.key_file,
                     2 * NOTIFY_KEY_BYTES);
    explicit_bzero(text, strlen(text));
    free(text);
    return st;
}

/* A channel from before there was a key. */
static void seal_one(struct alerts *a, struct document_row *row)
{
    json_t *root = json_loadb(row->json.at, row->json.len, 0, NULL);
    char *config = json_dumps(json_object_get(root, "config"), JSON_COMPACT), *whole = NULL;
    auto_buf sealed = {0};
    struct err err = {0};
    if (config && !notify_sealed(span_of(config), &a->notify, &sealed, &err) &&
        !span_eq(buf_view(&sealed), span_of(config))) {
        json_object_set_new(root, "config", json_loads(buf_text(&sealed), 0, NULL));
        whole = json_dumps(root, JSON_COMPACT);
        row->json = span_of(whole);
        if (record_document_put(a->config.record, row, -1, CHANNELS_MAX, &err))
            log_error("the secrets of channel %lld are not sealed: %s", (long long)row->id,
                      err.text);
    }
    free(whole);
    free(config);
    json_decref(root);
}

enum status alerts_channels_open(struct alerts *a, struct err *err)
{
    auto_arena arena = {0};
    struct document_row *rows;
    size_t n;
    if (!a->config.key_file)
        return OK;
    enum status st = read_key(a, err);
    if (st)
        return st;
    a->notify.key = a->key;
    st = record_documents(a->config.record, SPAN("channel"), &arena, &rows, &n, err);
    for (size_t i = 0; !st && i < n; i++)
        seal_one(a, &rows[i]);
    return st;
}

/* ---- a test ---- */

enum status alerts_test(struct alerts *a, int64_t channel_id, struct err *err)
{
    auto_arena arena = {0};
    auto_buf note = {0};
    struct document_row row;
    struct channel c;
    enum status st =
        record_document(a->config.record, SPAN("channel"), channel_id, SPAN(""), &arena, &row, err);
    if (st)
        return st;
    read_channel(&row, &arena, &c);
    notify_test_notification(c.name, span_of(a->config.external_url), clock_wall_ms(), &note);
    if (!span_is(c.kind, "browser")) {
        auto_mail_words words = {0};
        struct notification n = {.kind = c.kind, .config = c.config, .json = buf_view(&note)};
        if (span_is(c.kind, "email"))
            alerts_mail(a, &n, &words);
        return notify_send(&n, &a->notify, err);
    }
    alerts_to_browsers(a, buf_text(&note));
    return OK;
}
