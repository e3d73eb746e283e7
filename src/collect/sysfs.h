/* Private to collect/: directories of /sys that hold a thing in each entry. */
#pragma once

#include "collect/tick.h"

enum { SYSFS_ENTRIES_MAX = 1024, SYSFS_PATH_MAX = 320 };

/* Calls put with what follows prefix in the name of each entry that begins with it, in order of
 * the names, at most SYSFS_ENTRIES_MAX. */
void sysfs_each(struct tick *t, const char *directory, const char *prefix,
                void (*put)(struct tick *t, const char *path, const char *rest));
/* The text of path/file, trimmed; valid until the next read. False when there is none. */
bool sysfs_read(struct tick *t, const char *path, const char *file, struct span *out);
