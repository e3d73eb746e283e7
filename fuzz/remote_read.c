/* What comes in by remote read, unpacked, and the metadata of remote write: whatever the bytes,
 * they are understood or refused. */
#include "series/remote_read.h"
#include "series/remote_write.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena arena = {0};
    struct span message = span_from(data, size);
    struct read_request r;
    struct err err;
    if (!read_request_parse(message, &arena, &r, &err)) {
        for (size_t i = 0; i < r.n; i++)
            if (!r.queries[i].n || r.queries[i].n > READ_MATCHERS_MAX)
                abort();
        read_request_free(&r);
    } else if (err.status != INVALID && err.status != UNSUPPORTED) {
        abort();
    }
    struct write_reader reader = write_reader_of(message);
    struct write_metadata told;
    while (write_metadata_next(&reader, &told))
        if (!write_metadata_type(told.type) || told.name.len > size)
            abort();
    return 0;
}
