#include "cases.h"

static void read_guards(const struct yaml *m, struct rule_case *c)
{
    const struct yaml *one = yaml_get(m, "guard"), *more = yaml_get(m, "guards");
    if (one)
        assert_ok(yaml_string(one, &c->guards[c->n_guards++], err));
    assert_true(!more || (more->kind == YAML_LIST && more->n < GUARDS_MAX));
    for (size_t i = 0; more && i < more->n; i++)
        assert_ok(yaml_string(more->items[i], &c->guards[c->n_guards++], err));
    assert_true(c->n_guards > 0);
}

size_t read_cases(struct arena *arena, struct rule_case *out)
{
    static const char *const known[] = {"rule",   "minutes", "given", "guard",
                                        "guards", "want",    NULL};
    struct yaml *root;
    assert_ok(yaml_load(GALEN_SOURCE_DIR "/tests/advise/cases.yaml", arena, &root, err));
    assert_true(root && root->kind == YAML_LIST && root->n <= CASES_MAX);
    for (size_t i = 0; i < root->n; i++) {
        struct rule_case *c = &out[i];
        const struct yaml *m = root->items[i], *want = yaml_get(m, "want");
        *c = (struct rule_case){.want = ""};
        assert_ok(yaml_known_keys(m, known, err));
        assert_ok(yaml_string(yaml_get(m, "rule"), &c->rule, err));
        assert_ok(yaml_i64(yaml_get(m, "minutes"), 1, 1600, &c->minutes, err));
        assert_ok(yaml_string(yaml_get(m, "given"), &c->given, err));
        read_guards(m, c);
        if (want)
            assert_ok(yaml_string(want, &c->want, err));
    }
    return root->n;
}

size_t read_given(struct arena *arena, const char *text, struct given *out)
{
    size_t n = 0;
    struct span rest = span_of(text), line;
    while (span_line(&rest, &line)) {
        struct span metric = {0}, labels = {0}, value = {0};
        assert_true(n < GIVEN_MAX);
        assert_true(span_word(&line, &metric) && span_word(&line, &labels) &&
                    span_word(&line, &value));
        struct given *g = &out[n++];
        *g = (struct given){.metric = arena_dup_span(arena, metric), .pace = value.at[0] == '+'};
        g->labels = span_is(labels, "-") ? "" : arena_dup_span(arena, labels);
        if ((g->gone = span_is(value, "gone")))
            continue;
        assert_true(span_double(span_from(value.at + 1, value.len - 1), &g->value));
    }
    return n;
}

void put_given(struct world *w, const struct given *g, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (g[i].gone)
            world_gone(w, g[i].metric, g[i].labels);
        else if (g[i].pace)
            world_pace(w, g[i].metric, g[i].labels, g[i].value);
        else
            world_set(w, g[i].metric, g[i].labels, g[i].value);
}

void put_lines(struct world *w, const char *text)
{
    auto_arena arena = {0};
    struct given all[GIVEN_MAX];
    put_given(w, all, read_given(&arena, text, all));
}
