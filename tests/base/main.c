#include "unit.h"

UNIT_DECLARE(span);
UNIT_DECLARE(steady);
UNIT_DECLARE(tar);
UNIT_DECLARE(text);
UNIT_DECLARE(buf);
UNIT_DECLARE(memory);
UNIT_DECLARE(map);
UNIT_DECLARE(json);
UNIT_DECLARE(yaml);
UNIT_DECLARE(file);
UNIT_DECLARE(crypto);
UNIT_DECLARE(threads);

int main(void)
{
    return UNIT_RUN(span) + UNIT_RUN(steady) + UNIT_RUN(tar) + UNIT_RUN(buf) + UNIT_RUN(memory) +
           UNIT_RUN(map) + UNIT_RUN(json) + UNIT_RUN(yaml) + UNIT_RUN(file) + UNIT_RUN(crypto) +
           UNIT_RUN(threads) + UNIT_RUN(text);
}
