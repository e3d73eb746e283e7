/* See namespaces.h. */
#include "collect/namespaces.h"

#include "base/file.h"
#include "base/log.h"
#include "collect/tick.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINK_MAX_BYTES = 64 };

/* The files of proc/PID/net are made anew for each network namespace, so their inode tells it, to
 * anybody; ns/net tells it to root alone. */
static bool net_differs(const struct collect *c)
{
    struct stat host, own;
    return fstatat(c->root_fd, "proc/1/net/dev", &host, 0) == 0 &&
           fstatat(c->root_fd, "proc/self/net/dev", &own, 0) == 0 && host.st_ino != own.st_ino;
}

static bool ipc_differs(const struct collect *c)
{
    char host[LINK_MAX_BYTES], own[LINK_MAX_BYTES];
    ssize_t n = readlinkat(c->root_fd, "proc/1/ns/ipc", host, sizeof host);
    ssize_t m = readlinkat(c->root_fd, "proc/self/ns/ipc", own, sizeof own);
    if (n <= 0 || m <= 0)
        return c->namespaces.elsewhere;
    return n != m || memcmp(host, own, (size_t)n) != 0;
}

/* The number of the first mount, which is another one in each mount namespace; 0: not to be seen.
 */
static unsigned long first_mount(const struct collect *c, const char *path)
{
    char text[32] = "";
    auto_fd fd = openat(c->root_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
        return 0;
    return strtoul(text, NULL, 10);
}

/* A container has mounts of its own. A program that was started in a namespace of the network or of
 * IPC alone (unshare, ip netns exec) is there to look at just that. */
static bool in_container(const struct collect *c)
{
    unsigned long host = first_mount(c, "proc/1/mountinfo"),
                  own = first_mount(c, "proc/self/mountinfo");
    return c->namespaces.elsewhere || (host && own && host != own);
}

void namespaces_look(struct collect *c)
{
    struct namespaces *n = &c->namespaces;
    if (!c->live)
        return;
    n->elsewhere = strcmp(c->root, "/") != 0;
    bool container = in_container(c);
    n->other_net = container && net_differs(c);
    n->other_ipc = container && ipc_differs(c);
    if (n->other_net)
        log_info("this process has a network of its own: the host's is read from proc/1/net; its "
                 "parameters net.* and UDP sockets cannot be seen from here");
    if (n->other_ipc)
        log_info("System V IPC of the host cannot be seen from here, and is left out");
}

static bool is_net_parameter(struct span path)
{
    return span_starts(path, SPAN("proc/sys/net/"));
}

static bool is_ipc(struct span path)
{
    static const struct span starts[] = {
        SPAN("proc/sysvipc/"),       SPAN("proc/sys/fs/mqueue/"), SPAN("proc/sys/kernel/msg"),
        SPAN("proc/sys/kernel/sem"), SPAN("proc/sys/kernel/shm"),
    };
    for (size_t i = 0; i < COUNT(starts); i++)
        if (span_starts(path, starts[i]))
            return true;
    return false;
}

const char *namespaces_path(const struct namespaces *n, const char *path, char *out, size_t size)
{
    static const char net[] = "proc/net/";
    struct span whole = span_of(path);
    if ((n->other_net && is_net_parameter(whole)) || (n->other_ipc && is_ipc(whole)))
        return NULL;
    if (!n->other_net || !span_starts(whole, SPAN("proc/net/")))
        return path;
    snprintf(out, size, "proc/1/net/%s", path + sizeof net - 1);
    return out;
}
