/* Reads WriteRequest. The store calls this for every sample, so the walk is one pass without
 * allocation, and the layout that every known sender writes has a short way. */
#include "series/remote_write.h"

#include "series/proto.h"

#include <endian.h>

enum {
    TAG_SERIES = 1 << 3 | WIRE_BYTES,
    TAG_LABEL = 1 << 3 | WIRE_BYTES,
    TAG_SAMPLE = 2 << 3 | WIRE_BYTES,
    TAG_HISTOGRAM = 4 << 3 | WIRE_BYTES,
    TAG_NAME = 1 << 3 | WIRE_BYTES,
    TAG_VALUE = 2 << 3 | WIRE_BYTES,
    TAG_SAMPLE_VALUE = 1 << 3 | WIRE_FIXED64,
    TAG_SAMPLE_TIME = 2 << 3 | WIRE_VARINT,
    TAG_METADATA = 3 << 3 | WIRE_BYTES,
    TAG_META_TYPE = 1 << 3 | WIRE_VARINT,
    TAG_META_NAME = 2 << 3 | WIRE_BYTES,
    TAG_META_HELP = 4 << 3 | WIRE_BYTES,
    TAG_META_UNIT = 5 << 3 | WIRE_BYTES,
};

static const char fault_order[] = "labels and samples of a series are mixed";

/* Passes the fields with that tag that stand next to each other. */
static inline const char *run_of(uint64_t tag, const unsigned char **p, const unsigned char *end,
                                 struct span *out)
{
    const unsigned char *start = *p;
    struct span ignored;
    while (*p < end && **p == tag) {
        ++*p;
        const char *fault = bytes_field(p, end, &ignored);
        if (fault)
            return fault;
    }
    *out = span_from(start, (size_t)(*p - start));
    return NULL;
}

/* Exemplars and native histograms are passed over; labels or samples must not come again. */
static const char *skip_others(const unsigned char **p, const unsigned char *end,
                               size_t *histograms)
{
    while (*p < end) {
        uint64_t tag;
        if (!varint(p, end, &tag))
            return FAULT_VARINT;
        if (tag == TAG_LABEL || tag == TAG_SAMPLE)
            return fault_order;
        *histograms += tag == TAG_HISTOGRAM;
        const char *fault = skip_field(tag, p, end);
        if (fault)
            return fault;
    }
    return NULL;
}

static inline const char *cut_entry(struct span body, struct write_entry *e)
{
    const unsigned char *p = (const unsigned char *)body.at, *end = p + body.len;
    const char *fault = run_of(TAG_LABEL, &p, end, &e->labels_raw);
    e->histograms = 0;
    if (!fault)
        fault = run_of(TAG_SAMPLE, &p, end, &e->samples_raw);
    if (!fault && p < end)
        fault = skip_others(&p, end, &e->histograms);
    return fault;
}

bool write_next(struct write_reader *r, struct write_entry *e)
{
    if (!r->rest.len)
        return false;
    const unsigned char *p = (const unsigned char *)r->rest.at, *end = p + r->rest.len;
    while (p < end && !r->fault) {
        uint64_t tag;
        if (!varint(&p, end, &tag)) {
            r->fault = FAULT_VARINT;
        } else if (tag == TAG_SERIES) {
            struct span body;
            r->fault = bytes_field(&p, end, &body);
            if (!r->fault)
                r->fault = cut_entry(body, e);
            r->rest = span_from(p, (size_t)(end - p));
            return !r->fault;
        } else {
            r->fault = skip_field(tag, &p, end);
        }
    }
    r->rest = span_from(p, (size_t)(end - p));
    return false;
}

static const char *sample_slow(struct span body, struct sample *out)
{
    const unsigned char *p = (const unsigned char *)body.at, *end = p + body.len;
    *out = (struct sample){0}; /* proto3 leaves out a field that is zero */
    while (p < end) {
        uint64_t tag, n;
        if (!varint(&p, end, &tag))
            return FAULT_VARINT;
        if (tag == TAG_SAMPLE_VALUE) {
            if (end - p < 8)
                return FAULT_TRUNCATED;
            memcpy(&n, p, 8);
            out->v = bits_double(le64toh(n));
            p += 8;
        } else if (tag == TAG_SAMPLE_TIME) {
            if (!varint(&p, end, &n))
                return FAULT_VARINT;
            out->t_ms = (int64_t)n;
        } else {
            const char *fault = skip_field(tag, &p, end);
            if (fault)
                return fault;
        }
    }
    return NULL;
}

/* Value, then a time of 1 to 8 bytes, and nothing else: 0x09 <8> 0x10 <varint>. The last 8
 * bytes of the field hold the varint whatever its length, so one load gets it. */
static inline bool sample_fast(const unsigned char *p, size_t len, struct sample *out)
{
    size_t n = len - 10; /* bytes of the varint; wraps when the field is short */
    if (n - 1 >= 8 || p[0] != TAG_SAMPLE_VALUE || p[9] != TAG_SAMPLE_TIME)
        return false;
    const uint64_t high = UINT64_C(0x8080808080808080);
    uint64_t v, t;
    memcpy(&v, p + 1, 8);
    memcpy(&t, p + len - 8, 8);
    unsigned above = 8 * (8 - (unsigned)n);
    t = le64toh(t) >> above;
    if ((t & high) != high >> above >> 8) /* all bytes but the last say "more" */
        return false;
    t &= ~high;
    t = (t & UINT64_C(0x007f007f007f007f)) | (t & UINT64_C(0x7f007f007f007f00)) >> 1;
    t = (t & UINT64_C(0x00003fff00003fff)) | (t & UINT64_C(0x3fff00003fff0000)) >> 2;
    t = (t & UINT64_C(0x000000000fffffff)) | (t & UINT64_C(0x0fffffff00000000)) >> 4;
    out->v = bits_double(le64toh(v));
    out->t_ms = (int64_t)t;
    return true;
}

bool write_sample_next(struct span *samples_raw, struct sample *out, const char **fault)
{
    if (!samples_raw->len)
        return false;
    const unsigned char *p = (const unsigned char *)samples_raw->at, *end = p + samples_raw->len;
    if (*p++ != TAG_SAMPLE) {
        *fault = FAULT_TAG;
        return false;
    }
    struct span body;
    *fault = bytes_field(&p, end, &body);
    if (*fault)
        return false;
    *samples_raw = span_from(p, (size_t)(end - p));
    if (sample_fast((const unsigned char *)body.at, body.len, out))
        return true;
    *fault = sample_slow(body, out);
    return !*fault;
}

static const char *label_fields(struct span body, struct label *out)
{
    const unsigned char *p = (const unsigned char *)body.at, *end = p + body.len;
    *out = (struct label){SPAN(""), SPAN("")};
    while (p < end) {
        uint64_t tag;
        const char *fault;
        if (!varint(&p, end, &tag))
            return FAULT_VARINT;
        if (tag == TAG_NAME)
            fault = bytes_field(&p, end, &out->name);
        else if (tag == TAG_VALUE)
            fault = bytes_field(&p, end, &out->value);
        else
            fault = skip_field(tag, &p, end);
        if (fault)
            return fault;
    }
    return NULL;
}

/* Cuts the next label from *labels_raw, which is not empty. */
static const char *label_next(struct span *labels_raw, struct label *out)
{
    const unsigned char *p = (const unsigned char *)labels_raw->at, *end = p + labels_raw->len;
    struct span body;
    const char *fault = *p++ == TAG_LABEL ? bytes_field(&p, end, &body) : FAULT_TAG;
    *labels_raw = span_from(p, (size_t)(end - p));
    return fault ? fault : label_fields(body, out);
}

struct span write_label(struct span labels_raw, struct span name)
{
    struct label label;
    while (labels_raw.len && !label_next(&labels_raw, &label))
        if (span_eq(label.name, name))
            return label.value;
    return SPAN("");
}

static enum status check_label(const struct label *l, struct err *err)
{
    if (!l->name.len)
        return err_set(err, INVALID, "a label of a series has no name");
    if (l->name.len > LABEL_NAME_MAX_BYTES)
        return err_set(err, INVALID, "a label name has %zu bytes, at most %d are taken",
                       l->name.len, LABEL_NAME_MAX_BYTES);
    if (!utf8_valid(l->name))
        return err_set(err, INVALID, "a label name is not UTF-8");
    if (l->value.len > LABEL_VALUE_MAX_BYTES)
        return err_set(err, INVALID, "label %.*s has a value of %zu bytes, at most %d are taken",
                       SPAN_ARG(l->name), l->value.len, LABEL_VALUE_MAX_BYTES);
    if (!utf8_valid(l->value))
        return err_set(err, INVALID, "the value of label %.*s is not UTF-8", SPAN_ARG(l->name));
    return OK;
}

enum status write_labels(struct span labels_raw, struct label_builder *b, struct labels *out,
                         struct err *err)
{
    b->n = 0;
    b->failed = false;
    while (labels_raw.len) {
        struct label label;
        const char *fault = label_next(&labels_raw, &label);
        if (fault)
            return err_set(err, INVALID, "the labels of a series are malformed: %s", fault);
        enum status st = check_label(&label, err);
        if (st)
            return st;
        if (!label.value.len)
            continue; /* the same as absent */
        if (b->n == LABELS_MAX)
            return err_set(err, INVALID, "a series has more than %d labels", LABELS_MAX);
        b->at[b->n++] = label;
    }
    if (!labels_sort(b->at, b->n))
        return err_set(err, INVALID, "a series has the same label twice");
    *out = (struct labels){b->at, b->n};
    if (!labels_metric(*out).len)
        return err_set(err, INVALID, "a series has no metric name (label " LABEL_NAME ")");
    return OK;
}

/* ---- metadata ---- */

static const char *metadata_fields(struct span body, struct write_metadata *out)
{
    const unsigned char *p = (const unsigned char *)body.at, *end = p + body.len;
    *out = (struct write_metadata){0};
    while (p < end) {
        uint64_t tag;
        const char *fault = NULL;
        if (!varint(&p, end, &tag))
            return FAULT_VARINT;
        if (tag == TAG_META_TYPE)
            fault = varint(&p, end, &out->type) ? NULL : FAULT_VARINT;
        else if (tag == TAG_META_NAME)
            fault = bytes_field(&p, end, &out->name);
        else if (tag == TAG_META_HELP)
            fault = bytes_field(&p, end, &out->help);
        else if (tag == TAG_META_UNIT)
            fault = bytes_field(&p, end, &out->unit);
        else
            fault = skip_field(tag, &p, end);
        if (fault)
            return fault;
    }
    return NULL;
}

bool write_metadata_next(struct write_reader *r, struct write_metadata *out)
{
    const unsigned char *p = (const unsigned char *)r->rest.at;
    const unsigned char *end = r->rest.len ? p + r->rest.len : p;
    bool found = false;
    while (p != end && !found && !r->fault) {
        uint64_t tag;
        struct span body;
        if (!varint(&p, end, &tag)) {
            r->fault = FAULT_VARINT;
        } else if (tag == TAG_METADATA) {
            r->fault = bytes_field(&p, end, &body);
            if (!r->fault)
                r->fault = metadata_fields(body, out);
            found = !r->fault;
        } else {
            r->fault = skip_field(tag, &p, end);
        }
    }
    r->rest = span_from(p, (size_t)(end - p));
    return found;
}

const char *write_metadata_type(uint64_t type)
{
    static const char *const names[] = {"unknown",        "counter", "gauge", "histogram",
                                        "gaugehistogram", "summary", "info",  "stateset"};
    return names[type < COUNT(names) ? type : 0];
}
