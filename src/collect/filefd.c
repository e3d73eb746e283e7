/* Open files, asynchronous I/O and entropy: files of one number each. */
#include "collect/collectors.h"
#include "collect/parse.h"

static const struct metric filefd_metrics[] = {
    {"node_filefd_allocated", METRIC_GAUGE, "File descriptor statistics: allocated.", {0}},
    {"node_filefd_maximum", METRIC_GAUGE, "File descriptor statistics: maximum.", {0}},
    {"galen_aio_requests", METRIC_GAUGE, "Places taken by io_setup, of fs.aio-max-nr.", {0}},
};

struct filefd_state {
    struct kfile file_nr, aio_nr;
};

static enum status filefd_collect(struct tick *t, void *state, struct err *err)
{
    struct filefd_state *s = state;
    struct span text;
    enum status st = tick_read_small(t, &s->file_nr, "proc/sys/fs/file-nr", &text, err);
    if (st)
        return st;
    uint64_t allocated, unused, maximum;
    text = span_trim(text);
    if (!next_u64(&text, &allocated) || !next_u64(&text, &unused) || !next_u64(&text, &maximum))
        return err_set(err, INVALID, "proc/sys/fs/file-nr is not understood");
    emit(t, &filefd_metrics[0], (double)allocated);
    emit(t, &filefd_metrics[1], (double)maximum);
    st = tick_number(t, &s->aio_nr, "proc/sys/fs/aio-nr", &filefd_metrics[2], err);
    return st == NOT_FOUND ? OK : st; /* a kernel without CONFIG_AIO */
}

const struct collector filefd_collector = {COLLECTOR_OF(filefd, struct filefd_state)};

static const struct metric entropy_metrics[] = {
    {"node_entropy_available_bits", METRIC_GAUGE, "Bits of available entropy.", {0}},
    {"node_entropy_pool_size_bits", METRIC_GAUGE, "Bits of entropy pool.", {0}},
};

struct entropy_state {
    struct kfile available, pool;
};

static enum status entropy_collect(struct tick *t, void *state, struct err *err)
{
    struct entropy_state *s = state;
    enum status st = tick_number(t, &s->available, "proc/sys/kernel/random/entropy_avail",
                                 &entropy_metrics[0], err);
    return st ? st
              : tick_number(t, &s->pool, "proc/sys/kernel/random/poolsize", &entropy_metrics[1],
                            err);
}

const struct collector entropy_collector = {COLLECTOR_OF(entropy, struct entropy_state),
                                            .every_s = 60, .optional = true};
