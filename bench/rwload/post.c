#include "post.h"

#include "util.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct target target = {.host = "127.0.0.1", .port = "80", .path = "/", .retries = 3};

void post_to(char *url)
{
    if (strncmp(url, "http://", 7))
        die("only http:// is spoken: %s", url);
    target.host = url + 7;
    char *slash = strchr(url + 7, '/');
    if (slash) {
        target.path = need(strdup(slash));
        *slash = 0;
    }
    char *colon = strrchr(url + 7, ':');
    if (colon) {
        *colon = 0;
        target.port = colon + 1;
    }
}

static void say(struct poster *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->last_error, sizeof c->last_error, format, args);
    va_end(args);
}

static bool connect_to(struct poster *c)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    if (getaddrinfo(target.host, target.port, &hints, &list)) {
        say(c, "no address for %s", target.host);
        return false;
    }
    c->fd = -1;
    for (struct addrinfo *a = list; a; a = a->ai_next) {
        c->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (c->fd >= 0 && !connect(c->fd, a->ai_addr, a->ai_addrlen))
            break;
        say(c, "connect: %s", strerror(errno));
        if (c->fd >= 0)
            close(c->fd);
        c->fd = -1;
    }
    freeaddrinfo(list);
    if (c->fd >= 0)
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    c->have = 0;
    return c->fd >= 0;
}

static bool send_all(struct poster *c, const char *p, size_t n)
{
    while (n) {
        ssize_t w = send(c->fd, p, n, MSG_NOSIGNAL);
        if (w <= 0) {
            if (w < 0 && errno == EINTR)
                continue;
            return false;
        }
        p += w;
        n -= (size_t)w;
    }
    return true;
}

static bool fill(struct poster *c)
{
    if (c->have == sizeof c->in - 1)
        return false;
    ssize_t n = recv(c->fd, c->in + c->have, sizeof c->in - 1 - c->have, 0);
    if (n <= 0)
        return false;
    c->have += (size_t)n;
    c->in[c->have] = 0;
    return true;
}

static const char *find_header(const char *head, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = strstr(head, "\r\n"); p; p = strstr(p + 2, "\r\n"))
        if (!strncasecmp(p + 2, name, n) && p[2 + n] == ':')
            return p + 3 + n + strspn(p + 3 + n, " ");
    return NULL;
}

/* the status, or -1 when the connection broke */
static int answer(struct poster *c)
{
    char *end;
    c->in[c->have] = 0;
    while (!(end = strstr(c->in, "\r\n\r\n")))
        if (!fill(c))
            return -1;
    *end = 0;
    int status = 0;
    if (sscanf(c->in, "HTTP/1.%*d %d", &status) != 1)
        return -1;
    const char *length = find_header(c->in, "Content-Length"),
               *how = find_header(c->in, "Connection");
    bool chunked = find_header(c->in, "Transfer-Encoding") != NULL;
    bool closing = how && !strncasecmp(how, "close", 5);
    size_t head = (size_t)(end - c->in) + 4, body = length ? strtoul(length, NULL, 10) : 0;
    if (status == 204)
        body = 0;
    if (chunked) { /* answers are short: wait for the last chunk */
        char *last;
        while (!(last = strstr(c->in + head, "0\r\n\r\n")))
            if (!fill(c))
                return -1;
        body = (size_t)(last + 5 - (c->in + head));
    }
    while (c->have < head + body)
        if (!fill(c))
            return -1;
    if (status / 100 != 2)
        say(c, "HTTP %d %.*s", status, (int)(body > 200 ? 200 : body), c->in + head);
    memmove(c->in, c->in + head + body, c->have - head - body);
    c->have -= head + body;
    if (closing) {
        close(c->fd);
        c->fd = -1;
    }
    return status;
}

bool post_message(struct poster *c, const char *body, size_t len)
{
    for (int attempt = 0; attempt <= target.retries; attempt++) {
        if (attempt)
            usleep(200000);
        if (c->fd < 0 && !connect_to(c))
            continue;
        c->head.len = 0;
        buffer_reserve(&c->head, 4096 + len);
        c->head.len = (size_t)snprintf(
            c->head.data, 512,
            "POST %s HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/x-protobuf\r\n"
            "Content-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n"
            "User-Agent: rwload\r\nContent-Length: %zu\r\n",
            target.path, target.host, target.port, len);
        for (int i = 0; i < target.headers_n; i++) {
            buffer_put(&c->head, target.headers[i], strlen(target.headers[i]));
            buffer_put(&c->head, "\r\n", 2);
        }
        buffer_put(&c->head, "\r\n", 2);
        buffer_put(&c->head, body, len);
        if (!send_all(c, c->head.data, c->head.len)) {
            say(c, "send: %s", strerror(errno));
            close(c->fd);
            c->fd = -1;
            continue;
        }
        int status = answer(c);
        if (status / 100 == 2)
            return true;
        if (status < 0) {
            say(c, "connection closed");
            close(c->fd);
            c->fd = -1;
        } else if (status / 100 != 5 && status != 429) {
            return false;
        }
    }
    return false;
}

void post_end(struct poster *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    free(c->head.data);
    c->head = (struct buffer){0};
}
