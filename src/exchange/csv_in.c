/* CSV as RFC 4180 has it: quotes, doubled quotes, line ends inside quotes; LF or CR LF. The first
 * record is the header and says which of two shapes follows:
 *
 *   long   timestamp,metric,LABEL...,value          a sample in each record; empty cell: no label
 *   wide   timestamp,instance[,job],METRIC...       a column for each metric, which may carry
 *                                                   labels: node_cpu_seconds_total{mode="idle"}
 *
 * timestamp may be called time, metric name, instance host. A cell may begin with ' before one of
 * = + - @ tab CR ' (what export writes so that a sheet takes no text for a formula): it is taken
 * away. */
#include "exchange/exchange.h"
#include "exchange/text.h"

#include "series/exposition.h"

enum column_kind { COLUMN_LABEL, COLUMN_TIME, COLUMN_METRIC_NAME, COLUMN_VALUE, COLUMN_METRIC };

struct column {
    enum column_kind kind;
    struct span name;     /* of a label */
    struct labels labels; /* of a metric of the wide shape */
};

struct csv {
    struct arena header; /* what columns point to */
    struct column *columns;
    size_t n;
    bool wide;
    struct span *cells;
    struct arena record;
    size_t scanned; /* of the record that is not complete */
    bool quoted, closed /* just now */, cell_begins;
};

/* ---- records ---- */

/* A quote opens where a cell begins; behind a closing one it is a doubled quote. */
static void see(struct csv *c, char at)
{
    bool quote = at == '"', closes = quote && c->quoted;
    if (quote && (closes || c->cell_begins || c->closed))
        c->quoted = !c->quoted;
    c->closed = closes;
    c->cell_begins = !c->quoted && (at == ',' || at == '\n');
}

static void begin_record(struct csv *c)
{
    c->scanned = 0;
    c->quoted = c->closed = false;
    c->cell_begins = true;
}

/* The length of the first record with its line end; 0: it is not complete. */
static size_t record_end(struct csv *c, struct span text, bool last, bool *closed)
{
    *closed = true;
    for (size_t i = c->scanned; i < text.len; i++) {
        see(c, text.at[i]);
        if (text.at[i] == '\n' && !c->quoted) {
            begin_record(c);
            return i + 1;
        }
    }
    c->scanned = text.len;
    *closed = !c->quoted;
    return last ? text.len : 0;
}

/* A cell behind its first quote; *rest moves behind the last. */
static bool quoted_cell(struct csv *c, struct span *rest, struct span *cell)
{
    char *out = arena_alloc(&c->record, rest->len);
    size_t n = 0, i = 0;
    for (; i < rest->len; i++) {
        if (rest->at[i] == '"' && !(i + 1 < rest->len && rest->at[i + 1] == '"'))
            break;
        i += rest->at[i] == '"';
        out[n++] = rest->at[i];
    }
    if (i == rest->len)
        return false;
    *cell = span_from(out, n);
    *rest = span_from(rest->at + i + 1, rest->len - i - 1);
    return true;
}

static const char *next_cell(struct csv *c, struct span *rest, struct span *cell, bool *more)
{
    if (rest->len && rest->at[0] == '"') {
        *rest = span_from(rest->at + 1, rest->len - 1);
        if (!quoted_cell(c, rest, cell))
            return "a quote is not closed";
        if (rest->len && rest->at[0] != ',')
            return "there is text behind a closing quote; quotes inside a cell are doubled";
    } else {
        size_t n = span_find(*rest, ',');
        *cell = span_from(rest->at, n);
        if (span_find(*cell, '"') < n)
            return "a quote stands inside a cell that does not begin with one";
        *rest = span_from(rest->at + n, rest->len - n);
    }
    *more = rest->len > 0;
    if (*more)
        *rest = span_from(rest->at + 1, rest->len - 1);
    return NULL;
}

/* Cells into c->cells, at most max; NULL or the fault. */
static const char *split(struct csv *c, struct span record, size_t max, size_t *n)
{
    bool more = true;
    for (*n = 0; more; ++*n) {
        if (*n == max)
            return "the record has more cells than the header";
        const char *fault = next_cell(c, &record, &c->cells[*n], &more);
        if (fault)
            return fault;
    }
    return NULL;
}

static struct span without_guard(struct span cell)
{
    if (cell.len > 1 && cell.at[0] == '\'' && strchr("=+-@\t\r'", cell.at[1]))
        return span_from(cell.at + 1, cell.len - 1);
    return cell;
}

/* ---- header ---- */

static bool is_one_of(struct span name, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq_nocase(name, span_of(words[i])))
            return true;
    return false;
}

static bool says(const struct csv *c, size_t n, const char *const *words, size_t words_n)
{
    for (size_t i = 0; i < n; i++)
        if (is_one_of(span_trim(c->cells[i]), words, words_n))
            return true;
    return false;
}

/* name or name{label="value"}, read as a line of text with a value behind it. */
static enum status metric_column(struct csv *c, struct column *column, struct span text,
                                 struct err *err)
{
    auto_buf line = {0};
    struct exposition_line got;
    buf_span(&line, text);
    buf_str(&line, " 0\n");
    struct exposition_reader *r = exposition_open(buf_view(&line), false);
    struct err own = {0};
    enum status st = exposition_next(r, &got, &own);
    if (!st && got.kind == EXPOSITION_SAMPLE)
        column->labels = labels_dup(&c->header, got.labels);
    else
        st =
            err_set(err, INVALID, "line 1: the column \"%.*s\" is neither a metric nor a label: %s",
                    (int)MIN(text.len, (size_t)100), text.at, own.text);
    exposition_close(r);
    return st;
}

static enum status read_column(struct csv *c, size_t i, struct span cell, struct err *err)
{
    static const char *const times[] = {"timestamp", "time"};
    static const char *const names[] = {"metric", "name", "__name__"};
    static const char *const values[] = {"value"};
    static const char *const hosts[] = {"instance", "host"};
    static const char *const jobs[] = {"job"};
    struct column *column = &c->columns[i];
    struct span text = arena_span(&c->header, span_trim(without_guard(cell)));
    column->name = is_one_of(text, hosts, COUNT(hosts)) ? SPAN("instance") : text;
    if (is_one_of(text, times, COUNT(times)))
        column->kind = COLUMN_TIME;
    else if (!c->wide && is_one_of(text, names, COUNT(names)))
        column->kind = COLUMN_METRIC_NAME;
    else if (!c->wide && is_one_of(text, values, COUNT(values)))
        column->kind = COLUMN_VALUE;
    else if (!c->wide || is_one_of(text, hosts, COUNT(hosts)) || is_one_of(text, jobs, COUNT(jobs)))
        column->kind = COLUMN_LABEL;
    else
        column->kind = COLUMN_METRIC;
    if (column->kind == COLUMN_METRIC)
        return metric_column(c, column, text, err);
    if (!text.len)
        return err_set(err, INVALID, "line 1: column %zu has no name", i + 1);
    return OK;
}

static enum status read_header(struct csv *c, struct span record, struct err *err)
{
    static const char *const times[] = {"timestamp", "time"};
    static const char *const names[] = {"metric", "name", "__name__"};
    static const char *const values[] = {"value"};
    if (span_starts(record, SPAN("\xef\xbb\xbf")))
        record = span_from(record.at + 3, record.len - 3);
    c->cells = mem_zero(EXCHANGE_COLUMNS_MAX, sizeof *c->cells);
    const char *fault = split(c, record, EXCHANGE_COLUMNS_MAX, &c->n);
    if (fault && c->n == EXCHANGE_COLUMNS_MAX)
        return err_set(err, INVALID, "line 1: more than %d columns", EXCHANGE_COLUMNS_MAX);
    if (fault)
        return err_set(err, INVALID, "line 1: %s", fault);
    if (!says(c, c->n, times, COUNT(times)))
        return err_set(err, INVALID,
                       "line 1: the header has no column \"timestamp\"; it should be "
                       "timestamp,metric,LABEL...,value or "
                       "timestamp,instance,METRIC...");
    c->wide = !says(c, c->n, names, COUNT(names)) || !says(c, c->n, values, COUNT(values));
    c->columns = ARENA_ARRAY(&c->header, struct column, c->n);
    size_t metrics = 0, labels = 0;
    for (size_t i = 0; i < c->n; i++) {
        enum status st = read_column(c, i, c->cells[i], err);
        if (st)
            return st;
        metrics += c->columns[i].kind == COLUMN_METRIC;
        labels += c->columns[i].kind == COLUMN_LABEL;
    }
    if (labels > LABELS_MAX)
        return err_set(err, INVALID, "line 1: more than %d columns are labels", LABELS_MAX);
    if (c->wide && !metrics)
        return err_set(err, INVALID, "line 1: the header names no metric");
    return OK;
}

/* ---- samples ---- */

static enum status take_wide(struct csv *c, struct importer *in, size_t line_no,
                             const struct label_builder *common, int64_t t_ms, struct err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        struct sample s = {.t_ms = t_ms};
        struct span cell = span_trim(without_guard(c->cells[i]));
        if (c->columns[i].kind != COLUMN_METRIC || !cell.len)
            continue;
        if (!value_parse(cell, &s.v)) {
            importer_bad(in, line_no, "column %zu: \"%.*s\" is not a number", i + 1,
                         (int)MIN(cell.len, (size_t)60), cell.at);
            continue;
        }
        struct label_builder b = *common;
        for (size_t k = 0; k < c->columns[i].labels.n; k++)
            label_set(&b, c->columns[i].labels.at[k].name, c->columns[i].labels.at[k].value);
        enum status st = importer_take(in, line_no, &b, &s, 1, err);
        if (st)
            return st;
    }
    return OK;
}

static enum status take_record(struct csv *c, struct importer *in, size_t line_no, struct err *err)
{
    struct label_builder b;
    struct sample s = {0};
    bool timed = false, valued = c->wide;
    b.n = 0, b.failed = false;
    for (size_t i = 0; i < c->n; i++) {
        struct span cell = without_guard(c->cells[i]), trimmed = span_trim(cell);
        switch (c->columns[i].kind) {
        case COLUMN_TIME:
            timed = when_parse(trimmed, &s.t_ms);
            break;
        case COLUMN_VALUE:
            valued = value_parse(trimmed, &s.v);
            break;
        case COLUMN_METRIC_NAME:
            label_set(&b, SPAN(LABEL_NAME), trimmed);
            break;
        case COLUMN_LABEL:
            label_set(&b, c->columns[i].name, cell);
            break;
        case COLUMN_METRIC:
            break;
        }
    }
    if (!timed)
        importer_bad(in, line_no,
                     "the timestamp should be RFC 3339 (2026-11-21T06:30:00Z), or "
                     "seconds or milliseconds since 1970");
    else if (!valued)
        importer_bad(in, line_no, "the value is not a number, NaN, Inf or -Inf");
    else if (c->wide)
        return take_wide(c, in, line_no, &b, s.t_ms, err);
    else
        return importer_take(in, line_no, &b, &s, 1, err);
    return OK;
}

static enum status record(struct csv *c, struct importer *in, struct span text, size_t line_no,
                          struct err *err)
{
    while (text.len && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
        text.len--;
    if (!c->columns)
        return read_header(c, text, err);
    if (!text.len)
        return OK;
    size_t n;
    arena_reset(&c->record);
    const char *fault = split(c, text, c->n, &n);
    if (fault)
        importer_bad(in, line_no, "%s", fault);
    else if (n != c->n)
        importer_bad(in, line_no, "the record has %zu cells, the header %zu", n, c->n);
    else
        return take_record(c, in, line_no, err);
    return OK;
}

static enum status eat(void *state, struct importer *in, struct span text, bool last,
                       size_t *line_no, size_t *eaten, struct err *err)
{
    struct csv *c = state;
    bool closed = true;
    for (size_t n; *eaten < text.len; *eaten += n) {
        struct span rest = span_from(text.at + *eaten, text.len - *eaten);
        n = record_end(c, rest, last, &closed);
        if (!n)
            break;
        struct span one = span_from(rest.at, n);
        if (!closed)
            return err_set(err, INVALID, "line %zu: a quote is not closed", *line_no);
        enum status st = record(c, in, one, *line_no, err);
        if (st)
            return st;
        for (size_t i = 0; i < n; i++)
            *line_no += one.at[i] == '\n';
        *line_no += n == rest.len && one.at[n - 1] != '\n';
    }
    if (last && !c->columns)
        return err_set(err, INVALID, "line 1: the file is empty; a CSV file begins with a header");
    return OK;
}

static void close_csv(void *state)
{
    struct csv *c = state;
    arena_free(&c->header);
    arena_free(&c->record);
    free(c->cells);
    free(c);
}

struct format_reader csv_reader(void)
{
    struct csv *c = mem_zero(1, sizeof *c);
    begin_record(c);
    return (struct format_reader){eat, close_csv, c};
}
