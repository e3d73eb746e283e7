/* The functions that templates call. */
#include "alert/template_tree.h"

#include "base/yaml.h"

#include <ctype.h>
#include <math.h>

typedef struct tmpl_run *run;
typedef const struct tmpl_value *values;

#define FUNCTION(name)                                                                             \
    static enum status name(run r UNUSED, values args UNUSED, size_t n UNUSED,                     \
                            struct tmpl_value *out)

static enum status give_text(run r, struct buf *text, struct tmpl_value *out)
{
    *out = (struct tmpl_value){.type = TV_STRING, .text = arena_span(r->scratch, buf_view(text))};
    return OK;
}

static enum status give_bool(bool b, struct tmpl_value *out)
{
    *out = (struct tmpl_value){.type = TV_BOOL, .b = b};
    return OK;
}

static enum status want_text(run r, const struct tmpl_value *v, const char *who, struct span *out)
{
    if (v->type != TV_STRING)
        return err_set(r->err, INVALID, "%s wants a string", who);
    *out = v->text;
    return OK;
}

static enum status want_number(run r, const struct tmpl_value *v, double *out)
{
    if (v->type == TV_NUMBER || v->type == TV_INT)
        *out = v->number;
    else if (v->type != TV_STRING)
        return err_set(r->err, INVALID, "can't convert this to a number");
    else if (!span_double(v->text, out))
        return err_set(r->err, INVALID, "\"%.*s\" is not a number",
                       (int)MIN(v->text.len, (size_t)80), v->text.at);
    return OK;
}

/* ---- numbers for people ---- */

static enum status with_number(run r, values args, struct tmpl_value *out,
                               void (*write)(struct buf *, double))
{
    auto_buf text = {0};
    double v = 0;
    enum status st = want_number(r, &args[0], &v);
    if (st)
        return st;
    write(&text, v);
    return give_text(r, &text, out);
}

FUNCTION(fn_humanize)
{
    return with_number(r, args, out, humanize);
}

FUNCTION(fn_humanize_1024)
{
    return with_number(r, args, out, humanize_1024);
}

FUNCTION(fn_humanize_duration)
{
    return with_number(r, args, out, humanize_duration);
}

FUNCTION(fn_humanize_percentage)
{
    return with_number(r, args, out, humanize_percentage);
}

FUNCTION(fn_humanize_timestamp)
{
    return with_number(r, args, out, humanize_timestamp);
}

FUNCTION(fn_parse_duration)
{
    struct span text = {0};
    int64_t ms = 0;
    enum status st = want_text(r, &args[0], "parseDuration", &text);
    if (st)
        return st;
    if (!duration_parse(text, &ms))
        return err_set(r->err, INVALID, "parseDuration: not a duration like 1h30m");
    *out = (struct tmpl_value){.type = TV_NUMBER, .number = (double)ms / 1000};
    return OK;
}

/* ---- texts ---- */

static enum status with_text(run r, values args, const char *who, struct tmpl_value *out,
                             void (*write)(struct buf *, struct span))
{
    auto_buf made = {.max = TMPL_OUTPUT_MAX_BYTES};
    struct span text = {0};
    enum status st = want_text(r, &args[0], who, &text);
    if (st)
        return st;
    write(&made, text);
    return give_text(r, &made, out);
}

static void upper(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        buf_char(out, (char)toupper((unsigned char)s.at[i]));
}

static void lower(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        buf_char(out, (char)tolower((unsigned char)s.at[i]));
}

static void title(struct buf *out, struct span s)
{
    bool inside = false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        bool letter = isalnum(c) || c == '_' || c == '\'' || c >= 0x80;
        buf_char(out, (char)(letter && !inside ? toupper(c) : c));
        inside = letter;
    }
}

static void strip_port(struct buf *out, struct span s)
{
    size_t end = s.len;
    while (end && isdigit((unsigned char)s.at[end - 1]))
        end--;
    bool has_port = end && end < s.len && s.at[end - 1] == ':';
    struct span host = has_port ? span_from(s.at, end - 1) : s;
    bool bracketed = host.len > 1 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    if (has_port && bracketed)
        host = span_from(host.at + 1, host.len - 2);
    else if (span_find(host, ':') < host.len)
        host = s; /* an IPv6 address without port */
    buf_span(out, host);
}

static void strip_domain(struct buf *out, struct span s)
{
    size_t colon = s.len;
    while (colon && s.at[colon - 1] != ':')
        colon--;
    struct span host = colon ? span_from(s.at, colon - 1) : s;
    bool address = true;
    for (size_t i = 0; i < host.len; i++)
        address &= isdigit((unsigned char)host.at[i]) || strchr(".:[]", host.at[i]);
    buf_put(out, host.at, address ? host.len : span_find(host, '.'));
    if (colon)
        buf_put(out, s.at + colon - 1, s.len - colon + 1);
}

static void html(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        const char *name = s.at[i] == '<'    ? "&lt;"
                           : s.at[i] == '>'  ? "&gt;"
                           : s.at[i] == '&'  ? "&amp;"
                           : s.at[i] == '"'  ? "&#34;"
                           : s.at[i] == '\'' ? "&#39;"
                                             : NULL;
        if (name)
            buf_str(out, name);
        else
            buf_char(out, s.at[i]);
    }
}

/* Go's url.QueryEscape. */
static void query_escape(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (isalnum(c) || strchr("-_.~", c))
            buf_char(out, (char)c);
        else if (c == ' ')
            buf_char(out, '+');
        else
            buf_printf(out, "%%%02X", c);
    }
}

static void graph_link(struct buf *out, struct span s)
{
    buf_str(out, "/graph?g0.expr=");
    query_escape(out, s);
    buf_str(out, "&g0.tab=0");
}

static void table_link(struct buf *out, struct span s)
{
    buf_str(out, "/graph?g0.expr=");
    query_escape(out, s);
    buf_str(out, "&g0.tab=1");
}

#define TEXT_FUNCTION(name, who, write)                                                            \
    FUNCTION(name)                                                                                 \
    {                                                                                              \
        return with_text(r, args, who, out, write);                                                \
    }

TEXT_FUNCTION(fn_upper, "toUpper", upper)
TEXT_FUNCTION(fn_lower, "toLower", lower)
TEXT_FUNCTION(fn_title, "title", title)
TEXT_FUNCTION(fn_strip_port, "stripPort", strip_port)
TEXT_FUNCTION(fn_strip_domain, "stripDomain", strip_domain)
TEXT_FUNCTION(fn_safe_html, "safeHtml", buf_span)
TEXT_FUNCTION(fn_html, "html", html)
TEXT_FUNCTION(fn_query_escape, "urlquery", query_escape)
TEXT_FUNCTION(fn_graph_link, "graphLink", graph_link)
TEXT_FUNCTION(fn_table_link, "tableLink", table_link)

FUNCTION(fn_print)
{
    auto_buf text = {.max = TMPL_OUTPUT_MAX_BYTES};
    for (size_t i = 0; i < n; i++) {
        /* As Go's Sprint: blanks between operands when neither is a string. */
        if (i && args[i].type != TV_STRING && args[i - 1].type != TV_STRING)
            buf_char(&text, ' ');
        tmpl_value_print(&text, &args[i]);
    }
    return give_text(r, &text, out);
}

FUNCTION(fn_println)
{
    auto_buf text = {.max = TMPL_OUTPUT_MAX_BYTES};
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_char(&text, ' ');
        tmpl_value_print(&text, &args[i]);
    }
    buf_char(&text, '\n');
    return give_text(r, &text, out);
}

FUNCTION(fn_external_url)
{
    *out = (struct tmpl_value){.type = TV_STRING, .text = r->data->external_url};
    return OK;
}

/* The path of the external URL. */
FUNCTION(fn_path_prefix)
{
    struct span url = r->data->external_url, path = {0};
    const char *host = url.len ? memmem(url.at, url.len, "://", 3) : NULL;
    const char *slash = host ? memchr(host + 3, '/', url.len - (size_t)(host + 3 - url.at)) : NULL;
    if (slash)
        path = span_from(slash, url.len - (size_t)(slash - url.at));
    *out = (struct tmpl_value){.type = TV_STRING, .text = path};
    return OK;
}

/* ---- samples ---- */

FUNCTION(fn_query)
{
    struct span text = {0};
    enum status st = want_text(r, &args[0], "query", &text);
    if (st)
        return st;
    if (!r->data->query)
        return err_set(r->err, INVALID, "query can not be used here");
    if (++r->queries > TMPL_QUERIES_MAX)
        return err_set(r->err, FULL, "more than %d queries in one template", TMPL_QUERIES_MAX);
    struct tmpl_sample *samples = NULL;
    st = r->data->query(r->data->query_arg, text, r->scratch, &samples, &out->n, r->err);
    out->type = TV_SAMPLES;
    out->samples = samples;
    return st;
}

FUNCTION(fn_first)
{
    if (args[0].type != TV_SAMPLES)
        return err_set(r->err, INVALID, "first wants the result of a query");
    if (!args[0].n)
        return err_set(r->err, INVALID, "first() called on vector with no elements");
    *out = (struct tmpl_value){.type = TV_SAMPLE, .samples = args[0].samples, .n = 1};
    return OK;
}

static enum status want_sample(run r, const struct tmpl_value *v, const char *who)
{
    return v->type == TV_SAMPLE ? OK : err_set(r->err, INVALID, "%s wants a sample", who);
}

FUNCTION(fn_value)
{
    enum status st = want_sample(r, &args[0], "value");
    if (!st)
        *out = (struct tmpl_value){.type = TV_NUMBER, .number = args[0].samples->value};
    return st;
}

static enum status sample_label(run r, struct span name, const struct tmpl_value *v,
                                struct tmpl_value *out)
{
    enum status st = want_sample(r, v, "label");
    if (st)
        return st;
    struct span value = labels_get(v->samples->labels, name);
    *out = (struct tmpl_value){.type = TV_STRING, .text = value.at ? value : SPAN("")};
    return OK;
}

FUNCTION(fn_label)
{
    struct span name = {0};
    enum status st = want_text(r, &args[0], "label", &name);
    return st ? st : sample_label(r, name, &args[1], out);
}

FUNCTION(fn_strvalue)
{
    return sample_label(r, SPAN("__value__"), &args[0], out);
}

FUNCTION(fn_sort_by_label)
{
    struct span name = {0};
    enum status st = want_text(r, &args[0], "sortByLabel", &name);
    if (st)
        return st;
    if (args[1].type != TV_SAMPLES)
        return err_set(r->err, INVALID, "sortByLabel wants the result of a query");
    size_t count = args[1].n;
    if (count > 10000)
        return err_set(r->err, FULL, "sortByLabel: more than 10000 samples");
    struct tmpl_sample *sorted = ARENA_ARRAY(r->scratch, struct tmpl_sample, count);
    for (size_t i = 0; i < count; i++) { /* stable, by insertion with a binary search */
        struct span key = labels_get(args[1].samples[i].labels, name);
        size_t low = 0, high = i;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (span_compare(labels_get(sorted[middle].labels, name), key) > 0)
                high = middle;
            else
                low = middle + 1;
        }
        memmove(sorted + low + 1, sorted + low, (i - low) * sizeof *sorted);
        sorted[low] = args[1].samples[i];
    }
    *out = (struct tmpl_value){.type = TV_SAMPLES, .samples = sorted, .n = count};
    return OK;
}

/* ---- what Go has by itself ---- */

FUNCTION(fn_len)
{
    *out = (struct tmpl_value){.type = TV_INT};
    out->i = (int64_t)(args[0].type == TV_STRING                               ? args[0].text.len
                       : args[0].type == TV_LABELS                             ? args[0].labels.n
                       : args[0].type == TV_SAMPLES || args[0].type == TV_LIST ? args[0].n
                                                                               : 0);
    out->number = (double)out->i;
    return OK;
}

FUNCTION(fn_index)
{
    if (args[0].type == TV_LABELS && args[1].type == TV_STRING) {
        struct span value = labels_get(args[0].labels, args[1].text);
        *out = (struct tmpl_value){.type = TV_STRING, .text = value.at ? value : SPAN("")};
        return OK;
    }
    if ((args[0].type != TV_SAMPLES && args[0].type != TV_LIST) || args[1].type != TV_INT)
        return err_set(r->err, INVALID, "index: labels by name, or samples by number");
    if (args[1].i < 0 || (size_t)args[1].i >= args[0].n)
        return err_set(r->err, INVALID, "index out of range: %lld", (long long)args[1].i);
    if (args[0].type == TV_LIST)
        *out = args[0].items[args[1].i];
    else
        *out =
            (struct tmpl_value){.type = TV_SAMPLE, .samples = &args[0].samples[args[1].i], .n = 1};
    return OK;
}

FUNCTION(fn_not)
{
    return give_bool(!tmpl_value_true(&args[0]), out);
}

FUNCTION(fn_and)
{
    size_t i = 0;
    while (i + 1 < n && tmpl_value_true(&args[i]))
        i++;
    *out = args[i];
    return OK;
}

FUNCTION(fn_or)
{
    size_t i = 0;
    while (i + 1 < n && !tmpl_value_true(&args[i]))
        i++;
    *out = args[i];
    return OK;
}

/* -1, 0, 1; 2 for NaN. Different kinds do not compare, as in Go. */
static enum status compare(run r, values a, values b, int *out)
{
    if (a->type == TV_STRING && b->type == TV_STRING) {
        *out = span_compare(a->text, b->text);
    } else if (a->type == TV_BOOL && b->type == TV_BOOL) {
        *out = a->b - b->b;
    } else if ((a->type == TV_INT && b->type == TV_INT) ||
               (a->type == TV_NUMBER && b->type == TV_NUMBER)) {
        *out = isnan(a->number) || isnan(b->number) ? 2
               : a->number < b->number              ? -1
                                                    : a->number > b->number;
    } else {
        return err_set(r->err, INVALID, "incompatible types for comparison");
    }
    return OK;
}

FUNCTION(fn_eq)
{
    bool any = false;
    for (size_t i = 1; i < n; i++) {
        int c = 0;
        enum status st = compare(r, &args[0], &args[i], &c);
        if (st)
            return st;
        any |= c == 0;
    }
    return give_bool(any, out);
}

static enum status ordered(run r, values args, bool less, bool equal, bool more,
                           struct tmpl_value *out)
{
    int c = 0;
    enum status st = compare(r, &args[0], &args[1], &c);
    if (st)
        return st;
    return give_bool(c == 0 ? equal : c == 2 ? false : c < 0 ? less : more, out);
}

FUNCTION(fn_ne)
{
    int c = 0;
    enum status st = compare(r, &args[0], &args[1], &c);
    return st ? st : give_bool(c != 0, out);
}

FUNCTION(fn_lt)
{
    return ordered(r, args, true, false, false, out);
}

FUNCTION(fn_le)
{
    return ordered(r, args, true, true, false, out);
}

FUNCTION(fn_gt)
{
    return ordered(r, args, false, false, true, out);
}

FUNCTION(fn_ge)
{
    return ordered(r, args, false, true, true, out);
}

static const struct tmpl_function functions[] = {
    {"and", 1, 16, fn_and},
    {"eq", 2, 16, fn_eq},
    {"externalURL", 0, 0, fn_external_url},
    {"first", 1, 1, fn_first},
    {"ge", 2, 2, fn_ge},
    {"graphLink", 1, 1, fn_graph_link},
    {"gt", 2, 2, fn_gt},
    {"html", 1, 1, fn_html},
    {"humanize", 1, 1, fn_humanize},
    {"humanize1024", 1, 1, fn_humanize_1024},
    {"humanizeDuration", 1, 1, fn_humanize_duration},
    {"humanizePercentage", 1, 1, fn_humanize_percentage},
    {"humanizeTimestamp", 1, 1, fn_humanize_timestamp},
    {"index", 2, 2, fn_index},
    {"label", 2, 2, fn_label},
    {"le", 2, 2, fn_le},
    {"len", 1, 1, fn_len},
    {"lt", 2, 2, fn_lt},
    {"match", 2, 2, tmpl_match},
    {"ne", 2, 2, fn_ne},
    {"not", 1, 1, fn_not},
    {"or", 1, 16, fn_or},
    {"parseDuration", 1, 1, fn_parse_duration},
    {"pathPrefix", 0, 0, fn_path_prefix},
    {"print", 0, 16, fn_print},
    {"printf", 1, 16, tmpl_printf},
    {"println", 0, 16, fn_println},
    {"query", 1, 1, fn_query},
    {"reReplaceAll", 3, 3, tmpl_replace_all},
    {"safeHtml", 1, 1, fn_safe_html},
    {"sortByLabel", 2, 2, fn_sort_by_label},
    {"stripDomain", 1, 1, fn_strip_domain},
    {"stripPort", 1, 1, fn_strip_port},
    {"strvalue", 1, 1, fn_strvalue},
    {"tableLink", 1, 1, fn_table_link},
    {"title", 1, 1, fn_title},
    {"toTime", 1, 1, fn_humanize_timestamp},
    {"toLower", 1, 1, fn_lower},
    {"toUpper", 1, 1, fn_upper},
    {"urlquery", 1, 1, fn_query_escape},
    {"value", 1, 1, fn_value},
};

const struct tmpl_function *tmpl_function_find(struct span name)
{
    for (size_t i = 0; i < COUNT(functions); i++)
        if (span_is(name, functions[i].name))
            return &functions[i];
    return NULL;
}
