/* The sockets of a recorded machine: proc/net/tcp and tcp6 in place of sock_diag, which can only
 * ask this machine's kernel. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/sockdiag.h"

bool parse_tcp_row(struct span line, struct tcp_row *out)
{
    struct span slot, local, remote, state, queues, address, part;
    uint64_t local_port, remote_port, number;
    if (!span_word(&line, &slot) || !span_ends(slot, SPAN(":")) || !span_word(&line, &local) ||
        !span_word(&line, &remote) || !span_word(&line, &state) || !span_word(&line, &queues))
        return false;
    if (!span_next(&local, ':', &address) || !span_hex(local, &local_port) ||
        !span_next(&remote, ':', &out->remote_address) || !span_hex(remote, &remote_port) ||
        local_port > UINT16_MAX || remote_port > UINT16_MAX)
        return false;
    if (!span_hex(state, &number) || number >= TCP_STATES || !span_next(&queues, ':', &part) ||
        !span_hex(part, &out->tx_queue) || !span_hex(queues, &out->rx_queue))
        return false;
    out->local_port = (uint16_t)local_port;
    out->remote_port = (uint16_t)remote_port;
    out->state = (uint8_t)number;
    return out->tx_queue <= UINT32_MAX && out->rx_queue <= UINT32_MAX;
}

static struct tcp_socket socket_of(const struct tcp_row *row)
{
    struct tcp_socket socket = {.state = row->state,
                                .local_port = row->local_port,
                                .remote_port = row->remote_port,
                                .queue = (uint32_t)row->rx_queue,
                                .limit = (uint32_t)row->tx_queue,
                                .has_limit = row->tx_queue > 0};
    memcpy(socket.remote, row->remote_address.at,
           MIN(row->remote_address.len, sizeof socket.remote));
    return socket;
}

static enum status take_file(struct tick *t, struct kfile *f, const char *path, uint32_t states,
                             tcp_socket_fn fn, void *arg, struct err *err)
{
    struct span text, line;
    enum status st = tick_read(t, f, path, &text, err);
    if (st)
        return st;
    span_line(&text, &line); /* the head */
    while (span_line(&text, &line)) {
        struct tcp_row row;
        if (!parse_tcp_row(line, &row)) {
            tick_odd(t, path, line);
            continue;
        }
        struct tcp_socket socket = socket_of(&row);
        if (states >> row.state & 1)
            fn(&socket, arg);
    }
    return OK;
}

enum status recorded_tcp(struct tick *t, struct kfile *tcp, struct kfile *tcp6, uint32_t states,
                         tcp_socket_fn fn, void *arg, struct err *err)
{
    enum status st = take_file(t, tcp, "proc/net/tcp", states, fn, arg, err);
    if (st)
        return st;
    st = take_file(t, tcp6, "proc/net/tcp6", states, fn, arg, err);
    return st == NOT_FOUND ? OK : st; /* a kernel without IPv6 */
}
