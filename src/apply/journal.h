/* The journal of what was changed: a JSON list in APPLY_JOURNAL, rewritten as a whole. Private to
 * apply/. */
#pragma once

#include "apply/apply.h"

#include <jansson.h>

struct journal {
    int root_fd;
    int lock_fd;
    char *path;  /* of the journal, with the root */
    json_t *all; /* array of objects: parameter, from, to, line_before, at_ms, confirm_by_ms */
};

/* Opens, locks and reads; a missing one is empty. CORRUPT names the file. */
MUST_USE enum status journal_open(const char *root, struct journal *j, struct err *err);
void journal_close(struct journal *j);
MUST_USE enum status journal_save(const struct journal *j, struct err *err);
/* The last entry of the parameter; NULL when it has none. */
json_t *journal_find(const struct journal *j, struct span parameter);
