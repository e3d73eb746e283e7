/* Descriptors, watches, maps, asynchronous I/O, space and fsync. Each workload ends by itself and
 * says what became of it. */
#include "load.h"

/* one process opens n descriptors */
void w_nofile(void)
{
    long n = arg("n", 1500), ok = 0, em = 0, en = 0;
    int *fd = calloc((size_t)n, sizeof *fd);
    nofile((rlim_t)arg("limit", 1024));
    for (long i = 0; i < n; i++) {
        fd[i] = open("/dev/null", O_RDONLY);
        if (fd[i] >= 0)
            ok++;
        else if (errno == EMFILE)
            em++;
        else
            en++;
    }
    /* the sampler needs descriptors too: free a few, as an agent outside would have */
    for (int i = 0, f = 0; i < n && f < 8; i++)
        if (fd[i] >= 0) {
            close(fd[i]);
            fd[i] = -1;
            f++;
        }
    end_of_load();
    result("\"attempts\":%ld,\"ok\":%ld,\"emfile\":%ld,\"enfile\":%ld", n, ok, em, en);
    for (long i = 0; i < n; i++)
        if (fd[i] >= 0)
            close(fd[i]);
}

/* unprivileged children open files against fs.file-max */
void w_filemax(void)
{
    int kids = (int)arg("kids", 4), per = (int)arg("per", 500), pfd[2];
    long tot[2] = {0}, r[2];
    pid_t p[64];
    if (pipe(pfd))
        exit(3);
    for (int k = 0; k < kids; k++)
        if (!(p[k] = child())) {
            long c[2] = {0};
            nofile(8192);
            if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
                setresuid(65534, 65534, 65534))
                _exit(3);
            for (int i = 0; i < per; i++)
                c[open("/dev/null", O_RDONLY) < 0 ? 1 : 0]++;
            if (write(pfd[1], c, sizeof c) < 0)
                _exit(1);
            pause();
            _exit(0);
        }
    for (int k = 0; k < kids; k++)
        if (read(pfd[0], r, sizeof r) == sizeof r)
            tot[0] += r[0], tot[1] += r[1];
    end_of_load();
    for (int k = 0; k < kids; k++)
        reap(p[k]);
    result("\"attempts\":%d,\"ok\":%ld,\"enfile\":%ld", kids * per, tot[0], tot[1]);
}

void w_inotify(void)
{
    int n = (int)arg("n", 500), inst = (int)arg("instances", 1), ok = 0, nospc = 0, mfile = 0;
    const char *dir = sarg("dir", "/tmp");
    int fd[256];
    setresuid((uid_t)arg("uid", 0), (uid_t)-1, (uid_t)-1); /* whose limit it is */
    for (int j = 0; j < inst && j < 256; j++)
        if ((fd[j] = inotify_init1(IN_NONBLOCK)) < 0)
            mfile++;
    for (int i = 0; i < n; i++) {
        char p[300];
        snprintf(p, sizeof p, "%s/w%d", dir, i);
        mkdir(p, 0700);
        if (fd[i % inst] >= 0 && inotify_add_watch(fd[i % inst], p, IN_CREATE) >= 0)
            ok++;
        else if (errno == ENOSPC)
            nospc++;
    }
    setresuid(0, 0, 0);
    end_of_load();
    result("\"attempts\":%d,\"ok\":%d,\"enospc\":%d,\"emfile\":%d", n, ok, nospc, mfile);
    for (int i = 0; i < n; i++) {
        char p[300];
        snprintf(p, sizeof p, "%s/w%d", dir, i);
        rmdir(p);
    }
}

/* files into a directory until done or refused */
void w_fill(void)
{
    int n = (int)arg("n", 200), kb = (int)arg("kb", 64), ok = 0, nospc = 0;
    const char *dir = sarg("dir", NULL);
    char *b = malloc((size_t)kb * 1024 + 1);
    memset(b, 7, (size_t)kb * 1024 + 1);
    for (int i = 0; i < n; i++) {
        char p[300];
        snprintf(p, sizeof p, "%s/f%d", dir, i);
        int fd = open(p, O_CREAT | O_WRONLY, 0600);
        if (fd < 0 || write(fd, b, (size_t)kb * 1024) != (ssize_t)kb * 1024 || fsync(fd))
            nospc++;
        else
            ok++;
        if (fd >= 0)
            close(fd);
    }
    end_of_load();
    result("\"attempts\":%d,\"ok\":%d,\"enospc\":%d", n, ok, nospc);
}

void w_maps(void)
{
    long n = arg("n", 80000), ok = 0, nomem = 0;
    for (long i = 0; i < n; i++) /* alternate protections so that regions do not merge */
        if (mmap(NULL, 4096, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
            MAP_FAILED)
            ok++;
        else {
            nomem++;
            if (nomem == 1) { /* leave the sampler room to work */
                char *last = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                if (last != MAP_FAILED)
                    munmap(last, 4096);
            }
        }
    end_of_load();
    result("\"attempts\":%ld,\"ok\":%ld,\"enomem\":%ld", n, ok, nomem);
}

void w_aio(void)
{
    int n = (int)arg("contexts", 40), per = (int)arg("events", 4096), ok = 0, again = 0;
    unsigned long *ctx = calloc((size_t)n, sizeof *ctx);
    for (int i = 0; i < n; i++)
        if (!syscall(SYS_io_setup, per, &ctx[i]))
            ok++;
        else
            again++;
    end_of_load();
    for (int i = 0; i < n; i++)
        if (ctx[i])
            syscall(SYS_io_destroy, ctx[i]);
    result("\"attempts\":%d,\"ok\":%d,\"eagain\":%d", n, ok, again);
}

/* a bulk writer beside small synchronous writes in the same file system */
void w_fsync(void)
{
    const char *dir = sarg("dir", NULL);
    int secs = (int)arg("seconds", 12), nl = 0;
    long rate_kb = arg("bulk_kb_s", 0);
    char p[300];
    long *written = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t bw = child();
    if (!bw) {
        static char b[65536];
        memset(b, 3, sizeof b);
        double t0 = now();
        snprintf(p, sizeof p, "%s/bulk", dir);
        int fd = open(p, O_CREAT | O_WRONLY, 0600);
        long lim = arg("bulk_mb", 64) << 20;
        for (;;) {
            if (pwrite(fd, b, sizeof b, *written % lim) < 0)
                _exit(1);
            *written += (long)sizeof b;
            while (rate_kb && (double)*written / 1024 > (now() - t0) * (double)rate_kb)
                msleep(5);
        }
    }
    double *lat = malloc(sizeof *lat * 10000), t0 = now();
    snprintf(p, sizeof p, "%s/log", dir);
    int fd = open(p, O_CREAT | O_WRONLY | O_APPEND, 0600);
    while (now() - t0 < secs && nl < 10000) {
        double a = now();
        if (write(fd, "0123456789abcdef", 16) < 0 || fsync(fd))
            break;
        lat[nl++] = (now() - a) * 1e3;
        msleep(50);
    }
    double el = now() - t0;
    end_of_load();
    reap(bw);
    double p50 = pct(lat, nl, .5), p99 = pct(lat, nl, .99), mx = nl ? lat[nl - 1] : 0;
    result("\"fsyncs\":%d,\"fsync_p50_ms\":%.0f,\"fsync_p99_ms\":%.0f,\"fsync_max_ms\":%.0f,\"bulk_"
           "mb_s\":%.1f",
           nl, p50, p99, mx, (double)*written / el / 1048576);
}
