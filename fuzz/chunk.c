/* What the store reads from its blocks: chunks, summaries, parts and label directories. What can
 * be read as a chunk is written again and must come back the same. */
#include "store/embedded/directory.h"
#include "store/embedded/part.h"

#include "base/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_again(const double *v, size_t n)
{
    static uint8_t bytes[CHUNK_MAX_BYTES(CHUNK_MAX_SAMPLES)];
    double back[CHUNK_MAX_SAMPLES];
    for (int style = CHUNK_RECENT; style <= CHUNK_COMPACT; style++) {
        size_t len = chunk_encode((enum chunk_style)style, 0, v, n, bytes);
        struct bytes_in in = bytes_of(span_from(bytes, len));
        if (!chunk_decode(&in, 0, back, n) || bytes_left(&in) || memcmp(v, back, n * sizeof *v))
            abort();
    }
}

static void read_part(struct span bytes)
{
    auto_arena arena = {0};
    struct part_head head;
    auto_buf copy = {0};
    if (bytes.len < 4)
        return;
    /* with the checksum that it should have */
    uint32_t crc = crc32c(0, bytes.at + 4, bytes.len - 4);
    buf_put(&copy, &crc, 4);
    buf_put(&copy, bytes.at + 4, bytes.len - 4);
    if (!part_parse(buf_view(&copy), 0, &arena, &head))
        return;
    for (size_t i = 0; i < head.n; i++) {
        struct samples all = {.arena = &arena};
        const struct part_entry *e = &head.entries[i];
        if (part_samples(&head, e) > 1 << 20)
            continue;
        (void)part_entry_in(&head, e, 0, INT64_MAX);
        (void)part_read(&head, e, (struct part_name){0}, buf_view(&copy), INT64_MIN, INT64_MAX,
                        &all);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    double v[CHUNK_MAX_SAMPLES];
    struct chunk_summary summary;
    if (size < 3)
        return 0;
    size_t n = (size_t)(data[0] | data[1] << 8) % (CHUNK_MAX_SAMPLES + 2);
    struct span rest = span_from(data + 2, size - 2);
    struct bytes_in in = bytes_of(rest);
    if (chunk_decode(&in, data[0], v, n))
        same_again(v, n);
    in = bytes_of(rest);
    (void)summary_decode(&in, data[0], &summary);
    read_part(rest);
    directory_release(directory_parse(rest, n));
    return 0;
}
