#include "api/routes.h"
#include "api/http_metrics.h"

#include "base/clock.h"
#include "series/remote_write.h"

enum { BODY_MAX_BYTES = 1 << 20 };

#define GALEN "/api/galen/v1"

const struct route routes[] = {
    {"GET", "/api/v1/query", NEED_VIEWER, prometheus_query, "Instant PromQL query"},
    {"POST", "/api/v1/query", NEED_VIEWER, prometheus_query, "Instant PromQL query (form)"},
    {"GET", "/api/v1/query_range", NEED_VIEWER, prometheus_query_range, "PromQL over a range"},
    {"POST", "/api/v1/query_range", NEED_VIEWER, prometheus_query_range,
     "PromQL over a range (form)"},
    {"GET", "/api/v1/series", NEED_VIEWER, prometheus_series, "Series that match selectors"},
    {"POST", "/api/v1/series", NEED_VIEWER, prometheus_series,
     "Series that match selectors (form)"},
    {"GET", "/api/v1/labels", NEED_VIEWER, prometheus_label_names, "Label names"},
    {"POST", "/api/v1/labels", NEED_VIEWER, prometheus_label_names, "Label names (form)"},
    {"GET", "/api/v1/label/ID/values", NEED_VIEWER, prometheus_label_values, "Values of a label"},
    {"GET", "/api/v1/format_query", NEED_VIEWER, prometheus_format, "PromQL, formatted"},
    {"POST", "/api/v1/format_query", NEED_VIEWER, prometheus_format, "PromQL, formatted (form)"},
    {"GET", "/api/v1/parse_query", NEED_VIEWER, prometheus_parse, "PromQL as a tree"},
    {"POST", "/api/v1/parse_query", NEED_VIEWER, prometheus_parse, "PromQL as a tree (form)"},
    {"POST", "/api/v1/admin/tsdb/delete_series", NEED_ADMIN, prometheus_delete,
     "Delete samples of series that match"},
    {"PUT", "/api/v1/admin/tsdb/delete_series", NEED_ADMIN, prometheus_delete,
     "Delete samples of series that match (PUT)"},
    {"POST", "/api/v1/admin/tsdb/clean_tombstones", NEED_ADMIN, prometheus_clean,
     "Give back the space of deleted samples"},
    {"PUT", "/api/v1/admin/tsdb/clean_tombstones", NEED_ADMIN, prometheus_clean,
     "Give back the space of deleted samples (PUT)"},
    {"POST", "/api/v1/admin/tsdb/snapshot", NEED_ADMIN, backup_snapshot, "Make a backup"},
    {"PUT", "/api/v1/admin/tsdb/snapshot", NEED_ADMIN, backup_snapshot, "Make a backup (PUT)"},
    {"GET", "/api/v1/status/buildinfo", NEED_VIEWER, prometheus_buildinfo,
     "Which Prometheus's API this is"},
    {"GET", "/api/v1/query_exemplars", NEED_VIEWER, prometheus_exemplars,
     "Exemplars: none are kept"},
    {"POST", "/api/v1/query_exemplars", NEED_VIEWER, prometheus_exemplars,
     "Exemplars: none are kept (form)"},
    {"GET", "/api/v1/metadata", NEED_VIEWER, prometheus_metadata, "What metrics mean"},
    {"GET", "/api/v1/targets", NEED_VIEWER, prometheus_targets,
     "The hosts, as Prometheus lists targets"},
    {"GET", "/api/v1/targets/metadata", NEED_VIEWER, prometheus_targets_metadata,
     "What the metrics of hosts mean"},
    {"GET", "/api/v1/scrape_pools", NEED_VIEWER, prometheus_scrape_pools,
     "The jobs that series have"},
    {"GET", "/api/v1/alertmanagers", NEED_VIEWER, prometheus_alertmanagers,
     "Alertmanagers that alerts are sent to"},
    {"GET", "/api/v1/status/runtimeinfo", NEED_VIEWER, prometheus_runtimeinfo,
     "Since when the server runs, and how"},
    {"GET", "/api/v1/status/flags", NEED_VIEWER, prometheus_flags, "The settings in force"},
    {"GET", "/api/v1/status/config", NEED_VIEWER, prometheus_config,
     "The settings in force, as YAML"},
    {"GET", "/api/v1/status/tsdb", NEED_VIEWER, prometheus_tsdb,
     "Which names and labels have the most series"},
    {"POST", "/api/v1/read", NEED_VIEWER, prometheus_read, "Prometheus remote read"},
    {"GET", "/federate", NEED_VIEWER, prometheus_federate,
     "The latest values of selected series, as text"},
    {"POST", "/api/v1/write", NEED_WRITER, write_samples, "Prometheus remote write 1.0"},
    {"POST", GALEN "/login", NEED_NOTHING, session_login, "Sign in; sets the session cookie"},
    {"POST", GALEN "/logout", NEED_SESSION, session_logout, "End the session"},
    {"GET", GALEN "/session", NEED_SESSION, session_show, "Who is signed in"},
    {"POST", GALEN "/password", NEED_SESSION, session_password, "Choose a new password"},
    {"GET", GALEN "/hosts", NEED_VIEWER, hosts_list, "All hosts with their latest analysis"},
    {"GET", GALEN "/hosts/ID", NEED_VIEWER, hosts_show, "One host"},
    {"DELETE", GALEN "/hosts/ID", NEED_ADMIN, hosts_delete, "Delete a host with its samples"},
    {"POST", GALEN "/hosts/ID/analysis", NEED_OPERATOR, hosts_analysis,
     "Start or stop the analysis of a host"},
    {"GET", GALEN "/agent/socket", NEED_WRITER, agents_socket, "WebSocket: an agent's link"},
    {"GET", GALEN "/hosts/ID/settings", NEED_VIEWER, agents_settings, "Settings of its agent"},
    {"PUT", GALEN "/hosts/ID/settings", NEED_OPERATOR, agents_settings_put,
     "Change them; If-Match with the ETag of GET"},
    {"GET", GALEN "/presets", NEED_VIEWER, agents_presets, "Settings to choose from"},
    {"GET", GALEN "/hosts/ID/processes", NEED_VIEWER, agents_processes,
     "The snapshot of processes at a time"},
    {"POST", GALEN "/hosts/ID/processes", NEED_OPERATOR, agents_processes_now,
     "Ask the agent for a snapshot now"},
    {"GET", GALEN "/hosts/ID/inventory", NEED_VIEWER, agents_inventory,
     "What the machine is, and was"},
    {"GET", GALEN "/hosts/ID/services", NEED_VIEWER, agents_services, "Its services' states"},
    {"POST", GALEN "/hosts/ID/token", NEED_ADMIN, agents_rotate, "Give its agent a new token"},
    {"GET", GALEN "/results", NEED_VIEWER, results_list, "Analysis results, newest first"},
    {"GET", GALEN "/results/summary", NEED_VIEWER, results_summary,
     "Total, by day, by recommendation"},
    {"DELETE", GALEN "/results/ID", NEED_ADMIN, results_delete, "Delete a result"},
    {"GET", "/api/v1/rules", NEED_VIEWER, prometheus_rules, "Rules, as Prometheus answers"},
    {"GET", "/api/v1/alerts", NEED_VIEWER, prometheus_alerts, "Active alerts, as Prometheus"},
    {"GET", GALEN "/alerts", NEED_VIEWER, alerts_list, "Alerts, newest first"},
    {"GET", GALEN "/alerts/history", NEED_VIEWER, alerts_history, "What happened to alerts"},
    {"GET", GALEN "/alerts/ID", NEED_VIEWER, alerts_show, "One alert with its history"},
    {"POST", GALEN "/alerts/ID/acknowledge", NEED_OPERATOR, alerts_acknowledge,
     "Somebody takes care: it is not repeated"},
    {"POST", GALEN "/alerts/ID/resolve", NEED_OPERATOR, alerts_resolve,
     "It is over, says a person"},
    {"GET", GALEN "/silences", NEED_VIEWER, silences_list, "Silences and maintenance windows"},
    {"POST", GALEN "/silences", NEED_OPERATOR, silences_create, "A silence"},
    {"PUT", GALEN "/silences/ID", NEED_OPERATOR, silences_replace, "Change a silence"},
    {"DELETE", GALEN "/silences/ID", NEED_OPERATOR, silences_delete, "End a silence"},
    {"GET", GALEN "/channels", NEED_OPERATOR, channels_list, "Channels, without their secrets"},
    {"POST", GALEN "/channels", NEED_ADMIN, channels_create, "A channel"},
    {"PUT", GALEN "/channels/ID", NEED_ADMIN, channels_replace, "Change a channel"},
    {"DELETE", GALEN "/channels/ID", NEED_ADMIN, channels_delete, "Delete a channel"},
    {"POST", GALEN "/channels/ID/test", NEED_ADMIN, channels_test, "Send a test now"},
    {"GET", GALEN "/channels/ID/deliveries", NEED_OPERATOR, channels_deliveries,
     "What was sent, newest first"},
    {"GET", GALEN "/routes", NEED_VIEWER, routing_show, "Who is told what"},
    {"PUT", GALEN "/routes", NEED_ADMIN, routing_put, "Change that"},
    {"GET", GALEN "/alert-rules", NEED_VIEWER, alert_rules_list, "Alert rules and thresholds"},
    {"PUT", GALEN "/alert-rules/ID", NEED_OPERATOR, alert_rules_put,
     "Thresholds and durations of a rule, for all hosts or one"},
    {"DELETE", GALEN "/alert-rules/ID", NEED_OPERATOR, alert_rules_delete,
     "Back to what the rule says"},
    {"GET", GALEN "/alert-presets", NEED_VIEWER, alert_presets_list, "Thresholds that go together"},
    {"POST", GALEN "/alert-presets/ID", NEED_OPERATOR, alert_presets_put,
     "Put one, for all hosts; single hosts stay as they are"},
    {"GET", GALEN "/rule-files", NEED_VIEWER, rule_files_list, "Rule files of people"},
    {"GET", GALEN "/rule-files/ID", NEED_VIEWER, rule_files_show, "One of them, with its ETag"},
    {"POST", GALEN "/rule-files", NEED_ADMIN, rule_files_create, "A rule file"},
    {"PUT", GALEN "/rule-files/ID", NEED_ADMIN, rule_files_replace, "Change a rule file"},
    {"DELETE", GALEN "/rule-files/ID", NEED_ADMIN, rule_files_delete, "Delete a rule file"},
    {"GET", GALEN "/events", NEED_VIEWER, events_list, "What happened, newest first"},
    {"POST", GALEN "/import", NEED_IMPORT, import_samples, "Samples of a file"},
    {"GET", GALEN "/import", NEED_IMPORT, import_list, "How far imports under way are"},
    {"GET", GALEN "/export", NEED_VIEWER, export_samples, "Samples as CSV, JSON or OpenMetrics"},
    {"GET", GALEN "/findings", NEED_VIEWER, findings_list,
     "Findings with their life, newest first"},
    {"GET", GALEN "/findings/ID", NEED_VIEWER, findings_show, "One finding"},
    {"POST", GALEN "/findings/ID/verdict", NEED_OPERATOR, findings_verdict,
     "Was it useful or wrong"},
    {"POST", GALEN "/findings/ID/applied", NEED_OPERATOR, findings_applied,
     "It was done: judge it from now on"},
    {"POST", GALEN "/findings/ID/dismiss", NEED_OPERATOR, findings_dismiss,
     "Do not say it again on this host"},
    {"POST", GALEN "/findings/ID/reopen", NEED_OPERATOR, findings_reopen,
     "Take a dismissal or silence back"},
    {"POST", GALEN "/findings/ID/apply", NEED_ADMIN, findings_apply,
     "Have the host's agent do it, to be confirmed"},
    {"POST", GALEN "/findings/ID/confirm", NEED_ADMIN, findings_confirm,
     "Keep what the agent has done"},
    {"GET", GALEN "/changes", NEED_VIEWER, changes_list,
     "Changes of parameters and resources, and what came of them"},
    {"GET", GALEN "/rules/advice", NEED_VIEWER, advice_rules, "The rules of advice"},
    {"POST", GALEN "/rules/reload", NEED_ADMIN, advice_reload, "Read rules and model again"},
    {"GET", GALEN "/model", NEED_VIEWER, advice_model, "The classifier that runs"},
    {"GET", GALEN "/profiles", NEED_VIEWER, advice_profiles, "Product profiles"},
    {"GET", GALEN "/hosts/ID/profiles", NEED_VIEWER, advice_host_profiles,
     "A host judged by the profiles of what runs there"},
    {"GET", GALEN "/hosts/ID/checks", NEED_VIEWER, advice_host_checks,
     "What each rule says of a host, and which signals are missing"},
    {"GET", GALEN "/storage", NEED_VIEWER, storage_show, "What is stored, of each host"},
    {"GET", GALEN "/storage/check", NEED_ADMIN, storage_check, "Is it what was written?"},
    {"POST", GALEN "/storage/clean-up", NEED_ADMIN, storage_clean, "Drop old samples now"},
    {"POST", GALEN "/backup", NEED_ADMIN, backup_make, "Make a backup"},
    {"GET", GALEN "/backups", NEED_ADMIN, backup_list, "Which backups there are"},
    {"GET", GALEN "/backups/ID", NEED_ADMIN, backup_send, "A backup as tar"},
    {"DELETE", GALEN "/backups/ID", NEED_ADMIN, backup_delete, "Delete a backup"},
    {"POST", GALEN "/join-tokens", NEED_ADMIN, enroll_make_token, "A token for new agents"},
    {"POST", GALEN "/enroll", NEED_JOIN, enroll_agent, "An agent's own token for a join token"},
    {"GET", GALEN "/openapi.json", NEED_NOTHING, openapi_show, "This list as OpenAPI 3.1"},
    {"POST", "/analyze", NEED_WRITER, analyze_payload, "The seeds' payload: analyse it now"},
    {"GET", "/live", NEED_VIEWER, live_open, "WebSocket: live values"},
    {"GET", "/metrics", NEED_VIEWER, health_metrics, "The server's own metrics"},
    {"GET", "/healthz", NEED_NOTHING, health_alive, "200 while the process lives"},
    {"GET", "/readyz", NEED_NOTHING, health_ready, "200 once samples are taken"},
};
const size_t routes_n = COUNT(routes);

/* Compares part by part; ID in the pattern takes one part that is not empty. */
static bool path_matches(struct span pattern, struct span path, struct span *id)
{
    struct span want, got;
    for (;;) {
        bool more_pattern = span_next(&pattern, '/', &want);
        bool more_path = span_next(&path, '/', &got);
        if (!more_pattern || !more_path)
            return !more_pattern && !more_path;
        if (span_is(want, "ID") && got.len)
            *id = got;
        else if (!span_eq(want, got))
            return false;
    }
}

static bool method_matches(const struct route *r, struct span method)
{
    return span_is(method, r->method) ||
           (span_is(method, "HEAD") && span_is(span_of(r->method), "GET"));
}

/* NULL: no such address; *other_method says whether it exists with another method. */
static const struct route *route_of(struct call *c, bool *other_method)
{
    struct span path = http_request_path(c->req), method = http_request_method(c->req);
    *other_method = false;
    for (size_t i = 0; i < routes_n; i++) {
        struct span id = {0};
        if (!path_matches(span_of(routes[i].path), path, &id))
            continue;
        if (method_matches(&routes[i], method)) {
            c->id = id;
            return &routes[i];
        }
        *other_method = true;
    }
    return NULL;
}

static bool is_change(struct call *c)
{
    struct span method = http_request_method(c->req);
    return !span_is(method, "GET") && !span_is(method, "HEAD");
}

/* A cookie is sent by the browser whoever made the page that asks: changes and the live socket
 * must come from our own pages. */
static bool from_elsewhere(struct call *c, const struct route *r)
{
    return c->who.kind == WHO_USER && (is_change(c) || r->handle == live_open) &&
           !access_same_origin(http_request_header(c->req, "Origin"),
                               http_request_header(c->req, "Sec-Fetch-Site"),
                               http_request_header(c->req, "Host"));
}

static bool may(const struct principal *p, enum need need)
{
    switch (need) {
    case NEED_NOTHING:
        return true;
    case NEED_SESSION:
        return p->kind == WHO_USER;
    case NEED_VIEWER:
        return principal_is(p, ROLE_VIEWER);
    case NEED_OPERATOR:
        return principal_is(p, ROLE_OPERATOR);
    case NEED_ADMIN:
        return principal_is(p, ROLE_ADMIN);
    case NEED_WRITER:
        return p->kind == WHO_AGENT || (p->kind == WHO_API_TOKEN && principal_is(p, ROLE_ADMIN));
    case NEED_IMPORT:
        return p->kind == WHO_AGENT || principal_is(p, ROLE_ADMIN);
    case NEED_JOIN:
        return p->kind == WHO_JOIN;
    }
    return false;
}

/* Replies and returns false when this request must not go on. */
static bool allowed(struct call *c, const struct route *r)
{
    if (r->need == NEED_NOTHING)
        return true;
    struct err err = {0};
    enum status st =
        access_check(c->api->access, http_request_header(c->req, "Authorization"),
                     http_request_header(c->req, "Cookie"), clock_wall_ms(), &c->who, &err);
    if (st) {
        if (st == DENIED)
            http_reply_header(c->req, "WWW-Authenticate", "Bearer realm=\"galen\"");
        api_failure(c, st, &err);
        return false;
    }
    if (from_elsewhere(c, r))
        http_problem(c->req, 403, "this request comes from another site's page");
    else if (c->who.must_change && r->need != NEED_SESSION)
        http_problem(c->req, 403, "choose a new password first");
    else if (!may(&c->who, r->need))
        http_problem(c->req, 403, "%s may not do this", c->who.name[0] ? c->who.name : "you");
    else
        return true;
    return false;
}

static size_t body_max(const struct route *r)
{
    if (r->handle == write_samples)
        return WRITE_PACKED_MAX_BYTES;
    return r->handle == import_samples ? (size_t)IMPORT_BODY_MAX_BYTES : (size_t)BODY_MAX_BYTES;
}

/* "Allow: GET, HEAD, POST, OPTIONS" for the path of the request. */
static void put_allow(struct call *c)
{
    auto_buf list = {0};
    struct span path = http_request_path(c->req), ignored;
    for (size_t i = 0; i < routes_n; i++) {
        if (!path_matches(span_of(routes[i].path), path, &ignored))
            continue;
        buf_str(&list, routes[i].method);
        buf_str(&list, span_is(span_of(routes[i].method), "GET") ? ", HEAD, " : ", ");
    }
    buf_str(&list, "OPTIONS");
    http_reply_header(c->req, "Allow", buf_text(&list));
}

static void refuse_method(struct call *c)
{
    put_allow(c);
    http_problem(c->req, 405, "%.*s is not answered here", SPAN_ARG(http_request_method(c->req)));
}

/* OPTIONS: what may be asked here. No Access-Control-Allow-Origin: pages of other origins have no
 * business here, and programs do not ask. */
static void tell_methods(struct call *c)
{
    put_allow(c);
    api_no_content(c);
}

void api_on_head(struct http_request *req, void *arg)
{
    struct call *c = ARENA_NEW(http_request_arena(req), struct call);
    *c = (struct call){.req = req, .api = arg, .begun_ns = clock_mono_ns()};
    *http_request_data(req) = c;
    bool other_method;
    const struct route *r = route_of(c, &other_method);
    if (!r) {
        if (other_method && span_is(http_request_method(req), "OPTIONS"))
            tell_methods(c);
        else if (other_method)
            refuse_method(c);
        else if (is_change(c))
            http_problem(req, 404, "there is nothing at %.*s",
                         (int)MIN(http_request_path(req).len, (size_t)200),
                         http_request_path(req).at);
        return; /* GET: a file of the console, which needs no body */
    }
    c->route = r;
    if (!allowed(c, r))
        return;
    http_request_body_max(req, body_max(r));
    if (r->handle == import_samples)
        import_on_head(c);
}

void api_on_request(struct http_request *req, void *arg)
{
    struct call *c = *http_request_data(req);
    struct api *a = arg;
    http_reply_header(req, "X-Content-Type-Options", "nosniff");
    c->in_flight = true;
    http_metrics_begin(a->http_metrics);
    if (!c->route)
        console_file(c);
    else if (c->route->handle != health_alive && c->route->handle != health_ready && !a->ready)
        api_busy(c, "the server is starting or stopping");
    else
        c->route->handle(c);
}

void api_on_answered(struct http_request *req, int status, void *arg)
{
    const struct api *a = arg;
    http_metrics_end(a->http_metrics, *http_request_data(req), http_request_method(req), status);
}
