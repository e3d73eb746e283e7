/* Bytes on the way out. A buf grows up to its ceiling and remembers failure: write freely,
 * check .failed once. */
#pragma once

#include "base/span.h"

#include <stdarg.h>

/* {0} is a valid empty buf with the default ceiling. */
struct buf {
    char *at; /* owned; not terminated unless buf_text made it so */
    size_t len, size;
    size_t max;  /* ceiling in bytes; 0 means BUF_DEFAULT_MAX_BYTES */
    bool failed; /* a write did not fit and was left out, as were all after it */
};

enum { BUF_DEFAULT_MAX_BYTES = 256 << 20 };

void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_span(struct buf *b, struct span s);
void buf_str(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_fill(struct buf *b, char c, size_t times);
void buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args) PRINTF(2, 0);
void buf_u64(struct buf *b, uint64_t n); /* decimal */
void buf_i64(struct buf *b, int64_t n);  /* decimal */
/* The shortest decimal text that reads back as the same bits, as Prometheus writes it:
 * 1, 0.1, 1e+21, NaN, +Inf, -Inf. */
void buf_double(struct buf *b, double v);
/* The same, as Prometheus's JSON has it: plain digits from 1e-6 on, and e-9 instead of e-09. */
void buf_double_json(struct buf *b, double v);
void buf_varint(struct buf *b, uint64_t n); /* protobuf's */
/* Room for n more bytes, to be filled by the caller who then adds to .len; NULL and failed
 * when the ceiling is reached. */
char *buf_reserve(struct buf *b, size_t n);

static inline struct span buf_view(const struct buf *b)
{
    return (struct span){b->at, b->len};
}
/* The content as a terminated string, valid until the next write; "" when failed at once. */
const char *buf_text(struct buf *b);
void buf_clear(struct buf *b); /* empty, memory and ceiling kept */
void buf_free(struct buf *b);

#define auto_buf CLEANUP(buf_free) struct buf
