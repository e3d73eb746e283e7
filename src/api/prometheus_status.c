/* The calls below /api/v1/status: what this server is, how it is set, what its series are made of.
 */
#include "api/prometheus_job.h"
#include "api/times.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"

#include <stdio.h>
#include <unistd.h>

enum {
    TSDB_LIMIT = 10,              /* entries of each list, without limit= */
    HEAD_MS = 2 * 60 * 60 * 1000, /* "the head" is what has samples since */
    PATH_TEXT_MAX = 4096,
};

/* Clients look at the version to know which API to expect. */
#define VERSION_OF_API "2.42.0"

/* ---- buildinfo, runtimeinfo ---- */

void prometheus_buildinfo(struct call *c)
{
    auto_buf data = {0};
    struct json j = json_to(&data);
    json_begin_object(&j);
    json_field(&j, "version", VERSION_OF_API);
    json_field(&j, "revision", "galen " GALEN_VERSION);
    json_field(&j, "branch", "");
    json_field(&j, "buildUser", "");
    json_field(&j, "buildDate", "");
    json_field(&j, "goVersion", "");
    json_end_object(&j);
    prometheus_reply_data(c->req, buf_view(&data));
}

static const struct setting *setting_of(const struct api *a, const char *key)
{
    for (size_t i = 0; i < a->settings_n; i++)
        if (span_is(span_of(key), a->settings[i].key))
            return &a->settings[i];
    return NULL;
}

/* "15d", and "15d or 1073741824B" when there is a limit of bytes as well. */
static void put_retention(const struct api *a, struct buf *out)
{
    const struct setting *time = setting_of(a, "retention.time"),
                         *size = setting_of(a, "retention.size");
    auto_buf bytes = {0};
    if (time)
        setting_print(time, a->setting_values, out);
    if (size)
        setting_print(size, a->setting_values, &bytes);
    if (bytes.len && !span_is(buf_view(&bytes), "0"))
        buf_printf(out, " or %sB", buf_text(&bytes));
}

void prometheus_runtimeinfo(struct call *c)
{
    auto_buf data = {0}, retention = {0};
    struct store_stats stats;
    char started[TIME_TEXT_MAX], directory[PATH_TEXT_MAX];
    store_stats(c->api->store, &stats);
    put_retention(c->api, &retention);
    clock_rfc3339(c->api->started_ms, started);
    struct json j = json_to(&data);
    json_begin_object(&j);
    json_field(&j, "startTime", started);
    json_field(&j, "CWD", getcwd(directory, sizeof directory) ? directory : "");
    json_field_bool(&j, "reloadConfigSuccess", true);
    json_field(&j, "lastConfigTime", started);
    json_field_i64(&j, "corruptionCount", (int64_t)stats.damaged);
    json_field_i64(&j, "goroutineCount", 0); /* there are none here */
    json_field_i64(&j, "GOMAXPROCS", sysconf(_SC_NPROCESSORS_ONLN));
    json_field(&j, "GOGC", "");
    json_field(&j, "GODEBUG", "");
    json_field_span(&j, "storageRetention", buf_view(&retention));
    json_end_object(&j);
    prometheus_reply_data(c->req, buf_view(&data));
}

/* ---- flags, config ---- */

/* Values that must not be shown, by their name; paths of files may. */
static bool is_secret(const struct setting *s)
{
    static const char *const words[] = {"password", "secret", "token"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (strstr(s->key, words[i]) && !strstr(s->key, "file"))
            return true;
    return false;
}

static void put_value(const struct api *a, const struct setting *s, struct buf *out)
{
    auto_buf value = {0};
    setting_print(s, a->setting_values, &value);
    if (value.len && is_secret(s))
        buf_str(out, "<secret>");
    else
        buf_span(out, buf_view(&value));
}

void prometheus_flags(struct call *c)
{
    auto_buf data = {0};
    struct json j = json_to(&data);
    json_begin_object(&j);
    for (size_t i = 0; i < c->api->settings_n; i++) {
        auto_buf value = {0};
        put_value(c->api, &c->api->settings[i], &value);
        json_key(&j, c->api->settings[i].key);
        json_span(&j, buf_view(&value));
    }
    json_end_object(&j);
    prometheus_reply_data(c->req, buf_view(&data));
}

/* "retention.time" as "time:" below "retention:"; keys of one map stand together in the table. */
static void put_yaml(const struct api *a, const struct setting *s, struct span *map,
                     struct buf *out)
{
    struct span key = span_of(s->key), group = {key.at, span_find(key, '.')};
    bool nested = group.len < key.len;
    auto_buf value = {0};
    put_value(a, s, &value);
    if (nested && !span_eq(group, *map)) {
        buf_span(out, group);
        buf_str(out, ":\n");
    }
    *map = nested ? group : SPAN("");
    buf_str(out, nested ? "  " : "");
    buf_str(out, nested ? key.at + group.len + 1 : key.at);
    buf_str(out, ": ");
    if (s->kind == SETTING_STRING)
        label_value_print(out, buf_view(&value));
    else if (s->kind == SETTING_LIST)
        buf_printf(out, "[%s]", buf_text(&value));
    else
        buf_span(out, buf_view(&value));
    buf_char(out, '\n');
}

void prometheus_config(struct call *c)
{
    auto_buf data = {0}, yaml = {0};
    struct span map = SPAN("");
    for (size_t i = 0; i < c->api->settings_n; i++)
        put_yaml(c->api, &c->api->settings[i], &map, &yaml);
    struct json j = json_to(&data);
    json_begin_object(&j);
    json_field_span(&j, "yaml", buf_view(&yaml));
    json_end_object(&j);
    prometheus_reply_data(c->req, buf_view(&data));
}

/* ---- tsdb ---- */

struct count {
    struct span name;
    uint64_t n;
};

struct counts {
    struct map by_name;
    struct count **all;
    size_t n, size;
};

static struct count *count_of(struct counts *c, struct span name, struct arena *arena)
{
    struct count *found = map_get(&c->by_name, name);
    if (found)
        return found;
    found = ARENA_NEW(arena, struct count);
    found->name = arena_span(arena, name);
    map_put(&c->by_name, found->name, found);
    if (c->n == c->size) {
        size_t size = c->size * 2 + 64;
        c->all = arena_grow(arena, c->all, c->size * sizeof *c->all, size * sizeof *c->all);
        c->size = size;
    }
    return c->all[c->n++] = found;
}

struct tsdb {
    struct counts metrics, pairs, values, bytes; /* values and bytes by label name */
    uint64_t series;
    int64_t min_t_ms, max_t_ms;
    size_t limit;
};

static void count_series(struct tsdb *t, struct labels l, struct arena *arena)
{
    auto_buf pair = {0};
    t->series++;
    count_of(&t->metrics, labels_metric(l), arena)->n++;
    for (size_t i = 0; i < l.n; i++) {
        buf_clear(&pair);
        buf_span(&pair, l.at[i].name);
        buf_char(&pair, '=');
        buf_span(&pair, l.at[i].value);
        struct count *p = count_of(&t->pairs, buf_view(&pair), arena);
        count_of(&t->values, l.at[i].name, arena)->n += p->n == 0;
        count_of(&t->bytes, l.at[i].name, arena)->n += l.at[i].value.len;
        p->n++;
    }
}

static enum status count_all(struct prometheus_job *job, struct err *err)
{
    struct tsdb *t = job->state;
    struct store_stats stats;
    struct selected *series;
    size_t n;
    store_stats(job->call->api->store, &stats);
    int64_t since = clock_wall_ms() - HEAD_MS;
    struct select_hints hints = {.start_ms = since, .end_ms = INT64_MAX, .labels_only = true};
    enum status st = job->view->select(job->view, NULL, 0, &hints, &job->arena, &series, &n, err);
    if (st)
        return st;
    for (size_t i = 0; i < n; i++)
        count_series(t, series[i].labels, &job->arena);
    t->min_t_ms = MAX(stats.min_t_ms, since);
    t->max_t_ms = stats.max_t_ms;
    return OK;
}

static int most_first(const void *a, const void *b)
{
    const struct count *x = *(struct count *const *)a, *y = *(struct count *const *)b;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return span_compare(x->name, y->name);
}

static void put_counts(struct json *j, const char *key, struct counts *c, size_t limit)
{
    if (c->n)
        qsort(c->all, c->n, sizeof(struct count *), most_first);
    json_key(j, key);
    json_begin_array(j);
    for (size_t i = 0; i < MIN(c->n, limit); i++) {
        json_begin_object(j);
        json_field_span(j, "name", c->all[i]->name);
        json_key(j, "value");
        json_u64(j, c->all[i]->n);
        json_end_object(j);
    }
    json_end_array(j);
}

static bool write_tsdb(struct prometheus_job *job, struct buf *out, size_t enough UNUSED)
{
    struct tsdb *t = job->state;
    struct store_stats stats;
    store_stats(job->call->api->store, &stats);
    struct json j = json_to(out);
    prometheus_data_begin(out);
    json_begin_object(&j);
    json_key(&j, "headStats");
    json_begin_object(&j);
    json_field_i64(&j, "numSeries", (int64_t)t->series);
    json_field_i64(&j, "numLabelPairs", (int64_t)t->pairs.n);
    json_field_i64(&j, "chunkCount", (int64_t)stats.blocks);
    json_field_i64(&j, "minTime", t->min_t_ms);
    json_field_i64(&j, "maxTime", t->max_t_ms);
    json_end_object(&j);
    put_counts(&j, "seriesCountByMetricName", &t->metrics, t->limit);
    put_counts(&j, "labelValueCountByLabelName", &t->values, t->limit);
    put_counts(&j, "memoryInBytesByLabelName", &t->bytes, t->limit);
    put_counts(&j, "seriesCountByLabelValuePair", &t->pairs, t->limit);
    json_end_object(&j);
    prometheus_data_end(job, out);
    return true;
}

static void release_tsdb(struct prometheus_job *job)
{
    struct tsdb *t = job->state;
    map_free(&t->metrics.by_name);
    map_free(&t->pairs.by_name);
    map_free(&t->values.by_name);
    map_free(&t->bytes.by_name);
}

void prometheus_tsdb(struct call *c)
{
    struct prometheus_job *job = prometheus_job_new(c);
    struct tsdb *t = job->state = ARENA_NEW(&job->arena, struct tsdb);
    struct err err = {0};
    t->limit = TSDB_LIMIT;
    job->release = release_tsdb;
    enum status st = param_limit(c->req, "limit", &t->limit, &err);
    if (!st && !t->limit)
        st = err_set(&err, INVALID, "limit must be a positive number");
    if (st)
        prometheus_job_refuse(job, &err);
    else
        prometheus_job_run(job, count_all, write_tsdb);
}
