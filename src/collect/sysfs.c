/* See sysfs.h. */
#include "collect/sysfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

void sysfs_each(struct tick *t, const char *directory, const char *prefix,
                void (*put)(struct tick *t, const char *path, const char *number))
{
    struct dirent **entries;
    size_t len = strlen(prefix);
    int n = scandirat(t->c->root_fd, directory, &entries, not_hidden, by_name);
    for (int i = 0; i < n; i++) {
        char path[SYSFS_PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        if (i < SYSFS_ENTRIES_MAX && strncmp(entries[i]->d_name, prefix, len) == 0)
            put(t, path, entries[i]->d_name + len);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

bool sysfs_read(struct tick *t, const char *path, const char *file, struct span *out)
{
    char whole[2 * SYSFS_PATH_MAX];
    snprintf(whole, sizeof whole, "%s/%s", path, file);
    if (tick_read_once(t, whole, out, NULL))
        return false;
    *out = span_trim(*out);
    return out->len > 0;
}
