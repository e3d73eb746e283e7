#include "base/crypto.h"
#include "series/remote_write.h"
#include "unit.h"

#include <zstd.h>

static const enum compression all[] = {COMPRESSION_NONE, COMPRESSION_SNAPPY, COMPRESSION_ZSTD,
                                       COMPRESSION_GZIP};

static void names_are_content_encodings(void **state UNUSED)
{
    static const struct {
        const char *name;
        bool ok;
        enum compression want;
    } cases[] = {
        {"", true, COMPRESSION_NONE},       {"snappy", true, COMPRESSION_SNAPPY},
        {"zstd", true, COMPRESSION_ZSTD},   {" GZIP ", true, COMPRESSION_GZIP},
        {"br", false, COMPRESSION_NONE},    {"snappy, gzip", false, COMPRESSION_NONE},
        {"snapp", false, COMPRESSION_NONE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum compression c = COMPRESSION_NONE;
        assert_int_equal(compression_of(span_of(cases[i].name), &c), cases[i].ok);
        assert_int_equal(c, cases[i].want);
    }
    assert_string_equal(compression_name(COMPRESSION_ZSTD), "zstd");
}

/* Text that packs well, text that does not, and the sizes at which steps end. */
static void what_is_packed_unpacks(void **state UNUSED)
{
    static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 300000};
    for (size_t i = 0; i < COUNT(all); i++) {
        for (size_t k = 0; k < COUNT(sizes); k++) {
            for (int random = 0; random < 2; random++) {
                auto_buf plain = {0}, packed = {0}, again = {0};
                buf_fill(&plain, 'a', sizes[k]);
                if (random)
                    random_bytes(plain.at, plain.len);
                buf_str(&again, "before");
                assert_ok(pack(all[i], buf_view(&plain), &packed, err));
                assert_ok(unpack(all[i], buf_view(&packed), sizes[k], &again, err));
                assert_int_equal(again.len, 6 + sizes[k]);
                assert_memory_equal(again.at, "before", 6);
                assert_memory_equal(again.at + 6, plain.at, sizes[k]);
            }
        }
    }
}

static void the_ceiling_holds(void **state UNUSED)
{
    enum { MAX_BYTES = 100000 };
    for (size_t i = 0; i < COUNT(all); i++) {
        for (size_t over = 0; over < 2; over++) {
            auto_buf plain = {0}, packed = {0}, again = {0};
            buf_fill(&plain, 'a', MAX_BYTES + over);
            assert_ok(pack(all[i], buf_view(&plain), &packed, err));
            if (!over)
                assert_ok(unpack(all[i], buf_view(&packed), MAX_BYTES, &again, err));
            else
                assert_fails(unpack(all[i], buf_view(&packed), MAX_BYTES, &again, err), FULL,
                             "than 100000 bytes");
            assert_int_equal(again.len, over ? 0 : MAX_BYTES);
            assert_true(again.size <= 2 * MAX_BYTES);
        }
    }
}

static void a_buf_without_room_is_an_error(void **state UNUSED)
{
    for (size_t i = 0; i < COUNT(all); i++) {
        auto_buf plain = {0}, packed = {0}, again = {.max = 999}, tiny = {.max = 10};
        buf_fill(&plain, 'a', 1000);
        assert_ok(pack(all[i], buf_view(&plain), &packed, err));
        assert_fails(unpack(all[i], buf_view(&packed), 5000, &again, err), FULL, "");
        assert_int_equal(again.len, 0);
        assert_fails(pack(all[i], buf_view(&plain), &tiny, err), FULL, "no room");
    }
}

static void bombs_are_refused_before_memory_is_taken(void **state UNUSED)
{
    auto_buf out = {0};
    /* snappy: 4 GiB - 1 claimed, then 31 MiB claimed in 5 bytes */
    struct span claims[] = {SPAN("\xff\xff\xff\xff\x0f\x00"), SPAN("\x80\x80\xc0\x0f\x00")};
    assert_fails(unpack(COMPRESSION_SNAPPY, claims[0], 1 << 25, &out, err), FULL, "more than");
    assert_fails(unpack(COMPRESSION_SNAPPY, claims[1], 1 << 25, &out, err), INVALID,
                 "cannot be true");
    assert_int_equal(out.size, 0);

    enum { BOMB_BYTES = 64 << 20, MAX_BYTES = 1 << 20 };
    auto_buf plain = {0};
    buf_fill(&plain, 0, BOMB_BYTES);
    static const enum compression bombs[] = {COMPRESSION_ZSTD, COMPRESSION_GZIP};
    for (size_t i = 0; i < COUNT(bombs); i++) {
        auto_buf packed = {0};
        assert_ok(pack(bombs[i], buf_view(&plain), &packed, err));
        assert_true(packed.len < BOMB_BYTES / 200);
        assert_fails(unpack(bombs[i], buf_view(&packed), MAX_BYTES, &out, err), FULL, "more than");
        assert_true(out.size <= 2 * MAX_BYTES);
    }
    plain.len = 0;
}

/* A frame that does not say how long it is, with the window it asks for. */
static void stream_zstd(struct buf *out, size_t n, int window_log)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, window_log);
    char chunk[1 << 16] = {0};
    while (n) {
        size_t part = MIN(n, sizeof chunk);
        ZSTD_inBuffer in = {chunk, part, 0};
        n -= part;
        size_t left;
        do {
            ZSTD_outBuffer piece = {buf_reserve(out, 1 << 17), 1 << 17, 0};
            left = ZSTD_compressStream2(z, &piece, &in, n ? ZSTD_e_continue : ZSTD_e_end);
            assert_false(ZSTD_isError(left));
            out->len += piece.pos;
        } while (in.pos < in.size || (!n && left));
    }
    ZSTD_freeCCtx(z);
}

static void zstd_without_a_length_is_bounded_too(void **state UNUSED)
{
    enum { BYTES = 12 << 20 };
    static const struct {
        int window_log;
        size_t max;
        enum status want;
        const char *says;
    } cases[] = {
        {20, BYTES, OK, ""},
        {23, BYTES, OK, ""},
        {24, BYTES, INVALID, "memory"}, /* zstd's word for a window above the limit */
        {20, BYTES - 1, FULL, "more than"},
        {20, 1000, FULL, "more than"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf packed = {0}, again = {0};
        stream_zstd(&packed, BYTES, cases[i].window_log);
        if (cases[i].want == OK) {
            assert_ok(unpack(COMPRESSION_ZSTD, buf_view(&packed), cases[i].max, &again, err));
            assert_int_equal(again.len, BYTES);
            continue;
        }
        assert_fails(unpack(COMPRESSION_ZSTD, buf_view(&packed), cases[i].max, &again, err),
                     cases[i].want, cases[i].says);
        assert_int_equal(again.len, 0);
    }
}

static void several_frames_are_one_text(void **state UNUSED)
{
    static const enum compression streams[] = {COMPRESSION_ZSTD, COMPRESSION_GZIP};
    for (size_t i = 0; i < COUNT(streams); i++) {
        auto_buf packed = {0}, again = {0};
        assert_ok(pack(streams[i], SPAN("one "), &packed, err));
        assert_ok(pack(streams[i], SPAN("two"), &packed, err));
        assert_ok(unpack(streams[i], buf_view(&packed), 7, &again, err));
        assert_span(buf_view(&again), "one two");
        assert_fails(unpack(streams[i], buf_view(&packed), 6, &again, err), FULL, "more than");
    }
}

static void damage_is_named(void **state UNUSED)
{
    for (size_t i = 1; i < COUNT(all); i++) {
        auto_buf plain = {0}, packed = {0}, out = {0};
        for (int k = 0; k < 300; k++)
            buf_printf(&plain, "line %d of some text\n", k);
        assert_ok(pack(all[i], buf_view(&plain), &packed, err));
        for (size_t len = 0; len < packed.len; len++) {
            char *copy = mem_dup_span(span_from(packed.at, len));
            assert_fails(unpack(all[i], span_from(copy, len), 1 << 20, &out, err), INVALID,
                         "damaged");
            assert_int_equal(out.len, 0);
            free(copy);
        }
        buf_str(&packed, "more");
        assert_fails(unpack(all[i], buf_view(&packed), 1 << 20, &out, err), INVALID, "damaged");
        assert_fails(unpack(all[i], SPAN("not packed at all"), 1 << 20, &out, err), INVALID,
                     "damaged");
    }
}

const struct CMUnitTest compress_tests[] = {
    cmocka_unit_test(names_are_content_encodings),
    cmocka_unit_test(what_is_packed_unpacks),
    cmocka_unit_test(the_ceiling_holds),
    cmocka_unit_test(a_buf_without_room_is_an_error),
    cmocka_unit_test(bombs_are_refused_before_memory_is_taken),
    cmocka_unit_test(zstd_without_a_length_is_bounded_too),
    cmocka_unit_test(several_frames_are_one_text),
    cmocka_unit_test(damage_is_named),
};
const size_t compress_tests_n = COUNT(compress_tests);
