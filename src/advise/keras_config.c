/* The JSON of a Keras Sequential model: which layers, how wide, with which activations. Keras 2
 * and 3 differ in names only (batch_input_shape / batch_shape, alpha / negative_slope). */
#include "advise/layer.h"

#include <jansson.h>
#include <math.h>

struct context {
    struct model *m;
    const char *file;
    struct err *err;
};

static double number(const json_t *config, const char *key, double otherwise)
{
    const json_t *v = json_object_get(config, key);
    return json_is_number(v) ? json_number_value(v) : otherwise;
}

static bool flag(const json_t *config, const char *key, bool otherwise)
{
    const json_t *v = json_object_get(config, key);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

static enum status read_shape(const struct context *c, const json_t *config, const char *key)
{
    const json_t *shape = json_object_get(config, key);
    if (!shape || json_is_null(shape))
        return OK;
    const json_t *width = json_array_get(shape, 1);
    json_int_t n = json_integer_value(width);
    if (json_array_size(shape) != 2 || !json_is_integer(width) || n < 1 || n > MODEL_WIDTH_MAX)
        return err_set(c->err, UNSUPPORTED,
                       "%s: the input must be one row of 1..%d numbers, %s says otherwise", c->file,
                       MODEL_WIDTH_MAX, key);
    if (c->m->inputs && c->m->inputs != (size_t)n)
        return err_set(c->err, INVALID, "%s: inputs are %zu in one place and %lld in another",
                       c->file, c->m->inputs, (long long)n);
    c->m->inputs = (size_t)n;
    return OK;
}

static enum status read_activation(const struct context *c, const json_t *config, struct layer *l)
{
    const json_t *value = json_object_get(config, "activation");
    if (!value || json_is_null(value))
        return OK;
    if (json_is_object(value)) /* Keras 3 writes some as {"class_name": "relu", ...} */
        value = json_object_get(value, "config");
    const char *name = json_string_value(value);
    l->alpha = 1; /* of elu */
    if (!name || !activation_of(span_of(name), &l->activation))
        return err_set(c->err, UNSUPPORTED,
                       "%s: layer \"%s\" has the activation \"%.64s\", which is "
                       "not supported",
                       c->file, l->name, name ? name : "?");
    return OK;
}

static enum status dense_layer(const struct context *c, const json_t *config, struct layer *l)
{
    json_int_t units = json_integer_value(json_object_get(config, "units"));
    if (units < 1 || units > MODEL_WIDTH_MAX)
        return err_set(c->err, INVALID, "%s: layer \"%s\" has %lld units, 1..%d are possible",
                       c->file, l->name, (long long)units, MODEL_WIDTH_MAX);
    l->kind = LAYER_DENSE;
    l->source = SOURCE_DENSE;
    l->units = (size_t)units;
    l->use_bias = flag(config, "use_bias", true);
    return read_activation(c, config, l);
}

static enum status activation_layer(const struct context *c, const json_t *config, struct layer *l)
{
    l->kind = LAYER_ACTIVATION;
    return read_activation(c, config, l);
}

static enum status check_axis(const struct context *c, const json_t *config, const struct layer *l)
{
    const json_t *axis = json_object_get(config, "axis");
    if (json_is_array(axis) && json_array_size(axis) == 1)
        axis = json_array_get(axis, 0);
    json_int_t n = json_integer_value(axis);
    if (axis && !json_is_null(axis) && (!json_is_integer(axis) || (n != -1 && n != 1)))
        return err_set(c->err, UNSUPPORTED,
                       "%s: layer \"%s\" works along another axis than the last", c->file, l->name);
    return OK;
}

static enum status batch_norm_layer(const struct context *c, const json_t *config, struct layer *l)
{
    l->kind = LAYER_SCALE;
    l->source = SOURCE_BATCH_NORM;
    l->epsilon = number(config, "epsilon", 1e-3);
    l->has_scale = flag(config, "scale", true);
    l->has_center = flag(config, "center", true);
    return check_axis(c, config, l);
}

/* mean and variance given as constants stand in the configuration, not among the weights. */
static enum status constants(const struct context *c, const json_t *config, const char *key,
                             struct layer *l, float **out)
{
    const json_t *list = json_object_get(config, key);
    if (!list || json_is_null(list))
        return OK;
    while (json_is_array(list) && json_is_array(json_array_get(list, 0)))
        list = json_array_get(list, 0);
    size_t n = json_is_array(list) ? json_array_size(list) : 1;
    if (n < 1 || n > MODEL_WIDTH_MAX || (l->units && l->units != n))
        return err_set(c->err, INVALID, "%s: layer \"%s\": \"%s\" has %zu values", c->file, l->name,
                       key, n);
    *out = ARENA_ARRAY(&c->m->arena, float, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_is_array(list) ? json_array_get(list, i) : list;
        if (!json_is_number(v))
            return err_set(c->err, INVALID, "%s: layer \"%s\": \"%s\" is not a list of numbers",
                           c->file, l->name, key);
        (*out)[i] = (float)json_number_value(v);
    }
    l->units = n;
    return OK;
}

static enum status normalization_layer(const struct context *c, const json_t *config,
                                       struct layer *l)
{
    l->kind = LAYER_SCALE;
    l->source = SOURCE_NORMALIZATION;
    l->invert = flag(config, "invert", false);
    enum status st = check_axis(c, config, l);
    if (!st)
        st = constants(c, config, "mean", l, &l->mean);
    if (!st)
        st = constants(c, config, "variance", l, &l->scale);
    if (!st && !l->mean != !l->scale)
        return err_set(c->err, INVALID, "%s: layer \"%s\" has only one of mean and variance",
                       c->file, l->name);
    return st;
}

static enum status dropout_layer(const struct context *c UNUSED, const json_t *config UNUSED,
                                 struct layer *l)
{
    l->kind = LAYER_NOTHING;
    return OK;
}

static enum status relu_layer(const struct context *c UNUSED, const json_t *config, struct layer *l)
{
    l->kind = LAYER_ACTIVATION;
    l->activation = ACTIVATION_CLIPPED_RELU;
    l->max_value = (float)number(config, "max_value", (double)INFINITY);
    l->alpha = (float)number(config, "negative_slope", 0);
    l->threshold = (float)number(config, "threshold", 0);
    return OK;
}

static enum status leaky_layer(const struct context *c UNUSED, const json_t *config,
                               struct layer *l)
{
    l->kind = LAYER_ACTIVATION;
    l->activation = ACTIVATION_LEAKY_RELU;
    l->alpha = (float)number(config, "negative_slope", number(config, "alpha", 0.3));
    return OK;
}

static enum status elu_layer(const struct context *c UNUSED, const json_t *config, struct layer *l)
{
    l->kind = LAYER_ACTIVATION;
    l->activation = ACTIVATION_ELU;
    l->alpha = (float)number(config, "alpha", 1);
    return OK;
}

static enum status thresholded_layer(const struct context *c UNUSED, const json_t *config,
                                     struct layer *l)
{
    l->kind = LAYER_ACTIVATION;
    l->activation = ACTIVATION_THRESHOLDED_RELU;
    l->threshold = (float)number(config, "theta", 1);
    return OK;
}

static enum status softmax_layer(const struct context *c, const json_t *config, struct layer *l)
{
    l->kind = LAYER_ACTIVATION;
    l->activation = ACTIVATION_SOFTMAX;
    return check_axis(c, config, l);
}

static const struct {
    const char *class_name;
    enum status (*read)(const struct context *c, const json_t *config, struct layer *l);
} readers[] = {
    {"Dense", dense_layer},
    {"Activation", activation_layer},
    {"Dropout", dropout_layer},
    {"BatchNormalization", batch_norm_layer},
    {"Normalization", normalization_layer},
    {"ReLU", relu_layer},
    {"LeakyReLU", leaky_layer},
    {"ELU", elu_layer},
    {"ThresholdedReLU", thresholded_layer},
    {"Softmax", softmax_layer},
};

static enum status read_layer(const struct context *c, const json_t *item)
{
    const char *class_name = json_string_value(json_object_get(item, "class_name"));
    const json_t *config = json_object_get(item, "config");
    const char *name = json_string_value(json_object_get(config, "name"));
    if (!class_name || !name || !*name || strlen(name) > 200)
        return err_set(c->err, INVALID, "%s: a layer without class_name or name", c->file);
    enum status st = read_shape(c, config, "batch_input_shape");
    if (!st)
        st = read_shape(c, config, "batch_shape");
    if (st || strcmp(class_name, "InputLayer") == 0)
        return st;
    if (c->m->n_layers == MODEL_LAYERS_MAX)
        return err_set(c->err, FULL, "%s: more than %d layers", c->file, MODEL_LAYERS_MAX);
    struct layer *l = &c->m->layers[c->m->n_layers++];
    *l = (struct layer){.name = arena_dup(&c->m->arena, name), .source = SOURCE_OTHER};
    for (size_t i = 0; i < COUNT(readers); i++)
        if (strcmp(class_name, readers[i].class_name) == 0)
            return readers[i].read(c, config, l);
    return err_set(c->err, UNSUPPORTED,
                   "%s: layer \"%s\" is a %.64s; only Dense, Activation, Dropout, "
                   "BatchNormalization, Normalization and ReLU-like layers are supported",
                   c->file, name, class_name);
}

static enum status read_layers(const struct context *c, const json_t *root)
{
    const char *class_name = json_string_value(json_object_get(root, "class_name"));
    const json_t *config = json_object_get(root, "config");
    const json_t *layers = json_is_array(config) ? config : json_object_get(config, "layers");
    if (!class_name || !json_is_array(layers))
        return err_set(c->err, INVALID, "%s: model_config has no class_name or layers", c->file);
    if (strcmp(class_name, "Sequential") != 0)
        return err_set(c->err, UNSUPPORTED,
                       "%s: the model is a %.64s, only Sequential is supported", c->file,
                       class_name);
    for (size_t i = 0; i < json_array_size(layers); i++) {
        enum status st = read_layer(c, json_array_get(layers, i));
        if (st)
            return st;
    }
    if (c->m->n_layers == 0)
        return err_set(c->err, INVALID, "%s: a model without layers", c->file);
    return OK;
}

enum status keras_config(struct span json, const char *file, struct model *m, struct err *err)
{
    json_error_t why;
    json_t *root = json_loadb(json.at, json.len, 0, &why);
    if (!root)
        return err_set(err, INVALID, "%s: model_config is not JSON: %s at byte %d", file, why.text,
                       why.position);
    struct context c = {m, file, err};
    enum status st = read_layers(&c, root);
    json_decref(root);
    return st;
}
