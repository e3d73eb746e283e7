#include "advise/train.h"

#include "advise/layer.h"
#include "advise/random.h"

#include <math.h>

/* One dense layer while it learns: weights, gradients and Adam's two moments, [inputs][units]
 * with the bias as one more row. */
struct learner {
    size_t inputs, units, n;
    float *w, *gradient, *m, *v;
    float *out, *back; /* activations and their gradients for one row */
};

struct training {
    const struct train_set *set;
    const struct train_options *options;
    struct arena arena;
    struct learner layers[TRAIN_HIDDEN_MAX + 1];
    size_t n_layers;
    float *mean, *variance, *scale; /* of the inputs */
    float *x;                       /* one scaled row */
    float class_weight[CLASSES];
    uint32_t *order;
    size_t rows; /* of order */
    uint64_t steps;
    struct random random;
};

struct train_options train_defaults(void)
{
    return (struct train_options){
        .hidden = {64, 32},
        .n_hidden = 2,
        .epochs = 200,
        .batch = 32,
        .rate = 1e-3,
        .decay = 1.5,
        .seed = 1,
        .balanced = true,
    };
}

static const double norm_epsilon = 1e-3; /* Keras's default; keeps constant inputs harmless */

static const double *row_of(const struct train_set *set, size_t row)
{
    return set->x + row * set->inputs;
}

static void measure_inputs(struct training *t)
{
    size_t n = t->set->inputs;
    t->mean = ARENA_ARRAY(&t->arena, float, n);
    t->variance = ARENA_ARRAY(&t->arena, float, n);
    t->scale = ARENA_ARRAY(&t->arena, float, n);
    for (size_t i = 0; i < n; i++) {
        double sum = 0, squares = 0;
        for (size_t r = 0; r < t->rows; r++)
            sum += row_of(t->set, t->order[r])[i];
        double mean = sum / (double)t->rows;
        for (size_t r = 0; r < t->rows; r++) {
            double d = row_of(t->set, t->order[r])[i] - mean;
            squares += d * d;
        }
        t->mean[i] = (float)mean;
        t->variance[i] = (float)(squares / (double)t->rows);
        t->scale[i] = (float)(1 / sqrt((double)t->variance[i] + norm_epsilon));
    }
}

/* Nothing can be learned from an input that never changes, and its first weights would be noise
 * where a host sends another value: they become 0, and no gradient moves them. */
static void silence_constants(const struct training *t, struct learner *first)
{
    for (size_t i = 0; i < t->set->inputs; i++) {
        bool constant = true;
        for (size_t r = 1; constant && r < t->rows; r++)
            constant = row_of(t->set, t->order[r])[i] == row_of(t->set, t->order[0])[i];
        if (constant) {
            memset(first->w + i * first->units, 0, first->units * sizeof *first->w);
            t->scale[i] = 0;
        }
    }
}

static void weigh_classes(struct training *t)
{
    size_t count[CLASSES] = {0}, present = 0;
    for (size_t r = 0; r < t->rows; r++)
        count[t->set->label[t->order[r]]]++;
    for (size_t c = 0; c < CLASSES; c++)
        present += count[c] > 0;
    for (size_t c = 0; c < CLASSES; c++)
        t->class_weight[c] = !t->options->balanced || count[c] == 0
                                 ? 1
                                 : (float)t->rows / (float)(present * count[c]);
}

/* Glorot's uniform start, as Keras has it. */
static void start_layer(struct training *t, struct learner *l, size_t inputs, size_t units)
{
    *l = (struct learner){.inputs = inputs, .units = units, .n = (inputs + 1) * units};
    l->w = ARENA_ARRAY(&t->arena, float, l->n);
    l->gradient = ARENA_ARRAY(&t->arena, float, l->n);
    l->m = ARENA_ARRAY(&t->arena, float, l->n);
    l->v = ARENA_ARRAY(&t->arena, float, l->n);
    l->out = ARENA_ARRAY(&t->arena, float, units);
    l->back = ARENA_ARRAY(&t->arena, float, units);
    float limit = sqrtf(6.0F / (float)(inputs + units));
    for (size_t i = 0; i < inputs * units; i++)
        l->w[i] = limit * random_float(&t->random);
}

static void start(struct training *t, const bool *skip)
{
    t->random = random_of(t->options->seed);
    t->order = ARENA_ARRAY(&t->arena, uint32_t, t->set->rows);
    for (size_t r = 0; r < t->set->rows; r++)
        if (!skip || !skip[r])
            t->order[t->rows++] = (uint32_t)r;
    t->x = ARENA_ARRAY(&t->arena, float, t->set->inputs);
    size_t width = t->set->inputs;
    for (size_t i = 0; i < t->options->n_hidden; i++) {
        start_layer(t, &t->layers[t->n_layers++], width, t->options->hidden[i]);
        width = t->options->hidden[i];
    }
    start_layer(t, &t->layers[t->n_layers++], width, CLASSES);
}

static void forward_layer(const struct learner *l, const float *x, bool relu)
{
    memcpy(l->out, l->w + l->inputs * l->units, l->units * sizeof *l->out);
    for (size_t i = 0; i < l->inputs; i++)
        for (size_t o = 0; o < l->units; o++)
            l->out[o] += x[i] * l->w[i * l->units + o];
    for (size_t o = 0; relu && o < l->units; o++)
        l->out[o] = l->out[o] > 0 ? l->out[o] : 0;
}

/* Adds the gradient of l->back to the weights', and gives the one of the layer's input. */
static void backward_layer(struct learner *l, const float *x, float *x_back)
{
    for (size_t i = 0; i < l->inputs; i++) {
        const float *w = l->w + i * l->units;
        float *g = l->gradient + i * l->units;
        float sum = 0;
        for (size_t o = 0; o < l->units; o++) {
            g[o] += x[i] * l->back[o];
            sum += w[o] * l->back[o];
        }
        if (x_back)
            x_back[i] = x[i] > 0 ? sum : 0; /* the relu before this layer */
    }
    float *bias = l->gradient + l->inputs * l->units;
    for (size_t o = 0; o < l->units; o++)
        bias[o] += l->back[o];
}

static void learn_row(struct training *t, size_t row)
{
    const double *raw = row_of(t->set, row);
    for (size_t i = 0; i < t->set->inputs; i++)
        t->x[i] = ((float)raw[i] - t->mean[i]) * t->scale[i];
    const float *x = t->x;
    for (size_t i = 0; i < t->n_layers; i++) {
        forward_layer(&t->layers[i], x, i + 1 < t->n_layers);
        x = t->layers[i].out;
    }
    struct learner *last = &t->layers[t->n_layers - 1];
    struct layer softmax = {.activation = ACTIVATION_SOFTMAX};
    activate(&softmax, last->out, CLASSES);
    unsigned truth = t->set->label[row];
    for (size_t c = 0; c < CLASSES; c++)
        last->back[c] = (last->out[c] - (c == truth)) * t->class_weight[truth];
    for (size_t i = t->n_layers; i-- > 0;)
        backward_layer(&t->layers[i], i ? t->layers[i - 1].out : t->x,
                       i ? t->layers[i - 1].back : NULL);
}

static void adam(struct training *t, struct learner *l, size_t batch)
{
    static const float beta1 = 0.9F, beta2 = 0.999F, epsilon = 1e-7F;
    double debias1 = 1 - pow(0.9, (double)t->steps), debias2 = 1 - pow(0.999, (double)t->steps);
    float rate = (float)(t->options->rate * sqrt(debias2) / debias1);
    float shrink = 1 - (float)(t->options->rate * t->options->decay);
    float share = 1 / (float)batch;
    for (size_t i = 0; i < l->n; i++) {
        float g = l->gradient[i] * share;
        l->m[i] = beta1 * l->m[i] + (1 - beta1) * g;
        l->v[i] = beta2 * l->v[i] + (1 - beta2) * g * g;
        l->w[i] = l->w[i] * shrink - rate * l->m[i] / (sqrtf(l->v[i]) + epsilon);
        l->gradient[i] = 0;
    }
}

static void shuffle(struct training *t)
{
    for (size_t i = t->rows; i > 1; i--) {
        size_t k = random_below(&t->random, (uint32_t)i);
        uint32_t swap = t->order[i - 1];
        t->order[i - 1] = t->order[k];
        t->order[k] = swap;
    }
}

static void epoch(struct training *t)
{
    shuffle(t);
    for (size_t at = 0; at < t->rows; at += t->options->batch) {
        size_t n = MIN(t->options->batch, t->rows - at);
        for (size_t i = 0; i < n; i++)
            learn_row(t, t->order[at + i]);
        t->steps++;
        for (size_t i = 0; i < t->n_layers; i++)
            adam(t, &t->layers[i], n);
    }
}

static float *copy(struct arena *arena, const float *x, size_t n)
{
    float *out = ARENA_ARRAY(arena, float, n);
    memcpy(out, x, n * sizeof *x);
    return out;
}

static void finish_norm(const struct training *t, struct model *m, struct layer *l)
{
    size_t n = m->inputs;
    *l = (struct layer){.kind = LAYER_SCALE,
                        .source = SOURCE_BATCH_NORM,
                        .name = "batch_normalization",
                        .inputs = n,
                        .units = n,
                        .has_scale = true,
                        .has_center = true,
                        .epsilon = norm_epsilon};
    l->gamma = ARENA_ARRAY(&m->arena, float, n);
    for (size_t i = 0; i < n; i++)
        l->gamma[i] = 1;
    l->shift = ARENA_ARRAY(&m->arena, float, n);
    l->mean = copy(&m->arena, t->mean, n);
    l->variance = copy(&m->arena, t->variance, n);
    l->scale = batch_norm_scale(&m->arena, l, n);
}

static void finish_dense(const struct learner *from, bool last, size_t number, struct model *m,
                         struct layer *l)
{
    *l = (struct layer){.kind = LAYER_DENSE,
                        .source = SOURCE_DENSE,
                        .inputs = from->inputs,
                        .units = from->units,
                        .use_bias = true,
                        .activation = last ? ACTIVATION_SOFTMAX : ACTIVATION_RELU};
    l->name = number ? arena_printf(&m->arena, "dense_%zu", number) : "dense";
    l->kernel = copy(&m->arena, from->w, from->inputs * from->units);
    l->bias = copy(&m->arena, from->w + from->inputs * from->units, from->units);
}

static struct model *finish(const struct training *t)
{
    struct model *m = mem_zero(1, sizeof *m);
    m->inputs = t->set->inputs;
    m->outputs = CLASSES;
    finish_norm(t, m, &m->layers[m->n_layers++]);
    for (size_t i = 0; i < t->n_layers; i++)
        finish_dense(&t->layers[i], i + 1 == t->n_layers, i, m, &m->layers[m->n_layers++]);
    if (t->set->inputs_named) {
        m->features = ARENA_ARRAY(&m->arena, const char *, m->inputs + 1);
        for (size_t i = 0; i < m->inputs; i++)
            m->features[i] = arena_dup(&m->arena, t->set->inputs_named[i]);
    }
    return m;
}

static enum status check(const struct train_set *set, const struct train_options *o,
                         struct err *err)
{
    if (set->rows == 0 || set->rows > TRAIN_ROWS_MAX)
        return err_set(err, INVALID, "%zu rows to train with; 1..%d are possible", set->rows,
                       TRAIN_ROWS_MAX);
    if (set->inputs == 0 || set->inputs > MODEL_WIDTH_MAX)
        return err_set(err, INVALID, "%zu inputs; 1..%d are possible", set->inputs,
                       MODEL_WIDTH_MAX);
    if (o->n_hidden > TRAIN_HIDDEN_MAX || o->batch == 0)
        return err_set(err, INVALID, "at most %d hidden layers, batches of at least one row",
                       TRAIN_HIDDEN_MAX);
    for (size_t i = 0; i < o->n_hidden; i++)
        if (o->hidden[i] == 0 || o->hidden[i] > MODEL_WIDTH_MAX)
            return err_set(err, INVALID, "a hidden layer of %zu units; 1..%d are possible",
                           o->hidden[i], MODEL_WIDTH_MAX);
    return OK;
}

enum status train(const struct train_set *set, const bool *skip,
                  const struct train_options *options, struct model **out, struct err *err)
{
    *out = NULL;
    enum status st = check(set, options, err);
    if (st)
        return st;
    struct training t = {.set = set, .options = options};
    start(&t, skip);
    if (t.rows == 0) {
        arena_free(&t.arena);
        return err_set(err, INVALID, "no row is left to train with");
    }
    measure_inputs(&t);
    silence_constants(&t, &t.layers[0]);
    weigh_classes(&t);
    for (size_t i = 0; i < options->epochs; i++)
        epoch(&t);
    *out = finish(&t);
    arena_free(&t.arena);
    return OK;
}
