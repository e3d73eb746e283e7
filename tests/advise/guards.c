/* Each condition of each shipped rule has a case: for every part of `when` a guard that takes just
 * that part away, for every part of `unless` one that brings it about, for every rule of
 * `yields_to` one in which that rule speaks; the signal is above its threshold all the while. That
 * the rule is then silent is table.c's. A new rule, or a new condition, without a case fails here.
 */
#include "cases.h"

#include <stdio.h>

enum { PARTS_MAX = 8, CONDITIONS_MAX = 1000 };

struct part {
    const char *text;
    struct expr *expr;
    bool seen;
};

struct conditions {
    const char *rule;
    struct part when[PARTS_MAX], unless[PARTS_MAX];
    size_t n_when, n_unless;
    bool yielded[RULE_YIELDS_MAX];
};

/* The length of the operator's word at p, with its on (...), when it stands outside of all
 * brackets. */
static size_t operator_at(const char *p, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(p, word, n) != 0)
        return 0;
    while (p[n] == ' ')
        n++;
    if (strncmp(p + n, "on (instance)", 13) == 0)
        n += 13;
    return n;
}

/* Parts of "a and on (instance) b and c". */
static size_t split(const char *text, const char *word, struct arena *arena, struct part *out)
{
    size_t n = 0;
    int depth = 0;
    char quote = 0;
    const char *from = text, *p = text;
    for (;; p++) {
        if (quote ? *p == quote : (*p == '"' || *p == '\''))
            quote = quote ? 0 : *p;
        if (!quote)
            depth += (strchr("([{", *p) && *p) - (strchr(")]}", *p) && *p);
        size_t skip = !quote && !depth && *p == ' ' ? operator_at(p, word) : 0;
        if (!skip && *p)
            continue;
        assert_true(n < PARTS_MAX);
        struct part *part = &out[n++];
        *part = (struct part){.text = arena_dup_span(arena, span_from(from, (size_t)(p - from)))};
        assert_ok(promql_parse(span_of(part->text), arena, &part->expr, err));
        if (!*p)
            return n;
        from = p + skip;
        p += skip - 1;
    }
}

static void read_conditions(const struct rule *r, struct arena *arena, struct conditions *out)
{
    *out = (struct conditions){.rule = arena_dup(arena, r->id)};
    if (r->when.expr)
        out->n_when = split(r->when.text, " and ", arena, out->when);
    if (r->unless.expr)
        out->n_unless = split(r->unless.text, " or ", arena, out->unless);
}

static bool holds(struct world *w, const struct part *p)
{
    double v;
    return world_value(w, p->expr, &v);
}

/* Exactly one condition stands against the rule: it has its case. */
static void note_guard(struct world *w, const struct rule *r, struct conditions *c)
{
    struct part *against = NULL;
    size_t n = 0;
    double signal;
    if (!world_value(w, r->signal.expr, &signal) || signal <= r->above)
        return;
    for (size_t i = 0; i < c->n_when; i++)
        if (!holds(w, &c->when[i])) {
            against = &c->when[i];
            n++;
        }
    for (size_t i = 0; i < c->n_unless; i++)
        if (holds(w, &c->unless[i])) {
            against = &c->unless[i];
            n++;
        }
    if (n == 1)
        against->seen = true;
    for (size_t i = 0; i < r->n_yields_to; i++)
        c->yielded[i] |= world_finding(w, r->yields_to[i]) != NULL;
}

static void look_at_case(const struct rule_case *one, struct conditions *c)
{
    for (size_t k = 0; k < one->n_guards; k++) {
        struct world w;
        world_open(&w);
        put_lines(&w, one->given);
        put_lines(&w, one->guards[k]);
        world_minutes(&w, (size_t)one->minutes);
        note_guard(&w, rule_by_id(w.adviser->rules, one->rule), c);
        world_close(&w);
    }
}

/* What was before: trends.c has the hosts that have been seen too shortly. */
static const char elsewhere[] = " offset 1";

static size_t tell_unseen(const struct rule *r, const struct conditions *c)
{
    size_t unseen = 0;
    const struct part *const parts[] = {c->when, c->unless};
    const size_t n[] = {c->n_when, c->n_unless};
    static const char *const words[] = {"when", "unless"};
    for (size_t k = 0; k < COUNT(parts); k++)
        for (size_t i = 0; i < n[k]; i++)
            if (!parts[k][i].seen && !strstr(parts[k][i].text, elsewhere)) {
                print_error("%s: no guard for its %s: %s\n", c->rule, words[k], parts[k][i].text);
                unseen++;
            }
    for (size_t i = 0; i < r->n_yields_to; i++)
        if (!c->yielded[i]) {
            print_error("%s: no guard in which %s speaks\n", c->rule, r->yields_to[i]);
            unseen++;
        }
    return unseen;
}

static void every_condition_has_a_guard(void **state UNUSED)
{
    static struct rule_case cases[CASES_MAX];
    auto_arena arena = {0};
    struct world w;
    size_t n = read_cases(&arena, cases), unseen = 0;
    world_open(&w);
    for (size_t i = 0; i < w.adviser->rules->n_rules; i++) {
        const struct rule *r = &w.adviser->rules->rules[i];
        struct conditions c;
        read_conditions(r, &arena, &c);
        bool has_case = false;
        for (size_t k = 0; k < n; k++)
            if (strcmp(cases[k].rule, r->id) == 0) {
                has_case = true;
                look_at_case(&cases[k], &c);
            }
        if (has_case) /* table.c tells of the others */
            unseen += tell_unseen(r, &c);
        for (size_t k = 0; k < c.n_when; k++)
            promql_free(c.when[k].expr);
        for (size_t k = 0; k < c.n_unless; k++)
            promql_free(c.unless[k].expr);
    }
    world_close(&w);
    assert_int_equal(unseen, 0);
}

const struct CMUnitTest guards_tests[] = {
    cmocka_unit_test(every_condition_has_a_guard),
};
const size_t guards_tests_n = COUNT(guards_tests);
