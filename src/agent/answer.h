/* What a server's answer to a batch means. */
#pragma once

#include "net/http.h"

enum {
    SKEW_MAX_S = 60,
    RETRY_AFTER_MAX_S = 600,
};

enum verdict {
    TAKEN,
    LATER,     /* the same again later */
    REFUSED,   /* never: the batch is at fault */
    UNWELCOME, /* the token was refused: the same again once that is put right */
    MISPLACED, /* nobody there takes batches: the address is at fault */
};

/* why: a sentence that says what to do. */
enum verdict answer_judge(const struct http_answer *answer, const char *server,
                          const char *token_file, struct buf *why);
/* What Retry-After asks for, at most RETRY_AFTER_MAX_S; 0 when nothing. */
int64_t answer_retry_after_ms(const struct http_answer *answer);
/* Seconds that the server's clock is ahead of now; false when it does not tell. */
bool answer_skew_s(const struct http_answer *answer, int64_t now_ms, int64_t *out);
