#include "store/embedded/frame.h"

#include "base/crypto.h"

static const char magic[8] = "GALENLOG";

static uint64_t word_at(const char *at)
{
    uint64_t w;
    memcpy(&w, at, 8);
    return w;
}

static uint32_t half_at(const char *at)
{
    uint32_t w;
    memcpy(&w, at, 4);
    return w;
}

void frame_file_head(const struct frame_file *f, uint8_t out[FRAME_FILE_HEAD_BYTES])
{
    uint64_t words[] = {FRAME_VERSION, f->gen, f->number, f->first_seq};
    memset(out, 0, FRAME_FILE_HEAD_BYTES);
    memcpy(out, magic, sizeof magic);
    memcpy(out + 8, words, sizeof words);
    uint32_t crc = crc32c(0, out, FRAME_FILE_HEAD_BYTES - 4);
    memcpy(out + FRAME_FILE_HEAD_BYTES - 4, &crc, 4);
}

bool frame_file_of(struct span content, struct frame_file *out)
{
    if (content.len < FRAME_FILE_HEAD_BYTES || memcmp(content.at, magic, sizeof magic) != 0 ||
        half_at(content.at + FRAME_FILE_HEAD_BYTES - 4) !=
            crc32c(0, content.at, FRAME_FILE_HEAD_BYTES - 4) ||
        word_at(content.at + 8) != FRAME_VERSION)
        return false;
    *out = (struct frame_file){word_at(content.at + 16), word_at(content.at + 24),
                               word_at(content.at + 32)};
    return true;
}

static uint32_t frame_crc(uint32_t payload_crc, uint64_t seq, uint64_t gen)
{
    uint64_t words[] = {seq, gen};
    return crc32c(payload_crc, words, sizeof words);
}

static size_t frame_bytes(size_t payload)
{
    return FRAME_HEAD_BYTES + ((payload + 7) & ~(size_t)7);
}

void frame_put(struct buf *out, uint64_t gen, uint64_t seq, struct span payload,
               uint32_t payload_crc)
{
    size_t bytes = frame_bytes(payload.len);
    char *at = buf_reserve(out, bytes);
    if (!at)
        return;
    uint32_t len = (uint32_t)payload.len, crc = frame_crc(payload_crc, seq, gen);
    memset(at + bytes - 8, 0, 8);
    memcpy(at, &len, 4);
    memcpy(at + 4, &crc, 4);
    memcpy(at + 8, &seq, 8);
    memcpy(at + FRAME_HEAD_BYTES, payload.at, payload.len);
    out->len += bytes;
}

/* Whether a whole frame with a number from seq on lies there. */
static bool whole(const struct frame_reader *r, size_t at, uint64_t seq)
{
    size_t left = r->content.len - at;
    if (left < FRAME_HEAD_BYTES)
        return false;
    const char *p = r->content.at + at;
    uint32_t len = half_at(p);
    uint64_t own = word_at(p + 8);
    return len && len <= FRAME_MAX_BYTES && len <= left - FRAME_HEAD_BYTES &&
           own - seq < FRAME_GAP_MAX &&
           half_at(p + 4) == frame_crc(crc32c(0, p + FRAME_HEAD_BYTES, len), own, r->gen);
}

enum frame_found frame_next(struct frame_reader *r, struct span *payload, size_t *skipped_at,
                            size_t *skipped_bytes, uint64_t *lost)
{
    if (r->at > r->content.len)
        r->at = r->content.len;
    size_t left = r->content.len - r->at;
    const char *p = left ? r->content.at + r->at : NULL;
    if (whole(r, r->at, r->seq) && word_at(p + 8) == r->seq) {
        uint32_t len = half_at(p);
        *payload = span_from(p + FRAME_HEAD_BYTES, len);
        r->at += frame_bytes(len);
        r->seq++;
        return FRAME_OK;
    }
    for (size_t at = r->at; at + FRAME_HEAD_BYTES <= r->content.len; at += 8) {
        if (!whole(r, at, r->seq))
            continue;
        *skipped_at = r->at;
        *skipped_bytes = at - r->at;
        *lost = word_at(r->content.at + at + 8) - r->seq;
        r->at = at;
        r->seq += *lost;
        return FRAME_DAMAGED;
    }
    *skipped_at = r->at;
    *skipped_bytes = left;
    return left < FRAME_HEAD_BYTES || (!half_at(p) && !word_at(p + 8)) ? FRAME_END : FRAME_TORN;
}
