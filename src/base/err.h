/* Failure is a code for the caller and a sentence for the person.
 *
 * A function that can fail returns an enum status and takes a struct err * as its last
 * argument. The sentence is made where the fact is known and logged, or shown, once: where
 * the failure is handled. err may be NULL where nobody will read the sentence. */
#pragma once

#include "base/defs.h"

enum status {
    OK = 0,
    INVALID,     /* the input is wrong; the sentence says what would be right */
    NOT_FOUND,   /* what was named does not exist */
    EXISTS,      /* it exists already */
    DENIED,      /* not allowed: credentials or permissions */
    AGAIN,       /* busy or full for now: try the same again later */
    FULL,        /* a named ceiling or the disk is reached */
    TIMED_OUT,   /* a deadline passed */
    UNREACHABLE, /* the peer cannot be reached or hung up */
    IO_FAILED,   /* the operating system refused */
    CORRUPT,     /* stored bytes are not what was written */
    UNSUPPORTED, /* right, but not something this program does */
};

enum { ERR_TEXT_MAX = 512 };

struct err {
    enum status status;
    char text[ERR_TEXT_MAX];
};

/* Sets status and sentence; returns status. Longer sentences are cut. */
enum status err_set(struct err *err, enum status status, const char *format, ...) PRINTF(3, 4);
/* As err_set, with ": <text of errno>" added and the status that fits errno. */
enum status err_errno(struct err *err, const char *format, ...) PRINTF(2, 3);
/* Puts "context: " before the sentence that is already there; returns its status. */
enum status err_prefix(struct err *err, const char *format, ...) PRINTF(2, 3);
/* A word for logs and JSON: "invalid", "not_found", ... */
const char *status_name(enum status status);
