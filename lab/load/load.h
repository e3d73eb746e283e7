/* labload: bounded workloads for the tuning lab. What each file of workloads shares. */
#pragma once

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The workload's arguments, name=value. */
long arg(const char *name, long otherwise);
const char *sarg(const char *name, const char *otherwise);

/* To be called while the load is still standing: what it holds can be seen now. */
void end_of_load(void);
/* The workload's own view of how it went: members of a JSON object. */
void result(const char *format, ...) __attribute__((format(printf, 1, 2)));

double now(void); /* seconds */
void msleep(long ms);
uint64_t rnd(void);
double pct(double *v, int n, double share); /* sorts v */
pid_t child(void);
void reap(pid_t p);
struct sockaddr_in lo(int port); /* addr=, else 127.0.0.1 */
int listener(int port, int backlog);
void nofile(rlim_t n);

/* The workloads, by file. */
void w_accept(void), w_ports(void), w_slots(void), w_hold(void), w_udp(void), w_flows(void),
    w_unread(void);
void w_nofile(void), w_filemax(void), w_inotify(void), w_fill(void), w_maps(void), w_aio(void),
    w_fsync(void);
void w_mem(void), w_cpu(void), w_pids(void), w_group(void), w_look(void);
void w_msgq(void), w_ipcids(void);
