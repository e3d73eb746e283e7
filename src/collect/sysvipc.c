/* System V message queues, semaphores and shared memory. */
#include "collect/collectors.h"
#include "collect/parse.h"

static const struct metric sysvipc_metrics[] = {
    {"galen_sysvipc_msg_queues", METRIC_GAUGE, "Message queues, of kernel.msgmni.", {0}},
    {"galen_sysvipc_msg_bytes", METRIC_GAUGE, "Bytes in all message queues.", {0}},
    {"galen_sysvipc_msg_queue_max_bytes",
     METRIC_GAUGE,
     "Bytes in the fullest message queue, of kernel.msgmnb.",
     {0}},
    {"galen_sysvipc_sem_sets", METRIC_GAUGE, "Semaphore sets, of kernel.sem's semmni.", {0}},
    {"galen_sysvipc_semaphores",
     METRIC_GAUGE,
     "Semaphores in all sets, of kernel.sem's semmns.",
     {0}},
    {"galen_sysvipc_shm_segments", METRIC_GAUGE, "Shared memory segments, of kernel.shmmni.", {0}},
    {"galen_sysvipc_shm_bytes",
     METRIC_GAUGE,
     "Bytes of all shared memory segments, of kernel.shmall pages.",
     {0}},
};

static const struct {
    const char *path, *column;
    const struct metric *rows, *sum, *max;
} tables[] = {
    {"proc/sysvipc/msg", "cbytes", &sysvipc_metrics[0], &sysvipc_metrics[1], &sysvipc_metrics[2]},
    {"proc/sysvipc/sem", "nsems", &sysvipc_metrics[3], &sysvipc_metrics[4], NULL},
    {"proc/sysvipc/shm", "size", &sysvipc_metrics[5], &sysvipc_metrics[6], NULL},
};

struct sysvipc_state {
    struct kfile file[COUNT(tables)];
};

static enum status sysvipc_collect(struct tick *t, void *state, struct err *err)
{
    struct sysvipc_state *s = state;
    for (size_t i = 0; i < COUNT(tables); i++) {
        struct span text;
        struct sysvipc v;
        enum status st = tick_read(t, &s->file[i], tables[i].path, &text, err);
        if (st)
            return st;
        if (!parse_sysvipc(text, tables[i].column, &v))
            return err_set(err, INVALID, "%s is not understood", tables[i].path);
        emit(t, tables[i].rows, (double)v.rows);
        emit(t, tables[i].sum, (double)v.sum);
        if (tables[i].max)
            emit(t, tables[i].max, (double)v.max);
    }
    return OK;
}

const struct collector sysvipc_collector = {COLLECTOR_OF(sysvipc, struct sysvipc_state),
                                            .every_s = 5, .optional = true};
