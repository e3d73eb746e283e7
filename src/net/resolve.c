#include "net/resolve.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/thread.h"

#include <event2/event.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Shared by the loop and the thread; the last of the two frees it, so that neither waits for
 * the other, not even when the program ends. */
struct resolve {
    atomic_int users;
    int done_fd;
    int failed; /* of getaddrinfo; written before done_fd is */
    struct addrinfo *found;
    struct event *done;
    resolve_fn fn;
    void *arg;
    char host[HOST_NAME_BYTES], port[8];
};

static void drop(struct resolve *r)
{
    if (atomic_fetch_sub(&r->users, 1) > 1)
        return;
    if (r->found)
        freeaddrinfo(r->found);
    fd_close(&r->done_fd);
    free(r);
}

static void *look_up(void *arg)
{
    struct resolve *r = arg;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    r->failed = getaddrinfo(r->host, r->port, &hints, &r->found);
    uint64_t one = 1;
    ssize_t ignored UNUSED = write(r->done_fd, &one, sizeof one);
    drop(r);
    return NULL;
}

static void looked_up(evutil_socket_t fd, short what UNUSED, void *arg)
{
    struct resolve *r = arg;
    uint64_t count;
    ssize_t ignored UNUSED = read(fd, &count, sizeof count);
    struct addrinfo *found = r->found;
    r->found = NULL;
    resolve_fn fn = r->fn;
    void *fn_arg = r->arg;
    const char *failure = r->failed ? gai_strerror(r->failed) : NULL;
    resolve_cancel(r);
    fn(found, failure, fn_arg);
}

/* An address needs no thread: getaddrinfo answers at once. */
static bool is_address(const char *host)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found = NULL;
    bool yes = getaddrinfo(host, NULL, &hints, &found) == 0;
    if (yes)
        freeaddrinfo(found);
    return yes;
}

struct resolve *resolve_start(struct loop *loop, const char *host, uint16_t port, resolve_fn fn,
                              void *arg)
{
    struct resolve *r = mem_zero(1, sizeof *r);
    r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r->fn = fn;
    r->arg = arg;
    atomic_store(&r->users, 2);
    snprintf(r->host, sizeof r->host, "%s", host);
    snprintf(r->port, sizeof r->port, "%u", port);
    r->done = event_new(loop_base(loop), r->done_fd, EV_READ, looked_up, r);
    event_add(r->done, NULL);
    if (is_address(host) || !thread_detached(0, look_up, r))
        look_up(r); /* without threads a slow answer is better than none */
    return r;       /* NOLINT(clang-analyzer-unix.Malloc): the loop still uses it */
}

void resolve_cancel(struct resolve *r)
{
    if (!r)
        return;
    event_free(r->done);
    drop(r);
}
