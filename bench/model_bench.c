/* The classifier's cost for one host:
 *
 *   model_bench MODEL.h5 HOSTS ROUNDS     microseconds of processor time a host: the best round
 *                                         and the middle one
 *
 * The rows are half zeros, as features are (missing bits, counters that stand still). */
#include "advise/model.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS_MAX = 10000 };

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* An LCG: the same rows in every run. */
static double next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 31 ? (double)(*state >> 8 & 0xffff) / 65536 : 0;
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int usage(void)
{
    fputs("usage: model_bench MODEL.h5 HOSTS ROUNDS\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct model *m;
    if (argc != 4)
        return usage();
    size_t hosts = strtoul(argv[2], NULL, 10), rounds = strtoul(argv[3], NULL, 10);
    if (hosts == 0 || rounds == 0 || rounds > ROUNDS_MAX)
        return usage();
    if (model_load(argv[1], &m, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    size_t n = model_inputs(m);
    uint32_t state = 1;
    double *x = mem_zero(hosts * n, sizeof *x), *y = mem_zero(model_outputs(m), sizeof *y), sum = 0;
    double *us = mem_zero(rounds, sizeof *us);
    for (size_t i = 0; i < hosts * n; i++)
        x[i] = next(&state);
    for (size_t r = 0; r < rounds; r++) {
        double start = cpu_us();
        for (size_t h = 0; h < hosts; h++) {
            model_predict(m, x + h * n, y);
            sum += y[0];
        }
        us[r] = (cpu_us() - start) / (double)hosts;
    }
    qsort(us, rounds, sizeof *us, ascending);
    printf("%zu inputs, %zu hosts, %zu rounds: best %.2f us a host, middle %.2f (sum %.6g)\n", n,
           hosts, rounds, us[0], us[rounds / 2], sum);
    free(us);
    free(x);
    free(y);
    model_close(m);
    return 0;
}
