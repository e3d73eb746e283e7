/* codec_bench: bytes a sample and nanoseconds of the chunk codec on rwload.c's mix of series,
 * four hosts, eight hours at ten seconds. Every chunk is compared bit for bit. */
#undef _GNU_SOURCE /* as rwload.c defines it itself */
#define main rwload_main
#define series rwload_series
#define sample rwload_sample
#define varint_size rwload_varint_size
#define varint_put rwload_varint_put
#include "rwload.c"
#undef main
#undef series
#undef sample
#undef varint_size
#undef varint_put

#include "base/clock.h"
#include "store/embedded/chunk.h"

static void measure(enum chunk_style style, double *values, size_t series_n, size_t n,
                    size_t length)
{
    static uint8_t bytes[CHUNK_MAX_BYTES(CHUNK_MAX_SAMPLES)];
    static double back[CHUNK_MAX_SAMPLES];
    size_t total = 0, samples = 0;
    int64_t encode = 0, decode = 0;
    for (size_t s = 0; s < series_n; s++)
        for (size_t at = 0; at + n <= length; at += n) {
            const double *v = values + s * length + at;
            int64_t t = clock_mono_ns();
            size_t len = chunk_encode(style, 0, v, n, bytes);
            int64_t middle = clock_mono_ns();
            struct bytes_in in = bytes_of(span_from(bytes, len));
            if (!chunk_decode(&in, 0, back, n))
                die("a chunk cannot be read");
            decode += clock_mono_ns() - middle;
            encode += middle - t;
            if (memcmp(v, back, n * sizeof *v))
                die("a chunk differs");
            total += len;
            samples += n;
        }
    printf("%s n=%zu bytes_per_sample=%.3f encode_ns=%.1f decode_ns=%.1f\n",
           style == CHUNK_RECENT ? "packed" : "compact", n, (double)total / (double)samples,
           (double)encode / (double)samples, (double)decode / (double)samples);
}

int main(void)
{
    enum { LENGTH = 2880 };
    hosts = 4;
    make_templates();
    size_t n = (size_t)hosts * (size_t)series_per_host;
    state = need(calloc(n, sizeof *state));
    double *values = need(malloc(n * LENGTH * sizeof *values));
    for (int h = 0; h < hosts; h++)
        for (int i = 0; i < series_per_host; i++) {
            size_t s = (size_t)h * (size_t)series_per_host + (size_t)i;
            first_value(&state[s], h, i);
            for (int step = 0; step < LENGTH; step++)
                values[s * LENGTH + (size_t)step] = value_at(&state[s], h, i, step);
        }
    static const size_t lengths[] = {16, 120, 480};
    for (int style = CHUNK_RECENT; style <= CHUNK_COMPACT; style++)
        for (size_t i = 0; i < COUNT(lengths); i++)
            measure((enum chunk_style)style, values, n, lengths[i], LENGTH);
    return 0;
}
