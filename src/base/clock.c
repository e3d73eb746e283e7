#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static _Atomic bool faked;
static _Atomic int64_t fake_wall_ms, fake_mono_ms;

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    return faked ? fake_wall_ms : read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_mono_ns(void)
{
    return faked ? fake_mono_ms * 1000000 : read_ns(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

int64_t clock_cpu_ns(void)
{
    return faked ? fake_mono_ms * 1000000 : read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void clock_fake(int64_t wall_ms)
{
    fake_wall_ms = wall_ms;
    fake_mono_ms = 1000000;
    faked = true;
}

void clock_fake_advance(int64_t ms)
{
    fake_wall_ms += ms;
    fake_mono_ms += ms;
}

void clock_real(void)
{
    faked = false;
}

char *clock_rfc3339(int64_t wall_ms, char *text)
{
    int64_t seconds = wall_ms / 1000, ms = wall_ms % 1000;
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900) {
        snprintf(text, TIME_TEXT_MAX, "+%lld", (long long)wall_ms);
        return text;
    }
    size_t n = strftime(text, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, TIME_TEXT_MAX - n, ".%03dZ", (int)ms);
    return text;
}

/* ---- reading RFC 3339 ---- */

static bool digits(struct span text, size_t at, size_t n, int *out)
{
    uint64_t v;
    if (text.len < at + n || !span_u64(span_from(text.at + at, n), &v))
        return false;
    *out = (int)v;
    return true;
}

static bool at_is(struct span text, size_t at, const char *set)
{
    return at < text.len && strchr(set, text.at[at]) != NULL;
}

/* "Z" or "+02:00": minutes east of UTC. */
static bool zone_parse(struct span text, int *minutes)
{
    int hours, rest;
    if (text.len == 1 && (text.at[0] == 'Z' || text.at[0] == 'z')) {
        *minutes = 0;
        return true;
    }
    if (text.len != 6 || !at_is(text, 0, "+-") || !digits(text, 1, 2, &hours) ||
        text.at[3] != ':' || !digits(text, 4, 2, &rest) || hours > 23 || rest > 59)
        return false;
    *minutes = (text.at[0] == '-' ? -1 : 1) * (hours * 60 + rest);
    return true;
}

static bool fraction_parse(struct span text, size_t *at, int64_t *ms)
{
    *ms = 0;
    if (!at_is(text, *at, "."))
        return true;
    int64_t scale = 100;
    size_t start = ++*at;
    for (; *at < text.len && text.at[*at] >= '0' && text.at[*at] <= '9'; (*at)++) {
        *ms += (text.at[*at] - '0') * scale;
        scale /= 10;
    }
    return *at > start;
}

bool clock_rfc3339_parse(struct span text, int64_t *out_ms)
{
    struct tm tm = {0};
    int zone;
    int64_t ms;
    size_t at = 19;
    if (!digits(text, 0, 4, &tm.tm_year) || !digits(text, 5, 2, &tm.tm_mon) ||
        !digits(text, 8, 2, &tm.tm_mday) || !digits(text, 11, 2, &tm.tm_hour) ||
        !digits(text, 14, 2, &tm.tm_min) || !digits(text, 17, 2, &tm.tm_sec))
        return false;
    if (text.at[4] != '-' || text.at[7] != '-' || !at_is(text, 10, "Tt ") || text.at[13] != ':' ||
        text.at[16] != ':')
        return false;
    if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    if (!fraction_parse(text, &at, &ms) ||
        !zone_parse(span_from(text.at + at, text.len - at), &zone))
        return false;
    int day = tm.tm_mday;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t t = timegm(&tm);
    if (tm.tm_mday != day) /* timegm made 31 February a day of March */
        return false;
    *out_ms = ((int64_t)t - zone * 60) * 1000 + ms;
    return true;
}
