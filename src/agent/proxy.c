/* See proxy.h. */
#include "agent/proxy.h"

#include "net/http.h"

#include <stdlib.h>

static const char *variable(const char *small, const char *capital)
{
    const char *value = getenv(small);
    if ((!value || !*value) && capital)
        value = getenv(capital);
    return value && *value ? value : NULL;
}

static bool is_below(struct span host, struct span name)
{
    if (name.len && name.at[0] == '.')
        name = span_from(name.at + 1, name.len - 1);
    if (!name.len || host.len < name.len)
        return false;
    struct span end = span_from(host.at + host.len - name.len, name.len);
    return span_eq_nocase(end, name) &&
           (host.len == name.len || host.at[host.len - name.len - 1] == '.');
}

bool proxy_is_excluded(struct span host, struct span no_proxy)
{
    struct span part;
    while (span_next(&no_proxy, ',', &part)) {
        part = span_trim(part);
        if (span_is(part, "*") || is_below(host, part))
            return true;
    }
    return false;
}

const char *proxy_of_environment(const char *url)
{
    struct url parsed;
    if (url_parse(span_of(url), &parsed, NULL))
        return NULL;
    const char *none = variable("no_proxy", "NO_PROXY");
    if (none && proxy_is_excluded(parsed.host, span_of(none)))
        return NULL;
    return parsed.tls ? variable("https_proxy", "HTTPS_PROXY") : variable("http_proxy", NULL);
}
