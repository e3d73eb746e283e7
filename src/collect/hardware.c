/* What the hardware says of itself where it does: temperatures of thermal zones, corrected and
 * uncorrected errors of memory, and the clock that keeps time. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/sysfs.h"

enum { WORD_MAX_BYTES = 64 };

enum { ZONE, CORRECTABLE, UNCORRECTABLE, CLOCK_AVAILABLE, CLOCK_CURRENT };

static const struct metric hardware_metrics[] = {
    [ZONE] = {"node_thermal_zone_temp",
              METRIC_GAUGE,
              "Zone temperature in Celsius",
              {"zone", "type"}},
    [CORRECTABLE] = {"node_edac_correctable_errors_total",
                     METRIC_COUNTER,
                     "Total correctable memory errors.",
                     {"controller"}},
    [UNCORRECTABLE] = {"node_edac_uncorrectable_errors_total",
                       METRIC_COUNTER,
                       "Total uncorrectable memory errors.",
                       {"controller"}},
    [CLOCK_AVAILABLE] = {"node_time_clocksource_available_info",
                         METRIC_GAUGE,
                         "Available clocksources read from '/sys/devices/system/clocksource'.",
                         {"device", "clocksource"}},
    [CLOCK_CURRENT] = {"node_time_clocksource_current_info",
                       METRIC_GAUGE,
                       "Current clocksource read from '/sys/devices/system/clocksource'.",
                       {"device", "clocksource"}},
};

/* In thousandths of a degree; a sensor that is asleep answers with an error. */
static void put_zone(struct tick *t, const char *path, const char *number)
{
    char type[WORD_MAX_BYTES];
    struct span text;
    int64_t v;
    if (!sysfs_read(t, path, "type", &text))
        return;
    size_t len = MIN(text.len, sizeof type);
    memcpy(type, text.at, len);
    if (sysfs_read(t, path, "temp", &text) && span_i64(text, &v))
        emit2(t, &hardware_metrics[ZONE], span_of(number), span_from(type, len), (double)v / 1000);
}

static void put_controller(struct tick *t, const char *path, const char *number)
{
    struct span text;
    uint64_t v;
    if (sysfs_read(t, path, "ce_count", &text) && span_u64(text, &v))
        emit1(t, &hardware_metrics[CORRECTABLE], span_of(number), (double)v);
    if (sysfs_read(t, path, "ue_count", &text) && span_u64(text, &v))
        emit1(t, &hardware_metrics[UNCORRECTABLE], span_of(number), (double)v);
}

static void put_clock(struct tick *t, const char *path, const char *number)
{
    struct span text, word;
    if (sysfs_read(t, path, "available_clocksource", &text))
        while (span_word(&text, &word))
            emit2(t, &hardware_metrics[CLOCK_AVAILABLE], span_of(number), word, 1);
    if (sysfs_read(t, path, "current_clocksource", &text))
        emit2(t, &hardware_metrics[CLOCK_CURRENT], span_of(number), text, 1);
}

static enum status hardware_collect(struct tick *t, void *state UNUSED, struct err *err UNUSED)
{
    sysfs_each(t, "sys/class/thermal", "thermal_zone", put_zone);
    sysfs_each(t, "sys/devices/system/edac/mc", "mc", put_controller);
    sysfs_each(t, "sys/devices/system/clocksource", "clocksource", put_clock);
    return OK;
}

const struct collector hardware_collector = {COLLECTOR_OF(hardware, char), .every_s = 60,
                                             .optional = true};
