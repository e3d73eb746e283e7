#include "net/chunked.h"

#include "net/chars.h"

static bool take_size(struct chunked *c, char ch)
{
    int digit = hex_digit(ch);
    if (digit >= 0 && c->line_bytes++ < CHUNK_SIZE_MAX_DIGITS) {
        c->left = c->left << 4 | (uint64_t)digit;
        c->state = CHUNKED_SIZE_MORE;
        return true;
    }
    if (digit >= 0 || c->state == CHUNKED_SIZE)
        return false;
    c->state = ch == ';' ? CHUNKED_EXTENSION : CHUNKED_SIZE_LF;
    return ch == ';' || ch == '\r';
}

static bool take_text(struct chunked *c, char ch, size_t max, enum chunked_state at_cr)
{
    if (ch == '\r')
        c->state = at_cr;
    else if (!is_text(ch) || ++c->line_bytes > max)
        return false;
    return true;
}

static bool take_trailer_start(struct chunked *c, char ch)
{
    if (ch == '\r') {
        c->state = CHUNKED_LAST_LF;
        return true;
    }
    c->state = CHUNKED_TRAILER;
    return ch != ' ' && is_text(ch) && ch != '\t' && ++c->line_bytes <= TRAILERS_MAX_BYTES;
}

static bool take_lf(struct chunked *c, char ch, enum chunked_state next)
{
    c->state = next;
    c->line_bytes = next == CHUNKED_TRAILER_START ? c->line_bytes : 0;
    return ch == '\n';
}

/* One character outside of the data. */
static bool take(struct chunked *c, char ch)
{
    switch (c->state) {
    case CHUNKED_SIZE:
    case CHUNKED_SIZE_MORE:
        return take_size(c, ch);
    case CHUNKED_EXTENSION:
        return take_text(c, ch, CHUNK_LINE_MAX_BYTES, CHUNKED_SIZE_LF);
    case CHUNKED_SIZE_LF:
        return take_lf(c, ch, c->left ? CHUNKED_DATA : CHUNKED_TRAILER_START);
    case CHUNKED_DATA_CR:
        c->state = CHUNKED_DATA_LF;
        return ch == '\r';
    case CHUNKED_DATA_LF:
        return take_lf(c, ch, CHUNKED_SIZE);
    case CHUNKED_TRAILER_START:
        return take_trailer_start(c, ch);
    case CHUNKED_TRAILER:
        return take_text(c, ch, TRAILERS_MAX_BYTES, CHUNKED_TRAILER_LF);
    case CHUNKED_TRAILER_LF:
        return take_lf(c, ch, CHUNKED_TRAILER_START);
    case CHUNKED_DATA:
    case CHUNKED_LAST_LF:
        break; /* chunked_next's own */
    }
    return false;
}

enum chunked_step chunked_next(struct chunked *c, struct span *in, struct span *out)
{
    while (in->len) {
        if (c->state == CHUNKED_DATA) {
            size_t n = c->left < in->len ? (size_t)c->left : in->len;
            *out = span_from(in->at, n);
            *in = span_from(in->at + n, in->len - n);
            c->left -= n;
            if (!c->left)
                c->state = CHUNKED_DATA_CR;
            return CHUNKED_BYTES;
        }
        char ch = in->at[0];
        *in = span_from(in->at + 1, in->len - 1);
        if (c->state == CHUNKED_LAST_LF)
            return ch == '\n' ? CHUNKED_END : CHUNKED_BAD;
        if (!take(c, ch))
            return CHUNKED_BAD;
    }
    return CHUNKED_MORE;
}
