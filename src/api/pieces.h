/* Long answers in pieces, so that memory holds one of them however long the whole: each is made
 * (and packed) on a worker, the next one when the client has taken the last. What fits into one
 * piece is sent as a whole, with its length. */
#pragma once

#include "api/call.h"

#include "net/gzip.h"

enum { PIECE_BYTES = 256 << 10 };

enum piece {
    PIECE_MORE,
    PIECE_LAST,
    PIECE_FAILED, /* what was sent already is cut off, so that nobody takes it for the whole */
};

/* It lives in what makes the pieces. */
struct pieces {
    struct api *api;
    struct http_request *req;
    const char *content_type;
    /* On a worker: appends about PIECE_BYTES. The first call may set http_status and write
     * another answer. */
    enum piece (*next)(struct pieces *p, struct buf *out);
    void (*finished)(struct pieces *p); /* on the loop, once; gives everything back */
    int http_status;                    /* 0: 200 */
    const char *encoding;               /* what next writes is packed so already; or NULL */
    bool gone;                          /* atomic: nobody reads it any more */
    /* their own */
    enum piece state;
    struct buf plain, packed;
    struct gzip gzip;
    bool packs, streaming, working;
};

/* Both on the workers: false when they have too much to do (then nothing happens). */
bool pieces_start(struct pieces *p);
/* The same in two halves, for who has a worker already: */
void pieces_first(struct pieces *p);  /* on a worker */
void pieces_answer(struct pieces *p); /* on the loop, after pieces_first */
