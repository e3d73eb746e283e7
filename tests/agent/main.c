#include "unit.h"

#include "base/log.h"

#include <signal.h>

UNIT_DECLARE(spool);
UNIT_DECLARE(merge);
UNIT_DECLARE(basis);
UNIT_DECLARE(schedule);
UNIT_DECLARE(answer);
UNIT_DECLARE(config);
UNIT_DECLARE(enroll);
UNIT_DECLARE(notify);
UNIT_DECLARE(proxy);
UNIT_DECLARE(ship);
UNIT_DECLARE(confine);
UNIT_DECLARE(server_message);
UNIT_DECLARE(remote);
UNIT_DECLARE(control);
UNIT_DECLARE(link);

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    log_setup("test_agent", LOG_ERROR, false);
    return UNIT_RUN(spool) + UNIT_RUN(merge) + UNIT_RUN(schedule) + UNIT_RUN(answer) +
           UNIT_RUN(config) + UNIT_RUN(enroll) + UNIT_RUN(notify) + UNIT_RUN(proxy) +
           UNIT_RUN(ship) + UNIT_RUN(confine) + UNIT_RUN(server_message) + UNIT_RUN(remote) +
           UNIT_RUN(control) + UNIT_RUN(link) + UNIT_RUN(basis);
}
