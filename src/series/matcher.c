#include "series/matcher.h"

enum status matcher_init(struct matcher *m, enum matcher_kind kind, struct span name,
                         struct span value, struct err *err)
{
    *m = (struct matcher){.kind = kind, .name = name, .value = value};
    if (kind != MATCH_REGEX && kind != MATCH_NOT_REGEX)
        return OK;
    return regex_compile(value, &m->regex, err);
}

void matcher_free(struct matcher *m)
{
    regex_free(m->regex);
    m->regex = NULL;
}

bool matcher_value_matches(const struct matcher *m, struct span value)
{
    switch (m->kind) {
    case MATCH_EQUAL:
        return span_eq(m->value, value);
    case MATCH_NOT_EQUAL:
        return !span_eq(m->value, value);
    case MATCH_REGEX:
        return regex_match(m->regex, value);
    default:
        return !regex_match(m->regex, value);
    }
}

bool matchers_match(const struct matcher *m, size_t n, struct labels l)
{
    for (size_t i = 0; i < n; i++)
        if (!matcher_value_matches(&m[i], labels_get(l, m[i].name)))
            return false;
    return true;
}

void matcher_print(struct buf *out, const struct matcher *m)
{
    static const char *const operators[] = {
        [MATCH_EQUAL] = "=",
        [MATCH_NOT_EQUAL] = "!=",
        [MATCH_REGEX] = "=~",
        [MATCH_NOT_REGEX] = "!~",
    };
    if (label_name_valid(m->name))
        buf_span(out, m->name);
    else
        label_value_print(out, m->name);
    buf_str(out, operators[m->kind]);
    label_value_print(out, m->value);
}
