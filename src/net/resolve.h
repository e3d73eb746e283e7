/* Names to addresses without holding up the loop: the system's resolver may take half a minute,
 * so it runs on a thread of its own. Private to net/. */
#pragma once

#include "base/loop.h"
#include "net/address.h"

struct addrinfo;
struct resolve;

/* failure is NULL or says why; found is freed by the caller with freeaddrinfo. Not called from
 * inside of resolve_start. */
typedef void (*resolve_fn)(struct addrinfo *found, const char *failure, void *arg);

struct resolve *resolve_start(struct loop *loop, const char *host, uint16_t port, resolve_fn fn,
                              void *arg);
void resolve_cancel(struct resolve *r); /* fn is not called any more; NULL is fine */
