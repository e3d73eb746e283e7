#include "server/server.h"

#include "server/alerts.h"
#include "server/pipeline.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WORKERS_BESIDE_QUERIES = 2, /* passwords, lists of series, pieces of long answers */
    WORKERS_WAITING_MAX = 256,
    STOP_GRACE_MS = 5000,
};

struct server {
    struct loop *loop;
    struct pool *workers;
    struct store *store;
    struct record *record;
    struct access *access;
    struct adviser *adviser;
    struct pipeline *pipeline;
    struct alerts *alerts;
    char host[HOST_NAME_MAX + 1], external_url[512];
    struct arena paths;
    struct api *api;
    struct http_server *http;
    char one_time_password[TOKEN_TEXT_MAX];
    bool has_password;
    bool tls;
};

/* ---- --dev ---- */

static bool is_loopback(const char *listen)
{
    struct span s = span_of(listen);
    return span_starts(s, SPAN("127.")) || span_starts(s, SPAN("[::1]")) ||
           span_starts(s, SPAN("localhost:"));
}

static enum status write_token(const char *dir, const char *name, const char *token,
                               struct err *err)
{
    auto_buf path = {0};
    buf_printf(&path, "%s/%s", dir, name);
    return file_write_atomic(buf_text(&path), span_of(token), 0600, err);
}

/* The tokens of --dev: in files that only this user can read; $GALEN_DEV_TOKEN sets both. */
static enum status open_dev(struct server *s, const char *dir, struct err *err)
{
    char admin[TOKEN_TEXT_MAX], agent[TOKEN_TEXT_MAX];
    const char *given = getenv("GALEN_DEV_TOKEN");
    token_make("glx_", admin);
    token_make("gla_", agent);
    bool use_given = given && *given;
    enum status st = write_token(dir, "admin-token", use_given ? given : admin, err);
    if (!st)
        st = write_token(dir, "agent-token", use_given ? given : agent, err);
    if (!st)
        access_dev_tokens(s->access, use_given ? given : admin, use_given ? given : agent);
    return st;
}

/* ---- opening, in the order in which the parts stand on each other ---- */

static enum status open_data(struct server *s, const struct server_settings *settings,
                             struct err *err)
{
    struct store_config store = {.dir = settings->data,
                                 .retention_ms = settings->retention_ms,
                                 .retention_bytes = settings->retention_bytes,
                                 .free_min_bytes = settings->free_min_bytes,
                                 .free_min_percent = (unsigned)settings->free_min_percent};
    enum status st = store_open(&store, &s->store, err);
    if (!st)
        st = record_open(settings->data, &s->record, err);
    return st;
}

static struct adviser_config advice_config(const struct server_settings *settings)
{
    return (struct adviser_config){.rules_dir = settings->rules,
                                   .rules_extra = settings->rules_extra,
                                   .model_path = settings->model};
}

/* Without a classifier the rules still speak; but a file that was named must be there. */
static enum status open_adviser(struct server *s, const struct server_settings *settings,
                                struct err *err)
{
    struct adviser_config adviser = advice_config(settings);
    enum status st = adviser_open(&adviser, &s->adviser, err);
    if (st != NOT_FOUND || settings->model)
        return st;
    struct err missing = *err;
    adviser.model_path = "";
    st = adviser_open(&adviser, &s->adviser, err);
    if (!st)
        log_warn("no classifier, the rules alone advise: %s", missing.text);
    return st;
}

/* What is read again beside rules of advice and model: alert rules, templates of mails,
 * certificate. */
static void reload_others(void *arg)
{
    struct server *s = arg;
    struct err err = {0};
    alerts_reload_soon(s->alerts);
    if (!s->tls)
        return;
    if (http_server_reload_tls(s->http, &err))
        log_error("the old certificate stays: %s", err.text);
    else
        log_info("the certificate was read again");
    alerts_set_certificate(s->alerts, http_server_certificate_expires_s(s->http));
}

static enum status open_analysis(struct server *s, const struct server_settings *settings,
                                 struct err *err)
{
    enum status st = open_adviser(s, settings, err);
    if (st)
        return st;
    struct pipeline_config pipeline = {
        .loop = s->loop,
        .store = s->store,
        .record = s->record,
        .adviser = s->adviser,
        .advice = advice_config(settings),
        .interval_ms = settings->analysis_interval_ms,
        .results_kept_ms = settings->results_ms,
        .also_reload = reload_others,
        .reload_arg = s,
    };
    return pipeline_open(&pipeline, &s->pipeline, err);
}

static enum status open_access(struct server *s, const struct server_settings *settings,
                               struct err *err)
{
    s->access = access_open(s->record);
    enum status st =
        access_first_start(s->access, clock_wall_ms(), s->one_time_password, &s->has_password, err);
    return st || !settings->dev ? st : open_dev(s, settings->data, err);
}

static void on_stop(void *arg)
{
    struct server *s = arg;
    if (!s->http)
        return; /* asked twice */
    log_info("stopping");
    api_ready(s->api, false);
    pipeline_stop(s->pipeline);
    alerts_stop(s->alerts);
    api_stop(s->api);
    struct http_server *http = s->http;
    s->http = NULL; /* it frees itself with its last connection */
    http_server_close(http, STOP_GRACE_MS);
}

static void on_closed(void *arg)
{
    struct server *s = arg;
    loop_stop(s->loop);
}

static void on_head(struct http_request *req, void *arg)
{
    api_on_head(req, ((struct server *)arg)->api);
}

static void on_request(struct http_request *req, void *arg)
{
    api_on_request(req, ((struct server *)arg)->api);
}

static void on_answered(struct http_request *req, int status, void *arg)
{
    api_on_answered(req, status, ((struct server *)arg)->api);
}

/* Rules lie where the adviser's do. */
static enum status open_alerts(struct server *s, const struct server_settings *settings,
                               struct err *err)
{
    const char *rules = settings->rules ? settings->rules : advise_data_path(&s->paths, "rules");
    if (gethostname(s->host, sizeof s->host - 1))
        snprintf(s->host, sizeof s->host, "galen-server");
    snprintf(s->external_url, sizeof s->external_url, "%s%s",
             settings->alerts_external_url ? ""
             : settings->tls_cert          ? "https://"
                                           : "http://",
             settings->alerts_external_url ? settings->alerts_external_url : settings->listen);
    return alerts_open(
        &(struct alerts_config){
            .loop = s->loop,
            .store = s->store,
            .record = s->record,
            .rules_dir = rules,
            .rules_extra = settings->rules_extra ? settings->rules_extra : RULES_EXTRA_DIR,
            .key_file = arena_printf(&s->paths, "%s/channels.key", settings->data),
            .external_url = s->external_url,
            .host = s->host,
            .interval_ms = settings->alerts_interval_ms,
            .history_ms = settings->results_ms,
            .allow_private = settings->alerts_private,
            .scripts_dir = settings->alerts_scripts,
            .dead_man_url = settings->alerts_dead_man_url,
            .dead_man_ms = settings->alerts_dead_man_ms,
        },
        &s->alerts, err);
}

static enum status open_api(struct server *s, const struct server_settings *settings,
                            struct err *err)
{
    s->workers =
        pool_open("query", (unsigned)settings->query.max_concurrency + WORKERS_BESIDE_QUERIES,
                  WORKERS_WAITING_MAX);
    s->api = api_open(&(struct api_config){
        .loop = s->loop,
        .workers = s->workers,
        .store = s->store,
        .record = s->record,
        .access = s->access,
        .take = pipeline_take,
        .analyse_payload = pipeline_payload,
        .ask = pipeline_ask,
        .model = pipeline_model,
        .pipeline = s->pipeline,
        .remediation = settings->remediation,
        .version = GALEN_VERSION,
        .alerts = alerts_face(s->alerts),
        .limits = settings->query,
        .settings = settings->table,
        .settings_n = settings->table_n,
        .setting_values = settings,
    });
    pipeline_set_api(s->pipeline, s->api);
    alerts_set_api(s->alerts, s->api);
    struct http_server_config http = {.listen = settings->listen,
                                      .tls_cert = settings->tls_cert,
                                      .tls_key = settings->tls_key,
                                      .on_head = on_head,
                                      .on_request = on_request,
                                      .on_answered = on_answered,
                                      .on_closed = on_closed,
                                      .arg = s};
    s->tls = settings->tls_cert != NULL;
    enum status st = http_server_open(s->loop, &http, &s->http, err);
    if (!st)
        alerts_set_certificate(s->alerts, http_server_certificate_expires_s(s->http));
    return st;
}

static void on_reload(void *arg)
{
    struct server *s = arg;
    pipeline_reload_soon(s->pipeline);
    reload_others(s);
}

static enum status open_signals(struct server *s, struct err *err)
{
    enum status st = loop_signal(s->loop, SIGTERM, on_stop, s, err);
    if (!st)
        st = loop_signal(s->loop, SIGINT, on_stop, s, err);
    if (!st)
        st = loop_signal(s->loop, SIGHUP, on_reload, s, err);
    return st;
}

static enum status open_all(struct server *s, const struct server_settings *settings,
                            struct err *err)
{
    enum status st = loop_open(&s->loop, err);
    if (!st)
        st = open_data(s, settings, err);
    if (!st)
        st = open_access(s, settings, err);
    if (!st)
        st = open_analysis(s, settings, err);
    if (!st)
        st = open_alerts(s, settings, err);
    if (!st)
        st = open_api(s, settings, err);
    return st ? st : open_signals(s, err);
}

/* What a person must know, on standard output. */
static void greet(const struct server *s, const struct server_settings *settings)
{
    struct span listen = span_of(settings->listen);
    size_t colon = listen.len;
    while (colon && listen.at[colon - 1] != ':')
        colon--;
    struct span host = span_from(listen.at, colon ? colon - 1 : 0);
    if (!host.len || span_is(host, "0.0.0.0"))
        host = SPAN("localhost");
    printf("Console:  %s://%.*s:%u\n", s->tls ? "https" : "http", SPAN_ARG(host),
           http_server_port(s->http));
    if (s->has_password)
        printf("Sign in:  user admin, password %s (once, within 24 hours)\n", s->one_time_password);
    log_info("listening on %.*s:%u, data in %s, %zu rules", SPAN_ARG(host),
             http_server_port(s->http), settings->data, adviser_rules(s->adviser));
}

enum status server_open(const struct server_settings *settings, struct server **out,
                        struct err *err)
{
    *out = NULL;
    if (settings->dev && !is_loopback(settings->listen))
        return err_set(err, INVALID, "--dev is for loopback only: listen on 127.0.0.1:PORT, not %s",
                       settings->listen);
    struct server *s = mem_zero(1, sizeof *s);
    enum status st = open_all(s, settings, err);
    if (st) {
        server_close(s);
        return st;
    }
    pipeline_start(s->pipeline);
    alerts_start(s->alerts);
    api_ready(s->api, true);
    greet(s, settings);
    explicit_bzero(s->one_time_password, sizeof s->one_time_password);
    *out = s;
    return OK;
}

void server_run(struct server *s)
{
    loop_run(s->loop);
}

/* The reverse order: first nobody asks, then nobody works, then everything is durable. */
void server_close(struct server *s)
{
    if (!s)
        return;
    if (s->http) { /* opened, but never run */
        struct http_server *http = s->http;
        s->http = NULL;
        http_server_close(http, 0);
    }
    if (s->pipeline)
        pipeline_stop(s->pipeline);
    if (s->alerts)
        alerts_stop(s->alerts);
    pool_close(s->workers);
    alerts_close(s->alerts);
    api_close(s->api);
    pipeline_close(s->pipeline);
    adviser_close(s->adviser);
    access_close(s->access);
    store_close(s->store);
    record_close(s->record);
    loop_close(s->loop);
    arena_free(&s->paths);
    free(s);
}
