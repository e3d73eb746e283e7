/* See settle.h. Starting touches code and buffers that are hardly used again: the handshake's, the
 * first message's compression. */
#include "agent/settle.h"

#include "base/file.h"
#include "base/span.h"

#include <malloc.h>
#include <stdio.h>
#include <sys/mman.h>

enum {
    /* Larger buffers are mapped on their own, and go back when they are freed. */
    MMAP_FROM_BYTES = 48 << 10,
    TRIM_FROM_BYTES = 48 << 10,
    TOP_PAD_BYTES = 16 << 10,
    MAPS_MAX_BYTES = 256 << 10,
};

void settle_prepare(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, MMAP_FROM_BYTES);
    mallopt(M_TRIM_THRESHOLD, TRIM_FROM_BYTES);
    mallopt(M_TOP_PAD, TOP_PAD_BYTES);
}

/* "7f00-7f10 r-xp 00000000 08:01 123 /usr/lib/libcrypto.so.3": code from a file. Its pages are
 * clean, so that the kernel can take them and bring back those that are used. */
static bool is_code(struct span line, uint64_t *from, uint64_t *to)
{
    struct span range, mode, ignored, start;
    bool cut = span_word(&line, &range) && span_word(&line, &mode) && span_word(&line, &ignored) &&
               span_word(&line, &ignored) && span_word(&line, &ignored);
    return cut && span_is(mode, "r-xp") && span_trim(line).len && span_trim(line).at[0] == '/' &&
           span_next(&range, '-', &start) && span_hex(start, from) && span_hex(range, to);
}

static void drop_code(void)
{
    auto_buf maps = {.max = MAPS_MAX_BYTES};
    struct span rest, line;
    uint64_t from, to;
    if (file_read("/proc/self/maps", &maps, NULL))
        return;
    rest = buf_view(&maps);
    while (span_line(&rest, &line))
        if (is_code(line, &from, &to))
            /* NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel's own text of an address */
            madvise((void *)(uintptr_t)from, (size_t)(to - from), MADV_DONTNEED);
}

void settle(void)
{
    malloc_trim(0);
    drop_code();
}
