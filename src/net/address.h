/* Socket addresses: from text and to text. Private to net/. */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum { ADDRESSES_MAX = 8, HOST_NAME_BYTES = 256 };

/* "HOST:PORT", "[V6]:PORT" or ":PORT" (every address, IPv6 first); PORT may be 0. */
MUST_USE enum status address_to_listen(struct span text, struct sockaddr_storage at[ADDRESSES_MAX],
                                       socklen_t len[ADDRESSES_MAX], size_t *n, struct err *err);
/* The address without port; an IPv4 address in IPv6 clothes shows as IPv4. */
void address_text(const struct sockaddr_storage *a, char text[INET6_ADDRSTRLEN]);
bool address_is_loopback(const struct sockaddr_storage *a);
/* What counts as one address: an IPv6 customer has a whole /64. Points into a. */
struct span address_key(const struct sockaddr_storage *a);
uint16_t address_port(const struct sockaddr_storage *a);
