#include "base/crypto.h"
#include "unit.h"

static void digests_match_the_standard(void **state UNUSED)
{
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    sha256(SPAN("abc"), digest); /* FIPS 180-4 */
    hex_encode(span_from(digest, sizeof digest), text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    uint8_t back[SHA256_BYTES];
    assert_true(hex_decode(span_of(text), back, sizeof back));
    assert_memory_equal(back, digest, sizeof back);
    assert_false(hex_decode(span_of(text), back, sizeof back - 1));
    text[5] = 'g';
    assert_false(hex_decode(span_of(text), back, sizeof back));
}

static void crc_matches_rfc_3720(void **state UNUSED)
{
    uint8_t zeros[32] = {0};
    assert_int_equal(crc32c(0, zeros, sizeof zeros), 0x8a9136aa);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
}

static void tokens_are_long_and_new_each_time(void **state UNUSED)
{
    char a[TOKEN_TEXT_MAX], b[TOKEN_TEXT_MAX];
    token_make("gla_", a);
    token_make("gla_", b);
    assert_int_equal(strlen(a), 4 + 43);
    assert_memory_equal(a, "gla_", 4);
    assert_string_not_equal(a, b);
}

static void secrets_compare_by_content(void **state UNUSED)
{
    assert_true(secret_eq(SPAN("same"), SPAN("same")));
    assert_true(secret_eq(SPAN(""), SPAN("")));
    assert_false(secret_eq(SPAN("same"), SPAN("samE")));
    assert_false(secret_eq(SPAN("same"), SPAN("sam")));
}

const struct CMUnitTest crypto_tests[] = {
    cmocka_unit_test(digests_match_the_standard),
    cmocka_unit_test(crc_matches_rfc_3720),
    cmocka_unit_test(tokens_are_long_and_new_each_time),
    cmocka_unit_test(secrets_compare_by_content),
};
const size_t crypto_tests_n = COUNT(crypto_tests);
