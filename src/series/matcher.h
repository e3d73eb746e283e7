/* A condition on one label: = != =~ !~. Regular expressions are RE2's syntax, as Prometheus
 * reads it: fully anchored, . matches a newline too; what RE2 lacks (backreferences, lookaround,
 * possessive repetition, recursion) is refused by name. Matching takes bounded time: literals,
 * alternations of literals and pieces with .* between are compared; for the rest PCRE2 may
 * backtrack REGEX_MATCH_LIMIT steps, then all ways are followed at once. A missing label has
 * the value "". */
#pragma once

#include "series/labels.h"

enum matcher_kind { MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_REGEX, MATCH_NOT_REGEX };

enum { REGEX_MAX_BYTES = 16 << 10, REGEX_MATCH_LIMIT = 10000, REGEX_HEAP_LIMIT_KIB = 1024 };

struct regex; /* compiled, anchored; immutable, so threads may share it */

MUST_USE enum status regex_compile(struct span pattern, struct regex **out, struct err *err);
bool regex_match(const struct regex *r, struct span text);
/* Literals that the expression is an alternation of, if it is just that ("a|b|c", "abc");
 * n = 0 when it is not. */
const struct span *regex_literals(const struct regex *r, size_t *n);
/* What every match begins with; may be empty. */
struct span regex_prefix(const struct regex *r);
/* With groups, for label_replace: replaces $1, ${name} in the template by what text's full
 * match captured; false when text does not match. */
bool regex_replace(const struct regex *r, struct span text, struct span template, struct buf *out);
void regex_free(struct regex *r); /* NULL is fine */

struct matcher {
    enum matcher_kind kind;
    struct span name, value;
    struct regex *regex; /* for the two regex kinds; not owned by copies */
};

/* Name and value are kept, not copied; the regex is compiled and must be given back. */
MUST_USE enum status matcher_init(struct matcher *m, enum matcher_kind kind, struct span name,
                                  struct span value, struct err *err);
void matcher_free(struct matcher *m);
bool matcher_value_matches(const struct matcher *m, struct span value);
bool matchers_match(const struct matcher *m, size_t n, struct labels l);
void matcher_print(struct buf *out, const struct matcher *m);
