/* Model files: what TensorFlow.js computed, our forward pass computes too, in each layout; bad
 * files are refused with a sentence that names the file and the layer. */
#include "unit.h"

#include "advise/layer.h"
#include "advise/model.h"
#include "base/file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "paths.h"

static void check_vectors(const char *model_path, const char *json_path)
{
    struct model *m;
    assert_ok(model_load(model_path, &m, err));
    json_error_t why;
    json_t *root = json_load_file(json_path, JSON_DECODE_INT_AS_REAL, &why);
    assert_non_null(root);
    json_t *x = json_object_get(root, "x"), *y = json_object_get(root, "y");
    assert_true(json_array_size(x) > 0);
    for (size_t r = 0; r < json_array_size(x); r++) {
        double in[64], out[CLASSES];
        json_t *row = json_array_get(x, r);
        assert_int_equal(json_array_size(row), model_inputs(m));
        assert_int_equal(model_outputs(m), CLASSES);
        for (size_t i = 0; i < json_array_size(row); i++)
            in[i] = json_number_value(json_array_get(row, i));
        model_predict(m, in, out);
        for (size_t i = 0; i < CLASSES; i++) {
            double want = json_number_value(json_array_get(json_array_get(y, r), i));
            if (!(fabs(out[i] - want) <= 1e-5))
                fail_msg("%s row %zu class %zu: %.9g, wanted %.9g", model_path, r, i, out[i], want);
        }
    }
    json_decref(root);
    model_close(m);
}

static void reference_vectors(void **state)
{
    (void)state;
    need_hdf5();
    static const char *const models[] = {"activations", "layers",   "normalization", "seeds",
                                         "one-linear",  "one-relu", "one-softmax",   "one-sigmoid",
                                         "one-tanh",    "one-elu",  "one-selu",      "one-softplus",
                                         "one-swish",   "one-gelu"};
    static const char *const layouts[] = {"keras2", "keras2-fixed", "keras3"};
    for (size_t i = 0; i < COUNT(models); i++)
        for (size_t k = 0; k < COUNT(layouts); k++) {
            auto_arena a = {0};
            check_vectors(arena_printf(&a, KERAS_DIR "/%s-%s.h5", models[i], layouts[k]),
                          arena_printf(&a, KERAS_DIR "/%s.json", models[i]));
        }
}

static void shared_vectors(void **state)
{
    (void)state;
    need_hdf5();
    auto_arena a = {0};
    const char *model = shared_path(&a, "keras/server_health_model.h5");
    if (!model)
        skip();
    check_vectors(model, shared_path(&a, "keras/server_health_model.expected.json"));
}

#define LAYERS(inside) "{\"class_name\":\"Sequential\",\"config\":{\"layers\":[" inside "]}}"
#define LAYER(kind, config) "{\"class_name\":\"" kind "\",\"config\":{\"name\":\"mine\"" config "}}"

/* 11-64-32-4, as the project began with. */
static void seeds_network(void **state)
{
    (void)state;
    need_hdf5();
    struct model *m;
    assert_ok(model_load(KERAS_DIR "/seeds-keras3.h5", &m, err));
    size_t units[8], n = 0;
    for (size_t i = 0; i < m->n_layers; i++)
        if (m->layers[i].kind == LAYER_DENSE)
            units[n++] = m->layers[i].units;
    assert_int_equal(n, 3);
    assert_true(m->inputs == 11 && units[0] == 64 && units[1] == 32 && units[2] == 4);
    assert_null(model_features(m));
    model_close(m);
}

/* Whole files with a layer that is none of ours: the file and the layer are named. */
static void refused_layers(void **state)
{
    (void)state;
    need_hdf5();
    static const char *const kinds[] = {"LSTM", "Conv1D", "GaussianNoise", "MyLayer"};
    static const char *const names[] = {"lstm_1", "conv1d_1", "gaussiannoise_1", "mylayer_1"};
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (int keras = 2; keras <= 3; keras++) {
            auto_arena a = {0};
            struct err err = {0};
            struct model *m;
            const char *path =
                arena_printf(&a, KERAS_DIR "/refused-%s-keras%d.h5", kinds[i], keras);
            assert_int_equal(model_load(path, &m, &err), UNSUPPORTED);
            assert_null(m);
            if (!strstr(err.text, path) || !strstr(err.text, names[i]) ||
                !strstr(err.text, kinds[i]))
                fail_msg("%s: \"%s\"", path, err.text);
        }
}

/* What TensorFlow.js has no settings for, by Keras's formulas. */
static void settings_of_activations(void **state)
{
    (void)state;
    static const struct {
        const char *layer;
        double x, y;
    } cases[] = {
        {LAYER("ReLU", ",\"max_value\":6"), 7, 6},
        {LAYER("ReLU", ",\"max_value\":null"), 7, 7},
        {LAYER("ReLU", ",\"negative_slope\":0.1"), -5, -0.5},
        {LAYER("ReLU", ",\"threshold\":1"), 0.9, 0},
        {LAYER("ReLU", ",\"threshold\":1"), 1, 1},
        {LAYER("ReLU", ",\"threshold\":1,\"negative_slope\":0.5"), 0, -0.5},
        {LAYER("LeakyReLU", ",\"alpha\":0.2"), -5, -1},
        {LAYER("LeakyReLU", ",\"negative_slope\":0.4"), -5, -2},
        {LAYER("LeakyReLU", ""), -10, -3},
        {LAYER("ELU", ",\"alpha\":2"), -1, 2 * (M_E - 1) / -M_E},
        {LAYER("ELU", ""), 3, 3},
        {LAYER("ThresholdedReLU", ",\"theta\":0.5"), 0.5, 0},
        {LAYER("ThresholdedReLU", ",\"theta\":0.5"), 0.6, 0.6},
        {LAYER("Activation", ",\"activation\":\"softplus\""), 100, 100},
        {LAYER("Activation", ",\"activation\":\"sigmoid\""), -1000, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena a = {0};
        struct model *m = mem_zero(1, sizeof *m);
        const char *json = arena_printf(
            &a, "{\"class_name\":\"Sequential\",\"config\":{\"layers\":[%s]}}", cases[i].layer);
        assert_ok(keras_config(span_of(json), "f.h5", m, err));
        float x = (float)cases[i].x;
        activate(&m->layers[0], &x, 1);
        if (!(fabs((double)x - cases[i].y) < 1e-5))
            fail_msg("%s of %g: %g, wanted %g", cases[i].layer, cases[i].x, (double)x, cases[i].y);
        model_close(m);
    }
}

static void eleven_without_names(void **state)
{
    (void)state;
    need_hdf5();
    struct model *m;
    assert_ok(model_load(KERAS_DIR "/layers-keras2.h5", &m, err));
    assert_null(model_features(m));
    assert_int_equal(strlen(model_checksum(m)), 64);
    model_close(m);
}

/* Every cut and many single changed bytes of a file: an error or a model, never a crash. */
static void damaged_files(void **state)
{
    (void)state;
    need_hdf5();
    auto_buf file = {0};
    assert_ok(file_read(KERAS_DIR "/layers-keras2-fixed.h5", &file, err));
    struct model *m;
    for (size_t n = 0; n < file.len; n += 97) {
        struct err err;
        assert_int_not_equal(model_read(span_from(file.at, n), "cut.h5", &m, &err), OK);
        assert_null(m);
        assert_non_null(strstr(err.text, "cut.h5"));
    }
    assert_fails(model_read(SPAN("not a model"), "x.h5", &m, err), INVALID, "x.h5 is not an HDF5");
    assert_fails(model_load("/nonexistent/m.h5", &m, err), NOT_FOUND, "/nonexistent/m.h5");
    assert_fails(
        model_read(span_from(file.at, (size_t)MODEL_FILE_MAX_BYTES + 1), "big.h5", &m, err), FULL,
        "big.h5");
}

static void without_hdf5(void **state)
{
    (void)state;
    if (HAS_HDF5)
        skip();
    struct model *m;
    assert_fails(model_read(SPAN("x"), "m.h5", &m, err), UNSUPPORTED,
                 "m.h5: this build has no HDF5");
}

static void configurations(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum status status;
        const char *says;
    } cases[] = {
        {LAYERS(LAYER("Dense", ",\"units\":4")), OK, ""},
        {LAYERS(LAYER("Dense", ",\"units\":4096")), OK, ""},
        {"{\"class_name\":\"Sequential\",\"config\":[" LAYER("Dense", ",\"units\":4") "]}", OK, ""},
        {LAYERS(LAYER("Dense", ",\"units\":4,\"activation\":null")), OK, ""},
        {LAYERS(LAYER("Softmax", ",\"axis\":-1")), OK, ""},
        {LAYERS(LAYER("Normalization", ",\"mean\":[1,2],\"variance\":[1,2]")), OK, ""},
        {"{", INVALID, "model_config is not JSON"},
        {"{}", INVALID, "no class_name"},
        {LAYERS(""), INVALID, "without layers"},
        {"{\"class_name\":\"Functional\",\"config\":{\"layers\":[]}}", UNSUPPORTED, "Functional"},
        {LAYERS(LAYER("Conv2D", "")), UNSUPPORTED, "layer \"mine\" is a Conv2D"},
        {LAYERS(LAYER("Lambda", "")), UNSUPPORTED, "layer \"mine\" is a Lambda"},
        {LAYERS("{\"class_name\":\"Dense\",\"config\":{}}"), INVALID, "without class_name or name"},
        {LAYERS(LAYER("Dense", ",\"units\":0")), INVALID, "layer \"mine\" has 0 units"},
        {LAYERS(LAYER("Dense", ",\"units\":4097")), INVALID, "4097 units"},
        {LAYERS(LAYER("Dense", ",\"units\":4,\"activation\":\"mystery\"")), UNSUPPORTED,
         "the activation \"mystery\""},
        {LAYERS(LAYER("Softmax", ",\"axis\":0")), UNSUPPORTED, "another axis"},
        {LAYERS(LAYER("Normalization", ",\"mean\":[1]")), INVALID, "only one of mean"},
        {LAYERS(LAYER("Normalization", ",\"mean\":[\"a\"],\"variance\":[1]")), INVALID, "numbers"},
        {LAYERS(LAYER("InputLayer", ",\"batch_input_shape\":[null,4,4]")), UNSUPPORTED, "one row"},
        {LAYERS(LAYER("InputLayer", ",\"batch_shape\":[null,4097]")), UNSUPPORTED, "1..4096"},
        {LAYERS(LAYER("Dense", ",\"units\":4,\"batch_input_shape\":[null,3],"
                               "\"batch_shape\":[null,4]")),
         INVALID, "inputs are 3 in one place and 4"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct model *m = mem_zero(1, sizeof *m);
        struct err err = {0};
        enum status st = keras_config(span_of(cases[i].json), "f.h5", m, &err);
        if (st != cases[i].status || !strstr(err.text, cases[i].says))
            fail_msg("%s: status %d \"%s\", wanted \"%s\"", cases[i].json, (int)st, err.text,
                     cases[i].says);
        if (st)
            assert_non_null(strstr(err.text, "f.h5"));
        model_close(m);
    }
}

static void too_many_layers(void **state)
{
    (void)state;
    for (int extra = 0; extra <= 1; extra++) {
        auto_buf json = {0};
        buf_str(&json, "{\"class_name\":\"Sequential\",\"config\":[");
        for (int i = 0; i < MODEL_LAYERS_MAX + extra; i++)
            buf_printf(&json, "%s" LAYER("Dropout", ""), i ? "," : "");
        buf_str(&json, "]}");
        struct model *m = mem_zero(1, sizeof *m);
        assert_int_equal(keras_config(buf_view(&json), "f.h5", m, NULL), extra ? FULL : OK);
        model_close(m);
    }
}

const struct CMUnitTest keras_tests[] = {
    cmocka_unit_test(reference_vectors),    cmocka_unit_test(shared_vectors),
    cmocka_unit_test(eleven_without_names), cmocka_unit_test(damaged_files),
    cmocka_unit_test(without_hdf5),         cmocka_unit_test(configurations),
    cmocka_unit_test(too_many_layers),      cmocka_unit_test(seeds_network),
    cmocka_unit_test(refused_layers),       cmocka_unit_test(settings_of_activations),
};
const size_t keras_tests_n = COUNT(keras_tests);
