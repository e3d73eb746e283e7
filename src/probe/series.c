/* What is known of the services, as series and as JSON. */
#include "probe/state.h"

#include "base/json.h"

#include <math.h>

const char *const unit_state_names[UNIT_STATES] = {"activating", "active", "deactivating", "failed",
                                                   "inactive"};

enum { STATE, INFO, CHECK_OKAY, CHECK_SECONDS, CERTIFICATE };

static const struct metric services_metrics[] = {
    [STATE] = {"galen_service_state",
               METRIC_GAUGE,
               "1 for the state that a service is in: healthy, degraded, down or unknown.",
               {"service", "state"}},
    [INFO] = {"galen_service_info",
              METRIC_GAUGE,
              "What tells the state of a service (systemd, init, process or check), its raw state "
              "(running, stopped, not_found, timeout, error or unknown) and why it is not healthy.",
              {"service", "unit", "source", "raw", "reason"}},
    [CHECK_OKAY] = {"galen_service_check_ok",
                    METRIC_GAUGE,
                    "1 when the last check of a service was as it should be, else 0.",
                    {"service", "check"}},
    [CHECK_SECONDS] = {"galen_service_check_seconds",
                       METRIC_GAUGE,
                       "How long the last check of a service took.",
                       {"service", "check"}},
    [CERTIFICATE] = {"galen_certificate_expires_seconds",
                     METRIC_GAUGE,
                     "When the first certificate of the chain that a checked HTTPS service shows "
                     "expires, in unixtime; it stays when a check fails.",
                     {"service", "check"}},
};

static void emit_check(struct tick *t, const struct service *s, size_t i)
{
    struct span name = span_of(s->config.name), check = span_of(s->config.checks[i].name);
    enum verdict_of_check verdict = check_result(s->checks[i]).verdict;
    int64_t expires_s = check_certificate_expires_s(s->checks[i]);
    if (expires_s)
        emit2(t, &services_metrics[CERTIFICATE], name, check, (double)expires_s);
    if (verdict != CHECK_OK && verdict != CHECK_FAILED)
        return;
    emit2(t, &services_metrics[CHECK_OKAY], name, check, verdict == CHECK_OK);
    emit2(t, &services_metrics[CHECK_SECONDS], name, check,
          round(check_seconds(s->checks[i]) * 1e4) / 1e4);
}

static void emit_service(struct tick *t, const struct service *s)
{
    struct span name = span_of(s->config.name);
    for (size_t i = 0; i < HEALTHS; i++)
        emit2(t, &services_metrics[STATE], name, span_of(health_names[i]), s->health == i);
    const struct span info[] = {name, span_of(s->unit ? s->unit : ""), span_of(s->source),
                                span_of(raw_state_names[s->state]), span_of(s->reason)};
    emit_values(t, &services_metrics[INFO], info, COUNT(info), 1);
    for (size_t i = 0; i < s->config.n_checks; i++)
        emit_check(t, s, i);
}

static enum status services_collect(struct tick *t, void *state, struct err *err UNUSED)
{
    const struct probe *p = state;
    for (size_t i = 0; i < p->n; i++)
        if (service_shown(&p->services[i]))
            emit_service(t, &p->services[i]);
    return OK;
}

const struct collector services_collector = {.name = "services",
                                             .every_s = 5,
                                             .optional = true,
                                             .collect = services_collect,
                                             .metrics = services_metrics,
                                             .n_metrics = COUNT(services_metrics)};

/* ---- systemd ---- */

enum { UNITS, UNIT_STATE };

static const struct metric systemd_metrics[] = {
    [UNITS] = {"node_systemd_units", METRIC_GAUGE, "Summary of systemd unit states", {"state"}},
    [UNIT_STATE] = {"node_systemd_unit_state", METRIC_GAUGE, "Systemd unit", {"name", "state"}},
};

static enum status systemd_collect(struct tick *t, void *state, struct err *err UNUSED)
{
    const struct probe *p = state;
    if (!p->has_counts)
        return NOT_FOUND;
    for (size_t i = 0; i < UNIT_STATES; i++)
        emit1(t, &systemd_metrics[UNITS], span_of(unit_state_names[i]), (double)p->counts[i]);
    for (size_t i = 0; i < p->n_failed; i++)
        for (size_t k = 0; k < UNIT_STATES; k++)
            emit2(t, &systemd_metrics[UNIT_STATE], span_of(p->failed[i].name),
                  span_of(unit_state_names[k]), p->failed[i].state == k);
    return OK;
}

const struct collector systemd_collector = {.name = "systemd",
                                            .every_s = 5,
                                            .optional = true,
                                            .collect = systemd_collect,
                                            .metrics = systemd_metrics,
                                            .n_metrics = COUNT(systemd_metrics)};

/* ---- JSON ---- */

static void put_check(struct json *j, const struct service *s, size_t i)
{
    struct check_result r = check_result(s->checks[i]);
    json_begin_object(j);
    json_field(j, "name", s->config.checks[i].name);
    json_field(j, "target", r.target);
    if (r.verdict == CHECK_OK || r.verdict == CHECK_FAILED) {
        json_field_bool(j, "ok", r.verdict == CHECK_OK);
        json_field_double(j, "seconds", round(check_seconds(s->checks[i]) * 1e4) / 1e4);
    }
    if (r.verdict == CHECK_FAILED && r.reason)
        json_field(j, "reason", r.reason);
    json_end_object(j);
}

static void put_service(struct json *j, const struct service *s)
{
    json_begin_object(j);
    json_field(j, "name", s->config.name);
    json_field(j, "state", raw_state_names[s->state]);
    json_field(j, "health", health_names[s->health]);
    if (*s->reason)
        json_field(j, "reason", s->reason);
    if (*s->source)
        json_field(j, "source", s->source);
    if (s->unit)
        json_field(j, "unit", s->unit);
    json_field_i64(j, "since_ms", s->since_ms);
    json_field_i64(j, "at_ms", s->at_ms);
    json_key(j, "checks");
    json_begin_array(j);
    for (size_t i = 0; i < s->config.n_checks; i++)
        put_check(j, s, i);
    json_end_array(j);
    json_end_object(j);
}

void services_json(const struct probe *p, struct buf *out)
{
    struct json j = json_to(out);
    json_begin_array(&j);
    for (size_t i = 0; i < p->n; i++)
        if (service_shown(&p->services[i]))
            put_service(&j, &p->services[i]);
    json_end_array(&j);
}
