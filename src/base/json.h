/* JSON out: a streaming writer over a buf (reading is jansson's, see json_read.h users).
 * Commas are put by the writer; the caller opens, names and closes. */
#pragma once

#include "base/buf.h"

enum { JSON_WRITE_MAX_DEPTH = 32 };

struct json {
    struct buf *out;
    unsigned depth;
    bool comma[JSON_WRITE_MAX_DEPTH]; /* something was written at this depth */
    bool after_key;
};

static inline struct json json_to(struct buf *out)
{
    return (struct json){.out = out};
}

void json_begin_object(struct json *j); /* { */
void json_end_object(struct json *j);
void json_begin_array(struct json *j); /* [ */
void json_end_array(struct json *j);
void json_key(struct json *j, const char *key);
void json_key_span(struct json *j, struct span key);
void json_text(struct json *j, const char *text); /* NULL writes null */
/* Invalid UTF-8 becomes U+FFFD; control characters, < and > and & are escaped (< so that the
 * text is harmless inside a page). */
void json_span(struct json *j, struct span text);
void json_i64(struct json *j, int64_t n);
void json_u64(struct json *j, uint64_t n);
void json_double(struct json *j, double v); /* null when not finite */
void json_bool(struct json *j, bool v);
void json_put_null(struct json *j);
void json_raw(struct json *j, struct span json); /* a value that is JSON already */

/* key and value in one call */
void json_field(struct json *j, const char *key, const char *text);
void json_field_span(struct json *j, const char *key, struct span text);
void json_field_i64(struct json *j, const char *key, int64_t n);
void json_field_double(struct json *j, const char *key, double v);
void json_field_bool(struct json *j, const char *key, bool v);
