/* tars: whatever comes, files have the bytes that their headers say. */
#include "base/tar.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t left, sum;
};

static enum status begin(void *arg, const char *name, uint64_t size, struct err *err)
{
    struct seen *s = arg;
    (void)err;
    if (s->left)
        abort();
    s->left = size;
    s->sum = s->sum * 31 + strlen(name);
    return OK;
}

static enum status bytes(void *arg, struct span piece, struct err *err)
{
    struct seen *s = arg;
    (void)err;
    if (piece.len > s->left)
        abort();
    s->left -= piece.len;
    for (size_t i = 0; i < piece.len; i++)
        s->sum = s->sum * 31 + (unsigned char)piece.at[i];
    return OK;
}

static enum status end(void *arg, struct err *err)
{
    struct seen *s = arg;
    (void)err;
    if (s->left)
        abort();
    return OK;
}

static uint64_t run(struct span text, size_t cut)
{
    struct seen s = {0};
    struct tar_reader r = {.begin = begin, .bytes = bytes, .end = end, .arg = &s};
    cut = MIN(cut, text.len);
    enum status st = tar_feed(&r, span_from(text.at, cut), NULL);
    if (!st)
        st = tar_feed(&r, span_from(text.at + cut, text.len - cut), NULL);
    if (!st)
        st = tar_finish(&r, NULL);
    return st ? 0 : s.sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_from(data, size);
    if (run(text, size / 3) != run(text, SIZE_MAX))
        abort();
    return 0;
}
