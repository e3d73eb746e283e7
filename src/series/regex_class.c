/* Character classes. All are resolved to ranges of characters, so that what \s, \v or [:word:]
 * mean is RE2's meaning and not the engine's; Unicode properties alone are left to it. */
#include "series/regex_syntax.h"

#define RUNE_MAX 0x10ffffu

struct ascii_set {
    const char *name, *ranges; /* pairs of first and last, ascending */
};

static const struct ascii_set perl_sets[] = {
    {"d", "09"},
    {"s", "\t\n\f\r  "},
    {"w", "09AZ__az"},
};

static const struct ascii_set posix_sets[] = {
    {"alnum", "09AZaz"},  {"alpha", "AZaz"},     {"ascii", NULL},     {"blank", "\t\t  "},
    {"cntrl", NULL},      {"digit", "09"},       {"graph", "!~"},     {"lower", "az"},
    {"print", " ~"},      {"punct", "!/:@[`{~"}, {"space", "\t\r  "}, {"upper", "AZ"},
    {"word", "09AZ__az"}, {"xdigit", "09AFaf"},
};

static void add_range(struct regex_parser *p, struct regex_node *class, uint32_t low, uint32_t high)
{
    size_t n = class->n, size = sizeof *class->ranges;
    if ((n & (n - 1)) == 0)
        class->ranges = arena_grow(p->arena, class->ranges, n * size, MAX(n * 2, (size_t)1) * size);
    class->ranges[class->n++] = (struct regex_range){low, high};
}

/* The ranges, or when negated the gaps between them. */
static void add_ranges(struct regex_parser *p, struct regex_node *class,
                       const struct regex_range *ranges, size_t n, bool negated)
{
    uint32_t from = 0;
    for (size_t i = 0; i < n; i++) {
        if (!negated)
            add_range(p, class, ranges[i].low, ranges[i].high);
        else if (ranges[i].low > from)
            add_range(p, class, from, ranges[i].low - 1);
        from = ranges[i].high + 1;
    }
    if (negated)
        add_range(p, class, from, RUNE_MAX);
}

static void add_set(struct regex_parser *p, struct regex_node *class, const struct ascii_set *set,
                    bool negated)
{
    if (!set->ranges) { /* the two that hold a NUL */
        static const struct regex_range ascii[] = {{0, 0x7f}},
                                        control[] = {{0, 0x1f}, {0x7f, 0x7f}};
        bool all = set->name[0] == 'a';
        add_ranges(p, class, all ? ascii : control, all ? 1 : 2, negated);
        return;
    }
    struct regex_range ranges[8];
    size_t n = strlen(set->ranges) / 2;
    for (size_t i = 0; i < n; i++)
        ranges[i] = (struct regex_range){(unsigned char)set->ranges[2 * i],
                                         (unsigned char)set->ranges[2 * i + 1]};
    add_ranges(p, class, ranges, n, negated);
}

/* L or {Greek} or {^Greek}, p is behind the p. Appends \p{...} to the class's text. */
static void add_property(struct regex_parser *p, struct regex_node *class, bool negated)
{
    size_t start = p->at;
    struct span rest = span_from(p->all.at + p->at, p->all.len - p->at);
    struct span name = span_from(rest.at, MIN(rest.len, (size_t)1));
    p->at += name.len;
    if (name.len && name.at[0] == '{') {
        size_t end = span_find(rest, '}');
        name = span_from(rest.at + 1, end - 1);
        p->at = start + MIN(end + 1, rest.len);
        if (end == rest.len)
            name.len = 0;
        if (name.len && name.at[0] == '^') {
            name = span_from(name.at + 1, name.len - 1);
            negated = !negated;
        }
    }
    bool good = name.len > 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        good &= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    }
    if (!good) {
        regex_fault(p, start, "\\p needs a letter or {Name} of a Unicode category or script");
        return;
    }
    class->text = span_of(arena_printf(p->arena, "%.*s\\%c{%.*s}", SPAN_ARG(class->text),
                                       negated ? 'P' : 'p', SPAN_ARG(name)));
}

/* Adds what \d \S \pL stands for; false, and nothing read, when it is none of these. */
static bool add_escape(struct regex_parser *p, struct regex_node *class)
{
    if (p->at == p->all.len)
        return false;
    char c = p->all.at[p->at];
    if (c == 'p' || c == 'P') {
        p->at++;
        add_property(p, class, c == 'P');
        return true;
    }
    for (size_t i = 0; i < COUNT(perl_sets); i++) {
        bool negated = c == perl_sets[i].name[0] - 'a' + 'A';
        if (negated || c == perl_sets[i].name[0]) {
            p->at++;
            add_set(p, class, &perl_sets[i], negated);
            return true;
        }
    }
    return false;
}

struct regex_node *regex_class_escape(struct regex_parser *p)
{
    struct regex_node *class = regex_node_new(p, REGEX_CLASS);
    class->fold = p->flags.fold;
    return add_escape(p, class) ? class : NULL;
}

struct regex_node *regex_not_newline(struct regex_parser *p)
{
    struct regex_node *class = regex_node_new(p, REGEX_CLASS);
    class->negated = true;
    add_range(p, class, '\n', '\n');
    return class;
}

/* [:alpha:] or [:^alpha:] inside a class. */
static bool add_posix(struct regex_parser *p, struct regex_node *class)
{
    if (!regex_looking_at(p, "[:"))
        return false;
    const char *name = p->all.at + p->at + 2;
    size_t left = p->all.len - p->at - 2;
    const char *end = memmem(name, left, ":]", 2);
    if (!end)
        return false;
    bool negated = name[0] == '^';
    struct span wanted = span_from(name + negated, (size_t)(end - name) - negated);
    for (size_t i = 0; i < COUNT(posix_sets); i++) {
        if (span_is(wanted, posix_sets[i].name)) {
            add_set(p, class, &posix_sets[i], negated);
            p->at += 2 + (size_t)(end - name) + 2;
            return true;
        }
    }
    regex_fault(p, p->at, "there is no class [:%.*s:]", (int)MIN(wanted.len, 40u), wanted.at);
    return true;
}

static uint32_t class_rune(struct regex_parser *p)
{
    if (regex_looking_at(p, "\\")) {
        p->at++;
        return regex_escaped_rune(p);
    }
    return regex_rune(p);
}

static void class_item(struct regex_parser *p, struct regex_node *class)
{
    size_t start = p->at;
    if (add_posix(p, class))
        return;
    if (regex_looking_at(p, "\\")) {
        p->at++;
        if (add_escape(p, class))
            return;
        p->at--;
    }
    uint32_t low = class_rune(p), high = low;
    bool range = regex_looking_at(p, "-") && p->at + 1 < p->all.len && p->all.at[p->at + 1] != ']';
    if (range && !p->failed) {
        p->at++;
        high = class_rune(p);
    }
    if (!p->failed && high < low)
        regex_fault(p, start, "the range ends before it begins");
    add_range(p, class, low, high);
}

struct regex_node *regex_class(struct regex_parser *p)
{
    size_t start = p->at - 1;
    struct regex_node *class = regex_node_new(p, REGEX_CLASS);
    class->fold = p->flags.fold;
    class->negated = regex_looking_at(p, "^");
    p->at += class->negated;
    size_t first = p->at; /* a ] here is a character */
    while (!p->failed && (p->at == first || !regex_looking_at(p, "]"))) {
        if (p->at == p->all.len)
            regex_fault(p, start, "the class is not closed; there should be a ]");
        else
            class_item(p, class);
    }
    p->at += !p->failed;
    return class;
}
