/* Prometheus remote read: the protobuf message ReadRequest, decoded; its answer is made of the
 * TimeSeries of remote_write.h.
 *
 *   ReadRequest  { repeated Query queries = 1; repeated accepted_response_types = 2 (ignored:
 *                  samples, which every reader takes, is what is answered) }
 *   Query        { int64 start_timestamp_ms = 1; int64 end_timestamp_ms = 2;
 *                  repeated LabelMatcher matchers = 3; hints = 4 (ignored) }
 *   LabelMatcher { type = 1 (0 =, 1 !=, 2 =~, 3 !~); string name = 2; string value = 3; }
 *   ReadResponse { repeated QueryResult results = 1; }
 *   QueryResult  { repeated TimeSeries timeseries = 1; } */
#pragma once

#include "series/matcher.h"

enum { READ_QUERIES_MAX = 16, READ_MATCHERS_MAX = 64, READ_MESSAGE_MAX_BYTES = 1 << 20 };

struct read_query {
    int64_t start_ms, end_ms; /* both included */
    struct matcher matchers[READ_MATCHERS_MAX];
    size_t n;
};

struct read_request {
    struct read_query *queries; /* in the arena; names and values point into the message */
    size_t n;
};

/* INVALID: malformed, a matcher of another kind, or one that does not compile. */
MUST_USE enum status read_request_parse(struct span message, struct arena *arena,
                                        struct read_request *out, struct err *err);
void read_request_free(struct read_request *r); /* the compiled expressions; {0} is fine */
