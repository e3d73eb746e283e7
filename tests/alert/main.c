#include "unit.h"

UNIT_DECLARE(replay);
UNIT_DECLARE(route);
UNIT_DECLARE(rule_file);
UNIT_DECLARE(state);
UNIT_DECLARE(template);
UNIT_DECLARE(mail);

int main(void)
{
    return UNIT_RUN(replay) + UNIT_RUN(route) + UNIT_RUN(rule_file) + UNIT_RUN(state) +
           UNIT_RUN(template) + UNIT_RUN(mail);
}
