/* What the seeds' collector sends: taken with and without server_id, in all forms of numbers, and
 * refused with the field's name. */
#include "world.h"

#include "base/json.h"

#include <jansson.h>
#include <string.h>

#include "paths.h"

#define PARAMETERS                                                                                 \
    "\"kernel_params\":{\"fs.file-max\":100000,\"net.ipv4.tcp_fin_timeout\":60,"                   \
    "\"kernel.msgmax\":8192,\"vm.swappiness\":60}"
#define MEMORY "\"total_memory\":16000,\"used_memory\":8000,\"total_swap\":2048,\"used_swap\":0,"
#define GOOD                                                                                       \
    "{" MEMORY "\"cpu_usage\":12.5,\"total_disk\":\"50G\",\"used_disk\":\"20G\"," PARAMETERS "}"

static struct adviser *open_adviser(const char *model)
{
    struct adviser *a;
    struct adviser_config config = {.rules_dir = GALEN_SOURCE_DIR "/rules", .model_path = model};
    assert_ok(adviser_open(&config, &a, err));
    return a;
}

static void good_ones(void **state)
{
    (void)state;
    static const struct {
        const char *json, *host;
        double total_disk, used_disk;
    } cases[] = {
        {GOOD, "", 50, 20},
        {"{\"server_id\":\"db1\"," MEMORY "\"cpu_usage\":12.5,\"total_disk\":\"1.8T\","
         "\"used_disk\":\"500M\"," PARAMETERS "}",
         "db1", 1843.2, 0.48828125},
        {"{\"server_id\":null," MEMORY "\"cpu_usage\":\"12.5\",\"total_disk\":50,\"used_disk\":20,"
         "\"extra\":[1,2]," PARAMETERS "}",
         "", 50, 20},
        {"{" MEMORY "\"cpu_usage\":0,\"total_disk\":\"50Gi\",\"used_disk\":\"20GB\"," PARAMETERS
         "}",
         "", 50, 20},
        {"{" MEMORY "\"cpu_usage\":100,\"total_disk\":\"50\",\"used_disk\":\"0\"," PARAMETERS "}",
         "", 50, 0},
    };
    struct adviser *a = open_adviser("");
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct analysis out;
        assert_ok(advise_payload(a, span_of(cases[i].json), 1800000000000, &arena, &out, err));
        assert_span(out.instance, cases[i].host);
        assert_int_equal(out.class, 0);
        assert_string_equal(class_recommendations[out.class], "No changes needed");
        const double want[ELEVEN] = {
            16000, 8000, NAN, cases[i].total_disk, cases[i].used_disk, 2048, 0, 100000,
            60,    8192, 60};
        for (size_t k = 0; k < ELEVEN; k++)
            if (!isnan(want[k]) && !(fabs(out.eleven[k] - want[k]) < 1e-6))
                fail_msg("case %zu: input %zu is %g, wanted %g", i, k, out.eleven[k], want[k]);
        assert_true(out.eleven[2] >= -0.01 && out.eleven[2] <= 100.01);
    }
    adviser_close(a);
}

static void cpu_survives(void **state)
{
    (void)state;
    struct adviser *a = open_adviser("");
    auto_arena arena = {0};
    struct analysis out;
    assert_ok(advise_payload(a, SPAN(GOOD), 1800000000000, &arena, &out, err));
    if (fabs(out.eleven[2] - 12.5) > 0.01)
        fail_msg("cpu_usage is %g", out.eleven[2]);
    adviser_close(a);
}

static void a_full_disk(void **state)
{
    (void)state;
    struct adviser *a = open_adviser("");
    auto_arena arena = {0};
    struct analysis out;
    assert_ok(advise_payload(a,
                             SPAN("{" MEMORY "\"cpu_usage\":5,\"total_disk\":\"50G\","
                                  "\"used_disk\":\"48G\"," PARAMETERS "}"),
                             1800000000000, &arena, &out, err));
    assert_int_equal(out.class, 3);
    assert_string_equal(class_recommendations[out.class], "Upgrade resources (RAM/CPU/Disk)");
    assert_string_equal(out.findings[0].rule, "IO2");
    adviser_close(a);
}

static void the_seeds_model(void **state)
{
    (void)state;
    need_hdf5();
    auto_arena arena = {0};
    const char *path = shared_path(&arena, "keras/server_health_model.h5");
    if (!path)
        skip();
    struct adviser *a = open_adviser(path);
    struct analysis out;
    assert_ok(advise_payload(a, SPAN(GOOD), 1800000000000, &arena, &out, err));
    assert_true(out.has_probabilities);
    double sum = 0;
    for (size_t c = 0; c < CLASSES; c++)
        sum += out.probabilities[c];
    assert_true(fabs(sum - 1) < 1e-5);
    adviser_close(a);
}

/* The model that is shipped takes the features that are shipped, and leaves a healthy host be. */
static void the_shipped_model(void **state)
{
    (void)state;
    need_hdf5();
    struct adviser *a = open_adviser(GALEN_SOURCE_DIR "/model/default.h5");
    auto_arena arena = {0};
    struct analysis out;
    assert_ok(advise_payload(a, SPAN(GOOD), 1800000000000, &arena, &out, err));
    assert_true(out.has_probabilities && out.probabilities[0] > 0.5);
    assert_int_equal(out.class, 0);
    assert_false(out.uncertain);
    /* Another file takes its place only when it is good. */
    assert_fails(adviser_set_model(a, GALEN_SOURCE_DIR "/meson.build", err), INVALID,
                 "is not an HDF5 file");
    assert_non_null(model_features(adviser_model(a)));
    assert_fails(adviser_set_model(a, "/nonexistent.h5", err), NOT_FOUND, "/nonexistent.h5");
    assert_non_null(adviser_model(a));
    adviser_close(a);
}

static void bad_ones(void **state)
{
    (void)state;
#define WITH(memory, cpu, disk, rest) "{" memory "\"cpu_usage\":" cpu "," disk "," rest "}"
#define DISK "\"total_disk\":\"50G\",\"used_disk\":\"20G\""
    static const struct {
        const char *json;
        const char *says;
    } cases[] = {
        {"", "not JSON"},
        {"{", "not JSON"},
        {"[]", "must be a JSON object"},
        {"{}", "total_memory is missing"},
        {"{\"total_memory\":\"a lot\"}", "total_memory must be a number"},
        {"{\"total_memory\":-1}", "total_memory must be a number, or a text such as \"50G\", of 0"},
        {"{\"total_memory\":[]}", "total_memory must be"},
        {"{\"total_memory\":1,\"total_memory\":2}", "not JSON: duplicate object key"},
        {"{\"total_memory\":10,\"used_memory\":20,\"total_swap\":0,\"used_swap\":0}",
         "used_memory is more than total_memory"},
        {"{\"total_memory\":10,\"used_memory\":2,\"total_swap\":0,\"used_swap\":1}",
         "used_swap is more than total_swap"},
        {WITH(MEMORY, "101", DISK, PARAMETERS), "cpu_usage must be a percentage"},
        {WITH(MEMORY, "\"12%\"", DISK, PARAMETERS), "cpu_usage must be a number of 0"},
        {WITH(MEMORY, "1", "\"total_disk\":\"50X\",\"used_disk\":\"20G\"", PARAMETERS),
         "total_disk must be a number, or a text such as \"50G\","},
        {WITH(MEMORY, "1", "\"total_disk\":\"G\",\"used_disk\":\"20G\"", PARAMETERS),
         "total_disk must be"},
        {WITH(MEMORY, "1", "\"total_disk\":\"50G\",\"used_disk\":\"nan\"", PARAMETERS),
         "used_disk must be"},
        {WITH(MEMORY, "1", "\"total_disk\":\"50G\",\"used_disk\":\"60G\"", PARAMETERS),
         "used_disk is more than total_disk"},
        {WITH(MEMORY, "1", DISK, "\"a\":1"), "kernel_params must be an object"},
        {WITH(MEMORY, "1", DISK, "\"kernel_params\":{}"), "kernel_params: fs.file-max is missing"},
        {"{\"server_id\":7}", "server_id must be a text"},
        {"{\"server_id\":\"\"}", "server_id must be a text of 1..255"},
    };
    struct adviser *a = open_adviser("");
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct analysis out;
        struct err err = {0};
        enum status st = advise_payload(a, span_of(cases[i].json), 1, &arena, &out, &err);
        if (st != INVALID || !strstr(err.text, cases[i].says))
            fail_msg("%s: %d \"%s\", wanted \"%s\"", cases[i].json, (int)st, err.text,
                     cases[i].says);
    }
    adviser_close(a);
}

/* What others are shown. */
static void as_json(void **state)
{
    (void)state;
    struct adviser *a = open_adviser("");
    auto_arena arena = {0};
    struct analysis out;
    assert_ok(advise_payload(a,
                             SPAN("{\"server_id\":\"db1\"," MEMORY "\"cpu_usage\":5,"
                                  "\"total_disk\":\"50G\",\"used_disk\":\"48G\"," PARAMETERS "}"),
                             1800000000000, &arena, &out, err));
    auto_buf text = {0};
    struct json j = json_to(&text);
    analysis_json(&j, &out);
    json_t *root = json_loadb(text.at, text.len, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "predicted_class")), 3);
    assert_true(json_is_null(json_object_get(root, "id")));
    assert_true(json_is_null(json_object_get(root, "probabilities")));
    json_t *finding = json_array_get(json_object_get(root, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(finding, "rule")), "IO2");
    assert_string_equal(json_string_value(json_object_get(finding, "subject")), "/");
    assert_true(json_is_null(json_object_get(finding, "parameter")));
    assert_true(json_is_array(json_object_get(finding, "evidence")));
    json_decref(root);

    buf_clear(&text);
    j = json_to(&text);
    analysis_data_json(&j, &out);
    root = json_loadb(text.at, text.len, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "total_disk")), "50G");
    assert_string_equal(json_string_value(json_object_get(root, "server_id")), "db1");
    json_decref(root);

    buf_clear(&text);
    analysis_text(&text, &out, false);
    assert_non_null(strstr(buf_text(&text), "db1: Upgrade resources (RAM/CPU/Disk)\n"));
    assert_null(strchr(buf_text(&text), '\x1b'));
    buf_clear(&text);
    analysis_text(&text, &out, true);
    assert_non_null(strstr(buf_text(&text), "\x1b[1;31m"));

    struct analysis_sample *samples;
    size_t n = analysis_series(&out, &arena, &samples);
    bool found = false;
    for (size_t i = 0; i < n; i++)
        found |= span_is(labels_metric(samples[i].labels), "galen_finding") &&
                 span_is(labels_get(samples[i].labels, SPAN("rule")), "IO2") && samples[i].v == 1;
    assert_true(found && n == 5);
    adviser_close(a);
}

const struct CMUnitTest payload_tests[] = {
    cmocka_unit_test(good_ones),         cmocka_unit_test(cpu_survives),
    cmocka_unit_test(a_full_disk),       cmocka_unit_test(the_seeds_model),
    cmocka_unit_test(the_shipped_model), cmocka_unit_test(bad_ones),
    cmocka_unit_test(as_json),
};
const size_t payload_tests_n = COUNT(payload_tests);
