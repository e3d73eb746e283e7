#include "base/tar.h"
#include "unit.h"

static enum status begin(void *arg, const char *name, uint64_t size, struct err *err)
{
    (void)err;
    buf_printf(arg, "%s %llu:", name, (unsigned long long)size);
    return OK;
}

static enum status bytes(void *arg, struct span piece, struct err *err)
{
    (void)err;
    buf_span(arg, piece);
    return OK;
}

static enum status end(void *arg, struct err *err)
{
    (void)err;
    buf_str(arg, ";");
    return OK;
}

static void make(struct buf *out)
{
    static const char long_text[] = "0123456789";
    tar_begin(out, "a", 3, 1795176000);
    buf_str(out, "one");
    tar_pad(out, 3);
    tar_begin(out, "empty", 0, 0);
    tar_begin(out, "b/whole", 512, 0);
    for (size_t i = 0; i < 512; i++)
        buf_char(out, long_text[i % 10]);
    tar_pad(out, 512);
    tar_end(out);
}

static void round_trip(void **state)
{
    (void)state;
    static const size_t cuts[] = {SIZE_MAX, 1, 511, 513};
    auto_buf tar = {0};
    make(&tar);
    for (size_t i = 0; i < COUNT(cuts); i++) {
        auto_buf seen = {0};
        struct tar_reader r = {.begin = begin, .bytes = bytes, .end = end, .arg = &seen};
        for (size_t at = 0; at < tar.len;) {
            size_t n = MIN(cuts[i], tar.len - at);
            assert_ok(tar_feed(&r, span_from(tar.at + at, n), err));
            at += n;
        }
        assert_ok(tar_finish(&r, err));
        assert_true(span_starts(buf_view(&seen), SPAN("a 3:one;empty 0:;b/whole 512:01234")));
        assert_true(span_ends(buf_view(&seen), SPAN("901;")));
    }
}

static void refused(void **state)
{
    (void)state;
    auto_buf tar = {0}, seen = {0};
    make(&tar);
    struct tar_reader cut = {.begin = begin, .bytes = bytes, .end = end, .arg = &seen};
    assert_ok(tar_feed(&cut, span_from(tar.at, tar.len - 1024), err));
    assert_fails(tar_finish(&cut, err), INVALID, "cut off");
    struct tar_reader other = {.begin = begin, .bytes = bytes, .end = end, .arg = &seen};
    tar.at[10] ^= 1;
    assert_fails(tar_feed(&other, buf_view(&tar), err), INVALID, "no tar");
}

/* The largest size that octal digits can say, and one more. */
static void sizes(void **state)
{
    (void)state;
    static const uint64_t cases[] = {UINT64_C(8589934591), UINT64_C(8589934592), UINT64_C(1) << 40};
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf tar = {0}, seen = {0}, want = {0};
        struct tar_reader r = {.begin = begin, .bytes = bytes, .end = end, .arg = &seen};
        tar_begin(&tar, "big", cases[i], 0);
        assert_int_equal(tar.len, TAR_BLOCK);
        assert_ok(tar_feed(&r, buf_view(&tar), err));
        buf_printf(&want, "big %llu:", (unsigned long long)cases[i]);
        assert_string_equal(buf_text(&seen), buf_text(&want));
    }
}

const struct CMUnitTest tar_tests[] = {
    cmocka_unit_test(round_trip),
    cmocka_unit_test(refused),
    cmocka_unit_test(sizes),
};
const size_t tar_tests_n = COUNT(tar_tests);
