/* The syntax tree of a regular expression in RE2's syntax
 * (https://github.com/google/re2/wiki/Syntax, as Go and so Prometheus read it). What is not in the
 * tree cannot reach the engine: that is how constructs that RE2 does not have are kept out. Private
 * to series/. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { REGEX_DEPTH_MAX = 200, REGEX_REPEAT_MAX = 1000 };

enum regex_kind {
    REGEX_LITERAL,   /* text */
    REGEX_CLASS,     /* ranges, properties, negated */
    REGEX_ANY,       /* any character */
    REGEX_ASSERT,    /* text is the assertion as PCRE2 writes it */
    REGEX_CONCAT,    /* items; none: the empty expression */
    REGEX_ALTERNATE, /* items */
    REGEX_REPEAT,    /* items[0], min..max, lazy */
    REGEX_GROUP,     /* items[0], captured */
};

struct regex_range {
    uint32_t low, high;
};

struct regex_node {
    enum regex_kind kind;
    bool fold; /* without regard to case */
    bool lazy, negated;
    unsigned min, max; /* of a repeat; max UINT_MAX: no end */
    unsigned weight;   /* product of the counted repeats, one inside the other */
    struct span text;  /* of a class: its properties, "\p{Greek}", as PCRE2 writes them */
    struct regex_range *ranges;
    struct regex_node **items;
    size_t n; /* items, or ranges */
};

/* A named group. */
struct regex_name {
    struct span name;
    unsigned index;
};

struct regex_tree {
    struct regex_node *root;
    struct regex_name *names;
    size_t n_names;
    unsigned groups; /* captured ones */
};

/* Everything lives in the arena. INVALID: "regular expression "a(": at 2: ...". */
MUST_USE enum status regex_parse(struct span pattern, struct arena *arena, struct regex_tree *out,
                                 struct err *err);
/* INVALID with the pattern, cut when long, before why. */
enum status regex_refuse(struct span pattern, const char *why, struct err *err);
/* The same expression as PCRE2 writes it, without anchors. */
void regex_print_pcre(struct buf *out, const struct regex_node *node);

/* ---- between regex_parse.c and regex_class.c ---- */

struct regex_flags {
    bool fold, multi_line, dot_all, ungreedy; /* i m s U */
};

struct regex_parser {
    struct span all;
    size_t at; /* index of the next byte */
    struct arena *arena;
    struct regex_tree *tree;
    char *literals; /* as long as the pattern: no character grows by being unescaped */
    size_t literals_used;
    unsigned depth;
    struct regex_flags flags;
    bool quoting; /* between \Q and \E */
    bool failed;
    struct err *err;
};

/* Sets the error, unless there is one, and failed. */
void regex_fault(struct regex_parser *p, size_t at, const char *format, ...) PRINTF(3, 4);
struct regex_node *regex_node_new(struct regex_parser *p, enum regex_kind kind);
bool regex_looking_at(const struct regex_parser *p, const char *text);
/* Cuts the next character; the pattern is UTF-8. */
uint32_t regex_rune(struct regex_parser *p);
/* The rest of an escape that stands for one character; p is behind the backslash. */
uint32_t regex_escaped_rune(struct regex_parser *p);
/* p is behind '['. */
struct regex_node *regex_class(struct regex_parser *p);
/* What . is without the flag s. */
struct regex_node *regex_not_newline(struct regex_parser *p);
/* \d \pL and so on, p is behind the backslash; NULL and nothing read when it is none. */
struct regex_node *regex_class_escape(struct regex_parser *p);
