/* The classifier: a Keras Sequential network read from an HDF5 file, and its forward pass.
 * Dense, Activation, Dropout, BatchNormalization, Normalization, ReLU, LeakyReLU, ELU,
 * ThresholdedReLU and Softmax layers; a file with anything else is refused by the layer's name.
 *
 * The root attribute galen_features (a JSON list of names) says which features are the inputs,
 * in order; a file without it is taken as the eleven-input model (rules/features.yaml, "seeds"). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"

#include <stdio.h>

struct model; /* immutable once loaded: threads may share it */

enum {
    MODEL_FILE_MAX_BYTES = 64 << 20,
    MODEL_LAYERS_MAX = 64,
    MODEL_WIDTH_MAX = 4096, /* inputs or units of one layer */
    MODEL_TEXT_MAX_BYTES = 1 << 20,
    CLASSES = 4,
};

/* What the classes are called: "none", "increase", "decrease", "upgrade". */
extern const char *const class_names[CLASSES];
/* The four texts of a recommendation, as they are stored and shown. */
extern const char *const class_recommendations[CLASSES];
bool class_of(struct span name, unsigned *out); /* a name of class_names, or 0..3 */

MUST_USE enum status model_load(const char *path, struct model **out, struct err *err);
/* The same from bytes; name is what errors call the file. */
MUST_USE enum status model_read(struct span file, const char *name, struct model **out,
                                struct err *err);
void model_close(struct model *m); /* NULL is fine */

size_t model_inputs(const struct model *m);
size_t model_outputs(const struct model *m);
/* Names of the inputs; NULL for the eleven-input model. */
const char *const *model_features(const struct model *m);
/* The file as it was named when it was read, and what made it ("Keras 2.15.0"). */
const char *model_name(const struct model *m);
const char *model_version(const struct model *m);
/* SHA-256 of the file in hex. */
const char *model_checksum(const struct model *m);
/* x holds model_inputs values, y gets model_outputs. */
void model_predict(const struct model *m, const double *x, double *y);
/* Writes the file that model_read and TensorFlow read (Keras 2's HDF5 layout). */
MUST_USE enum status model_save(const struct model *m, const char *path, struct err *err);
