#include "store/embedded/floats.h"

/* ---- window ---- */

struct window {
    unsigned lead, len; /* len 0: none yet */
};

/* Whether x, not 0, fits the last window; otherwise it becomes its own. A window that wastes
 * more than a new one costs is given up. */
static bool window_fits(struct window *w, uint64_t x)
{
    unsigned lead = (unsigned)__builtin_clzll(x), trail = (unsigned)__builtin_ctzll(x);
    unsigned own = 64 - lead - trail;
    if (w->len && lead >= w->lead && trail >= 64 - w->lead - w->len && own + 12 >= w->len)
        return true;
    *w = (struct window){lead, own};
    return false;
}

size_t window_bits(double base, const double *v, size_t n)
{
    struct window w = {0};
    uint64_t last = double_bits(base);
    size_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = double_bits(v[i]) ^ last;
        last ^= x;
        if (!x)
            bits += 1;
        else
            bits += (window_fits(&w, x) ? 2u : 14u) + w.len;
    }
    return bits;
}

uint8_t *window_put(double base, const double *v, size_t n, uint8_t *out)
{
    struct bits_out bits = {.at = out};
    struct window w = {0};
    uint64_t last = double_bits(base);
    for (size_t i = 0; i < n; i++) {
        uint64_t x = double_bits(v[i]) ^ last;
        last ^= x;
        if (!x) {
            bits_put(&bits, 0, 1);
            continue;
        }
        if (window_fits(&w, x))
            bits_put(&bits, 1, 2);
        else
            bits_put(&bits, 3 | (uint64_t)w.lead << 2 | (uint64_t)(w.len - 1) << 8, 14);
        bits_put_long(&bits, x >> (64 - w.lead - w.len), w.len);
    }
    return bits_end(&bits);
}

bool window_get(struct bytes_in *in, double base, double *v, size_t n)
{
    struct bits_in bits = {.at = in->at, .len = bytes_left(in)};
    struct window w = {0};
    uint64_t last = double_bits(base);
    for (size_t i = 0; i < n; i++) {
        if (bits_get(&bits, 1)) {
            if (bits_get(&bits, 1)) {
                w.lead = (unsigned)bits_get(&bits, 6);
                w.len = (unsigned)bits_get(&bits, 6) + 1;
            }
            if (bits.bad || !w.len || w.lead + w.len > 64)
                return false;
            last ^= bits_get_long(&bits, w.len) << (64 - w.lead - w.len);
        }
        v[i] = bits_double(last);
    }
    return !bits.bad && bytes_get(in, (bits.bit + 7) / 8);
}

/* ---- tops ---- */

static unsigned code_width(unsigned n)
{
    return n > 4 ? 3 : n > 2 ? 2 : n > 1 ? 1 : 0;
}

/* The different values of the bits from low up; false when there are too many. */
static bool tops_collect(const double *v, size_t n, unsigned low, struct tops *t)
{
    t->n = 0;
    t->low = low;
    for (size_t i = 0; i < n; i++) {
        uint64_t top = double_bits(v[i]) >> low;
        unsigned k = 0;
        while (k < t->n && t->top[k] != top)
            k++;
        if (k == TOPS_MAX)
            return false;
        if (k == t->n)
            t->top[t->n++] = top;
    }
    t->code = code_width(t->n);
    return true;
}

bool tops_of(const double *v, size_t n, struct tops *out, size_t *bits)
{
    uint64_t differs = 0, any = 0;
    for (size_t i = 0; i < n; i++) {
        differs |= double_bits(v[i]) ^ double_bits(v[0]);
        any |= double_bits(v[i]);
    }
    unsigned same = differs ? (unsigned)__builtin_clzll(differs) : 63;
    unsigned drop = any ? MIN((unsigned)__builtin_ctzll(any), 63u) : 63;
    bool found = false;
    for (unsigned more = 0; more < 5; more++) {
        struct tops t;
        unsigned top = MAX(same, 8u) + more;
        if (top > 63 || 64 - top < drop || !tops_collect(v, n, 64 - top, &t))
            break;
        t.drop = drop;
        size_t cost = 24 + t.n * 64 + n * (t.code + t.low - drop);
        if (!found || cost < *bits) {
            *out = t;
            *bits = cost;
        }
        found = true;
    }
    return found;
}

uint8_t *tops_put(const struct tops *t, const double *v, size_t n, uint8_t *out)
{
    *out++ = (uint8_t)t->low;
    *out++ = (uint8_t)t->drop;
    *out++ = (uint8_t)t->n;
    for (unsigned k = 0; k < t->n; k++) {
        memcpy(out, &t->top[k], 8);
        out += 8;
    }
    struct bits_out bits = {.at = out};
    for (size_t i = 0; i < n; i++) {
        uint64_t b = double_bits(v[i]);
        unsigned k = 0;
        while (t->top[k] != b >> t->low)
            k++;
        bits_put(&bits, k, t->code);
        bits_put_long(&bits, (b & ((UINT64_C(1) << t->low) - 1)) >> t->drop, t->low - t->drop);
    }
    return bits_end(&bits);
}

bool tops_get(struct bytes_in *in, double *v, size_t n)
{
    struct tops t = {.low = byte_get(in), .drop = byte_get(in), .n = byte_get(in)};
    if (!in->at || t.low > 63 || t.drop > t.low || !t.n || t.n > TOPS_MAX)
        return false;
    for (unsigned k = 0; k < t.n; k++)
        t.top[k] = word_get(in);
    t.code = code_width(t.n);
    size_t len = (n * (t.code + t.low - t.drop) + 7) / 8;
    struct bits_in bits = {.at = bytes_get(in, len), .len = len};
    if (!bits.at)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint64_t k = bits_get(&bits, t.code);
        if (k >= t.n)
            return false;
        v[i] = bits_double(t.top[k] << t.low | bits_get_long(&bits, t.low - t.drop) << t.drop);
    }
    return true;
}
