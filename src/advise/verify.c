/* Before and after -> helped, no effect, harmed. The figures are medians; the thresholds are those
 * of the rules' general part ("Check afterwards"):
 *
 *   helped     an error counter's rate fell by 90 %; a level left its warning band, or halved; a
 *              pressure fell below the level at which its finding ends
 *   harmed     any pressure rose by half, or available memory fell below 5 %, in two windows in a
 *              row; where the rule's own signal was cured, or was well before, only a pressure
 *              that the rule burdens (docs/decisions/0007-harm.md)
 *   no effect  neither, although the change has taken effect
 *
 * The load must be comparable: within 30 % of before. More load is no excuse for a signal that fell
 * all the same, nor less load for one that did not: those are judged, too. */
#include "advise/verify.h"

#include <math.h>

const char *const verdict_names[5] = {"pending", "helped", "no_effect", "harmed", "unjudged"};

static const double load_band = 0.3;
static const double error_left = 0.1;      /* of an error rate */
static const double pressure_rise = 1.5;   /* by half */
static const double pressure_least = 0.05; /* a rise from 0.1 % to 0.2 % is none */
static const double available_least = 0.05;
static const double warn_level = 0.75; /* the band of a level begins here */
static const double clear_share = 0.8; /* of a rule's threshold: its finding ends */

int64_t verify_window_ms(const struct check *c)
{
    return c ? MAX(c->window_ms, (int64_t)VERIFY_WINDOW_MIN_MS) : 5 * 60 * 1000;
}

int64_t verify_due_ms(const struct check *c, int64_t changed_ms)
{
    int64_t window_ms = verify_window_ms(c);
    return changed_ms + MAX(window_ms, c ? c->reach_ms : 0) + window_ms + VERIFY_SCRAPE_MS;
}

int64_t verify_second_ms(const struct check *c, int64_t changed_ms)
{
    return verify_due_ms(c, changed_ms) + verify_window_ms(c);
}

static bool pressure_rose(struct figure before, struct figure after)
{
    return before.known && after.known && after.value > pressure_rise * before.value &&
           after.value - before.value > pressure_least;
}

static bool memory_went(struct figure before, struct figure after)
{
    return before.known && after.known && before.value >= available_least &&
           after.value < available_least;
}

static const char *const pressure_words[PRESSURES] = {"processors", "memory", "disks"};

static void put_pressure(const struct verify_case *v, size_t i, struct buf *why)
{
    buf_printf(why, "somebody waits for %s %.0f %% of the time, before %.0f %%", pressure_words[i],
               100 * v->after.pressure[i].value, 100 * v->before.pressure[i].value);
}

/* Was there anything to be helped? Of a change that nobody had advised. */
static bool had_cause(const struct verify_case *v)
{
    const struct check *c = v->check;
    return c && c->has_above && v->before.signal.known &&
           v->before.signal.value > clear_share * c->above;
}

/* Does that pressure count against the change? Where the rule's own signal was cured, or had
 * nothing to be cured of, only one that the change can have raised: others have their own reasons.
 */
static bool counts(const struct verify_case *v, size_t pressure, bool cured)
{
    return !v->check || (had_cause(v) && !cured) || (v->check->burdens >> pressure & 1U);
}

static bool is_worse(const struct verify_case *v, const struct figures *after, bool cured,
                     struct buf *why)
{
    for (size_t i = 0; i < PRESSURES; i++) {
        if (!counts(v, i, cured) || !pressure_rose(v->before.pressure[i], after->pressure[i]))
            continue;
        put_pressure(v, i, why);
        return true;
    }
    if (!memory_went(v->before.available, after->available))
        return false;
    buf_printf(why, "available memory fell from %.0f %% to %.1f %%",
               100 * v->before.available.value, 100 * after->available.value);
    return true;
}

/* Of a level: it left the warning band, or halved; of others see the table above. */
static bool is_helped(const struct check *c, double before, double after)
{
    if (c->kind == KIND_PROOF)
        return after <= error_left * before;
    double band = c->has_above ? clear_share * c->above : 0;
    if (c->kind == KIND_LIMIT && c->above >= warn_level)
        band = warn_level;
    return (c->has_above && before >= band && after < band) ||
           (c->kind == KIND_LIMIT && before > 0 && after <= before / 2);
}

/* -1 below the band, 1 above it, 0 comparable or not known. */
static int load_compares(const struct verify_case *v)
{
    struct figure before = v->before.load, after = v->after.load;
    if (!before.known || before.value <= 0)
        return 0;
    if (!after.known || after.value < (1 - load_band) * before.value)
        return -1;
    return after.value > (1 + load_band) * before.value;
}

static void put_number(struct buf *out, const struct check *c, double v)
{
    if (c->kind == KIND_LIMIT)
        buf_printf(out, "%.0f %%", 100 * v);
    else
        buf_printf(out, "%.3g", v);
}

static void put_signal(const struct verify_case *v, struct buf *why)
{
    put_number(why, v->check, v->before.signal.value);
    buf_str(why, " before, ");
    put_number(why, v->check, v->after.signal.value);
    buf_str(why, " after");
    if (v->before.load.known && v->after.load.known && v->before.load.value > 0)
        buf_printf(why, ", at %.0f %% of the load of before",
                   100 * v->after.load.value / v->before.load.value);
}

static enum verdict wait_for(const struct verify_case *v, struct buf *why, const char *what)
{
    buf_str(why, what);
    return v->age_ms >= VERIFY_GIVE_UP_MS ? VERDICT_UNJUDGED : VERDICT_WAIT;
}

static enum verdict judge_signal(const struct verify_case *v, struct buf *why)
{
    const struct check *c = v->check;
    int load = load_compares(v);
    if (!v->before.signal.known || !v->after.signal.known)
        return wait_for(v, why, "the signal has no value");
    if (is_helped(c, v->before.signal.value, v->after.signal.value)) {
        if (load < 0)
            return wait_for(v, why, "the load is not yet what it was before");
        put_signal(v, why);
        return VERDICT_HELPED;
    }
    if (!v->effective)
        return wait_for(v, why, "the change has not taken effect yet");
    if (load > 0)
        return wait_for(v, why, "the load is higher than before");
    if (v->age_ms < c->settle_ms)
        return wait_for(v, why, "the change gets its time to work");
    put_signal(v, why);
    return VERDICT_NO_EFFECT;
}

static bool is_cured(const struct verify_case *v)
{
    return had_cause(v) && v->after.signal.known && load_compares(v) >= 0 &&
           is_helped(v->check, v->before.signal.value, v->after.signal.value);
}

/* What rose beside a change that helped is told, too. */
static void put_beside(const struct verify_case *v, struct buf *why)
{
    for (size_t i = 0; i < PRESSURES; i++) {
        if (!pressure_rose(v->before.pressure[i], v->after.pressure[i]))
            continue;
        buf_str(why, "; beside it ");
        put_pressure(v, i, why);
    }
}

enum verdict verify_judge(const struct verify_case *v, struct buf *why)
{
    bool cured = is_cured(v);
    auto_buf once = {0};
    if (load_compares(v) <= 0 && is_worse(v, &v->after, cured, why)) {
        if (!v->second_look) {
            buf_str(why, ": a second look decides");
            return VERDICT_WAIT;
        }
        if (is_worse(v, &v->earlier, cured, &once))
            return VERDICT_HARMED;
        buf_clear(why); /* for a window only: anything can have done that */
    }
    if (had_cause(v)) {
        enum verdict verdict = judge_signal(v, why);
        if (verdict == VERDICT_HELPED)
            put_beside(v, why);
        return verdict;
    }
    buf_str(why, v->check ? "the rule's signal was low before, nothing waits more than before"
                          : "no rule speaks of it, nothing waits more than before");
    return VERDICT_UNJUDGED;
}

static void put_figure(struct json *j, const char *key, struct figure f)
{
    json_key(j, key);
    if (f.known && isfinite(f.value))
        json_double(j, f.value);
    else
        json_put_null(j);
}

void figures_json(struct json *j, const struct figures *f)
{
    static const char *const names[PRESSURES] = {"cpu_waiting", "memory_waiting", "io_waiting"};
    json_begin_object(j);
    put_figure(j, "signal", f->signal);
    put_figure(j, "load", f->load);
    for (size_t i = 0; i < PRESSURES; i++)
        put_figure(j, names[i], f->pressure[i]);
    put_figure(j, "memory_available", f->available);
    json_end_object(j);
}
