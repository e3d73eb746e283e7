#include "api/times.h"

#include "base/yaml.h"

#include <math.h>
#include <time.h>

/* 10^13 seconds is the year 318,857: past every sensible time, within int64 milliseconds. */
static const double TIME_MAX_S = 1e13;

static bool digits(struct span text, size_t at, size_t n, int *out)
{
    uint64_t v;
    if (text.len < at + n || !span_u64(span_from(text.at + at, n), &v))
        return false;
    *out = (int)v;
    return true;
}

static bool at_is(struct span text, size_t at, const char *set)
{
    return at < text.len && strchr(set, text.at[at]) != NULL;
}

/* "Z" or "+02:00": minutes east of UTC. */
static bool zone_parse(struct span text, int *minutes)
{
    int hours, rest;
    if (text.len == 1 && (text.at[0] == 'Z' || text.at[0] == 'z')) {
        *minutes = 0;
        return true;
    }
    if (text.len != 6 || !at_is(text, 0, "+-") || !digits(text, 1, 2, &hours) ||
        text.at[3] != ':' || !digits(text, 4, 2, &rest) || hours > 23 || rest > 59)
        return false;
    *minutes = (text.at[0] == '-' ? -1 : 1) * (hours * 60 + rest);
    return true;
}

static bool fraction_parse(struct span text, size_t *at, int64_t *ms)
{
    *ms = 0;
    if (!at_is(text, *at, "."))
        return true;
    int64_t scale = 100;
    size_t start = ++*at;
    for (; *at < text.len && text.at[*at] >= '0' && text.at[*at] <= '9'; (*at)++) {
        *ms += (text.at[*at] - '0') * scale;
        scale /= 10;
    }
    return *at > start;
}

static bool rfc3339_parse(struct span text, int64_t *out_ms)
{
    struct tm tm = {0};
    int zone;
    int64_t ms;
    size_t at = 19;
    if (!digits(text, 0, 4, &tm.tm_year) || !digits(text, 5, 2, &tm.tm_mon) ||
        !digits(text, 8, 2, &tm.tm_mday) || !digits(text, 11, 2, &tm.tm_hour) ||
        !digits(text, 14, 2, &tm.tm_min) || !digits(text, 17, 2, &tm.tm_sec))
        return false;
    if (text.at[4] != '-' || text.at[7] != '-' || !at_is(text, 10, "Tt ") || text.at[13] != ':' ||
        text.at[16] != ':')
        return false;
    if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    if (!fraction_parse(text, &at, &ms) ||
        !zone_parse(span_from(text.at + at, text.len - at), &zone))
        return false;
    int day = tm.tm_mday;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t t = timegm(&tm);
    if (tm.tm_mday != day) /* timegm made 31 February a day of March */
        return false;
    *out_ms = ((int64_t)t - zone * 60) * 1000 + ms;
    return true;
}

bool time_parse(struct span text, int64_t *out_ms)
{
    double seconds;
    if (!span_double(text, &seconds))
        return rfc3339_parse(text, out_ms);
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
        return err_set(err, INVALID, "invalid parameter \"%s\": %s is missing", name, wanted);
    }
    if (parse(text, out))
        return OK;
    return err_set(err, INVALID, "invalid parameter \"%s\": cannot parse \"%.*s\" to %s", name,
                   (int)MIN(text.len, (size_t)80), text.at, wanted);
}

enum status param_time(struct http_request *req, const char *name, int64_t *out, struct err *err)
{
    return param(req, name, false, time_parse, "a valid timestamp", out, err);
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
