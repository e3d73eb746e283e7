#include "api/gate.h"

#include "base/arena.h"
#include "base/clock.h"

struct list {
    struct gate_turn *first, *last;
    unsigned n;
};

struct gate {
    struct loop *loop;
    struct pool *workers;
    struct timer *timer; /* the next deadline of those who wait */
    unsigned at_once;
    struct list waiting, running;
};

static void list_add(struct list *l, struct gate_turn *t)
{
    t->prev = l->last;
    t->next = NULL;
    *(l->last ? &l->last->next : &l->first) = t;
    l->last = t;
    l->n++;
}

static void list_remove(struct list *l, struct gate_turn *t)
{
    *(t->prev ? &t->prev->next : &l->first) = t->next;
    *(t->next ? &t->next->prev : &l->last) = t->prev;
    l->n--;
}

static void refuse(struct gate_turn *t, enum status st, const char *sentence)
{
    struct err err = {0};
    err_set(&err, st, "%s", sentence);
    t->refused(t->arg, st, &err);
}

static void set_timer(struct gate *g)
{
    int64_t next = 0;
    for (const struct gate_turn *t = g->waiting.first; t; t = t->next)
        if (t->deadline_mono_ms && (!next || t->deadline_mono_ms < next))
            next = t->deadline_mono_ms;
    if (next)
        timer_once(g->timer, MAX(next - clock_mono_ms(), (int64_t)0));
    else
        timer_stop(g->timer);
}

static void work(void *arg)
{
    struct gate_turn *t = arg;
    t->work(t->arg);
}

static void begin_next(struct gate *g);

static void done(void *arg)
{
    struct gate_turn *t = arg;
    struct gate *g = t->gate;
    list_remove(&g->running, t);
    t->done(t->arg); /* t is gone */
    begin_next(g);
}

static void begin(struct gate *g, struct gate_turn *t)
{
    list_add(&g->running, t);
    if (pool_submit(g->workers, work, done, g->loop, t))
        return;
    list_remove(&g->running, t);
    refuse(t, AGAIN, "too many queries wait already");
}

static void begin_next(struct gate *g)
{
    while (g->waiting.first && g->running.n < g->at_once) {
        struct gate_turn *t = g->waiting.first;
        list_remove(&g->waiting, t);
        t->waiting = false;
        begin(g, t);
    }
    set_timer(g);
}

static void expire(void *arg)
{
    struct gate *g = arg;
    int64_t now = clock_mono_ms();
    for (struct gate_turn *t = g->waiting.first, *next; t; t = next) {
        next = t->next;
        if (!t->deadline_mono_ms || t->deadline_mono_ms > now)
            continue;
        list_remove(&g->waiting, t);
        refuse(t, TIMED_OUT, "query timed out in query queue");
    }
    set_timer(g);
}

struct gate *gate_open(struct loop *loop, struct pool *workers, unsigned at_once)
{
    struct gate *g = mem_zero(1, sizeof *g);
    *g = (struct gate){.loop = loop, .workers = workers, .at_once = at_once};
    g->timer = timer_open(loop, expire, g);
    return g;
}

void gate_close(struct gate *g)
{
    if (!g)
        return;
    timer_close(g->timer);
    free(g);
}

void gate_enter(struct gate *g, struct gate_turn *t)
{
    t->gate = g;
    if (g->running.n < g->at_once) {
        begin(g, t);
    } else if (g->waiting.n >= QUERIES_WAITING_MAX) {
        refuse(t, AGAIN, "too many queries wait already");
    } else {
        t->waiting = true;
        list_add(&g->waiting, t);
        set_timer(g);
    }
}

void gate_cancel(struct gate_turn *t)
{
    __atomic_store_n(&t->cancelled, true, __ATOMIC_RELAXED);
    if (!t->waiting)
        return;
    list_remove(&t->gate->waiting, t);
    t->waiting = false;
    refuse(t, AGAIN, "query was canceled in query queue");
}

void gate_stop(struct gate *g)
{
    while (g->waiting.first)
        gate_cancel(g->waiting.first);
    for (struct gate_turn *t = g->running.first; t; t = t->next)
        __atomic_store_n(&t->cancelled, true, __ATOMIC_RELAXED);
}

unsigned gate_running(const struct gate *g)
{
    return g->running.n;
}

unsigned gate_waiting(const struct gate *g)
{
    return g->waiting.n;
}
