/* Parts of dates in UTC. */
#include "promql/call.h"

#include <math.h>

struct date {
    int64_t year;
    int month, day, day_of_year; /* from 1 */
};

/* Go converts what does not fit an int64, NaN too, to the least one. */
static int64_t to_seconds(double v)
{
    return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
}

/* Go counts seconds from the start of a year long ago that like 2001 follows a multiple of 400;
 * times before it wrap around. */
#define ABSOLUTE_YEAR INT64_C(-292277022399)
#define ABSOLUTE_SECONDS UINT64_C(9223372028715321600)

static uint64_t absolute(double v)
{
    return (uint64_t)to_seconds(v) + ABSOLUTE_SECONDS;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Eras of 400 years, 146,097 days, that begin with March, so that a leap day ends a year. */
static struct date date_of(double v)
{
    uint64_t day = absolute(v) / 86400 + 306;
    uint64_t era = day / 146097, rest = day % 146097;
    uint64_t year = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
    uint64_t in_year = rest - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * in_year + 2) / 153; /* from March */
    struct date date = {.day = (int)(in_year - (153 * month + 2) / 5 + 1),
                        .month = (int)(month < 10 ? month + 3 : month - 9)};
    date.year = ABSOLUTE_YEAR - 1 + (int64_t)(era * 400 + year) + (date.month <= 2);
    date.day_of_year = date.day;
    for (int m = 1; m < date.month; m++)
        date.day_of_year += month_days(date.year, m);
    return date;
}

static uint64_t minute_of(double v)
{
    return absolute(v) % 3600 / 60;
}

static uint64_t hour_of(double v)
{
    return absolute(v) % 86400 / 3600;
}

static uint64_t day_of_week_of(double v)
{
    return (absolute(v) / 86400 + 1) % 7;
}

#define CALENDAR(name, value)                                                                      \
    void calendar_##name(double *v, size_t n)                                                      \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            if (!is_absent(v[i]))                                                                  \
                v[i] = (double)(value);                                                            \
    }

CALENDAR(minute, minute_of(v[i]))
CALENDAR(hour, hour_of(v[i]))
CALENDAR(day_of_week, day_of_week_of(v[i]))
CALENDAR(day_of_month, date_of(v[i]).day)
CALENDAR(day_of_year, date_of(v[i]).day_of_year)
CALENDAR(days_in_month, month_days(date_of(v[i]).year, date_of(v[i]).month))
CALENDAR(month, date_of(v[i]).month)
CALENDAR(year, date_of(v[i]).year)
