/* An analysis for a terminal. */
#include "advise/advise.h"

#include "advise/rule.h"
#include "base/text.h"

#include <stdio.h>

enum { TEXT_WIDTH = 78, LABEL_WIDTH = 13 };

static const char *const class_colours[CLASSES] = {"32", "33", "36", "31"};
static const char *const verbs[CLASSES] = {"no change", "increase", "decrease", "upgrade"};

struct paint {
    struct buf *out;
    bool colour;
};

static void painted(const struct paint *p, const char *code, const char *text)
{
    text_paint(p->out, text, code, p->colour);
}

/* Words, wrapped and indented. */
static void wrapped(struct buf *out, const char *text, size_t indent)
{
    text_wrap(out, span_of(text), indent, TEXT_WIDTH);
}

static void label_of(const struct paint *p, const char *label)
{
    char padded[32];
    snprintf(padded, sizeof padded, "  %-*s", LABEL_WIDTH, label);
    painted(p, "2", padded);
}

static void row(const struct paint *p, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    label_of(p, label);
    wrapped(p->out, text, LABEL_WIDTH + 2);
}

/* What is there to be copied is not broken; where it belongs comes beside or below it. */
static void row_whole(const struct paint *p, const char *label, const char *text, const char *file)
{
    if (!text)
        return;
    label_of(p, label);
    buf_str(p->out, text);
    size_t width = LABEL_WIDTH + 2 + text_columns(span_of(text));
    if (file && width + 5 + text_columns(span_of(file)) > TEXT_WIDTH) {
        buf_char(p->out, '\n');
        buf_fill(p->out, ' ', LABEL_WIDTH + 2 + 3);
        buf_printf(p->out, "(%s)", file);
    } else if (file) {
        buf_printf(p->out, "   (%s)", file);
    }
    buf_char(p->out, '\n');
}

static void evidence_rows(const struct paint *p, const struct finding *f)
{
    for (size_t i = 0; i < f->n_evidence; i++)
        if (f->evidence[i].has_value)
            row(p, i ? "" : "evidence", f->evidence[i].text);
}

static void line_row(const struct paint *p, const struct finding *f)
{
    if (!f->line)
        return;
    auto_buf text = {0};
    row_whole(p, "line", f->line, f->file);
    for (size_t i = 1; i < f->n_lines; i++)
        row_whole(p, "", f->lines[i].line, f->lines[i].file);
    if (f->set_by_file) {
        buf_printf(&text, "%s sets it to %s; the last file in name order wins", f->set_by_file,
                   f->set_by_value);
        row(p, "set by", buf_text(&text));
    }
    row_whole(p, "now", f->command, NULL);
    row_whole(p, "undo", f->undo, NULL);
}

static void finding_text(const struct paint *p, const struct finding *f)
{
    auto_buf head = {0};
    buf_printf(&head, "%s", verbs[f->class]);
    if (f->parameter)
        buf_printf(&head, " %s", f->parameter);
    if (f->from && f->to) { /* those of several numbers are long */
        size_t all = text_columns(buf_view(&head)) + strlen(f->from) + strlen(f->to) +
                     strlen(f->rule) + strlen("  ->   []");
        buf_printf(&head, " %s%s-> %s", f->from, all > TEXT_WIDTH ? "\n  " : " ", f->to);
    }
    auto_buf bold = {0};
    buf_printf(&bold, "1;%s", class_colours[f->class]);
    painted(p, buf_text(&bold), buf_text(&head));
    buf_printf(p->out, "  [%s]\n", f->rule);
    row(p, "", f->sentence);
    evidence_rows(p, f);
    row(p, "effect", f->effect);
    line_row(p, f);
    row(p, "takes effect", f->takes_effect);
    row(p, "risk", f->risk);
    row(p, "check", f->check);
    buf_char(p->out, '\n');
}

static void closest_text(const struct paint *p, const struct analysis *a)
{
    if (!a->n_closest)
        return;
    auto_buf text = {0};
    for (size_t i = 0; i < a->n_closest; i++) {
        buf_printf(&text, "%s%s ", i ? ", " : "", a->closest[i].title);
        format_value(&text, FORMAT_PERCENT, a->closest[i].use);
    }
    row(p, "closest", buf_text(&text));
}

static void model_text(const struct paint *p, const struct analysis *a)
{
    if (a->brief)
        row(p, "classifier", "not asked: it needs half a minute of figures (--seconds 30)");
    if (!a->has_probabilities)
        return;
    auto_buf text = {0};
    for (size_t c = 0; c < CLASSES; c++)
        buf_printf(&text, "%s%s %.0f %%", c ? ", " : "", verbs[c], 100 * a->probabilities[c]);
    if (a->uncertain)
        buf_str(&text, " (it disagrees with the rules: take the advice with care)");
    row(p, "classifier", buf_text(&text));
}

/* "No changes needed so far: 38 checks, ..." is headline and text in one. */
static void head_text(const struct paint *p, const struct analysis *a)
{
    auto_arena arena = {0};
    struct span head = span_of(class_recommendations[a->class]), rest = span_of(a->summary);
    size_t colon = span_find(rest, ':');
    if (span_starts(rest, head) && colon < rest.len) {
        head.at = rest.at;
        head.len = colon;
        rest = (struct span){rest.at + colon + 2, rest.len - colon - 2};
    }
    auto_buf bold = {0};
    buf_printf(&bold, "1;%s", class_colours[a->class]);
    if (a->instance.len)
        buf_printf(p->out, "%.*s:%s", SPAN_ARG(a->instance),
                   text_columns(a->instance) + 2 + head.len > TEXT_WIDTH ? "\n  " : " ");
    painted(p, buf_text(&bold), arena_dup_span(&arena, head));
    buf_char(p->out, '\n');
    if (a->n_findings != 1) { /* a single finding says it itself */
        buf_str(p->out, "  ");
        wrapped(p->out, arena_dup_span(&arena, rest), 2);
    }
    buf_char(p->out, '\n');
}

void analysis_text(struct buf *out, const struct analysis *a, bool colour)
{
    struct paint p = {out, colour};
    head_text(&p, a);
    for (size_t i = 0; i < a->n_findings; i++)
        finding_text(&p, &a->findings[i]);
    auto_buf checks = {0};
    buf_printf(&checks, "%zu made", a->checks);
    if (a->silent)
        buf_printf(&checks, ", %zu without a signal on this host%s", a->silent,
                   a->brief || a->preliminary ? " (galen check --verbose lists them)" : "");
    row(&p, "checks", buf_text(&checks));
    closest_text(&p, a);
    model_text(&p, a);
}
