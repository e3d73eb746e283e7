/* Numbers for people, as Prometheus's template functions write them. */
#include "alert/template.h"

#include <math.h>
#include <time.h>

/* Go's %.4g: like C's but for infinities. */
static void four_digits(struct buf *out, double v)
{
    if (isnan(v))
        buf_str(out, "NaN");
    else if (isinf(v))
        buf_str(out, v > 0 ? "+Inf" : "-Inf");
    else
        buf_printf(out, "%.4g", v);
}

/* v times 1000 until it is 1 or more. */
static void small(struct buf *out, double v)
{
    static const char prefixes[] = "munpfazy";
    char prefix = 0;
    for (size_t i = 0; i < COUNT(prefixes) - 1 && fabs(v) < 1; i++) {
        prefix = prefixes[i];
        v *= 1000;
    }
    four_digits(out, v);
    if (prefix)
        buf_char(out, prefix);
}

void humanize(struct buf *out, double v)
{
    static const char prefixes[] = "kMGTPEZY";
    char prefix = 0;
    if (v == 0 || !isfinite(v)) {
        four_digits(out, v);
        return;
    }
    if (fabs(v) < 1) {
        small(out, v);
        return;
    }
    for (size_t i = 0; i < COUNT(prefixes) - 1 && fabs(v) >= 1000; i++) {
        prefix = prefixes[i];
        v /= 1000;
    }
    four_digits(out, v);
    if (prefix)
        buf_char(out, prefix);
}

void humanize_1024(struct buf *out, double v)
{
    static const char *const prefixes[] = {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};
    const char *prefix = "";
    for (size_t i = 0; i < COUNT(prefixes) && isfinite(v) && fabs(v) > 1 && fabs(v) >= 1024; i++) {
        prefix = prefixes[i];
        v /= 1024;
    }
    four_digits(out, v);
    buf_str(out, prefix);
}

void humanize_duration(struct buf *out, double v)
{
    if (!isfinite(v)) {
        four_digits(out, v);
        return;
    }
    if (fabs(v) < 1 && v != 0) {
        small(out, v);
        buf_char(out, 's');
        return;
    }
    const char *sign = v < 0 ? "-" : "";
    v = fabs(v);
    long long whole = v < 9e18 ? (long long)v : INT64_MAX;
    long long s = whole % 60, m = whole / 60 % 60, h = whole / 3600 % 24, d = whole / 86400;
    if (d)
        buf_printf(out, "%s%lldd %lldh %lldm %llds", sign, d, h, m, s);
    else if (h)
        buf_printf(out, "%s%lldh %lldm %llds", sign, h, m, s);
    else if (m)
        buf_printf(out, "%s%lldm %llds", sign, m, s);
    else
        buf_printf(out, "%s%.4gs", sign, v);
}

void humanize_percentage(struct buf *out, double ratio)
{
    four_digits(out, ratio * 100);
    buf_char(out, '%');
}

void humanize_timestamp(struct buf *out, double unix_s)
{
    struct tm tm;
    if (!isfinite(unix_s) || fabs(unix_s) > 9e9) {
        four_digits(out, unix_s);
        return;
    }
    double whole = floor(unix_s);
    time_t t = (time_t)whole;
    /* Prometheus's times are milliseconds. */
    int ms = (int)floor((unix_s - whole) * 1000);
    char text[64];
    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    buf_str(out, text);
    if (ms > 0) {
        int n = 3, rest = ms;
        for (; rest % 10 == 0; rest /= 10)
            n--;
        buf_printf(out, ".%0*d", n, rest);
    }
    buf_str(out, " +0000 UTC");
}
