/* Selecting in a block with and without its table of names. */
#include "fixture.h"

#include "store/embedded/block_file.h"
#include "store/embedded/names.h"

#include <stdio.h>

enum { SERIES = 50, NAMES = 12, HOSTS = 40 };

/* A block of random hosts, opened twice: one of them is never asked for its names. */
struct pair_of_blocks {
    char dir[64];
    struct block *plain, *named;
};

/* All the series that a host may have, in the order in which a block wants them. */
static size_t pool_fill(struct arena *a, bool nameless, struct labels *out)
{
    char text[64];
    size_t n = 0;
    if (nameless)
        out[n++] = labels_of(a, "m1{A=\"before\"}");
    for (int i = 0; i < NAMES; i++)
        for (int k = 0; k < 4; k++) {
            snprintf(text, sizeof text, k ? "m%c{a=\"%d\"}" : "m%c", 'a' + i, k);
            out[n++] = labels_of(a, text);
        }
    if (nameless)
        out[n++] = (struct labels){labels_of(a, "m{a=\"1\"}").at + 1, 1};
    return n;
}

static void write_host(struct block_writer *w, struct dice *d, size_t host, uint64_t which,
                       const struct labels *pool, size_t n)
{
    char instance[16] = "";
    struct dice chosen = dice_of(which);
    size_t of_ten = 1 + roll_below(&chosen, 9);
    int64_t t = NOON + (int64_t)roll_below(d, 10) * 1000;
    double v = 1;
    if (host)
        snprintf(instance, sizeof instance, "h%03zu", host);
    for (size_t i = 0; i < n; i++)
        if (roll_below(&chosen, 10) < of_ten)
            assert_ok(block_writer_add(w, span_of(instance), pool[i], &t, &v, 1, err));
}

static void pair_open(struct pair_of_blocks *p, struct dice *d)
{
    auto_arena a = {0};
    struct labels pool[SERIES];
    struct err err;
    struct block_id id = {.day = day_of(NOON), .first = 1, .last = 1};
    struct block_writer *w;
    size_t n = pool_fill(&a, roll_below(d, 2), pool), kinds = 1 + roll_below(d, HOSTS);
    bool last = roll_below(d, 2);
    snprintf(p->dir, sizeof p->dir, "/tmp/galen-names-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    assert_int_equal(block_writer_open(&disk_posix, p->dir, id, CHUNK_RECENT, 0, &w, &err), OK);
    uint64_t seed = roll(d);
    for (size_t i = 0; i < HOSTS; i++) /* nameless series with a few hosts alone */
        write_host(w, d, i, seed + roll_below(d, kinds), pool, last && i % 8 ? n - 1 : n);
    assert_int_equal(block_writer_finish(w, &p->plain, &err), OK);
    assert_non_null(p->plain);
    assert_int_equal(block_open(&disk_posix, p->plain->path, id, &p->named, &err), OK);
}

static void pair_close(struct pair_of_blocks *p)
{
    block_release(p->plain);
    block_release(p->named);
    remove_tree(p->dir);
}

static struct matcher matcher(enum matcher_kind kind, const char *name, const char *value)
{
    struct matcher m;
    assert_ok(matcher_init(&m, kind, span_of(name), span_of(value), err));
    return m;
}

static size_t random_matchers(struct dice *d, struct matcher *out)
{
    static const char *const names[] = {"ma",      "mb", "mc",     "mk", "ml", "m1",
                                        "unknown", "",   "m[a-c]", ".*", ".+", "ma|unknown|"};
    static const char *const values[] = {"", "1", "2", "3|", "nothing", ".*", "before"};
    static const char *const hosts[] = {"h001", "h01.", "", "h0.1|", "none", ".+"};
    size_t n = 0;
    if (roll_below(d, 8))
        out[n++] = matcher(MATCH_EQUAL, "__name__", names[roll_below(d, COUNT(names))]);
    if (!roll_below(d, 4))
        out[n++] = matcher((enum matcher_kind)roll_below(d, 4), "__name__",
                           names[roll_below(d, COUNT(names))]);
    if (!roll_below(d, 2))
        out[n++] = matcher((enum matcher_kind)roll_below(d, 4), roll_below(d, 4) ? "a" : "A",
                           values[roll_below(d, COUNT(values))]);
    if (!roll_below(d, 3))
        out[n++] = matcher((enum matcher_kind)roll_below(d, 4), "instance",
                           hosts[roll_below(d, COUNT(hosts))]);
    return n;
}

/* All hosts, said in a way for which nobody makes a table. */
static size_t select_plain(struct block *b, struct matcher *m, size_t n, int64_t start, int64_t end,
                           struct arena *a, struct block_match **out)
{
    m[n] = matcher(MATCH_REGEX, "instance", ".*");
    size_t found = block_select(b, m, n + 1, start, end, a, out);
    matcher_free(&m[n]);
    assert_null(b->reader->names);
    return found;
}

static size_t compare(struct pair_of_blocks *p, struct dice *d)
{
    auto_arena a = {0};
    struct matcher m[8];
    struct block_match *want, *got;
    size_t n = random_matchers(d, m);
    int64_t start = NOON + (int64_t)roll_below(d, 10) * 1000 - 3000, end = start + 5000;
    size_t want_n = select_plain(p->plain, m, n, start, end, &a, &want);
    assert_int_equal(block_select(p->named, m, n, start, end, &a, &got), want_n);
    for (size_t i = 0; i < want_n; i++) {
        assert_int_equal(got[i].at.part, want[i].at.part);
        assert_int_equal(got[i].at.place, want[i].at.place);
        assert_int_equal(got[i].hash, want[i].hash);
        assert_true(labels_eq(block_labels(p->named, got[i].at, &a),
                              block_labels(p->plain, want[i].at, &a)));
    }
    matchers_free(m, n);
    return want_n;
}

static void same_selection(void **state)
{
    (void)state;
    struct dice d = dice_of(7);
    size_t found = 0;
    for (int round = 0; round < 20; round++) {
        struct pair_of_blocks p;
        pair_open(&p, &d);
        for (int i = 0; i < 200; i++)
            found += compare(&p, &d);
        assert_non_null(p.named->reader->names);
        pair_close(&p);
    }
    assert_true(found > 10000);
}

/* Who asks for some hosts alone does not wait for the directories of all. */
static void made_when_all_hosts_are_asked(void **state)
{
    (void)state;
    auto_arena a = {0};
    struct dice d = dice_of(8);
    struct pair_of_blocks p;
    struct block_match *found;
    pair_open(&p, &d);
    struct matcher m[] = {matcher(MATCH_EQUAL, "__name__", "unknown"),
                          matcher(MATCH_EQUAL, "instance", "h001")};
    assert_int_equal(block_select(p.named, m, 2, INT64_MIN, INT64_MAX, &a, &found), 0);
    assert_null(p.named->reader->names);
    assert_int_equal(block_select(p.named, m, 1, INT64_MIN, INT64_MAX, &a, &found), 0);
    assert_non_null(p.named->reader->names);
    pair_close(&p);
}

const struct CMUnitTest names_tests[] = {
    cmocka_unit_test(same_selection),
    cmocka_unit_test(made_when_all_hosts_are_asked),
};
const size_t names_tests_n = COUNT(names_tests);
