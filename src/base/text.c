#include "base/text.h"

struct range {
    uint32_t first, last;
};

/* Unicode's East_Asian_Width W and F, in rough blocks. */
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},  {0xa960, 0xa97c}, {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},  {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd}};
/* Combining marks, joiners, variation selectors. */
static const struct range none[] = {
    {0x300, 0x36f}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};

static bool in(uint32_t c, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

/* Bytes of the first character; a byte that begins none is one of its own. */
static size_t first_of(struct span text, uint32_t *c)
{
    const unsigned char *p = (const unsigned char *)text.at;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 1;
    *c = n == 1 ? p[0] < 0x80 ? p[0] : '?' : p[0] & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if (i >= text.len || (p[i] & 0xc0) != 0x80) {
            *c = '?';
            return 1;
        }
        *c = *c << 6 | (p[i] & 0x3fU);
    }
    return n;
}

static size_t columns_of(uint32_t c)
{
    return in(c, none, COUNT(none)) ? 0 : in(c, wide, COUNT(wide)) ? 2 : 1;
}

size_t text_columns(struct span text)
{
    size_t columns = 0;
    for (size_t n; text.len; text = span_from(text.at + n, text.len - n)) {
        uint32_t c;
        n = first_of(text, &c);
        columns += columns_of(c);
    }
    return columns;
}

void text_cell(struct buf *out, struct span text, size_t width)
{
    size_t at = 0, all = text_columns(text), room = all > width && width ? width - 1 : width;
    for (size_t n; text.len; text = span_from(text.at + n, text.len - n)) {
        uint32_t c;
        n = first_of(text, &c);
        if (at + columns_of(c) > room)
            break;
        at += columns_of(c);
        if (c < 0x20 || c == 0x7f)
            buf_char(out, '?');
        else
            buf_put(out, text.at, n);
    }
    if (all > width && width) {
        buf_str(out, "…");
        at++;
    }
    buf_fill(out, ' ', width - MIN(width, at));
}

/* A word and the "%" that belongs to it: "38 %" stays together. */
static bool next_words(struct span *rest, struct span *out)
{
    if (!span_word(rest, out))
        return false;
    struct span peek = *rest, word;
    if (span_word(&peek, &word) && word.at[0] == '%') {
        out->len = (size_t)(word.at + word.len - out->at);
        *rest = peek;
    }
    return true;
}

void text_wrap(struct buf *out, struct span text, size_t indent, size_t width)
{
    struct span word;
    size_t at = indent;
    for (bool first = true; next_words(&text, &word); first = false) {
        size_t n = text_columns(word);
        if (!first && at + 1 + n > width) {
            buf_char(out, '\n');
            buf_fill(out, ' ', indent);
            at = indent;
        } else if (!first) {
            buf_char(out, ' ');
            at++;
        }
        buf_span(out, word);
        at += n;
    }
    buf_char(out, '\n');
}

void text_paint(struct buf *out, const char *text, const char *code, bool colour)
{
    if (colour)
        buf_printf(out, "\x1b[%sm%s\x1b[0m", code, text);
    else
        buf_str(out, text);
}
