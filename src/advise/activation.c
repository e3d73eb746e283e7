/* Activations by name and by value, as Keras defines them. */
#include "advise/layer.h"

#include <math.h>

static const struct {
    const char *name;
    enum activation activation;
} named[] = {
    {"linear", ACTIVATION_LINEAR},     {"relu", ACTIVATION_RELU},
    {"elu", ACTIVATION_ELU},           {"selu", ACTIVATION_SELU},
    {"sigmoid", ACTIVATION_SIGMOID},   {"tanh", ACTIVATION_TANH},
    {"softplus", ACTIVATION_SOFTPLUS}, {"softsign", ACTIVATION_SOFTSIGN},
    {"swish", ACTIVATION_SWISH},       {"silu", ACTIVATION_SWISH},
    {"gelu", ACTIVATION_GELU},         {"exponential", ACTIVATION_EXPONENTIAL},
    {"softmax", ACTIVATION_SOFTMAX},
};

bool activation_of(struct span name, enum activation *out)
{
    for (size_t i = 0; i < COUNT(named); i++)
        if (span_is(name, named[i].name)) {
            *out = named[i].activation;
            return true;
        }
    return false;
}

const char *activation_name(enum activation a)
{
    for (size_t i = 0; i < COUNT(named); i++)
        if (named[i].activation == a)
            return named[i].name;
    return "linear";
}

static void softmax(float *x, size_t n)
{
    float top = x[0];
    for (size_t i = 1; i < n; i++)
        top = fmaxf(top, x[i]);
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] = expf(x[i] - top);
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

static float clipped_relu(const struct layer *l, float x)
{
    if (x < l->threshold)
        return l->alpha * (x - l->threshold);
    return fminf(x, l->max_value);
}

/* log(1 + e^x) without overflow for large x. */
static float softplus(float x)
{
    return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x));
}

static float one(const struct layer *l, float x)
{
    /* The two constants of the SELU paper, as Keras has them. */
    static const float selu_scale = 1.05070098F, selu_alpha = 1.67326324F;
    switch (l->activation) {
    case ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case ACTIVATION_LEAKY_RELU:
        return x > 0 ? x : l->alpha * x;
    case ACTIVATION_CLIPPED_RELU:
        return clipped_relu(l, x);
    case ACTIVATION_THRESHOLDED_RELU:
        return x > l->threshold ? x : 0;
    case ACTIVATION_ELU:
        return x > 0 ? x : l->alpha * expm1f(x);
    case ACTIVATION_SELU:
        return selu_scale * (x > 0 ? x : selu_alpha * expm1f(x));
    case ACTIVATION_SIGMOID:
        return 1 / (1 + expf(-x));
    case ACTIVATION_TANH:
        return tanhf(x);
    case ACTIVATION_SOFTPLUS:
        return softplus(x);
    case ACTIVATION_SOFTSIGN:
        return x / (1 + fabsf(x));
    case ACTIVATION_EXPONENTIAL:
        return expf(x);
    case ACTIVATION_SWISH:
        return x / (1 + expf(-x));
    case ACTIVATION_GELU:
        return 0.5F * x * (1 + erff(x * (float)M_SQRT1_2));
    case ACTIVATION_LINEAR:
    case ACTIVATION_SOFTMAX:
        break;
    }
    return x;
}

void activate(const struct layer *l, float *x, size_t n)
{
    if (l->activation == ACTIVATION_SOFTMAX) {
        softmax(x, n);
    } else if (l->activation == ACTIVATION_RELU) { /* the common one, kept free of calls */
        for (size_t i = 0; i < n; i++)
            x[i] = x[i] > 0 ? x[i] : 0;
    } else if (l->activation != ACTIVATION_LINEAR) {
        for (size_t i = 0; i < n; i++)
            x[i] = one(l, x[i]);
    }
}
