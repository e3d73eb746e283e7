/* What comes in by remote write: unpacked, cut into series, labels and samples. What was
 * understood is written again and must be understood as the same. */
#include "series/remote_write.h"

#include <stdlib.h>

enum { UNPACKED_MAX_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(struct labels labels, struct sample s)
{
    auto_buf out = {0};
    write_series(&out, labels, &s, 1);
    struct write_reader r = write_reader_of(buf_view(&out));
    struct write_entry e;
    struct label_builder b;
    struct labels got;
    struct sample again;
    const char *fault = NULL;
    if (!write_next(&r, &e) || write_labels(e.labels_raw, &b, &got, NULL) ||
        !labels_eq(labels, got) || !write_sample_next(&e.samples_raw, &again, &fault) ||
        again.t_ms != s.t_ms || double_bits(again.v) != double_bits(s.v))
        abort();
}

static void walk(struct span message)
{
    struct write_reader r = write_reader_of(message);
    struct write_entry e;
    while (write_next(&r, &e)) {
        struct label_builder b;
        struct labels labels;
        struct sample s;
        struct err err;
        const char *fault = NULL;
        bool named = !write_labels(e.labels_raw, &b, &labels, &err);
        while (write_sample_next(&e.samples_raw, &s, &fault))
            if (named)
                write_again(labels, s);
    }
}

/* The first byte chooses the compression. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    auto_buf plain = {0};
    struct err err;
    if (!unpack(data[0] & 3, span_from(data + 1, size - 1), UNPACKED_MAX_BYTES, &plain, &err))
        walk(buf_view(&plain));
    if (plain.len > UNPACKED_MAX_BYTES)
        abort();
    return 0;
}
