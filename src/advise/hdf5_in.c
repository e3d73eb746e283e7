#include "advise/hdf5_in.h"

#include "advise/model.h"

#include <pthread.h>
#include <stdio.h>

/* Debian's serial library keeps unguarded global state: one thread at a time, from open to close.
 */
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

void h5_release(hid_t *object)
{
    if (*object <= 0)
        return;
    switch (H5Iget_type(*object)) {
    case H5I_ATTR:
        H5Aclose(*object);
        break;
    case H5I_DATASPACE:
        H5Sclose(*object);
        break;
    case H5I_DATATYPE:
        H5Tclose(*object);
        break;
    case H5I_GENPROP_LST:
        H5Pclose(*object);
        break;
    default:
        H5Oclose(*object);
    }
    *object = 0;
}

void h5_start(struct h5_file *f)
{
    f->id = -1;
    pthread_mutex_lock(&library);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* no stack traces on stderr */
    H5PLset_loading_state(0);              /* a file must not make us load filter plugins */
}

enum status h5_open(struct span bytes, struct h5_file *f)
{
    h5_start(f);
    static const char signature[] = "\x89HDF\r\n\x1a\n";
    if (bytes.len < 8 || memcmp(bytes.at, signature, 8) != 0)
        return err_set(f->err, INVALID, "%s is not an HDF5 file", f->name);
    auto_h5 access = H5Pcreate(H5P_FILE_ACCESS);
    /* The library wants a pointer to change; it copies the image. */
    if (access < 0 || H5Pset_fapl_core(access, 64 << 10, false) < 0 ||
        H5Pset_file_image(access, (void *)(uintptr_t)bytes.at, bytes.len) < 0)
        return err_set(f->err, IO_FAILED, "%s: the HDF5 library cannot start", f->name);
    /* The library insists that no file of this name exists. */
    f->id = H5Fopen("/dev/null/model", H5F_ACC_RDONLY, access);
    if (f->id < 0)
        return err_set(f->err, CORRUPT, "%s is a damaged HDF5 file", f->name);
    return OK;
}

void h5_close(struct h5_file *f)
{
    if (f->id >= 0)
        H5Fclose(f->id);
    pthread_mutex_unlock(&library);
}

/* Opens one step of a path. */
static hid_t step(hid_t group, const char *name)
{
    H5L_info_t info;
    if (H5Lget_info(group, name, &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD)
        return -1;
    return H5Oopen(group, name, H5P_DEFAULT);
}

enum status h5_object(struct h5_file *f, hid_t group, const char *path, hid_t *out)
{
    *out = 0;
    struct span rest = span_of(path), part;
    while (span_next(&rest, '/', &part)) {
        if (part.len == 0)
            continue;
        hid_t next = step(*out ? *out : group, arena_dup_span(f->arena, part));
        h5_release(out);
        if (next < 0)
            return err_set(f->err, INVALID, "%s: there is no \"%.100s\"", f->name, path);
        *out = next;
    }
    if (*out == 0)
        return err_set(f->err, INVALID, "%s: an empty path", f->name);
    return OK;
}

bool h5_has_attribute(hid_t object, const char *name)
{
    return H5Aexists(object, name) > 0;
}

/* Count of an attribute's items; -1 for something odd. */
static hssize_t items_of(hid_t attribute, size_t max)
{
    auto_h5 shape = H5Aget_space(attribute);
    if (shape < 0 || H5Sget_simple_extent_ndims(shape) > 1)
        return -1;
    hssize_t n = H5Sget_simple_extent_npoints(shape);
    return n < 0 || (size_t)n > max ? -1 : n;
}

static enum status variable_texts(struct h5_file *f, hid_t attribute, hid_t type, const char **out,
                                  size_t n)
{
    auto_h5 shape = H5Aget_space(attribute);
    auto_h5 memory = H5Tcopy(H5T_C_S1);
    char **raw = ARENA_ARRAY(f->arena, char *, n);
    if (H5Tset_size(memory, H5T_VARIABLE) < 0 || H5Tset_cset(memory, H5Tget_cset(type)) < 0 ||
        H5Aread(attribute, memory, raw) < 0)
        return CORRUPT;
    for (size_t i = 0; i < n; i++)
        out[i] = arena_dup(f->arena, raw[i] ? raw[i] : "");
    H5Dvlen_reclaim(memory, shape, H5P_DEFAULT, raw);
    return OK;
}

static enum status fixed_texts(struct h5_file *f, hid_t attribute, hid_t type, const char **out,
                               size_t n)
{
    size_t size = H5Tget_size(type);
    if (size == 0 || size > MODEL_TEXT_MAX_BYTES || n * size > MODEL_TEXT_MAX_BYTES)
        return FULL;
    char *raw = arena_zero(f->arena, n + 1, size);
    if (H5Aread(attribute, type, raw) < 0)
        return CORRUPT;
    for (size_t i = 0; i < n; i++)
        out[i] = arena_dup_span(f->arena, span_from(raw + i * size, strnlen(raw + i * size, size)));
    return OK;
}

static enum status read_texts(struct h5_file *f, hid_t object, const char *name, size_t max,
                              const char ***out, size_t *n)
{
    auto_h5 attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0)
        return err_set(f->err, INVALID, "%s: attribute %s is missing", f->name, name);
    hssize_t items = items_of(attribute, max);
    if (items < 0)
        return err_set(f->err, INVALID, "%s: attribute %s is not a list of at most %zu texts",
                       f->name, name, max);
    *n = (size_t)items;
    *out = ARENA_ARRAY(f->arena, const char *, (size_t)items + 1);
    if (items == 0) /* of any type: an empty list has none */
        return OK;
    auto_h5 type = H5Aget_type(attribute);
    if (type < 0 || H5Tget_class(type) != H5T_STRING)
        return err_set(f->err, INVALID, "%s: attribute %s is not text", f->name, name);
    enum status st = H5Tis_variable_str(type) > 0 ? variable_texts(f, attribute, type, *out, *n)
                                                  : fixed_texts(f, attribute, type, *out, *n);
    if (st)
        return err_set(f->err, st, "%s: attribute %s cannot be read", f->name, name);
    return OK;
}

enum status h5_text(struct h5_file *f, hid_t object, const char *name, struct span *out)
{
    const char **texts;
    size_t n;
    enum status st = read_texts(f, object, name, 1, &texts, &n);
    if (st)
        return st;
    *out = n ? span_of(texts[0]) : SPAN("");
    if (out->len > MODEL_TEXT_MAX_BYTES)
        return err_set(f->err, FULL, "%s: attribute %s has more than %d bytes", f->name, name,
                       MODEL_TEXT_MAX_BYTES);
    return OK;
}

enum status h5_texts(struct h5_file *f, hid_t object, const char *name, size_t max,
                     const char ***out, size_t *n)
{
    char part[64];
    snprintf(part, sizeof part, "%s0", name);
    if (h5_has_attribute(object, name) || !h5_has_attribute(object, part))
        return read_texts(f, object, name, max, out, n);
    *out = ARENA_ARRAY(f->arena, const char *, max);
    *n = 0;
    for (unsigned i = 0; h5_has_attribute(object, part); i++) {
        const char **texts;
        size_t n_texts = 0;
        enum status st = read_texts(f, object, part, max - *n, &texts, &n_texts);
        if (st)
            return st;
        for (size_t k = 0; k < n_texts; k++)
            (*out)[(*n)++] = texts[k];
        snprintf(part, sizeof part, "%s%u", name, i + 1);
    }
    return OK;
}

static bool stored_inside(hid_t dataset)
{
    auto_h5 how = H5Dget_create_plist(dataset);
    return how >= 0 && H5Pget_external_count(how) == 0 && H5Pget_layout(how) != H5D_VIRTUAL;
}

enum status h5_floats(struct h5_file *f, hid_t dataset, const char *path, size_t max, float **out,
                      size_t *rows, size_t *columns)
{
    if (H5Iget_type(dataset) != H5I_DATASET || !stored_inside(dataset))
        return err_set(f->err, INVALID, "%s: \"%.100s\" is not data stored in this file", f->name,
                       path);
    auto_h5 type = H5Dget_type(dataset);
    auto_h5 shape = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_ndims(shape);
    hsize_t dims[2] = {1, 1};
    if (type < 0 || H5Tget_class(type) != H5T_FLOAT || rank < 1 || rank > 2 ||
        H5Sget_simple_extent_dims(shape, rank == 2 ? dims : dims + 1, NULL) < 0)
        return err_set(f->err, INVALID, "%s: \"%.100s\" is not a vector or matrix of numbers",
                       f->name, path);
    if (dims[0] < 1 || dims[1] < 1 || dims[0] > max || dims[1] > max / dims[0])
        return err_set(f->err, INVALID, "%s: \"%.100s\" has not 1..%zu numbers", f->name, path,
                       max);
    *rows = (size_t)dims[0];
    *columns = (size_t)dims[1];
    *out = ARENA_ARRAY(f->arena, float, *rows **columns);
    if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0)
        return err_set(f->err, CORRUPT, "%s: \"%.100s\" cannot be read", f->name, path);
    return OK;
}
