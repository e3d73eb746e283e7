/* Text into tokens, as Prometheus cuts it: what a character means depends on whether braces or
 * brackets are open. */
#pragma once

#include "promql/ast.h"

enum token_kind {
    TOKEN_END,
    TOKEN_ERROR, /* the lexer's fault holds the sentence */
    TOKEN_IDENTIFIER,
    TOKEN_METRIC, /* an identifier with a colon inside */
    TOKEN_NUMBER,
    TOKEN_DURATION,
    TOKEN_STRING, /* quotes included */
    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
    TOKEN_LEFT_BRACE,
    TOKEN_RIGHT_BRACE,
    TOKEN_LEFT_BRACKET,
    TOKEN_RIGHT_BRACKET,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_ASSIGN, /* = */
    TOKEN_REGEX,  /* =~ */
    TOKEN_NOT_REGEX,
    TOKEN_AT,
    TOKEN_OPERATOR,  /* token.op */
    TOKEN_AGGREGATE, /* token.aggregate */
    TOKEN_BOOL,
    TOKEN_BY,
    TOKEN_WITHOUT,
    TOKEN_ON,
    TOKEN_IGNORING,
    TOKEN_GROUP_LEFT,
    TOKEN_GROUP_RIGHT,
    TOKEN_OFFSET,
    TOKEN_START,
    TOKEN_STOP,         /* "end" */
    TOKEN_EXPERIMENTAL, /* a word that needs a feature flag in Prometheus */
};

struct token {
    enum token_kind kind;
    union {
        enum operator_kind op;
        enum aggregate_kind aggregate;
    };
    uint32_t pos;
    struct span text;
};

struct lexer {
    struct span text;
    size_t start, pos; /* of the token being read; next byte */
    int parens;
    bool in_braces, in_brackets, colon, duration;
    char fault[160];
};

/* Never reads on after TOKEN_END or TOKEN_ERROR. */
void lex_next(struct lexer *l, struct token *out);
/* "identifier \"foo\"", "<op:+>", "end of input": what errors call it. */
void token_describe(struct buf *out, const struct token *t);

/* Literals. */

/* False with *why (lives in arena) when it is none. */
bool number_parse(struct span text, double *out, struct arena *arena, const char **why);
/* The fewest digits that read back the same, never with an exponent. */
void number_print(struct buf *out, double v);
bool promql_duration_parse(struct span text, int64_t *out_ms, struct arena *arena,
                           const char **why);
void promql_duration_print(struct buf *out, int64_t ms);
/* A quoted string that the lexer passed; the text lives in the arena or the input. */
struct span string_unquote(struct span quoted, struct arena *arena);
/* The rune at s.at and its width in bytes; U+FFFD and 1 for bytes that are no UTF-8. */
uint32_t rune_decode(struct span s, size_t *width);
enum { RUNE_INVALID = 0xFFFD };
