/* The body of an import on its way into a file without a name in the data directory: a file of
 * any size, of which memory holds two pieces. Who sends faster than the disk takes is made to
 * wait. */
#pragma once

#include "api/call.h"

#include <stdatomic.h>

enum { INTAKE_PIECE_BYTES = 256 << 10, INTAKE_MAX_GIB = 64 };
#define INTAKE_MAX_BYTES ((uint64_t)INTAKE_MAX_GIB << 30)

enum intake_state { INTAKE_RECEIVING, INTAKE_WAITING, INTAKE_CHECKING, INTAKE_IMPORTING };

struct intake {
    struct intake *next; /* in api->intakes */
    struct api *api;
    struct call *call; /* until released */
    int64_t begun_ms;
    uint64_t bytes; /* received */
    /* for who asks how far it is: written by whoever works on it */
    _Atomic int state;
    _Atomic uint64_t read, samples; /* in the pass under way: of the bytes; in them */
    /* its own */
    struct buf filling, writing;
    int fd; /* -1 before the first write; what filling holds follows */
    bool busy, released;
    void (*whole)(struct call *c); /* waits for the last write */
    enum status status;
    struct err err;
};

/* In on_head. It lives as long as the request; c->intake. */
void intake_begin(struct call *c);
/* The body has come: calls then(c) when all but the last piece is written. */
void intake_end(struct intake *in, void (*then)(struct call *c));
/* On a worker: the rest too. */
MUST_USE enum status intake_flush(struct intake *in, struct err *err);
