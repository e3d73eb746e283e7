/* Connections and datagrams. Each workload ends by itself and says what became of it. */
#include "load.h"

/* bursts of connections to a server that stalls between accept rounds */
void w_accept(void)
{
    int port = 7001, backlog = (int)arg("backlog", 4096), burst = (int)arg("burst", 200);
    int rounds = (int)arg("rounds", 6), stall = (int)arg("stall_ms", 150);
    int lfd = listener(port, backlog);
    pid_t srv = child();
    if (!srv) {
        fcntl(lfd, F_SETFL, O_NONBLOCK);
        for (;;) {
            int c;
            msleep(stall);
            while ((c = accept(lfd, NULL, NULL)) >= 0) {
                if (write(c, "k", 1) < 0) {
                }
                close(c);
            }
        }
    }
    close(lfd);
    int ok = 0, slow = 0, fail = 0, nl = 0;
    double *lat = calloc((size_t)(burst * rounds), sizeof *lat);
    struct pollfd *pf = calloc((size_t)burst, sizeof *pf);
    for (int r = 0; r < rounds; r++) {
        double t0 = now();
        struct sockaddr_in a = lo(port);
        for (int i = 0; i < burst; i++) {
            pf[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            connect(pf[i].fd, (void *)&a, sizeof a);
            pf[i].events = POLLIN;
        }
        int left = burst;
        while (left && now() - t0 < 2.5) {
            poll(pf, (nfds_t)burst, 100);
            for (int i = 0; i < burst; i++)
                if (pf[i].fd >= 0 && pf[i].revents) {
                    char ch;
                    double l = now() - t0;
                    if (read(pf[i].fd, &ch, 1) == 1) {
                        lat[nl++] = l * 1e3;
                        if (l > 0.8)
                            slow++;
                        else
                            ok++;
                    } else
                        fail++;
                    close(pf[i].fd);
                    pf[i].fd = -1;
                    left--;
                }
        }
        for (int i = 0; i < burst; i++)
            if (pf[i].fd >= 0) {
                fail++;
                close(pf[i].fd);
            }
    }
    end_of_load();
    reap(srv);
    result("\"attempts\":%d,\"ok\":%d,\"slow\":%d,\"failed\":%d,\"p99_ms\":%.0f", burst * rounds,
           ok, slow, fail, pct(lat, nl, .99));
}

/* As a proxy with many ports does: takes the next one itself. With most of them in TIME_WAIT the
 * kernel's own search takes so long that the rest is hardly ever used up. */
static void take_port(int fd, int port)
{
    int one = 1;
    struct sockaddr_in own = lo(port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (void *)&own, sizeof own)) { /* connect() takes another */
    }
}

/* short outgoing connections to one destination; first=PORT: from that port on, each in turn;
 * mode=timewait: both ends close, the client first; mode=finwait2: the peer never closes its end */
void w_ports(void)
{
    int port = 7002, n = (int)arg("n", 1000), fin2 = !strcmp(sarg("mode", "timewait"), "finwait2");
    long pace = arg("pace_us", 1000), ok = 0, addr = 0, other = 0;
    int first = (int)arg("first", 0), lfd = listener(port, 4096);
    nofile(65536);
    pid_t srv = child();
    if (!srv)
        for (;;) {
            int c = accept(lfd, NULL, NULL);
            char b;
            if (c < 0)
                continue;
            if (!fin2) {
                while (read(c, &b, 1) > 0) {
                }
                close(c);
            }
        }
    close(lfd);
    struct sockaddr_in a = lo(port);
    double t0 = now();
    for (int i = 0; i < n; i++) {
        int c = socket(AF_INET, SOCK_STREAM, 0);
        if (first)
            take_port(c, first + i);
        if (connect(c, (void *)&a, sizeof a) == 0)
            ok++;
        else if (errno == EADDRNOTAVAIL)
            addr++;
        else
            other++;
        close(c);
        double due = t0 + (double)(i + 1) * (double)pace / 1e6, w = due - now();
        if (w > 0)
            usleep((useconds_t)(w * 1e6));
    }
    end_of_load();
    reap(srv);
    result("\"attempts\":%d,\"ok\":%ld,\"eaddrnotavail\":%ld,\"other\":%ld,\"seconds\":%.1f", n, ok,
           addr, other, now() - t0);
}

/* a server with a fixed number of channel slots, all held by peers that have
 * vanished; new clients are served only once dead peers are noticed.
 * The script cuts the peers off when the file named by cut= appears. */
void w_slots(void)
{
    int port = 7003, slots = (int)arg("slots", 20), secs = (int)arg("seconds", 10), one = 1;
    const char *ready = sarg("ready", "/tmp/lab.ready"), *cut = sarg("cut", "/tmp/lab.cut");
    int lfd = listener(port, 512), used = 0;
    struct pollfd *pf = calloc((size_t)slots + 1, sizeof *pf);
    double t0;
    pf[0] = (struct pollfd){lfd, POLLIN, 0};
    while (used < slots) { /* fill from the other namespace */
        int c = accept(lfd, NULL, NULL);
        setsockopt(c, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
        pf[++used] = (struct pollfd){c, POLLIN, 0};
    }
    close(open(ready, O_CREAT | O_WRONLY, 0600));
    for (t0 = now(); access(cut, F_OK) && now() - t0 < 10;)
        msleep(50);
    pid_t cl = child();
    if (!cl) /* new clients, five a second */
        for (;;) {
            struct sockaddr_in a = lo(port);
            int c = socket(AF_INET, SOCK_STREAM, 0);
            connect(c, (void *)&a, sizeof a);
            msleep(200);
            close(c);
        }
    long served = 0, refused = 0, reaped = 0;
    double first = -1;
    for (t0 = now(); now() - t0 < secs;) {
        poll(pf, (nfds_t)slots + 1, 100);
        for (int i = 1; i <= slots; i++)
            if (pf[i].fd >= 0 && pf[i].revents) {
                char b;
                if (read(pf[i].fd, &b, 1) < 0)
                    reaped++; /* keepalive gave up on it */
                close(pf[i].fd);
                pf[i].fd = -1;
                used--;
            }
        if (pf[0].revents) {
            int c = accept(lfd, NULL, NULL);
            if (c >= 0 && used < slots) {
                if (first < 0)
                    first = now() - t0;
                served++;
                for (int i = 1; i <= slots; i++)
                    if (pf[i].fd < 0) {
                        setsockopt(c, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
                        pf[i] = (struct pollfd){c, POLLIN, 0};
                        break;
                    }
                used++;
            } else if (c >= 0) {
                refused++;
                close(c);
            }
        }
    }
    end_of_load();
    reap(cl);
    result("\"served\":%ld,\"refused\":%ld,\"dead_reaped\":%ld,\"first_served_s\":%.1f", served,
           refused, reaped, first);
}
void w_hold(void) /* the peers of w_slots */
{
    int n = (int)arg("peers", 20), port = 7003; /* as many as slots: not varied */
    struct sockaddr_in a = lo(port);
    for (int i = 0; i < n; i++) {
        int c = socket(AF_INET, SOCK_STREAM, 0);
        for (int t = 0; connect(c, (void *)&a, sizeof a) && t < 50; t++)
            msleep(100);
    }
    msleep(arg("ms", 20000));
    exit(0);
}

/* datagrams to a reader that pauses */
void w_udp(void)
{
    int n = (int)arg("n", 20000), size = (int)arg("size", 512), stall = (int)arg("stall_ms", 50),
        want = (int)arg("rcvbuf", 0);
    long pace = arg("pps", 5000);
    int r = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = lo(7004);
    int *got = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (want) /* force=1: beyond net.core.rmem_max */
        setsockopt(r, SOL_SOCKET, arg("force", 0) ? SO_RCVBUFFORCE : SO_RCVBUF, &want, sizeof want);
    if (bind(r, (void *)&a, sizeof a))
        exit(3);
    pid_t rd = child();
    if (!rd) {
        char b[65536];
        fcntl(r, F_SETFL, O_NONBLOCK);
        for (;;) {
            while (recv(r, b, sizeof b, 0) >= 0)
                (*got)++;
            msleep(stall);
        }
    }
    char *b = calloc(1, (size_t)size);
    double t0 = now();
    for (int i = 0; i < n; i++) {
        if (sendto(s, b, (size_t)size, 0, (void *)&a, sizeof a) < 0) {
        }
        double w = t0 + (double)(i + 1) / (double)pace - now();
        if (w > 0.002)
            usleep((useconds_t)(w * 1e6));
    }
    msleep(2 * stall);
    end_of_load();
    reap(rd);
    result("\"sent\":%d,\"received\":%d,\"lost_pct\":%.1f", n, *got, 100.0 * (n - *got) / n);
    close(r); /* the next round binds the port anew */
    close(s);
    free(b);
    munmap(got, 4096);
}

/* n flows, each a fresh tracked connection (or, peers=, each to a fresh host) */
void w_flows(void)
{
    int n = (int)arg("n", 2000), peers = (int)arg("peers", 0);
    const char *net = sarg("net", "10.77.");
    long ok = 0, eperm = 0, nobuf = 0, other = 0, pace = arg("pace_us", 200);
    for (int i = 0; i < n; i++) {
        int s = socket(AF_INET, SOCK_DGRAM, 0);
        struct sockaddr_in a = lo(9999);
        if (peers) {
            char ip[32];
            snprintf(ip, sizeof ip, "%s%d.%d", net, 1 + (i % peers) / 250, 1 + (i % peers) % 250);
            a.sin_addr.s_addr = inet_addr(ip);
        } else
            a.sin_port = htons((uint16_t)(1024 + i));
        if (sendto(s, "x", 1, 0, (void *)&a, sizeof a) == 1)
            ok++;
        else if (errno == EPERM)
            eperm++;
        else if (errno == ENOBUFS)
            nobuf++;
        else
            other++;
        close(s);
        if (pace)
            usleep((useconds_t)pace);
    }
    end_of_load();
    result("\"attempts\":%d,\"ok\":%ld,\"eperm\":%ld,\"enobufs\":%ld,\"other\":%ld", n, ok, eperm,
           nobuf, other);
}

/* n connections to a reader that does not read: both ends' buffers fill up. leave=1: the sender
 * goes with its data unsent, and the kernel keeps its end as an orphan. */
void w_unread(void)
{
    int n = (int)arg("n", 100), port = 7001, left = n;
    int lfd = listener(port, 4096);
    static char data[65536];
    int *fds = calloc((size_t)n, sizeof *fds);
    long sent = 0;
    pid_t reader = child();
    nofile(1 << 16);
    if (!reader)
        for (;;)
            accept(lfd, NULL, NULL); /* and no more */
    close(lfd);
    struct sockaddr_in a = lo(port);
    for (int i = 0; i < n; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fds[i], (void *)&a, sizeof a) == 0)
            fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    for (int idle = 0; idle < 20; idle++, msleep(50)) /* until nothing has gone out for a second */
        for (int i = 0; i < n; i++)
            for (ssize_t w; (w = write(fds[i], data, sizeof data)) > 0; idle = 0)
                sent += w;
    for (int i = 0; arg("leave", 0) && i < n; i++, left--)
        close(fds[i]);
    end_of_load();
    for (int i = n - left; i < n; i++)
        close(fds[i]);
    reap(reader);
    free(fds);
    result("\"connections\":%d,\"bytes\":%ld", n, sent);
}
