/* Which addresses a notification does not go to unless that was allowed: those of this machine and
 * of networks that are not the internet's (RFC 6890; IPv6 addresses that carry others, too). */
#include "notify/channel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static bool private_v4(uint32_t a)
{
    static const struct {
        uint32_t net;
        int bits;
    } nets[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},
                {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24}, {0xc0a80000, 16},
                {0xc6120000, 15}, {0xc0000200, 24}, {0xc6336400, 24}, {0xcb007100, 24},
                {0xe0000000, 3}};
    for (size_t i = 0; i < COUNT(nets); i++)
        if ((a ^ nets[i].net) >> (32 - nets[i].bits) == 0)
            return true;
    return false;
}

static bool private_v6(const unsigned char *b)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b};
    uint32_t v4 = (uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 | b[15];
    if (memcmp(b, mapped, 12) == 0 || memcmp(b, nat64, 12) == 0)
        return private_v4(v4);
    /* Only 2000::/3 is given out, without 2001::/23 (Teredo and the like) and 2001:db8::/32 (for
     * books); 6to4 carries other addresses. */
    return (b[0] & 0xe0) != 0x20 || (b[0] == 0x20 && b[1] == 0x02) ||
           (b[0] == 0x20 && b[1] == 0x01 && (b[2] < 2 || (b[2] == 0x0d && b[3] == 0xb8)));
}

bool address_is_private(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return private_v4(ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr));
    if (a->sa_family == AF_INET6)
        return private_v6(((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr);
    return true;
}
