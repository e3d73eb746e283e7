/* A host judged by a profile, as mqconfig judges: the value against the vendor's, and the use
 * against the value (below 75 % PASS, to 95 % WARN, above FAIL). */
#include "advise/profile_state.h"
#include "advise/tick.h"
#include "series/parameter.h"

#include <stdio.h>

const char *const profile_results[PROFILE_RESULTS] = {"PASS", "WARN", "FAIL", "?"};

#define SYSCTL_FILE "/etc/sysctl.d/90-galen.conf"

static const double use_warn = 0.75, use_fail = 0.95;

struct judging {
    struct adviser *a;
    struct source *source;
    int64_t now_ms;
    struct arena *arena;
    struct err *err;
};

static enum status read_number(struct judging *g, const struct formula *f, bool *has, double *out)
{
    *has = false;
    if (!f->expr)
        return OK;
    struct query q = {.expr = f->expr, .start_ms = g->now_ms, .end_ms = g->now_ms};
    struct result r = {0};
    enum status st = promql_eval(&q, g->source, &g->a->scratch, &r, g->err);
    for (size_t i = 0; !st && i < r.n; i++) {
        double v = r.series[i].at[0].v;
        if (isnan(v) || (*has && v <= *out))
            continue;
        *has = true;
        *out = v;
    }
    return st == INVALID ? OK : st;
}

static const char *number_text(struct arena *arena, double v)
{
    if (v >= 0x1p62) /* the kernel's "no limit" */
        return "unlimited";
    return v == floor(v) ? arena_printf(arena, "%.0f", v) : arena_printf(arena, "%.3g", v);
}

static const char *wanted_text(struct arena *arena, const struct profile_check *c)
{
    if (c->has_exactly)
        return arena_printf(arena, "= %s", number_text(arena, c->exactly));
    if (c->has_not)
        return arena_printf(arena, "not %s", number_text(arena, c->not_this));
    if (c->has_least && c->has_most)
        return arena_printf(arena, "%s..%s", number_text(arena, c->least),
                            number_text(arena, c->most));
    return c->has_least ? arena_printf(arena, ">= %s", number_text(arena, c->least))
                        : arena_printf(arena, "<= %s", number_text(arena, c->most));
}

static enum profile_result judge_value(const struct profile_check *c, double v)
{
    if (c->has_exactly)
        return v == c->exactly ? PROFILE_PASS : PROFILE_FAIL;
    if (c->has_not)
        return v == c->not_this ? PROFILE_FAIL : PROFILE_PASS;
    if (c->has_least && v < c->least)
        return PROFILE_FAIL;
    if (c->has_most && v > c->most)
        return c->has_warn && v <= c->warn ? PROFILE_WARN : PROFILE_FAIL;
    return PROFILE_PASS;
}

static enum profile_result judge_use(double share)
{
    return share > use_fail ? PROFILE_FAIL : share >= use_warn ? PROFILE_WARN : PROFILE_PASS;
}

/* What the value ought to be: the vendor's, or twice the use where that is what fails. */
static double wanted_number(const struct profile_check *c, const struct profile_row *row)
{
    if (c->has_exactly)
        return c->exactly;
    if (c->has_least && (row->number < c->least || !c->has_most))
        return row->has_share && row->share >= use_warn ? fmax(c->least, 2 * row->use_number)
                                                        : c->least;
    return c->most;
}

/* The row of another number of the same parameter that is to change, too; n_checks: it stays. */
static size_t row_of_field(const struct profile *p, const struct profile_check *c,
                           struct span field, const struct profile_row *rows)
{
    size_t i = 0;
    while (i < p->n_checks &&
           !(p->checks[i].field && strcmp(p->checks[i].parameter, c->parameter) == 0 &&
             span_is(field, p->checks[i].field) && rows[i].result != PROFILE_PASS &&
             rows[i].has_value))
        i++;
    return i;
}

/* A parameter of several numbers is set as a whole: all that fail change in one line, the others
 * stay as they are. */
static enum status sysctl_line(struct judging *g, const struct profile *p,
                               const struct profile_row *rows, size_t row, const char **out)
{
    const struct profile_check *c = &p->checks[row];
    auto_buf text = {0};
    buf_printf(&text, "%s =", c->parameter);
    for (size_t i = 0; c->field && i < RULE_FIELDS_MAX; i++) {
        bool has;
        double v;
        enum status st = read_number(g, &c->fields[i], &has, &v);
        if (st)
            return st;
        size_t other = row_of_field(p, c, parameter_field(span_of(c->parameter), i), rows);
        if (has)
            buf_printf(&text, " %.0f",
                       other < p->n_checks ? wanted_number(&p->checks[other], &rows[other]) : v);
    }
    if (!c->field)
        buf_printf(&text, " %.0f", wanted_number(c, &rows[row]));
    *out = arena_dup(g->arena, buf_text(&text));
    return OK;
}

/* After all rows have been judged. */
static enum status write_line(struct judging *g, const struct profile *p, struct profile_row *rows,
                              size_t row)
{
    const struct profile_check *c = &p->checks[row];
    struct profile_row *r = &rows[row];
    if (r->result == PROFILE_PASS || !r->has_value)
        return OK;
    r->file = c->file ? c->file : SYSCTL_FILE;
    r->line = c->line;
    return c->line || !c->parameter || c->has_not ? OK : sysctl_line(g, p, rows, row, &r->line);
}

static enum status judge_check(struct judging *g, const struct profile_check *c,
                               struct profile_row *row)
{
    *row = (struct profile_row){.name = c->name, .wanted = wanted_text(g->arena, c), .why = c->why};
    enum status st = read_number(g, &c->value, &row->has_value, &row->number);
    if (!st)
        st = read_number(g, &c->use, &row->has_use, &row->use_number);
    if (st)
        return st;
    if (!row->has_value) {
        row->result = c->optional ? PROFILE_PASS : PROFILE_UNKNOWN;
        return OK;
    }
    row->value = number_text(g->arena, row->number);
    row->result = judge_value(c, row->number);
    if (row->has_use && row->number > 0) {
        row->has_share = true;
        row->share = row->use_number / row->number;
        row->result = MAX(row->result, judge_use(row->share));
        row->use = arena_printf(g->arena, "%s (%.0f %%)", number_text(g->arena, row->use_number),
                                100 * row->share);
    }
    return OK;
}

static enum status judge_profile(struct judging *g, const struct profile *p,
                                 struct profile_report *out)
{
    *out = (struct profile_report){.name = p->name,
                                   .title = p->title,
                                   .source = p->source,
                                   .found = out->found,
                                   .n_rows = p->n_checks};
    out->rows = ARENA_ARRAY(g->arena, struct profile_row, p->n_checks);
    for (size_t i = 0; i < p->n_checks; i++) {
        enum status st = judge_check(g, &p->checks[i], &out->rows[i]);
        arena_reset(&g->a->scratch);
        if (st)
            return st;
        if (out->rows[i].result != PROFILE_UNKNOWN)
            out->result = MAX(out->result, out->rows[i].result);
    }
    for (size_t i = 0; i < p->n_checks; i++) {
        enum status st = write_line(g, p, out->rows, i);
        arena_reset(&g->a->scratch);
        if (st)
            return st;
    }
    return OK;
}

/* Does one of its processes run? */
static enum status is_found(struct judging *g, const struct profile *p, bool *found)
{
    struct query q = {
        .expr = g->a->rules->products.expr, .start_ms = g->now_ms, .end_ms = g->now_ms};
    struct result r = {0};
    enum status st = promql_eval(&q, g->source, &g->a->scratch, &r, g->err);
    *found = false;
    for (size_t i = 0; !st && i < r.n; i++) {
        struct span name = labels_get(r.series[i].labels, SPAN("process"));
        for (size_t k = 0; k < p->n_processes; k++)
            *found |= r.series[i].at[0].v > 0 && span_is(name, p->processes[k]);
    }
    arena_reset(&g->a->scratch);
    return st;
}

static enum status unknown(const struct rules *rules, const char *name, struct err *err)
{
    auto_buf names = {0};
    for (size_t i = 0; i < rules->n_profiles; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", rules->profiles[i].name);
    return err_set(err, NOT_FOUND, "there is no profile \"%s\"; there are %s", name,
                   buf_text(&names));
}

enum status advise_profiles(struct adviser *a, struct source *source, struct span instance,
                            const char *name, int64_t now_ms, struct arena *arena,
                            struct profile_report **out, size_t *n, struct err *err)
{
    struct one_host one;
    const struct rules *rules = a->rules;
    struct judging g = {a, instance.len ? one_host_face(&one, source, instance) : source, now_ms,
                        arena, err};
    *out = ARENA_ARRAY(arena, struct profile_report, rules->n_profiles);
    *n = 0;
    bool known = !name;
    for (size_t i = 0; i < rules->n_profiles; i++) {
        const struct profile *p = &rules->profiles[i];
        struct profile_report *r = &(*out)[*n];
        if (name && strcmp(name, p->name) != 0)
            continue;
        known = true;
        enum status st = is_found(&g, p, &r->found);
        if (!st && (name || r->found)) {
            st = judge_profile(&g, p, r);
            ++*n;
        }
        if (st)
            return st;
    }
    return known ? OK : unknown(rules, name, err);
}

/* ---- for programs ---- */

static void put_number(struct json *j, const char *key, bool has, double v)
{
    json_key(j, key);
    if (has)
        json_double(j, v);
    else
        json_put_null(j);
}

void profile_json(struct json *j, const struct profile_report *p)
{
    json_begin_object(j);
    json_field(j, "profile", p->name);
    json_field(j, "title", p->title);
    json_field_bool(j, "found", p->found);
    json_field(j, "result", profile_results[p->result]);
    json_field(j, "source", p->source);
    json_key(j, "checks");
    json_begin_array(j);
    for (size_t i = 0; i < p->n_rows; i++) {
        const struct profile_row *r = &p->rows[i];
        json_begin_object(j);
        json_field(j, "name", r->name);
        put_number(j, "value", r->has_value, r->number);
        json_field(j, "wanted", r->wanted);
        put_number(j, "use", r->has_use, r->use_number);
        put_number(j, "share", r->has_share, r->share);
        json_field(j, "result", profile_results[r->result]);
        json_field(j, "line", r->line);
        json_field(j, "file", r->line ? r->file : NULL);
        json_field(j, "why", r->why);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

void adviser_profiles_json(const struct adviser *a, struct json *j)
{
    json_begin_object(j);
    json_key(j, "profiles");
    json_begin_array(j);
    for (size_t i = 0; i < a->rules->n_profiles; i++) {
        const struct profile *p = &a->rules->profiles[i];
        json_begin_object(j);
        json_field(j, "profile", p->name);
        json_field(j, "title", p->title);
        json_field(j, "source", p->source);
        json_key(j, "processes");
        json_begin_array(j);
        for (size_t k = 0; k < p->n_processes; k++)
            json_text(j, p->processes[k]);
        json_end_array(j);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

enum status advise_profiles_json(struct adviser *a, struct source *source, struct span instance,
                                 int64_t now_ms, struct json *j, struct err *err)
{
    auto_arena arena = {0};
    struct profile_report *reports;
    size_t n;
    enum status st = advise_profiles(a, source, instance, NULL, now_ms, &arena, &reports, &n, err);
    if (st)
        return st;
    json_begin_object(j);
    json_key(j, "profiles");
    json_begin_array(j);
    for (size_t i = 0; i < n; i++)
        profile_json(j, &reports[i]);
    json_end_array(j);
    json_end_object(j);
    return OK;
}
