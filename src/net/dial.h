/* From a configured address to an open wire: name, address after address, proxy, TLS. Client and
 * WebSocket begin with it. Private to net/. */
#pragma once

#include "net/resolve.h"
#include "net/wire.h"

#include "net/http.h"

enum { DIAL_HEAD_MAX_BYTES = 4 << 10 };

/* failure is NULL when the wire is open: then hand it over to your own events. */
typedef void (*dial_fn)(const struct err *failure, void *arg);

struct dial {
    struct loop *loop;
    struct wire wire;
    char *text, *proxy_text; /* what the URLs' spans point into */
    struct url url, proxy;
    bool has_proxy;
    char *peer; /* HOST:PORT of the server, for sentences and the Host field */
    char *proxy_peer;
    char *credentials; /* "Authorization: Basic ...\r\n" from the address, or NULL */
    char *proxy_credentials;
    char host[HOST_NAME_BYTES];
    SSL_CTX *tls;
    SSL_SESSION *session; /* of the last connection, to resume */
    int64_t connect_ms;
    struct timer *timer;
    int64_t deadline_ms;
    struct resolve *resolve;
    struct addrinfo *addresses, *next_address;
    struct buf proxy_head;
    size_t proxy_line_at;
    dial_fn fn;
    void *arg;
};

MUST_USE enum status dial_init(struct dial *d, struct loop *loop,
                               const struct http_client_config *config, struct err *err);
/* Begins; fn is called once, unless dial_stop comes before. */
void dial_start(struct dial *d, dial_fn fn, void *arg);
void dial_stop(struct dial *d); /* closes the wire too */
void dial_free(struct dial *d);
/* http through a proxy: requests carry the whole URL. */
bool dial_absolute(const struct dial *d);
