/* A notification in words. */
#include "notify/channel.h"

#include <string.h>

const char *alert_text(const json_t *alert, const char *part, const char *key)
{
    const char *text = json_string_value(json_object_get(json_object_get(alert, part), key));
    return text ? text : "";
}

static const json_t *alerts(const struct sending *s)
{
    return json_object_get(s->note, "alerts");
}

static bool alert_fires(const json_t *alert)
{
    const char *status = json_string_value(json_object_get(alert, "status"));
    return status && strcmp(status, "firing") == 0;
}

bool note_firing(const struct sending *s)
{
    return alert_fires(s->note);
}

const char *note_url(const struct sending *s)
{
    const char *url = json_string_value(json_object_get(s->note, "externalURL"));
    return url ? url : "";
}

const char *note_severity(const struct sending *s)
{
    static const char *const order[] = {"critical", "warning", "info"};
    for (size_t k = 0; k < COUNT(order); k++)
        for (size_t i = 0; i < json_array_size(alerts(s)); i++)
            if (strcmp(alert_text(json_array_get(alerts(s), i), "labels", "severity"), order[k]) ==
                0)
                return order[k];
    return "";
}

static const char *headline(const json_t *alert)
{
    const char *summary = alert_text(alert, "annotations", "summary");
    return *summary ? summary : alert_text(alert, "labels", "alertname");
}

/* The daily one, which has words of its own before the alerts. */
static bool is_summary(const struct sending *s)
{
    const char *key = json_string_value(json_object_get(s->note, "groupKey"));
    return key && strcmp(key, "summary") == 0;
}

/* Lines before those of alerts; "". */
static const char *note_intro(const struct sending *s)
{
    return is_summary(s) ? alert_text(s->note, "commonAnnotations", "description") : "";
}

void text_title(const struct sending *s, struct buf *out)
{
    size_t n = json_array_size(alerts(s)), firing = 0;
    if (is_summary(s)) {
        buf_str(out, alert_text(s->note, "commonAnnotations", "title"));
        return;
    }
    for (size_t i = 0; i < n; i++)
        firing += alert_fires(json_array_get(alerts(s), i));
    if (!note_firing(s))
        buf_str(out, "[RESOLVED] ");
    else if (n == 1)
        buf_str(out, "[FIRING] ");
    else
        buf_printf(out, "[FIRING:%zu] ", firing);
    const json_t *labels = json_object_get(s->note, "commonLabels");
    const char *name = json_string_value(json_object_get(labels, "alertname"));
    const char *host = json_string_value(json_object_get(labels, "instance"));
    if (n == 1)
        buf_str(out, headline(json_array_get(alerts(s), 0)));
    else
        buf_printf(out, "%s%s%s", name ? name : "several alerts", host ? " on " : "",
                   host ? host : "");
}

void alert_line(const json_t *alert, struct buf *out)
{
    const char *severity = alert_text(alert, "labels", "severity");
    const char *since = json_string_value(json_object_get(alert, "startsAt"));
    buf_printf(out, "%s: %s", alert_fires(alert) ? "firing" : "resolved", headline(alert));
    if (*severity)
        buf_printf(out, " (%s)", severity);
    if (since && strlen(since) >= 16)
        buf_printf(out, " since %.10s %.5s UTC", since, since + 11);
}

void text_lines(const struct sending *s, struct buf *out, size_t max_alerts)
{
    size_t n = json_array_size(alerts(s));
    buf_str(out, note_intro(s));
    for (size_t i = 0; i < MIN(n, max_alerts); i++) {
        const json_t *a = json_array_get(alerts(s), i);
        const char *description = alert_text(a, "annotations", "description");
        alert_line(a, out);
        buf_char(out, '\n');
        if (*description)
            buf_printf(out, "  %s\n", description);
    }
    int64_t more = (int64_t)(n - MIN(n, max_alerts)) +
                   json_integer_value(json_object_get(s->note, "truncatedAlerts"));
    if (more > 0)
        buf_printf(out, "and %lld more\n", (long long)more);
}
