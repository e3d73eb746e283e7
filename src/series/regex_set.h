/* Expressions that are a finite set of texts, or of texts with gaps (.* and .+) in them:
 * matched by comparing. Private to series/. */
#pragma once

#include "series/regex_syntax.h"

enum { REGEX_SET_MAX = 4096, REGEX_SET_MAX_BYTES = 64 << 10, REGEX_GLOBS_MAX = 64 };

struct regex_set {
    struct span *at; /* sorted, each once; n == 0: the expression is no such set */
    size_t n;
    bool globs; /* texts have gaps: bytes that UTF-8 never has */
};

/* Texts are copied to the arena. */
void regex_set_of(const struct regex_node *node, struct arena *arena, struct regex_set *out);
bool regex_set_match(const struct regex_set *set, struct span text);
/* What all texts begin with. */
struct span regex_set_prefix(const struct regex_set *set);
