#include "unit.h"

UNIT_DECLARE(password);
UNIT_DECLARE(throttle);
UNIT_DECLARE(login);
UNIT_DECLARE(tokens);

int main(void)
{
    return UNIT_RUN(password) + UNIT_RUN(throttle) + UNIT_RUN(login) + UNIT_RUN(tokens);
}
