/* Bytes come in pieces cut anywhere; whole records go to the reader of the format. What cannot be
 * understood is named with its line and left out: the caller decides what that means. */
#include "exchange/exchange.h"
#include "exchange/text.h"

#include <stdio.h>

struct importer {
    struct importer_config config;
    struct format_reader reader;
    struct buf pending; /* the beginning of a record whose end has not come */
    size_t line_no;     /* of its first line */
    struct importer_counts counts;
};

struct importer *importer_open(const struct importer_config *config)
{
    struct importer *in = mem_zero(1, sizeof *in);
    in->config = *config;
    in->line_no = 1;
    return in;
}

void importer_close(struct importer *in)
{
    if (!in)
        return;
    if (in->reader.close)
        in->reader.close(in->reader.state);
    buf_free(&in->pending);
    free(in);
}

const struct importer_counts *importer_counts(const struct importer *in)
{
    return &in->counts;
}

int64_t importer_now(const struct importer *in)
{
    return in->config.now_ms;
}

void importer_bad(struct importer *in, size_t line_no, const char *format, ...)
{
    char why[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    in->counts.bad++;
    if (in->config.bad)
        in->config.bad(in->config.arg, line_no, why);
}

/* ---- samples ---- */

static const char *label_fault(const struct label *l)
{
    if (!l->name.len || l->name.len > LABEL_NAME_MAX_BYTES || !utf8_valid(l->name))
        return "a label's name should have 1 to 256 bytes of UTF-8";
    if (l->value.len > LABEL_VALUE_MAX_BYTES)
        return "a label's value is longer than 4096 bytes";
    return utf8_valid(l->value) ? NULL : "a label's value is not UTF-8";
}

enum status importer_take(struct importer *in, size_t line_no, struct label_builder *b,
                          const struct sample *s, size_t n, struct err *err)
{
    const char *fault = b->failed ? "more than 64 labels" : NULL;
    struct labels extra = in->config.labels;
    for (size_t i = 0; i < extra.n; i++) {
        bool has = false;
        for (size_t k = 0; k < b->n; k++)
            has |= span_eq(b->at[k].name, extra.at[i].name);
        if (!has)
            label_set(b, extra.at[i].name, extra.at[i].value);
    }
    fault = b->failed ? "more than 64 labels" : fault;
    struct labels labels = label_builder_end(b);
    if (!fault && !labels_metric(labels).len)
        fault = "the metric has no name";
    for (size_t i = 0; !fault && i < labels.n; i++)
        fault = label_fault(&labels.at[i]);
    for (size_t i = 1; !fault && i < labels.n; i++)
        if (span_eq(labels.at[i].name, labels.at[i - 1].name))
            fault = "a label stands twice";
    if (fault) {
        importer_bad(in, line_no, "%s", fault);
        return OK;
    }
    in->counts.samples += n;
    return n ? in->config.take(in->config.arg, labels, s, n, err) : OK;
}

/* ---- bytes ---- */

static enum exchange_format sniff(struct span text)
{
    static const char *const openmetrics_only[] = {"# EOF", "# UNIT ", " unknown\n", " stateset\n"};
    struct span rest = text, line;
    char first = text.len ? text.at[0] : 0;
    if (first == '{' || first == '[')
        return EXCHANGE_JSON;
    for (size_t i = 0; i < COUNT(openmetrics_only); i++)
        if (text.len && memmem(text.at, text.len, openmetrics_only[i], strlen(openmetrics_only[i])))
            return EXCHANGE_OPENMETRICS;
    if (first != '#' && span_line(&rest, &line) && span_find(line, ',') < line.len &&
        span_find(line, '{') > span_find(line, ','))
        return EXCHANGE_CSV;
    return EXCHANGE_PROMETHEUS;
}

static void choose(struct importer *in, struct span text)
{
    enum exchange_format f = in->config.format;
    struct span trimmed = span_trim(text);
    if (span_starts(trimmed, SPAN("\xef\xbb\xbf")))
        trimmed = span_from(trimmed.at + 3, trimmed.len - 3);
    switch (f == EXCHANGE_AUTO ? sniff(trimmed) : f) {
    case EXCHANGE_CSV:
        in->reader = csv_reader();
        break;
    case EXCHANGE_JSON:
        in->reader = json_reader();
        break;
    case EXCHANGE_OPENMETRICS:
        in->reader = text_reader(true);
        break;
    default:
        in->reader = text_reader(false);
    }
}

static enum status eat(struct importer *in, bool last, struct err *err)
{
    size_t eaten = 0;
    if (!in->reader.eat)
        choose(in, buf_view(&in->pending));
    enum status st = in->reader.eat(in->reader.state, in, buf_view(&in->pending), last,
                                    &in->line_no, &eaten, err);
    if (st)
        return st;
    in->counts.lines = in->line_no - 1;
    if (eaten < in->pending.len)
        memmove(in->pending.at, in->pending.at + eaten, in->pending.len - eaten);
    in->pending.len -= eaten;
    return OK;
}

enum status importer_feed(struct importer *in, struct span bytes, struct err *err)
{
    enum { AT_ONCE = 64 << 10 };
    in->pending.max = (size_t)EXCHANGE_RECORD_MAX_BYTES + AT_ONCE;
    while (bytes.len) {
        struct span some = span_from(bytes.at, MIN(bytes.len, (size_t)AT_ONCE));
        bytes = span_from(bytes.at + some.len, bytes.len - some.len);
        buf_span(&in->pending, some);
        enum status st = eat(in, false, err);
        if (st)
            return st;
        if (in->pending.len > EXCHANGE_RECORD_MAX_BYTES)
            return err_set(err, INVALID,
                           "line %zu: a record is longer than %d bytes: is a quote or "
                           "a brace not closed?",
                           in->line_no, EXCHANGE_RECORD_MAX_BYTES);
    }
    return OK;
}

enum status importer_end(struct importer *in, struct err *err)
{
    return eat(in, true, err);
}

/* ---- formats by name ---- */

static const struct {
    enum exchange_format format;
    const char *name, *type;
    const char *ends[3];
} formats[] = {
    {EXCHANGE_AUTO, "auto", "application/octet-stream", {0}},
    {EXCHANGE_PROMETHEUS, "prometheus", "text/plain; version=0.0.4; charset=utf-8", {".prom"}},
    {EXCHANGE_OPENMETRICS,
     "openmetrics",
     "application/openmetrics-text; version=1.0.0; charset=utf-8",
     {".om", ".openmetrics"}},
    {EXCHANGE_CSV, "csv", "text/csv; charset=utf-8; header=present", {".csv"}},
    {EXCHANGE_JSON, "json", "application/x-ndjson", {".json", ".jsonl", ".ndjson"}},
};

bool exchange_format_of(struct span word, enum exchange_format *out)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        if (span_is(word, formats[i].name)) {
            *out = formats[i].format;
            return true;
        }
    return false;
}

const char *exchange_format_name(enum exchange_format f)
{
    return formats[f].name;
}

const char *exchange_content_type(enum exchange_format f)
{
    return formats[f].type;
}

enum exchange_format exchange_format_of_file(struct span name)
{
    if (span_ends(name, SPAN(".gz")))
        name.len -= 3;
    for (size_t i = 0; i < COUNT(formats); i++)
        for (size_t k = 0; k < COUNT(formats[i].ends) && formats[i].ends[k]; k++)
            if (span_ends(name, span_of(formats[i].ends[k])))
                return formats[i].format;
    return EXCHANGE_AUTO;
}
