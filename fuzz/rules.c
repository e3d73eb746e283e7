/* A rule file of any bytes, and with it a file of features: refused with a place, or rules. */
#include "advise/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rules *r = mem_zero(1, sizeof *r);
    struct span text = span_from(data, size);
    struct err err;
    if (rules_add(r, text, "fuzz.yaml", 0, &err))
        (void)!features_add(r, text, "fuzz.yaml", 10000, &err);
    rules_close(r);
    return 0;
}
