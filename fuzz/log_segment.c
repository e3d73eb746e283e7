/* What the store reads from its log: frames as they lie in a file, and payloads as a damaged
 * frame whose checksum happens to be right would bring them. */
#include "store/embedded/frame.h"
#include "store/embedded/rows.h"

#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 10000 };

static void read_frames(struct span content)
{
    struct frame_reader r = {content, 0, 1, 0};
    struct frame_file head;
    struct span payload;
    size_t at, bytes;
    uint64_t lost;
    (void)frame_file_of(content, &head);
    for (int i = 0; i < STEPS_MAX; i++) {
        enum frame_found found = frame_next(&r, &payload, &at, &bytes, &lost);
        if (found == FRAME_END || found == FRAME_TORN)
            break;
    }
}

/* Payloads one after the other, each with its length in front; the first ones may define
 * series. */
static void read_payloads(struct span content)
{
    struct head head;
    head_init(&head);
    struct row_reader reader = {.head = &head};
    struct bytes_in in = bytes_of(content);
    uint64_t gen = 1;
    while (bytes_left(&in)) {
        uint64_t len = varint_get(&in);
        if (!in.at)
            break;
        len = len > bytes_left(&in) ? bytes_left(&in) : len;
        struct span payload = span_from(bytes_get(&in, (size_t)len), (size_t)len);
        if (!define_replay(&reader, 1, payload) && !row_replay(&reader, gen, payload))
            gen++;
    }
    for (uint32_t id = 1; id < MIN(head.series_end, 1000u); id++) {
        auto_arena arena = {0};
        struct samples all = {.arena = &arena};
        const struct series *s = head_series(&head, id);
        if (s && !series_read(s, HEAD_NOW, INT64_MIN, INT64_MAX, &all))
            abort();
        samples_sort(&all);
    }
    row_reader_free(&reader);
    head_free(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    log_setup("fuzz", LOG_ERROR, false);
    read_frames(span_from(data, size));
    read_payloads(span_from(data, size));
    return 0;
}
