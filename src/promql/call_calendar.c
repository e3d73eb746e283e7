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

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t day_of(double v)
{
    return floor_div(to_seconds(v), 86400);
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

/* Days are counted in eras of 400 years, 146,097 days, from 2000-03-01, so that a leap day
 * ends a year. */
static struct date date_of(double v)
{
    int64_t day = day_of(v) - 11017;
    int64_t era = floor_div(day, 146097);
    int64_t rest = day - era * 146097;
    int64_t year = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
    int64_t in_year = rest - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153; /* from March */
    struct date date = {.day = (int)(in_year - (153 * month + 2) / 5 + 1),
                        .month = (int)(month < 10 ? month + 3 : month - 9)};
    date.year = 2000 + era * 400 + year + (date.month <= 2);
    date.day_of_year = date.day;
    for (int m = 1; m < date.month; m++)
        date.day_of_year += month_days(date.year, m);
    return date;
}

#define CALENDAR(name, value)                                                                      \
    void calendar_##name(double *v, size_t n)                                                      \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            if (!is_absent(v[i]))                                                                  \
                v[i] = (double)(value);                                                            \
    }

CALENDAR(minute, floor_div(to_seconds(v[i]), 60) - floor_div(to_seconds(v[i]), 3600) * 60)
CALENDAR(hour, floor_div(to_seconds(v[i]), 3600) - day_of(v[i]) * 24)
CALENDAR(day_of_week, ((day_of(v[i]) + 4) % 7 + 7) % 7)
CALENDAR(day_of_month, date_of(v[i]).day)
CALENDAR(day_of_year, date_of(v[i]).day_of_year)
CALENDAR(days_in_month, month_days(date_of(v[i]).year, date_of(v[i]).month))
CALENDAR(month, date_of(v[i]).month)
CALENDAR(year, date_of(v[i]).year)
