/* Private to collect/: the kernel's own list of TCP sockets, by netlink. /proc/net/tcp has the
 * same, but reading it walks a table of a quarter of a million buckets each time. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* TCP states as the kernel numbers them. */
enum tcp_state {
    TCP_STATE_SYN_SENT = 2,
    TCP_STATE_SYN_RECV = 3,
    TCP_STATE_FIN_WAIT1 = 4,
    TCP_STATE_FIN_WAIT2 = 5,
    TCP_STATE_TIME_WAIT = 6,
    TCP_STATE_CLOSE_WAIT = 8,
    TCP_STATE_LAST_ACK = 9,
    TCP_STATE_LISTEN = 10,
    TCP_STATE_CLOSING = 11,
    TCP_STATES = 13,
};

struct tcp_socket {
    uint8_t state;
    uint16_t local_port, remote_port;
    uint8_t remote[16]; /* IPv4: the first four */
    /* of a listener */
    uint32_t queue, limit;
    bool has_limit, has_drops;
    uint32_t drops;
};

typedef void (*tcp_socket_fn)(const struct tcp_socket *socket, void *arg);

/* All zero is a valid start. */
struct sockdiag {
    int fd_plus_1;
};

/* Calls fn for every TCP socket, IPv4 and IPv6, whose state is in the bit mask. */
MUST_USE enum status sockdiag_tcp(struct sockdiag *d, uint32_t states, tcp_socket_fn fn, void *arg,
                                  struct err *err);
struct udp_socket {
    bool ipv6;
    uint16_t local_port;
    uint32_t receive_bytes, send_bytes; /* that wait */
    uint32_t receive_limit, drops;      /* 0: the kernel does not tell */
};

typedef void (*udp_socket_fn)(const struct udp_socket *socket, void *arg);

/* Calls fn for every UDP socket, IPv4 and IPv6. */
MUST_USE enum status sockdiag_udp(struct sockdiag *d, udp_socket_fn fn, void *arg, struct err *err);
void sockdiag_close(struct sockdiag *d);

struct tick;
struct kfile;
/* The same of a recorded machine or another network, from proc/net/tcp and tcp6 (recorded_tcp.c).
 */
MUST_USE enum status recorded_tcp(struct tick *t, struct kfile *tcp, struct kfile *tcp6,
                                  uint32_t states, tcp_socket_fn fn, void *arg, struct err *err);
