#include "unit.h"

#include "base/log.h"

UNIT_DECLARE(parse);
UNIT_DECLARE(parse_storage);
UNIT_DECLARE(machines);
UNIT_DECLARE(series);
UNIT_DECLARE(changes);
UNIT_DECLARE(live);
UNIT_DECLARE(processes);
UNIT_DECLARE(budget);

int main(void)
{
    log_setup("test_collect", LOG_ERROR, false);
    return UNIT_RUN(parse) + UNIT_RUN(parse_storage) + UNIT_RUN(machines) + UNIT_RUN(series) +
           UNIT_RUN(changes) + UNIT_RUN(live) + UNIT_RUN(processes) + UNIT_RUN(budget);
}
