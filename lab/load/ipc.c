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
void w_ipcids(void) /* what=msg|sem: make n ids */
{
    int n = (int)arg("n", 200), per = (int)arg("per", 10),
        sem = !strcmp(sarg("what", "msg"), "sem");
    int *id = calloc((size_t)n, sizeof *id), ok = 0, nospc = 0, inval = 0;
    for (int i = 0; i < n; i++) {
        id[i] = sem ? semget(IPC_PRIVATE, per, 0600) : msgget(IPC_PRIVATE, 0600);
        if (id[i] >= 0)
            ok++;
        else if (errno == ENOSPC)
            nospc++;
        else
            inval++;
    }
    end_of_load();
    for (int i = 0; i < n; i++)
        if (id[i] >= 0 && (sem ? semctl(id[i], 0, IPC_RMID) : msgctl(id[i], IPC_RMID, NULL)))
            perror("rmid");
    result("\"attempts\":%d,\"ok\":%d,\"enospc\":%d,\"einval\":%d", n, ok, nospc, inval);
}
