/* The JSON of the seeds' collector as the series that every host has. */
#include "exchange/exchange.h"

#include <jansson.h>

enum { SERVER_ID_MAX_BYTES = 255, PAYLOAD_PARAMETERS_MAX = 256 };

struct payload {
    payload_put put;
    void *arg;
    struct span instance;
    int64_t at_ms;
    struct err *err;
};

static void add_labelled(struct payload *p, const char *metric, const char *label,
                         const char *value, int64_t t_ms, double v)
{
    struct label_builder b = {0};
    label_set(&b, SPAN(LABEL_NAME), span_of(metric));
    label_set(&b, SPAN("instance"), p->instance);
    if (label)
        label_set(&b, span_of(label), span_of(value));
    p->put(p->arg, label_builder_end(&b), (struct sample){t_ms, v});
}

static void add(struct payload *p, const char *metric, double v)
{
    add_labelled(p, metric, NULL, NULL, p->at_ms, v);
}

/* "50G", "1.8T", "500M", "1234": bytes where unit_bytes is what a bare number counts. */
static bool read_size(struct span text, double bare_bytes, double *bytes)
{
    static const struct {
        char letter;
        double bytes;
    } units[] = {{'B', 1},      {'K', 0x1p10}, {'M', 0x1p20},
                 {'G', 0x1p30}, {'T', 0x1p40}, {'P', 0x1p50}};
    text = span_trim(text);
    double unit = bare_bytes;
    if (text.len > 1 && (text.at[text.len - 1] == 'B' || text.at[text.len - 1] == 'b') &&
        !(text.at[text.len - 2] >= '0' && text.at[text.len - 2] <= '9'))
        text.len--; /* GB */
    if (text.len > 1 && text.at[text.len - 1] == 'i')
        text.len--; /* Gi */
    for (size_t i = 0; text.len && i < COUNT(units); i++)
        if ((text.at[text.len - 1] & ~0x20) == units[i].letter) {
            unit = units[i].bytes;
            text.len--;
            break;
        }
    double n;
    if (!text.len || !(text.at[0] >= '0' && text.at[0] <= '9') || !span_double(text, &n) ||
        !isfinite(n))
        return false;
    *bytes = n * unit;
    return true;
}

/* A number, or a number as text; with a unit where bare_bytes says what a bare one counts. */
static enum status read_number(const struct payload *p, const json_t *object, const char *key,
                               double bare_bytes, double *out)
{
    const json_t *v = json_object_get(object, key);
    if (!v)
        return err_set(p->err, INVALID, "%s is missing", key);
    bool good = false;
    if (json_is_number(v)) {
        *out = json_number_value(v) * (bare_bytes > 0 ? bare_bytes : 1);
        good = true;
    } else if (json_is_string(v)) {
        struct span text = {json_string_value(v), json_string_length(v)};
        good =
            bare_bytes > 0 ? read_size(text, bare_bytes, out) : span_double(span_trim(text), out);
    }
    if (!good || !isfinite(*out) || *out < 0)
        return err_set(p->err, INVALID, "%s must be a number%s of 0 or more", key,
                       bare_bytes > 0 ? ", or a text such as \"50G\"," : "");
    return OK;
}

static enum status add_memory(struct payload *p, const json_t *root)
{
    static const double mib = 0x1p20;
    double total = 0, used = 0, swap = 0, swap_used = 0;
    enum status st;
    if ((st = read_number(p, root, "total_memory", mib, &total)) ||
        (st = read_number(p, root, "used_memory", mib, &used)) ||
        (st = read_number(p, root, "total_swap", mib, &swap)) ||
        (st = read_number(p, root, "used_swap", mib, &swap_used)))
        return st;
    if (used > total)
        return err_set(p->err, INVALID, "used_memory is more than total_memory");
    if (swap_used > swap)
        return err_set(p->err, INVALID, "used_swap is more than total_swap");
    add(p, "node_memory_MemTotal_bytes", total);
    add(p, "node_memory_MemAvailable_bytes", total - used);
    add(p, "node_memory_SwapTotal_bytes", swap);
    add(p, "node_memory_SwapFree_bytes", swap - swap_used);
    return OK;
}

/* A percentage becomes two readings of the CPU's clocks, a minute apart. */
static enum status add_cpu(struct payload *p, const json_t *root)
{
    double pct = 0;
    enum status st = read_number(p, root, "cpu_usage", 0, &pct);
    if (st)
        return st;
    if (pct > 100)
        return err_set(p->err, INVALID, "cpu_usage must be a percentage of 0..100");
    static const char metric[] = "node_cpu_seconds_total";
    int64_t before_ms = p->at_ms - 60 * 1000 + 1; /* ranges are open at their start */
    add_labelled(p, metric, "mode", "idle", before_ms, 0);
    add_labelled(p, metric, "mode", "idle", p->at_ms, 60 * (1 - pct / 100));
    add_labelled(p, metric, "mode", "user", before_ms, 0);
    add_labelled(p, metric, "mode", "user", p->at_ms, 60 * pct / 100);
    return OK;
}

static enum status add_disk(struct payload *p, const json_t *root)
{
    static const double gib = 0x1p30;
    double total = 0, used = 0;
    enum status st = read_number(p, root, "total_disk", gib, &total);
    if (!st)
        st = read_number(p, root, "used_disk", gib, &used);
    if (st)
        return st;
    if (used > total)
        return err_set(p->err, INVALID, "used_disk is more than total_disk");
    add_labelled(p, "node_filesystem_size_bytes", "mountpoint", "/", p->at_ms, total);
    add_labelled(p, "node_filesystem_avail_bytes", "mountpoint", "/", p->at_ms, total - used);
    add_labelled(p, "node_filesystem_free_bytes", "mountpoint", "/", p->at_ms, total - used);
    return OK;
}

static enum status add_parameters(struct payload *p, const json_t *root)
{
    json_t *parameters = json_object_get(root, "kernel_params");
    if (!json_is_object(parameters))
        return err_set(p->err, INVALID, "kernel_params must be an object of names and numbers");
    if (json_object_size(parameters) > PAYLOAD_PARAMETERS_MAX)
        return err_set(p->err, FULL, "kernel_params has more than %d entries",
                       PAYLOAD_PARAMETERS_MAX);
    static const char *const wanted[] = {"fs.file-max", "net.ipv4.tcp_fin_timeout", "kernel.msgmax",
                                         "vm.swappiness"};
    double v = 0;
    for (size_t i = 0; i < COUNT(wanted); i++)
        if (read_number(p, parameters, wanted[i], 0, &v))
            return err_prefix(p->err, "kernel_params");
    const char *key;
    json_t *value;
    json_object_foreach(parameters, key, value)
    {
        if (read_number(p, parameters, key, 0, &v))
            return err_prefix(p->err, "kernel_params");
        add_labelled(p, "galen_sysctl", "name", key, p->at_ms, v);
    }
    return OK;
}

bool payload_is(const struct json_t *root)
{
    return json_object_get(root, "total_memory") && json_object_get(root, "kernel_params");
}

enum status payload_instance(const struct json_t *root, struct span fallback, struct span *out,
                             struct err *err)
{
    const json_t *v = json_object_get(root, "server_id");
    *out = fallback;
    if (!v || json_is_null(v))
        return OK;
    size_t n = json_string_length(v);
    if (!json_is_string(v) || n == 0 || n > SERVER_ID_MAX_BYTES)
        return err_set(err, INVALID, "server_id must be a text of 1..%d bytes",
                       SERVER_ID_MAX_BYTES);
    *out = (struct span){json_string_value(v), n};
    return OK;
}

enum status payload_series(const struct json_t *root, struct span instance, int64_t at_ms,
                           payload_put put, void *arg, struct err *err)
{
    struct payload p = {put, arg, instance, at_ms, err};
    enum status st;
    if ((st = add_memory(&p, root)) || (st = add_cpu(&p, root)) || (st = add_disk(&p, root)))
        return st;
    return add_parameters(&p, root);
}
