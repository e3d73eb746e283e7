/* A Keras HDF5 file -> struct model. Layout (Keras 2 and, with other names, Keras 3's "legacy"
 * writer):
 *
 *   /               attributes model_config (JSON), keras_version, backend; galen_features
 *   /model_weights  attribute layer_names
 *   /model_weights/LAYER          attribute weight_names: paths below this group
 *   /model_weights/LAYER/a/kernel:0   float32 [inputs, units] */
#include "advise/hdf5_in.h"
#include "advise/layer.h"

#include <jansson.h>
#include <math.h>

/* The weights of one layer as the file has them. */
struct weights {
    struct h5_file *f;
    hid_t group;
    const struct layer *layer;
    const char **names;
    size_t n;
};

/* "a/b/kernel:0" -> "kernel" */
static struct span last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct span name = span_of(slash ? slash + 1 : path);
    name.len = span_find(name, ':');
    return name;
}

static enum status take(const struct weights *w, const char *what, size_t max, float **out,
                        size_t *rows, size_t *columns)
{
    for (size_t i = 0; i < w->n; i++)
        if (span_is(last_name(w->names[i]), what)) {
            auto_h5 dataset = 0;
            enum status st = h5_object(w->f, w->group, w->names[i], &dataset);
            return st ? st : h5_floats(w->f, dataset, w->names[i], max, out, rows, columns);
        }
    return err_set(w->f->err, INVALID, "%s: layer \"%s\" has no weights \"%s\"", w->f->name,
                   w->layer->name, what);
}

static enum status all_finite(const struct weights *w, const char *what, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return err_set(w->f->err, INVALID,
                           "%s: layer \"%s\": \"%s\" holds a value that is not a "
                           "number",
                           w->f->name, w->layer->name, what);
    return OK;
}

/* A vector of exactly n. */
static enum status take_vector(const struct weights *w, const char *what, size_t n, float **out)
{
    size_t rows = 0, columns = 0;
    enum status st = take(w, what, MODEL_WIDTH_MAX, out, &rows, &columns);
    if (st)
        return st;
    if (rows * columns != n)
        return err_set(w->f->err, INVALID,
                       "%s: layer \"%s\": \"%s\" has %zu values, %zu belong there", w->f->name,
                       w->layer->name, what, rows * columns, n);
    return all_finite(w, what, *out, n);
}

static enum status dense_weights(const struct weights *w, size_t *width, struct layer *l)
{
    size_t rows, columns;
    enum status st =
        take(w, "kernel", (size_t)MODEL_WIDTH_MAX * MODEL_WIDTH_MAX, &l->kernel, &rows, &columns);
    if (st)
        return st;
    if (*width == 0 && rows <= MODEL_WIDTH_MAX) /* the first layer of a file without input shape */
        *width = rows;
    if (rows != *width || columns != l->units)
        return err_set(w->f->err, INVALID,
                       "%s: layer \"%s\": the kernel is %zu x %zu, %zu x %zu "
                       "belongs there",
                       w->f->name, l->name, rows, columns, *width, l->units);
    l->inputs = rows;
    *width = l->units;
    st = all_finite(w, "kernel", l->kernel, rows * columns);
    return !st && l->use_bias ? take_vector(w, "bias", l->units, &l->bias) : st;
}

static float *constant(struct arena *arena, size_t n, float v)
{
    float *out = ARENA_ARRAY(arena, float, n);
    for (size_t i = 0; i < n; i++)
        out[i] = v;
    return out;
}

static enum status batch_norm_weights(const struct weights *w, size_t n, struct layer *l)
{
    l->gamma = constant(w->f->arena, n, 1);
    l->shift = constant(w->f->arena, n, 0);
    enum status st = take_vector(w, "moving_mean", n, &l->mean);
    if (!st)
        st = take_vector(w, "moving_variance", n, &l->variance);
    if (!st && l->has_scale)
        st = take_vector(w, "gamma", n, &l->gamma);
    if (!st && l->has_center)
        st = take_vector(w, "beta", n, &l->shift);
    if (st)
        return st;
    l->scale = batch_norm_scale(w->f->arena, l, n);
    return all_finite(w, "gamma / sqrt(moving_variance)", l->scale, n);
}

/* A single mean stands for all inputs (axis=None). */
static float *spread(struct arena *arena, float *x, size_t have, size_t n)
{
    return have == n ? x : constant(arena, n, x[0]);
}

static enum status normalization_weights(const struct weights *w, size_t n, struct layer *l)
{
    static const double keras_epsilon = 1e-7;
    float *mean = l->mean, *variance = l->scale;
    size_t have = l->units;
    if (!mean) {
        size_t rows, columns;
        enum status st = take(w, "mean", MODEL_WIDTH_MAX, &mean, &rows, &columns);
        have = st ? 0 : rows * columns;
        if (!st)
            st = take_vector(w, "variance", have, &variance);
        if (st || (st = all_finite(w, "mean", mean, have)))
            return st;
    }
    if (have != n && have != 1)
        return err_set(w->f->err, INVALID, "%s: layer \"%s\" has %zu means for %zu inputs",
                       w->f->name, l->name, have, n);
    mean = spread(w->f->arena, mean, have, n);
    variance = spread(w->f->arena, variance, have, n);
    l->mean = ARENA_ARRAY(w->f->arena, float, n);
    l->scale = ARENA_ARRAY(w->f->arena, float, n);
    l->shift = ARENA_ARRAY(w->f->arena, float, n);
    for (size_t i = 0; i < n; i++) {
        double deviation = fmax(sqrt((double)variance[i]), keras_epsilon);
        l->mean[i] = l->invert ? 0 : mean[i];
        l->scale[i] = (float)(l->invert ? deviation : 1 / deviation);
        l->shift[i] = l->invert ? mean[i] : 0;
    }
    enum status st = all_finite(w, "mean", l->mean, n);
    return st ? st : all_finite(w, "variance", l->scale, n);
}

static bool has_weights(const struct layer *l)
{
    return l->kind == LAYER_DENSE || (l->kind == LAYER_SCALE && !l->mean);
}

static enum status layer_weights(struct h5_file *f, hid_t all, size_t *width, struct layer *l)
{
    struct weights w = {.f = f, .layer = l};
    auto_h5 group = 0;
    if (has_weights(l)) {
        enum status st = h5_object(f, all, l->name, &group);
        if (!st)
            st = h5_texts(f, group, "weight_names", 16, &w.names, &w.n);
        if (st)
            return st;
        w.group = group;
    }
    if (l->kind == LAYER_DENSE)
        return dense_weights(&w, width, l);
    if (*width == 0)
        return err_set(f->err, INVALID, "%s: the file does not say how many inputs the model has",
                       f->name);
    enum status st = OK;
    if (l->source == SOURCE_BATCH_NORM)
        st = batch_norm_weights(&w, *width, l);
    else if (l->source == SOURCE_NORMALIZATION)
        st = normalization_weights(&w, *width, l);
    l->inputs = l->units = *width;
    return st;
}

static enum status read_weights(struct h5_file *f, struct model *m)
{
    auto_h5 all = 0;
    enum status st = h5_object(f, f->id, "model_weights", &all);
    if (st)
        return st;
    size_t width = m->inputs;
    for (size_t i = 0; i < m->n_layers; i++) {
        if ((st = layer_weights(f, all, &width, &m->layers[i])))
            return st;
        if (m->inputs == 0)
            m->inputs = m->layers[i].inputs;
    }
    m->outputs = width;
    return OK;
}

static enum status read_features(struct h5_file *f, struct model *m)
{
    if (!h5_has_attribute(f->id, "galen_features"))
        return OK;
    struct span text;
    enum status st = h5_text(f, f->id, "galen_features", &text);
    if (st)
        return st;
    json_t *list = json_loadb(text.at, text.len, 0, NULL);
    size_t n = json_array_size(list);
    m->features = ARENA_ARRAY(&m->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        m->features[i] = name ? arena_dup(&m->arena, name) : "";
        if (!name || !*name)
            st = INVALID;
    }
    json_decref(list);
    if (st || n != m->inputs)
        return err_set(f->err, INVALID, "%s: galen_features must be a JSON list of %zu names",
                       f->name, m->inputs);
    return OK;
}

/* Said for people only: a file without it is as good. */
static enum status read_version(struct h5_file *f, struct model *m)
{
    struct span text;
    m->name = arena_dup(&m->arena, f->name);
    m->version = "";
    if (!h5_has_attribute(f->id, "keras_version"))
        return OK;
    enum status st = h5_text(f, f->id, "keras_version", &text);
    if (!st)
        m->version = arena_printf(&m->arena, "Keras %.*s", (int)MIN(text.len, (size_t)40), text.at);
    return st;
}

static enum status read_model(struct h5_file *f, struct model *m)
{
    if (!h5_has_attribute(f->id, "model_config"))
        return err_set(
            f->err, INVALID,
            "%s has no attribute model_config: save the whole model, not its weights alone",
            f->name);
    struct span config;
    enum status st = h5_text(f, f->id, "model_config", &config);
    if (!st)
        st = keras_config(config, f->name, m, f->err);
    if (!st)
        st = read_weights(f, m);
    if (!st)
        st = read_version(f, m);
    return st ? st : read_features(f, m);
}

enum status model_read(struct span file, const char *name, struct model **out, struct err *err)
{
    *out = NULL;
    if (file.len > MODEL_FILE_MAX_BYTES)
        return err_set(err, FULL, "%s has more than %d bytes", name, MODEL_FILE_MAX_BYTES);
    struct model *m = mem_zero(1, sizeof *m);
    struct h5_file f = {.name = name, .err = err, .arena = &m->arena};
    enum status st = h5_open(file, &f);
    if (!st)
        st = read_model(&f, m);
    h5_close(&f);
    if (st) {
        model_close(m);
        return st;
    }
    uint8_t digest[SHA256_BYTES];
    sha256(file, digest);
    hex_encode(span_from(digest, sizeof digest), m->checksum);
    *out = m;
    return OK;
}
