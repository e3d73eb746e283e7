#include "unit.h"

UNIT_DECLARE(basic);
UNIT_DECLARE(codec);

int main(void)
{
    int failed = 0;
    failed += UNIT_RUN(codec);
    failed += UNIT_RUN(basic);
    return failed;
}
