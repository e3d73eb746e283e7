#include "unit.h"

#include "base/log.h"

UNIT_DECLARE(basic);
UNIT_DECLARE(codec);
UNIT_DECLARE(faults);
UNIT_DECLARE(model);

int main(void)
{
    int failed = 0;
    log_setup("test_store", LOG_ERROR, false);
    failed += UNIT_RUN(codec);
    failed += UNIT_RUN(basic);
    failed += UNIT_RUN(model);
    failed += UNIT_RUN(faults);
    return failed;
}
