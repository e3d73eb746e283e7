/* Warnings and infos that go out with a result. */
#include "promql/eval.h"

#include <stdarg.h>

enum { NOTES_MAX = 100 };

struct note {
    const char *text;
    struct note *next;
};

static void note_add(struct eval *ev, struct note **list, const char *kind, size_t pos,
                     const char *format, va_list args)
{
    auto_buf text = {0};
    buf_printf(&text, "PromQL %s: ", kind);
    buf_vprintf(&text, format, args);
    buf_str(&text, " (");
    place_print(&text, ev->text, pos);
    buf_char(&text, ')');
    struct note **end = list;
    size_t n = 0;
    for (; *end; end = &(*end)->next, n++)
        if (strcmp((*end)->text, buf_text(&text)) == 0)
            return;
    if (n == NOTES_MAX)
        return;
    *end = ARENA_NEW(ev->arena, struct note);
    (*end)->text = arena_dup(ev->arena, buf_text(&text));
}

void eval_warn(struct eval *ev, size_t pos, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note_add(ev, &ev->warnings, "warning", pos, format, args);
    va_end(args);
}

void eval_inform(struct eval *ev, size_t pos, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note_add(ev, &ev->infos, "info", pos, format, args);
    va_end(args);
}

void notes_collect(struct eval *ev, struct note *notes, const char ***out, size_t *n)
{
    *n = 0;
    for (struct note *note = notes; note; note = note->next)
        (*n)++;
    *out = ARENA_ARRAY(ev->arena, const char *, *n);
    size_t i = 0;
    for (struct note *note = notes; note; note = note->next)
        (*out)[i++] = note->text;
}
