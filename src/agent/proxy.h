/* Which proxy a URL is reached through, by the variables that curl and others know: https_proxy,
 * HTTPS_PROXY, http_proxy, no_proxy, NO_PROXY. */
#pragma once

#include "base/span.h"

/* NULL: none. HTTP_PROXY in capitals is not looked at, as it may come from a request. */
const char *proxy_of_environment(const char *url);
/* no_proxy is "a.example,.b.example,10.0.0.1" or "*": names stand for themselves and what is below
 * them. */
bool proxy_is_excluded(struct span host, struct span no_proxy);
