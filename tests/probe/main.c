#include "unit.h"

#include "base/log.h"

UNIT_DECLARE(judge);
UNIT_DECLARE(dbus);
UNIT_DECLARE(names);
UNIT_DECLARE(checks);

int main(void)
{
    log_setup("test_probe", LOG_ERROR, false);
    return UNIT_RUN(judge) + UNIT_RUN(dbus) + UNIT_RUN(names) + UNIT_RUN(checks);
}
