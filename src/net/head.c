#include "net/head.h"

#include "net/chars.h"

enum { VERSION_BYTES = 8, STATUS_BYTES = 3 };

/* RFC 9110 5.6.2: the characters of methods and field names. */
static bool is_token_char(unsigned char c)
{
    static const bool table[256] = {
        ['!'] = 1,         ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1,         ['\''] = 1,
        ['*'] = 1,         ['+'] = 1, ['-'] = 1, ['.'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1,
        ['a' ... 'z'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1,         ['~'] = 1,
    };
    return table[c];
}

bool token_valid(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_char((unsigned char)s.at[i]))
            return false;
    return s.len > 0;
}

bool field_value_valid(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_text(s.at[i]))
            return false;
    return true;
}

static bool refuse(struct refusal *why, int status, const char *sentence)
{
    *why = (struct refusal){status, sentence};
    return false;
}

static struct span trim_blanks(struct span s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t')) {
        s.at++;
        s.len--;
    }
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool list_has(struct span list, const char *token)
{
    struct span item;
    while (span_next(&list, ',', &item)) {
        item.len = span_find(item, ';');
        if (span_eq_nocase(trim_blanks(item), span_of(token)))
            return true;
    }
    return false;
}

struct span head_field(const struct http_header *headers, size_t n, const char *name)
{
    struct span wanted = span_of(name);
    for (size_t i = 0; i < n; i++)
        if (span_eq_nocase(headers[i].name, wanted))
            return headers[i].value;
    return (struct span){0};
}

/* ---- the first line ---- */

static bool parse_version(struct span text, unsigned *minor, struct refusal *why)
{
    if (text.len != VERSION_BYTES || !span_starts(text, SPAN("HTTP/")) || text.at[6] != '.')
        return refuse(why, 400, "the request line is not METHOD TARGET HTTP/1.1");
    if (text.at[5] != '1' || (text.at[7] != '0' && text.at[7] != '1'))
        return refuse(why, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    *minor = (unsigned)(text.at[7] - '0');
    return true;
}

static bool is_visible(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == '#')
            return false;
    return s.len > 0;
}

/* Characters of a host name, an address or a port; '@' and '/' would start something else. */
static bool is_host(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (!is_alnum(c) && !(c && strchr("-._~%!$&'()*+;=:[]", c)))
            return false;
    }
    return s.len > 0;
}

/* http://host/path is what a proxy is sent and every server has to take (RFC 9112 3.2.2). */
static bool cut_absolute(struct head *h, struct refusal *why)
{
    size_t scheme = span_starts(h->target, SPAN("http://"))    ? 7
                    : span_starts(h->target, SPAN("https://")) ? 8
                                                               : 0;
    if (!scheme)
        return refuse(why, 400, "the request target is neither a path nor an http URL");
    struct span rest = {h->target.at + scheme, h->target.len - scheme};
    size_t slash = span_find(rest, '/'), mark = span_find(rest, '?');
    h->host = span_from(rest.at, MIN(slash, mark));
    if (!is_host(h->host))
        return refuse(why, 400, "the host in the request target is not a host");
    if (slash >= mark)
        return refuse(why, 400, "the request target has no path");
    h->target = span_from(rest.at + slash, rest.len - slash);
    return true;
}

static bool parse_target(struct head *h, struct refusal *why)
{
    if (!is_visible(h->target))
        return refuse(why, 400, "the request target holds characters that must be escaped");
    if (span_is(h->method, "CONNECT"))
        return refuse(why, 501, "this is not a proxy");
    bool asterisk = span_is(h->target, "*") && span_is(h->method, "OPTIONS");
    if (!asterisk && h->target.at[0] != '/' && !cut_absolute(h, why))
        return false;
    size_t mark = span_find(h->target, '?');
    h->path = span_from(h->target.at, mark);
    if (mark < h->target.len)
        h->query = span_from(h->target.at + mark + 1, h->target.len - mark - 1);
    return true;
}

static bool parse_request_line(struct span line, struct head *h, struct refusal *why)
{
    size_t first = span_find(line, ' ');
    h->method = span_from(line.at, first);
    if (first == line.len || first > HEAD_METHOD_MAX_BYTES || !token_valid(h->method))
        return refuse(why, 400, "the request line is not METHOD TARGET HTTP/1.1");
    struct span rest = {line.at + first + 1, line.len - first - 1};
    size_t second = span_find(rest, ' ');
    if (second == rest.len)
        return refuse(why, 400, "the request line has no version; HTTP/0.9 is not spoken here");
    h->target = span_from(rest.at, second);
    struct span version = {rest.at + second + 1, rest.len - second - 1};
    return parse_version(version, &h->minor, why) && parse_target(h, why);
}

static bool parse_status_line(struct span line, struct head *h, struct refusal *why)
{
    uint64_t status = 0;
    if (line.len < VERSION_BYTES + 1 + STATUS_BYTES || line.at[VERSION_BYTES] != ' ' ||
        (line.len > VERSION_BYTES + 1 + STATUS_BYTES &&
         line.at[VERSION_BYTES + 1 + STATUS_BYTES] != ' ') ||
        !span_u64(span_from(line.at + VERSION_BYTES + 1, STATUS_BYTES), &status) || status < 100 ||
        status > 599 || !field_value_valid(line))
        return refuse(why, 400, "the answer does not begin with an HTTP/1.1 status line");
    h->status = (int)status;
    return parse_version(span_from(line.at, VERSION_BYTES), &h->minor, why);
}

/* ---- fields that decide where a message ends ---- */

struct framing {
    bool host, length, encoding, close, keep_alive;
};

static bool take_host(struct head *h, struct framing *f, struct span value, struct refusal *why)
{
    if (f->host)
        return refuse(why, 400, "there are two Host fields");
    f->host = true;
    if (!is_host(value))
        return refuse(why, 400, "the Host field is not a host");
    if (h->host.len && !span_eq_nocase(h->host, value))
        return refuse(why, 400, "the Host field and the request target name different hosts");
    h->host = value;
    return true;
}

static bool take_length(struct head *h, struct framing *f, struct span value, struct refusal *why)
{
    if (f->length)
        return refuse(why, 400, "there are two Content-Length fields");
    f->length = true;
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < '0' || value.at[i] > '9')
            return refuse(why, 400, "Content-Length is not a number");
    if (!span_u64(value, &h->content_length))
        return refuse(why, 400, "Content-Length is not a number of 64 bits");
    return true;
}

static bool take_encoding(struct head *h UNUSED, struct framing *f, struct span value,
                          struct refusal *why)
{
    if (f->encoding)
        return refuse(why, 400, "there are two Transfer-Encoding fields");
    f->encoding = true;
    if (!span_eq_nocase(value, SPAN("chunked")))
        return refuse(why, 501, "the only Transfer-Encoding spoken here is chunked");
    return true;
}

static bool take_connection(struct head *h, struct framing *f, struct span value,
                            struct refusal *why UNUSED)
{
    f->close |= list_has(value, "close");
    f->keep_alive |= list_has(value, "keep-alive");
    h->upgrade |= list_has(value, "upgrade");
    return true;
}

static bool take_expect(struct head *h, struct framing *f UNUSED, struct span value,
                        struct refusal *why)
{
    if (!span_eq_nocase(value, SPAN("100-continue")))
        return refuse(why, 417, "the only expectation met here is 100-continue");
    h->expect_continue = true;
    return true;
}

static const struct {
    struct span name;
    bool (*take)(struct head *h, struct framing *f, struct span value, struct refusal *why);
} special_fields[] = {
    {{"host", 4}, take_host},
    {{"content-length", 14}, take_length},
    {{"transfer-encoding", 17}, take_encoding},
    {{"connection", 10}, take_connection},
    {{"expect", 6}, take_expect},
};

/* ---- fields ---- */

static bool parse_field(struct span line, struct head *h, struct framing *f, struct refusal *why)
{
    if (line.at[0] == ' ' || line.at[0] == '\t')
        return refuse(why, 400, "a header field is folded over two lines");
    size_t colon = span_find(line, ':');
    struct span name = {line.at, colon};
    if (colon == line.len || !token_valid(name))
        return refuse(why, 400, "a header field is not NAME: VALUE, or has a blank in its name");
    struct span value = trim_blanks(span_from(line.at + colon + 1, line.len - colon - 1));
    if (!field_value_valid(value))
        return refuse(why, 400, "a header field holds a control character");
    if (h->n_headers == HTTP_HEADERS_MAX)
        return refuse(why, 431, "there are too many header fields");
    h->headers[h->n_headers++] = (struct http_header){name, value};
    for (size_t i = 0; i < COUNT(special_fields); i++)
        if (span_eq_nocase(name, special_fields[i].name))
            return special_fields[i].take(h, f, value, why);
    return true;
}

static bool next_line(struct span *rest, struct span *line, struct refusal *why)
{
    size_t lf = span_find(*rest, '\n');
    if (lf == 0 || lf == rest->len || rest->at[lf - 1] != '\r')
        return refuse(why, 400, "a line does not end with CR LF");
    *line = span_from(rest->at, lf - 1);
    *rest = span_from(rest->at + lf + 1, rest->len - lf - 1);
    return true;
}

static bool parse_fields(struct span rest, struct head *h, struct framing *f, struct refusal *why)
{
    struct span line;
    while (next_line(&rest, &line, why)) {
        if (!line.len)
            return !rest.len || refuse(why, 400, "there is something after the head");
        if (!parse_field(line, h, f, why))
            return false;
    }
    return false;
}

static bool settle_framing(struct head *h, const struct framing *f, struct refusal *why)
{
    if (f->length && f->encoding)
        return refuse(why, 400, "Content-Length and Transfer-Encoding exclude each other");
    if (f->encoding && h->minor == 0)
        return refuse(why, 400, "HTTP/1.0 knows no Transfer-Encoding");
    h->body = f->encoding ? BODY_CHUNKED : h->content_length ? BODY_LENGTH : BODY_NONE;
    h->keep_alive = !f->close && (h->minor == 1 || f->keep_alive);
    return true;
}

static void clear(struct head *h)
{
    memset(h, 0, offsetof(struct head, headers));
}

bool head_parse_request(struct span text, struct head *h, struct refusal *why)
{
    clear(h);
    struct framing f = {0};
    struct span line;
    if (!next_line(&text, &line, why) || !parse_request_line(line, h, why) ||
        !parse_fields(text, h, &f, why) || !settle_framing(h, &f, why))
        return false;
    if (!f.host && h->minor == 1)
        return refuse(why, 400, "there is no Host field");
    h->expect_continue &= h->minor == 1;
    return true;
}

bool head_parse_answer(struct span text, struct head *h, struct refusal *why)
{
    clear(h);
    struct framing f = {0};
    struct span line;
    if (!next_line(&text, &line, why) || !parse_status_line(line, h, why) ||
        !parse_fields(text, h, &f, why) || !settle_framing(h, &f, why))
        return false;
    bool bodiless = h->status < 200 || h->status == 204 || h->status == 304;
    if (bodiless)
        h->body = BODY_NONE;
    else if (h->body == BODY_NONE && !f.length)
        h->body = BODY_UNTIL_CLOSE;
    return true;
}

enum head_state head_scan(struct span data, size_t *line_at, size_t *end, struct refusal *why)
{
    struct span rest = {data.at + *line_at, data.len - *line_at}, line;
    while (span_find(rest, '\n') < rest.len) {
        if (!next_line(&rest, &line, why))
            return HEAD_REFUSED;
        *line_at = (size_t)(rest.at - data.at);
        if (line.len)
            continue;
        *end = *line_at;
        if (*end <= HTTP_HEAD_MAX_BYTES)
            return HEAD_WHOLE;
        break;
    }
    if (data.len < HTTP_HEAD_MAX_BYTES)
        return HEAD_INCOMPLETE;
    refuse(why, *line_at ? 431 : 414, "the head exceeds 16 KiB");
    return HEAD_REFUSED;
}

bool head_begins_well(struct span data, size_t line_at, struct refusal *why)
{
    if (data.len && !is_token_char((unsigned char)data.at[0]))
        return refuse(why, 400, "this is not HTTP; is it TLS to a plain port?");
    if (line_at == 0)
        return true;
    struct head h;
    clear(&h);
    struct span line;
    return next_line(&data, &line, why) && parse_request_line(line, &h, why);
}
