#include "store/embedded/guard.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"

#include <inttypes.h>

enum { MIB_SHIFT = 20 };

void guard_init(struct guard *g)
{
    pthread_mutex_init(&g->lock, NULL);
}

void guard_free(struct guard *g)
{
    pthread_mutex_destroy(&g->lock);
}

void cond_init_mono(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* ---- the clock ---- */

static void tell_step(const struct guard *g, const char *what)
{
    char wall[TIME_TEXT_MAX], own[TIME_TEXT_MAX];
    log_error("the clock %s: it says %s where %s is expected; samples of both times are taken and "
              "nothing is dropped for its age until the clock has gone on for %d hours",
              what, clock_rfc3339(g->clock.wall_ms, wall), clock_rfc3339(g->clock.own_ms, own),
              STEADY_TRUST_MS / 3600000);
}

void guard_begin(struct guard *g, int64_t newest_ms)
{
    pthread_mutex_lock(&g->lock);
    steady_begin(&g->clock, g->wall_ms(), g->mono_ms(), newest_ms);
    if (g->clock.away)
        tell_step(g, "does not fit the samples that are stored");
    pthread_mutex_unlock(&g->lock);
}

struct guard_times guard_clock(struct guard *g)
{
    pthread_mutex_lock(&g->lock);
    int64_t mono = g->mono_ms();
    bool was_away = g->clock.away;
    if (steady_look(&g->clock, g->wall_ms(), mono) && g->clock.away)
        tell_step(g, "was set");
    else if (was_away && !g->clock.away)
        log_info("the clock is believed again");
    struct guard_times t = {steady_early(&g->clock), steady_late(&g->clock), mono};
    pthread_mutex_unlock(&g->lock);
    return t;
}

/* ---- space ---- */

uint64_t guard_floor(uint64_t total_bytes, uint64_t min_bytes, unsigned min_percent)
{
    uint64_t share = MIN(total_bytes / 100 * min_percent, GUARD_SHARE_MAX_BYTES);
    return MAX(MIN(min_bytes, total_bytes / GUARD_SMALL_PART), share);
}

static void look_at_space(struct guard *g)
{
    uint64_t free_bytes, total_bytes;
    if (!g->disk->space || g->disk->space(g->disk, g->dir, &free_bytes, &total_bytes))
        return; /* not known: writing will tell */
    g->free_bytes = free_bytes;
    g->floor_bytes = guard_floor(total_bytes, g->free_min_bytes, g->free_min_percent);
    bool low = free_bytes < g->floor_bytes;
    if (low && !g->low)
        log_error("%" PRIu64 " MiB are free for %s and %" PRIu64
                  " MiB must stay free: no samples are taken until there is more space",
                  free_bytes >> MIB_SHIFT, g->dir, g->floor_bytes >> MIB_SHIFT);
    if (!low && g->low)
        log_info("there is space again for %s: samples are taken", g->dir);
    g->low = low;
}

void guard_state(struct guard *g, struct store_stats *out)
{
    pthread_mutex_lock(&g->lock);
    out->free_bytes = g->free_bytes;
    out->free_min_bytes = g->floor_bytes;
    out->low_space = g->low;
    out->clock_doubted = g->clock.away;
    pthread_mutex_unlock(&g->lock);
}

enum status guard_space(struct guard *g, struct err *err)
{
    if (!g->free_min_bytes && !g->free_min_percent)
        return OK;
    enum status st = OK;
    pthread_mutex_lock(&g->lock);
    int64_t mono = g->mono_ms();
    if (!g->looked || mono - g->looked_mono_ms >= GUARD_SPACE_LOOK_MS) {
        look_at_space(g);
        g->looked = true;
        g->looked_mono_ms = mono;
    }
    if (g->low)
        st = err_set(err, FULL,
                     "%" PRIu64 " MiB are free for %s and %" PRIu64
                     " MiB must stay free: nothing is taken until there is more space",
                     g->free_bytes >> MIB_SHIFT, g->dir, g->floor_bytes >> MIB_SHIFT);
    pthread_mutex_unlock(&g->lock);
    return st;
}
