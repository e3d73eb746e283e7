/* Private to collect/: what of /proc is the reader's own and not the host's. In a container
 * proc/net is the container's, and so are the kernel parameters net.* and System V IPC, even where
 * the host's /proc is mounted: the kernel answers by who asks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct collect;

struct namespaces {
    bool elsewhere; /* the root is not "/": the host's name and file systems are below it */
    bool other_net; /* the host's network is another one than this process's */
    bool other_ipc; /* or may be: who may not look at process 1 cannot know */
};

/* Looks once, when root and live are known; logs what cannot be seen. */
void namespaces_look(struct collect *c);
/* Where the host's figures of this file are: path, or a path in out. NULL: only the host itself
 * can read them. */
const char *namespaces_path(const struct namespaces *n, const char *path, char *out, size_t size);
