/* Inside exchange/: numbers and times as files have them. */
#pragma once

#include "base/buf.h"
#include "series/labels.h"
#include "series/sample.h"

/* A number; NaN, Inf, Infinity in any case; NaN(0x7ff0000000000002), the bits of a NaN. */
bool value_parse(struct span text, double *out);
/* So that value_parse gives the same bits; quoted: what JSON has no number for stands in quotes. */
void value_put(struct buf *out, double v, bool quoted);
/* RFC 3339, or seconds since 1970, or milliseconds from EPOCH_MS_FROM on. */
bool when_parse(struct span text, int64_t *out_ms);
bool when_number(double n, int64_t *out_ms);

/* What the importer and the readers of formats share. */
struct importer;
void importer_bad(struct importer *in, size_t line_no, const char *format, ...) PRINTF(3, 4);
/* Checks the labels, adds those that the caller wants on every series, hands over. */
MUST_USE enum status importer_take(struct importer *in, size_t line_no, struct label_builder *b,
                                   const struct sample *s, size_t n, struct err *err);
int64_t importer_now(const struct importer *in);

/* A format: eats whole records from the front of the text and says how many bytes; with last, all
 * of it. line_no is the first line's and moves on. */
struct format_reader {
    enum status (*eat)(void *state, struct importer *in, struct span text, bool last,
                       size_t *line_no, size_t *eaten, struct err *err);
    void (*close)(void *state);
    void *state;
};

struct format_reader text_reader(bool openmetrics);
struct format_reader csv_reader(void);
struct format_reader json_reader(void);
