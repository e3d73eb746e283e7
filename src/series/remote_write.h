/* Prometheus remote write 1.0: the protobuf message WriteRequest, encoded and decoded without
 * a library (~3 message types), and its compressions: snappy block format and zstd.
 *
 *   WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
 *   TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; }
 *   Label        { string name = 1; string value = 2; }
 *   Sample       { double value = 1; int64 timestamp = 2; }  milliseconds
 *   MetricMetadata { type = 1; metric_family_name = 2; help = 4; unit = 5; } */
#pragma once

#include "series/labels.h"
#include "series/sample.h"

enum {
    WRITE_MESSAGE_MAX_BYTES = 32 << 20, /* unpacked */
    WRITE_PACKED_MAX_BYTES = 8 << 20,
};

/* ---- reading ---- */

/* One TimeSeries, still as bytes. Both spans hold whole fields with their tags; where labels or
 * samples are not contiguous (no known sender does that) the message is refused. */
struct write_entry {
    struct span labels_raw, samples_raw;
    size_t histograms; /* native ones, which are passed over */
};

struct write_reader {
    struct span rest;
    const char *fault; /* NULL as long as all was well-formed */
};

static inline struct write_reader write_reader_of(struct span message)
{
    return (struct write_reader){.rest = message};
}
/* False at the end, or at a fault. */
bool write_next(struct write_reader *r, struct write_entry *e);
/* Cuts the next sample from *samples_raw; false at the end or when *fault was set. */
bool write_sample_next(struct span *samples_raw, struct sample *out, const char **fault);
/* Sorted labels without the empty ones; spans point into the raw bytes. INVALID: no metric
 * name, an empty or doubled label name, not UTF-8, a ceiling. Names may be any UTF-8, as
 * Prometheus 3 has it: one odd name must not make a sender lose a whole message. */
MUST_USE enum status write_labels(struct span labels_raw, struct label_builder *b,
                                  struct labels *out, struct err *err);

/* The value of one label, unchecked; "" where it is missing or the bytes are malformed. */
struct span write_label(struct span labels_raw, struct span name);

/* What a sender says of a metric (Prometheus does so once a minute, in messages of its own). */
struct write_metadata {
    uint64_t type; /* see write_metadata_type */
    struct span name, help, unit;
};
/* The next MetricMetadata of a message, passing over series; with a reader of its own. */
bool write_metadata_next(struct write_reader *r, struct write_metadata *out);
/* "counter", "gauge", ...; "unknown" for numbers that are not known. */
const char *write_metadata_type(uint64_t type);

/* ---- writing ---- */

/* Appends one TimeSeries. */
void write_series(struct buf *out, struct labels labels, const struct sample *samples, size_t n);
/* The same for labels that were encoded before with write_labels_raw. */
void write_series_raw(struct buf *out, struct span labels_raw, const struct sample *samples,
                      size_t n);
void write_labels_raw(struct buf *out, struct labels labels);

/* ---- compression ---- */

enum compression { COMPRESSION_NONE, COMPRESSION_SNAPPY, COMPRESSION_ZSTD, COMPRESSION_GZIP };
/* From a Content-Encoding; false for an unknown one. "" is none. */
bool compression_of(struct span name, enum compression *out);
const char *compression_name(enum compression c);
/* Appends the unpacked bytes, at most max of them: FULL beyond (without having allocated
 * them), INVALID for damaged input. */
MUST_USE enum status unpack(enum compression c, struct span packed, size_t max, struct buf *out,
                            struct err *err);
/* Snappy in pieces: after the length of the whole as a varint (buf_varint) each piece of at most
 * SNAPPY_PIECE_BYTES is appended. */
enum { SNAPPY_PIECE_BYTES = 64 << 10 };
MUST_USE enum status snappy_piece(struct span plain, struct buf *out, struct err *err);
MUST_USE enum status pack(enum compression c, struct span plain, struct buf *out, struct err *err);
