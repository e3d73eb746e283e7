/* What every part of the load generator needs. */
#pragma once

/* Prints "rwload: ..." and ends the process with status 2. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
/* p; ends the process when it is NULL. */
void *need(void *p);
/* Seconds of a clock that only goes forward. */
double seconds_now(void);
/* For qsort: doubles, ascending. */
int by_value(const void *a, const void *b);
