/* How good a classifier is: by rows whose group it has not seen. */
#include "advise/random.h"
#include "advise/train.h"

#include <math.h>

enum { CALIBRATION_BINS = 10 };

static unsigned best_of(const double *p)
{
    unsigned best = 0;
    for (unsigned c = 1; c < CLASSES; c++)
        if (p[c] > p[best])
            best = c;
    return best;
}

static double calibration_error(const double *probabilities, const unsigned *label, size_t rows)
{
    struct {
        double sure, right;
    } bins[CALIBRATION_BINS] = {0};
    for (size_t r = 0; r < rows; r++) {
        const double *p = probabilities + r * CLASSES;
        unsigned best = best_of(p);
        size_t bin = MIN((size_t)(p[best] * CALIBRATION_BINS), (size_t)CALIBRATION_BINS - 1);
        bins[bin].sure += p[best];
        bins[bin].right += best == label[r];
    }
    double sum = 0;
    for (size_t i = 0; i < CALIBRATION_BINS; i++)
        sum += fabs(bins[i].sure - bins[i].right);
    return rows ? sum / (double)rows : 0;
}

static double f1_of(const size_t confusion[CLASSES][CLASSES], unsigned c, bool *occurs)
{
    size_t truth = 0, said = 0, hit = confusion[c][c];
    for (unsigned i = 0; i < CLASSES; i++) {
        truth += confusion[c][i];
        said += confusion[i][c];
    }
    *occurs = truth > 0;
    return truth + said ? 2.0 * (double)hit / (double)(truth + said) : 0;
}

struct train_report train_score(const double *probabilities, const unsigned *label, size_t rows)
{
    struct train_report r = {.ece = calibration_error(probabilities, label, rows)};
    size_t right = 0;
    for (size_t i = 0; i < rows; i++) {
        unsigned said = best_of(probabilities + i * CLASSES);
        r.confusion[label[i]][said]++;
        right += said == label[i];
    }
    size_t present = 0;
    for (unsigned c = 0; c < CLASSES; c++) {
        bool occurs;
        double f1 = f1_of(r.confusion, c, &occurs);
        present += occurs;
        r.macro_f1 += occurs ? f1 : 0;
    }
    r.macro_f1 = present ? r.macro_f1 / (double)present : 0;
    r.accuracy = rows ? (double)right / (double)rows : 0;
    return r;
}

/* Which fold each group belongs to: a shuffled deal, so that folds are of like size. */
static unsigned *deal(const struct train_set *set, uint64_t seed)
{
    size_t n = set->groups ? set->groups : set->rows;
    unsigned *fold = mem_zero(n, sizeof *fold);
    for (size_t i = 0; i < n; i++)
        fold[i] = (unsigned)(i % TRAIN_FOLDS);
    struct random random = random_of(seed);
    for (size_t i = n; i > 1; i--) {
        size_t k = random_below(&random, (uint32_t)i);
        unsigned swap = fold[i - 1];
        fold[i - 1] = fold[k];
        fold[k] = swap;
    }
    return fold;
}

enum status train_held_out(const struct train_set *set, const struct train_options *options,
                           double *probabilities, struct err *err)
{
    auto_free unsigned *fold = deal(set, options->seed);
    auto_free bool *skip = mem_zero(set->rows, sizeof *skip);
    for (unsigned f = 0; f < TRAIN_FOLDS; f++) {
        size_t held = 0;
        for (size_t r = 0; r < set->rows; r++)
            held += skip[r] = fold[set->groups ? set->group[r] : r] == f;
        if (held == 0)
            continue;
        struct model *m;
        enum status st = train(set, skip, options, &m, err);
        if (st)
            return st;
        for (size_t r = 0; r < set->rows; r++)
            if (skip[r])
                model_predict(m, set->x + r * set->inputs, probabilities + r * CLASSES);
        model_close(m);
    }
    return OK;
}

void train_report_print(const struct train_report *r, struct buf *out)
{
    buf_printf(out, "%-18s", "truth \\ predicted");
    for (unsigned c = 0; c < CLASSES; c++)
        buf_printf(out, "%10s", class_names[c]);
    buf_char(out, '\n');
    for (unsigned t = 0; t < CLASSES; t++) {
        buf_printf(out, "%-18s", class_names[t]);
        for (unsigned c = 0; c < CLASSES; c++)
            buf_printf(out, "%10zu", r->confusion[t][c]);
        buf_char(out, '\n');
    }
    buf_printf(out, "accuracy %.3f  macro-F1 %.3f  ECE %.3f\n", r->accuracy, r->macro_f1, r->ece);
}
