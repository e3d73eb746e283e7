#include "unit.h"

UNIT_DECLARE(head);
UNIT_DECLARE(parts);

int main(void)
{
    return UNIT_RUN(head) + UNIT_RUN(parts);
}
