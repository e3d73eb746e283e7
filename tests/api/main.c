#include "unit.h"

UNIT_DECLARE(times);
UNIT_DECLARE(gate);
UNIT_DECLARE(metadata);
UNIT_DECLARE(prometheus_json);
UNIT_DECLARE(link_message);
UNIT_DECLARE(overlay);

int main(void)
{
    return UNIT_RUN(times) + UNIT_RUN(gate) + UNIT_RUN(metadata) + UNIT_RUN(prometheus_json) +
           UNIT_RUN(link_message) + UNIT_RUN(overlay);
}
