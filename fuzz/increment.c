/* Increments as they come in: pieces of two bytes of length and so many bytes. What was understood
 * is written as an increment again and must be read as the same message. */
#include "series/increment.h"

#include "message_collection.h"

#include <stdlib.h>

enum { OUT_MAX_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(struct increment_writer *w, struct increment_reader *r, struct span message)
{
    auto_buf bytes = {0}, back = {0};
    bool whole;
    struct collection c = message_collection(&message);
    if (increment_write(w, &c, &bytes, &whole, NULL))
        return;
    if (increment_read(r, buf_view(&bytes), &back, NULL) || back.len != message.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct increment_labels *labels = increment_labels_open();
    struct increment_reader *in = increment_reader_open(labels);
    struct increment_reader *again = increment_reader_open(labels);
    struct increment_writer *w = increment_writer_open();
    auto_buf out = {.max = OUT_MAX_BYTES};
    struct span rest = span_from(data, size);
    while (rest.len > 2) {
        size_t n = (unsigned char)rest.at[0] | (size_t)(unsigned char)rest.at[1] << 8;
        n = MIN(n, rest.len - 2);
        struct err err;
        buf_clear(&out);
        out.failed = false;
        if (increment_read(in, span_from(rest.at + 2, n), &out, &err) == OK)
            write_again(w, again, buf_view(&out));
        rest = span_from(rest.at + 2 + n, rest.len - 2 - n);
    }
    increment_writer_close(w);
    increment_reader_close(in);
    increment_reader_close(again);
    if (increment_labels_count(labels))
        abort();
    increment_labels_close(labels);
    return 0;
}
