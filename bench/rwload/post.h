/* POSTs messages over one kept connection of HTTP/1.1. */
#pragma once

#include "payload.h"

#include <stdbool.h>

enum { MAX_HEADERS = 16 };

/* Where all of them go. */
struct target {
    const char *host, *port, *path;
    const char *headers[MAX_HEADERS];
    int headers_n;
    int retries; /* after a 5xx, 429 or a broken connection */
};
extern struct target target;

/* A connection; fd is -1 when there is none (yet). */
struct poster {
    int fd;
    char in[16384];
    size_t have;
    struct buffer head;
    char last_error[300];
};

/* Takes http://HOST:PORT/PATH apart into target; the text is changed and must live on. */
void post_to(char *url);
/* Whether a 2xx came; otherwise last_error says why not. */
bool post_message(struct poster *c, const char *body, size_t len);
void post_end(struct poster *c);
