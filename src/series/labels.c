#include "series/labels.h"

#include <ctype.h>

struct span labels_get(struct labels l, struct span name)
{
    for (size_t i = 0; i < l.n; i++)
        if (span_eq(l.at[i].name, name))
            return l.at[i].value.len ? l.at[i].value : (struct span){0};
    return (struct span){0};
}

bool labels_eq(struct labels a, struct labels b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (!span_eq(a.at[i].value, b.at[i].value) || !span_eq(a.at[i].name, b.at[i].name))
            return false;
    return true;
}

int labels_compare(struct labels a, struct labels b)
{
    for (size_t i = 0; i < a.n && i < b.n; i++) {
        int order = span_compare(a.at[i].name, b.at[i].name);
        if (!order)
            order = span_compare(a.at[i].value, b.at[i].value);
        if (order)
            return order;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

uint64_t labels_hash(struct labels l)
{
    uint64_t h = l.n;
    for (size_t i = 0; i < l.n; i++) {
        /* Name and value are hashed apart, so that moving a byte between them changes it. */
        h = (h ^ span_hash(l.at[i].name)) * UINT64_C(0x9e3779b97f4a7c15);
        h = ((h ^ h >> 32) ^ span_hash(l.at[i].value)) * UINT64_C(0xd6e8feb86659fd93);
    }
    return h ^ h >> 32;
}

struct labels labels_dup(struct arena *a, struct labels l)
{
    size_t bytes = 0;
    for (size_t i = 0; i < l.n; i++)
        bytes += l.at[i].name.len + l.at[i].value.len;
    struct label *at = arena_alloc(a, l.n * sizeof *at + bytes);
    char *text = (char *)(at + l.n);
    for (size_t i = 0; i < l.n; i++) {
        const struct span from[] = {l.at[i].name, l.at[i].value};
        struct span *to[] = {&at[i].name, &at[i].value};
        for (size_t k = 0; k < 2; k++) {
            *to[k] = span_from(text, from[k].len);
            if (from[k].len)
                memcpy(text, from[k].at, from[k].len);
            text += from[k].len;
        }
    }
    return (struct labels){at, l.n};
}

bool labels_sort(struct label *at, size_t n)
{
    /* Insertion: senders sort already, and then this is one pass. */
    for (size_t i = 1; i < n; i++) {
        struct label moving = at[i];
        size_t k = i;
        for (; k > 0; k--) {
            int order = span_compare(at[k - 1].name, moving.name);
            if (order == 0)
                return false;
            if (order < 0)
                break;
            at[k] = at[k - 1];
        }
        at[k] = moving;
    }
    return true;
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool name_valid(struct span name, bool colon)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool digit = i > 0 && c >= '0' && c <= '9';
        if (!is_word_start(c) && !digit && !(colon && c == ':'))
            return false;
    }
    return name.len > 0;
}

bool label_name_valid(struct span name)
{
    return name_valid(name, false);
}

bool metric_name_valid(struct span name)
{
    return name_valid(name, true);
}

/* The length of the character at p[0], 0 when it is not well-formed UTF-8 (RFC 3629: shortest
 * form, no surrogates, up to U+10FFFF). */
static size_t utf8_char(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    size_t len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len > n)
        return 0;
    unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
    switch (p[0]) {
    case 0xe0:
        low = 0xa0;
        break;
    case 0xed:
        high = 0x9f;
        break;
    case 0xf0:
        low = 0x90;
        break;
    case 0xf4:
        high = 0x8f;
        break;
    default:
        break;
    }
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool utf8_valid(struct span text)
{
    const unsigned char *p = (const unsigned char *)text.at;
    size_t left = text.len;
    while (left) {
        uint64_t word;
        if (left >= sizeof word) {
            memcpy(&word, p, sizeof word);
            if (!(word & UINT64_C(0x8080808080808080))) {
                p += sizeof word;
                left -= sizeof word;
                continue;
            }
        }
        size_t len = utf8_char(p, left);
        if (!len)
            return false;
        p += len;
        left -= len;
    }
    return true;
}

/* What Go's strconv.Quote escapes, as far as label values go: control characters (C0, DEL,
 * C1), line separators, the byte order mark and bytes that are not UTF-8. */
static bool is_printable(const unsigned char *p, size_t len)
{
    if (len == 1)
        return p[0] >= 0x20 && p[0] != 0x7f;
    if (len == 2)
        return p[0] != 0xc2 || p[1] >= 0xa0;
    return !(len == 3 && ((p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) ||
                          (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)));
}

static void put_escaped(struct buf *out, const unsigned char *p, size_t len)
{
    static const char names[] = "abtnvfr"; /* of 7 to 13 */
    if (len <= 1 && p[0] >= 7 && p[0] <= 13) {
        buf_char(out, '\\');
        buf_char(out, names[p[0] - 7]);
    } else if (len <= 1) {
        buf_printf(out, "\\x%02x", p[0]);
    } else {
        unsigned code = len == 2 ? (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu)
                                 : (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
        buf_printf(out, "\\u%04x", code);
    }
}

void label_value_print(struct buf *out, struct span value)
{
    const unsigned char *p = (const unsigned char *)value.at;
    buf_char(out, '"');
    for (size_t left = value.len; left;) {
        size_t len = utf8_char(p, left);
        if (*p == '"' || *p == '\\') {
            buf_char(out, '\\');
            buf_char(out, (char)*p);
        } else if (len && is_printable(p, len)) {
            buf_put(out, p, len);
        } else {
            put_escaped(out, p, len);
        }
        len = MAX(len, (size_t)1);
        p += len;
        left -= len;
    }
    buf_char(out, '"');
}

void labels_print(struct buf *out, struct labels l)
{
    struct span metric = labels_metric(l);
    bool bare = metric_name_valid(metric);
    if (bare)
        buf_span(out, metric);
    if (bare && l.n == 1)
        return;
    buf_char(out, '{');
    bool first = true;
    for (size_t i = 0; i < l.n; i++) {
        if (bare && span_is(l.at[i].name, LABEL_NAME))
            continue;
        if (!first)
            buf_str(out, ", ");
        first = false;
        if (label_name_valid(l.at[i].name))
            buf_span(out, l.at[i].name);
        else
            label_value_print(out, l.at[i].name);
        buf_char(out, '=');
        label_value_print(out, l.at[i].value);
    }
    buf_char(out, '}');
}

void label_builder_start(struct label_builder *b, struct labels from)
{
    b->failed = from.n > LABELS_MAX;
    b->n = MIN(from.n, (size_t)LABELS_MAX);
    if (b->n)
        memcpy(b->at, from.at, b->n * sizeof *b->at);
}

void label_set(struct label_builder *b, struct span name, struct span value)
{
    size_t i = 0;
    while (i < b->n && !span_eq(b->at[i].name, name))
        i++;
    if (!value.len) {
        if (i < b->n)
            b->at[i] = b->at[--b->n];
        return;
    }
    if (i == LABELS_MAX) {
        b->failed = true;
        return;
    }
    b->at[i] = (struct label){name, value};
    b->n = MAX(b->n, i + 1);
}

struct labels label_builder_end(struct label_builder *b)
{
    bool distinct = labels_sort(b->at, b->n);
    b->failed |= !distinct;
    return (struct labels){b->at, b->n};
}

/* A code point in hexadecimal digits and the _ behind them; back: bytes read, 0 when it is none. */
static size_t unescape_point(struct span in, struct buf *out)
{
    enum { DIGITS_MAX = 6 };
    uint32_t c = 0;
    size_t i = 0;
    for (; i < in.len && i < DIGITS_MAX && isxdigit((unsigned char)in.at[i]); i++) {
        char d = in.at[i];
        c = c * 16 + (uint32_t)(d <= '9' ? d - '0' : (d | 32) - 'a' + 10);
    }
    if (i == 0 || i == in.len || in.at[i] != '_' || c > 0x10ffff)
        return 0;
    if (c < 0x80) {
        buf_char(out, (char)c);
    } else if (c < 0x800) {
        buf_char(out, (char)(0xc0 | c >> 6));
        buf_char(out, (char)(0x80 | (c & 63)));
    } else {
        buf_char(out, (char)(c < 0x10000 ? 0xe0 | c >> 12 : 0xf0 | c >> 18));
        if (c >= 0x10000)
            buf_char(out, (char)(0x80 | (c >> 12 & 63)));
        buf_char(out, (char)(0x80 | (c >> 6 & 63)));
        buf_char(out, (char)(0x80 | (c & 63)));
    }
    return i + 1;
}

struct span label_name_unescape(struct arena *a, struct span escaped)
{
    static const struct span prefix = SPAN("U__");
    auto_buf out = {0};
    if (escaped.len <= prefix.len || memcmp(escaped.at, prefix.at, prefix.len) != 0)
        return escaped;
    for (size_t i = prefix.len; i < escaped.len; i++) {
        char c = escaped.at[i];
        if (c != '_') {
            if (!isalnum((unsigned char)c) && c != ':')
                return escaped;
            buf_char(&out, c);
            continue;
        }
        if (++i < escaped.len && escaped.at[i] == '_') {
            buf_char(&out, '_');
            continue;
        }
        size_t n =
            unescape_point(span_from(escaped.at + i, escaped.len - MIN(i, escaped.len)), &out);
        if (!n)
            return escaped;
        i += n - 1;
    }
    return out.failed || !utf8_valid(buf_view(&out)) ? escaped : arena_span(a, buf_view(&out));
}
