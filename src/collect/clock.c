/* The wall clock, and how well it is kept. */
#include "collect/collectors.h"

#include <sys/timex.h>

enum { TIME, SYNC, OFFSET, MAXERROR, ESTERROR, FREQUENCY, STATUS, TAI };

static const struct metric time_metrics[] = {
    [TIME] = {"node_time_seconds", METRIC_GAUGE, "System time in seconds since epoch (1970).", {0}},
    [SYNC] = {"node_timex_sync_status",
              METRIC_GAUGE,
              "Is clock synchronized to a reliable server (1 = yes, 0 = no).",
              {0}},
    [OFFSET] = {"node_timex_offset_seconds",
                METRIC_GAUGE,
                "Time offset in between local system and reference clock.",
                {0}},
    [MAXERROR] = {"node_timex_maxerror_seconds", METRIC_GAUGE, "Maximum error in seconds.", {0}},
    [ESTERROR] = {"node_timex_estimated_error_seconds",
                  METRIC_GAUGE,
                  "Estimated error in seconds.",
                  {0}},
    [FREQUENCY] = {"node_timex_frequency_adjustment_ratio",
                   METRIC_GAUGE,
                   "Local clock frequency adjustment.",
                   {0}},
    [STATUS] = {"node_timex_status", METRIC_GAUGE, "Value of the status array bits.", {0}},
    [TAI] = {"node_timex_tai_offset_seconds",
             METRIC_GAUGE,
             "International Atomic Time (TAI) offset.",
             {0}},
};

struct time_state {
    int64_t asked_ms; /* mono; 0: never */
    struct timex x;
    bool known;
};

/* The clock's state changes slowly, its series are sent with every sample all the same: a value
 * that stays is nearly free. */
static enum status time_collect(struct tick *t, void *state, struct err *err UNUSED)
{
    enum { ASK_EVERY_MS = 15000 };
    struct time_state *s = state;
    emit(t, &time_metrics[TIME], (double)tick_wall_ms(t) / 1000);
    if (!t->c->live)
        return OK;
    if (s->asked_ms == 0 || tick_mono_ms(t) - s->asked_ms >= ASK_EVERY_MS) {
        s->asked_ms = tick_mono_ms(t);
        s->x = (struct timex){0};
        s->known = adjtimex(&s->x) >= 0;
    }
    if (!s->known)
        return OK;
    bool nano = s->x.status & STA_NANO;
    emit(t, &time_metrics[SYNC], !(s->x.status & STA_UNSYNC));
    emit(t, &time_metrics[OFFSET], (double)s->x.offset / (nano ? 1e9 : 1e6));
    emit(t, &time_metrics[MAXERROR], (double)s->x.maxerror / 1e6);
    emit(t, &time_metrics[ESTERROR], (double)s->x.esterror / 1e6);
    emit(t, &time_metrics[FREQUENCY], 1 + (double)s->x.freq / (1e6 * 65536));
    emit(t, &time_metrics[STATUS], s->x.status);
    emit(t, &time_metrics[TAI], s->x.tai);
    return OK;
}

const struct collector time_collector = {COLLECTOR_OF(time, struct time_state)};
