/* What time it is. Time is an argument everywhere else: only main, loops and tests of them
 * ask. A test sets a fake clock and moves it. */
#pragma once

#include "base/span.h"

int64_t clock_wall_ms(void); /* milliseconds since 1970 UTC */
int64_t clock_mono_ms(void); /* never goes back; origin unspecified */
int64_t clock_mono_ns(void);
int64_t clock_cpu_ns(void); /* CPU time of this process, user and system */

/* From now on wall and mono time are what the test says, and this process is always busy; also for
 * other threads. */
void clock_fake(int64_t wall_ms);
void clock_fake_advance(int64_t ms);
void clock_real(void);

enum { TIME_TEXT_MAX = 32 };
/* "2026-11-21T06:30:00.123Z" into text[TIME_TEXT_MAX]; returns text. */
char *clock_rfc3339(int64_t wall_ms, char *text);
/* The same back: any offset, with or without a fraction, blank instead of T; false for anything
 * else, 31 February too. */
bool clock_rfc3339_parse(struct span text, int64_t *out_ms);
