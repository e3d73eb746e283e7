/* Reads RE2's syntax into a tree. */
#include "series/regex_syntax.h"

#include "series/labels.h"

#include <limits.h>
#include <stdio.h>

enum status regex_refuse(struct span pattern, const char *why, struct err *err)
{
    enum { SHOWN_MAX_BYTES = 80 };
    struct span shown = span_from(pattern.at, MIN(pattern.len, (size_t)SHOWN_MAX_BYTES));
    auto_buf quoted = {0};
    label_value_print(&quoted, shown);
    return err_set(err, INVALID, "regular expression %s%s: %s", buf_text(&quoted),
                   shown.len < pattern.len ? "..." : "", why);
}

void regex_fault(struct regex_parser *p, size_t at, const char *format, ...)
{
    if (p->failed)
        return;
    p->failed = true;
    char what[256];
    int n = snprintf(what, sizeof what, "at %zu: ", at + 1);
    va_list args;
    va_start(args, format);
    vsnprintf(what + n, sizeof what - (size_t)n, format, args);
    va_end(args);
    regex_refuse(p->all, what, p->err);
}

struct regex_node *regex_node_new(struct regex_parser *p, enum regex_kind kind)
{
    struct regex_node *node = ARENA_NEW(p->arena, struct regex_node);
    node->kind = kind;
    node->weight = 1;
    return node;
}

bool regex_looking_at(const struct regex_parser *p, const char *text)
{
    return span_starts(span_from(p->all.at + p->at, p->all.len - p->at), span_of(text));
}

static bool eat(struct regex_parser *p, const char *text)
{
    bool here = regex_looking_at(p, text);
    p->at += here ? strlen(text) : 0;
    return here;
}

static bool at_end(const struct regex_parser *p)
{
    return p->at == p->all.len;
}

uint32_t regex_rune(struct regex_parser *p)
{
    const unsigned char *s = (const unsigned char *)p->all.at + p->at;
    unsigned len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t rune = len == 1 ? s[0] : s[0] & (0x7fu >> len);
    for (unsigned i = 1; i < len; i++)
        rune = rune << 6 | (s[i] & 0x3fu);
    p->at += len;
    return rune;
}

static int hex_digit(char c)
{
    uint64_t digit;
    return span_hex(span_from(&c, 1), &digit) ? (int)digit : -1;
}

static uint32_t hex_escape(struct regex_parser *p, size_t start)
{
    uint32_t rune = 0;
    bool braces = regex_looking_at(p, "{");
    size_t from = p->at += braces;
    while (!at_end(p) && hex_digit(p->all.at[p->at]) >= 0 && rune <= 0x10ffff &&
           (braces || p->at < from + 2))
        rune = rune << 4 | (uint32_t)hex_digit(p->all.at[p->at++]);
    bool whole = braces ? p->at > from && regex_looking_at(p, "}") : p->at == from + 2;
    if (!whole || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
        regex_fault(p, start,
                    "\\x needs two hexadecimal digits, or {} around a character's number");
    p->at += whole && braces;
    return rune;
}

static uint32_t octal_escape(struct regex_parser *p)
{
    uint32_t rune = 0;
    for (int i = 0; i < 3 && !at_end(p) && p->all.at[p->at] >= '0' && p->all.at[p->at] <= '7'; i++)
        rune = rune << 3 | (uint32_t)(p->all.at[p->at++] - '0');
    return rune;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

uint32_t regex_escaped_rune(struct regex_parser *p)
{
    size_t start = p->at - 1;
    if (at_end(p)) {
        regex_fault(p, start, "a backslash at the end");
        return 0;
    }
    char c = p->all.at[p->at];
    char after = p->at + 1 < p->all.len ? p->all.at[p->at + 1] : 0;
    bool octal = c == '0' || (c >= '1' && c <= '7' && after >= '0' && after <= '7');
    if (octal)
        return octal_escape(p);
    if (is_digit(c)) {
        regex_fault(p, start, "\\%c: backreferences are not part of RE2's syntax", c);
        return 0;
    }
    static const char letters[] = "aftnrv", stand_for[] = "\a\f\t\n\r\v";
    const char *known = memchr(letters, c, sizeof letters - 1);
    if (known || (!is_letter(c) && (unsigned char)c < 0x80)) {
        p->at++;
        return (unsigned char)(known ? stand_for[known - letters] : c);
    }
    if (c == 'x') {
        p->at++;
        return hex_escape(p, start);
    }
    if (is_letter(c))
        regex_fault(p, start, "\\%c is not part of RE2's syntax", c);
    else
        regex_fault(p, start, "a backslash before a character that needs none");
    return 0;
}

static struct regex_node *literal(struct regex_parser *p, uint32_t rune)
{
    struct regex_node *node = regex_node_new(p, REGEX_LITERAL);
    char *to = p->literals + p->literals_used;
    size_t len;
    if (rune < 0x80) {
        to[0] = (char)rune;
        len = 1;
    } else if (rune < 0x800) {
        to[0] = (char)(0xc0 | rune >> 6);
        len = 2;
    } else if (rune < 0x10000) {
        to[0] = (char)(0xe0 | rune >> 12);
        len = 3;
    } else {
        to[0] = (char)(0xf0 | rune >> 18);
        len = 4;
    }
    for (size_t i = 1; i < len; i++)
        to[i] = (char)(0x80 | (rune >> 6 * (len - 1 - i) & 0x3f));
    p->literals_used += len;
    node->text = span_from(to, len);
    node->fold = p->flags.fold && (rune >= 0x80 || is_letter((char)rune));
    return node;
}

static struct regex_node *assertion(struct regex_parser *p, const char *pcre)
{
    struct regex_node *node = regex_node_new(p, REGEX_ASSERT);
    node->text = span_of(pcre);
    return node;
}

/* p is behind the backslash. NULL for \Q, which makes characters of all up to \E. */
static struct regex_node *escape(struct regex_parser *p)
{
    static const struct {
        const char *re2, *pcre;
    } assertions[] = {{"A", "\\A"}, {"z", "\\z"}, {"b", "\\b"}, {"B", "\\B"}};
    for (size_t i = 0; i < COUNT(assertions); i++) {
        if (regex_looking_at(p, assertions[i].re2)) {
            p->at++;
            return assertion(p, assertions[i].pcre);
        }
    }
    if (eat(p, "Q")) {
        p->quoting = !eat(p, "\\E");
        return NULL;
    }
    struct regex_node *set = regex_class_escape(p);
    return set ? set : literal(p, regex_escaped_rune(p));
}

static struct regex_node *alternate(struct regex_parser *p);

/* Names what Perl has behind "(?" and RE2 has not. */
static void refuse_group(struct regex_parser *p, size_t start)
{
    static const struct {
        const char *text, *what;
    } refused[] = {
        {"=", "lookahead"},   {"!", "lookahead"},       {"<=", "lookbehind"},
        {"<!", "lookbehind"}, {">", "atomic groups"},   {"|", "branch reset groups"},
        {"#", "comments"},    {"P=", "backreferences"}, {"P>", "recursion"},
        {"R", "recursion"},   {"&", "recursion"},       {"(", "conditions"},
        {"C", "callouts"},
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        if (regex_looking_at(p, refused[i].text)) {
            regex_fault(p, start, "(?%s: %s are not part of RE2's syntax", refused[i].text,
                        refused[i].what);
            return;
        }
    }
    if (!at_end(p) && (is_digit(p->all.at[p->at]) || p->all.at[p->at] == '+'))
        regex_fault(p, start, "(?%c: recursion is not part of RE2's syntax", p->all.at[p->at]);
    else
        regex_fault(p, start, "(? needs one of i m s U -, a colon, or <name>");
}

/* name> */
static void group_name(struct regex_parser *p, unsigned index)
{
    size_t start = p->at;
    while (!at_end(p) &&
           (is_letter(p->all.at[p->at]) || is_digit(p->all.at[p->at]) || p->all.at[p->at] == '_'))
        p->at++;
    struct span name = span_from(p->all.at + start, p->at - start);
    if (!name.len || !regex_looking_at(p, ">")) {
        regex_fault(p, start, "a group's name is letters, digits and _, and ends with >");
        return;
    }
    p->at++;
    struct regex_tree *t = p->tree;
    for (size_t i = 0; i < t->n_names; i++)
        if (span_eq(t->names[i].name, name))
            regex_fault(p, start, "two groups are named %.*s", (int)MIN(name.len, 60u), name.at);
    t->names = arena_grow(p->arena, t->names, t->n_names * sizeof *t->names,
                          (t->n_names + 1) * sizeof *t->names);
    t->names[t->n_names++] = (struct regex_name){arena_span(p->arena, name), index};
}

/* i, -s, im-U before ':' or ')', also nothing before ':'. False when it is not that. */
static bool flags(struct regex_parser *p)
{
    static const char letters[] = "imsU";
    bool *const flag[] = {&p->flags.fold, &p->flags.multi_line, &p->flags.dot_all,
                          &p->flags.ungreedy};
    bool on = true, wanted = false; /* a letter must follow */
    size_t start = p->at;
    for (; !at_end(p); p->at++) {
        char c = p->all.at[p->at];
        const char *letter = memchr(letters, c, sizeof letters - 1);
        if (letter) {
            *flag[letter - letters] = on;
            wanted = false;
        } else if (c == '-' && on) {
            on = false;
            wanted = true;
        } else {
            return !wanted && (c == ':' || (c == ')' && p->at > start));
        }
    }
    return false;
}

static struct regex_node *group_body(struct regex_parser *p, size_t start)
{
    if (++p->depth > REGEX_DEPTH_MAX)
        regex_fault(p, start, "more than %d groups inside each other", REGEX_DEPTH_MAX);
    struct regex_node *inner = p->failed ? NULL : alternate(p);
    p->depth--;
    if (!p->failed && !eat(p, ")"))
        regex_fault(p, start, "the group is not closed; there should be a )");
    return inner;
}

/* p is behind '('. NULL for "(?i)", which only sets flags, and for a fault. */
static struct regex_node *group(struct regex_parser *p)
{
    size_t start = p->at - 1;
    struct regex_flags outer = p->flags;
    bool captured = true;
    unsigned index = p->tree->groups + 1;
    if (eat(p, "?")) {
        size_t behind = p->at;
        bool look_behind = regex_looking_at(p, "<=") || regex_looking_at(p, "<!");
        if (eat(p, "P<") || (!look_behind && eat(p, "<"))) {
            group_name(p, index);
        } else if (flags(p)) {
            captured = false;
            if (eat(p, ")"))
                return NULL;
            p->at++; /* the colon */
        } else {
            p->at = behind;
            refuse_group(p, start);
        }
    }
    p->tree->groups += captured;
    struct regex_node *inner = group_body(p, start);
    p->flags = outer;
    if (!captured || p->failed)
        return inner;
    struct regex_node *node = regex_node_new(p, REGEX_GROUP);
    node->items = arena_alloc(p->arena, sizeof(struct regex_node *));
    node->items[0] = inner;
    node->n = 1;
    node->weight = inner->weight;
    return node;
}

/* {2} {2,} {2,5}; false, and nothing read, when it is not one: then the brace is a character. */
static bool counts(struct regex_parser *p, unsigned *min, unsigned *max)
{
    size_t start = p->at;
    unsigned *const to[] = {min, max};
    *min = 0;
    *max = UINT_MAX;
    for (size_t i = 0; i < COUNT(to); i++) {
        size_t from = ++p->at; /* behind the brace or the comma */
        uint64_t n = 0;
        for (; !at_end(p) && is_digit(p->all.at[p->at]); p->at++)
            n = MIN(n * 10 + (uint64_t)(p->all.at[p->at] - '0'), (uint64_t)UINT_MAX - 1);
        if (p->at > from)
            *to[i] = (unsigned)n;
        else if (i == 0)
            break;
        if (eat(p, "}")) {
            if (i == 0)
                *max = *min;
            return true;
        }
        if (i == 1 || !regex_looking_at(p, ","))
            break;
    }
    p->at = start;
    return false;
}

/* Reads * + ? {n,m} with its lazy mark; false when there is none. */
static bool repetition(struct regex_parser *p, struct regex_node *out)
{
    if (at_end(p))
        return false;
    out->min = 0;
    out->max = UINT_MAX;
    switch (p->all.at[p->at]) {
    case '*':
        p->at++;
        break;
    case '+':
        out->min = 1;
        p->at++;
        break;
    case '?':
        out->max = 1;
        p->at++;
        break;
    case '{':
        if (!counts(p, &out->min, &out->max))
            return false;
        break;
    default:
        return false;
    }
    out->lazy = eat(p, "?") != p->flags.ungreedy;
    return true;
}

/* Applies the repetition that may follow. */
static struct regex_node *repeated(struct regex_parser *p, struct regex_node *inner)
{
    struct regex_node found = {.kind = REGEX_REPEAT, .weight = inner->weight, .n = 1};
    size_t start = p->at;
    if (!repetition(p, &found))
        return inner;
    bool counted = p->all.at[start] == '{';
    unsigned times = found.max == UINT_MAX ? found.min : found.max;
    if (counted && (found.min > found.max || times > REGEX_REPEAT_MAX))
        regex_fault(p, start, "a count must rise and not exceed %d", REGEX_REPEAT_MAX);
    else if (counted && times)
        found.weight *= times;
    if (!p->failed && found.weight > REGEX_REPEAT_MAX)
        regex_fault(p, start, "counts inside each other multiply to more than %d",
                    REGEX_REPEAT_MAX);
    size_t second = p->at;
    struct regex_node ignored;
    if (!p->failed && repetition(p, &ignored))
        regex_fault(p, second,
                    "a repetition of a repetition; possessive ones (a++) are not part "
                    "of RE2's syntax");
    struct regex_node *node = regex_node_new(p, REGEX_REPEAT);
    *node = found;
    node->items = arena_alloc(p->arena, sizeof(struct regex_node *));
    node->items[0] = inner;
    return node;
}

static struct regex_node *quoted(struct regex_parser *p)
{
    struct regex_node *node = literal(p, regex_rune(p));
    p->quoting = !eat(p, "\\E"); /* at once, so that a repetition can follow */
    return node;
}

/* One item without its repetition; NULL for what only changes how to read on, and a fault. */
static struct regex_node *item(struct regex_parser *p)
{
    if (p->quoting)
        return quoted(p);
    size_t start = p->at;
    struct regex_node none;
    if (repetition(p, &none)) {
        regex_fault(p, start, "nothing before the repetition");
        return NULL;
    }
    if (eat(p, "("))
        return group(p);
    if (eat(p, "["))
        return regex_class(p);
    if (eat(p, "\\"))
        return escape(p);
    if (eat(p, "^"))
        return assertion(p, p->flags.multi_line ? "(?m:^)" : "\\A");
    if (eat(p, "$"))
        return assertion(p, p->flags.multi_line ? "(?m:$)" : "\\z");
    if (eat(p, "."))
        return p->flags.dot_all ? regex_node_new(p, REGEX_ANY) : regex_not_newline(p);
    return literal(p, regex_rune(p));
}

static void add_item(struct regex_parser *p, struct regex_node *list, struct regex_node *item)
{
    struct regex_node *last = list->n ? list->items[list->n - 1] : NULL;
    list->weight = MAX(list->weight, item->weight);
    /* Letters next to each other become one literal: their texts touch. */
    if (list->kind == REGEX_CONCAT && last && last->kind == REGEX_LITERAL &&
        item->kind == REGEX_LITERAL && last->fold == item->fold) {
        last->text.len += item->text.len;
        return;
    }
    if ((list->n & (list->n - 1)) == 0) { /* at 0, 1, 2, 4, 8: room for twice as many */
        size_t size = sizeof(struct regex_node *);
        list->items =
            arena_grow(p->arena, list->items, list->n * size, MAX(list->n * 2, (size_t)1) * size);
    }
    list->items[list->n++] = item;
}

static struct regex_node *concat(struct regex_parser *p)
{
    struct regex_node *list = regex_node_new(p, REGEX_CONCAT);
    while (!p->failed && !at_end(p) &&
           (p->quoting || (!regex_looking_at(p, "|") && !regex_looking_at(p, ")")))) {
        struct regex_node *one = item(p);
        if (one && !p->failed && !p->quoting)
            one = repeated(p, one);
        if (one && !p->failed)
            add_item(p, list, one);
    }
    return list->n == 1 ? list->items[0] : list;
}

static struct regex_node *alternate(struct regex_parser *p)
{
    struct regex_node *list = regex_node_new(p, REGEX_ALTERNATE);
    do
        add_item(p, list, concat(p));
    while (!p->failed && eat(p, "|"));
    return list->n == 1 ? list->items[0] : list;
}

enum status regex_parse(struct span pattern, struct arena *arena, struct regex_tree *out,
                        struct err *err)
{
    *out = (struct regex_tree){0};
    struct regex_parser p = {.all = pattern,
                             .arena = arena,
                             .tree = out,
                             .literals = arena_alloc(arena, pattern.len),
                             .flags.dot_all = true, /* as Prometheus compiles them */
                             .err = err};
    if (!utf8_valid(pattern))
        return err_set(err, INVALID, "a regular expression is not UTF-8");
    out->root = alternate(&p);
    if (!p.failed && !at_end(&p))
        regex_fault(&p, p.at, "a ) without its (");
    return p.failed ? INVALID : OK;
}
