/* See increment.h. */
#include "series/increment_code.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "base/map.h"

#include <endian.h>

/* The labels of a series without the common field, shared by all readers that have them. */
struct shared_labels {
    size_t users, len, cut; /* cut: place of the common field + 1, or 0 */
    char bytes[];           /* cut as 4 bytes, then the labels: the key of the map */
};

struct increment_labels {
    struct map by_bytes;
    struct buf key;
};

struct increment_reader {
    struct increment_labels *labels;
    struct shared_labels **order;
    double *values;
    size_t n, size, labels_bytes;
    char *common;
    size_t common_len;
    uint64_t stream, seq;
    int64_t t_ms;
    bool begun;
    struct buf bare; /* labels of the series before, while new ones are read */
};

enum { CUT_BYTES = 4 };

struct increment_labels *increment_labels_open(void)
{
    return mem_zero(1, sizeof(struct increment_labels));
}

void increment_labels_close(struct increment_labels *l)
{
    if (!l)
        return;
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&l->by_bytes, &at));)
        free(slot->value);
    map_free(&l->by_bytes);
    buf_free(&l->key);
    free(l);
}

size_t increment_labels_count(const struct increment_labels *l)
{
    return l->by_bytes.count;
}

static struct shared_labels *labels_get_shared(struct increment_labels *l, struct span bare,
                                               size_t cut)
{
    uint32_t mark = htole32((uint32_t)cut);
    buf_clear(&l->key);
    buf_put(&l->key, &mark, CUT_BYTES);
    buf_span(&l->key, bare);
    struct shared_labels *s = map_get(&l->by_bytes, buf_view(&l->key));
    if (!s) {
        s = mem_alloc(sizeof *s + l->key.len);
        *s = (struct shared_labels){.len = bare.len, .cut = cut};
        memcpy(s->bytes, l->key.at, l->key.len);
        map_put(&l->by_bytes, span_from(s->bytes, l->key.len), s);
    }
    s->users++;
    return s;
}

static void labels_drop(struct increment_labels *l, struct shared_labels *s)
{
    if (--s->users)
        return;
    map_remove(&l->by_bytes, span_from(s->bytes, CUT_BYTES + s->len));
    free(s);
}

struct increment_reader *increment_reader_open(struct increment_labels *l)
{
    struct increment_reader *r = mem_zero(1, sizeof *r);
    r->labels = l;
    return r;
}

static void reset(struct increment_reader *r)
{
    for (size_t i = 0; i < r->n; i++)
        labels_drop(r->labels, r->order[i]);
    r->n = r->labels_bytes = 0;
    free(r->common);
    r->common = NULL;
    r->common_len = 0;
    r->begun = false;
}

void increment_reader_close(struct increment_reader *r)
{
    if (!r)
        return;
    reset(r);
    free(r->order);
    free(r->values);
    buf_free(&r->bare);
    free(r);
}

/* ---- pieces of a message ---- */

static bool cut_varint(struct span *rest, uint64_t *out)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < 10 && i < rest->len; i++) {
        uint64_t byte = (unsigned char)rest->at[i];
        n |= (byte & 0x7f) << (7 * i);
        if (byte >= 0x80)
            continue;
        *rest = span_from(rest->at + i + 1, rest->len - i - 1);
        *out = n;
        return i < 9 || byte <= 1;
    }
    return false;
}

static bool cut_bytes(struct span *rest, uint64_t n, struct span *out)
{
    if (n > rest->len)
        return false;
    *out = span_from(rest->at, (size_t)n);
    *rest = span_from(rest->at + n, rest->len - (size_t)n);
    return true;
}

static bool cut_sized(struct span *rest, size_t max, struct span *out)
{
    uint64_t n;
    return cut_varint(rest, &n) && n <= max && cut_bytes(rest, n, out);
}

static void grow(struct increment_reader *r)
{
    if (r->n < r->size)
        return;
    r->size = r->size ? 2 * r->size : 128;
    r->order = mem_grow(r->order, r->size * sizeof(struct shared_labels *));
    r->values = mem_grow(r->values, r->size * sizeof *r->values);
}

static bool read_new(struct increment_reader *r, struct span *rest)
{
    uint64_t n, same, cut;
    struct span more;
    if (!cut_varint(rest, &n) || n > INCREMENT_SERIES_MAX || r->n + n > INCREMENT_SERIES_MAX)
        return false;
    buf_clear(&r->bare);
    for (; n; n--) {
        if (!cut_varint(rest, &same) || same > r->bare.len ||
            !cut_sized(rest, INCREMENT_LABELS_MAX_BYTES - (size_t)same, &more) ||
            !cut_varint(rest, &cut))
            return false;
        r->bare.len = (size_t)same;
        buf_span(&r->bare, more);
        r->labels_bytes += r->bare.len;
        if (cut > r->bare.len + 1 || (cut && !r->common_len) ||
            r->labels_bytes > INCREMENT_ALL_MAX_BYTES)
            return false;
        grow(r);
        r->order[r->n] = labels_get_shared(r->labels, buf_view(&r->bare), (size_t)cut);
        r->values[r->n++] = 0;
    }
    return true;
}

static bool read_value(struct span *rest, double *v)
{
    uint64_t code, bits;
    struct span raw;
    if (!cut_varint(rest, &code))
        return false;
    unsigned scale = code & 3;
    if (scale == SCALE_RAW) {
        if (code != SCALE_RAW || !cut_bytes(rest, sizeof bits, &raw))
            return false;
        memcpy(&bits, raw.at, sizeof bits);
        *v = bits_double(le64toh(bits));
        return true;
    }
    int64_t n;
    if (__builtin_add_overflow(scaled(*v, scale), unzigzag(code >> 2), &n))
        return false;
    *v = (double)n / scale_of(scale);
    return true;
}

static void put_series(const struct increment_reader *r, size_t i, struct buf *raw, struct buf *out)
{
    const struct shared_labels *s = r->order[i];
    const char *bytes = s->bytes + CUT_BYTES;
    size_t head = s->cut ? s->cut - 1 : s->len;
    buf_clear(raw);
    buf_put(raw, bytes, head);
    if (s->cut) {
        buf_put(raw, r->common, r->common_len);
        buf_put(raw, bytes + head, s->len - head);
    }
    struct sample sample = {r->t_ms, r->values[i]};
    write_series_raw(out, buf_view(raw), &sample, 1);
}

static size_t count_present(const struct increment_reader *r, struct span runs, size_t *used)
{
    size_t start = runs.len, total = 0, count = 0;
    for (bool present = true; total < r->n; present = !present) {
        uint64_t n;
        if (!cut_varint(&runs, &n) || n > r->n - total || (n == 0 && total))
            return SIZE_MAX;
        total += (size_t)n;
        count += present ? (size_t)n : 0;
    }
    *used = start - runs.len;
    return count;
}

/* runs, changed and values, in one walk over the series. */
static bool read_samples(struct increment_reader *r, struct span *rest, struct buf *out)
{
    auto_buf raw = {0};
    size_t used = 0, present = count_present(r, *rest, &used);
    struct span runs, changed;
    if (present == SIZE_MAX || !cut_bytes(rest, used, &runs) ||
        !cut_bytes(rest, (present + 7) / 8, &changed))
        return false;
    uint64_t left = 0;
    bool is_present = false;
    for (size_t i = 0, bit = 0; i < r->n; i++) {
        while (left == 0) {
            if (!cut_varint(&runs, &left))
                return false;
            is_present = !is_present;
        }
        left--;
        if (!is_present)
            continue;
        bool differs = (unsigned char)changed.at[bit / 8] >> (bit % 8) & 1;
        bit++;
        if (differs && !read_value(rest, &r->values[i]))
            return false;
        put_series(r, i, &raw, out);
    }
    return true;
}

static void forget_ended(struct increment_reader *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (is_stale(r->values[i])) {
            r->labels_bytes -= r->order[i]->len;
            labels_drop(r->labels, r->order[i]);
            continue;
        }
        r->order[n] = r->order[i];
        r->values[n++] = r->values[i];
    }
    r->n = n;
}

static bool read_crc(const struct increment_reader *r, struct span rest)
{
    uint32_t crc;
    if (rest.len != sizeof crc)
        return false;
    memcpy(&crc, rest.at, sizeof crc);
    return le32toh(crc) == crc32c(0, r->values, r->n * sizeof *r->values);
}

static bool read_body(struct increment_reader *r, bool whole, struct span rest, struct buf *out)
{
    uint64_t time;
    struct span common;
    if (!cut_varint(&rest, &time) || __builtin_add_overflow(r->t_ms, unzigzag(time), &r->t_ms))
        return false;
    if (whole) {
        if (!cut_sized(&rest, INCREMENT_LABELS_MAX_BYTES, &common))
            return false;
        r->common = common.len ? mem_dup_span(common) : NULL;
        r->common_len = common.len;
    }
    return read_new(r, &rest) && read_samples(r, &rest, out) && read_crc(r, rest);
}

enum status increment_read(struct increment_reader *r, struct span bytes, struct buf *out,
                           struct err *err)
{
    size_t start = out->len;
    uint64_t kind, stream, seq;
    struct span rest = bytes;
    bool good = cut_varint(&rest, &kind) && (kind == INCREMENT_WHOLE || kind == INCREMENT_NEXT) &&
                cut_varint(&rest, &stream) && cut_varint(&rest, &seq);
    bool whole = good && kind == INCREMENT_WHOLE;
    if (good && !whole && (!r->begun || stream != r->stream || seq != r->seq)) {
        reset(r);
        return err_set(err, NOT_FOUND,
                       "the increment does not follow what came before on this connection; send "
                       "a whole message");
    }
    if (whole) {
        reset(r);
        r->stream = stream;
        r->seq = 0;
        r->t_ms = 0;
    }
    if (!good || (whole && seq != 0) || !read_body(r, whole, rest, out) || out->failed) {
        bool full = out->failed;
        out->len = start;
        reset(r);
        return full ? err_set(err, FULL, "the increment stands for more than %zu bytes", out->max)
                    : err_set(err, INVALID, "the increment is damaged");
    }
    forget_ended(r);
    r->seq++;
    r->begun = true;
    return OK;
}
