/* In place of the HDF5 reader and writer in a build without the feature. */
#include "advise/layer.h"

enum status model_read(struct span file UNUSED, const char *name, struct model **out,
                       struct err *err)
{
    *out = NULL;
    return err_set(err, UNSUPPORTED,
                   "%s: this build has no HDF5 and cannot read model files; rebuild "
                   "with -Dhdf5=enabled",
                   name);
}

enum status model_save(const struct model *m UNUSED, const char *path, struct err *err)
{
    return err_set(err, UNSUPPORTED,
                   "%s: this build has no HDF5 and cannot write model files; rebuild "
                   "with -Dhdf5=enabled",
                   path);
}
