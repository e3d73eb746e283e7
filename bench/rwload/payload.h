/* A remote-write message (protobuf WriteRequest) of the series of mix.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *data;
    size_t len, cap;
};

void buffer_reserve(struct buffer *b, size_t more);
void buffer_put(struct buffer *b, const void *p, size_t n);
/* Appends the labels of a series, encoded. */
void payload_labels(struct buffer *b, int host, int index);
/* Appends a series with its encoded labels and its samples of the steps from step on; step 0 is at
 * start_ms. */
void payload_series(struct buffer *b, int host, int index, const char *labels, size_t labels_len,
                    int64_t start_ms, int64_t step, int64_t count);
