#include "base/arena.h"
#include "unit.h"

static void allocations_are_aligned_and_apart(void **state UNUSED)
{
    auto_arena a = {0};
    char *last = NULL;
    for (size_t n = 0; n < 2000; n++) {
        char *p = arena_alloc(&a, n);
        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, (int)n, n);
        if (last && n > 1)
            assert_int_equal((unsigned char)last[n - 2], (n - 1) & 255);
        last = p;
    }
}

static void growing_keeps_content_and_place_when_last(void **state UNUSED)
{
    auto_arena a = {0};
    char *p = arena_dup(&a, "0123456789");
    char *same = arena_grow(&a, p, 11, 100);
    assert_ptr_equal(p, same);
    arena_alloc(&a, 1);
    char *moved = arena_grow(&a, same, 100, 200);
    assert_ptr_not_equal(moved, same);
    assert_string_equal(moved, "0123456789");
}

static void reset_keeps_the_largest_block(void **state UNUSED)
{
    auto_arena a = {0};
    for (int i = 0; i < 100; i++)
        arena_alloc(&a, 10000);
    assert_int_equal(a.total_bytes, 100 * 10000);
    size_t size = a.size;
    arena_reset(&a);
    assert_int_equal(a.total_bytes, 0);
    assert_int_equal(a.size, size);
    char *text = arena_printf(&a, "%d-%s", 42, "x");
    assert_string_equal(text, "42-x");
}

const struct CMUnitTest memory_tests[] = {
    cmocka_unit_test(allocations_are_aligned_and_apart),
    cmocka_unit_test(growing_keeps_content_and_place_when_last),
    cmocka_unit_test(reset_keeps_the_largest_block),
};
const size_t memory_tests_n = COUNT(memory_tests);
