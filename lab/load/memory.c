/* Memory, processors and processes. Each workload ends by itself and says what became of it. */
#include "load.h"

/* anonymous memory (hot part touched at random, cold part touched once) and a
 * file read at random (file_hot_mb of it) or streamed through */
void w_mem(void)
{
    size_t hot = (size_t)arg("hot_mb", 40) << 20, cold = (size_t)arg("cold_mb", 80) << 20,
           fh = (size_t)arg("file_hot_mb", 0) << 20, fs = (size_t)arg("file_stream_mb", 0) << 20;
    const char *path = sarg("file", NULL);
    double secs = (double)arg("seconds", 8), t0;
    char *h = mmap(NULL, hot + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *c = mmap(NULL, cold + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = path ? open(path, O_RDONLY) : -1;
    static char buf[65536];
    long tx = 0, every = arg("touch_every", 1), touches = arg("touches", 8),
         severy = arg("stream_every", 8);
    off_t pos = 0;
    madvise(h, hot, MADV_NOHUGEPAGE);
    madvise(c, cold, MADV_NOHUGEPAGE);
    if (fd >= 0)
        posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
    for (size_t i = 0; i < cold; i += 4096)
        *(uint64_t *)(c + i) = rnd(); /* not compressible to a zero page */
    for (size_t i = 0; i < hot; i += 4096)
        *(uint64_t *)(h + i) = rnd();
    if (fd >= 0)
        for (size_t i = 0; i < fh; i += sizeof buf)
            if (pread(fd, buf, sizeof buf, (off_t)i) < 0) {
            }
    struct rusage ru0, ru1;
    getrusage(RUSAGE_SELF, &ru0);
    t0 = now();
    double *lat = malloc(sizeof *lat * 2000000);
    int nl = 0;
    for (double t = t0; t - t0 < secs; tx++) {
        if (hot && tx % every == 0)
            for (int k = 0; k < touches; k++)
                *(uint64_t *)(h + (rnd() % (hot >> 12) << 12)) += 1;
        if (fh && pread(fd, buf, 4096, (off_t)(rnd() % (fh >> 12)) << 12) < 0)
            exit(3);
        if (fs && tx % severy == 0) {
            if (pread(fd, buf, sizeof buf, (off_t)(fh + (size_t)pos)) < 0)
                exit(3);
            pos = (off_t)(((size_t)pos + sizeof buf) % fs);
        }
        double t2 = now();
        if (nl < 2000000)
            lat[nl++] = (t2 - t) * 1e6;
        t = t2;
    }
    getrusage(RUSAGE_SELF, &ru1);
    double el = now() - t0;
    end_of_load();
    result("\"tx_per_s\":%.0f,\"p99_us\":%.0f,\"p999_us\":%.0f,\"majflt\":%ld,\"inblock\":%ld",
           (double)tx / el, pct(lat, nl, .99), pct(lat, nl, .999), ru1.ru_majflt - ru0.ru_majflt,
           ru1.ru_inblock - ru0.ru_inblock);
    free(lat); /* the next round takes its own */
    munmap(h, hot + 4096);
    munmap(c, cold + 4096);
    if (fd >= 0)
        close(fd);
}

/* n busy workers beside one probe that wakes every 5 ms */
void w_cpu(void)
{
    int n = (int)arg("workers", 4), secs = (int)arg("seconds", 6), duty = (int)arg("duty_pct", 100),
        nl = 0;
    volatile uint64_t *cnt =
        mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t p[64];
    for (int i = 0; i < n; i++)
        if (!(p[i] = child())) {
            uint64_t x = 1;
            for (;;) {
                double t0 = now();
                while (duty >= 100 || (now() - t0) * 1000 < duty / 10.0) {
                    for (int k = 0; k < 20000; k++)
                        x = x * 6364136223846793005ull + 1442695040888963407ull;
                    cnt[i * 8]++;
                }
                if (x == 42)
                    cnt[i * 8]++;
                msleep(10 - duty / 10 > 0 ? 10 - duty / 10 : 1);
            }
        }
    double *lat = malloc(sizeof *lat * 100000), t0 = now();
    while (now() - t0 < secs) {
        double a = now();
        msleep(5);
        if (nl < 100000)
            lat[nl++] = (now() - a - .005) * 1e3;
    }
    double el = now() - t0;
    end_of_load();
    uint64_t tot = 0;
    struct rusage ru;
    for (int i = 0; i < n; i++) {
        reap(p[i]);
        tot += cnt[i * 8];
    }
    getrusage(RUSAGE_CHILDREN, &ru);
    double cs = (double)ru.ru_utime.tv_sec + (double)ru.ru_utime.tv_usec / 1e6;
    double p50 = pct(lat, nl, .5);
    result(
        "\"work_per_s\":%.0f,\"cpu_per_worker\":%.2f,\"probe_p50_ms\":%.2f,\"probe_p99_ms\":%.2f",
        (double)tot / el, cs / el / n, p50, pct(lat, nl, .99));
}

void w_pids(void)
{
    int n = (int)arg("n", 600), ok = 0, again = 0;
    pid_t *p = calloc((size_t)n, sizeof *p);
    for (int i = 0; i < n; i++) {
        p[i] = child();
        if (!p[i]) {
            pause();
            _exit(0);
        }
        if (p[i] > 0)
            ok++;
        else
            again++;
    }
    /* Whoever looks needs numbers, too: free a few; not of the first 300, which the kernel does
     * not give out again. */
    for (int i = n - 1, freed = 0; i >= 0 && freed < 16; i--)
        if (p[i] > 0) {
            reap(p[i]);
            p[i] = 0;
            freed++;
        }
    end_of_load();
    for (int i = 0; i < n; i++)
        if (p[i] > 0)
            reap(p[i]);
    result("\"attempts\":%d,\"ok\":%d,\"eagain\":%d", n, ok, again);
}

/* a program inside a memory group (dir=, its folder) that is begun anew whenever it is killed */
void w_group(void)
{
    size_t hot = (size_t)arg("hot_mb", 128) << 20;
    double t0 = now(), secs = (double)arg("seconds", 4);
    int starts = 0, killed = 0;
    while (now() - t0 < secs) {
        pid_t p = child();
        int how = 0;
        starts++;
        if (!p) {
            char path[300], pid[32];
            snprintf(path, sizeof path, "%s/cgroup.procs", sarg("dir", "/nonexistent"));
            int fd = open(path, O_WRONLY), len = snprintf(pid, sizeof pid, "%d", (int)getpid());
            if (fd < 0 || write(fd, pid, (size_t)len) != len)
                _exit(3);
            char *m = mmap(NULL, hot, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            for (size_t i = 0; i < hot; i += 4096)
                *(uint64_t *)(m + i) = rnd();
            msleep(300);
            _exit(0);
        }
        if (waitpid(p, &how, 0) == p && WIFSIGNALED(how))
            killed++;
    }
    end_of_load();
    result("\"attempts\":%d,\"ok\":%d,\"oom_killed\":%d", starts, starts - killed, killed);
}

/* how much memory programs could have */
void w_look(void)
{
    char line[200];
    double kb = 0;
    msleep(arg("seconds", 2) * 1000);
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lf", &kb) == 1)
            break;
    if (f)
        fclose(f);
    end_of_load();
    result("\"available_mb\":%.0f", kb / 1024);
}
