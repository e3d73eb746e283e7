/* The head of a request or an answer: a pure function from bytes to struct head. Strict: what
 * two readers could understand differently is refused, not repaired (docs/decisions/0003-http.md
 * lists what and why). Private to net/. */
#pragma once

#include "net/http.h"

enum { HEAD_METHOD_MAX_BYTES = 32 };

enum body_kind { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE };

/* All spans point into the text that was parsed. */
struct head {
    struct span method, target, path, query; /* of a request; path and query as sent */
    struct span host;
    int status;     /* of an answer */
    unsigned minor; /* of HTTP/1.x */
    size_t n_headers;
    enum body_kind body;
    uint64_t content_length;
    bool keep_alive;      /* the peer wants the connection kept */
    bool upgrade;         /* Connection: upgrade */
    bool expect_continue; /* Expect: 100-continue */
    struct http_header headers[HTTP_HEADERS_MAX];
};

/* Why a head is refused: the status of the answer and a sentence. */
struct refusal {
    int status;
    const char *why;
};

enum head_state { HEAD_INCOMPLETE, HEAD_WHOLE, HEAD_REFUSED };

/* Looks for the empty line that ends a head. *line_at is 0 at first and is kept between calls
 * on growing data; *end is the length of the head when it is whole. */
enum head_state head_scan(struct span data, size_t *line_at, size_t *end, struct refusal *why);
/* Whether an incomplete head can still become a request, so that a wrong protocol is answered
 * at once instead of at the deadline. line_at as head_scan left it. */
bool head_begins_well(struct span data, size_t line_at, struct refusal *why);

/* text is a whole head with its empty line. */
bool head_parse_request(struct span text, struct head *out, struct refusal *why);
bool head_parse_answer(struct span text, struct head *out, struct refusal *why);

/* The first field of that name, or an empty span. */
struct span head_field(const struct http_header *headers, size_t n, const char *name);
/* A comma-separated list contains the token (any case, parameters ignored). */
bool list_has(struct span list, const char *token);
bool token_valid(struct span s);       /* RFC 9110 token, not empty */
bool field_value_valid(struct span s); /* no control characters but tab */
