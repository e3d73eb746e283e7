/* A product's profile of any bytes: refused with a place, or a profile that can be told as JSON. */
#include "advise/profile_state.h"
#include "advise/tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rules *r = mem_zero(1, sizeof *r);
    struct err err = {0};
    if (!profiles_add(r, span_from(data, size), "fuzz.yaml", 0, &err)) {
        auto_buf out = {0};
        struct json j = json_to(&out);
        struct adviser a = {.rules = r};
        adviser_profiles_json(&a, &j);
        if (!out.len)
            __builtin_trap();
    } else if (!err.text[0]) {
        __builtin_trap(); /* a refusal says why */
    }
    rules_close(r);
    return 0;
}
