/* What agents tell of their machines, on its way to the record: snapshots of processes in groups,
 * by a worker; inventories and services at once. Private to api/, loop thread only. */
#pragma once

#include "api/call.h"
#include "api/link_message.h"

enum { LINKS_PENDING_MAX = 4096 /* snapshots on the way to the record */ };

struct link_keep;

struct link_keep *link_keep_new(struct api *a);
void link_keep_flush(struct link_keep *k); /* what waits goes now */
void link_keep_free(struct link_keep *k);  /* NULL is fine */

/* Of one host; m is the message that told it. What fails is logged. */
struct link_host {
    struct span id;
    const char *name;
};
void link_keep_processes(struct link_keep *k, struct link_host host, const char *cause,
                         const struct link_message *m);
/* A machine that has changed is an event, too. */
void link_keep_inventory(struct link_keep *k, struct link_host host, const struct link_message *m);
void link_keep_services(struct link_keep *k, struct link_host host, const struct link_message *m);
