#include "promql/lexer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *word;
    enum token_kind kind;
    int detail; /* operator or aggregate */
} keywords[] = {
    {"and", TOKEN_OPERATOR, OP_AND},
    {"or", TOKEN_OPERATOR, OP_OR},
    {"unless", TOKEN_OPERATOR, OP_UNLESS},
    {"atan2", TOKEN_OPERATOR, OP_ATAN2},
    {"sum", TOKEN_AGGREGATE, AGGREGATE_SUM},
    {"avg", TOKEN_AGGREGATE, AGGREGATE_AVG},
    {"count", TOKEN_AGGREGATE, AGGREGATE_COUNT},
    {"min", TOKEN_AGGREGATE, AGGREGATE_MIN},
    {"max", TOKEN_AGGREGATE, AGGREGATE_MAX},
    {"group", TOKEN_AGGREGATE, AGGREGATE_GROUP},
    {"stddev", TOKEN_AGGREGATE, AGGREGATE_STDDEV},
    {"stdvar", TOKEN_AGGREGATE, AGGREGATE_STDVAR},
    {"topk", TOKEN_AGGREGATE, AGGREGATE_TOPK},
    {"bottomk", TOKEN_AGGREGATE, AGGREGATE_BOTTOMK},
    {"count_values", TOKEN_AGGREGATE, AGGREGATE_COUNT_VALUES},
    {"quantile", TOKEN_AGGREGATE, AGGREGATE_QUANTILE},
    {"offset", TOKEN_OFFSET, 0},
    {"by", TOKEN_BY, 0},
    {"without", TOKEN_WITHOUT, 0},
    {"on", TOKEN_ON, 0},
    {"ignoring", TOKEN_IGNORING, 0},
    {"group_left", TOKEN_GROUP_LEFT, 0},
    {"group_right", TOKEN_GROUP_RIGHT, 0},
    {"bool", TOKEN_BOOL, 0},
    {"start", TOKEN_START, 0},
    {"end", TOKEN_STOP, 0},
    {"inf", TOKEN_NUMBER, 0},
    {"nan", TOKEN_NUMBER, 0},
};

/* What a duration may be written with behind Prometheus's feature flags. */
static const char *const duration_words[] = {"step", "range", "max_of", "min_of"};

static bool is_alpha(int c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(int c)
{
    return is_alpha(c) || is_digit(c);
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The byte ahead, or -1 at the end. */
static int peek_at(const struct lexer *l, size_t ahead)
{
    return l->pos + ahead < l->text.len ? (unsigned char)l->text.at[l->pos + ahead] : -1;
}

static int peek(const struct lexer *l)
{
    return peek_at(l, 0);
}

static bool accept(struct lexer *l, const char *set)
{
    int c = peek(l);
    if (c <= 0 || !strchr(set, c))
        return false;
    l->pos++;
    return true;
}

uint32_t rune_decode(struct span s, size_t *width)
{
    const unsigned char *b = (const unsigned char *)s.at;
    *width = 1;
    if (s.len == 0)
        return RUNE_INVALID;
    if (b[0] < 0x80)
        return b[0];
    size_t n = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
    if (b[0] < 0xC2 || b[0] > 0xF4 || s.len < n)
        return RUNE_INVALID;
    uint32_t rune = b[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((b[i] & 0xC0) != 0x80)
            return RUNE_INVALID;
        rune = rune << 6 | (b[i] & 0x3F);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (rune < least[n] || rune > 0x10FFFF || (rune >= 0xD800 && rune < 0xE000))
        return RUNE_INVALID;
    *width = n;
    return rune;
}

static void emit(struct lexer *l, struct token *out, enum token_kind kind)
{
    out->kind = kind;
    out->pos = (uint32_t)l->start;
    out->text = span_from(l->text.at + l->start, l->pos - l->start);
    l->start = l->pos;
}

static void PRINTF(3, 4) fault(struct lexer *l, struct token *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(l->fault, sizeof l->fault, format, args);
    va_end(args);
    out->kind = TOKEN_ERROR;
    out->pos = (uint32_t)l->start;
    out->text = span_from(l->fault, strlen(l->fault));
}

/* A fault that names the rune at the given place, quoted as Go quotes one. */
static void fault_rune(struct lexer *l, struct token *out, const char *before, size_t at,
                       const char *after)
{
    char rune[16];
    size_t width;
    struct span rest = {l->text.at + at, at < l->text.len ? l->text.len - at : 0};
    uint32_t r = rune_decode(rest, &width);
    if (rest.len == 0 || r == RUNE_INVALID)
        snprintf(rune, sizeof rune, "'\xEF\xBF\xBD'");
    else if (r == '\n' || r == '\r' || r == '\t')
        snprintf(rune, sizeof rune, "'\\%c'", r == '\n' ? 'n' : r == '\r' ? 'r' : 't');
    else if (r == '\'' || r == '\\')
        snprintf(rune, sizeof rune, "'\\%c'", (int)r);
    else if (r < ' ' || r == 0x7F)
        snprintf(rune, sizeof rune, "'\\x%02x'", r);
    else
        snprintf(rune, sizeof rune, "'%.*s'", (int)width, rest.at);
    fault(l, out, "%s%s%s", before, rune, after);
}

/* The shapes of numbers; what passes is not necessarily one. Mirrors Prometheus's rules, since
 * they decide which text an error shows. */
static bool scan_number(struct lexer *l)
{
    size_t begin = l->pos;
    bool hex = false;
    if (accept(l, "0") && accept(l, "xX")) {
        accept(l, "_");
        hex = true;
    }
    const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
    accept(l, ".");
    accept(l, digits);
    bool dot = false, exponent = false;
    for (;;) {
        int c = peek(l);
        if (c <= 0 || (!strchr(digits, c) && !strchr("._eE", c)))
            break;
        if (c == '.') {
            l->pos++;
            if (dot || accept(l, "_.") || hex)
                return false;
            dot = true;
        } else if (c == 'e' || c == 'E') {
            l->pos++;
            if (exponent)
                return false;
            exponent = true;
            accept(l, "+-");
            if (accept(l, "._eE") || peek(l) < 0)
                return false;
        } else if (c == '_') {
            l->pos++;
            if (accept(l, "._eE") || peek(l) < 0)
                return false;
        } else {
            l->pos++;
        }
    }
    return l->pos != begin && !is_word(peek(l));
}

static bool scan_duration_rest(struct lexer *l)
{
    if (!accept(l, "smhdwy"))
        return false;
    accept(l, "s");
    while (is_digit(peek(l))) {
        while (is_digit(peek(l)))
            l->pos++;
        if (!accept(l, "smhdw"))
            return false;
        accept(l, "s");
    }
    if (!is_word(peek(l)))
        return true;
    l->pos++;
    return false;
}

static void lex_number(struct lexer *l, struct token *out)
{
    if (scan_number(l))
        emit(l, out, TOKEN_NUMBER);
    else if (scan_duration_rest(l))
        emit(l, out, TOKEN_DURATION);
    else
        fault(l, out, "bad number or duration syntax: \"%.*s\"", (int)MIN(l->pos - l->start, 80u),
              l->text.at + l->start);
}

static int digit_value(uint32_t c)
{
    if (c >= '0' && c <= '9')
        return (int)c - '0';
    if (c >= 'a' && c <= 'f')
        return (int)c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return (int)c - 'A' + 10;
    return 16;
}

/* Behind a backslash. */
static bool lex_escape(struct lexer *l, struct token *out, char quote)
{
    int c = peek(l);
    if (c < 0) {
        fault(l, out, "escape sequence not terminated");
        return false;
    }
    int n, base;
    uint32_t most = 0x10FFFF;
    if (strchr("abfnrtv\\", c) || c == quote) {
        l->pos++;
        return true;
    } else if (c >= '0' && c <= '7') {
        n = 3, base = 8, most = 255;
    } else if (c == 'x' || c == 'u' || c == 'U') {
        n = c == 'x' ? 2 : c == 'u' ? 4 : 8, base = 16;
        if (c == 'x')
            most = 255;
        l->pos++;
    } else {
        size_t width;
        struct span rest = {l->text.at + l->pos, l->text.len - l->pos};
        uint32_t rune = rune_decode(rest, &width);
        fault(l, out, "unknown escape sequence U+%04X '%.*s'", rune, (int)width, rest.at);
        return false;
    }
    uint32_t x = 0;
    for (; n > 0; n--) {
        size_t width;
        struct span rest = {l->text.at + l->pos, l->text.len - l->pos};
        if (rest.len == 0) {
            fault(l, out, "escape sequence not terminated");
            return false;
        }
        uint32_t rune = rune_decode(rest, &width);
        int digit = digit_value(rune);
        if (digit >= base) {
            fault(l, out, "illegal character U+%04X '%.*s' in escape sequence", rune, (int)width,
                  rest.at);
            return false;
        }
        x = x * (uint32_t)base + (uint32_t)digit;
        l->pos++;
    }
    if (x > most || (x >= 0xD800 && x < 0xE000)) {
        fault(l, out, "escape sequence is an invalid Unicode code point");
        return false;
    }
    return true;
}

static void lex_string(struct lexer *l, struct token *out, char quote)
{
    l->pos++;
    for (;;) {
        struct span rest = {l->text.at + l->pos, l->text.len - l->pos};
        if (rest.len == 0 || (quote != '`' && rest.at[0] == '\n')) {
            fault(l, out, quote == '`' ? "unterminated raw string" : "unterminated quoted string");
            return;
        }
        size_t width;
        if (rune_decode(rest, &width) == RUNE_INVALID) {
            fault(l, out, "invalid UTF-8 rune");
            return;
        }
        l->pos += width;
        if (rest.at[0] == quote)
            break;
        if (rest.at[0] == '\\' && quote != '`' && !lex_escape(l, out, quote))
            return;
    }
    emit(l, out, TOKEN_STRING);
}

static void lex_word(struct lexer *l, struct token *out)
{
    bool colon = false;
    for (int c; c = peek(l), is_word(c) || c == ':'; l->pos++)
        colon |= c == ':';
    emit(l, out, colon ? TOKEN_METRIC : TOKEN_IDENTIFIER);
    for (size_t i = 0; i < COUNT(keywords); i++) {
        if (!span_eq_nocase(out->text, span_of(keywords[i].word)))
            continue;
        out->kind = keywords[i].kind;
        if (out->kind == TOKEN_OPERATOR)
            out->op = (enum operator_kind)keywords[i].detail;
        else if (out->kind == TOKEN_AGGREGATE)
            out->aggregate = (enum aggregate_kind)keywords[i].detail;
        return;
    }
}

static void emit_operator(struct lexer *l, struct token *out, enum operator_kind op, size_t n)
{
    l->pos += n;
    emit(l, out, TOKEN_OPERATOR);
    out->op = op;
}

static bool lex_arithmetic(struct lexer *l, struct token *out)
{
    static const char signs[] = "+-*/%^";
    static const enum operator_kind ops[] = {OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD, OP_POW};
    int c = peek(l);
    const char *at = c > 0 ? strchr(signs, c) : NULL;
    if (!at)
        return false;
    emit_operator(l, out, ops[at - signs], 1);
    return true;
}

static void lex_one(struct lexer *l, struct token *out, enum token_kind kind)
{
    l->pos++;
    emit(l, out, kind);
}

static void lex_paren(struct lexer *l, struct token *out)
{
    bool left = peek(l) == '(';
    lex_one(l, out, left ? TOKEN_LEFT_PAREN : TOKEN_RIGHT_PAREN);
    l->parens += left ? 1 : -1;
    if (l->parens < 0)
        fault(l, out, "unexpected right parenthesis ')'");
}

static void lex_in_braces(struct lexer *l, struct token *out)
{
    int c = peek(l);
    if (c < 0) {
        fault(l, out, "unexpected end of input inside braces");
    } else if (is_alpha(c)) {
        while (is_word(peek(l)))
            l->pos++;
        emit(l, out, TOKEN_IDENTIFIER);
    } else if (c == ',') {
        lex_one(l, out, TOKEN_COMMA);
    } else if (c == '"' || c == '\'' || c == '`') {
        lex_string(l, out, (char)c);
    } else if (c == '=') {
        if (peek_at(l, 1) == '~') {
            l->pos++;
            lex_one(l, out, TOKEN_REGEX);
        } else {
            lex_one(l, out, TOKEN_ASSIGN);
        }
    } else if (c == '!') {
        if (peek_at(l, 1) == '~') {
            l->pos++;
            lex_one(l, out, TOKEN_NOT_REGEX);
        } else if (peek_at(l, 1) == '=') {
            emit_operator(l, out, OP_NOT_EQUAL, 2);
        } else {
            fault_rune(l, out, "unexpected character after '!' inside braces: ", l->pos + 1, "");
        }
    } else if (c == '{') {
        l->pos++;
        fault(l, out, "unexpected left brace '{'");
    } else if (c == '}') {
        l->in_braces = false;
        lex_one(l, out, TOKEN_RIGHT_BRACE);
    } else {
        fault_rune(l, out, "unexpected character inside braces: ", l->pos, "");
    }
}

static void lex_in_brackets(struct lexer *l, struct token *out)
{
    bool after_number = l->duration;
    int c = peek(l);
    if (c < 0) {
        fault(l, out, "%s",
              !after_number   ? "unexpected end of input in duration expression"
              : l->parens > 0 ? "unclosed left parenthesis"
                              : "unclosed left bracket");
    } else if (c == ']') {
        l->in_brackets = false;
        lex_one(l, out, TOKEN_RIGHT_BRACKET);
    } else if (c == ':') {
        if (!after_number)
            fault(l, out, "unexpected colon before duration in duration expression");
        else if (l->colon)
            fault(l, out, "unexpected colon ':'");
        else
            lex_one(l, out, TOKEN_COLON);
        l->colon = true;
        l->duration = false;
    } else if (c == '(' || c == ')') {
        lex_paren(l, out);
    } else if (c == ',') {
        lex_one(l, out, TOKEN_COMMA);
    } else if (is_digit(c) || (c == '.' && is_digit(peek_at(l, 1)))) {
        l->duration = true;
        lex_number(l, out);
    } else if (is_alpha(c)) {
        size_t begin = l->pos;
        while (is_word(peek(l)))
            l->pos++;
        emit(l, out, TOKEN_EXPERIMENTAL);
        for (size_t i = 0; i < COUNT(duration_words); i++)
            if (span_eq_nocase(out->text, span_of(duration_words[i])))
                return;
        l->start = begin;
        if (after_number)
            fault_rune(l, out, "unexpected character: ", begin, ", expected ':'");
        else
            fault_rune(l, out, "unexpected character in duration expression: ", begin, "");
    } else if (!lex_arithmetic(l, out)) {
        fault_rune(l, out, "unexpected character in duration expression: ", l->pos, "");
    }
}

static void lex_comparison(struct lexer *l, struct token *out, int c)
{
    int next = peek_at(l, 1);
    if (c == '=' && next == '=') {
        emit_operator(l, out, OP_EQUAL, 2);
    } else if (c == '=' && next == '~') {
        fault(l, out, "unexpected character after '=': '~'");
    } else if (c == '=') {
        lex_one(l, out, TOKEN_ASSIGN);
    } else if (c == '!' && next == '=') {
        emit_operator(l, out, OP_NOT_EQUAL, 2);
    } else if (c == '!') {
        fault_rune(l, out, "unexpected character after '!': ", l->pos + 1, "");
    } else if (next == '/') { /* trims native histograms */
        l->pos++;
        lex_one(l, out, TOKEN_EXPERIMENTAL);
    } else if (c == '<') {
        emit_operator(l, out, next == '=' ? OP_LESS_EQUAL : OP_LESS, next == '=' ? 2 : 1);
    } else {
        emit_operator(l, out, next == '=' ? OP_GREATER_EQUAL : OP_GREATER, next == '=' ? 2 : 1);
    }
}

static void lex_statement(struct lexer *l, struct token *out)
{
    int c = peek(l);
    if (c < 0) {
        if (l->parens != 0)
            fault(l, out, "unclosed left parenthesis");
        else
            emit(l, out, TOKEN_END);
    } else if (c == ',') {
        lex_one(l, out, TOKEN_COMMA);
    } else if (c == '=' || c == '!' || c == '<' || c == '>') {
        lex_comparison(l, out, c);
    } else if (is_digit(c) || (c == '.' && is_digit(peek_at(l, 1)))) {
        lex_number(l, out);
    } else if (c == '"' || c == '\'' || c == '`') {
        lex_string(l, out, (char)c);
    } else if (is_alpha(c) || c == ':') {
        lex_word(l, out);
    } else if (c == '(' || c == ')') {
        lex_paren(l, out);
    } else if (c == '{') {
        l->in_braces = true;
        lex_one(l, out, TOKEN_LEFT_BRACE);
    } else if (c == '[') {
        l->in_brackets = true;
        l->colon = l->duration = false;
        lex_one(l, out, TOKEN_LEFT_BRACKET);
    } else if (c == '@') {
        lex_one(l, out, TOKEN_AT);
    } else if (!lex_arithmetic(l, out)) {
        if (c == ']')
            fault(l, out, "unexpected right bracket ']'");
        else
            fault_rune(l, out, "unexpected character: ", l->pos, "");
    }
}

void lex_next(struct lexer *l, struct token *out)
{
    for (int c; c = peek(l), is_space(c) || c == '#';) {
        if (c == '#')
            while (peek(l) >= 0 && peek(l) != '\n' && peek(l) != '\r')
                l->pos++;
        else
            l->pos++;
    }
    l->start = l->pos;
    if (l->in_braces)
        lex_in_braces(l, out);
    else if (l->in_brackets)
        lex_in_brackets(l, out);
    else
        lex_statement(l, out);
}

void token_describe(struct buf *out, const struct token *t)
{
    static const char *const marks[] = {
        [TOKEN_LEFT_PAREN] = "\"(\"",      [TOKEN_RIGHT_PAREN] = "\")\"",
        [TOKEN_LEFT_BRACE] = "\"{\"",      [TOKEN_RIGHT_BRACE] = "\"}\"",
        [TOKEN_LEFT_BRACKET] = "\"[\"",    [TOKEN_RIGHT_BRACKET] = "\"]\"",
        [TOKEN_COMMA] = "\",\"",           [TOKEN_COLON] = "\":\"",
        [TOKEN_ASSIGN] = "\"=\"",          [TOKEN_REGEX] = "<op:=~>",
        [TOKEN_NOT_REGEX] = "<op:!~>",     [TOKEN_AT] = "<op:@>",
        [TOKEN_IDENTIFIER] = "identifier", [TOKEN_METRIC] = "metric identifier",
        [TOKEN_NUMBER] = "number",         [TOKEN_DURATION] = "duration",
        [TOKEN_STRING] = "string",         [TOKEN_END] = "end of input",
        [TOKEN_OPERATOR] = "op",           [TOKEN_AGGREGATE] = "aggr",
    };
    switch (t->kind) {
    case TOKEN_OPERATOR:
    case TOKEN_AGGREGATE:
        buf_printf(out, "<%s:%.*s>", marks[t->kind], SPAN_ARG(t->text));
        return;
    case TOKEN_IDENTIFIER:
    case TOKEN_METRIC:
    case TOKEN_NUMBER:
    case TOKEN_DURATION:
    case TOKEN_STRING:
        buf_printf(out, "%s ", marks[t->kind]);
        bool cut = t->text.len > 10 && t->kind > TOKEN_METRIC;
        label_value_print(out, (struct span){t->text.at, cut ? 10 : t->text.len});
        buf_str(out, cut ? "..." : "");
        return;
    case TOKEN_BOOL:
    case TOKEN_BY:
    case TOKEN_WITHOUT:
    case TOKEN_ON:
    case TOKEN_IGNORING:
    case TOKEN_GROUP_LEFT:
    case TOKEN_GROUP_RIGHT:
    case TOKEN_OFFSET:
        buf_printf(out, "<%.*s>", SPAN_ARG(t->text));
        return;
    case TOKEN_START:
    case TOKEN_STOP:
        label_value_print(out, t->text);
        return;
    default:
        buf_str(out, marks[t->kind]);
        return;
    }
}
