#include "unit.h"

UNIT_DECLARE(labels);
UNIT_DECLARE(regex);

int main(void)
{
    return UNIT_RUN(labels) + UNIT_RUN(regex);
}
