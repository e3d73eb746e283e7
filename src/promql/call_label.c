/* label_replace and label_join. */
#include "promql/call.h"

static bool is_label(struct span name)
{
    return name.len > 0 && utf8_valid(name);
}

/* Sets one label; a name set so is meant to stay. */
static void set_label(struct eval *ev, struct series *s, struct span name, struct span value)
{
    s->labels = labels_with(ev->arena, s->labels, name, value);
    if (span_is(name, LABEL_NAME))
        s->drop_name = false;
}

static enum status merged(struct eval *ev, struct value *out)
{
    return vector_unique(ev, &out->vector, false,
                         "vector cannot contain metrics with the same labelset");
}

CALL(label_replace)
{
    (void)e, (void)g;
    struct span to = args[1].string, template = args[2].string, from = args[3].string;
    struct regex *regex;
    struct err why = {0};
    if (regex_compile(args[4].string, &regex, &why))
        return eval_fault(ev, "invalid regular expression in label_replace(): %.*s",
                          SPAN_ARG(args[4].string));
    enum status st = OK;
    if (!is_label(to))
        st =
            eval_fault(ev, "invalid destination label name in label_replace(): %.*s", SPAN_ARG(to));
    out->vector = args[0].vector;
    auto_buf text = {.max = LABEL_VALUE_MAX_BYTES};
    for (size_t i = 0; i < out->vector.n && !st; i++) {
        struct series *s = &out->vector.at[i];
        buf_clear(&text);
        if (!regex_replace(regex, labels_get(s->labels, from), template, &text))
            continue;
        if (text.failed)
            st = eval_fault(ev, "label_replace() makes a label longer than %d bytes",
                            LABEL_VALUE_MAX_BYTES);
        else
            set_label(ev, s, to, arena_span(ev->arena, buf_view(&text)));
    }
    regex_free(regex);
    return st ? st : merged(ev, out);
}

CALL(label_join)
{
    (void)g;
    struct span to = args[1].string, separator = args[2].string;
    for (size_t i = 3; i < e->call.n; i++)
        if (!is_label(args[i].string))
            return eval_fault(ev, "invalid source label name in label_join(): %.*s",
                              SPAN_ARG(args[i].string));
    if (!is_label(to))
        return eval_fault(ev, "invalid destination label name in label_join(): %.*s", SPAN_ARG(to));
    out->vector = args[0].vector;
    auto_buf text = {.max = LABEL_VALUE_MAX_BYTES};
    for (size_t i = 0; i < out->vector.n; i++) {
        struct series *s = &out->vector.at[i];
        buf_clear(&text);
        for (size_t k = 3; k < e->call.n; k++) {
            buf_span(&text, k > 3 ? separator : SPAN(""));
            buf_span(&text, labels_get(s->labels, args[k].string));
        }
        if (text.failed)
            return eval_fault(ev, "label_join() makes a label longer than %d bytes",
                              LABEL_VALUE_MAX_BYTES);
        set_label(ev, s, to, arena_span(ev->arena, buf_view(&text)));
    }
    return merged(ev, out);
}
