/* A remote-write message into the head and the log.
 *
 * Finding the series is most of the work, so it is guessed: each series remembers which one
 * followed it the last time, and the guess is right when the label bytes are the same. Only on
 * a miss bytes are hashed, only for a series never seen labels are parsed.
 *
 * First everything is read and found, without effect; a message that is malformed anywhere
 * changes nothing. Then, host by host under the host's lock, samples go to the log's batch and
 * the head in the same order. */
#include "store/embedded/embedded.h"

#include "base/clock.h"
#include "series/remote_write.h"

#include <stdio.h>

struct entry {
    struct series *series; /* NULL: not found yet */
    struct span labels_raw;
    uint32_t first, n; /* samples */
};

struct store_writer {
    struct store *store;
    uint32_t last; /* the series with which the last message ended */
    struct entry *entries;
    struct sample *samples;
    size_t entries_n, entries_size, samples_n, samples_size, unknown;
    size_t histograms; /* native ones in the message */
    struct row row;
    struct buf late, text;
    struct arena arena;
};

struct store_writer *store_writer_open(struct store *s)
{
    struct store_writer *w = mem_zero(1, sizeof *w);
    w->store = s;
    return w;
}

void store_writer_close(struct store_writer *w)
{
    if (!w)
        return;
    row_free(&w->row);
    buf_free(&w->late);
    buf_free(&w->text);
    arena_free(&w->arena);
    free(w->entries);
    free(w->samples);
    free(w);
}

/* ---- reading the message ---- */

static struct entry *new_entry(struct store_writer *w)
{
    if (w->entries_n == w->entries_size) {
        w->entries_size = w->entries_size ? w->entries_size * 2 : 512;
        w->entries = mem_grow(w->entries, w->entries_size * sizeof *w->entries);
    }
    return &w->entries[w->entries_n++];
}

static struct sample *new_sample(struct store_writer *w)
{
    if (w->samples_n == w->samples_size) {
        w->samples_size = w->samples_size ? w->samples_size * 2 : 512;
        w->samples = mem_grow(w->samples, w->samples_size * sizeof *w->samples);
    }
    return &w->samples[w->samples_n++];
}

/* The series whose labels are these bytes, when it is the one expected, or known at all. */
static struct series *find_series(struct store_writer *w, struct series *expected,
                                  struct span labels_raw)
{
    struct head *h = &w->store->head;
    if (expected && expected->raw_len == labels_raw.len &&
        memcmp(expected->raw, labels_raw.at, labels_raw.len) == 0)
        return expected;
    uint32_t hash = raw_hash(labels_raw);
    pthread_rwlock_rdlock(&h->index_lock);
    struct series *s = head_find(h, labels_raw, hash);
    pthread_rwlock_unlock(&h->index_lock);
    return s;
}

static const char *read_samples(struct store_writer *w, struct entry *e, struct span raw)
{
    const char *fault = NULL;
    e->first = (uint32_t)w->samples_n;
    for (struct sample s; write_sample_next(&raw, &s, &fault);)
        *new_sample(w) = s;
    e->n = (uint32_t)w->samples_n - e->first;
    return fault;
}

static struct series *expected_after(struct head *h, const struct series *s)
{
    uint32_t id = s ? atomic_load_explicit(&s->next, memory_order_acquire) : 0;
    return id ? head_series(h, id) : NULL;
}

static enum status read_message(struct store_writer *w, struct span request, struct err *err)
{
    struct head *h = &w->store->head;
    struct write_reader reader = write_reader_of(request);
    struct series *before = head_series(h, w->last);
    const char *fault = NULL;
    w->entries_n = w->samples_n = w->unknown = w->histograms = 0;
    for (struct write_entry raw; !fault && write_next(&reader, &raw);) {
        w->histograms += raw.histograms;
        if (raw.histograms && !raw.samples_raw.len)
            continue;
        struct entry *e = new_entry(w);
        e->labels_raw = raw.labels_raw;
        e->series = find_series(w, expected_after(h, before), raw.labels_raw);
        w->unknown += !e->series;
        if (before && e->series &&
            atomic_load_explicit(&before->next, memory_order_relaxed) != e->series->id)
            atomic_store_explicit(&before->next, e->series->id, memory_order_release);
        before = e->series;
        fault = read_samples(w, e, raw.samples_raw);
    }
    fault = fault ? fault : reader.fault;
    if (fault)
        return err_set(err, INVALID, "entry %zu of the message: %s", w->entries_n, fault);
    return OK;
}

/* ---- new series ---- */

/* An entry that was not found, read before the index is locked. */
struct unknown {
    struct entry *entry;
    struct labels labels;
    struct span
        raw; /* canonical: label bytes in another order may still be a series that is known */
    uint32_t hash;
};

static enum status understand(struct store_writer *w, struct entry *e, struct unknown *out,
                              struct err *err)
{
    struct label_builder b;
    struct labels labels;
    b.n = 0, b.failed = false;
    enum status st = write_labels(e->labels_raw, &b, &labels, err);
    if (st)
        return st;
    w->text.max = SIZE_MAX;
    buf_clear(&w->text);
    write_labels_raw(&w->text, labels);
    struct label *at = ARENA_ARRAY(&w->arena, struct label, labels.n);
    memcpy(at, labels.at, labels.n * sizeof *at);
    struct span raw = span_eq(buf_view(&w->text), e->labels_raw)
                          ? e->labels_raw
                          : arena_span(&w->arena, buf_view(&w->text));
    *out = (struct unknown){e, {at, labels.n}, raw, raw_hash(raw)};
    return OK;
}

/* index_lock held for writing */
static void resolve(struct store *s, const struct unknown *u, size_t *created)
{
    struct entry *e = u->entry;
    e->series = head_find(&s->head, u->raw, u->hash);
    if (e->series)
        return;
    e->series = head_create(&s->head, 0, u->labels, u->raw, u->hash);
    if (!e->series)
        return;
    ++*created;
    auto_buf define = {.max = SIZE_MAX};
    define_encode(&define, e->series->id, u->raw);
    log_define(s->log, buf_view(&define));
}

static void link_entries(struct store_writer *w)
{
    struct series *before = head_series(&w->store->head, w->last);
    for (size_t i = 0; i < w->entries_n; i++) {
        struct series *s = w->entries[i].series; /* every entry has got one by now */
        if (before && s)
            atomic_store_explicit(&before->next, s->id, memory_order_release);
        before = s;
    }
}

static enum status resolve_unknown(struct store_writer *w, size_t *created, struct err *err)
{
    struct head *h = &w->store->head;
    arena_reset(&w->arena);
    struct unknown *list = ARENA_ARRAY(&w->arena, struct unknown, w->unknown);
    size_t n = 0;
    for (size_t i = 0; i < w->entries_n; i++) /* all of them are right, or none is taken */
        if (!w->entries[i].series && understand(w, &w->entries[i], &list[n++], err))
            return err_prefix(err, "entry %zu of the message", i + 1);
    enum status st = OK;
    pthread_rwlock_wrlock(&h->index_lock);
    for (size_t i = 0; !st && i < n; i++) {
        resolve(w->store, &list[i], created);
        if (!list[i].entry->series)
            st = err_set(err, FULL, "there are %d series already", HEAD_SERIES_MAX);
    }
    pthread_rwlock_unlock(&h->index_lock);
    if (!st)
        link_entries(w);
    return st;
}

/* ---- taking samples ---- */

struct taking {
    struct store_writer *w;
    int64_t oldest, newest; /* what may be taken at all */
    struct append_result *result;
};

static void refuse(struct taking *t, struct sample s, const char *why)
{
    struct append_result *r = t->result;
    if (!r->refused++)
        snprintf(r->refused_why, sizeof r->refused_why, "the sample at %lld ms %s",
                 (long long)s.t_ms, why);
}

static void refuse_histograms(const struct store_writer *w, struct append_result *r)
{
    if (w->histograms && !r->refused)
        snprintf(r->refused_why, sizeof r->refused_why,
                 "native histograms are not supported, only their classic form "
                 "(_bucket, _sum and _count)");
    r->refused += w->histograms;
}

static void taken(struct taking *t, int64_t t_ms)
{
    struct append_result *r = t->result;
    if (!r->samples++)
        r->min_t_ms = r->max_t_ms = t_ms;
    r->min_t_ms = MIN(r->min_t_ms, t_ms);
    r->max_t_ms = MAX(r->max_t_ms, t_ms);
}

static bool in_time(struct taking *t, struct sample s)
{
    if (s.t_ms > t->newest)
        refuse(t, s, "is too far in the future: is the sender's clock right?");
    else if (s.t_ms < t->oldest)
        refuse(t, s, "is older than the time for which samples are kept");
    else
        return true;
    return false;
}

/* Writes the row that has been gathered to log and head. The shard is locked. */
static void finish_row(struct taking *t, struct group *g)
{
    struct row *row = &t->w->row;
    struct store *s = t->w->store;
    if (!row->samples_n) {
        row_clear(row);
        return;
    }
    for (;;) {
        uint64_t gen = log_gen(s->log);
        if (g->gen != gen)
            g->chain = 0;
        g->gen = gen;
        if (log_put(s->log, gen, row_encode(row, gen, g->chain))) {
            g->chain++;
            row_apply(row, &s->head, gen);
            break;
        }
    }
    row_clear(row);
}

static const double *stored_value(const struct samples *stored, int64_t t)
{
    size_t low = 0, high = stored->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (stored->t[mid] < t)
            low = mid + 1;
        else
            high = mid;
    }
    return low < stored->n && stored->t[low] == t ? &stored->v[low] : NULL;
}

/* Of one series, not after its last: what is stored there already decides. */
static void take_late(struct taking *t, struct series *s, const struct sample *at, size_t n)
{
    struct store_writer *w = t->w;
    struct append_result *result = t->result;
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        first = MIN(first, at[i].t_ms);
        last = MAX(last, at[i].t_ms);
    }
    arena_reset(&w->arena);
    struct samples stored = {.arena = &w->arena};
    stored_samples(w->store, s, first, last, &stored);
    samples_sort(&stored);
    for (size_t i = 0; i < n; i++) {
        const double *there = stored_value(&stored, at[i].t_ms);
        enum late_result late;
        if (there)
            late = double_bits(*there) == double_bits(at[i].v) ? LATE_SAME : LATE_OTHER;
        else
            late = series_push_late(&w->store->head, s, at[i]);
        if (late == LATE_TAKEN) {
            late_encode(&w->late, s, at[i]);
            taken(t, at[i].t_ms);
        } else if (late == LATE_SAME) {
            result->duplicates++;
        } else {
            refuse(t, at[i], "has another value than the one stored for that time");
        }
    }
}

/* The samples of one entry: those after the series' last go into the row. */
static void take_entry(struct taking *t, const struct entry *e)
{
    struct series *s = e->series;
    struct sample *at = t->w->samples + e->first;
    size_t late = 0;
    bool begun = false;
    if (s->in_row)
        finish_row(t, s->group);
    for (size_t i = 0; i < e->n; i++) {
        if (!in_time(t, at[i]))
            continue;
        if (at[i].t_ms <= s->last_t) {
            at[late++] = at[i];
            continue;
        }
        if (!begun)
            row_add_series(&t->w->row, s);
        begun = true;
        row_add_sample(&t->w->row, at[i]);
        s->last_t = at[i].t_ms;
        taken(t, at[i].t_ms);
    }
    if (!late)
        return;
    finish_row(t, s->group); /* so that what is stored includes it */
    take_late(t, s, at, late);
}

static void finish_late(struct taking *t)
{
    struct buf *late = &t->w->late;
    struct log *l = t->w->store->log;
    while (late->len && !log_put(l, log_gen(l), buf_view(late)))
        ;
    buf_clear(late);
}

static void take_all(struct taking *t)
{
    struct store_writer *w = t->w;
    w->late.max = SIZE_MAX;
    for (size_t i = 0; i < w->entries_n;) {
        struct group *g = w->entries[i].series->group;
        pthread_mutex_lock(g->shard);
        for (; i < w->entries_n && w->entries[i].series->group == g; i++)
            take_entry(t, &w->entries[i]);
        finish_row(t, g);
        finish_late(t);
        pthread_mutex_unlock(g->shard);
    }
}

static void count(struct store *s, const struct append_result *r, int64_t mono)
{
    struct head *h = &s->head;
    s->appended += r->samples;
    if (r->duplicates)
        s->duplicates += r->duplicates;
    if (r->refused)
        s->refused += r->refused;
    if (r->samples && !h->since_ms)
        h->since_ms = mono;
    uint64_t before = atomic_fetch_add(&h->samples, r->samples), due = flush_due_at(s);
    if (before < due && before + r->samples >= due)
        store_wake(s);
}

enum status store_append(struct store_writer *w, struct span request, store_done_fn done, void *arg,
                         struct err *err)
{
    struct store *s = w->store;
    struct log_ticket ticket = {.done = done, .arg = arg};
    enum status st = log_admit(s->log, err);
    if (!st)
        st = guard_space(&s->guard, err);
    if (st)
        return st;
    if (s->head.samples > flush_due_at(s) * STORE_HEAD_FULL_TIMES)
        return err_set(err, AGAIN, "more samples wait for a block than fit into memory");
    pthread_rwlock_rdlock(&s->head.table);
    st = read_message(w, request, err);
    if (!st && w->unknown)
        st = resolve_unknown(w, &ticket.result.series_new, err);
    if (!st) {
        struct guard_times now = guard_clock(&s->guard);
        struct taking t = {w, store_oldest_ms(s, now.early), now.late + s->future_max_ms,
                           &ticket.result};
        take_all(&t);
        refuse_histograms(w, &ticket.result);
        if (w->entries_n)
            w->last = w->entries[w->entries_n - 1].series->id;
        count(s, &ticket.result, now.mono);
        log_ticket(s->log, &ticket);
    }
    pthread_rwlock_unlock(&s->head.table);
    return st;
}

/* ---- waiting ---- */

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t came;
    bool done;
    enum status status;
    struct append_result *result;
    struct err *err;
};

static void wake_waiting(void *arg, enum status status, const struct append_result *result,
                         const struct err *err)
{
    struct waiting *w = arg;
    pthread_mutex_lock(&w->lock);
    w->status = status;
    if (w->result)
        *w->result = *result;
    if (w->err && status)
        *w->err = *err;
    w->done = true;
    pthread_cond_signal(&w->came);
    pthread_mutex_unlock(&w->lock);
}

enum status store_append_wait(struct store_writer *w, struct span request,
                              struct append_result *result, struct err *err)
{
    struct waiting wait = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .result = result,
                           .err = err};
    enum status st = store_append(w, request, wake_waiting, &wait, err);
    if (st)
        return st;
    pthread_mutex_lock(&wait.lock);
    while (!wait.done)
        pthread_cond_wait(&wait.came, &wait.lock);
    pthread_mutex_unlock(&wait.lock);
    return wait.status;
}
