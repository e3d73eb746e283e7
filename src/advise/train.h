/* Training of the classifier: dense layers behind a BatchNormalization that carries the
 * training data's mean and variance; Adam, softmax and sparse categorical cross-entropy. The
 * same rows, options and seed give the same bits. */
#pragma once

#include "advise/model.h"

enum { TRAIN_ROWS_MAX = 1000000, TRAIN_HIDDEN_MAX = 8, TRAIN_FOLDS = 5 };

/* Rows of x are [inputs]; a missing value is 0 (features have a bit of their own for that). */
struct train_set {
    size_t rows, inputs;
    double *x;
    unsigned *label;                 /* class of each row */
    unsigned *group;                 /* rows of one group are held out together */
    size_t groups;                   /* 0: each row is its own */
    const char **group_names;        /* groups times */
    const char *const *inputs_named; /* becomes galen_features; NULL for the eleven */
};

struct train_options {
    size_t hidden[TRAIN_HIDDEN_MAX];
    size_t n_hidden;
    size_t epochs, batch;
    double rate; /* Adam's step */
    /* Of the weights, apart from the gradient (AdamW). Strong, so that inputs which never moved in
     * training do not stir the result when they do on another host. */
    double decay;
    uint64_t seed;
    bool balanced; /* rare classes weigh as much as common ones */
};
/* 64 and 32 units, 200 epochs, batches of 32. */
struct train_options train_defaults(void);

/* skip[row] leaves a row out; NULL takes all. */
MUST_USE enum status train(const struct train_set *set, const bool *skip,
                           const struct train_options *options, struct model **out,
                           struct err *err);

struct train_report {
    size_t confusion[CLASSES][CLASSES]; /* [truth][predicted] */
    double macro_f1;                    /* over the classes that occur */
    double accuracy;
    double ece; /* expected calibration error, ten bins of the highest probability */
};
/* Adds up predictions: probabilities is [rows][CLASSES]. */
struct train_report train_score(const double *probabilities, const unsigned *label, size_t rows);
/* Predictions for each row by a model that has not seen its group: groups are dealt into
 * TRAIN_FOLDS folds by the seed. probabilities is [rows][CLASSES]. */
MUST_USE enum status train_held_out(const struct train_set *set,
                                    const struct train_options *options, double *probabilities,
                                    struct err *err);
void train_report_print(const struct train_report *r, struct buf *out);

/* What of a CSV file (first line: names) becomes the training set. */
struct train_columns {
    const char *label;         /* column with none, increase, decrease, upgrade or 0..3 */
    const char *group;         /* column for groups; NULL: none */
    const char *const *inputs; /* NULL: every column that is a number in each row */
    size_t n_inputs;
};
MUST_USE enum status train_set_read(struct span csv, const char *file,
                                    const struct train_columns *columns, struct arena *arena,
                                    struct train_set *out, struct err *err);
