#include "unit.h"

UNIT_DECLARE(host_settings);
UNIT_DECLARE(increment);
UNIT_DECLARE(labels);
UNIT_DECLARE(parameter);
UNIT_DECLARE(regex);
UNIT_DECLARE(remote_read);
UNIT_DECLARE(remote_write);
UNIT_DECLARE(compress);
UNIT_DECLARE(exposition);
UNIT_DECLARE(memory_source);
UNIT_DECLARE(snappy);

int main(void)
{
    return UNIT_RUN(snappy) + UNIT_RUN(host_settings) + UNIT_RUN(increment) + UNIT_RUN(labels) +
           UNIT_RUN(parameter) + UNIT_RUN(regex) + UNIT_RUN(remote_read) + UNIT_RUN(remote_write) +
           UNIT_RUN(compress) + UNIT_RUN(exposition) + UNIT_RUN(memory_source);
}
