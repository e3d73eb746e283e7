#include "base/loop.h"

#include "base/arena.h"
#include "base/file.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LOOP_SIGNALS_MAX = 8 };

struct posted {
    struct posted *next;
    loop_fn fn;
    void *arg;
};

struct watched_signal {
    struct event *event;
    loop_fn fn;
    void *arg;
};

struct loop {
    struct event_base *base;
    struct event *wake;
    int wake_fd;
    pthread_mutex_t lock; /* guards the fields below */
    struct posted *first, **last;
    bool closing;
    struct watched_signal signals[LOOP_SIGNALS_MAX];
    size_t n_signals;
};

struct timer {
    struct event *event;
    struct loop *loop;
    loop_fn fn;
    void *arg;
};

/* Takes the whole list, then runs it: what a handler posts comes round next time. */
static void run_posted(evutil_socket_t fd, short what UNUSED, void *arg)
{
    struct loop *l = arg;
    uint64_t count;
    ssize_t ignored UNUSED = read(fd, &count, sizeof count);
    pthread_mutex_lock(&l->lock);
    struct posted *list = l->first;
    l->first = NULL;
    l->last = &l->first;
    pthread_mutex_unlock(&l->lock);
    while (list) {
        struct posted *next = list->next;
        list->fn(list->arg);
        free(list);
        list = next;
    }
}

enum status loop_open(struct loop **out, struct err *err)
{
    *out = NULL;
    evthread_use_pthreads();
    auto_fd fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "create an eventfd");
    struct event_base *base = event_base_new();
    if (!base)
        return err_set(err, IO_FAILED, "libevent cannot create an event loop");
    struct loop *l = mem_zero(1, sizeof *l);
    l->base = base;
    l->wake_fd = fd;
    l->last = &l->first;
    /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): so that it is not closed at the end */
    fd = -1;
    pthread_mutex_init(&l->lock, NULL);
    l->wake = event_new(base, l->wake_fd, EV_READ | EV_PERSIST, run_posted, l);
    event_add(l->wake, NULL);
    *out = l;
    return OK;
}

void loop_close(struct loop *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->closing = true;
    pthread_mutex_unlock(&l->lock);
    run_posted(l->wake_fd, 0, l); /* what was accepted is run, so that it can free itself */
    for (size_t i = 0; i < l->n_signals; i++)
        event_free(l->signals[i].event);
    event_free(l->wake);
    fd_close(&l->wake_fd);
    event_base_free(l->base);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void loop_run(struct loop *l)
{
    event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void stop_now(void *arg)
{
    event_base_loopbreak(((struct loop *)arg)->base);
}

void loop_stop(struct loop *l)
{
    loop_post(l, stop_now, l); /* also when loop_run has not begun yet */
}

bool loop_post(struct loop *l, loop_fn fn, void *arg)
{
    struct posted *p = mem_alloc(sizeof *p);
    *p = (struct posted){.fn = fn, .arg = arg};
    pthread_mutex_lock(&l->lock);
    bool taken = !l->closing, first = !l->first;
    if (taken) {
        *l->last = p;
        l->last = &p->next;
        if (first) {
            uint64_t one = 1;
            ssize_t ignored UNUSED = write(l->wake_fd, &one, sizeof one);
        }
    }
    pthread_mutex_unlock(&l->lock);
    if (!taken)
        free(p);
    return taken;
}

static void signal_came(evutil_socket_t number UNUSED, short what UNUSED, void *arg)
{
    struct watched_signal *s = arg;
    s->fn(s->arg);
}

enum status loop_signal(struct loop *l, int number, loop_fn fn, void *arg, struct err *err)
{
    if (l->n_signals == LOOP_SIGNALS_MAX)
        return err_set(err, FULL, "a loop watches at most %d signals", LOOP_SIGNALS_MAX);
    struct watched_signal *s = &l->signals[l->n_signals];
    *s = (struct watched_signal){.fn = fn, .arg = arg};
    s->event = evsignal_new(l->base, number, signal_came, s);
    if (!s->event || event_add(s->event, NULL))
        return err_set(err, IO_FAILED, "signal %d cannot be watched", number);
    l->n_signals++;
    return OK;
}

struct event_base *loop_base(struct loop *l)
{
    return l->base;
}

static void timer_fires(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct timer *t = arg;
    t->fn(t->arg);
}

struct timer *timer_open(struct loop *l, loop_fn fn, void *arg)
{
    struct timer *t = mem_alloc(sizeof *t);
    *t = (struct timer){.loop = l, .fn = fn, .arg = arg};
    t->event = event_new(l->base, -1, 0, timer_fires, t);
    return t;
}

static struct timeval timeval_of(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static void start(struct timer *t, int64_t ms, short flags)
{
    event_del(t->event);
    event_assign(t->event, t->loop->base, -1, flags, timer_fires, t);
    struct timeval wait = timeval_of(MAX(ms, (int64_t)0));
    event_add(t->event, &wait);
}

void timer_once(struct timer *t, int64_t after_ms)
{
    start(t, after_ms, 0);
}

void timer_every(struct timer *t, int64_t every_ms)
{
    start(t, every_ms, EV_PERSIST);
}

void timer_stop(struct timer *t)
{
    event_del(t->event);
}

void timer_close(struct timer *t)
{
    if (!t)
        return;
    event_free(t->event);
    free(t);
}
