/* Scalars of YAML files and of command lines: strict, with the place and what was wanted. */
#include "base/yaml.h"

#include <inttypes.h>
#include <math.h>

static enum status wanted(const struct yaml *node, struct err *err, const char *what)
{
    if (node->kind != YAML_SCALAR)
        return yaml_error(node, err, "%s was expected, not a %s", what,
                          node->kind == YAML_LIST ? "list" : "map");
    return yaml_error(node, err, "\"%.*s\" is not %s", (int)MIN(node->text.len, (size_t)80),
                      node->text.at, what);
}

bool yaml_is_null(const struct yaml *node)
{
    return node->kind == YAML_SCALAR && !node->quoted &&
           (node->text.len == 0 || span_is(node->text, "~") || span_is(node->text, "null"));
}

enum status yaml_string(const struct yaml *node, const char **out, struct err *err)
{
    if (node->kind != YAML_SCALAR || yaml_is_null(node))
        return wanted(node, err, "text");
    *out = node->text.at;
    return OK;
}

static bool bool_of(struct span text, bool *out)
{
    bool yes = span_is(text, "true") || span_is(text, "yes") || span_is(text, "on");
    bool no = span_is(text, "false") || span_is(text, "no") || span_is(text, "off");
    if (yes || no)
        *out = yes;
    return yes || no;
}

enum status yaml_bool(const struct yaml *node, bool *out, struct err *err)
{
    if (node->kind != YAML_SCALAR || node->quoted || !bool_of(node->text, out))
        return wanted(node, err, "true or false");
    return OK;
}

enum status yaml_i64(const struct yaml *node, int64_t min, int64_t max, int64_t *out,
                     struct err *err)
{
    int64_t n;
    if (node->kind != YAML_SCALAR || node->quoted || !span_i64(node->text, &n))
        return wanted(node, err, "a whole number");
    if (n < min || n > max)
        return yaml_error(node, err, "%" PRId64 " is not in %" PRId64 "..%" PRId64, n, min, max);
    *out = n;
    return OK;
}

enum status yaml_double(const struct yaml *node, double min, double max, double *out,
                        struct err *err)
{
    double v;
    if (node->kind != YAML_SCALAR || node->quoted || !span_double(node->text, &v) || isnan(v))
        return wanted(node, err, "a number");
    if (v < min || v > max)
        return yaml_error(node, err, "%g is not in %g..%g", v, min, max);
    *out = v;
    return OK;
}

/* Splits "<digits><letters>" off the front. */
static bool number_and_unit(struct span *rest, uint64_t *number, struct span *unit)
{
    size_t digits = 0, end;
    while (digits < rest->len && rest->at[digits] >= '0' && rest->at[digits] <= '9')
        digits++;
    for (end = digits; end < rest->len && (rest->at[end] < '0' || rest->at[end] > '9');)
        end++;
    if (!span_u64(span_from(rest->at, digits), number))
        return false;
    *unit = span_from(rest->at + digits, end - digits);
    *rest = span_from(rest->at + end, rest->len - end);
    return true;
}

static const struct {
    const char *name;
    int64_t ms;
} duration_units[] = {
    {"y", 365 * 86400000LL},
    {"w", 7 * 86400000LL},
    {"d", 86400000},
    {"h", 3600000},
    {"m", 60000},
    {"s", 1000},
    {"ms", 1},
};

bool duration_parse(struct span text, int64_t *out_ms)
{
    int64_t total = 0;
    size_t unit_at = 0; /* units must come from large to small, each once */
    if (!text.len)
        return false;
    while (text.len) {
        uint64_t n;
        struct span unit;
        if (!number_and_unit(&text, &n, &unit))
            return false;
        while (unit_at < COUNT(duration_units) && !span_is(unit, duration_units[unit_at].name))
            unit_at++;
        int64_t ms;
        if (unit_at == COUNT(duration_units) || n > INT64_MAX ||
            __builtin_mul_overflow((int64_t)n, duration_units[unit_at].ms, &ms) ||
            __builtin_add_overflow(total, ms, &total))
            return false;
        unit_at++;
    }
    *out_ms = total;
    return true;
}

void duration_print(struct buf *out, int64_t ms)
{
    if (ms == 0)
        buf_str(out, "0s");
    for (size_t i = 0; i < COUNT(duration_units) && ms > 0; i++) {
        int64_t n = ms / duration_units[i].ms;
        /* Years and weeks only when exact: 30d is not 4w2d. */
        bool exact = ms % duration_units[i].ms == 0;
        if (n == 0 || (i < 2 && !exact))
            continue;
        buf_i64(out, n);
        buf_str(out, duration_units[i].name);
        ms %= duration_units[i].ms;
    }
}

bool bytes_parse(struct span text, uint64_t *out_bytes)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {
        {"", 1},
        {"B", 1},
        {"K", 1024},
        {"KiB", 1024},
        {"M", 1ULL << 20},
        {"MiB", 1ULL << 20},
        {"G", 1ULL << 30},
        {"GiB", 1ULL << 30},
        {"T", 1ULL << 40},
        {"TiB", 1ULL << 40},
        {"KB", 1000},
        {"MB", 1000000},
        {"GB", 1000000000},
        {"TB", 1000000000000},
    };
    uint64_t n;
    struct span unit;
    if (!number_and_unit(&text, &n, &unit) || text.len)
        return false;
    for (size_t i = 0; i < COUNT(units); i++)
        if (span_is(unit, units[i].name))
            return !__builtin_mul_overflow(n, units[i].bytes, out_bytes);
    return false;
}

enum status yaml_duration_ms(const struct yaml *node, int64_t min, int64_t max, int64_t *out,
                             struct err *err)
{
    int64_t ms;
    if (node->kind != YAML_SCALAR || !duration_parse(node->text, &ms))
        return wanted(node, err, "a duration such as 500ms, 5s, 1m30s or 30d");
    if (ms < min || ms > max) {
        auto_buf range = {0};
        duration_print(&range, min);
        buf_str(&range, "..");
        duration_print(&range, max);
        return yaml_error(node, err, "%s is not in %s", node->text.at, buf_text(&range));
    }
    *out = ms;
    return OK;
}

enum status yaml_bytes(const struct yaml *node, uint64_t min, uint64_t max, uint64_t *out,
                       struct err *err)
{
    uint64_t n;
    if (node->kind != YAML_SCALAR || !bytes_parse(node->text, &n))
        return wanted(node, err, "a size such as 4096, 64KiB, 256MiB or 1GiB");
    if (n < min || n > max)
        return yaml_error(node, err, "%s is not in %" PRIu64 "..%" PRIu64 " bytes", node->text.at,
                          min, max);
    *out = n;
    return OK;
}
