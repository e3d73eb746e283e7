#include "net/request_text.h"

#include "net/head.h"

static bool is_visible(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~')
            return false;
    return true;
}

/* The path of the configured address, its last slash left out, comes before every path. */
static void put_target(const struct dial *d, struct span path, struct buf *out)
{
    struct span prefix = d->url.path;
    if (dial_absolute(d))
        buf_printf(out, "http://%s", d->peer);
    if (path.len && prefix.len && prefix.at[prefix.len - 1] == '/')
        prefix.len--;
    buf_span(out, prefix);
    buf_span(out, path.len || prefix.len ? path : SPAN("/"));
}

enum status request_text(const struct dial *d, const char *user_agent, const char *method,
                         const char *path, const struct http_header *headers, size_t n_headers,
                         struct buf *out, struct err *err)
{
    struct span p = span_of(path);
    if (!token_valid(span_of(method)) || !is_visible(p) || (p.len && p.at[0] != '/'))
        return err_set(err, INVALID,
                       "request \"%s %s\": the path must begin with / and hold no "
                       "blanks or control characters",
                       method, path);
    buf_printf(out, "%s ", method);
    put_target(d, p, out);
    bool default_port = d->url.port == (d->url.tls ? 443 : 80);
    struct span host = span_of(d->peer);
    while (default_port && host.at[--host.len] != ':')
        ;
    buf_printf(out, " HTTP/1.1\r\nHost: %.*s\r\n", SPAN_ARG(host));
    if (user_agent)
        buf_printf(out, "User-Agent: %s\r\n", user_agent);
    if (d->credentials)
        buf_str(out, d->credentials);
    if (dial_absolute(d) && d->proxy_credentials)
        buf_str(out, d->proxy_credentials);
    for (size_t i = 0; i < n_headers; i++) {
        if (!token_valid(headers[i].name) || !field_value_valid(headers[i].value))
            return err_set(err, INVALID, "request header \"%.*s\" cannot stand in a head",
                           SPAN_ARG(headers[i].name));
        buf_span(out, headers[i].name);
        buf_str(out, ": ");
        buf_span(out, headers[i].value);
        buf_str(out, "\r\n");
    }
    return OK;
}
