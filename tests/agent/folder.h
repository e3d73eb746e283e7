/* A scratch directory for one test. */
#pragma once

#include "base/arena.h"

/* A new directory below /tmp; free and removed with everything in it by folder_remove. */
char *folder_make(void);
void folder_remove(char *folder);
/* folder/name in the arena. */
char *folder_path(struct arena *a, const char *folder, const char *name);
/* The names of its entries that end so, sorted; returns how many. */
size_t folder_list(const char *folder, const char *end, struct arena *a, char **names, size_t max);
