/* http and https addresses, and the escapes inside of them. */
#include "net/chars.h"
#include "net/http.h"

void url_encode(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (is_alnum(text.at[i]) || (c && strchr("-._~", c)))
            buf_char(out, text.at[i]);
        else
            buf_printf(out, "%%%02X", c);
    }
}

bool url_decode(struct buf *out, struct span text, bool form)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.at[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && form) {
            c = ' ';
        }
        if (!c)
            return false;
        buf_char(out, c);
    }
    return !out->failed;
}

/* Leaves a password out of the sentence. */
static enum status bad(struct err *err, struct span text, const char *why)
{
    size_t at = span_find(text, '@');
    if (at < text.len)
        return err_set(err, INVALID, "address \"...%.*s\": %s", (int)(text.len - at), text.at + at,
                       why);
    return err_set(err, INVALID, "address \"%.*s\": %s", SPAN_ARG(text), why);
}

static enum status parse_port(struct span text, struct span digits, uint16_t *out, struct err *err)
{
    uint64_t port = 0;
    if (!span_u64(digits, &port) || port < 1 || port > 65535)
        return bad(err, text, "the port is not in 1..65535");
    *out = (uint16_t)port;
    return OK;
}

static bool is_host(struct span s, bool v6)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.at[i]) && !strchr(v6 ? ":.%" : "-._", s.at[i]))
            return false;
    return s.len > 0;
}

/* HOST, HOST:PORT, [V6] or [V6]:PORT */
static enum status parse_authority(struct span text, struct span authority, struct url *out,
                                   struct err *err)
{
    size_t end = span_find(authority, ':');
    if (!authority.len)
        return bad(err, text, "there is no host");
    if (authority.at[0] == '[') {
        size_t close = span_find(authority, ']');
        if (close == authority.len)
            return bad(err, text, "\"[\" has no \"]\"");
        out->host = span_from(authority.at + 1, close - 1);
        end = close + 1;
    } else {
        out->host = span_from(authority.at, end);
    }
    if (!is_host(out->host, authority.at[0] == '['))
        return bad(err, text, "there is no host, or it is not one");
    if (end == authority.len)
        return OK;
    if (authority.at[end] != ':')
        return bad(err, text, "only a port can follow the host");
    struct span digits = {authority.at + end + 1, authority.len - end - 1};
    return parse_port(text, digits, &out->port, err);
}

enum status url_parse(struct span text, struct url *out, struct err *err)
{
    *out = (struct url){0};
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return bad(err, text, "it holds a blank or a character that must be escaped");
    out->tls = span_starts(text, SPAN("https://"));
    if (!out->tls && !span_starts(text, SPAN("http://")))
        return bad(err, text, "it does not begin with http:// or https://");
    out->port = out->tls ? 443 : 80;
    size_t scheme = out->tls ? 8 : 7;
    struct span rest = {text.at + scheme, text.len - scheme};
    if (span_find(rest, '#') < rest.len)
        return bad(err, text, "a fragment (#...) has no meaning here");
    size_t slash = span_find(rest, '/');
    if (span_find(rest, '?') < slash)
        return bad(err, text, "there is no path before \"?\"");
    struct span authority = {rest.at, slash};
    out->path = span_from(rest.at + slash, rest.len - slash);
    size_t at = span_find(authority, '@');
    if (at < authority.len) {
        out->user_info = span_from(authority.at, at);
        authority = span_from(authority.at + at + 1, authority.len - at - 1);
    }
    return parse_authority(text, authority, out, err);
}
