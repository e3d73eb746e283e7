#include "base/json.h"

#include <math.h>

static void before_value(struct json *j)
{
    if (j->after_key)
        j->after_key = false;
    else if (j->comma[j->depth])
        buf_char(j->out, ',');
    j->comma[j->depth] = true;
}

static void open_level(struct json *j, char c)
{
    before_value(j);
    buf_char(j->out, c);
    if (j->depth + 1 >= JSON_WRITE_MAX_DEPTH) {
        j->out->failed = true;
        return;
    }
    j->comma[++j->depth] = false;
}

static void close_level(struct json *j, char c)
{
    if (j->depth)
        j->depth--;
    buf_char(j->out, c);
}

void json_begin_object(struct json *j)
{
    open_level(j, '{');
}

void json_end_object(struct json *j)
{
    close_level(j, '}');
}

void json_begin_array(struct json *j)
{
    open_level(j, '[');
}

void json_end_array(struct json *j)
{
    close_level(j, ']');
}

/* Length of the valid UTF-8 sequence at text, 0 when there is none (RFC 3629: no overlong forms,
 * no surrogates, nothing above U+10FFFF). */
static size_t utf8_length(struct span text)
{
    unsigned char c = (unsigned char)text.at[0];
    size_t n = c < 0x80                ? 1
               : c >= 0xc2 && c < 0xe0 ? 2
               : c >= 0xe0 && c < 0xf0 ? 3
               : c >= 0xf0 && c < 0xf5 ? 4
                                       : 0;
    if (!n || n > text.len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)text.at[i] & 0xc0) != 0x80)
            return 0;
    unsigned char next = n > 1 ? (unsigned char)text.at[1] : 0;
    bool bad = (c == 0xe0 && next < 0xa0) || (c == 0xed && next >= 0xa0) ||
               (c == 0xf0 && next < 0x90) || (c == 0xf4 && next >= 0x90);
    return bad ? 0 : n;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void put_escaped(struct buf *out, unsigned char c)
{
    if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", c);
    else if (c == '\n')
        buf_str(out, "\\n");
    else if (c == '\t')
        buf_str(out, "\\t");
    else
        buf_printf(out, "\\u%04x", c);
}

static void put_string(struct buf *out, struct span text)
{
    buf_char(out, '"');
    while (text.len) {
        size_t run = 0;
        while (run < text.len && is_plain((unsigned char)text.at[run]))
            run++;
        if (!run && (unsigned char)text.at[0] < 0x80) {
            put_escaped(out, (unsigned char)text.at[0]);
            run = 1;
        } else if (!run && (run = utf8_length(text)) == 0) {
            buf_str(out, "\xef\xbf\xbd");
            run = 1;
        } else {
            buf_put(out, text.at, run);
        }
        text = span_from(text.at + run, text.len - run);
    }
    buf_char(out, '"');
}

void json_key_span(struct json *j, struct span key)
{
    before_value(j);
    put_string(j->out, key);
    buf_char(j->out, ':');
    j->after_key = true;
}

void json_key(struct json *j, const char *key)
{
    json_key_span(j, span_of(key));
}

void json_span(struct json *j, struct span text)
{
    before_value(j);
    put_string(j->out, text);
}

void json_text(struct json *j, const char *text)
{
    if (text)
        json_span(j, span_of(text));
    else
        json_put_null(j);
}

void json_i64(struct json *j, int64_t n)
{
    before_value(j);
    buf_i64(j->out, n);
}

void json_u64(struct json *j, uint64_t n)
{
    before_value(j);
    buf_u64(j->out, n);
}

void json_double(struct json *j, double v)
{
    before_value(j);
    if (isfinite(v))
        buf_double(j->out, v);
    else
        buf_str(j->out, "null");
}

void json_bool(struct json *j, bool v)
{
    before_value(j);
    buf_str(j->out, v ? "true" : "false");
}

void json_put_null(struct json *j)
{
    before_value(j);
    buf_str(j->out, "null");
}

void json_raw(struct json *j, struct span text)
{
    before_value(j);
    buf_span(j->out, text);
}

void json_field(struct json *j, const char *key, const char *text)
{
    json_key(j, key);
    json_text(j, text);
}

void json_field_span(struct json *j, const char *key, struct span text)
{
    json_key(j, key);
    json_span(j, text);
}

void json_field_i64(struct json *j, const char *key, int64_t n)
{
    json_key(j, key);
    json_i64(j, n);
}

void json_field_double(struct json *j, const char *key, double v)
{
    json_key(j, key);
    json_double(j, v);
}

void json_field_bool(struct json *j, const char *key, bool v)
{
    json_key(j, key);
    json_bool(j, v);
}
