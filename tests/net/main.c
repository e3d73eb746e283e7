#include "unit.h"

UNIT_DECLARE(head);
UNIT_DECLARE(parts);
UNIT_DECLARE(server);
UNIT_DECLARE(sink);
UNIT_DECLARE(answers);
UNIT_DECLARE(client);
UNIT_DECLARE(websocket);
int run_tls_tests(void);

int main(void)
{
    return UNIT_RUN(head) + UNIT_RUN(parts) + UNIT_RUN(server) + UNIT_RUN(sink) +
           UNIT_RUN(answers) + UNIT_RUN(client) + run_tls_tests() + UNIT_RUN(websocket);
}
