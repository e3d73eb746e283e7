#include "api/times.h"

#include "base/clock.h"
#include "base/yaml.h"

#include <math.h>

/* 10^13 seconds is the year 318,857: past every sensible time, within int64 milliseconds. */
static const double TIME_MAX_S = 1e13;

bool time_parse(struct span text, int64_t *out_ms)
{
    double seconds;
    if (!span_double(text, &seconds))
        return clock_rfc3339_parse(text, out_ms);
    if (!isfinite(seconds) || fabs(seconds) > TIME_MAX_S)
        return false;
    *out_ms = llround(seconds * 1000);
    return true;
}

bool step_parse(struct span text, int64_t *out_ms)
{
    double seconds;
    if (!span_double(text, &seconds))
        return duration_parse(text, out_ms);
    if (!isfinite(seconds) || fabs(seconds) > TIME_MAX_S)
        return false;
    *out_ms = llround(seconds * 1000);
    return true;
}

static enum status param(struct http_request *req, const char *name, bool needed,
                         bool (*parse)(struct span, int64_t *), const char *wanted, int64_t *out,
                         struct err *err)
{
    struct span text;
    if (!http_request_param(req, name, &text) || !text.len) {
        if (!needed)
            return OK;
        text = SPAN("");
    } else if (parse(text, out)) {
        return OK;
    }
    return err_set(err, INVALID, "invalid parameter \"%s\": cannot parse \"%.*s\" to %s", name,
                   (int)MIN(text.len, (size_t)80), text.at, wanted);
}

enum status param_time(struct http_request *req, const char *name, int64_t *out, struct err *err)
{
    struct span text;
    if (!http_request_param(req, name, &text) || !text.len || time_parse(text, out))
        return OK;
    return err_set(err, INVALID,
                   "invalid parameter \"%s\": Invalid time value for '%s': cannot parse \"%.*s\" "
                   "to a valid timestamp",
                   name, name, (int)MIN(text.len, (size_t)80), text.at);
}

enum status param_time_needed(struct http_request *req, const char *name, int64_t *out,
                              struct err *err)
{
    return param(req, name, true, time_parse, "a valid timestamp", out, err);
}

enum status param_duration(struct http_request *req, const char *name, int64_t *out,
                           struct err *err)
{
    return param(req, name, false, step_parse, "a valid duration", out, err);
}

enum status param_duration_needed(struct http_request *req, const char *name, int64_t *out,
                                  struct err *err)
{
    return param(req, name, true, step_parse, "a valid duration", out, err);
}

enum status param_limit(struct http_request *req, const char *name, size_t *out, struct err *err)
{
    struct span text;
    uint64_t n;
    if (!http_request_param(req, name, &text) || !text.len)
        return OK;
    if (!span_u64(text, &n) || n > INT32_MAX)
        return err_set(err, INVALID, "invalid parameter \"%s\": limit must be a number of 0..%d",
                       name, INT32_MAX);
    *out = (size_t)n;
    return OK;
}
