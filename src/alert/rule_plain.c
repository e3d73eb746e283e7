/* Rules as a file for Prometheus: thresholds become comparisons. */
#include "alert/alert.h"

#include "base/yaml.h"

/* In double quotes: what JSON and YAML agree on. */
static void quoted(struct buf *out, struct span text)
{
    buf_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_str(out, "\\n");
        else if (c < 0x20)
            buf_printf(out, "\\x%02x", c);
        else
            buf_char(out, (char)c);
    }
    buf_char(out, '"');
}

static void field(struct buf *out, const char *name, struct span text)
{
    buf_printf(out, "%s: ", name);
    quoted(out, text);
    buf_char(out, '\n');
}

static void texts(struct buf *out, const char *what, const struct rule_text *t, size_t n)
{
    if (n)
        buf_printf(out, "        %s:\n", what);
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "          %.*s: ", SPAN_ARG(t[i].name));
        quoted(out, t[i].text);
        buf_char(out, '\n');
    }
}

static void duration(struct buf *out, const char *name, int64_t ms)
{
    if (!ms)
        return;
    buf_printf(out, "        %s: ", name);
    duration_print(out, ms);
    buf_char(out, '\n');
}

static void rule(struct buf *out, const struct rule *u)
{
    field(out, u->records ? "      - record" : "      - alert", u->name);
    field(out, "        expr", u->expr_text);
    duration(out, "for", u->for_ms);
    duration(out, "keep_firing_for", u->keep_firing_ms);
    texts(out, "labels", u->labels, u->n_labels);
    texts(out, "annotations", u->annotations, u->n_annotations);
}

void rules_plain(const struct alert_rules *r, struct buf *out)
{
    buf_str(out, "groups:\n");
    for (size_t i = 0; i < r->n; i++) {
        const struct rule_group *g = &r->groups[i];
        field(out, "  - name", g->name);
        buf_str(out, "    interval: ");
        duration_print(out, g->interval_ms);
        buf_char(out, '\n');
        if (g->limit)
            buf_printf(out, "    limit: %zu\n", g->limit);
        buf_str(out, "    rules:\n");
        for (size_t k = 0; k < g->n; k++)
            rule(out, &g->rules[k]);
    }
}
