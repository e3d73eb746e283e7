#include "unit.h"

UNIT_DECLARE(keras);
UNIT_DECLARE(rules);
UNIT_DECLARE(train);

int main(void)
{
    return UNIT_RUN(keras) + UNIT_RUN(rules) + UNIT_RUN(train);
}
