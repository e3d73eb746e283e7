#include "advise/layer.h"

#include "base/file.h"

#include <math.h>
#include <string.h>

const char *const class_names[CLASSES] = {"none", "increase", "decrease", "upgrade"};
const char *const class_recommendations[CLASSES] = {
    "No changes needed",
    "Increase kernel parameters",
    "Decrease kernel parameters",
    "Upgrade resources (RAM/CPU/Disk)",
};

bool class_of(struct span name, unsigned *out)
{
    for (unsigned i = 0; i < CLASSES; i++)
        if (span_is(name, class_names[i]) || (name.len == 1 && name.at[0] == (char)('0' + i))) {
            *out = i;
            return true;
        }
    return false;
}

float *batch_norm_scale(struct arena *arena, const struct layer *l, size_t n)
{
    float *scale = ARENA_ARRAY(arena, float, n);
    for (size_t i = 0; i < n; i++)
        scale[i] = (float)((double)l->gamma[i] / sqrt((double)l->variance[i] + l->epsilon));
    return scale;
}

/* Four floats at once, wherever they lie. */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
enum { BLOCK = 16 }; /* units whose sums stay in registers */

/* Sixteen units: y += the inputs that are not 0, each times its row of the kernel. */
static void dense_block(const struct layer *l, const float *x, const uint16_t *used, size_t n,
                        size_t first, float *y)
{
    four sum[BLOCK / 4], *out = (four *)(void *)(y + first);
    for (size_t k = 0; k < BLOCK / 4; k++)
        sum[k] = out[k];
    for (size_t i = 0; i < n; i++) {
        const four *row = (const four *)(const void *)(l->kernel + used[i] * l->units + first);
        for (size_t k = 0; k < BLOCK / 4; k++)
            sum[k] += x[used[i]] * row[k];
    }
    for (size_t k = 0; k < BLOCK / 4; k++)
        out[k] = sum[k];
}

/* Sums are built input after input, as in the plain loop: the same bits. */
static void dense(const struct layer *l, const float *x, float *y)
{
    uint16_t used[MODEL_WIDTH_MAX]; /* half of the inputs and of a relu's outputs are 0 */
    size_t n = 0, o = 0;
    for (size_t i = 0; i < l->inputs; i++) {
        used[n] = (uint16_t)i;
        /* NOLINTNEXTLINE(clang-analyzer-*): a layer fills what the next one reads */
        n += x[i] != 0;
    }
    if (l->bias)
        memcpy(y, l->bias, l->units * sizeof *y);
    else
        memset(y, 0, l->units * sizeof *y);
    for (; o + BLOCK <= l->units; o += BLOCK)
        dense_block(l, x, used, n, o, y);
    for (size_t i = 0; i < n && o < l->units; i++)
        for (size_t k = o; k < l->units; k++)
            /* NOLINTNEXTLINE(clang-analyzer-*): n says how many there are */
            y[k] += x[used[i]] * l->kernel[used[i] * l->units + k];
}

static void rescale(const struct layer *l, float *x)
{
    for (size_t i = 0; i < l->units; i++)
        /* NOLINTNEXTLINE(clang-analyzer-*): a layer fills what the next one reads */
        x[i] = (x[i] - l->mean[i]) * l->scale[i] + l->shift[i];
}

void model_predict(const struct model *m, const double *x, double *y)
{
    float space[2][MODEL_WIDTH_MAX];
    float *now = space[0], *next = space[1];
    for (size_t i = 0; i < m->inputs; i++)
        now[i] = (float)x[i];
    for (size_t i = 0; i < m->n_layers; i++) {
        const struct layer *l = &m->layers[i];
        if (l->kind == LAYER_DENSE) {
            dense(l, now, next);
            float *swap = now;
            now = next;
            next = swap;
        } else if (l->kind == LAYER_SCALE) {
            rescale(l, now);
        }
        if (l->kind == LAYER_DENSE || l->kind == LAYER_ACTIVATION)
            activate(l, now, l->units);
    }
    for (size_t i = 0; i < m->outputs; i++)
        /* NOLINTNEXTLINE(clang-analyzer-*): the last layer has filled it */
        y[i] = (double)now[i];
}

enum status model_load(const char *path, struct model **out, struct err *err)
{
    *out = NULL;
    auto_buf file = {.max = MODEL_FILE_MAX_BYTES};
    enum status st = file_read(path, &file, err);
    return st ? st : model_read(buf_view(&file), path, out, err);
}

void model_close(struct model *m)
{
    if (!m)
        return;
    arena_free(&m->arena);
    free(m);
}

size_t model_inputs(const struct model *m)
{
    return m->inputs;
}

size_t model_outputs(const struct model *m)
{
    return m->outputs;
}

const char *const *model_features(const struct model *m)
{
    return m->features;
}

const char *model_name(const struct model *m)
{
    return m->name ? m->name : "";
}

const char *model_version(const struct model *m)
{
    return m->version ? m->version : "";
}

const char *model_checksum(const struct model *m)
{
    return m->checksum;
}
