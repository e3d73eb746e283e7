/* Training: reproducible, able to learn, and readable by others. */
#include "unit.h"

#include "advise/layer.h"
#include "advise/random.h"
#include "advise/train.h"
#include "base/file.h"

#include <math.h>
#include <stdlib.h>

#include "paths.h"
#include "world.h"

/* Four corners of a square, one class each, and a third input that means nothing and is huge. */
static struct train_set corners(struct arena *a, size_t rows)
{
    struct train_set set = {.rows = rows, .inputs = 3};
    set.x = ARENA_ARRAY(a, double, rows * 3);
    set.label = ARENA_ARRAY(a, unsigned, rows);
    struct random random = random_of(7);
    for (size_t r = 0; r < rows; r++) {
        float p = random_float(&random), q = random_float(&random);
        set.x[r * 3] = (double)p;
        set.x[r * 3 + 1] = (double)q;
        set.x[r * 3 + 2] = 9e18 + 1e12 * (double)random_float(&random);
        set.label[r] = (p > 0 ? 1U : 0U) + (q > 0 ? 2U : 0U);
    }
    static const char *const names[] = {"p", "q", "noise"};
    set.inputs_named = names;
    return set;
}

static struct train_options quick(void)
{
    struct train_options o = train_defaults();
    o.hidden[0] = 16;
    o.n_hidden = 1;
    o.epochs = 60;
    o.rate = 1e-2;
    o.decay = 1e-2;
    return o;
}

static char *folder(struct arena *a)
{
    char *path = arena_dup(a, "/tmp/galen-train-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static void learns(void **state)
{
    (void)state;
    auto_arena a = {0};
    struct train_set set = corners(&a, 600);
    struct train_options o = quick();
    double *p = ARENA_ARRAY(&a, double, set.rows *CLASSES);
    assert_ok(train_held_out(&set, &o, p, err));
    struct train_report r = train_score(p, set.label, set.rows);
    if (r.macro_f1 < 0.95 || r.ece > 0.1)
        fail_msg("macro-F1 %.3f, ECE %.3f", r.macro_f1, r.ece);
}

static void same_bits(void **state)
{
    (void)state;
    need_hdf5();
    auto_arena a = {0};
    struct train_set set = corners(&a, 100);
    struct train_options o = quick();
    o.epochs = 5;
    char *dir = folder(&a);
    struct buf files[3] = {{0}, {0}, {0}};
    for (size_t i = 0; i < 3; i++) {
        o.seed = i < 2 ? 11 : 12;
        struct model *m;
        assert_ok(train(&set, NULL, &o, &m, err));
        char *path = arena_printf(&a, "%s/m%zu.h5", dir, i);
        assert_ok(model_save(m, path, err));
        assert_ok(file_read(path, &files[i], err));
        unlink(path);
        model_close(m);
    }
    rmdir(dir);
    assert_true(span_eq(buf_view(&files[0]), buf_view(&files[1])));
    assert_false(span_eq(buf_view(&files[0]), buf_view(&files[2])));
    for (size_t i = 0; i < 3; i++)
        buf_free(&files[i]);
}

static void written_reads_back(void **state)
{
    (void)state;
    need_hdf5();
    auto_arena a = {0};
    struct train_set set = corners(&a, 50);
    struct train_options o = train_defaults();
    o.epochs = 2;
    struct model *m, *again;
    assert_ok(train(&set, NULL, &o, &m, err));
    char *dir = folder(&a), *path = arena_printf(&a, "%s/m.h5", dir);
    assert_ok(model_save(m, path, err));
    assert_ok(model_load(path, &again, err));
    unlink(path);
    rmdir(dir);
    assert_int_equal(model_inputs(again), 3);
    assert_string_equal(model_features(again)[2], "noise");
    for (size_t r = 0; r < set.rows; r++) {
        double p[CLASSES], q[CLASSES], sum = 0;
        model_predict(m, set.x + r * 3, p);
        model_predict(again, set.x + r * 3, q);
        for (size_t c = 0; c < CLASSES; c++) {
            assert_true(p[c] == q[c]);
            sum += p[c];
        }
        assert_true(fabs(sum - 1) < 1e-5);
    }
    model_close(m);
    model_close(again);
}

/* An input that was always absent (or always the same) in training says nothing later. */
static void constants_are_silent(void **state)
{
    (void)state;
    auto_arena a = {0};
    static const double always[] = {0, 1, 0.1};
    for (size_t i = 0; i < COUNT(always); i++) {
        struct train_set set = corners(&a, 40);
        struct train_options o = quick();
        struct model *m;
        o.epochs = 2;
        for (size_t r = 0; r < set.rows; r++)
            set.x[r * 3 + 2] = always[i];
        assert_ok(train(&set, NULL, &o, &m, err));
        double seen[] = {0.5, -0.5, always[i]}, other[] = {0.5, -0.5, 1000}, p[CLASSES], q[CLASSES];
        model_predict(m, seen, p);
        model_predict(m, other, q);
        assert_memory_equal(p, q, sizeof p);
        other[0] = -0.5; /* what did change does say something */
        model_predict(m, other, q);
        assert_true(memcmp(p, q, sizeof p) != 0);
        model_close(m);
    }
}

static void groups_stay_together(void **state)
{
    (void)state;
    auto_arena a = {0};
    /* The group is the only signal: a model that has not seen it cannot know. */
    struct train_set set = {.rows = 80, .inputs = 20, .groups = 20};
    set.x = ARENA_ARRAY(&a, double, 80 * 20);
    set.label = ARENA_ARRAY(&a, unsigned, 80);
    set.group = ARENA_ARRAY(&a, unsigned, 80);
    for (unsigned r = 0; r < 80; r++) {
        set.group[r] = r / 4;
        set.x[r * 20 + r / 4] = 1;
        set.label[r] = (r / 4) * 7 % 10 % CLASSES;
    }
    struct train_options o = quick();
    double p[80 * CLASSES];
    assert_ok(train_held_out(&set, &o, p, err));
    assert_true(train_score(p, set.label, 80).accuracy < 0.6);
    set.groups = 0;
    assert_ok(train_held_out(&set, &o, p, err));
    assert_true(train_score(p, set.label, 80).accuracy > 0.95);
}

static void scores(void **state)
{
    (void)state;
    static const double p[] = {1, 0, 0, 0, /**/ 0, 1, 0, 0, /**/ 0, 1, 0, 0, /**/ 0, 0, 0, 1};
    static const unsigned label[] = {0, 1, 0, 3};
    struct train_report r = train_score(p, label, 4);
    assert_int_equal(r.confusion[0][1], 1);
    assert_true(fabs(r.accuracy - 0.75) < 1e-12);
    assert_true(fabs(r.macro_f1 - (2.0 / 3 + 2.0 / 3 + 1) / 3) < 1e-12);
    assert_true(fabs(r.ece - 0.25) < 1e-12);
    auto_buf text = {0};
    train_report_print(&r, &text);
    assert_non_null(strstr(buf_text(&text), "macro-F1 0.778"));
}

static void csv_files(void **state)
{
    (void)state;
    static const struct {
        const char *csv, *group;
        enum status status;
        const char *says;
    } cases[] = {
        {"a,label,b,s\n1,none,2,x\n3,increase,,y\n", "s", OK, ""},
        {"a,label\n1,3\n", NULL, OK, ""},
        {"a,label\r\n1,0\r\n\r\n", NULL, OK, ""},
        {"", NULL, INVALID, "t.csv is empty"},
        {"a,label\n1,2,3\n", NULL, INVALID, "t.csv:2: 3 cells, the first line names 2"},
        {"a,label\n1,maybe\n", NULL, INVALID, "row 1: class \"maybe\""},
        {"a,b\n1,2\n", NULL, INVALID, "no column \"label\""},
        {"name,label\nx,none\n", NULL, INVALID, "no column of numbers"},
        {"a,label\n1,none\n", "s", INVALID, "no column \"s\" to split by"},
        {"a,label\n\"1\",none\n", NULL, INVALID, "t.csv:2: quoted"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena a = {0};
        struct train_set set;
        struct err err = {0};
        struct train_columns columns = {.label = "label", .group = cases[i].group};
        enum status st = train_set_read(span_of(cases[i].csv), "t.csv", &columns, &a, &set, &err);
        if (st != cases[i].status || !strstr(err.text, cases[i].says))
            fail_msg("case %zu: %d \"%s\"", i, (int)st, err.text);
    }
    auto_arena a = {0};
    struct train_set set;
    struct train_columns columns = {.label = "label", .group = "s"};
    assert_ok(train_set_read(span_of(cases[0].csv), "t.csv", &columns, &a, &set, err));
    assert_int_equal(set.inputs, 2);
    assert_string_equal(set.inputs_named[1], "b");
    assert_true(set.x[3] == 0 && set.x[1] == 2);
    assert_int_equal(set.groups, 2);
    static const char *const wanted[] = {"b"}, *const bad[] = {"a", "z"};
    columns.inputs = wanted;
    columns.n_inputs = 1;
    assert_ok(train_set_read(span_of(cases[0].csv), "t.csv", &columns, &a, &set, err));
    assert_true(set.inputs == 1 && set.x[0] == 2);
    columns.inputs = bad;
    columns.n_inputs = 2;
    assert_fails(train_set_read(span_of(cases[0].csv), "t.csv", &columns, &a, &set, err), INVALID,
                 "no column \"z\"");
}

static void refuses(void **state)
{
    (void)state;
    auto_arena a = {0};
    struct train_set set = corners(&a, 4);
    struct train_options o = quick();
    struct model *m;
    o.hidden[0] = MODEL_WIDTH_MAX + 1;
    assert_fails(train(&set, NULL, &o, &m, err), INVALID, "4097 units");
    o = quick();
    bool all[4] = {true, true, true, true};
    assert_fails(train(&set, all, &o, &m, err), INVALID, "no row is left");
    set.rows = 0;
    assert_fails(train(&set, NULL, &o, &m, err), INVALID, "0 rows");
}

static double named(const struct feature_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_names; i++)
        if (strcmp(t->names[i], name) == 0)
            return t->rows[i];
    fail_msg("features.yaml has no \"%s\"", name);
    return NAN;
}

/* What one process, user or group uses of a limit of its own. */
static void limits_of_one(void **state)
{
    (void)state;
    struct world w;
    auto_arena a = {0};
    struct feature_table t;
    world_open(&w);
    world_set(&w, "galen_process_descriptors", "process=db", 900);
    world_set(&w, "galen_process_descriptors_limit", "process=db", 1000);
    world_set(&w, "galen_process_descriptors", "process=web", 10);
    world_set(&w, "galen_process_descriptors_limit", "process=web", 1000);
    world_set(&w, "galen_process_maps", "process=db", 32765);
    world_set(&w, "galen_sysctl", "name=vm.max_map_count", 65530);
    world_set(&w, "galen_inotify_watches", "uid=1000", 7000);
    world_set(&w, "galen_sysctl", "name=fs.inotify.max_user_watches", 10000);
    world_set(&w, "galen_unit_pids", "unit=a.service", 80);
    world_set(&w, "galen_unit_pids_limit", "unit=a.service", 100);
    world_set(&w, "node_nf_conntrack_entries", "", 1000);
    world_set(&w, "node_netstat_Tcp_CurrEstab", "", 150);
    world_set(&w, "node_sockstat_UDP_inuse", "", 50);
    world_steps(&w, 3);
    assert_ok(advise_features(w.adviser, memory_source_face(w.source), w.now_ms, &a, &t, err));
    static const struct {
        const char *name;
        double want;
    } cases[] = {
        {"nofile_used", 0.9},
        {"nofile_used_missing", 0},
        {"maps_used", 0.5},
        {"inotify_watches_used", 0.7},
        {"group_pids_used", 0.8},
        {"inotify_instances_used", 0},
        {"inotify_instances_used_missing", 1},
        {"tables_used", 0.9},
        {"conntrack_unowned", 0.8},
        {"conntrack_unowned_missing", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (fabs(named(&t, cases[i].name) - cases[i].want) > 1e-6)
            fail_msg("%s is %g", cases[i].name, named(&t, cases[i].name));

    struct feature_query *q;
    size_t n = adviser_feature_queries(w.adviser, &a, &q);
    assert_int_equal(2 * n - ELEVEN, t.n_names);
    assert_string_equal(q[0].name, "total_memory");
    assert_false(q[0].has_bit);
    assert_true(q[ELEVEN].has_bit);
    assert_null(strchr(q[ELEVEN].expr, '$')); /* no word is left to be filled in */
    world_close(&w);
}

static void scales(void **state)
{
    (void)state;
    struct feature_query share = {.most = 1}, rate = {.log1p = true, .most = INFINITY};
    assert_true(feature_scaled(&share, 0.99) == 0.99);
    assert_true(feature_scaled(&share, 1.01) == 1);
    assert_true(fabs(feature_scaled(&rate, 9) - log(10)) < 1e-12);
    assert_true(feature_scaled(&rate, -1) == 0);
}

const struct CMUnitTest train_tests[] = {
    cmocka_unit_test(limits_of_one),
    cmocka_unit_test(scales),
    cmocka_unit_test(learns),
    cmocka_unit_test(same_bits),
    cmocka_unit_test(written_reads_back),
    cmocka_unit_test(constants_are_silent),
    cmocka_unit_test(groups_stay_together),
    cmocka_unit_test(scores),
    cmocka_unit_test(csv_files),
    cmocka_unit_test(refuses),
};
const size_t train_tests_n = COUNT(train_tests);
