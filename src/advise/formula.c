/* Expressions of rule files: words are filled in as text, then PromQL is parsed. */
#include "advise/rule.h"

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || c == '_';
}

static const char *word_value(const struct words *words, struct span name)
{
    const struct {
        const char *name, *value;
    } table[] = {
        {"window", words->window},
        {"signal", words->signal},
        {"use", words->use},
        {"value", words->value},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        if (span_is(name, table[i].name))
            return table[i].value;
    return NULL;
}

/* A word inside a quoted label value stays as it is: a regular expression may end in '$'. */
static enum status fill_words(const struct yaml *node, const char *key, const struct words *words,
                              struct buf *out, struct err *err)
{
    char quote = 0;
    for (const char *p = node->text.at, *end = p + node->text.len; p < end; p++) {
        if (quote ? *p == quote : (*p == '"' || *p == '\'' || *p == '`'))
            quote = quote ? 0 : *p;
        if (*p != '$' || quote) {
            buf_char(out, *p);
            continue;
        }
        const char *name = p + 1;
        while (p + 1 < end && is_word_char(p[1]))
            p++;
        struct span word = {name, (size_t)(p + 1 - name)};
        const char *value = word_value(words, word);
        if (!value)
            return yaml_error(node, err,
                              "%s: \"$%.*s\" means nothing here; there are $window, $signal, $use "
                              "and $value, where a rule has them",
                              key, SPAN_ARG(word));
        bool duration = span_is(word, "window"); /* needs no brackets of ours */
        buf_printf(out, duration ? "%s" : "(%s)", value);
    }
    return OK;
}

enum status formula_of(const char *text, struct rules *r, struct formula *out, struct err *err)
{
    out->text = arena_dup(&r->arena, text);
    enum status st = promql_parse(span_of(text), &r->arena, &out->expr, err);
    if (st)
        return st;
    r->parsed = mem_grow(r->parsed, (r->n_parsed + 1) * sizeof(struct expr *));
    r->parsed[r->n_parsed++] = out->expr;
    return OK;
}

enum status formula_read(const struct yaml *node, const char *key, const struct words *words,
                         struct rules *r, struct formula *out, struct err *err)
{
    const char *text;
    enum status st = yaml_string(node, &text, err);
    if (st)
        return st;
    auto_buf filled = {.max = EXPRESSION_MAX_BYTES};
    if ((st = fill_words(node, key, words, &filled, err)))
        return st;
    if (filled.failed)
        return yaml_error(node, err, "%s: longer than %d bytes", key, EXPRESSION_MAX_BYTES);
    struct err why = {0};
    if (formula_of(buf_text(&filled), r, out, &why))
        return yaml_error(node, err, "%s: %s", key, why.text);
    enum value_kind kind = promql_kind(out->expr);
    if (kind != VALUE_VECTOR && kind != VALUE_SCALAR)
        return yaml_error(node, err, "%s: must give one number for each host, not a range or text",
                          key);
    return OK;
}
