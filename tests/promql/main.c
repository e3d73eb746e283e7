#include "unit.h"

UNIT_DECLARE(lexer);
UNIT_DECLARE(parser);
UNIT_DECLARE(limits);
UNIT_DECLARE(scripts);
UNIT_DECLARE(over_store);

int main(void)
{
    return UNIT_RUN(lexer) + UNIT_RUN(parser) + UNIT_RUN(limits) + UNIT_RUN(scripts) +
           UNIT_RUN(over_store);
}
