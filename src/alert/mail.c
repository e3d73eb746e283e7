/* Mails from templates. */
#include "alert/mail.h"

#include "alert/labels_json.h"
#include "alert/template_tree.h"

#include "base/file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[MAIL_PARTS] = {"mail.subject.tmpl", "mail.text.tmpl",
                                              "mail.html.tmpl"};

struct mail_templates {
    struct arena arena;
    struct {
        const char *path;
        struct tmpl *tmpl;
    } part[MAIL_PARTS];
};

void mail_words_free(struct mail_words *w)
{
    for (size_t i = 0; i < MAIL_PARTS; i++)
        buf_free(&w->part[i]);
}

/* ---- the data ---- */

static struct tmpl_value text_value(struct span text)
{
    return (struct tmpl_value){.type = TV_STRING, .text = text};
}

static struct tmpl_value text_of(const json_t *from, const char *key)
{
    const char *text = json_string_value(json_object_get(from, key));
    return text_value(text ? span_of(text) : SPAN(""));
}

static struct tmpl_value number_of(int64_t i)
{
    return (struct tmpl_value){.type = TV_INT, .i = i, .number = (double)i};
}

/* Labels or annotations, sorted. */
static struct tmpl_value labels_of(const json_t *from, const char *member, struct arena *arena)
{
    return (struct tmpl_value){.type = TV_LABELS,
                               .labels = labels_of_object(json_object_get(from, member), arena)};
}

static struct tmpl_value record(const struct tmpl_field *fields, size_t n, struct arena *arena)
{
    struct tmpl_field *kept = ARENA_ARRAY(arena, struct tmpl_field, n);
    memcpy(kept, fields, n * sizeof *kept);
    return (struct tmpl_value){.type = TV_RECORD, .fields = kept, .n_fields = n};
}

static struct tmpl_value alert_of(const json_t *alert, struct arena *arena)
{
    const struct tmpl_field fields[] = {
        {"Status", text_of(alert, "status")},
        {"Labels", labels_of(alert, "labels", arena)},
        {"Annotations", labels_of(alert, "annotations", arena)},
        {"StartsAt", text_of(alert, "startsAt")},
        {"EndsAt", text_of(alert, "endsAt")},
        {"GeneratorURL", text_of(alert, "generatorURL")},
        {"Fingerprint", text_of(alert, "fingerprint")},
    };
    return record(fields, COUNT(fields), arena);
}

static struct tmpl_value list_of(const struct tmpl_value *items, size_t n)
{
    return (struct tmpl_value){.type = TV_LIST, .items = items, .n = n};
}

/* .Alerts, with .Firing and .Resolved. */
static struct tmpl_value alerts_of(const json_t *note, struct arena *arena)
{
    const json_t *alerts = json_object_get(note, "alerts");
    size_t n = json_array_size(alerts), n_firing = 0, n_over = 0;
    struct tmpl_value *all = ARENA_ARRAY(arena, struct tmpl_value, n);
    struct tmpl_value *firing = ARENA_ARRAY(arena, struct tmpl_value, n);
    struct tmpl_value *over = ARENA_ARRAY(arena, struct tmpl_value, n);
    for (size_t i = 0; i < n; i++) {
        all[i] = alert_of(json_array_get(alerts, i), arena);
        if (span_is(all[i].fields[0].value.text, "firing"))
            firing[n_firing++] = all[i];
        else
            over[n_over++] = all[i];
    }
    const struct tmpl_field fields[] = {{"Firing", list_of(firing, n_firing)},
                                        {"Resolved", list_of(over, n_over)}};
    struct tmpl_value list = record(fields, COUNT(fields), arena);
    list.type = TV_LIST;
    list.items = all;
    list.n = n;
    return list;
}

static struct tmpl_value data_of(const json_t *note, bool chart, struct span subject,
                                 struct arena *arena)
{
    struct tmpl_value alerts = alerts_of(note, arena);
    size_t listed = MIN(alerts.n, (size_t)MAIL_LISTED_MAX);
    int64_t cut = json_integer_value(json_object_get(note, "truncatedAlerts"));
    const struct tmpl_field fields[] = {
        {"Status", text_of(note, "status")},
        {"Receiver", text_of(note, "receiver")},
        {"GroupKey", text_of(note, "groupKey")},
        {"GroupLabels", labels_of(note, "groupLabels", arena)},
        {"CommonLabels", labels_of(note, "commonLabels", arena)},
        {"CommonAnnotations", labels_of(note, "commonAnnotations", arena)},
        {"ExternalURL", text_of(note, "externalURL")},
        {"TruncatedAlerts", number_of(cut)},
        {"Alerts", alerts},
        {"Listed", list_of(alerts.items, listed)},
        {"More", number_of((int64_t)(alerts.n - listed) + cut)},
        {"Subject", text_value(subject)},
        {"Chart", {.type = TV_BOOL, .b = chart}},
    };
    return record(fields, COUNT(fields), arena);
}

/* ---- writing ---- */

static enum status write_part(const struct tmpl *t, enum mail_part part, const json_t *note,
                              bool chart, struct span subject, struct buf *out, struct err *err)
{
    auto_arena arena = {0};
    struct tmpl_value root = data_of(note, chart, subject, &arena);
    struct tmpl_data data = {.root = &root,
                             .html = part == MAIL_HTML,
                             .output_max = MAIL_OUTPUT_MAX,
                             .external_url = text_of(note, "externalURL").text};
    enum status st = tmpl_expand(t, &data, &arena, out, err);
    while (!st && part == MAIL_SUBJECT && out->len && strchr(" \t\r\n", out->at[out->len - 1]))
        out->len--;
    return st;
}

enum status mail_write(const struct mail_templates *t, struct span json, bool chart,
                       struct mail_words *words, struct err *err)
{
    json_t *note = json_loadb(json.at, json.len, 0, NULL);
    enum status st = note ? OK : err_set(err, INVALID, "the notification is no JSON");
    for (enum mail_part i = 0; !st && i < MAIL_PARTS; i++) {
        st = write_part(t->part[i].tmpl, i, note, chart, buf_view(&words->part[MAIL_SUBJECT]),
                        &words->part[i], err);
        if (st)
            err_prefix(err, "%s", t->part[i].path);
    }
    json_decref(note);
    if (st)
        mail_words_free(words);
    return st;
}

/* ---- reading ---- */

/* Both ends of what a template may meet: a template that fails on one of them is not taken. */
static const char *const trials[] = {
    "{\"status\":\"firing\",\"receiver\":\"r\",\"groupKey\":\"k\",\"groupLabels\":{\"a\":\"b\"},"
    "\"commonLabels\":{\"alertname\":\"A\",\"instance\":\"h\"},\"commonAnnotations\":{\"title\":"
    "\"t\"},\"externalURL\":\"https://galen.example\",\"truncatedAlerts\":1,\"alerts\":[{"
    "\"status\":\"firing\",\"labels\":{\"alertname\":\"A\",\"severity\":\"critical\"},"
    "\"annotations\":{\"summary\":\"s\",\"description\":\"d\"},\"startsAt\":"
    "\"2026-01-02T03:04:05.000Z\",\"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\":"
    "\"https://galen.example/alerts/1\",\"fingerprint\":\"00\"},{\"status\":\"resolved\","
    "\"labels\":{\"alertname\":\"A\"},\"annotations\":{},\"startsAt\":\"2026-01-02T03:04:05.000Z\","
    "\"endsAt\":\"2026-01-02T04:04:05.000Z\",\"generatorURL\":\"https://galen.example/alerts/2\","
    "\"fingerprint\":\"01\"}]}",
    "{\"status\":\"resolved\",\"alerts\":[{\"status\":\"resolved\",\"labels\":{\"alertname\":\"A\"}"
    "}]}",
    "{\"status\":\"firing\",\"alerts\":[{\"status\":\"firing\",\"labels\":{\"alertname\":\"A\"}"
    "}]}",
};

static enum status try_part(const struct tmpl *t, enum mail_part part, struct err *err)
{
    enum status st = OK;
    for (size_t i = 0; !st && i < COUNT(trials); i++) {
        auto_buf out = {0};
        json_t *note = json_loads(trials[i], 0, NULL);
        st = write_part(t, part, note, i == 0, SPAN("subject"), &out, err);
        json_decref(note);
    }
    return st;
}

static enum status read_part(const char *path, enum mail_part part, struct arena *arena,
                             struct tmpl **out, struct err *err)
{
    auto_buf text = {.max = TMPL_TEXT_MAX_BYTES};
    enum status st = file_read(path, &text, err);
    if (st)
        return st; /* names the file */
    st = tmpl_parse(arena_span(arena, buf_view(&text)), arena, out, err);
    if (!st)
        st = try_part(*out, part, err);
    if (st)
        err_prefix(err, "%s", path);
    return st;
}

enum status mail_templates_open(const char *shipped, const char *own, struct mail_templates **out,
                                struct err *err)
{
    struct mail_templates *t = mem_zero(1, sizeof *t);
    enum status st = OK;
    *out = NULL;
    for (enum mail_part i = 0; !st && i < MAIL_PARTS; i++) {
        const char *path = own ? arena_printf(&t->arena, "%s/%s", own, names[i]) : NULL;
        if (!path || access(path, F_OK) != 0)
            path = arena_printf(&t->arena, "%s/%s", shipped, names[i]);
        t->part[i].path = path;
        st = read_part(path, i, &t->arena, &t->part[i].tmpl, err);
    }
    if (st)
        mail_templates_close(t);
    else
        *out = t;
    return st;
}

void mail_templates_close(struct mail_templates *t)
{
    if (t)
        arena_free(&t->arena);
    free(t);
}

enum status mail_template_check(const char *path, struct err *err)
{
    auto_arena arena = {0};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct tmpl *t;
    for (enum mail_part i = 0; i < MAIL_PARTS; i++)
        if (strcmp(name, names[i]) == 0)
            return read_part(path, i, &arena, &t, err);
    return err_set(err, INVALID, "%s: a template is named %s, %s or %s", path, names[MAIL_SUBJECT],
                   names[MAIL_TEXT], names[MAIL_HTML]);
}
