/* gzip of answers, whole or in pieces, with the compressor's memory kept between them. */
#pragma once

#include "base/buf.h"

enum { GZIP_MIN_BYTES = 1 << 10, GZIP_MAX_BYTES = 4 << 20 };

struct z_stream_s;

/* {0} is valid. */
struct gzip {
    struct z_stream_s *stream;
};

/* False when it cannot be done or does not gain; out is then empty. */
bool gzip_pack(struct gzip *g, struct span in, struct buf *out);
/* One piece of a longer text, appended so that the reader can unpack all of it at once; last
 * ends the text, and in may be empty then. One gzip for each text. False when there is no memory
 * for it. */
bool gzip_piece(struct gzip *g, struct span in, bool last, struct buf *out);
void gzip_free(struct gzip *g);
