/* Numbers, durations and strings as they are written in queries. */
#include "promql/lexer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Underscores may stand between digits (and behind a base prefix); out gets the rest. */
static bool underscores_drop(struct span text, struct arena *arena, struct span *out)
{
    char *at = arena_alloc(arena, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '_') {
            at[n++] = text.at[i];
            continue;
        }
        if (i == 0 || i + 1 == text.len || text.at[i - 1] == '_' || text.at[i - 1] == '.')
            return false;
    }
    at[n] = '\0';
    *out = span_from(at, n);
    return true;
}

/* Go's integer syntax with a base prefix: 0x, 0b, 0o or just 0. */
static bool integer_parse(struct span text, double *out)
{
    int base = 10;
    const char *digits = text.at;
    if (text.len > 2 && text.at[0] == '0' && strchr("xXbBoO", text.at[1])) {
        base = text.at[1] == 'x' || text.at[1] == 'X'   ? 16
               : text.at[1] == 'b' || text.at[1] == 'B' ? 2
                                                        : 8;
        digits += 2;
    } else if (text.len > 1 && text.at[0] == '0') {
        base = 8;
        digits++;
    }
    char *end;
    errno = 0;
    long long n = strtoll(digits, &end, base);
    if (errno || end != text.at + text.len || end == digits || *digits == '-' || *digits == '+')
        return false;
    *out = (double)n;
    return true;
}

bool number_parse(struct span text, double *out, struct arena *arena, const char **why)
{
    struct span plain;
    if (!underscores_drop(text, arena, &plain)) {
        *why = arena_printf(arena,
                            "error parsing number: strconv.ParseFloat: parsing \"%.*s\": "
                            "invalid syntax",
                            SPAN_ARG(text));
        return false;
    }
    if (integer_parse(plain, out))
        return true;
    char *end;
    double v = strtod(plain.at, &end);
    bool whole = plain.len > 0 && end == plain.at + plain.len;
    bool infinite = plain.len == 3 && (plain.at[0] | 32) == 'i';
    if (!whole || (isinf(v) && !infinite)) {
        *why = arena_printf(arena, "error parsing number: strconv.ParseFloat: parsing \"%.*s\": %s",
                            SPAN_ARG(text), whole ? "value out of range" : "invalid syntax");
        return false;
    }
    *out = isnan(v) ? bits_double(NORMAL_NAN_BITS) : v;
    return true;
}

void number_print(struct buf *out, double v)
{
    auto_buf shortest = {0};
    buf_double(&shortest, v);
    struct span text = buf_view(&shortest);
    size_t e = span_find(text, 'e');
    if (e == text.len) {
        buf_span(out, text);
        return;
    }
    int64_t exponent = 0;
    struct span digits = span_from(text.at + e + 1, text.len - e - 1);
    if (digits.len > 0 && digits.at[0] == '+')
        digits = span_from(digits.at + 1, digits.len - 1);
    bool read UNUSED = span_i64(digits, &exponent);
    if (text.at[0] == '-')
        buf_char(out, '-');
    size_t skip = text.at[0] == '-' ? 1 : 0;
    struct span mantissa = {text.at + skip, e - skip};
    size_t point = span_find(mantissa, '.');
    int64_t places = point < mantissa.len ? (int64_t)(mantissa.len - point - 1) : 0;
    if (exponent < 0) {
        buf_str(out, "0.");
        buf_fill(out, '0', (size_t)(-exponent - 1));
    }
    for (size_t i = 0; i < mantissa.len; i++)
        if (mantissa.at[i] != '.')
            buf_char(out, mantissa.at[i]);
    if (exponent > places)
        buf_fill(out, '0', (size_t)(exponent - places));
}

static const struct {
    const char *unit;
    int64_t ms;
    bool whole; /* printed only when nothing is left over */
} units[] = {
    {"y", INT64_C(365) * 24 * 3600 * 1000, true},
    {"w", INT64_C(7) * 24 * 3600 * 1000, true},
    {"d", INT64_C(24) * 3600 * 1000, false},
    {"h", INT64_C(3600) * 1000, false},
    {"m", 60000, false},
    {"s", 1000, false},
    {"ms", 1, false},
};

static size_t unit_find(struct span name)
{
    size_t i = 0;
    while (i < COUNT(units) && !span_is(name, units[i].unit))
        i++;
    return i;
}

bool promql_duration_parse(struct span text, int64_t *out_ms, struct arena *arena, const char **why)
{
    if (span_is(text, "0")) {
        *out_ms = 0;
        return true;
    }
    const char *bad = "not a valid duration string: \"%.*s\"";
    int64_t total = 0;
    size_t last = 0; /* units must come in falling order, each once */
    if (text.len == 0) {
        *why = "empty duration string";
        return false;
    }
    for (struct span rest = text; rest.len > 0;) {
        size_t digits = 0, letters = 0;
        while (digits < rest.len && rest.at[digits] >= '0' && rest.at[digits] <= '9')
            digits++;
        while (digits + letters < rest.len &&
               (rest.at[digits + letters] < '0' || rest.at[digits + letters] > '9'))
            letters++;
        struct span unit = {rest.at + digits, letters};
        size_t i = unit_find(unit);
        uint64_t n;
        if (digits == 0 || letters == 0) {
            *why = arena_printf(arena, bad, SPAN_ARG(text));
            return false;
        }
        if (i == COUNT(units)) {
            *why = arena_printf(arena, "unknown unit \"%.*s\" in duration \"%.*s\"", SPAN_ARG(unit),
                                SPAN_ARG(text));
            return false;
        }
        if (i < last) {
            *why = arena_printf(arena, bad, SPAN_ARG(text));
            return false;
        }
        last = i + 1;
        int64_t part;
        /* Prometheus counts in nanoseconds of 63 bits. */
        if (!span_u64(span_from(rest.at, digits), &n) || n > INT64_MAX ||
            __builtin_mul_overflow((int64_t)n, units[i].ms, &part) ||
            __builtin_add_overflow(total, part, &total) || total > INT64_MAX / 1000000) {
            *why = "duration out of range";
            return false;
        }
        rest = span_from(rest.at + digits + letters, rest.len - digits - letters);
    }
    *out_ms = total;
    return true;
}

void promql_duration_print(struct buf *out, int64_t ms)
{
    if (ms < 0) {
        buf_char(out, '-');
        ms = -ms;
    }
    if (ms == 0)
        buf_str(out, "0s");
    for (size_t i = 0; i < COUNT(units) && ms > 0; i++) {
        if (ms < units[i].ms || (units[i].whole && ms % units[i].ms != 0))
            continue;
        buf_i64(out, ms / units[i].ms);
        buf_str(out, units[i].unit);
        ms %= units[i].ms;
    }
}

static size_t utf8_encode(uint32_t rune, char *out)
{
    if (rune < 0x80) {
        out[0] = (char)rune;
        return 1;
    }
    size_t n = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (rune & 0x3F));
        rune >>= 6;
    }
    out[0] = (char)((0xF00u >> n & 0xFF) | rune);
    return n;
}

/* Reads what follows a backslash; the lexer has checked it. Returns the bytes read. */
static size_t escape_read(const char *at, char *out, size_t *n)
{
    static const char letters[] = "abfnrtv", codes[] = "\a\b\f\n\r\t\v";
    const char *simple = strchr(letters, at[0]);
    if (simple) {
        out[(*n)++] = codes[simple - letters];
        return 1;
    }
    bool octal = at[0] >= '0' && at[0] <= '7';
    size_t skip = octal ? 0 : 1;
    size_t digits = octal ? 3 : at[0] == 'x' ? 2 : at[0] == 'u' ? 4 : at[0] == 'U' ? 8 : 0;
    if (digits == 0) { /* the quote or a backslash */
        out[(*n)++] = at[0];
        return 1;
    }
    char text[9] = {0};
    memcpy(text, at + skip, digits);
    uint32_t code = (uint32_t)strtoul(text, NULL, octal ? 8 : 16);
    if (octal || at[0] == 'x')
        out[(*n)++] = (char)code;
    else
        *n += utf8_encode(code, out + *n);
    return skip + digits;
}

struct span string_unquote(struct span quoted, struct arena *arena)
{
    struct span inner = {quoted.at + 1, quoted.len - 2};
    if (quoted.at[0] == '`' || span_find(inner, '\\') == inner.len)
        return inner;
    char *out = arena_alloc(arena, inner.len);
    size_t n = 0;
    for (size_t i = 0; i < inner.len;) {
        if (inner.at[i] == '\\')
            i += 1 + escape_read(inner.at + i + 1, out, &n);
        else
            out[n++] = inner.at[i++];
    }
    return span_from(out, n);
}
