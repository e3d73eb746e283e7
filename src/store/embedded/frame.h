/* Records of a log file, so that a reader knows which bytes are whole.
 *
 *   file   := head, frame...
 *   head   := "GALENLOG", version, gen, number, first sequence number, CRC-32C   64 bytes
 *   frame  := length of the payload u32, CRC-32C u32, sequence number u64, payload,
 *             zeros up to a multiple of 8                                    little-endian
 *
 * The CRC covers payload, sequence number and gen. Files are used again when their gen is done,
 * and what a file held before cannot be mistaken: its gen was lower. A length of 0 ends. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum {
    FRAME_HEAD_BYTES = 16,
    FRAME_FILE_HEAD_BYTES = 64,
    FRAME_MAX_BYTES = 64 << 20,
    FRAME_VERSION = 1,
};

/* A gap in sequence numbers that is believed. */
#define FRAME_GAP_MAX (UINT64_C(1) << 40)

struct frame_file {
    uint64_t gen, number, first_seq;
};

void frame_file_head(const struct frame_file *f, uint8_t out[FRAME_FILE_HEAD_BYTES]);
/* False when the head is damaged or of another version. */
bool frame_file_of(struct span content, struct frame_file *out);

/* Appends a frame; payload_crc is crc32c(0, payload). */
void frame_put(struct buf *out, uint64_t gen, uint64_t seq, struct span payload,
               uint32_t payload_crc);

struct frame_reader {
    struct span content;
    size_t at;
    uint64_t gen, seq; /* of the next frame */
};

enum frame_found {
    FRAME_OK,
    FRAME_DAMAGED, /* bytes were skipped; a whole frame follows */
    FRAME_END,
    FRAME_TORN, /* bytes that are no frame, and none behind them */
};

/* The next payload. damaged: FRAME_DAMAGED, *at and *bytes say where, *lost how many frames are
 * missing; call again for the frame behind. */
enum frame_found frame_next(struct frame_reader *r, struct span *payload, size_t *skipped_at,
                            size_t *skipped_bytes, uint64_t *lost);
