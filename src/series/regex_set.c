#include "series/regex_set.h"

#include <limits.h>
#include <stdlib.h>

#define GAP_ANY '\xfe'  /* .* */
#define GAP_SOME '\xff' /* .+ */

enum { CLASS_RUNES_MAX = 32 };

/* A set under construction. n == 0 means: this is no set. */
struct texts {
    struct span *at;
    size_t n;
};

static struct texts one(struct arena *a, struct span text)
{
    struct span *at = arena_alloc(a, sizeof *at);
    *at = text;
    return (struct texts){at, 1};
}

static struct texts unite(struct arena *a, struct texts x, struct texts y)
{
    if (!x.n || !y.n || x.n + y.n > REGEX_SET_MAX)
        return (struct texts){0};
    x.at = arena_grow(a, x.at, x.n * sizeof *x.at, (x.n + y.n) * sizeof *x.at);
    memcpy(x.at + x.n, y.at, y.n * sizeof *y.at);
    x.n += y.n;
    return x;
}

static size_t bytes_of(struct texts t)
{
    size_t bytes = 0;
    for (size_t i = 0; i < t.n; i++)
        bytes += t.at[i].len;
    return bytes;
}

/* Every text of x followed by every text of y. */
static struct texts multiply(struct arena *a, struct texts x, struct texts y)
{
    if (!x.n || !y.n || x.n * y.n > REGEX_SET_MAX ||
        bytes_of(x) * y.n + bytes_of(y) * x.n > REGEX_SET_MAX_BYTES)
        return (struct texts){0};
    struct texts all = {arena_alloc(a, x.n * y.n * sizeof *all.at), 0};
    for (size_t i = 0; i < x.n; i++) {
        for (size_t k = 0; k < y.n; k++) {
            size_t len = x.at[i].len + y.at[k].len;
            char *text = arena_alloc(a, len);
            if (x.at[i].len)
                memcpy(text, x.at[i].at, x.at[i].len);
            if (y.at[k].len)
                memcpy(text + x.at[i].len, y.at[k].at, y.at[k].len);
            all.at[all.n++] = span_from(text, len);
        }
    }
    return all;
}

static struct texts texts_of_class(const struct regex_node *node, struct arena *a)
{
    struct texts all = {0};
    size_t runes = 0;
    for (size_t i = 0; i < node->n; i++) {
        if (node->ranges[i].high >= 0x80)
            return (struct texts){0};
        runes += node->ranges[i].high - node->ranges[i].low + 1;
    }
    if (node->negated || node->fold || node->text.len || runes > CLASS_RUNES_MAX)
        return (struct texts){0};
    for (size_t i = 0; i < node->n; i++) {
        for (uint32_t rune = node->ranges[i].low; rune <= node->ranges[i].high; rune++) {
            char *text = arena_alloc(a, 1);
            *text = (char)rune;
            struct texts next = one(a, span_from(text, 1));
            all = all.n ? unite(a, all, next) : next;
        }
    }
    return all;
}

static struct texts texts_of(const struct regex_node *node, struct arena *a);

static struct texts texts_of_repeat(const struct regex_node *node, struct arena *a)
{
    const struct regex_node *inner = node->items[0];
    if (node->min == 0 && node->max == 1)
        return unite(a, one(a, SPAN("")), texts_of(inner, a));
    if (inner->kind == REGEX_ANY && node->min <= 1 && node->max == UINT_MAX)
        return one(a, node->min ? SPAN("\xff") : SPAN("\xfe"));
    return (struct texts){0};
}

static struct texts texts_of(const struct regex_node *node, struct arena *a)
{
    struct texts all = one(a, SPAN(""));
    switch (node->kind) {
    case REGEX_LITERAL:
        return node->fold ? (struct texts){0} : one(a, node->text);
    case REGEX_CLASS:
        return texts_of_class(node, a);
    case REGEX_GROUP:
        return texts_of(node->items[0], a);
    case REGEX_REPEAT:
        return texts_of_repeat(node, a);
    case REGEX_CONCAT:
        for (size_t i = 0; i < node->n && all.n; i++)
            all = multiply(a, all, texts_of(node->items[i], a));
        return all;
    case REGEX_ALTERNATE:
        all = texts_of(node->items[0], a);
        for (size_t i = 1; i < node->n && all.n; i++)
            all = unite(a, all, texts_of(node->items[i], a));
        return all;
    default:
        return (struct texts){0};
    }
}

static bool is_gap(char c)
{
    return c == GAP_ANY || c == GAP_SOME;
}

/* Length of the text before the first gap. */
static size_t literal_len(struct span glob)
{
    size_t n = 0;
    while (n < glob.len && !is_gap(glob.at[n]))
        n++;
    return n;
}

/* Two .+ beside each other ask for two characters, which bytes cannot tell. */
static bool counts_characters(struct span glob)
{
    bool some = false;
    for (size_t i = 0; i < glob.len; i++) {
        if (glob.at[i] == GAP_SOME && some)
            return true;
        some = is_gap(glob.at[i]) && (some || glob.at[i] == GAP_SOME);
    }
    return false;
}

static int compare_spans(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

/* The whole is anchored: ^ in front and $ at the end say nothing new. */
static struct regex_node without_anchors(const struct regex_node *node)
{
    struct regex_node inner = *node;
    if (inner.kind != REGEX_CONCAT)
        return inner;
    if (inner.n && inner.items[0]->kind == REGEX_ASSERT && span_is(inner.items[0]->text, "\\A")) {
        inner.items++;
        inner.n--;
    }
    if (inner.n && inner.items[inner.n - 1]->kind == REGEX_ASSERT &&
        span_is(inner.items[inner.n - 1]->text, "\\z"))
        inner.n--;
    return inner;
}

void regex_set_of(const struct regex_node *node, struct arena *arena, struct regex_set *out)
{
    *out = (struct regex_set){0};
    auto_arena scratch = {0};
    struct regex_node inner = without_anchors(node);
    struct texts all = texts_of(&inner, &scratch);
    bool globs = false;
    for (size_t i = 0; i < all.n; i++) {
        globs |= literal_len(all.at[i]) < all.at[i].len;
        if (counts_characters(all.at[i]))
            return;
    }
    if (!all.n || (globs && all.n > REGEX_GLOBS_MAX))
        return;
    qsort(all.at, all.n, sizeof *all.at, compare_spans);
    out->at = ARENA_ARRAY(arena, struct span, all.n);
    out->globs = globs;
    for (size_t i = 0; i < all.n; i++)
        if (!out->n || !span_eq(all.at[i], out->at[out->n - 1]))
            out->at[out->n++] = arena_span(arena, all.at[i]);
}

static struct span after(struct span s, size_t n)
{
    return span_from(s.at + n, s.len - n);
}

static bool glob_match(struct span glob, struct span text)
{
    size_t head = literal_len(glob);
    if (!span_starts(text, span_from(glob.at, head)))
        return false;
    text = after(text, head);
    glob = after(glob, head);
    while (glob.len) {
        size_t need = 0; /* characters that the gap must hold; bytes do as well for one */
        while (glob.len && is_gap(glob.at[0])) {
            need |= glob.at[0] == GAP_SOME;
            glob = after(glob, 1);
        }
        struct span piece = span_from(glob.at, literal_len(glob));
        if (text.len < need + piece.len)
            return false;
        if (piece.len == glob.len)
            return span_ends(text, piece);
        const char *hit = memmem(text.at + need, text.len - need, piece.at, piece.len);
        if (!hit)
            return false;
        text = after(text, (size_t)(hit - text.at) + piece.len);
        glob = after(glob, piece.len);
    }
    return text.len == 0;
}

bool regex_set_match(const struct regex_set *set, struct span text)
{
    if (!set->globs)
        return bsearch(&text, set->at, set->n, sizeof *set->at, compare_spans) != NULL;
    for (size_t i = 0; i < set->n; i++)
        if (glob_match(set->at[i], text))
            return true;
    return false;
}

struct span regex_set_prefix(const struct regex_set *set)
{
    /* Sorted, so first and last differ soonest; a gap's byte sorts behind all others. */
    struct span first = set->at[0], last = set->at[set->n - 1];
    size_t n = 0, most = MIN(literal_len(first), literal_len(last));
    while (n < most && first.at[n] == last.at[n])
        n++;
    return span_from(first.at, n);
}
