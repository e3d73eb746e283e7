/* See confine.h. A classic BPF program over the number of the call: those that come often stand
 * first. The list is what galen-agent was seen to call (glibc 2.36, OpenSSL 3.0, libevent 2.1), and
 * what other versions of them and musl call in the same places. */
#include "agent/confine.h"

#include "base/span.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined __x86_64__
enum { ARCHITECTURE_KNOWN = 1 };
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define RESULT(context) (context)->uc_mcontext.gregs[REG_RAX]
#elif defined __aarch64__
enum { ARCHITECTURE_KNOWN = 1 };
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define RESULT(context) (context)->uc_mcontext.regs[0]
#else
enum { ARCHITECTURE_KNOWN = 0 };
#define ARCHITECTURE 0
static unsigned long long no_result;
#define RESULT(context) (*((void)(context), &no_result))
#endif

static const uint16_t allowed[] = {
    /* each collection */
    SYS_openat,
    SYS_close,
    SYS_pread64,
    SYS_readlinkat,
    SYS_newfstatat,
    SYS_getdents64,
    SYS_read,
    SYS_fcntl,
    SYS_write,
    SYS_recvfrom,
    SYS_sendto,
    SYS_epoll_pwait,
    SYS_epoll_ctl,
    SYS_sendmsg,
    SYS_recvmsg,
    SYS_statfs,
    SYS_clock_gettime,
    SYS_getpid,
    SYS_faccessat,
    SYS_fstat,
    SYS_fstatfs,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_writev,
    SYS_readv,
    SYS_lseek,
    SYS_pwrite64,
    /* memory, threads, time */
    SYS_mmap,
    SYS_munmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_getrandom,
    SYS_set_robust_list,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_membarrier,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_exit,
    SYS_exit_group,
    SYS_restart_syscall,
    SYS_gettid,
    SYS_set_tid_address,
    SYS_rt_sigprocmask,
    SYS_rt_sigaction,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_rt_sigtimedwait,
    /* sockets and the loop */
    SYS_connect,
    SYS_setsockopt,
    SYS_getsockopt,
    SYS_getsockname,
    SYS_getpeername,
    SYS_bind,
    SYS_listen,
    SYS_accept4,
    SYS_accept,
    SYS_shutdown,
    SYS_socketpair,
    SYS_sendmmsg,
    SYS_recvmmsg,
    SYS_ppoll,
    SYS_pselect6,
    SYS_epoll_create1,
    SYS_eventfd2,
    SYS_pipe2,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_dup,
    SYS_dup3,
    SYS_sendfile,
    /* files of its own */
    SYS_mkdirat,
    SYS_unlinkat,
    SYS_renameat2,
    SYS_fsync,
    SYS_fdatasync,
    SYS_ftruncate,
    SYS_flock,
    SYS_fallocate,
    SYS_umask,
    SYS_fchmod,
    SYS_getcwd,
    SYS_fadvise64,
    SYS_sync_file_range,
    SYS_fchmodat,
    SYS_pwritev,
    SYS_preadv,
    /* who and where */
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getppid,
    SYS_uname,
    SYS_sysinfo,
    SYS_prlimit64,
    SYS_getrlimit,
    SYS_getrusage,
    SYS_times,
    SYS_getgroups,
    SYS_capget,
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef SYS_rseq
    SYS_rseq,
#endif
#ifdef SYS_statx
    SYS_statx,
#endif
#ifdef SYS_epoll_pwait2
    SYS_epoll_pwait2,
#endif
#ifdef SYS_close_range
    SYS_close_range,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_poll /* the older ones, that new processors lack */
    SYS_epoll_wait,
    SYS_poll,
    SYS_select,
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_mkdir,
    SYS_unlink,
    SYS_rmdir,
    SYS_rename,
    SYS_chmod,
    SYS_pipe,
    SYS_eventfd,
    SYS_epoll_create,
    SYS_dup2,
    SYS_time,
    SYS_getdents,
    SYS_arch_prctl,
#endif
};

static const uint32_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
static const uint32_t ioctls[] = {FIONBIO, FIONREAD, TIOCGWINSZ, 0x5401 /* TCGETS */};
static const uint32_t prctls[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE,
                                  0x53564d41 /* PR_SET_VMA: names of memory */};

enum { PROGRAM_MAX = 512, TOLD_MAX = 512, X32_BIT = 0x40000000 };

struct program {
    struct sock_filter at[PROGRAM_MAX];
    unsigned short n;
};

static void put(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    p->at[p->n++] = (struct sock_filter){code, yes, no, k};
}

static void put_return(struct program *p, uint32_t what)
{
    put(p, BPF_RET | BPF_K, what, 0, 0);
}

static void load(struct program *p, size_t offset)
{
    put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The call is allowed when its argument (the lower half) is one of these. */
static void put_argument(struct program *p, uint32_t nr, unsigned argument, const uint32_t *values,
                         size_t n, uint32_t deny)
{
    put(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, (uint8_t)(2 * n + 2));
    load(p, offsetof(struct seccomp_data, args) + 8 * argument);
    for (size_t i = 0; i < n; i++) {
        put(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], 0, 1);
        put_return(p, SECCOMP_RET_ALLOW);
    }
    put_return(p, deny);
}

static void build(struct program *p, uint32_t deny)
{
    const uint32_t own_pid = (uint32_t)getpid();
    load(p, offsetof(struct seccomp_data, arch));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    put_return(p, deny);
    load(p, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT(allowed); i++) {
        put(p, BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
        put_return(p, SECCOMP_RET_ALLOW);
    }
    put_argument(p, SYS_socket, 0, families, COUNT(families), deny);
    put_argument(p, SYS_ioctl, 1, ioctls, COUNT(ioctls), deny);
    put_argument(p, SYS_prctl, 0, prctls, COUNT(prctls), deny);
    put_argument(p, SYS_tgkill, 0, &own_pid, 1, deny); /* abort() */
    /* Threads, no processes. clone3 has its flags in memory, where a filter cannot look: without
     * it libraries take clone. */
#ifdef SYS_clone3
    put(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
    put_return(p, SECCOMP_RET_ERRNO | ENOSYS);
#endif
    put(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3);
    load(p, offsetof(struct seccomp_data, args));
    put(p, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1);
    put_return(p, SECCOMP_RET_ALLOW);
    put_return(p, deny);
}

/* ---- what is not allowed ---- */

static volatile sig_atomic_t told[TOLD_MAX];

/* In a signal handler: nothing but write is safe. */
static void tell(int number)
{
    static const char head[] = "level=warn program=galen-agent msg=\"system call ",
                      tail[] = " is not allowed and was refused (seccomp)\"\n";
    char text[sizeof head + sizeof tail + 12], digits[12];
    size_t n = 0, at = sizeof head - 1;
    unsigned left = (unsigned)number;
    memcpy(text, head, at);
    do
        digits[n++] = (char)('0' + left % 10);
    while (left /= 10);
    while (n)
        text[at++] = digits[--n];
    memcpy(text + at, tail, sizeof tail - 1);
    (void)!write(STDERR_FILENO, text, at + sizeof tail - 1);
}

static void on_violation(int signal UNUSED, siginfo_t *info, void *context)
{
    int before = errno, number = info->si_syscall;
    ucontext_t *c = context;
    long long result = (unsigned)number < TOLD_MAX && number >= 0 ? -EPERM : -ENOSYS;
    memcpy(&RESULT(c), &result, sizeof result); /* signed or not, as the processor has it */
    if (number >= 0 && number < TOLD_MAX && !told[number]) {
        told[number] = 1;
        tell(number);
    }
    errno = before;
}

static enum status catch_violations(struct err *err)
{
    struct sigaction action = {.sa_sigaction = on_violation, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    return sigaction(SIGSYS, &action, NULL) ? err_errno(err, "sigaction") : OK;
}

/* ---- the doors ---- */

bool confine_mode_of(const char *text, enum confine_mode *out)
{
    static const char *const names[] = {
        [CONFINE_ON] = "on", [CONFINE_OFF] = "off", [CONFINE_STRICT] = "strict"};
    for (size_t i = 0; i < COUNT(names); i++) {
        *out = (enum confine_mode)i;
        if (strcmp(text, names[i]) == 0)
            return true;
    }
    return false;
}

enum status confine_self(enum confine_mode mode, struct err *err)
{
    static bool done;
    struct program p = {.n = 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return err_set(err, UNSUPPORTED, "this kernel has no no_new_privs");
    if (mode == CONFINE_OFF || done)
        return OK;
    if (!ARCHITECTURE_KNOWN)
        return err_set(err, UNSUPPORTED, "there is no list of calls for this processor");
    enum status st = mode == CONFINE_STRICT ? OK : catch_violations(err);
    if (st)
        return st;
    build(&p, mode == CONFINE_STRICT ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_TRAP);
    struct sock_fprog program = {.len = p.n, .filter = p.at};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0))
        return err_set(err, UNSUPPORTED, "this kernel takes no filter of system calls (seccomp)");
    done = true;
    return OK;
}
