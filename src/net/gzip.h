/* gzip of whole answers, with the compressor's memory kept between them. Private to net/. */
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
void gzip_free(struct gzip *g);
