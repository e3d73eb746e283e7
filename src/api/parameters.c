/* Query parameters that most lists take. */
#include "api/call.h"
#include "api/times.h"

enum status api_time_param(struct http_request *req, const char *name, int64_t *out,
                           struct err *err)
{
    struct span text;
    if (!http_request_param(req, name, &text) || !text.len || span_i64(text, out))
        return OK;
    return param_time(req, name, out, err);
}

enum status api_whole_param(struct http_request *req, const char *name, int64_t min, int64_t max,
                            int64_t *out, struct err *err)
{
    struct span text;
    int64_t n;
    if (!http_request_param(req, name, &text) || !text.len)
        return OK;
    if (!span_i64(text, &n) || n < min || n > max)
        return err_set(err, INVALID,
                       "invalid parameter \"%s\": %.*s is not a whole number in %lld..%lld", name,
                       (int)MIN(text.len, (size_t)40), text.at, (long long)min, (long long)max);
    *out = n;
    return OK;
}
