/* The loops in which a query spends its time, so often that callgrind can count them:
 *
 *   inner_loops LOOP REPEATS      prints how many items that were (instructions.sh divides) */
#include "base/buf.h"
#include "promql/promql.h"
#include "store/embedded/chunk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 480, STEP_MS = 15000 };

static double values[SAMPLES];

static size_t decode(enum chunk_style style, long repeats, bool side_by_side)
{
    uint8_t bytes[CHUNK_MAX_BYTES(SAMPLES)];
    double out[CHUNKS_AT_ONCE][SAMPLES];
    size_t len = chunk_encode(style, values[0], values, SAMPLES, bytes);
    struct span chunk = span_from(bytes, len);
    for (long i = 0; i < repeats; i++) {
        struct chunk_job jobs[CHUNKS_AT_ONCE];
        for (size_t k = 0; k < CHUNKS_AT_ONCE; k++)
            jobs[k] = (struct chunk_job){
                .in = bytes_of(chunk), .base = values[0], .v = out[k], .n = SAMPLES};
        for (size_t k = 0; k < CHUNKS_AT_ONCE; k += side_by_side ? CHUNKS_AT_ONCE : 1)
            if (!chunks_decode(jobs + k, side_by_side ? CHUNKS_AT_ONCE : 1))
                abort();
    }
    return (size_t)repeats * CHUNKS_AT_ONCE * SAMPLES;
}

static size_t doubles(long repeats)
{
    struct buf out = {0};
    for (long i = 0; i < repeats; i++) {
        buf_clear(&out);
        for (size_t k = 0; k < SAMPLES; k++)
            buf_double_json(&out, values[k] / 7);
    }
    buf_free(&out);
    return (size_t)repeats * SAMPLES;
}

/* Steps of rate() over samples in memory. */
static size_t rates(long repeats)
{
    struct label at[] = {{SPAN(LABEL_NAME), SPAN("c_total")}};
    struct memory_source *source = memory_source_open();
    struct arena arena = {0};
    struct result result = {0};
    for (size_t i = 0; i < SAMPLES; i++)
        if (memory_source_append(source, (struct labels){at, 1},
                                 (struct sample){(int64_t)i * STEP_MS, values[i]}, NULL))
            abort();
    for (long i = 0; i < repeats; i++) {
        struct query q = {.end_ms = (SAMPLES - 1) * STEP_MS, .step_ms = STEP_MS};
        struct expr *e;
        arena_reset(&arena);
        if (promql_parse(SPAN("rate(c_total[5m])"), &arena, &e, NULL))
            abort();
        q.expr = e;
        if (promql_eval(&q, memory_source_face(source), &arena, &result, NULL))
            abort();
        promql_free(e);
    }
    arena_free(&arena);
    memory_source_close(source);
    return (size_t)repeats * SAMPLES;
}

int main(int argc, char **argv)
{
    long repeats = argc > 2 ? strtol(argv[2], NULL, 10) : 1;
    const char *loop = argc > 1 ? argv[1] : "";
    uint64_t x = 88172645463325252, sum = 4567890;
    for (size_t i = 0; i < SAMPLES; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        sum += x % 1400; /* hundredths of seconds of CPU */
        values[i] = (double)sum / 100;
    }
    size_t n = !strcmp(loop, "decode-packed")    ? decode(CHUNK_RECENT, repeats, false)
               : !strcmp(loop, "decode-compact") ? decode(CHUNK_COMPACT, repeats, false)
               : !strcmp(loop, "decode-four")    ? decode(CHUNK_COMPACT, repeats, true)
               : !strcmp(loop, "doubles")        ? doubles(repeats)
               : !strcmp(loop, "rate-steps")     ? rates(repeats)
                                                 : 0;
    printf("%zu\n", n);
    return n ? 0 : 2;
}
