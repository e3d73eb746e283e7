/* Files to import. The first byte chooses the format; what was understood is given on, in pieces
 * cut at a place that the input says, and must be the same as uncut. */
#include "exchange/exchange.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status take(void *arg, struct labels labels, const struct sample *s, size_t n,
                        struct err *err)
{
    uint64_t *sum = arg;
    (void)err;
    for (size_t i = 0; i < n; i++)
        *sum = *sum * 31 + labels_hash(labels) + (uint64_t)s[i].t_ms * 7 + double_bits(s[i].v);
    return OK;
}

static void bad(void *arg, size_t line_no, const char *why)
{
    uint64_t *sum = arg;
    *sum = *sum * 31 + line_no + strlen(why);
}

static uint64_t run(struct span text, enum exchange_format f, size_t cut)
{
    uint64_t sum = 0;
    struct importer_config config = {
        .format = f, .now_ms = 1, .take = take, .bad = bad, .arg = &sum};
    struct importer *in = importer_open(&config);
    cut = MIN(cut, text.len);
    enum status st = importer_feed(in, span_from(text.at, cut), NULL);
    if (!st)
        st = importer_feed(in, span_from(text.at + cut, text.len - cut), NULL);
    if (!st)
        st = importer_end(in, NULL);
    importer_close(in);
    return st ? 0 : sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum exchange_format formats[] = {EXCHANGE_PROMETHEUS, EXCHANGE_OPENMETRICS,
                                                   EXCHANGE_CSV, EXCHANGE_JSON};
    if (size < 2)
        return 0;
    enum exchange_format f = formats[data[0] % COUNT(formats)];
    struct span text = span_from(data + 2, size - 2);
    if (run(text, f, data[1]) != run(text, f, SIZE_MAX))
        abort();
    return 0;
}
