/* Inside of a model: its layers as the forward pass needs them. Private to advise/. */
#pragma once

#include "advise/model.h"

enum activation {
    ACTIVATION_LINEAR,
    ACTIVATION_RELU,
    ACTIVATION_LEAKY_RELU,   /* alpha below zero */
    ACTIVATION_CLIPPED_RELU, /* the ReLU layer with max_value, negative_slope, threshold */
    ACTIVATION_THRESHOLDED_RELU,
    ACTIVATION_ELU,
    ACTIVATION_SELU,
    ACTIVATION_SIGMOID,
    ACTIVATION_TANH,
    ACTIVATION_SOFTPLUS,
    ACTIVATION_SOFTSIGN,
    ACTIVATION_EXPONENTIAL,
    ACTIVATION_SWISH,
    ACTIVATION_GELU,
    ACTIVATION_SOFTMAX,
};

enum layer_kind { LAYER_DENSE, LAYER_SCALE, LAYER_ACTIVATION, LAYER_NOTHING };

/* What the configuration says of a layer before its weights are known. */
enum layer_source { SOURCE_DENSE, SOURCE_BATCH_NORM, SOURCE_NORMALIZATION, SOURCE_OTHER };

struct layer {
    enum layer_kind kind;
    enum layer_source source;
    const char *name;
    size_t inputs, units;
    enum activation activation; /* of LAYER_DENSE and LAYER_ACTIVATION */
    float alpha, max_value, threshold;
    bool use_bias, has_scale, has_center, invert;
    double epsilon;
    float *kernel; /* LAYER_DENSE: [inputs][units] */
    float *bias;   /* LAYER_DENSE, may be NULL */
    /* LAYER_SCALE: y = (x - mean) * scale + shift. Kept apart rather than folded, because
     * inputs such as fs.file-max are far larger than their spread. */
    float *mean, *scale, *shift;
    float *gamma, *variance; /* SOURCE_BATCH_NORM: what scale was made of */
};

struct model {
    struct arena arena;
    struct layer layers[MODEL_LAYERS_MAX];
    size_t n_layers;
    size_t inputs, outputs;
    const char **features; /* NULL: the eleven */
    const char *name, *version;
    char checksum[2 * SHA256_BYTES + 1];
};

bool activation_of(struct span name, enum activation *out);
const char *activation_name(enum activation a);
/* gamma / sqrt(variance + epsilon) */
float *batch_norm_scale(struct arena *arena, const struct layer *l, size_t n);
void activate(const struct layer *l, float *x, size_t n);

/* model_config -> m->layers without weights; m->inputs is 0 when the file does not say. */
MUST_USE enum status keras_config(struct span json, const char *file, struct model *m,
                                  struct err *err);
