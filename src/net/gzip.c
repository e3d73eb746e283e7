#include "net/gzip.h"

#include "base/arena.h"

#include <stdlib.h>
#include <zlib.h>

/* The fastest level: answers are JSON and text on the way to one person, the loop is shared. */
enum { LEVEL = 1, WINDOW_BITS_GZIP = 15 + 16, MEMORY_LEVEL = 8, PIECE_ROOM_BYTES = 32 << 10 };

static bool ready(struct gzip *g)
{
    if (g->stream)
        return deflateReset(g->stream) == Z_OK;
    g->stream = mem_zero(1, sizeof *g->stream);
    if (deflateInit2(g->stream, LEVEL, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) == Z_OK)
        return true;
    free(g->stream);
    g->stream = NULL;
    return false;
}

bool gzip_pack(struct gzip *g, struct span in, struct buf *out)
{
    /* Room for one byte less than the input: what does not gain does not fit. */
    char *to = ready(g) && in.len > 1 ? buf_reserve(out, in.len - 1) : NULL;
    if (!to)
        return false;
    g->stream->next_in = (Bytef *)(uintptr_t)in.at;
    g->stream->avail_in = (uInt)in.len;
    g->stream->next_out = (Bytef *)to;
    g->stream->avail_out = (uInt)(in.len - 1);
    if (deflate(g->stream, Z_FINISH) != Z_STREAM_END)
        return false;
    out->len += in.len - 1 - g->stream->avail_out;
    return true;
}

bool gzip_piece(struct gzip *g, struct span in, bool last, struct buf *out)
{
    if (!g->stream && !ready(g))
        return false;
    z_stream *z = g->stream;
    z->next_in = (Bytef *)(uintptr_t)in.at;
    z->avail_in = (uInt)in.len;
    do {
        char *to = buf_reserve(out, PIECE_ROOM_BYTES);
        if (!to)
            return false;
        z->next_out = (Bytef *)to;
        z->avail_out = PIECE_ROOM_BYTES;
        if (deflate(z, last ? Z_FINISH : Z_SYNC_FLUSH) == Z_STREAM_ERROR)
            return false;
        out->len += PIECE_ROOM_BYTES - z->avail_out;
    } while (z->avail_out == 0);
    return true;
}

void gzip_free(struct gzip *g)
{
    if (g->stream)
        deflateEnd(g->stream);
    free(g->stream);
    g->stream = NULL;
}
