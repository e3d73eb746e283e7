/* Routes, inhibition and silences as JSON -> what is matched with. */
#include "alert/route_state.h"

#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>

const char routing_default[] =
    "{\"group_by\":[\"instance\",\"alertname\"],\"group_wait\":\"30s\","
    "\"group_interval\":\"5m\",\"repeat_interval\":\"4h\",\"channels\":[\"*\"],"
    "\"routes\":[{\"name\":\"services\",\"matchers\":[\"category=\\\"service\\\"\"],"
    "\"group_by\":[\"category\"],\"group_wait\":\"0s\",\"group_interval\":\"10m\","
    "\"channels\":[\"*\"]}],"
    "\"inhibit\":["
    "{\"source\":[\"alertname=\\\"HostSilent\\\"\"],\"target\":[\"alertname!=\\\"HostSilent\\\"\"],"
    "\"equal\":[\"instance\"]},"
    "{\"source\":[\"severity=\\\"critical\\\"\"],\"target\":[\"severity=~\\\"warning|info\\\"\"],"
    "\"equal\":[\"alertname\",\"instance\",\"device\",\"mountpoint\",\"service\",\"path\"]}]}";

static const char *const routing_keys[] = {"group_by",        "group_wait", "group_interval",
                                           "repeat_interval", "channels",   "routes",
                                           "inhibit",         "summary",    NULL};
static const char *const route_keys[] = {
    "name",           "matchers",        "channels", "group_by", "group_wait",
    "group_interval", "repeat_interval", "continue", "hours",    NULL};
static const char *const inhibit_keys[] = {"source", "target", "equal", NULL};
static const char *const summary_keys[] = {"at", "zone", "channels", NULL};
static const char *const hours_keys[] = {"days", "from", "to", "zone", NULL};
static const char *const silence_keys[] = {"matchers",   "starts_ms",  "ends_ms", "comment",
                                           "created_by", "recurrence", NULL};

enum status members_known(const json_t *object, const char *where, const char *const *known,
                          struct err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return err_set(err, INVALID, "%s must be an object", where);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (!known[i])
            return err_set(err, INVALID, "%s: there is no \"%.64s\" here", where, key);
    }
    return OK;
}

static enum status texts_read(const json_t *list, const char *where, struct arena *arena,
                              struct span *out, size_t max, size_t *n, struct err *err)
{
    if (!list)
        return OK;
    if (!json_is_array(list) || json_array_size(list) > max)
        return err_set(err, INVALID, "%s must be a list of at most %zu texts", where, max);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !*text)
            return err_set(err, INVALID, "%s: number %zu is not a text", where, i + 1);
        out[i] = arena_span(arena, span_of(text));
    }
    *n = json_array_size(list);
    return OK;
}

enum status match_read(const json_t *list, const char *where, struct arena *arena,
                       struct match_list *out, struct err *err)
{
    struct span texts[ROUTE_MATCHERS_MAX] = {0};
    size_t n = 0;
    auto_buf selector = {0};
    struct err why = {0};
    *out = (struct match_list){0};
    enum status st = texts_read(list, where, arena, texts, ROUTE_MATCHERS_MAX, &n, err);
    if (st || !n)
        return st;
    /* A selector without a name may not match everything; this one has a name, left out below. */
    buf_str(&selector, "x{");
    for (size_t i = 0; i < n; i++) {
        buf_span(&selector, texts[i]);
        buf_char(&selector, ',');
    }
    buf_char(&selector, '}');
    if (promql_parse(buf_view(&selector), arena, &out->expr, &why))
        return err_set(err, INVALID, "%s: a matcher is written name=\"value\": %s", where,
                       why.text);
    out->at = promql_matchers(out->expr, &out->n);
    if (!out->at) {
        promql_free(out->expr);
        return err_set(err, INVALID, "%s: a matcher is written name=\"value\"", where);
    }
    return OK;
}

void match_free(struct match_list *m)
{
    promql_free(m->expr);
}

bool match_fits(const struct match_list *m, struct labels l)
{
    for (size_t i = 0; i < m->n; i++)
        if (!span_is(m->at[i].name, LABEL_NAME) &&
            !matcher_value_matches(&m->at[i], labels_get(l, m->at[i].name)))
            return false;
    return true;
}

enum status hours_read(const json_t *hours, const char *where, struct hours *out, struct err *err)
{
    const json_t *days = json_object_get(hours, "days");
    const char *from = json_string_value(json_object_get(hours, "from"));
    const char *to = json_string_value(json_object_get(hours, "to"));
    const char *zone = json_string_value(json_object_get(hours, "zone"));
    *out = (struct hours){0};
    enum status st = members_known(hours, where, hours_keys, err);
    if (st)
        return st;
    for (size_t i = 0; i < json_array_size(days); i++) {
        const char *name = json_string_value(json_array_get(days, i));
        int day;
        if (!name || !weekday_parse(span_of(name), &day))
            return err_set(err, INVALID, "%s: a day is mon, tue, ..., not \"%.20s\"", where,
                           name ? name : "");
        out->days |= 1U << day;
    }
    if (!from || !to || !time_of_day_parse(span_of(from), &out->from_m) ||
        !time_of_day_parse(span_of(to), &out->to_m))
        return err_set(err, INVALID, "%s: from and to are times such as \"08:30\"", where);
    return zone_open(span_of(zone ? zone : "UTC"), &out->zone, err);
}

static enum status duration_read(const json_t *object, const char *key, const char *where,
                                 int64_t *out, struct err *err)
{
    const json_t *v = json_object_get(object, key);
    int64_t ms;
    if (!v)
        return OK;
    const char *text = json_string_value(v);
    if (!text ||
        !(span_is(span_of(text), "0") ? (ms = 0, true) : duration_parse(span_of(text), &ms)) ||
        ms > 366 * INT64_C(86400000))
        return err_set(err, INVALID, "%s: %s is a duration such as \"30s\"", where, key);
    *out = ms;
    return OK;
}

static enum status read_common(struct routing *r, const json_t *j, const char *where,
                               struct route *to, struct err *err)
{
    enum status st = duration_read(j, "group_wait", where, &to->wait_ms, err);
    if (!st)
        st = duration_read(j, "group_interval", where, &to->interval_ms, err);
    if (!st)
        st = duration_read(j, "repeat_interval", where, &to->repeat_ms, err);
    if (!st)
        st = texts_read(json_object_get(j, "channels"), where, &r->arena, to->channels,
                        ROUTE_CHANNELS_MAX, &to->n_channels, err);
    if (!st)
        st = texts_read(json_object_get(j, "group_by"), where, &r->arena, to->group_by,
                        ROUTE_GROUP_BY_MAX, &to->n_group_by, err);
    to->by_all = to->n_group_by == 1 && span_is(to->group_by[0], "...");
    return st;
}

static enum status read_route(struct routing *r, const json_t *j, const struct route *base,
                              size_t i, struct err *err)
{
    char where[32];
    struct route *to = &r->routes[r->n];
    const char *name = json_string_value(json_object_get(j, "name"));
    snprintf(where, sizeof where, "route %zu", i + 1);
    *to = *base;
    to->match = (struct match_list){0};
    enum status st = members_known(j, where, route_keys, err);
    if (!st)
        st = match_read(json_object_get(j, "matchers"), where, &r->arena, &to->match, err);
    if (st)
        return st;
    r->n++;
    to->name = arena_span(&r->arena, span_of(name ? name : where));
    to->go_on = json_is_true(json_object_get(j, "continue"));
    st = read_common(r, j, where, to, err);
    const json_t *hours = json_object_get(j, "hours");
    if (st || !hours || json_is_null(hours))
        return st;
    st = hours_read(hours, where, &to->hours, err);
    to->has_hours = !st;
    return st;
}

static enum status read_inhibition(struct routing *r, const json_t *j, struct err *err)
{
    struct inhibition *to = &r->inhibitions[r->n_inhibitions];
    enum status st = members_known(j, "inhibit", inhibit_keys, err);
    if (!st)
        st = match_read(json_object_get(j, "source"), "inhibit", &r->arena, &to->source, err);
    if (st)
        return st;
    r->n_inhibitions++;
    st = match_read(json_object_get(j, "target"), "inhibit", &r->arena, &to->target, err);
    if (!st && (!to->source.n || !to->target.n))
        st = err_set(err, INVALID, "inhibit: source and target need matchers");
    return st ? st
              : texts_read(json_object_get(j, "equal"), "inhibit", &r->arena, to->equal,
                           ROUTE_GROUP_BY_MAX, &to->n_equal, err);
}

static enum status read_summary(struct routing *r, const json_t *j, struct err *err)
{
    const char *at = json_string_value(json_object_get(j, "at"));
    const char *zone = json_string_value(json_object_get(j, "zone"));
    if (!j || json_is_null(j))
        return OK;
    enum status st = members_known(j, "summary", summary_keys, err);
    if (!st && (!at || !time_of_day_parse(span_of(at), &r->summary_m)))
        st = err_set(err, INVALID, "summary: \"at\" is a time such as \"08:00\"");
    if (!st)
        st = texts_read(json_object_get(j, "channels"), "summary", &r->arena, r->summary_channels,
                        ROUTE_CHANNELS_MAX, &r->n_summary_channels, err);
    if (!st)
        st = zone_open(span_of(zone ? zone : "UTC"), &r->summary_zone, err);
    r->has_summary = !st;
    return st;
}

static enum status read_all(struct routing *r, const json_t *root, struct err *err)
{
    const json_t *routes = json_object_get(root, "routes"),
                 *inhibit = json_object_get(root, "inhibit");
    struct route base = {.name = SPAN("default"),
                         .group_by = {SPAN("instance"), SPAN("alertname")},
                         .n_group_by = 2,
                         .channels = {SPAN("*")},
                         .n_channels = 1,
                         .wait_ms = 30 * 1000,
                         .interval_ms = 5 * 60 * 1000,
                         .repeat_ms = 4 * 3600 * 1000};
    enum status st = members_known(root, "routes", routing_keys, err);
    if (!st)
        st = read_common(r, root, "routes", &base, err);
    if (!st && (json_array_size(routes) >= ROUTES_MAX || json_array_size(inhibit) > ROUTES_MAX))
        st = err_set(err, FULL, "at most %d routes and inhibitions", ROUTES_MAX - 1);
    for (size_t i = 0; !st && i < json_array_size(routes); i++)
        st = read_route(r, json_array_get(routes, i), &base, i, err);
    for (size_t i = 0; !st && i < json_array_size(inhibit); i++)
        st = read_inhibition(r, json_array_get(inhibit, i), err);
    if (!st)
        st = read_summary(r, json_object_get(root, "summary"), err);
    if (!st)
        r->routes[r->n++] = base; /* what no other took */
    return st;
}

enum status routing_read(struct span json, struct routing **out, struct err *err)
{
    json_error_t why;
    if (!json.len)
        json = span_of(routing_default);
    *out = NULL;
    json_t *root = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return err_set(err, INVALID, "not JSON, line %d: %s", why.line, why.text);
    struct routing *r = mem_zero(1, sizeof *r);
    enum status st = read_all(r, root, err);
    json_decref(root);
    if (st)
        routing_close(r);
    else
        *out = r;
    return st;
}

void routing_close(struct routing *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++) {
        match_free(&r->routes[i].match);
        zone_close(r->routes[i].hours.zone);
    }
    for (size_t i = 0; i < r->n_inhibitions; i++) {
        match_free(&r->inhibitions[i].source);
        match_free(&r->inhibitions[i].target);
    }
    zone_close(r->summary_zone);
    arena_free(&r->arena);
    free(r);
}

/* ---- silences ---- */

struct silence {
    int64_t id, starts_ms, ends_ms;
    struct match_list match;
    bool recurs;
    struct hours hours;
};

struct silences {
    struct arena arena;
    struct silence *at;
    size_t n;
};

struct silences *silences_open(void)
{
    return mem_zero(1, sizeof(struct silences));
}

void silences_close(struct silences *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        match_free(&s->at[i].match);
        zone_close(s->at[i].hours.zone);
    }
    arena_free(&s->arena);
    free(s);
}

static enum status silence_read(struct silences *s, const json_t *j, struct silence *to,
                                struct err *err)
{
    const json_t *recurrence = json_object_get(j, "recurrence");
    to->starts_ms = json_integer_value(json_object_get(j, "starts_ms"));
    to->ends_ms = json_integer_value(json_object_get(j, "ends_ms"));
    enum status st = members_known(j, "silence", silence_keys, err);
    if (!st && !json_array_size(json_object_get(j, "matchers")))
        st = err_set(err, INVALID, "a silence needs matchers: what it is for");
    if (!st && to->ends_ms && to->ends_ms <= to->starts_ms)
        st = err_set(err, INVALID, "a silence ends after it starts");
    to->recurs = recurrence && !json_is_null(recurrence);
    if (!st && !to->ends_ms && !to->recurs)
        st = err_set(err, INVALID, "a silence without recurrence needs ends_ms");
    if (!st)
        st = match_read(json_object_get(j, "matchers"), "matchers", &s->arena, &to->match, err);
    if (!st && to->recurs && (st = hours_read(recurrence, "recurrence", &to->hours, err)))
        match_free(&to->match);
    return st;
}

enum status silences_add(struct silences *s, int64_t id, struct span json, struct err *err)
{
    json_error_t why;
    struct silence new = {.id = id};
    json_t *root = json_loadb(json.at ? json.at : "", json.len, 0, &why);
    if (!root)
        return err_set(err, INVALID, "not JSON: %s", why.text);
    enum status st = silence_read(s, root, &new, err);
    json_decref(root);
    if (st)
        return st;
    s->at = arena_grow(&s->arena, s->at, s->n * sizeof *s->at, (s->n + 1) * sizeof *s->at);
    s->at[s->n++] = new;
    return OK;
}

int64_t silences_match(const struct silences *s, struct labels labels, int64_t now_ms)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct silence *one = &s->at[i];
        if (now_ms >= one->starts_ms && (!one->ends_ms || now_ms < one->ends_ms) &&
            (!one->recurs || hours_contain(&one->hours, now_ms)) && match_fits(&one->match, labels))
            return one->id;
    }
    return 0;
}

int64_t routing_next_ms(const struct routing *r, const struct silences *s, int64_t now_ms)
{
    bool by_clock = r->has_summary;
    int64_t next_ms = 0;
    for (size_t i = 0; i < r->n; i++)
        by_clock |= r->routes[i].has_hours;
    for (size_t i = 0; i < s->n; i++) {
        const int64_t ends[] = {s->at[i].starts_ms, s->at[i].ends_ms};
        by_clock |= s->at[i].recurs;
        for (size_t k = 0; k < COUNT(ends); k++)
            if (ends[k] > now_ms && (!next_ms || ends[k] < next_ms))
                next_ms = ends[k];
    }
    int64_t minute_ms = (now_ms / 60000 + 1) * 60000;
    return by_clock && (!next_ms || minute_ms < next_ms) ? minute_ms : next_ms;
}
