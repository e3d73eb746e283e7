#include "unit.h"

UNIT_DECLARE(advice);
UNIT_DECLARE(changes);
UNIT_DECLARE(decide);
UNIT_DECLARE(edges);
UNIT_DECLARE(guards);
UNIT_DECLARE(hold);
UNIT_DECLARE(keras);
UNIT_DECLARE(payload);
UNIT_DECLARE(profile);
UNIT_DECLARE(rules);
UNIT_DECLARE(table);
UNIT_DECLARE(text);
UNIT_DECLARE(train);
UNIT_DECLARE(trends);
UNIT_DECLARE(verify);

int main(void)
{
    return UNIT_RUN(advice) + UNIT_RUN(changes) + UNIT_RUN(decide) + UNIT_RUN(edges) +
           UNIT_RUN(guards) + UNIT_RUN(hold) + UNIT_RUN(keras) + UNIT_RUN(payload) +
           UNIT_RUN(profile) + UNIT_RUN(rules) + UNIT_RUN(table) + UNIT_RUN(text) +
           UNIT_RUN(train) + UNIT_RUN(trends) + UNIT_RUN(verify);
}
