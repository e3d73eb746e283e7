/* test_store             all tests but those that flip bits
 * test_store flips K/N   part K (from 1) of N of those: in the soak each bit of each file is
 * flipped, which takes too long for one process */
#include "fixture.h"

#include "base/log.h"

#include <stdio.h>

UNIT_DECLARE(basic);
UNIT_DECLARE(blocks);
UNIT_DECLARE(check);
UNIT_DECLARE(churn);
UNIT_DECLARE(codec);
UNIT_DECLARE(faults);
UNIT_DECLARE(flips);
UNIT_DECLARE(guards);
UNIT_DECLARE(model);
UNIT_DECLARE(names);
UNIT_DECLARE(retention);
UNIT_DECLARE(threads);

static bool part_of(const char *text)
{
    unsigned k, n;
    char behind;
    if (sscanf(text, "%u/%u%c", &k, &n, &behind) != 2 || k < 1 || k > n)
        return false;
    fixture_part = (struct fixture_part){k - 1, n};
    return true;
}

int main(int argc, char **argv)
{
    int failed = 0;
    log_setup("test_store", LOG_ERROR, false);
    if (argc == 3 && !strcmp(argv[1], "flips") && part_of(argv[2]))
        return UNIT_RUN(flips);
    if (argc > 1) {
        fprintf(stderr, "usage: test_store [flips K/N]\n");
        return 2;
    }
    failed += UNIT_RUN(codec);
    failed += UNIT_RUN(basic);
    failed += UNIT_RUN(blocks);
    failed += UNIT_RUN(churn);
    failed += UNIT_RUN(guards);
    failed += UNIT_RUN(check);
    failed += UNIT_RUN(model);
    failed += UNIT_RUN(names);
    failed += UNIT_RUN(threads);
    failed += UNIT_RUN(retention);
    failed += UNIT_RUN(faults);
    return failed;
}
