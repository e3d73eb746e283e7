#include "unit.h"

UNIT_DECLARE(query_print);

int main(void)
{
    return UNIT_RUN(query_print);
}
