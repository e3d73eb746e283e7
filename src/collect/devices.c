/* Sensors (hwmon), the speed of processors, bonds of network cards and how long runnable tasks wait
 * for each processor, where the machine has them. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/sysfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHIP_MAX_BYTES = 128, SENSOR_MAX_BYTES = 32, WORD_MAX_BYTES = 64 };

/* ---- hwmon ---- */

enum { TEMP, TEMP_MAX, TEMP_CRIT, FAN, IN, CURR, POWER, ENERGY, HUMIDITY, LABEL, CHIP };

static const struct metric hwmon_metrics[] = {
    [TEMP] = {"node_hwmon_temp_celsius",
              METRIC_GAUGE,
              "Hardware monitor for temperature (input)",
              {"chip", "sensor"}},
    [TEMP_MAX] = {"node_hwmon_temp_max_celsius",
                  METRIC_GAUGE,
                  "Hardware monitor for temperature (max)",
                  {"chip", "sensor"}},
    [TEMP_CRIT] = {"node_hwmon_temp_crit_celsius",
                   METRIC_GAUGE,
                   "Hardware monitor for temperature (crit)",
                   {"chip", "sensor"}},
    [FAN] = {"node_hwmon_fan_rpm",
             METRIC_GAUGE,
             "Hardware monitor for fan revolutions per minute (input)",
             {"chip", "sensor"}},
    [IN] = {"node_hwmon_in_volts",
            METRIC_GAUGE,
            "Hardware monitor for voltage (input)",
            {"chip", "sensor"}},
    [CURR] = {"node_hwmon_curr_amps",
              METRIC_GAUGE,
              "Hardware monitor for current (input)",
              {"chip", "sensor"}},
    [POWER] = {"node_hwmon_power_watt",
               METRIC_GAUGE,
               "Hardware monitor for power usage in watts (input)",
               {"chip", "sensor"}},
    [ENERGY] = {"node_hwmon_energy_joule_total",
                METRIC_COUNTER,
                "Hardware monitor for joules used so far (input)",
                {"chip", "sensor"}},
    [HUMIDITY] = {"node_hwmon_humidity",
                  METRIC_GAUGE,
                  "Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the "
                  "humidity as a percentage) (input)",
                  {"chip", "sensor"}},
    [LABEL] = {"node_hwmon_sensor_label",
               METRIC_GAUGE,
               "Label for given chip and sensor",
               {"chip", "label", "sensor"}},
    [CHIP] = {"node_hwmon_chip_names",
              METRIC_GAUGE,
              "Annotation metric for human-readable chip names",
              {"chip", "chip_name"}},
};

/* What a file of a chip says, and in which part of the unit. */
static const struct {
    const char *prefix, *end;
    int metric;
    double unit;
} sensors[] = {{"temp", "_input", TEMP, 1e3},
               {"temp", "_max", TEMP_MAX, 1e3},
               {"temp", "_crit", TEMP_CRIT, 1e3},
               {"fan", "_input", FAN, 1},
               {"in", "_input", IN, 1e3},
               {"curr", "_input", CURR, 1e3},
               {"power", "_input", POWER, 1e6},
               {"energy", "_input", ENERGY, 1e6},
               {"humidity", "_input", HUMIDITY, 1e6}};

/* Lower-case letters and digits; everything else is one underscore, none at the ends. */
static size_t clean(struct span text, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len && n + 1 < size; i++) {
        char c = text.at[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (fine || (n && out[n - 1] != '_'))
            out[n++] = fine ? c : '_';
    }
    while (n && out[n - 1] == '_')
        n--;
    return n;
}

static struct span last_part(const char *path, size_t len)
{
    size_t at = len;
    while (at && path[at - 1] != '/')
        at--;
    return span_from(path + at, len - at);
}

static struct span link_part(const struct tick *t, const char *path, const char *link, char *text,
                             size_t size)
{
    char whole[2 * SYSFS_PATH_MAX];
    snprintf(whole, sizeof whole, "%s/%s", path, link);
    ssize_t n = readlinkat(t->c->root_fd, whole, text, size);
    return n > 0 ? last_part(text, (size_t)n) : (struct span){0};
}

/* As node_exporter names chips: kind and name of the device, else the chip's own name. */
static struct span chip_of(struct tick *t, const char *path, char *chip)
{
    char device[SYSFS_PATH_MAX], kind[SYSFS_PATH_MAX];
    char both[2 * SYSFS_PATH_MAX + 2];
    struct span name = link_part(t, path, "device", device, sizeof device);
    struct span type = link_part(t, path, "device/subsystem", kind, sizeof kind), own;
    if (name.len) {
        int n = snprintf(both, sizeof both, "%.*s_%.*s", SPAN_ARG(type), SPAN_ARG(name));
        return span_from(chip, clean(span_from(both, (size_t)n), chip, CHIP_MAX_BYTES));
    }
    if (sysfs_read(t, path, "name", &own))
        return span_from(chip, clean(own, chip, CHIP_MAX_BYTES));
    return last_part(path, strlen(path));
}

/* path is of a file such as .../hwmon0/temp1_input. */
static void put_sensor(struct tick *t, const char *path, const char *file)
{
    char chip_text[CHIP_MAX_BYTES], folder[SYSFS_PATH_MAX];
    struct span name = span_of(file), text;
    size_t digits, at = strlen(path) - name.len - 1;
    double v = 0;
    int64_t n;
    snprintf(folder, sizeof folder, "%.*s", (int)at, path);
    struct span chip = chip_of(t, folder, chip_text);
    for (size_t i = 0; i < COUNT(sensors); i++) {
        size_t head = strlen(sensors[i].prefix);
        if (!span_starts(name, span_of(sensors[i].prefix)))
            continue;
        for (digits = head; digits < name.len && name.at[digits] >= '0' && name.at[digits] <= '9';)
            digits++;
        struct span sensor = span_from(name.at, digits);
        struct span end = span_from(name.at + digits, name.len - digits);
        if (digits == head)
            continue;
        if (span_is(end, sensors[i].end) && sysfs_read(t, folder, file, &text) &&
            span_i64(text, &n)) {
            v = (double)n / sensors[i].unit;
            emit2(t, &hwmon_metrics[sensors[i].metric], chip, sensor, v);
        }
        if (span_is(end, "_label") && span_is(span_of(sensors[i].end), "_input") &&
            sysfs_read(t, folder, file, &text))
            emit_values(t, &hwmon_metrics[LABEL], (struct span[]){chip, text, sensor}, 3, 1);
    }
}

static void put_chip(struct tick *t, const char *path, const char *number UNUSED)
{
    char chip_text[CHIP_MAX_BYTES], name_text[CHIP_MAX_BYTES];
    struct span name, chip = chip_of(t, path, chip_text);
    if (sysfs_read(t, path, "name", &name))
        emit2(t, &hwmon_metrics[CHIP], chip,
              span_from(name_text, clean(name, name_text, sizeof name_text)), 1);
    sysfs_each(t, path, "", put_sensor);
}

static enum status hwmon_collect(struct tick *t, void *state UNUSED, struct err *err UNUSED)
{
    sysfs_each(t, "sys/class/hwmon", "hwmon", put_chip);
    return OK;
}

const struct collector hwmon_collector = {COLLECTOR_OF(hwmon, char), .every_s = 60,
                                          .optional = true};

/* ---- speed of processors ---- */

enum { CURRENT, SCALING_MIN, SCALING_MAX, HARDWARE_MIN, HARDWARE_MAX };

static const struct metric cpufreq_metrics[] = {
    [CURRENT] = {"node_cpu_scaling_frequency_hertz",
                 METRIC_GAUGE,
                 "Current scaled CPU thread frequency in hertz.",
                 {"cpu"}},
    [SCALING_MIN] = {"node_cpu_scaling_frequency_min_hertz",
                     METRIC_GAUGE,
                     "Minimum scaled CPU thread frequency in hertz.",
                     {"cpu"}},
    [SCALING_MAX] = {"node_cpu_scaling_frequency_max_hertz",
                     METRIC_GAUGE,
                     "Maximum scaled CPU thread frequency in hertz.",
                     {"cpu"}},
    [HARDWARE_MIN] = {"node_cpu_frequency_min_hertz",
                      METRIC_GAUGE,
                      "Minimum CPU thread frequency in hertz.",
                      {"cpu"}},
    [HARDWARE_MAX] = {"node_cpu_frequency_max_hertz",
                      METRIC_GAUGE,
                      "Maximum CPU thread frequency in hertz.",
                      {"cpu"}},
};

static void put_frequency(struct tick *t, const char *path, const char *cpu)
{
    static const char *const files[] = {[CURRENT] = "cpufreq/scaling_cur_freq",
                                        [SCALING_MIN] = "cpufreq/scaling_min_freq",
                                        [SCALING_MAX] = "cpufreq/scaling_max_freq",
                                        [HARDWARE_MIN] = "cpufreq/cpuinfo_min_freq",
                                        [HARDWARE_MAX] = "cpufreq/cpuinfo_max_freq"};
    struct span text;
    uint64_t khz;
    if (*cpu < '0' || *cpu > '9')
        return;
    for (size_t i = 0; i < COUNT(files); i++)
        if (sysfs_read(t, path, files[i], &text) && span_u64(text, &khz))
            emit1(t, &cpufreq_metrics[i], span_of(cpu), (double)khz * 1000);
}

static enum status cpufreq_collect(struct tick *t, void *state UNUSED, struct err *err UNUSED)
{
    sysfs_each(t, "sys/devices/system/cpu", "cpu", put_frequency);
    return OK;
}

const struct collector cpufreq_collector = {COLLECTOR_OF(cpufreq, char), .every_s = 60,
                                            .optional = true};

/* ---- bonds ---- */

enum { SLAVES, ACTIVE };

static const struct metric bonding_metrics[] = {
    [SLAVES] = {"node_bonding_slaves",
                METRIC_GAUGE,
                "Number of configured slaves per bonding interface.",
                {"master"}},
    [ACTIVE] = {"node_bonding_active",
                METRIC_GAUGE,
                "Number of active slaves per bonding interface.",
                {"master"}},
};

static bool slave_is_up(struct tick *t, const char *slave)
{
    char path[SYSFS_PATH_MAX];
    struct span text;
    snprintf(path, sizeof path, "sys/class/net/%s", slave);
    return sysfs_read(t, path, "bonding_slave/mii_status", &text) && span_is(text, "up");
}

static void put_bond(struct tick *t, const char *master)
{
    char path[SYSFS_PATH_MAX], names[1024], name[WORD_MAX_BYTES];
    struct span text, word;
    unsigned all = 0, up = 0;
    snprintf(path, sizeof path, "sys/class/net/%s/bonding", master);
    if (!sysfs_read(t, path, "slaves", &text))
        text = (struct span){0};
    snprintf(names, sizeof names, "%.*s", SPAN_ARG(text));
    for (struct span rest = span_of(names); span_word(&rest, &word); all++) {
        snprintf(name, sizeof name, "%.*s", SPAN_ARG(word));
        up += slave_is_up(t, name);
    }
    emit1(t, &bonding_metrics[SLAVES], span_of(master), all);
    emit1(t, &bonding_metrics[ACTIVE], span_of(master), up);
}

static enum status bonding_collect(struct tick *t, void *state UNUSED, struct err *err)
{
    char masters[1024], name[WORD_MAX_BYTES];
    struct span text, word;
    enum status st = tick_read_once(t, "sys/class/net/bonding_masters", &text, err);
    if (st)
        return st;
    text = span_trim(text);
    snprintf(masters, sizeof masters, "%.*s", SPAN_ARG(text));
    for (struct span rest = span_of(masters); span_word(&rest, &word);) {
        snprintf(name, sizeof name, "%.*s", SPAN_ARG(word));
        put_bond(t, name);
    }
    return OK;
}

const struct collector bonding_collector = {COLLECTOR_OF(bonding, char), .every_s = 15,
                                            .optional = true};

/* ---- waiting for a processor ---- */

enum { RUNNING, WAITING, TIMESLICES };

static const struct metric schedstat_metrics[] = {
    [RUNNING] = {"node_schedstat_running_seconds_total",
                 METRIC_COUNTER,
                 "Number of seconds CPU spent running a process.",
                 {"cpu"}},
    [WAITING] = {"node_schedstat_waiting_seconds_total",
                 METRIC_COUNTER,
                 "Number of seconds spent by processing waiting for this CPU.",
                 {"cpu"}},
    [TIMESLICES] = {"node_schedstat_timeslices_total",
                    METRIC_COUNTER,
                    "Number of timeslices executed by CPU.",
                    {"cpu"}},
};

/* The last three of nine numbers; nanoseconds since Linux 2.6.23. */
enum { SCHEDSTAT_FIELDS = 9 };

static enum status schedstat_collect(struct tick *t, void *state, struct err *err)
{
    struct span text, line, cpu;
    struct numbers row;
    enum status st = tick_read(t, state, "proc/schedstat", &text, err);
    if (st)
        return st;
    while (span_line(&text, &line)) {
        if (!span_starts(line, SPAN("cpu")))
            continue;
        if (!parse_numbers(line, &row) || row.n < SCHEDSTAT_FIELDS || !parse_cpu_line(&row, &cpu)) {
            tick_odd(t, "proc/schedstat", line);
            continue;
        }
        emit1(t, &schedstat_metrics[RUNNING], cpu, (double)row.v[6] / 1e9);
        emit1(t, &schedstat_metrics[WAITING], cpu, (double)row.v[7] / 1e9);
        emit1(t, &schedstat_metrics[TIMESLICES], cpu, (double)row.v[8]);
    }
    return OK;
}

const struct collector schedstat_collector = {COLLECTOR_OF(schedstat, struct kfile), .every_s = 15,
                                              .optional = true};
