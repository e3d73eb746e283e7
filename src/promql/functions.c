#include "promql/functions.h"

#include "promql/call.h"
#include "promql/range.h"

#include <math.h>

static double sign(double v)
{
    return v < 0 ? -1 : v > 0 ? 1 : v;
}

static double to_degrees(double v)
{
    return v * 180 / M_PI;
}

static double to_radians(double v)
{
    return v * M_PI / 180;
}

#define VECTOR VALUE_VECTOR
#define MATRIX VALUE_MATRIX
#define SCALAR VALUE_SCALAR
#define STRING VALUE_STRING

#define MATH(name, fn)                                                                             \
    {                                                                                              \
        name, VECTOR, {VECTOR}, 1, .math = (fn)                                                    \
    }
#define RANGE(name, fn)                                                                            \
    {                                                                                              \
        name, VECTOR, {MATRIX}, 1, .range = (fn)                                                   \
    }
#define CALENDAR(name)                                                                             \
    {                                                                                              \
#name, VECTOR, {VECTOR }, 1, 1, .of_time = true, .calendar = calendar_##name               \
    }
#define NATIVE(name)                                                                               \
    {                                                                                              \
        name, VECTOR, {VECTOR}, 1, .native = true                                                  \
    }

static const struct function functions[] = {
    MATH("abs", fabs),
    {"absent", VECTOR, {VECTOR}, 1, .call = call_absent},
    {"absent_over_time", VECTOR, {MATRIX}, 1, .ranges = eval_absent_over_time},
    MATH("acos", acos),
    MATH("acosh", acosh),
    MATH("asin", asin),
    MATH("asinh", asinh),
    MATH("atan", atan),
    MATH("atanh", atanh),
    RANGE("avg_over_time", range_avg),
    MATH("ceil", ceil),
    RANGE("changes", range_changes),
    {"clamp", VECTOR, {VECTOR, SCALAR, SCALAR}, 3, .call = call_clamp},
    {"clamp_max", VECTOR, {VECTOR, SCALAR}, 2, .call = call_clamp_max},
    {"clamp_min", VECTOR, {VECTOR, SCALAR}, 2, .call = call_clamp_min},
    MATH("cos", cos),
    MATH("cosh", cosh),
    RANGE("count_over_time", range_count),
    CALENDAR(day_of_month),
    CALENDAR(day_of_week),
    CALENDAR(day_of_year),
    CALENDAR(days_in_month),
    MATH("deg", to_degrees),
    RANGE("delta", range_delta),
    RANGE("deriv", range_deriv),
    {"double_exponential_smoothing", VECTOR, {MATRIX, SCALAR, SCALAR}, 3, .range = range_smoothing},
    MATH("exp", exp),
    {"first_over_time", VECTOR, {MATRIX}, 1, .range = range_first, .keeps_name = true},
    MATH("floor", floor),
    NATIVE("histogram_avg"),
    NATIVE("histogram_count"),
    {"histogram_fraction", VECTOR, {SCALAR, SCALAR, VECTOR}, 3, .call = call_histogram_fraction},
    {"histogram_quantile", VECTOR, {SCALAR, VECTOR}, 2, .call = call_histogram_quantile},
    NATIVE("histogram_stddev"),
    NATIVE("histogram_stdvar"),
    NATIVE("histogram_sum"),
    {"holt_winters", VECTOR, {MATRIX, SCALAR, SCALAR}, 3, .range = range_smoothing},
    CALENDAR(hour),
    RANGE("idelta", range_idelta),
    RANGE("increase", range_increase),
    RANGE("irate", range_irate),
    {"label_join", VECTOR, {VECTOR, STRING, STRING, STRING}, 4, -1, .call = call_label_join},
    {"label_replace",
     VECTOR,
     {VECTOR, STRING, STRING, STRING, STRING},
     5,
     .call = call_label_replace},
    {"last_over_time", VECTOR, {MATRIX}, 1, .range = range_last, .keeps_name = true},
    MATH("ln", log),
    MATH("log10", log10),
    MATH("log2", log2),
    RANGE("max_over_time", range_max),
    RANGE("min_over_time", range_min),
    CALENDAR(minute),
    CALENDAR(month),
    {"pi", SCALAR, {0}, 0, .call = call_pi},
    {"predict_linear", VECTOR, {MATRIX, SCALAR}, 2, .of_time = true, .range = range_predict_linear},
    RANGE("present_over_time", range_present),
    {"quantile_over_time", VECTOR, {SCALAR, MATRIX}, 2, .range = range_quantile},
    MATH("rad", to_radians),
    RANGE("rate", range_rate),
    RANGE("resets", range_resets),
    {"round", VECTOR, {VECTOR, SCALAR}, 2, 1, .call = call_round},
    {"scalar", SCALAR, {VECTOR}, 1, .call = call_scalar},
    MATH("sgn", sign),
    MATH("sin", sin),
    MATH("sinh", sinh),
    {"sort", VECTOR, {VECTOR}, 1, .call = call_sort},
    {"sort_desc", VECTOR, {VECTOR}, 1, .call = call_sort_desc},
    MATH("sqrt", sqrt),
    RANGE("stddev_over_time", range_stddev),
    RANGE("stdvar_over_time", range_stdvar),
    RANGE("sum_over_time", range_sum),
    MATH("tan", tan),
    MATH("tanh", tanh),
    {"time", SCALAR, {0}, 0, .of_time = true, .call = call_time},
    {"timestamp",
     VECTOR,
     {VECTOR},
     1,
     .of_time = true,
     .of_selector = true,
     .call = call_timestamp},
    {"vector", VECTOR, {SCALAR}, 1, .call = call_vector},
    CALENDAR(year),
};

static const char *const experimental[] = {
    "end",
    "histogram_quantiles",
    "info",
    "mad_over_time",
    "max_of",
    "min_of",
    "range",
    "sort_by_label",
    "sort_by_label_desc",
    "start",
    "start_timestamp",
    "step",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
};

const struct function *function_find(struct span name)
{
    for (size_t i = 0; i < COUNT(functions); i++)
        if (span_is(name, functions[i].name))
            return &functions[i];
    return NULL;
}

bool function_is_experimental(struct span name)
{
    for (size_t i = 0; i < COUNT(experimental); i++)
        if (span_is(name, experimental[i]))
            return true;
    return false;
}
