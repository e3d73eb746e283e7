#include "base/map.h"
#include "base/arena.h"
#include "unit.h"

static void it_behaves_like_a_list_of_pairs(void **state UNUSED)
{
    enum { KEYS = 500, STEPS = 20000 };
    auto_arena a = {0};
    CLEANUP(map_free) struct map m = {0};
    char *keys[KEYS];
    void *model[KEYS] = {0};
    size_t count = 0;
    uint64_t seed = 1;
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = arena_printf(&a, "key %zu", i);
    for (size_t step = 0; step < STEPS; step++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t i = (seed >> 33) % KEYS;
        struct span key = span_of(keys[i]);
        if (seed >> 62) { /* three of four */
            assert_ptr_equal(map_put(&m, key, &keys[step % KEYS]), model[i]);
            count += !model[i];
            model[i] = &keys[step % KEYS];
        } else {
            assert_ptr_equal(map_remove(&m, key), model[i]);
            count -= !!model[i];
            model[i] = NULL;
        }
        assert_int_equal(m.count, count);
    }
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get(&m, span_of(keys[i])), model[i]);
    size_t at = 0, seen = 0;
    while (map_next(&m, &at))
        seen++;
    assert_int_equal(seen, count);
}

static void adding_and_removing_for_ever_does_not_grow(void **state UNUSED)
{
    CLEANUP(map_free) struct map m = {0};
    char key[16];
    for (int i = 0; i < 100000; i++) {
        memcpy(key, &i, sizeof i);
        struct span k = span_from(key, sizeof i);
        map_put(&m, k, key);
        map_remove(&m, k);
    }
    assert_int_equal(m.count, 0);
    assert_true(m.size <= 32);
}

static void the_empty_key_is_a_key(void **state UNUSED)
{
    CLEANUP(map_free) struct map m = {0};
    int value;
    assert_null(map_get(&m, SPAN("")));
    map_put(&m, (struct span){0}, &value);
    assert_ptr_equal(map_get(&m, SPAN("")), &value);
}

const struct CMUnitTest map_tests[] = {
    cmocka_unit_test(it_behaves_like_a_list_of_pairs),
    cmocka_unit_test(adding_and_removing_for_ever_does_not_grow),
    cmocka_unit_test(the_empty_key_is_a_key),
};
const size_t map_tests_n = COUNT(map_tests);
