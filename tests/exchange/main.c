#include "unit.h"

UNIT_DECLARE(importing);
UNIT_DECLARE(exporting);

int main(void)
{
    return UNIT_RUN(importing) + UNIT_RUN(exporting);
}
