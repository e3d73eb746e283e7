#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
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
    return read_ns(CLOCK_PROCESS_CPUTIME_ID);
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
