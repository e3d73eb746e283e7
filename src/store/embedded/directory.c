#include "store/embedded/directory.h"

#include "store/embedded/bits.h"
#include "store/embedded/index.h"

static void put_varint(struct buf *out, uint64_t v)
{
    uint8_t *at = (uint8_t *)buf_reserve(out, VARINT_MAX_BYTES);
    if (at)
        out->len += (size_t)(varint_put(at, v) - at);
}

static bool label_eq(const struct label *a, const struct label *b)
{
    return span_eq(a->name, b->name) && span_eq(a->value, b->value);
}

void directory_put(struct buf *out, struct labels before, struct labels labels)
{
    size_t same = 0;
    while (same < before.n && same < labels.n && label_eq(&before.at[same], &labels.at[same]))
        same++;
    put_varint(out, same);
    put_varint(out, labels.n - same);
    for (size_t i = same; i < labels.n; i++) {
        put_varint(out, labels.at[i].name.len);
        buf_span(out, labels.at[i].name);
        put_varint(out, labels.at[i].value.len);
        buf_span(out, labels.at[i].value);
    }
}

static bool get_text(struct bytes_in *in, struct span *out)
{
    uint64_t len = varint_get(in);
    const uint8_t *at = len <= bytes_left(in) ? bytes_get(in, (size_t)len) : NULL;
    *out = span_from(at, (size_t)len);
    return at != NULL;
}

static bool parse_series(struct directory *d, struct bytes_in *in, size_t i)
{
    uint64_t same = varint_get(in), more = varint_get(in);
    size_t before = i ? d->series[i - 1].n : 0;
    if (!in->at || same > before || more > LABELS_MAX || same + more > LABELS_MAX)
        return false;
    struct label *at = arena_alloc(&d->arena, (same + more) * sizeof *at);
    if (same)
        memcpy(at, d->series[i - 1].at, same * sizeof *at);
    for (size_t k = 0; k < more; k++)
        if (!get_text(in, &at[same + k].name) || !get_text(in, &at[same + k].value))
            return false;
    d->series[i] = (struct labels){at, same + more};
    d->hashes[i] = 0;
    d->by_name &= same + more && span_is(at[0].name, LABEL_NAME) &&
                  (!i || !d->by_name || span_compare(directory_name(d, i - 1), at[0].value) <= 0);
    for (size_t k = 0; k < same + more; k++)
        d->hashes[i] += pair_hash(at[k].name, at[k].value);
    return true;
}

struct directory *directory_parse(struct span text, size_t n)
{
    if (n > PART_MAX_SERIES)
        return NULL;
    struct directory *d = mem_zero(1, sizeof *d);
    d->holders = 1;
    d->n = n;
    d->by_name = true;
    struct span copy = arena_span(&d->arena, text);
    d->series = ARENA_ARRAY(&d->arena, struct labels, n);
    d->hashes = ARENA_ARRAY(&d->arena, uint64_t, n);
    struct bytes_in in = bytes_of(copy);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = parse_series(d, &in, i);
    d->bytes = d->arena.total_bytes + sizeof *d;
    if (ok && in.at && !bytes_left(&in))
        return d;
    directory_release(d);
    return NULL;
}

void directory_hold(struct directory *d)
{
    d->holders++;
}

void directory_release(struct directory *d)
{
    if (!d || --d->holders)
        return;
    arena_free(&d->arena);
    free(d);
}

/* The first with this name or one behind it. */
static size_t first_of(const struct directory *d, struct span name)
{
    size_t low = 0, high = d->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (span_compare(directory_name(d, mid), name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct matcher *matcher_of_name(const struct matcher *matchers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (matchers[i].kind == MATCH_EQUAL && span_is(matchers[i].name, LABEL_NAME))
            return &matchers[i];
    return NULL;
}

size_t directory_select_in(const struct directory *d, size_t first, size_t count,
                           const struct matcher *matchers, size_t n, struct arena *arena,
                           uint32_t **out)
{
    size_t found = 0;
    *out = arena_alloc(arena, count * sizeof **out);
    for (size_t i = first; i < first + count; i++)
        if (matchers_match(matchers, n, d->series[i]))
            (*out)[found++] = (uint32_t)i;
    return found;
}

size_t directory_select(const struct directory *d, const struct matcher *matchers, size_t n,
                        struct arena *arena, uint32_t **out)
{
    const struct matcher *name = d->by_name ? matcher_of_name(matchers, n) : NULL;
    size_t first = name ? first_of(d, name->value) : 0, end = d->n;
    if (name)
        for (end = first; end < d->n && span_eq(directory_name(d, end), name->value);)
            end++;
    return directory_select_in(d, first, end - first, matchers, n, arena, out);
}

size_t directory_find(const struct directory *d, struct labels labels)
{
    size_t low = 0, high = d->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (labels_compare(d->series[mid], labels) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < d->n && labels_eq(d->series[low], labels) ? low : d->n;
}
