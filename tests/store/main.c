#include "unit.h"

#include "base/log.h"

UNIT_DECLARE(basic);
UNIT_DECLARE(blocks);
UNIT_DECLARE(check);
UNIT_DECLARE(churn);
UNIT_DECLARE(codec);
UNIT_DECLARE(faults);
UNIT_DECLARE(guards);
UNIT_DECLARE(model);
UNIT_DECLARE(threads);

int main(void)
{
    int failed = 0;
    log_setup("test_store", LOG_ERROR, false);
    failed += UNIT_RUN(codec);
    failed += UNIT_RUN(basic);
    failed += UNIT_RUN(blocks);
    failed += UNIT_RUN(churn);
    failed += UNIT_RUN(guards);
    failed += UNIT_RUN(check);
    failed += UNIT_RUN(model);
    failed += UNIT_RUN(threads);
    failed += UNIT_RUN(faults);
    return failed;
}
