/* match and reReplaceAll, on top of expressions that are anchored at both ends: the text before
 * the first place and the text behind it become groups of their own. */
#include "alert/template_tree.h"

#include "series/matcher.h"

#include <ctype.h>

static void regex_close(struct regex **r)
{
    regex_free(*r);
}

static enum status compile(struct tmpl_run *r, const char *before, struct span pattern,
                           const char *after, struct regex **out)
{
    auto_buf text = {0};
    buf_str(&text, before);
    buf_span(&text, pattern);
    buf_str(&text, after);
    return regex_compile(buf_view(&text), out, r->err);
}

enum status tmpl_match(struct tmpl_run *r, const struct tmpl_value *args, size_t n UNUSED,
                       struct tmpl_value *out)
{
    CLEANUP(regex_close) struct regex *regex = NULL;
    if (args[0].type != TV_STRING || args[1].type != TV_STRING)
        return err_set(r->err, INVALID, "match wants two strings");
    enum status st = compile(r, "(?s:.*?)(?:", args[0].text, ")(?s:.*)", &regex);
    if (!st)
        *out = (struct tmpl_value){.type = TV_BOOL, .b = regex_match(regex, args[1].text)};
    return st;
}

/* $1 -> ${2}: the text before is the first group. */
static void shift_groups(struct span template, struct buf *out)
{
    for (size_t i = 0; i < template.len; i++) {
        buf_char(out, template.at[i]);
        if (template.at[i] != '$' || i + 1 == template.len)
            continue;
        if (template.at[i + 1] == '$') {
            buf_char(out, template.at[++i]);
            continue;
        }
        bool braces = template.at[i + 1] == '{';
        size_t from = i + 1 + braces, to = from;
        while (to < template.len &&
               (isalnum((unsigned char)template.at[to]) || template.at[to] == '_'))
            to++;
        uint64_t group;
        if (!span_u64(span_from(template.at + from, to - from), &group))
            continue;
        /* $0, the whole place, has no group of its own before; it is the second one. */
        group += 2;
        buf_printf(out, "{%llu}", (unsigned long long)group);
        i = to + braces - 1;
    }
}

/* Cuts the first place from *rest; false when there is none. */
static bool replace_one(const struct regex *regex, struct span template, struct span *rest,
                        struct arena *arena, struct buf *out)
{
    auto_buf before = {0}, made = {0}, after = {0};
    if (!regex_replace(regex, *rest, SPAN("${1}"), &before))
        return false;
    regex_replace(regex, *rest, template, &made);
    regex_replace(regex, *rest, SPAN("${galen_rest}"), &after);
    buf_span(out, buf_view(&before));
    buf_span(out, buf_view(&made));
    bool empty = before.len + after.len == rest->len;
    struct span left = arena_span(arena, buf_view(&after));
    if (empty && left.len) { /* an empty place: one character goes by */
        buf_char(out, left.at[0]);
        left = span_from(left.at + 1, left.len - 1);
    }
    bool more = left.len > 0;
    *rest = left;
    return more;
}

enum status tmpl_replace_all(struct tmpl_run *r, const struct tmpl_value *args, size_t n UNUSED,
                             struct tmpl_value *out)
{
    CLEANUP(regex_close) struct regex *regex = NULL;
    auto_buf template = {0}, text = {.max = TMPL_OUTPUT_MAX_BYTES};
    if (args[0].type != TV_STRING || args[1].type != TV_STRING || args[2].type != TV_STRING)
        return err_set(r->err, INVALID, "reReplaceAll wants three strings");
    enum status st = compile(r, "(?s:(.*?))(", args[0].text, ")(?s:(?P<galen_rest>.*))", &regex);
    if (st)
        return st;
    shift_groups(args[1].text, &template);
    struct span rest = args[2].text;
    /* "^" holds at the beginning of the text alone. */
    bool once = args[0].text.len && args[0].text.at[0] == '^';
    size_t places = 0;
    while (replace_one(regex, buf_view(&template), &rest, r->scratch, &text) && !once)
        if (++places > TMPL_REPLACE_MAX)
            return err_set(r->err, FULL, "reReplaceAll: more than %d places", TMPL_REPLACE_MAX);
    buf_span(&text, rest);
    if (text.failed)
        return err_set(r->err, FULL, "reReplaceAll: longer than %d bytes", TMPL_OUTPUT_MAX_BYTES);
    *out = (struct tmpl_value){.type = TV_STRING, .text = arena_span(r->scratch, buf_view(&text))};
    return OK;
}
