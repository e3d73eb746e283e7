/* Protobuf's wire format, as far as remote write and remote read need it: cutting varints and
 * length-delimited fields, passing what is not known. Private to series/. */
#pragma once

#include "base/span.h"

enum {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED32 = 5,

    VARINT_MAX_BYTES = 10,
};

#define FAULT_TRUNCATED "a field is longer than what holds it"
#define FAULT_VARINT "a varint does not end within 10 bytes and 64 bits"
#define FAULT_TAG "a field has number 0, is too high or has an unknown wire type"

/* Cuts a varint; false when it is too long or the bytes end. */
static inline bool varint_slow(const unsigned char **p, const unsigned char *end, uint64_t *out)
{
    uint64_t n = 0;
    size_t room = (size_t)(end - *p);
    for (unsigned i = 0; i < MIN(room, (size_t)VARINT_MAX_BYTES); i++) {
        uint64_t byte = (*p)[i];
        n |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *p += i + 1;
            *out = n;
            return i + 1 < VARINT_MAX_BYTES || byte <= 1;
        }
    }
    return false;
}

static inline bool varint(const unsigned char **p, const unsigned char *end, uint64_t *out)
{
    if (*p < end && **p < 0x80) {
        *out = *(*p)++;
        return true;
    }
    return varint_slow(p, end, out);
}

/* Cuts the length and the bytes of a field whose tag was read. NULL when all is well. */
static inline const char *bytes_field(const unsigned char **p, const unsigned char *end,
                                      struct span *out)
{
    uint64_t len;
    if (!varint(p, end, &len))
        return FAULT_VARINT;
    if (len > (size_t)(end - *p))
        return FAULT_TRUNCATED;
    *out = span_from(*p, (size_t)len);
    *p += len;
    return NULL;
}

/* Passes a field that is not known here. */
static inline const char *skip_field(uint64_t tag, const unsigned char **p,
                                     const unsigned char *end)
{
    uint64_t ignored;
    struct span bytes;
    if (tag >> 3 == 0 || tag > UINT32_MAX)
        return FAULT_TAG;
    switch (tag & 7) {
    case WIRE_VARINT:
        return varint(p, end, &ignored) ? NULL : FAULT_VARINT;
    case WIRE_BYTES:
        return bytes_field(p, end, &bytes);
    case WIRE_FIXED64:
    case WIRE_FIXED32: {
        ptrdiff_t size = (tag & 7) == WIRE_FIXED64 ? 8 : 4;
        if (end - *p < size)
            return FAULT_TRUNCATED;
        *p += size;
        return NULL;
    }
    default: /* groups were never part of this message */
        return FAULT_TAG;
    }
}
