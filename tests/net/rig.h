/* A server and clients on one loop, on loopback. Raw sockets play the clients that break rules. */
#pragma once

#include "base/loop.h"
#include "net/http.h"
#include "net/websocket.h"

struct rig {
    struct loop *loop;
    struct http_server *server;
    struct http_client *client;
    struct timer *watchdog;
    char url[64];
    unsigned heads, requests;  /* that the handlers saw */
    bool expired;              /* the watchdog stopped the loop */
    http_handler handler;      /* NULL: rig_answer */
    struct http_request *kept; /* by rig_keep */
    unsigned done;
    /* the last answer */
    int64_t certificate_expires_s;
    int status;
    char body[4096];
    size_t body_len;
    char header[256]; /* the value of the header that rig_get asked for */
    const char *want_header;
    char error[512];
};

/* Handlers by path:
 *   /echo   the body; /peer   the address; /empty   204; /keep   kept, not answered;
 *   /text   5,000 times "x" as text/plain; others 404 */
void rig_answer(struct http_request *req, struct rig *rig);
/* config may be NULL; listen, handlers and arg are the rig's. */
void rig_open(struct rig *rig, const struct http_server_config *config);
/* As rig_open with a client; client may be NULL; its url is the rig's unless set. */
void rig_open_client(struct rig *rig, const struct http_server_config *config,
                     const struct http_client_config *client);
void rig_close(struct rig *rig);
/* Runs the loop until *count reached n; fails the test after some seconds. */
void rig_run(struct rig *rig, const unsigned *count, unsigned n);
void rig_run_ms(struct rig *rig, int64_t ms);
/* Sends and waits for the answer, which is then in rig. */
void rig_send(struct rig *rig, const char *method, const char *path, struct span body);

/* A raw connection; its reads are on the loop. */
struct raw;
struct raw *raw_open(struct rig *rig, const char *from); /* from: an address to bind to, or NULL */
void raw_send(struct raw *r, struct span bytes);
/* Runs the loop until the server closed; everything it sent. */
struct span raw_rest(struct raw *r);
/* Runs the loop until this much has come. */
struct span raw_wait(struct raw *r, size_t at_least);
/* Runs the loop until text has come. */
void raw_wait_for(struct raw *r, const char *text);
bool raw_ended(const struct raw *r);
void raw_stop_reading(struct raw *r); /* from now on */
/* Sends what the socket takes, until it takes no more or all is sent; reads nothing. */
void raw_send_only(struct raw *r, struct span bytes);
void raw_half_close(struct raw *r);
void raw_close(struct raw *r);
