#include "exchange/text.h"

#include "base/clock.h"

#include <math.h>

/* As seconds this is the year 5138, as milliseconds 1973: nothing that is measured lies so. */
static const double EPOCH_MS_FROM = 1e11;
static const double EPOCH_MAX_MS = 9e15; /* whole milliseconds in a double */

static bool nan_bits(struct span text, double *out)
{
    static const struct span before = {"nan(0x", 6};
    uint64_t bits;
    if (text.len <= before.len || text.at[text.len - 1] != ')' ||
        !span_eq_nocase(span_from(text.at, before.len), before) ||
        !span_hex(span_from(text.at + before.len, text.len - before.len - 1), &bits) ||
        !isnan(bits_double(bits)))
        return false;
    *out = bits_double(bits);
    return true;
}

bool value_parse(struct span text, double *out)
{
    static const struct {
        const char *word;
        double v;
    } words[] = {{"inf", INFINITY},      {"+inf", INFINITY},      {"-inf", -INFINITY},
                 {"infinity", INFINITY}, {"+infinity", INFINITY}, {"-infinity", -INFINITY}};
    if (span_eq_nocase(text, SPAN("nan"))) {
        *out = bits_double(NORMAL_NAN_BITS);
        return true;
    }
    for (size_t i = 0; i < COUNT(words); i++)
        if (span_eq_nocase(text, span_of(words[i].word))) {
            *out = words[i].v;
            return true;
        }
    bool digits = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        digits &= text.at[i] && strchr("0123456789+-.eE", text.at[i]);
    return digits ? span_double(text, out) && isfinite(*out) : nan_bits(text, out);
}

void value_put(struct buf *out, double v, bool quoted)
{
    if (isfinite(v)) {
        buf_double(out, v);
        return;
    }
    const char *quote = quoted ? "\"" : "";
    buf_str(out, quote);
    if (isinf(v))
        buf_str(out, v > 0 ? "Inf" : "-Inf"); /* no +: a sheet would take it for a formula */
    else if (double_bits(v) == NORMAL_NAN_BITS)
        buf_str(out, "NaN");
    else
        buf_printf(out, "NaN(0x%016llx)", (unsigned long long)double_bits(v));
    buf_str(out, quote);
}

bool when_number(double n, int64_t *out_ms)
{
    double ms = fabs(n) < EPOCH_MS_FROM ? n * 1000 : n;
    if (!isfinite(n) || fabs(ms) > EPOCH_MAX_MS)
        return false;
    *out_ms = llround(ms);
    return true;
}

bool when_parse(struct span text, int64_t *out_ms)
{
    double n;
    int64_t whole;
    if (span_i64(text, &whole) && (double)llabs(whole) >= EPOCH_MS_FROM) {
        *out_ms = whole;
        return fabs((double)whole) <= EPOCH_MAX_MS;
    }
    if (text.len && strchr("+-.0123456789", text.at[0]) && span_double(text, &n))
        return when_number(n, out_ms);
    return clock_rfc3339_parse(text, out_ms);
}
