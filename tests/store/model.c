/* Random operations on a store and on a naive list of samples: whatever the order of appends,
 * late ones, duplicates, conflicts, crashes, restarts, flushes, compactions and deletions, both
 * answer the same. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum { MODEL_SERIES = 24, MODEL_STEPS = 400 };

struct model {
    struct sample *at[MODEL_SERIES]; /* ascending */
    size_t n[MODEL_SERIES];
};

static const char *series_name(size_t i, char text[96])
{
    snprintf(text, 96, "m%zu{instance=\"h%zu\",place=\"%c\"}", i % 3, i / 8, (char)('a' + i % 8));
    return text;
}

/* What the store must say about a sample: 1 taken, 0 duplicate, -1 refused. */
static int model_put(struct model *m, size_t i, struct sample s)
{
    size_t at = m->n[i];
    while (at && m->at[i][at - 1].t_ms > s.t_ms)
        at--;
    if (at && m->at[i][at - 1].t_ms == s.t_ms)
        return double_bits(m->at[i][at - 1].v) == double_bits(s.v) ? 0 : -1;
    m->at[i] = mem_grow(m->at[i], (m->n[i] + 1) * sizeof s);
    memmove(m->at[i] + at + 1, m->at[i] + at, (m->n[i] - at) * sizeof s);
    m->at[i][at] = s;
    m->n[i]++;
    return 1;
}

static void model_delete(struct model *m, size_t host, int64_t start, int64_t end)
{
    for (size_t i = host * 8; i < MIN((host + 1) * 8, (size_t)MODEL_SERIES); i++) {
        size_t kept = 0;
        for (size_t k = 0; k < m->n[i]; k++)
            if (m->at[i][k].t_ms < start || m->at[i][k].t_ms > end)
                m->at[i][kept++] = m->at[i][k];
        m->n[i] = kept;
    }
}

static int64_t random_time(struct dice *d, int64_t at)
{
    switch (roll_below(d, 8)) {
    case 0: /* some hours ago */
        return at - (int64_t)roll_below(d, 4 * 3600) * 1000;
    case 1: /* days ago */
        return at - (int64_t)roll_below(d, 5) * DAY_MS - (int64_t)roll_below(d, 100) * 1000;
    case 2: /* a little earlier */
        return at - (int64_t)roll_below(d, 10) * 1000;
    default:
        return at;
    }
}

/* One request: some series, one time for most of them. */
static void append_some(struct fixture *f, struct model *m, struct dice *d, int64_t at)
{
    auto_buf message = {0};
    size_t from = roll_below(d, MODEL_SERIES), n = 1 + roll_below(d, 12);
    size_t taken = 0, same = 0, refused = 0;
    for (size_t k = 0; k < n; k++) {
        size_t i = (from + k) % MODEL_SERIES, count = roll_below(d, 6) ? 1 : roll_below(d, 40);
        struct sample s[40];
        double v[40];
        char name[96];
        random_values(d, v, COUNT(v));
        int64_t t = roll_below(d, 4) ? at : random_time(d, at);
        for (size_t c = 0; c < count; c++) {
            s[c] = (struct sample){t + (int64_t)c * 1000, v[c]};
            int result = model_put(m, i, s[c]);
            taken += result == 1;
            same += result == 0;
            refused += result == -1;
        }
        message_add(&message, series_name(i, name), s, count);
        if (roll_below(d, 10))
            continue;
        message_add(&message, name, s, count); /* the same again in the same message */
        for (size_t c = 0; c < count; c++) {
            int result = model_put(m, i, s[c]);
            same += result == 0;
            refused += result == -1;
        }
    }
    struct append_result r;
    assert_ok(store_append_wait(f->writer, buf_view(&message), &r, err));
    if (r.samples != taken || r.duplicates != same || r.refused != refused)
        fail_msg("%zu taken, %zu duplicates, %zu refused; not %zu, %zu, %zu (%s)", r.samples,
                 r.duplicates, r.refused, taken, same, refused, r.refused_why);
}

static void delete_some(struct fixture *f, struct model *m, struct dice *d, int64_t at)
{
    size_t host = roll_below(d, 3);
    int64_t start = at - (int64_t)roll_below(d, 3 * 24 * 3600) * 1000;
    int64_t end = start + (int64_t)roll_below(d, 3 * 24 * 3600) * 1000;
    char selector[64];
    auto_arena a = {0};
    struct matcher matchers[4];
    snprintf(selector, sizeof selector, "{instance=\"h%zu\"}", host);
    size_t n = matchers_of(&a, selector, matchers);
    assert_ok(store_delete(f->store, matchers, n, start, end, err));
    matchers_free(matchers, n);
    model_delete(m, host, start, end);
}

static void compare(struct fixture *f, const struct model *m, struct dice *d, int64_t at)
{
    char name[96];
    for (size_t i = 0; i < MODEL_SERIES; i++)
        assert_samples(f, series_name(i, name), m->at[i], m->n[i]);
    for (int round = 0; round < 8; round++) { /* parts of the time */
        auto_arena a = {0};
        size_t i = roll_below(d, MODEL_SERIES), k = 0;
        int64_t start = random_time(d, at), end = start + (int64_t)roll_below(d, 600) * 1000;
        struct selected s = fixture_read(f, &a, series_name(i, name), start, end);
        for (size_t c = 0; c < m->n[i]; c++) {
            if (m->at[i][c].t_ms < start || m->at[i][c].t_ms > end)
                continue;
            if (k >= s.n || s.t_ms[k] != m->at[i][c].t_ms ||
                double_bits(s.v[k]) != double_bits(m->at[i][c].v))
                fail_msg("%s: sample %zu of a range is not there", name, k);
            k++;
        }
        assert_int_equal(k, s.n);
    }
}

static void run_model(uint64_t seed)
{
    struct fixture f;
    struct model m = {0};
    struct dice d = dice_of(seed);
    int64_t at = NOON;
    fixture_init(&f);
    f.tuning.flush_samples = seed % 2 ? 1000 : 0;
    f.tuning.flush_per_series = 1;
    f.tuning.segment_bytes = seed % 3 ? 16 << 10 : 0;
    fixture_open(&f);
    for (int step = 0; step < MODEL_STEPS; step++) {
        at += 1000 * (int64_t)roll_below(&d, 120);
        fixture_now = at;
        switch (roll_below(&d, 40)) {
        case 0:
            fixture_crash(&f);
            fixture_open(&f);
            break;
        case 1:
            fixture_close(&f);
            fixture_open(&f);
            break;
        case 2:
            assert_ok(store_compact(f.store, err));
            break;
        case 3:
            assert_ok(store_maintain(f.store, err));
            break;
        case 4:
            delete_some(&f, &m, &d, at);
            break;
        default:
            append_some(&f, &m, &d, at);
        }
        if (step % 50 == 49)
            compare(&f, &m, &d, at);
    }
    assert_ok(store_compact(f.store, err));
    compare(&f, &m, &d, at);
    fixture_free(&f);
    for (size_t i = 0; i < MODEL_SERIES; i++)
        free(m.at[i]);
}

enum { ROUNDS = 6, ROUNDS_SOAK = 200 };

static void as_a_naive_model(void **state)
{
    (void)state;
    uint64_t n = fixture_soak() ? ROUNDS_SOAK : ROUNDS;
    for (uint64_t seed = 1; seed <= n; seed++)
        run_model(seed);
}

const struct CMUnitTest model_tests[] = {cmocka_unit_test(as_a_naive_model)};
const size_t model_tests_n = COUNT(model_tests);
