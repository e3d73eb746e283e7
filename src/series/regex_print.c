/* The tree as PCRE2 reads it. Characters that are not letters or digits are escaped or given
 * by number, so nothing of the pattern's own text can mean anything to the engine. */
#include "series/regex_syntax.h"

#include <limits.h>

static void put_literal(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\x{%x}", c);
            continue;
        }
        bool plain =
            c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain)
            buf_char(out, '\\');
        buf_char(out, (char)c);
    }
}

static void put_class(struct buf *out, const struct regex_node *node)
{
    buf_str(out, node->negated ? "[^" : "[");
    for (size_t i = 0; i < node->n; i++) {
        buf_printf(out, "\\x{%x}", node->ranges[i].low);
        if (node->ranges[i].high > node->ranges[i].low)
            buf_printf(out, "-\\x{%x}", node->ranges[i].high);
    }
    buf_span(out, node->text);
    buf_char(out, ']');
}

static void put_counts(struct buf *out, const struct regex_node *node)
{
    if (node->max == UINT_MAX && node->min <= 1)
        buf_char(out, node->min ? '+' : '*');
    else if (node->max == UINT_MAX)
        buf_printf(out, "{%u,}", node->min);
    else if (node->min == 0 && node->max == 1)
        buf_char(out, '?');
    else
        buf_printf(out, "{%u,%u}", node->min, node->max);
    if (node->lazy)
        buf_char(out, '?');
}

/* One character, which a repetition can follow without brackets. */
static bool is_single(const struct regex_node *node)
{
    if (node->fold)
        return true; /* has brackets already */
    bool letter = node->kind == REGEX_LITERAL && node->text.len == 1;
    return letter || node->kind == REGEX_CLASS || node->kind == REGEX_ANY ||
           node->kind == REGEX_GROUP;
}

static void put_node(struct buf *out, const struct regex_node *node);

static void put_in_brackets(struct buf *out, const struct regex_node *node, bool brackets)
{
    if (brackets)
        buf_str(out, "(?:");
    put_node(out, node);
    if (brackets)
        buf_char(out, ')');
}

static void put_node(struct buf *out, const struct regex_node *node)
{
    if (node->fold)
        buf_str(out, "(?i:");
    switch (node->kind) {
    case REGEX_LITERAL:
        put_literal(out, node->text);
        break;
    case REGEX_CLASS:
        put_class(out, node);
        break;
    case REGEX_ANY:
        buf_char(out, '.');
        break;
    case REGEX_ASSERT:
        buf_span(out, node->text);
        break;
    case REGEX_CONCAT:
        for (size_t i = 0; i < node->n; i++)
            put_in_brackets(out, node->items[i], node->items[i]->kind == REGEX_ALTERNATE);
        break;
    case REGEX_ALTERNATE:
        for (size_t i = 0; i < node->n; i++) {
            if (i)
                buf_char(out, '|');
            put_node(out, node->items[i]);
        }
        break;
    case REGEX_REPEAT:
        put_in_brackets(out, node->items[0], !is_single(node->items[0]));
        put_counts(out, node);
        break;
    case REGEX_GROUP:
        buf_char(out, '(');
        put_node(out, node->items[0]);
        buf_char(out, ')');
        break;
    }
    if (node->fold)
        buf_char(out, ')');
}

void regex_print_pcre(struct buf *out, const struct regex_node *node)
{
    put_node(out, node);
}
