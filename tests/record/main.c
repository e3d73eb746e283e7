#include "unit.h"

UNIT_DECLARE(agents);
UNIT_DECLARE(alerts);
UNIT_DECLARE(database);
UNIT_DECLARE(events);
UNIT_DECLARE(findings);
UNIT_DECLARE(hosts);
UNIT_DECLARE(results);
UNIT_DECLARE(usage);
UNIT_DECLARE(users);

int main(void)
{
    return UNIT_RUN(agents) + UNIT_RUN(alerts) + UNIT_RUN(database) + UNIT_RUN(events) +
           UNIT_RUN(findings) + UNIT_RUN(hosts) + UNIT_RUN(results) + UNIT_RUN(usage) +
           UNIT_RUN(users);
}
