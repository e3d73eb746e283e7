/* What every unit test includes, in the order that cmocka wants. A folder's tests are one
 * program: each file offers a list of cases, main() runs the lists. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/span.h"

/* In a test file:   const struct CMUnitTest span_tests[] = {cmocka_unit_test(...)...};
 *                   const size_t span_tests_n = COUNT(span_tests);
 * in main.c:        UNIT_DECLARE(span); ... return UNIT_RUN(span) + ... */
#define UNIT_DECLARE(name)                                                                         \
    extern const struct CMUnitTest name##_tests[];                                                 \
    extern const size_t name##_tests_n
#define UNIT_RUN(name) _cmocka_run_group_tests(#name, name##_tests, name##_tests_n, NULL, NULL)

/* The call succeeds; otherwise the test fails with the sentence. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        struct err assert_err = {0};                                                               \
        struct err *err = &assert_err;                                                             \
        if ((call) != OK)                                                                          \
            fail_msg("%s: %s", #call, err->text);                                                  \
    } while (0)
/* The call fails with that status and a sentence that contains text. */
#define assert_fails(call, wanted, says)                                                           \
    do {                                                                                           \
        struct err assert_err = {0};                                                               \
        struct err *err = &assert_err;                                                             \
        assert_int_equal((call), (wanted));                                                        \
        if (!strstr(err->text, (says)))                                                            \
            fail_msg("%s: \"%s\" does not say \"%s\"", #call, err->text, (says));                  \
    } while (0)
#define assert_span(got, want)                                                                     \
    do {                                                                                           \
        struct span assert_s = (got);                                                              \
        if (!span_is(assert_s, (want)))                                                            \
            fail_msg("\"%.*s\" is not \"%s\"", SPAN_ARG(assert_s), (want));                        \
    } while (0)
