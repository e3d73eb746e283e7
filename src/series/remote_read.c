#include "series/remote_read.h"

#include "series/proto.h"

enum {
    TAG_QUERY = 1 << 3 | WIRE_BYTES,
    TAG_START = 1 << 3 | WIRE_VARINT,
    TAG_END = 2 << 3 | WIRE_VARINT,
    TAG_MATCHER = 3 << 3 | WIRE_BYTES,
    TAG_TYPE = 1 << 3 | WIRE_VARINT,
    TAG_NAME = 2 << 3 | WIRE_BYTES,
    TAG_VALUE = 3 << 3 | WIRE_BYTES,
};

static enum status malformed(const char *fault, struct err *err)
{
    return err_set(err, INVALID, "the read request is malformed: %s", fault);
}

static enum status parse_matcher(struct span body, struct matcher *out, struct err *err)
{
    static const enum matcher_kind kinds[] = {MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_REGEX,
                                              MATCH_NOT_REGEX};
    const unsigned char *p = (const unsigned char *)body.at, *end = p + body.len;
    struct span name = SPAN(""), value = SPAN("");
    uint64_t type = 0, tag;
    while (p < end) {
        const char *fault = NULL;
        if (!varint(&p, end, &tag))
            fault = FAULT_VARINT;
        else if (tag == TAG_TYPE)
            fault = varint(&p, end, &type) ? NULL : FAULT_VARINT;
        else if (tag == TAG_NAME)
            fault = bytes_field(&p, end, &name);
        else if (tag == TAG_VALUE)
            fault = bytes_field(&p, end, &value);
        else
            fault = skip_field(tag, &p, end);
        if (fault)
            return malformed(fault, err);
    }
    if (type >= COUNT(kinds))
        return err_set(err, INVALID, "a matcher is of type %llu, known are 0 to 3",
                       (unsigned long long)type);
    if (!name.len)
        return err_set(err, INVALID, "a matcher names no label");
    return matcher_init(out, kinds[type], name, value, err);
}

static enum status add_matcher(struct read_query *q, struct span body, struct err *err)
{
    if (q->n == READ_MATCHERS_MAX)
        return err_set(err, INVALID, "a query has more than %d matchers", READ_MATCHERS_MAX);
    enum status st = parse_matcher(body, &q->matchers[q->n], err);
    q->n += !st;
    return st;
}

static enum status parse_query(struct span body, struct read_query *q, struct err *err)
{
    const unsigned char *p = (const unsigned char *)body.at, *end = p + body.len;
    while (p < end) {
        uint64_t tag, n = 0;
        struct span matcher = {0};
        const char *fault = NULL;
        if (!varint(&p, end, &tag))
            return malformed(FAULT_VARINT, err);
        if (tag == TAG_START || tag == TAG_END)
            fault = varint(&p, end, &n) ? NULL : FAULT_VARINT;
        else if (tag == TAG_MATCHER)
            fault = bytes_field(&p, end, &matcher);
        else
            fault = skip_field(tag, &p, end);
        if (fault)
            return malformed(fault, err);
        if (tag == TAG_START)
            q->start_ms = (int64_t)n;
        else if (tag == TAG_END)
            q->end_ms = (int64_t)n;
        else if (tag == TAG_MATCHER && add_matcher(q, matcher, err))
            return err ? err->status : INVALID;
    }
    return q->n ? OK : err_set(err, INVALID, "a query has no matcher");
}

enum status read_request_parse(struct span message, struct arena *arena, struct read_request *out,
                               struct err *err)
{
    const unsigned char *p = (const unsigned char *)message.at;
    const unsigned char *end = message.len ? p + message.len : p;
    enum status st = OK;
    *out =
        (struct read_request){.queries = ARENA_ARRAY(arena, struct read_query, READ_QUERIES_MAX)};
    while (p != end && !st) {
        uint64_t tag;
        struct span body;
        const char *fault = varint(&p, end, &tag) ? NULL : FAULT_VARINT;
        if (!fault)
            fault = tag == TAG_QUERY ? bytes_field(&p, end, &body) : skip_field(tag, &p, end);
        if (fault)
            st = malformed(fault, err);
        else if (tag == TAG_QUERY && out->n == READ_QUERIES_MAX)
            st = err_set(err, INVALID, "more than %d queries in one request", READ_QUERIES_MAX);
        else if (tag == TAG_QUERY)
            st = parse_query(body, &out->queries[out->n++], err);
    }
    if (st)
        read_request_free(out);
    return st;
}

void read_request_free(struct read_request *r)
{
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < r->queries[i].n; k++)
            matcher_free(&r->queries[i].matchers[k]);
    r->n = 0;
}
