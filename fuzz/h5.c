/* A model file of any bytes: refused with a sentence, or a model that can be asked. */
#include "advise/model.h"

/* libhdf5 1.10 itself leaks on damaged files; what we leak is still found. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model *m;
    if (model_read(span_from(data, size), "fuzz.h5", &m, NULL))
        return 0;
    static double x[MODEL_WIDTH_MAX], y[MODEL_WIDTH_MAX];
    model_predict(m, x, y);
    model_close(m);
    return 0;
}
