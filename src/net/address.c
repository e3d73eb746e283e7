#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

static const struct in6_addr *v6_of(const struct sockaddr_storage *a)
{
    return &((const struct sockaddr_in6 *)a)->sin6_addr;
}

static const uint8_t *v4_of(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return (const uint8_t *)&((const struct sockaddr_in *)a)->sin_addr;
    return IN6_IS_ADDR_V4MAPPED(v6_of(a)) ? v6_of(a)->s6_addr + 12 : NULL;
}

void address_text(const struct sockaddr_storage *a, char text[INET6_ADDRSTRLEN])
{
    const uint8_t *v4 = v4_of(a);
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? (const void *)v4 : v6_of(a), text,
                   INET6_ADDRSTRLEN))
        text[0] = 0;
}

bool address_is_loopback(const struct sockaddr_storage *a)
{
    const uint8_t *v4 = v4_of(a);
    return v4 ? v4[0] == 127 : IN6_IS_ADDR_LOOPBACK(v6_of(a));
}

struct span address_key(const struct sockaddr_storage *a)
{
    const uint8_t *v4 = v4_of(a);
    return v4 ? span_from(v4, sizeof(struct in_addr)) : span_from(v6_of(a), 8);
}

uint16_t address_port(const struct sockaddr_storage *a)
{
    return ntohs(a->ss_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port
                                         : ((const struct sockaddr_in6 *)a)->sin6_port);
}

/* The port is what follows the last colon, as a bare IPv6 address has to be in brackets. */
static bool cut_port(struct span text, struct span *host, struct span *port)
{
    size_t colon = text.len;
    while (colon > 0 && text.at[colon - 1] != ':')
        colon--;
    if (!colon)
        return false;
    *host = span_from(text.at, colon - 1);
    *port = span_from(text.at + colon, text.len - colon);
    if (host->len >= 2 && host->at[0] == '[' && host->at[host->len - 1] == ']')
        *host = span_from(host->at + 1, host->len - 2);
    else if (span_find(*host, ':') < host->len)
        return false;
    uint64_t number;
    return host->len < HOST_NAME_BYTES && span_u64(*port, &number) && number <= 65535;
}

enum status address_to_listen(struct span text, struct sockaddr_storage at[ADDRESSES_MAX],
                              socklen_t len[ADDRESSES_MAX], size_t *n, struct err *err)
{
    struct span host, port;
    *n = 0;
    if (!cut_port(text, &host, &port))
        return err_set(err, INVALID, "listen \"%.*s\": want ADDRESS:PORT, [IPV6]:PORT or :PORT",
                       SPAN_ARG(text));
    char name[HOST_NAME_BYTES], service[8];
    snprintf(name, sizeof name, "%.*s", SPAN_ARG(host));
    snprintf(service, sizeof service, "%.*s", SPAN_ARG(port));
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host.len ? name : NULL, service, &hints, &found);
    if (failed)
        return err_set(err, INVALID, "listen %.*s: %s", SPAN_ARG(text), gai_strerror(failed));
    /* Two rounds: with no host the IPv6 wildcard comes first, as it takes IPv4 as well. */
    for (int v4 = 0; v4 < 2; v4++)
        for (struct addrinfo *a = found; a && *n < ADDRESSES_MAX; a = a->ai_next) {
            if ((a->ai_family == AF_INET) != v4)
                continue;
            memcpy(&at[*n], a->ai_addr, a->ai_addrlen);
            len[(*n)++] = a->ai_addrlen;
        }
    freeaddrinfo(found);
    return OK;
}
