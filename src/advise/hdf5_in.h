/* The little of HDF5 that a model file needs, each read with a ceiling. Files come from
 * outside: links that lead out of the file and data stored outside of it are refused.
 * Private to advise/. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <hdf5.h>

struct h5_file {
    hid_t id;
    const char *name; /* for errors */
    struct err *err;
    struct arena *arena; /* what is read lives here */
};

/* Takes the library for this thread; h5_close gives it back, also after a failure. */
void h5_start(struct h5_file *f);
/* h5_start, and opens the bytes of a file, which must outlive it; no file is touched. */
MUST_USE enum status h5_open(struct span bytes, struct h5_file *f);
void h5_close(struct h5_file *f);

/* An object below a group by its path; every link on the way must be a plain one. Give the id
 * back with h5_release. */
MUST_USE enum status h5_object(struct h5_file *f, hid_t group, const char *path, hid_t *out);
void h5_release(hid_t *object); /* 0 and negative are fine */
#define auto_h5 CLEANUP(h5_release) hid_t

bool h5_has_attribute(hid_t object, const char *name);
/* An attribute that is one text. */
MUST_USE enum status h5_text(struct h5_file *f, hid_t object, const char *name, struct span *out);
/* An attribute that is a list of texts; also when cut into NAME0, NAME1, ... as Keras does with
 * long ones. */
MUST_USE enum status h5_texts(struct h5_file *f, hid_t object, const char *name, size_t max,
                              const char ***out, size_t *n);
/* A dataset of at most two dimensions and max numbers, as float. rows is 1 for a vector. */
MUST_USE enum status h5_floats(struct h5_file *f, hid_t dataset, const char *path, size_t max,
                               float **out, size_t *rows, size_t *columns);
