/* System V queues and semaphores. Each workload ends by itself and says what became of it. */
#include "load.h"

/* System V queue: bursts in, a consumer that lags */
void w_msgq(void)
{
    long size = arg("size", 512), burst = arg("burst", 100), rounds = arg("rounds", 10),
         stall = arg("stall_ms", 100);
    long ok = 0, again = 0, inval = 0;
    int q = msgget(IPC_PRIVATE, 0600);
    char *m = calloc(1, (size_t)size + sizeof(long));
    *(long *)m = 1;
    pid_t con = child();
    if (!con)
        for (;;) {
            msleep(stall);
            while (msgrcv(q, m, (size_t)size, 0, IPC_NOWAIT) >= 0) {
            }
        }
    for (long r = 0; r < rounds; r++) {
        for (long i = 0; i < burst; i++)
            if (!msgsnd(q, m, (size_t)size, IPC_NOWAIT))
                ok++;
            else if (errno == EAGAIN)
                again++;
            else
                inval++;
        if (r == rounds - 1)
            end_of_load();
        msleep(stall);
    }
    reap(con);
    msgctl(q, IPC_RMID, NULL);
    result("\"attempts\":%ld,\"ok\":%ld,\"eagain\":%ld,\"einval\":%ld", burst * rounds, ok, again,
           inval);
}

/* what=msg|sem|shm: makes n of them; per: semaphores of a set, KiB of a segment */
struct kind {
    const char *name;
    int (*make)(int per);
    int (*drop)(int id);
};

static int make_msg(int per)
{
    (void)per;
    return msgget(IPC_PRIVATE, 0600);
}
static int drop_msg(int id)
{
    return msgctl(id, IPC_RMID, NULL);
}
static int make_sem(int per)
{
    return semget(IPC_PRIVATE, per, 0600);
}
static int drop_sem(int id)
{
    return semctl(id, 0, IPC_RMID);
}
static int make_shm(int per)
{
    return shmget(IPC_PRIVATE, (size_t)per << 10, 0600);
}
static int drop_shm(int id)
{
    return shmctl(id, IPC_RMID, NULL);
}

void w_ipcids(void)
{
    static const struct kind kinds[] = {
        {"msg", make_msg, drop_msg}, {"sem", make_sem, drop_sem}, {"shm", make_shm, drop_shm}};
    const struct kind *kind = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, sarg("what", "msg")))
            kind = &kinds[i];
    if (!kind)
        exit(2);
    int n = (int)arg("n", 200), per = (int)arg("per", 10), ok = 0, nospc = 0, inval = 0;
    int *id = calloc((size_t)n, sizeof *id);
    for (int i = 0; i < n; i++) {
        id[i] = kind->make(per);
        if (id[i] >= 0)
            ok++;
        else if (errno == ENOSPC)
            nospc++;
        else
            inval++;
    }
    end_of_load();
    for (int i = 0; i < n; i++)
        if (id[i] >= 0 && kind->drop(id[i]))
            perror("rmid");
    result("\"attempts\":%d,\"ok\":%d,\"enospc\":%d,\"einval\":%d", n, ok, nospc, inval);
}
