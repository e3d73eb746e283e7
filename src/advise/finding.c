/* A rule that speaks -> what a person reads: the step, the sentences, the lines. */
#include "advise/tick.h"

#include <stdio.h>

const char *const kind_names[3] = {"proof", "limit", "pressure"};

#define SYSCTL_FILE "/etc/sysctl.d/90-galen.conf"

/* Counts beyond this are no counts (fs.file-max is 2^63 - 1 by default). */
static const double count_most = 0x1p62;
static const double step_most = 4;

enum status finding_columns_read(struct tick *t, const struct rule *r, struct finding_columns *c)
{
    enum status st = OK;
    for (size_t i = 0; !st && i < r->n_values; i++)
        st = column_read(t, &r->value[i], r->id, &c->value[i]);
    for (size_t i = 0; !st && i < r->n_propose; i++)
        st = column_read(t, &r->propose[i], r->id, &c->propose[i]);
    if (!st)
        st = column_read(t, &r->low, r->id, &c->low);
    if (!st)
        st = column_read(t, &r->high, r->id, &c->high);
    for (size_t i = 0; !st && i < r->n_evidence; i++)
        st = column_read(t, &r->evidence[i].formula, r->id, &c->evidence[i]);
    return st ? st : column_read(t, &r->set_by, r->id, &c->set_by);
}

static void print_number(struct buf *out, double v)
{
    if (v == floor(v) && fabs(v) < 0x1p64)
        buf_printf(out, "%.0f", v);
    else
        buf_double(out, v);
}

void finding_from(const struct rule *r, const struct finding_columns *c, const struct host *h,
                  const char *subject, char *text, size_t size)
{
    auto_buf out = {0};
    for (size_t i = 0; i < r->n_values; i++) {
        double v;
        if (!column_value(&c->value[i], h, r->per, subject, &v, NULL)) {
            buf_clear(&out);
            break;
        }
        if (i)
            buf_char(&out, ' ');
        print_number(&out, v);
    }
    snprintf(text, size, "%s", buf_text(&out));
}

static double next_power_of_two(double v)
{
    double p = 1;
    while (p < v && p < count_most)
        p *= 2;
    return p;
}

/* One number of the step; NaN when there is none. */
static double step_number(const struct rule *r, double from, double wanted, double low, double high)
{
    double v = wanted;
    if (r->step == STEP_EXACT)
        return fmin(fmax(round(v), low), high);
    if (r->class == 2) /* a decrease: halved, or what the rule names, within its bounds */
        return fmin(fmax(floor(v), low), high);
    if (v == from && r->n_propose > 1) /* a number of several that stays */
        return v;
    v = fmin(next_power_of_two(fmax(v, low)), high);
    return from > 0 ? fmin(v, step_most * from) : v;
}

static bool is_step(const struct rule *r, double from, double to)
{
    if (r->n_propose > 1 || (r->step == STEP_EXACT && !r->has_bounds)) /* 2 may come before 1 */
        return to != from;
    return r->class == 2 ? to < from : to > from;
}

/* "8192", or NULL when no further step is possible or a value is missing. *known tells which. */
static const char *find_to(struct tick *t, const struct rule *r, const struct finding_columns *c,
                           const struct host *h, const char *subject, bool *known)
{
    auto_buf text = {0};
    bool step = false;
    *known = false;
    for (size_t i = 0; i < r->n_propose; i++) {
        double from, wanted, low = -INFINITY, high = INFINITY;
        if (!column_value(&c->value[i], h, r->per, subject, &from, NULL) ||
            !column_value(&c->propose[i], h, r->per, subject, &wanted, NULL))
            return NULL;
        column_value(&c->low, h, r->per, subject, &low, NULL);
        column_value(&c->high, h, r->per, subject, &high, NULL);
        double to = step_number(r, from, wanted, low, high);
        step |= is_step(r, from, to);
        if (i)
            buf_char(&text, ' ');
        print_number(&text, to);
    }
    *known = r->n_propose > 0;
    return step ? arena_dup(t->arena, buf_text(&text)) : NULL;
}

/* What templates can ask for. */
struct places {
    const struct rule *rule;
    const struct finding *finding;
    double value;
    struct labels signal;
    struct labels of_evidence[EVIDENCE_MAX];
};

static bool label_place(const struct places *p, struct span name, struct template_value *out)
{
    out->text = labels_get(p->signal, name);
    for (size_t i = 0; out->text.len == 0 && i < p->finding->n_evidence; i++)
        out->text = labels_get(p->of_evidence[i], name);
    return out->text.len > 0;
}

static bool number_place(double v, struct template_value *out)
{
    out->has_number = true;
    out->number = v;
    return true;
}

/* A parameter's value: as a number, where it is one, so that it can be formatted. */
static bool text_place(const char *text, struct template_value *out)
{
    if (!text)
        return false;
    out->text = span_of(text);
    out->has_number = span_double(out->text, &out->number);
    return true;
}

static bool fill_place(void *arg, struct span name, struct template_value *out)
{
    const struct places *p = arg;
    if (name.at[0] == '@')
        return label_place(p, (struct span){name.at + 1, name.len - 1}, out);
    if (span_is(name, "from"))
        return text_place(p->finding->from, out);
    if (span_is(name, "to"))
        return text_place(p->finding->to, out);
    if (span_is(name, "value") || span_is(name, "use"))
        return number_place(p->value, out);
    if (span_is(name, "window"))
        return number_place((double)p->rule->window_ms / 1000, out);
    if (span_is(name, "parameter")) {
        out->text = span_of(p->rule->parameter);
        return p->rule->parameter != NULL;
    }
    for (size_t i = 0; i < p->rule->n_evidence; i++)
        if (p->rule->evidence[i].name && span_is(name, p->rule->evidence[i].name))
            return p->finding->evidence[i].has_value &&
                   number_place(p->finding->evidence[i].value, out);
    return false;
}

/* NULL when a place has no value. */
static const char *filled(struct tick *t, const char *template, struct places *p)
{
    auto_buf out = {.max = 2 * TEMPLATE_MAX_BYTES};
    if (!template || !template_fill(template, fill_place, p, &out))
        return NULL;
    return arena_dup(t->arena, buf_text(&out));
}

/* From the place that shows the number: "{refused}/s" is a rate, "{held:count}" a count. */
static const char *unit_of(const struct rule_evidence *e)
{
    static const char *const units[] = {NULL, "count", "ratio", "bytes", "seconds"};
    static const char *const formats[] = {"}", ":count}", ":percent}", ":bytes}", ":duration}"};
    const char *at = e->text;
    size_t n = e->name ? strlen(e->name) : 0;
    while (n && at && (at = strchr(at, '{'))) {
        at++;
        if (strncmp(at, e->name, n) != 0)
            continue;
        for (size_t i = 0; i < COUNT(formats); i++)
            if (span_starts(span_of(at + n), span_of(formats[i])))
                return i ? units[i] : strstr(at + n, "/s") == at + n + 1 ? "1/s" : NULL;
    }
    return NULL;
}

static void read_evidence(struct tick *t, const struct rule *r, const struct finding_columns *c,
                          const struct host *h, const char *subject, struct finding *out,
                          struct places *p)
{
    out->n_evidence = r->n_evidence;
    for (size_t i = 0; i < r->n_evidence; i++) {
        struct evidence *e = &out->evidence[i];
        e->expr = arena_dup(t->arena, r->evidence[i].formula.text);
        e->has_value =
            column_value(&c->evidence[i], h, r->per, subject, &e->value, &p->of_evidence[i]);
        e->unit = unit_of(&r->evidence[i]);
        e->has_threshold = r->has_above && r->evidence[i].is_signal;
        e->threshold = r->above;
        e->window_ms = strchr(e->expr, '[') ? r->window_ms : 0;
    }
    for (size_t i = 0; i < r->n_evidence; i++) { /* texts may speak of other evidence */
        struct evidence *e = &out->evidence[i];
        e->text = filled(t, r->evidence[i].text, p);
        auto_buf plain = {0};
        if (e->text || !e->has_value || r->evidence[i].name)
            continue; /* a name without a text is a number for other texts */
        format_value(&plain, FORMAT_PLAIN, e->value);
        e->text = arena_printf(t->arena, "%s = %s", e->expr, buf_text(&plain));
    }
}

/* What has no value here (a trend where nothing grows, a signal of newer kernels) is no evidence.
 */
static void drop_empty(struct finding *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->n_evidence; i++)
        if (f->evidence[i].text)
            f->evidence[kept++] = f->evidence[i];
    f->n_evidence = kept;
}

static const char *step_sentence(struct tick *t, const struct rule *r, const struct finding *f)
{
    bool up = r->class == 1;
    const char *verb =
        r->low_confidence ? (up ? "Try raising" : "Try lowering") : (up ? "Raise" : "Lower");
    const char *last = r->low_confidence ? " Low confidence." : "";
    if (!f->to)
        return arena_printf(t->arena, "%s %s.%s", verb, r->parameter, last);
    return arena_printf(t->arena, "%s %s from %s to %s.%s", verb, r->parameter, f->from, f->to,
                        last);
}

static const char *first_sentence(struct tick *t, const struct rule *r, struct finding *f,
                                  bool at_end, struct places *p)
{
    if (at_end) {
        f->class = 0;
        return arena_printf(t->arena, "Leave %s at %s: no further step makes sense.", r->parameter,
                            f->from);
    }
    const char *own = filled(t, r->advice, p);
    if (own)
        return own;
    return r->class == 1 || r->class == 2 ? step_sentence(t, r, f)
                                          : arena_printf(t->arena, "%s.", r->title);
}

static void write_sentence(struct tick *t, const struct rule *r, struct finding *f, bool at_end,
                           struct places *p)
{
    const char *first = first_sentence(t, r, f, at_end, p), *why = NULL;
    for (size_t i = 0; !why && i < r->n_sentences; i++)
        why = filled(t, r->sentences[i], p);
    f->sentence = why ? arena_printf(t->arena, "%s %s", first, why) : first;
}

static const char *sysctl_command(struct tick *t, const char *parameter, const char *value)
{
    const char *quote = strchr(value, ' ') ? "'" : "";
    return arena_printf(t->arena, "sysctl -w %s%s=%s%s", quote, parameter, value, quote);
}

static void write_sysctl(struct tick *t, const struct rule *r, struct finding *f)
{
    f->line = arena_printf(t->arena, "%s = %s", r->parameter, f->to);
    f->file = SYSCTL_FILE;
    f->command = sysctl_command(t, r->parameter, f->to);
    f->undo = f->from ? sysctl_command(t, r->parameter, f->from) : NULL;
}

static void add_line(struct finding *f, const char *line, const char *file)
{
    if (line && f->n_lines < FINDING_LINES_MAX)
        f->lines[f->n_lines++] = (struct finding_line){line, file};
}

static void write_lines(struct tick *t, const struct rule *r, struct finding *f, struct places *p)
{
    if (r->set_line) {
        f->line = filled(t, r->set_line, p);
        f->file = filled(t, r->set_file, p);
        f->command = filled(t, r->command, p);
    } else if (f->to && r->parameter) {
        write_sysctl(t, r, f);
    }
    add_line(f, f->line, f->file);
    for (size_t i = 0; f->line && i < r->n_lines; i++)
        add_line(f, filled(t, r->lines[i].line, p), filled(t, r->lines[i].file, p));
}

/* The file that sets the parameter on that host at boot. */
static void read_set_by(struct tick *t, const struct finding_columns *c, const struct host *h,
                        struct finding *f)
{
    double v;
    struct labels at;
    if (!column_value(&c->set_by, h, NULL, NULL, &v, &at))
        return;
    f->set_by_file = arena_dup_span(t->arena, labels_get(at, SPAN("file")));
    f->set_by_value = arena_dup_span(t->arena, labels_get(at, SPAN("value")));
}

static const char *dup(struct tick *t, const char *text)
{
    return text ? arena_dup(t->arena, text) : NULL;
}

void finding_make(struct tick *t, const struct rule *r, const struct finding_columns *c,
                  const struct host *h, const struct rule_state *s, double value,
                  struct labels labels, struct finding *out)
{
    *out = (struct finding){
        .rule = dup(t, r->id),
        .subject = dup(t, s->subject),
        .class = r->class,
        .kind = r->kind,
        .title = dup(t, r->title),
        .parameter = dup(t, r->parameter),
        .from = s->from[0] ? arena_dup(t->arena, s->from) : NULL,
        .takes_effect = dup(t, r->takes_effect),
        .risk = dup(t, r->risk),
        .check = dup(t, r->check),
        .source = dup(t, r->source),
        .low_confidence = r->low_confidence,
        .since_ms = s->since_ms,
    };
    struct places p = {.rule = r, .finding = out, .value = value, .signal = labels};
    bool known;
    out->to = find_to(t, r, c, h, s->subject, &known);
    read_evidence(t, r, c, h, s->subject, out, &p);
    out->effect = filled(t, r->effect, &p);
    write_sentence(t, r, out, known && !out->to, &p);
    write_lines(t, r, out, &p);
    read_set_by(t, c, h, out);
    drop_empty(out); /* last: texts find their numbers by place */
}
