/* codec_bench: bytes a sample and nanoseconds of the chunk codec on rwload's mix of series,
 * four hosts, eight hours at ten seconds. Every chunk is compared bit for bit. */
#include "rwload/mix.h"
#include "rwload/util.h"

#include "base/clock.h"
#include "store/embedded/chunk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void measure(enum chunk_style style, const double *values, size_t series_n, size_t n,
                    size_t length)
{
    static double back[CHUNK_MAX_SAMPLES];
    size_t chunks = length / n, samples = series_n * chunks * n, len = 0, at = 0;
    uint8_t *bytes = need(malloc(samples * 12 + CHUNK_MAX_BYTES(CHUNK_MAX_SAMPLES)));
    int64_t begin = clock_cpu_ns();
    for (size_t s = 0; s < series_n; s++)
        for (size_t i = 0; i < chunks; i++)
            len += chunk_encode(style, 0, values + s * length + i * n, n, bytes + len);
    int64_t middle = clock_cpu_ns();
    struct bytes_in in = bytes_of(span_from(bytes, len));
    for (size_t i = 0; i < series_n * chunks; i++)
        if (!chunk_decode(&in, 0, back, n))
            die("a chunk cannot be read");
    int64_t end = clock_cpu_ns();
    in = bytes_of(span_from(bytes, len));
    for (size_t s = 0; s < series_n; s++)
        for (size_t i = 0; i < chunks; i++, at++)
            if (!chunk_decode(&in, 0, back, n) ||
                memcmp(values + s * length + i * n, back, n * sizeof *back))
                die("chunk %zu differs", at);
    printf("%s n=%zu bytes_per_sample=%.3f encode_ns=%.1f decode_ns=%.1f\n",
           style == CHUNK_RECENT ? "packed" : "compact", n, (double)len / (double)samples,
           (double)(middle - begin) / (double)samples, (double)(end - middle) / (double)samples);
    free(bytes);
}

int main(void)
{
    enum { LENGTH = 2880 };
    mix.hosts = 4;
    mix_begin(false);
    size_t n = (size_t)mix.hosts * (size_t)mix.series_per_host, at = 0;
    double *values = need(malloc(n * LENGTH * sizeof *values));
    for (int h = 0; h < mix.hosts; h++)
        for (int i = 0; i < mix.series_per_host; i++)
            for (int step = 0; step < LENGTH; step++)
                values[at++] = mix_value(h, i, step);
    static const size_t lengths[] = {16, 120, 480};
    for (int style = CHUNK_RECENT; style <= CHUNK_COMPACT; style++)
        for (size_t i = 0; i < COUNT(lengths); i++)
            measure((enum chunk_style)style, values, n, lengths[i], LENGTH);
    return 0;
}
