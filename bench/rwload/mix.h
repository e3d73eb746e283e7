/* The series that a load has, their labels and their values: the same for the same options on
 * every machine. Series of one host, in the proportion of a 250-series host:
 *   45 % counters    CPU seconds in hundredths, bytes, packets, disk seconds in
 *                    thousandths; two-state bursts; error counters nearly still
 *   25 % slow bytes  multiples of 1,024 or 4,096; half of the samples repeat
 *   20 % constants   kernel parameters, sizes, limits
 *   10 % noisy       loads and pressures with two decimals, temperatures with
 *                    one, and full-precision ratios */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { BASE = 250, MAX_LABELS = 512, MIX_LABEL_BYTES = 64 };

/* Set before mix_begin. */
struct mix {
    int hosts, series_per_host;
    int64_t interval_ms;
    uint64_t seed;
};
extern struct mix mix;

/* Makes the series. agent: some have the names and kinds that galen-agent sends and its rules ask
 * for (memory and swap in total, kernel parameters, pressure), so that hosts are analysed. */
void mix_begin(bool agent);
/* Values come from a CSV file (gzip allowed; one column a series, one line a sample, first line
 * may be names, a first column called time or timestamp is skipped): series i of host h takes
 * column i mod columns, from line h*7919 mod lines on, round and round. */
void mix_trace(const char *file);
/* Of each series in the order of the steps, from 0, one after the other. Series do not depend on
 * each other. */
double mix_value(int host, int index, int64_t step);
/* In the order of their names; some texts stand in scratch. Returns how many. */
int mix_labels(int host, int index, const char *out[MAX_LABELS][2],
               char scratch[2][MIX_LABEL_BYTES]);
