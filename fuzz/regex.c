/* Regular expressions: the first line is the pattern, the rest is the text. Matching without
 * the engine and with it (regex_replace always asks it) must agree. */
#include "series/matcher.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_from(data, size), pattern = {0};
    span_next(&text, '\n', &pattern);
    struct regex *r;
    struct err err;
    if (regex_compile(pattern, &r, &err))
        return 0;
    auto_buf out = {0};
    size_t literals;
    regex_literals(r, &literals);
    bool matches = regex_match(r, text), replaces = regex_replace(r, text, SPAN("$1${2}$$"), &out);
    /* The engine may give up where the set does not; it never finds more. Bytes that are not
     * UTF-8 are nothing that a label can hold. */
    if (utf8_valid(text) && ((replaces && !matches) || (literals && matches && !replaces)))
        abort();
    if (matches && !span_starts(text, regex_prefix(r)))
        abort();
    regex_free(r);
    return 0;
}
