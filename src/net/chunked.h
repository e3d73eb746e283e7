/* Takes the chunks of a body apart (RFC 9112 7.1), a piece at a time and without a copy.
 * Extensions and trailers are checked and left out. Private to net/. */
#pragma once

#include "base/span.h"

enum { CHUNK_LINE_MAX_BYTES = 256, TRAILERS_MAX_BYTES = 4096, CHUNK_SIZE_MAX_DIGITS = 15 };

enum chunked_state {
    CHUNKED_SIZE, /* the zero value: before the first digit */
    CHUNKED_SIZE_MORE,
    CHUNKED_EXTENSION,
    CHUNKED_SIZE_LF,
    CHUNKED_DATA,
    CHUNKED_DATA_CR,
    CHUNKED_DATA_LF,
    CHUNKED_TRAILER_START,
    CHUNKED_TRAILER,
    CHUNKED_TRAILER_LF,
    CHUNKED_LAST_LF,
};

struct chunked {
    enum chunked_state state;
    uint64_t left;     /* of the chunk's size or data */
    size_t line_bytes; /* digits, then extension; later all trailers */
};

enum chunked_step {
    CHUNKED_MORE,  /* *in is used up */
    CHUNKED_BYTES, /* *out is a piece of the body */
    CHUNKED_END,   /* *in is what follows the body */
    CHUNKED_BAD,
};

/* The next piece; consumes from *in. */
enum chunked_step chunked_next(struct chunked *c, struct span *in, struct span *out);
