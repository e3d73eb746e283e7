/* A Prometheus rule file of any bytes: refused with a place, or rules with a plain form that is a
 * rule file again. */
#include "alert/alert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alert_rules r, again;
    auto_buf plain = {0};
    struct err err = {0};
    rules_init(&r);
    rules_init(&again);
    if (!rules_read(&r, span_from(data, size), "fuzz.yml", 15000, &err) && r.n) {
        rules_plain(&r, &plain);
        if (rules_read(&again, buf_view(&plain), "plain.yml", 15000, &err) ||
            again.n_rules != r.n_rules)
            __builtin_trap();
    }
    rules_free(&r);
    rules_free(&again);
    return 0;
}
