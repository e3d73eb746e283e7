/* Query and form parameters, decoded as they are asked for. */
#include "net/server_state.h"

/* In the request's arena, or where it stands when there is nothing to decode. */
static bool decode(struct http_request *req, struct span raw, struct span *out)
{
    *out = raw;
    if (span_find(raw, '%') == raw.len && span_find(raw, '+') == raw.len)
        return true;
    struct buf decoded = {.at = arena_alloc(&req->arena, raw.len), .size = raw.len};
    if (!url_decode(&decoded, raw, true)) /* never longer than what it decodes */
        return false;
    *out = buf_view(&decoded);
    return true;
}

/* Whether raw, once decoded, is name; decodes without memory as most names are plain. */
static bool is_name(struct span raw, struct span name)
{
    size_t at = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (at >= raw.len)
            return false;
        size_t n = raw.at[at] == '%' ? 3 : 1;
        char one[1];
        struct buf c = {.at = one, .size = 1, .max = 1};
        if (at + n > raw.len || !url_decode(&c, span_from(raw.at + at, n), true) ||
            one[0] != name.at[i])
            return false;
        at += n;
    }
    return at == raw.len;
}

static size_t collect(struct http_request *req, struct span text, struct span name,
                      struct span *out, size_t max)
{
    size_t n = 0;
    struct span pair;
    while (n < max && span_next(&text, '&', &pair)) {
        size_t equal = span_find(pair, '=');
        if (!is_name(span_from(pair.at, equal), name))
            continue;
        size_t from = MIN(equal + 1, pair.len);
        n += decode(req, span_from(pair.at + from, pair.len - from), &out[n]);
    }
    return n;
}

static bool has_form(const struct http_request *req)
{
    struct span type = http_request_header(req, "Content-Type");
    type.len = span_find(type, ';');
    return span_eq_nocase(span_trim(type), SPAN("application/x-www-form-urlencoded"));
}

size_t http_request_params(struct http_request *req, const char *name, struct span *out, size_t max)
{
    size_t n = collect(req, req->head.query, span_of(name), out, max);
    if (n < max && req->body.len && has_form(req))
        n += collect(req, buf_view(&req->body), span_of(name), out + n, max - n);
    return n;
}

bool http_request_param(struct http_request *req, const char *name, struct span *out)
{
    return http_request_params(req, name, out, 1) == 1;
}
