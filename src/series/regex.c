/* Regular expressions, fully anchored. Most of those in queries are literals, alternations of
 * them, or pieces with .* between: those are matched without the engine. Everything else goes
 * to PCRE2 with a budget of steps; what exceeds the budget, a pattern made to backtrack, is
 * decided by its other algorithm, which never does. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "series/matcher.h"
#include "series/regex_set.h"
#include "series/regex_syntax.h"

#include <pcre2.h>

enum { DFA_STATES_MAX = 2048, NESTING_MAX = REGEX_DEPTH_MAX + 16 };

struct regex {
    struct arena arena;
    struct regex_set set; /* without the engine, when set.n */
    struct span prefix;
    pcre2_code *code;
    pcre2_match_context *limits;
    const struct regex_name *names;
    size_t n_names;
};

static enum status compile_pcre(struct regex *r, struct span pattern, const struct regex_tree *tree,
                                struct err *err)
{
    auto_buf text = {0};
    regex_print_pcre(&text, tree->root);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    r->limits = pcre2_match_context_create(NULL);
    if (!context || !r->limits) {
        pcre2_compile_context_free(context);
        return err_set(err, AGAIN, "no memory for a regular expression");
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context, NESTING_MAX * 2);
    const uint32_t options = PCRE2_UTF | PCRE2_DOTALL | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
                             PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C;
    int code = 0;
    size_t at = 0;
    r->code = pcre2_compile((PCRE2_SPTR)buf_text(&text), text.len, options, &code, &at, context);
    pcre2_compile_context_free(context);
    pcre2_set_match_limit(r->limits, REGEX_MATCH_LIMIT);
    pcre2_set_depth_limit(r->limits, REGEX_MATCH_LIMIT);
    pcre2_set_heap_limit(r->limits, REGEX_HEAP_LIMIT_KIB);
    if (r->code)
        return OK;
    char why[160] = "";
    pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
    return regex_refuse(pattern, why, err);
}

static struct span literal_prefix(const struct regex_node *node)
{
    while (node->n && node->kind != REGEX_CLASS && node->kind != REGEX_ALTERNATE &&
           (node->kind != REGEX_REPEAT || node->min))
        node = node->items[0];
    return node->kind == REGEX_LITERAL && !node->fold ? node->text : SPAN("");
}

/* An empty span may have no address; nothing below needs to think of that. */
static struct span with_address(struct span s)
{
    return s.at ? s : SPAN("");
}

enum status regex_compile(struct span pattern, struct regex **out, struct err *err)
{
    *out = NULL;
    if (pattern.len > REGEX_MAX_BYTES)
        return err_set(err, INVALID, "a regular expression has %zu bytes, at most %d are taken",
                       pattern.len, REGEX_MAX_BYTES);
    auto_arena scratch = {0};
    struct regex_tree tree;
    enum status st = regex_parse(with_address(pattern), &scratch, &tree, err);
    if (st)
        return st;
    struct regex *r = mem_zero(1, sizeof *r);
    st = compile_pcre(r, pattern, &tree, err);
    if (st) {
        regex_free(r);
        return st;
    }
    regex_set_of(tree.root, &r->arena, &r->set);
    r->prefix =
        r->set.n ? regex_set_prefix(&r->set) : arena_span(&r->arena, literal_prefix(tree.root));
    struct regex_name *names = ARENA_ARRAY(&r->arena, struct regex_name, tree.n_names);
    for (size_t i = 0; i < tree.n_names; i++)
        names[i] =
            (struct regex_name){arena_span(&r->arena, tree.names[i].name), tree.names[i].index};
    r->names = names;
    r->n_names = tree.n_names;
    *out = r;
    return OK;
}

void regex_free(struct regex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    pcre2_match_context_free(r->limits);
    arena_free(&r->arena);
    free(r);
}

static bool over_budget(int result)
{
    return result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT ||
           result == PCRE2_ERROR_HEAPLIMIT;
}

/* All ways through the pattern at once: time grows with text and pattern, not with the ways.
 * A pattern that needs more states than the workspace holds matches nothing. */
static bool match_dfa(const struct regex *r, struct span text, pcre2_match_data *found)
{
    int states[DFA_STATES_MAX];
    int result = pcre2_dfa_match(r->code, (PCRE2_SPTR)text.at, text.len, 0, PCRE2_NO_UTF_CHECK,
                                 found, r->limits, states, COUNT(states));
    return result >= 0;
}

static bool match_pcre(const struct regex *r, struct span text)
{
    if (!span_starts(text, r->prefix) || !utf8_valid(text))
        return false;
    pcre2_match_data *found = pcre2_match_data_create(1, NULL);
    if (!found)
        return false;
    int result = pcre2_match(r->code, (PCRE2_SPTR)text.at, text.len, 0, PCRE2_NO_UTF_CHECK, found,
                             r->limits);
    bool matches = over_budget(result) ? match_dfa(r, text, found) : result >= 0;
    pcre2_match_data_free(found);
    return matches;
}

bool regex_match(const struct regex *r, struct span text)
{
    text = with_address(text);
    return r->set.n ? regex_set_match(&r->set, text) : match_pcre(r, text);
}

const struct span *regex_literals(const struct regex *r, size_t *n)
{
    bool literals = r->set.n && !r->set.globs;
    *n = literals ? r->set.n : 0;
    return literals ? r->set.at : NULL;
}

struct span regex_prefix(const struct regex *r)
{
    return r->prefix;
}

/* What was captured, by number or name; empty for an unknown group and one that took no part. */
static struct span captured(const struct regex *r, struct span name, struct span text,
                            const pcre2_match_data *found, uint32_t groups)
{
    uint64_t index = groups;
    if (!span_u64(name, &index))
        for (size_t i = 0; i < r->n_names; i++)
            if (span_eq(r->names[i].name, name))
                index = r->names[i].index;
    if (index >= groups)
        return SPAN("");
    /* The vector is read only; PCRE2's function lacks the const. */
    const size_t *at = pcre2_get_ovector_pointer((pcre2_match_data *)(uintptr_t)found);
    if (at[2 * index] == PCRE2_UNSET)
        return SPAN("");
    return span_from(text.at + at[2 * index], at[2 * index + 1] - at[2 * index]);
}

/* Cuts the name behind a $: letters, digits and _, or any of these in braces. Empty: none. */
static struct span cut_name(struct span *rest)
{
    bool braces = rest->len && rest->at[0] == '{';
    size_t i = braces;
    while (i < rest->len && ((rest->at[i] >= '0' && rest->at[i] <= '9') || rest->at[i] == '_' ||
                             (rest->at[i] >= 'a' && rest->at[i] <= 'z') ||
                             (rest->at[i] >= 'A' && rest->at[i] <= 'Z')))
        i++;
    struct span name = span_from(rest->at + braces, i - braces);
    if (braces && (i == rest->len || rest->at[i] != '}'))
        name.len = 0;
    if (name.len)
        *rest = span_from(rest->at + i + braces, rest->len - i - braces);
    return name;
}

bool regex_replace(const struct regex *r, struct span text, struct span template, struct buf *out)
{
    text = with_address(text);
    if (!utf8_valid(text))
        return false;
    pcre2_match_data *found = pcre2_match_data_create_from_pattern(r->code, NULL);
    if (!found)
        return false;
    bool matches = pcre2_match(r->code, (PCRE2_SPTR)text.at, text.len, 0, PCRE2_NO_UTF_CHECK, found,
                               r->limits) > 0;
    uint32_t groups = pcre2_get_ovector_count(found);
    for (struct span rest = template; matches && rest.len;) {
        size_t plain = span_find(rest, '$');
        buf_put(out, rest.at, plain);
        rest = span_from(rest.at + plain, rest.len - plain);
        if (!rest.len)
            break;
        rest = span_from(rest.at + 1, rest.len - 1);
        if (rest.len && rest.at[0] == '$') {
            rest = span_from(rest.at + 1, rest.len - 1);
            buf_char(out, '$');
            continue;
        }
        struct span name = cut_name(&rest);
        if (name.len)
            buf_span(out, captured(r, name, text, found, groups));
        else
            buf_char(out, '$');
    }
    pcre2_match_data_free(found);
    return matches;
}
