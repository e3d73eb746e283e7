/* struct model -> the HDF5 file that Keras 2's model.save("x.h5") would have written (see
 * keras_read.c for the layout): TensorFlow, Keras 3 and TensorFlow.js's tools load it. Only what
 * train.c makes can be written: BatchNormalization and Dense layers. The same model gives the
 * same bytes: no times are stored. */
#include "advise/hdf5_in.h"
#include "advise/layer.h"

#include "base/file.h"
#include "base/json.h"

struct writer {
    struct err *err;
    bool failed;
};

static hid_t text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size ? size : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    return type;
}

static void write_attribute(struct writer *w, hid_t object, const char *name, hid_t type,
                            hid_t shape, const void *data)
{
    auto_h5 attribute = H5Acreate2(object, name, type, shape, H5P_DEFAULT, H5P_DEFAULT);
    w->failed |= attribute < 0 || H5Awrite(attribute, type, data) < 0;
}

static void write_text(struct writer *w, hid_t object, const char *name, struct span text)
{
    auto_h5 type = text_type(text.len);
    auto_h5 shape = H5Screate(H5S_SCALAR);
    write_attribute(w, object, name, type, shape, text.at);
}

static void write_texts(struct writer *w, hid_t object, const char *name, const char *const *texts,
                        size_t n)
{
    size_t size = 1;
    for (size_t i = 0; i < n; i++)
        size = MAX(size, strlen(texts[i]));
    auto_free char *raw = mem_zero(n, size);
    for (size_t i = 0; i < n; i++)
        memcpy(raw + i * size, texts[i], strlen(texts[i]));
    hsize_t count = n;
    auto_h5 type = text_type(size);
    auto_h5 shape = H5Screate_simple(1, &count, NULL);
    write_attribute(w, object, name, type, shape, raw);
}

static void write_floats(struct writer *w, hid_t group, const char *path, const float *x,
                         size_t rows, size_t columns)
{
    hsize_t matrix[2] = {rows, columns}, *dims = rows ? matrix : matrix + 1;
    auto_h5 shape = H5Screate_simple(rows ? 2 : 1, dims, NULL);
    auto_h5 links = H5Pcreate(H5P_LINK_CREATE);
    auto_h5 how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    H5Pset_obj_track_times(how, false);
    auto_h5 data = H5Dcreate2(group, path, H5T_IEEE_F32LE, shape, links, how, H5P_DEFAULT);
    w->failed |= data < 0 || H5Dwrite(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) < 0;
}

static void json_name(struct json *j, const struct layer *l)
{
    json_field(j, "name", l->name);
    json_field_bool(j, "trainable", true);
    json_field(j, "dtype", "float32");
}

static void json_initializer(struct json *j, const char *key, const char *class_name)
{
    json_key(j, key);
    json_begin_object(j);
    json_field(j, "class_name", class_name);
    json_key(j, "config");
    json_begin_object(j);
    json_end_object(j);
    json_end_object(j);
}

static void json_layer(struct json *j, const struct layer *l)
{
    bool dense = l->kind == LAYER_DENSE;
    json_begin_object(j);
    json_field(j, "class_name", dense ? "Dense" : "BatchNormalization");
    json_key(j, "config");
    json_begin_object(j);
    json_name(j, l);
    if (dense) {
        json_field_i64(j, "units", (int64_t)l->units);
        json_field(j, "activation", activation_name(l->activation));
        json_field_bool(j, "use_bias", l->bias != NULL);
        json_initializer(j, "kernel_initializer", "GlorotUniform");
        json_initializer(j, "bias_initializer", "Zeros");
    } else {
        json_field_i64(j, "axis", -1);
        json_field_double(j, "momentum", 0.99);
        json_field_double(j, "epsilon", l->epsilon);
        json_field_bool(j, "center", true);
        json_field_bool(j, "scale", true);
        json_initializer(j, "gamma_initializer", "Ones");
        json_initializer(j, "beta_initializer", "Zeros");
        json_initializer(j, "moving_mean_initializer", "Zeros");
        json_initializer(j, "moving_variance_initializer", "Ones");
    }
    json_end_object(j);
    json_end_object(j);
}

static void json_input(struct json *j, size_t inputs)
{
    json_begin_object(j);
    json_field(j, "class_name", "InputLayer");
    json_key(j, "config");
    json_begin_object(j);
    json_key(j, "batch_input_shape");
    json_begin_array(j);
    json_put_null(j);
    json_u64(j, inputs);
    json_end_array(j);
    json_field(j, "dtype", "float32");
    json_field_bool(j, "sparse", false);
    json_field_bool(j, "ragged", false);
    json_field(j, "name", "signals");
    json_end_object(j);
    json_end_object(j);
}

static void json_config(struct buf *out, const struct model *m)
{
    struct json j = json_to(out);
    json_begin_object(&j);
    json_field(&j, "class_name", "Sequential");
    json_key(&j, "config");
    json_begin_object(&j);
    json_field(&j, "name", "galen");
    json_key(&j, "layers");
    json_begin_array(&j);
    json_input(&j, m->inputs);
    for (size_t i = 0; i < m->n_layers; i++)
        json_layer(&j, &m->layers[i]);
    json_end_array(&j);
    json_end_object(&j);
    json_end_object(&j);
}

static void write_layer(struct writer *w, hid_t weights, const struct layer *l)
{
    static const char *const dense[] = {"kernel", "bias"};
    static const char *const norm[] = {"gamma", "beta", "moving_mean", "moving_variance"};
    const float *data[4] = {l->gamma, l->shift, l->mean, l->variance};
    const char *const *what = norm;
    size_t n = 4;
    if (l->kind == LAYER_DENSE) {
        what = dense;
        n = l->bias ? 2 : 1;
        data[0] = l->kernel;
        data[1] = l->bias;
    }
    auto_h5 group = H5Gcreate2(weights, l->name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    auto_arena names = {0};
    const char *paths[4];
    for (size_t i = 0; i < n; i++)
        paths[i] = arena_printf(&names, "%s/%s:0", l->name, what[i]);
    write_texts(w, group, "weight_names", paths, n);
    for (size_t i = 0; i < n; i++)
        write_floats(w, group, paths[i], data[i], what[i] == dense[0] ? l->inputs : 0, l->units);
}

static void write_features(struct writer *w, hid_t file, const struct model *m)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    json_begin_array(&j);
    for (size_t i = 0; i < m->inputs; i++)
        json_text(&j, m->features[i]);
    json_end_array(&j);
    write_text(w, file, "galen_features", buf_view(&text));
}

static void write_model(struct writer *w, hid_t file, const struct model *m)
{
    auto_buf config = {0};
    json_config(&config, m);
    write_text(w, file, "model_config", buf_view(&config));
    if (m->features)
        write_features(w, file, m);
    auto_h5 weights = H5Gcreate2(file, "model_weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const char *names[MODEL_LAYERS_MAX];
    for (size_t i = 0; i < m->n_layers; i++)
        names[i] = m->layers[i].name;
    /* On both the root and the group: the one for whole models, the other for weights alone. */
    hid_t places[] = {file, weights};
    for (size_t i = 0; i < COUNT(places); i++) {
        write_text(w, places[i], "keras_version", SPAN("2.15.0"));
        write_text(w, places[i], "backend", SPAN("tensorflow"));
    }
    write_texts(w, weights, "layer_names", names, m->n_layers);
    for (size_t i = 0; i < m->n_layers; i++)
        write_layer(w, weights, &m->layers[i]);
}

static bool writable(const struct model *m)
{
    for (size_t i = 0; i < m->n_layers; i++)
        if (m->layers[i].kind != LAYER_DENSE && m->layers[i].source != SOURCE_BATCH_NORM)
            return false;
    return true;
}

/* The finished file as bytes. */
static enum status file_image(const struct model *m, struct buf *out, struct err *err)
{
    struct h5_file f = {.name = "model", .err = err};
    h5_start(&f);
    auto_h5 access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 64 << 10, false);
    f.id = H5Fcreate("/dev/null/model", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    struct writer w = {.err = err, .failed = f.id < 0};
    if (!w.failed)
        write_model(&w, f.id, m);
    ssize_t size =
        w.failed || H5Fflush(f.id, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(f.id, NULL, 0);
    char *to = size > 0 ? buf_reserve(out, (size_t)size) : NULL;
    if (!to || H5Fget_file_image(f.id, to, (size_t)size) != size)
        w.failed = true;
    else
        out->len += (size_t)size;
    h5_close(&f);
    return w.failed ? err_set(err, IO_FAILED, "the model cannot be written as HDF5") : OK;
}

enum status model_save(const struct model *m, const char *path, struct err *err)
{
    if (!writable(m))
        return err_set(err, UNSUPPORTED, "only Dense and BatchNormalization layers can be written");
    auto_buf image = {.max = MODEL_FILE_MAX_BYTES};
    enum status st = file_image(m, &image, err);
    return st ? st : file_write_atomic(path, buf_view(&image), 0644, err);
}
