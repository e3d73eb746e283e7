/* Snappy's block format (format_description.txt of google/snappy, 2011), what remote write 1.0 is
 * packed with: a length as varint, then literals and copies of what came out before. Written here
 * because the library brings the C++ runtime into the agent: two thirds of its memory. Private to
 * series/. */
#pragma once

#include "base/span.h"

/* What packing n bytes may need at most. */
size_t snappy_bound(size_t n);
/* Packs into to, which has room for snappy_bound; returns the length. */
size_t snappy_pack(struct span plain, char *to);
/* The length that the data claims to unpack to; false when there is none, or above 32 bits. */
bool snappy_length(struct span packed, size_t *out);
/* Unpacks exactly len bytes; false when the data is damaged. */
bool snappy_unpack(struct span packed, char *to, size_t len);
