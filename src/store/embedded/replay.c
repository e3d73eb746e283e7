#include "store/embedded/replay.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct replay_row {
    uint64_t gen;
    size_t at;
    uint32_t len, group;
};

/* The rows of a batch in the order of their hosts, for one thread. */
struct share {
    struct replay *replay;
    const uint32_t *order;
    size_t number;
    uint64_t bad;
};

void replay_init(struct replay *r, struct head *head)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *r = (struct replay){.content = {.max = SIZE_MAX}};
    r->readers_n = cores < 1 ? 1 : MIN((size_t)cores, (size_t)REPLAY_READERS_MAX);
    for (size_t i = 0; i < r->readers_n; i++)
        r->readers[i] = (struct row_reader){.head = head};
}

void replay_free(struct replay *r)
{
    for (size_t i = 0; i < r->readers_n; i++)
        row_reader_free(&r->readers[i]);
    buf_free(&r->content);
    free(r->rows);
}

static void *read_share(void *arg)
{
    struct share *s = arg;
    struct replay *r = s->replay;
    for (size_t i = 0; i < r->n; i++) {
        const struct replay_row *row = &r->rows[s->order[i]];
        if (row->group % r->readers_n != s->number)
            continue;
        struct span payload = span_from(r->content.at + row->at, row->len);
        s->bad += !row_replay(&r->readers[s->number], row->gen, payload);
    }
    return NULL;
}

/* The numbers of the rows, those of one host together and in their order: a counting sort. */
static uint32_t *order_by_group(const struct replay *r, uint32_t groups)
{
    uint32_t *order = mem_alloc(r->n * sizeof *order);
    uint32_t *place = mem_zero((size_t)groups + 1, sizeof *place);
    for (size_t i = 0; i < r->n; i++)
        place[r->rows[i].group + 1]++;
    for (uint32_t g = 1; g < groups; g++)
        place[g] += place[g - 1];
    for (size_t i = 0; i < r->n; i++)
        order[place[r->rows[i].group]++] = (uint32_t)i;
    free(place);
    return order;
}

void replay_end(struct replay *r)
{
    if (!r->n)
        return;
    struct share shares[REPLAY_READERS_MAX];
    pthread_t threads[REPLAY_READERS_MAX];
    bool started[REPLAY_READERS_MAX] = {false};
    uint32_t *order = order_by_group(r, r->readers[0].head->groups_end);
    for (size_t i = r->readers_n; i-- > 0;) {
        shares[i] = (struct share){r, order, i, 0};
        if (i)
            started[i] = !pthread_create(&threads[i], NULL, read_share, &shares[i]);
        if (!started[i])
            read_share(&shares[i]);
    }
    for (size_t i = 0; i < r->readers_n; i++) {
        if (started[i])
            pthread_join(threads[i], NULL);
        r->bad += shares[i].bad;
    }
    free(order);
    buf_clear(&r->content);
    r->n = 0;
}

bool replay_take(void *replay, uint64_t gen, struct span payload)
{
    struct replay *r = replay;
    uint32_t group;
    if (!row_group(r->readers[0].head, payload, &group))
        return false;
    if (r->n == r->size) {
        r->size = r->size ? r->size * 2 : 1024;
        r->rows = mem_grow(r->rows, r->size * sizeof *r->rows);
    }
    r->rows[r->n++] = (struct replay_row){gen, r->content.len, (uint32_t)payload.len, group};
    buf_span(&r->content, payload);
    if (r->content.len >= REPLAY_BATCH_BYTES)
        replay_end(r);
    return true;
}

uint64_t replay_samples(const struct replay *r)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->readers_n; i++)
        n += r->readers[i].samples;
    return n;
}

uint64_t replay_lost(const struct replay *r)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->readers_n; i++)
        n += r->readers[i].lost;
    return n;
}
