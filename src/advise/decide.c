/* Rules and classifier -> one class and one sentence.
 *
 * What a rule has found (an error counter that moved, a level held over its window) stands; the
 * classifier is asked beside it, and where it says otherwise the analysis is marked uncertain,
 * unless a rule has proof.
 * With no finding at all the classifier speaks alone only when it has been sure of the same for a
 * quarter of an hour and the host is not new: advice that names no parameter is worth little, and a
 * false one costs trust. */
#include "advise/tick.h"

static const double alone_least = 0.9;

unsigned likeliest_class(const double *p)
{
    unsigned best = 0;
    for (unsigned c = 1; c < CLASSES; c++)
        if (p[c] > p[best])
            best = c;
    return best;
}

void note_sure(struct host *h, struct analysis *a, bool one_look)
{
    unsigned model = a->has_probabilities ? likeliest_class(a->probabilities) : 0;
    if (model && a->probabilities[model] < alone_least)
        model = 0;
    if (model != h->sure_class)
        h->sure_since_ms = a->at_ms;
    h->sure_class = model;
    a->lasting = model && (one_look || a->at_ms - h->sure_since_ms >= SURE_MS);
}

static void summarise_findings(struct analysis *a, struct arena *arena)
{
    const char *all = a->findings[0].sentence;
    const char *end = strstr(all, ". ");
    int n = end ? (int)(end - all) + 1 : (int)strlen(all);
    if (a->n_findings > 1)
        a->summary = arena_printf(arena, "%.*s %zu more finding%s.", n, all, a->n_findings - 1,
                                  a->n_findings > 2 ? "s" : "");
    else
        a->summary = arena_printf(arena, "%.*s", n, all);
}

static void summarise_nothing(struct analysis *a, struct arena *arena)
{
    auto_buf out = {0};
    buf_printf(&out, "No changes needed%s: %zu checks", a->preliminary ? " so far" : "", a->checks);
    if (a->n_closest) {
        buf_printf(&out, ", closest limit %s at ", a->closest[0].title);
        format_value(&out, FORMAT_PERCENT, a->closest[0].use);
    }
    buf_str(&out, a->preliminary
                      ? ". Preliminary: the longer checks join as their ten minutes of data fill."
                      : ".");
    a->summary = arena_dup(arena, buf_text(&out));
}

static bool advises(const struct analysis *a)
{
    return a->n_findings && a->findings[0].class != 0;
}

void analysis_decide(struct analysis *a, struct arena *arena)
{
    unsigned model = a->has_probabilities ? likeliest_class(a->probabilities) : 0;
    a->class = advises(a) ? a->findings[0].class : 0;
    bool alone = !advises(a) && model != 0 && !a->preliminary && a->lasting;
    if (alone)
        a->class = model;
    bool proven = advises(a) && a->findings[0].kind == KIND_PROOF;
    a->uncertain = alone || (advises(a) && !proven && a->has_probabilities && model != a->class);
    if (alone)
        a->summary = arena_printf(arena,
                                  "%s: the classifier is %.0f %% sure of that, no rule "
                                  "names a parameter.",
                                  class_recommendations[model], 100 * a->probabilities[model]);
    else if (advises(a))
        summarise_findings(a, arena);
    else
        summarise_nothing(a, arena);
}
