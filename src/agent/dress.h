/* How a remote-write message is put on the wire: zstd or snappy, or, where the server offers it, as
 * an increment (series/increment.h). Learns from the answers what the receiver takes. */
#pragma once

#include "net/http.h"
#include "series/increment.h"

struct dress;

struct dressed {
    struct span body;            /* valid until the next call */
    const char *type, *encoding; /* encoding NULL: none */
    bool remote_write;           /* needs the header with its version */
};

struct dress *dress_open(void);
void dress_close(struct dress *d); /* NULL is fine */
void dress_slim(struct dress *d);  /* gives back what large messages took */

/* One collection, as an increment where that can be. All must be of one owner. */
MUST_USE enum status dress_collection(struct dress *d, const struct collection *c,
                                      struct dressed *out, struct err *err);
/* A remote-write message. */
MUST_USE enum status dress_message(struct dress *d, struct span message, struct dressed *out,
                                   struct err *err);
enum dress_verdict { DRESS_FINE, DRESS_AGAIN /* the same message, dressed anew */ };
/* What the answer (status 0: none) says about the last one's form. */
enum dress_verdict dress_answered(struct dress *d, const struct http_answer *answer);
