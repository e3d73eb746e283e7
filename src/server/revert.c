#include "server/revert.h"

static const char *command_for(struct arena *arena, struct span parameter, struct span value)
{
    const char *quote = span_find(value, ' ') < value.len ? "'" : "";
    return arena_printf(arena, "sysctl -w %s%.*s=%.*s%s", quote, SPAN_ARG(parameter),
                        SPAN_ARG(value), quote);
}

static unsigned class_of_revert(const struct change_row *row)
{
    double from, to;
    if (!span_double(row->from, &from) || !span_double(row->to, &to))
        return 2;
    return from > to ? 1 : 2;
}

void revert_add(struct analysis *a, const struct change_row *row, struct arena *arena)
{
    struct finding *all = ARENA_ARRAY(arena, struct finding, a->n_findings + 1);
    const char *parameter = arena_dup_span(arena, row->parameter);
    const char *from = arena_dup_span(arena, row->to), *to = arena_dup_span(arena, row->from);
    const char *line = arena_printf(arena, "%s = %s", parameter, to);
    all[0] = (struct finding){
        .id = row->finding_id,
        .rule = "VERIFY",
        .subject = parameter,
        .class = class_of_revert(row),
        .kind = KIND_PRESSURE,
        .title = "A change did harm",
        .parameter = parameter,
        .from = from,
        .to = to,
        .sentence = arena_printf(arena, "Put %s back from %s to %s. Since it was changed, %.*s.",
                                 parameter, from, to, SPAN_ARG(row->outcome)),
        .effect = "as before the change",
        .line = line,
        .file = "/etc/sysctl.d/90-galen.conf",
        .lines = {{line, "/etc/sysctl.d/90-galen.conf"}},
        .n_lines = 1,
        .command = command_for(arena, row->parameter, row->from),
        .undo = command_for(arena, row->parameter, row->to),
        .takes_effect = "as the change did",
        .risk = "low; the value was in force before",
        .source = "measured on this host",
        .since_ms = row->judged_ms,
    };
    if (a->n_findings)
        memcpy(all + 1, a->findings, a->n_findings * sizeof *all);
    a->findings = all;
    a->n_findings++;
    analysis_decide(a, arena);
}
