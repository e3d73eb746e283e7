#include "folder.h"

#include "unit.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

char *folder_make(void)
{
    char name[] = "/tmp/galen-agent-XXXXXX";
    assert_non_null(mkdtemp(name));
    return mem_dup(name);
}

static int remove_one(const char *path, const struct stat *st UNUSED, int kind UNUSED,
                      struct FTW *at UNUSED)
{
    return remove(path);
}

void folder_remove(char *folder)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

char *folder_path(struct arena *a, const char *folder, const char *name)
{
    return arena_printf(a, "%s/%s", folder, name);
}

size_t folder_list(const char *folder, const char *end, struct arena *a, char **names, size_t max)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    size_t found = 0;
    for (int i = 0; i < n; i++) {
        if (found < max && span_ends(span_of(entries[i]->d_name), span_of(end)))
            names[found++] = arena_dup(a, entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return found;
}
