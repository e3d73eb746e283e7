/* Samples in files of other programs: Prometheus text, OpenMetrics, CSV, JSON, the payload that
 * the seeds' collector sends; in and out, in pieces, so that a file may be larger than memory.
 * Knows series and text; no file, no store, no HTTP: bytes are handed in and bufs handed out. */
#pragma once

#include "series/source.h"

struct json_t;

enum exchange_format {
    EXCHANGE_AUTO, /* by the file's name, else by how the text begins */
    EXCHANGE_PROMETHEUS,
    EXCHANGE_OPENMETRICS,
    EXCHANGE_CSV,
    EXCHANGE_JSON,
};

/* "prometheus", "openmetrics", "csv", "json", "auto"; false for another word. */
bool exchange_format_of(struct span word, enum exchange_format *out);
const char *exchange_format_name(enum exchange_format f);
/* By the end of a file's name (.csv, .json, .jsonl, .prom, .om, .openmetrics, also before .gz);
 * AUTO when it says nothing. */
enum exchange_format exchange_format_of_file(struct span name);
/* Content-Type of what is written in that format. */
const char *exchange_content_type(enum exchange_format f);

enum {
    EXCHANGE_RECORD_MAX_BYTES = 16 << 20, /* a line, a CSV record, a JSON object */
    EXCHANGE_COLUMNS_MAX = 4096,          /* of a CSV file */
};

/* ---- in ---- */

struct importer_config {
    enum exchange_format format;
    int64_t now_ms;       /* the time of samples that come without one */
    struct labels labels; /* for every series that lacks them */
    /* One series' samples, in the order of the file; valid during the call. Another status than
     * OK ends the import. */
    enum status (*take)(void *arg, struct labels labels, const struct sample *s, size_t n,
                        struct err *err);
    /* A line that cannot be understood: where, and what would be right. It is left out. May be
     * NULL. */
    void (*bad)(void *arg, size_t line_no, const char *why);
    void *arg;
};

struct importer_counts {
    uint64_t lines, samples, bad; /* samples that were given to take */
};

struct importer;
struct importer *importer_open(const struct importer_config *config);
void importer_close(struct importer *in); /* NULL is fine */
/* The next bytes, cut anywhere. INVALID: the file as a whole is not what it should be (no header,
 * a record without end); the sentence begins "line N". After a failure only close. */
MUST_USE enum status importer_feed(struct importer *in, struct span bytes, struct err *err);
/* No more bytes come. */
MUST_USE enum status importer_end(struct importer *in, struct err *err);
const struct importer_counts *importer_counts(const struct importer *in);

/* ---- the seeds' payload ---- */

typedef void (*payload_put)(void *arg, struct labels labels, struct sample s);
/* The host that it names in server_id; fallback without one. Text of the JSON, or fallback. */
MUST_USE enum status payload_instance(const struct json_t *root, struct span fallback,
                                      struct span *out, struct err *err);
/* Whether an object has the payload's members rather than a series'. */
bool payload_is(const struct json_t *root);
/* Its figures as the series that every host has (memory and swap in MiB, disks as "50G" or GiB,
 * cpu_usage as two readings of the clocks a minute apart, kernel_params as galen_sysctl). */
MUST_USE enum status payload_series(const struct json_t *root, struct span instance, int64_t at_ms,
                                    payload_put put, void *arg, struct err *err);

/* ---- remote-write messages of what comes ---- */

enum { WRITE_BATCH_SAMPLES = 20000, WRITE_BATCH_BYTES = 4 << 20 };

/* Gathers samples, those of one series together, until it is full. */
struct write_batch;
struct write_batch *write_batch_open(void);
void write_batch_close(struct write_batch *b); /* NULL is fine */
/* How many of the samples it took; fewer than n when it is full. */
size_t write_batch_add(struct write_batch *b, struct labels labels, const struct sample *s,
                       size_t n);
size_t write_batch_samples(const struct write_batch *b);
/* The message; empty again afterwards. */
void write_batch_encode(struct write_batch *b, struct buf *out);

/* Between importer and whoever takes messages: take of an importer_config is write_sender_take with
 * the sender as its argument. {.send, .arg} begins; write_sender_end sends the rest and gives
 * everything back, also after a failure. */
struct write_sender {
    enum status (*send)(void *arg, struct span message, struct err *err);
    void *arg;
    struct write_batch *batch; /* their own */
    struct buf message;
};
enum status write_sender_take(void *sender, struct labels labels, const struct sample *s, size_t n,
                              struct err *err);
MUST_USE enum status write_sender_end(struct write_sender *w, bool send_rest, struct err *err);

/* ---- out ---- */

enum { EXPORT_PIECE_BYTES = 256 << 10, EXPORT_SELECTORS_MAX = 64 };

struct export_selector {
    const struct matcher *matchers; /* at least one */
    size_t n;
};

struct exporter_config {
    enum exchange_format format;             /* OPENMETRICS, CSV or JSON */
    const struct export_selector *selectors; /* at least one; with what they point to they outlive
                                                the exporter */
    size_t n;
    int64_t start_ms, end_ms; /* both included */
};

struct export_progress {
    uint64_t series, samples;
    size_t groups_done, groups; /* hosts, or metrics for OpenMetrics */
};

/* Writes piece after piece. Between two pieces the source may be let go and taken anew: a reader
 * that takes its time holds up nobody. What arrives meanwhile may be in the rest or not. */
struct exporter;
struct exporter *exporter_open(const struct exporter_config *config);
void exporter_close(struct exporter *x); /* NULL is fine */
/* Appends about EXPORT_PIECE_BYTES; *more is false after the last. */
MUST_USE enum status exporter_next(struct exporter *x, struct source *source, struct buf *out,
                                   bool *more, struct err *err);
const struct export_progress *exporter_progress(const struct exporter *x);
