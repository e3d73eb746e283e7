/* A piece of text or bytes that somebody else owns. Not terminated, never freed here. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *at;
    size_t len;
};

/* "..." of a literal: SPAN("name"); usable in static tables. */
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})
/* For printf: "%.*s", SPAN_ARG(s). */
#define SPAN_ARG(s) (int)(s).len, (s).at

static inline struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

static inline struct span span_from(const void *at, size_t len)
{
    return (struct span){at, len};
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
    return span_eq(a, span_of(text));
}

/* Bytes in unsigned order, the shorter first when one is the start of the other. */
int span_compare(struct span a, struct span b);
/* Whether one of the n texts is that. */
static inline bool span_among(const struct span *texts, size_t n, struct span text)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq(texts[i], text))
            return true;
    return false;
}
bool span_eq_nocase(struct span a, struct span b); /* ASCII only */
bool span_starts(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);
/* Index of the first c, or s.len. */
size_t span_find(struct span s, char c);
/* Without blanks, tabs, CR and LF at both ends. */
struct span span_trim(struct span s);

/* Cuts the text up to the first sep (or all of it) from *rest. False when *rest was empty
 * before the call, so that a loop over "a,b," sees "a" and "b". */
bool span_next(struct span *rest, char sep, struct span *part);
/* The next line without its LF or CR LF. */
bool span_line(struct span *rest, struct span *line);
/* The next run of characters that are not blanks or tabs; false when there is none. */
bool span_word(struct span *rest, struct span *word);

/* The whole span must be the number, no blanks around it; *out is untouched on failure. */
bool span_u64(struct span s, uint64_t *out);
bool span_i64(struct span s, int64_t *out);
bool span_hex(struct span s, uint64_t *out);  /* digits only, no 0x */
bool span_double(struct span s, double *out); /* as strtod: also inf, nan, hex floats */

/* 64-bit hash of the bytes; the same in every process, so not for hostile keys alone. */
uint64_t span_hash(struct span s);
