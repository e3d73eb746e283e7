/* Small things that several workloads need. */
#include "load.h"

double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void msleep(long ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double pct(double *v, int n, double share)
{
    if (!n)
        return 0;
    qsort(v, (size_t)n, sizeof *v, ascending);
    return v[(int)(share * (n - 1))];
}

/* xorshift: the same loads in every run. */
uint64_t rnd(void)
{
    static uint64_t state = UINT64_C(88172645463325252);
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

pid_t child(void)
{
    pid_t p = fork();
    if (!p)
        signal(SIGTERM, SIG_DFL);
    return p;
}

void reap(pid_t p)
{
    kill(p, SIGKILL);
    waitpid(p, NULL, 0);
}

struct sockaddr_in lo(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = inet_addr(sarg("addr", "127.0.0.1"));
    return a;
}

int listener(int port, int backlog)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, backlog)) {
        perror("listen");
        exit(3);
    }
    return fd;
}

void nofile(rlim_t n)
{
    struct rlimit r = {n, n};
    setrlimit(RLIMIT_NOFILE, &r);
}
