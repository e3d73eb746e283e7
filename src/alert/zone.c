/* TZif files (RFC 9636): the second, 64-bit block and its footer. */
#include "alert/zone.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"

#include <ctype.h>
#include <stdlib.h>

enum { ZONE_FILE_MAX_BYTES = 64 << 10, ZONE_NAME_MAX_BYTES = 64, HEADER_BYTES = 44, DAY_S = 86400 };

/* "M3.5.0/2" of a POSIX rule: month, week (5: the last), weekday, seconds of the day. */
struct change {
    int month, week, weekday;
    int64_t at_s;
};

struct zone {
    size_t n;
    int64_t *at_s;
    int64_t *offset_s; /* from at_s on */
    int64_t first_s;   /* before the first */
    bool has_rule, has_summer;
    int64_t standard_s, summer_s;
    struct change begin, end;
};

static uint64_t big(const unsigned char *at, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | at[i];
    return v;
}

/* ---- the footer: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

struct cursor {
    struct span rest;
};

static bool take(struct cursor *c, char want)
{
    if (!c->rest.len || c->rest.at[0] != want)
        return false;
    c->rest = span_from(c->rest.at + 1, c->rest.len - 1);
    return true;
}

static bool take_name(struct cursor *c)
{
    bool quoted = take(c, '<');
    size_t n = 0;
    while (n < c->rest.len &&
           (quoted ? c->rest.at[n] != '>' : isalpha((unsigned char)c->rest.at[n])))
        n++;
    c->rest = span_from(c->rest.at + n, c->rest.len - n);
    return n > 0 && (!quoted || take(c, '>'));
}

static bool take_int(struct cursor *c, int64_t *out)
{
    size_t n = 0;
    *out = 0;
    while (n < c->rest.len && n < 4 && isdigit((unsigned char)c->rest.at[n]))
        *out = *out * 10 + (c->rest.at[n++] - '0');
    c->rest = span_from(c->rest.at + n, c->rest.len - n);
    return n > 0;
}

/* [+-]hh[:mm[:ss]] */
static bool take_clock(struct cursor *c, int64_t *out_s)
{
    int64_t h = 0, m = 0, s = 0, sign = take(c, '-') ? -1 : 1;
    take(c, '+');
    if (!take_int(c, &h) || (take(c, ':') && !take_int(c, &m)) ||
        (take(c, ':') && !take_int(c, &s)))
        return false;
    *out_s = sign * (h * 3600 + m * 60 + s);
    return true;
}

static bool take_change(struct cursor *c, struct change *out)
{
    int64_t month, week, weekday;
    if (!take(c, ',') || !take(c, 'M') || !take_int(c, &month) || !take(c, '.') ||
        !take_int(c, &week) || !take(c, '.') || !take_int(c, &weekday))
        return false;
    *out = (struct change){(int)month, (int)week, (int)weekday, 2 * 3600};
    if (month < 1 || month > 12 || week < 1 || week > 5 || weekday > 6)
        return false;
    return !take(c, '/') || take_clock(c, &out->at_s);
}

static bool read_rule(struct zone *z, struct span text)
{
    struct cursor c = {text};
    int64_t west;
    if (!take_name(&c) || !take_clock(&c, &west))
        return false;
    z->standard_s = -west;
    z->has_rule = true;
    if (!c.rest.len)
        return true;
    if (!take_name(&c))
        return false;
    z->summer_s = z->standard_s + 3600;
    if (c.rest.len && c.rest.at[0] != ',') {
        if (!take_clock(&c, &west))
            return false;
        z->summer_s = -west;
    }
    z->has_summer = take_change(&c, &z->begin) && take_change(&c, &z->end);
    return z->has_summer;
}

/* ---- the table ---- */

struct counts {
    size_t isut, isstd, leap, times, types, chars;
};

static bool read_header(struct span file, size_t at, struct counts *c)
{
    const unsigned char *p = (const unsigned char *)file.at + at;
    if (file.len < at + HEADER_BYTES || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return false;
    *c = (struct counts){big(p + 20, 4), big(p + 24, 4), big(p + 28, 4),
                         big(p + 32, 4), big(p + 36, 4), big(p + 40, 4)};
    return c->times < 10000 && c->types > 0 && c->types < 256 && c->chars < 4096 &&
           c->leap < 1000 && c->isut < 256 && c->isstd < 256;
}

static bool read_table(struct zone *z, struct span file)
{
    struct counts c;
    if (!read_header(file, 0, &c))
        return false;
    size_t at = HEADER_BYTES + c.times * 5 + c.types * 6 + c.chars + c.leap * 8 + c.isstd + c.isut;
    if (!read_header(file, at, &c))
        return false;
    at += HEADER_BYTES;
    size_t end = at + c.times * 9 + c.types * 6 + c.chars + c.leap * 12 + c.isstd + c.isut;
    if (end > file.len)
        return false;
    const unsigned char *times = (const unsigned char *)file.at + at, *kinds = times + c.times * 8,
                        *types = kinds + c.times;
    z->at_s = mem_zero(c.times, sizeof *z->at_s);
    z->offset_s = mem_zero(c.times, sizeof *z->offset_s);
    z->first_s = (int32_t)big(types, 4);
    for (; z->n < c.times; z->n++) {
        if (kinds[z->n] >= c.types)
            return false;
        z->at_s[z->n] = (int64_t)big(times + z->n * 8, 8);
        z->offset_s[z->n] = (int32_t)big(types + kinds[z->n] * (size_t)6, 4);
    }
    struct span footer = span_trim(span_from(file.at + end, file.len - end));
    return !footer.len || read_rule(z, footer);
}

static bool name_fits(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.at[i]) && !strchr("_-+/", name.at[i]))
            return false;
    return name.len > 0 && name.len <= ZONE_NAME_MAX_BYTES && name.at[0] != '/';
}

enum status zone_open(struct span name, struct zone **out, struct err *err)
{
    auto_buf path = {0}, file = {.max = ZONE_FILE_MAX_BYTES};
    *out = NULL;
    if (!name_fits(name))
        return err_set(err, INVALID, "\"%.*s\" is not the name of a time zone",
                       (int)MIN(name.len, (size_t)80), name.at ? name.at : "");
    struct zone *z = mem_zero(1, sizeof *z);
    *out = z;
    if (span_is(name, "UTC"))
        return OK;
    buf_printf(&path, "/usr/share/zoneinfo/%.*s", SPAN_ARG(name));
    if (file_read(buf_text(&path), &file, NULL) || !read_table(z, buf_view(&file))) {
        zone_close(z);
        *out = NULL;
        return err_set(err, NOT_FOUND, "there is no time zone \"%.*s\" on this server",
                       SPAN_ARG(name));
    }
    return OK;
}

void zone_close(struct zone *z)
{
    if (!z)
        return;
    free(z->at_s);
    free(z->offset_s);
    free(z);
}

/* ---- by rule ---- */

/* Days from 1970-01-01 to a date (H. Hinnant's days_from_civil). */
static int64_t days_to(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t year_of(int64_t unix_s)
{
    int64_t year = 1970 + floor_div(unix_s, 31556952);
    while (days_to(year, 1, 1) * DAY_S > unix_s)
        year--;
    while (days_to(year + 1, 1, 1) * DAY_S <= unix_s)
        year++;
    return year;
}

static int64_t change_local_s(const struct change *c, int64_t year)
{
    int64_t first = days_to(year, c->month, 1);
    int64_t next = c->month == 12 ? days_to(year + 1, 1, 1) : days_to(year, c->month + 1, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int64_t day = first + (c->weekday - weekday + 7) % 7 + (c->week - 1) * 7;
    while (day >= next)
        day -= 7;
    return day * DAY_S + c->at_s;
}

static int64_t by_rule(const struct zone *z, int64_t unix_s)
{
    if (!z->has_summer)
        return z->standard_s;
    int64_t year = year_of(unix_s + z->standard_s);
    int64_t begin = change_local_s(&z->begin, year) - z->standard_s;
    int64_t end = change_local_s(&z->end, year) - z->summer_s;
    bool summer = begin < end ? unix_s >= begin && unix_s < end : unix_s >= begin || unix_s < end;
    return summer ? z->summer_s : z->standard_s;
}

int64_t zone_offset_s(const struct zone *z, int64_t unix_s)
{
    size_t low = 0, high = z->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->at_s[middle] <= unix_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == z->n && z->has_rule)
        return by_rule(z, unix_s);
    return low ? z->offset_s[low - 1] : z->first_s;
}

struct local_time zone_local(const struct zone *z, int64_t unix_ms)
{
    int64_t unix_s = floor_div(unix_ms, 1000);
    int64_t local = unix_s + (z ? zone_offset_s(z, unix_s) : 0);
    int64_t day = floor_div(local, DAY_S);
    return (struct local_time){.weekday = (int)(((day + 4) % 7 + 7) % 7),
                               .minute = (int)((local - day * DAY_S) / 60),
                               .day = day};
}

bool hours_contain(const struct hours *h, int64_t unix_ms)
{
    struct local_time t = zone_local(h->zone, unix_ms);
    unsigned today = 1U << t.weekday, yesterday = 1U << (t.weekday + 6) % 7;
    bool on_today = !h->days || h->days & today, on_yesterday = !h->days || h->days & yesterday;
    if (h->from_m < h->to_m)
        return on_today && t.minute >= h->from_m && t.minute < h->to_m;
    return (on_today && t.minute >= h->from_m) || (on_yesterday && t.minute < h->to_m);
}

bool weekday_parse(struct span text, int *out)
{
    static const char *const names[] = {"sunday",   "monday", "tuesday", "wednesday",
                                        "thursday", "friday", "saturday"};
    for (int i = 0; i < (int)COUNT(names); i++)
        if (span_eq_nocase(text, span_from(names[i], 3)) ||
            span_eq_nocase(text, span_of(names[i]))) {
            *out = i;
            return true;
        }
    return false;
}

bool time_of_day_parse(struct span text, int *out_m)
{
    uint64_t h, m;
    if (text.len != 5 || text.at[2] != ':' || !span_u64(span_from(text.at, 2), &h) ||
        !span_u64(span_from(text.at + 3, 2), &m) || m > 59 || h * 60 + m > 1440)
        return false;
    *out_m = (int)(h * 60 + m);
    return true;
}
