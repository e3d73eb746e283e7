/* Where the tests' files are. */
#pragma once

#include "unit.h"

#include "base/arena.h"

#include <stdio.h>
#include <unistd.h>

#define KERAS_DIR GALEN_SOURCE_DIR "/tests/advise/keras"

/* A file of the shared vectors; NULL, with a message, where they are absent. */
static inline const char *shared_path(struct arena *a, const char *name)
{
    const char *root = getenv("GALEN_SHARED");
    char *path = root ? arena_printf(a, "%s/%s", root, name)
                      : arena_printf(a, "%s/../shared/%s", GALEN_SOURCE_DIR, name);
    if (access(path, R_OK) == 0)
        return path;
    printf("skipped: %s is not here\n", path);
    return NULL;
}

/* For tests of model files; skips in a build without HDF5. */
static inline void need_hdf5(void)
{
    if (!HAS_HDF5)
        skip();
}
