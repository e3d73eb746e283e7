/* A CSV file -> rows to train with. The first line names the columns; commas separate, quotes
 * are not understood; an empty cell is a missing value and enters as 0. */
#include "advise/train.h"

#include "base/map.h"

#include <math.h>

enum { CSV_COLUMNS_MAX = MODEL_WIDTH_MAX };

struct csv {
    const char *file;
    struct span *names;
    size_t columns;
    struct span *cells; /* [rows][columns] */
    size_t rows;
    struct err *err;
};

static size_t split(struct span line, struct span *out, size_t max)
{
    size_t n = 0;
    while (true) {
        size_t comma = span_find(line, ',');
        if (n < max)
            out[n] = span_trim((struct span){line.at, comma});
        n++;
        if (comma == line.len)
            return n;
        line = (struct span){line.at + comma + 1, line.len - comma - 1};
    }
}

static enum status read_row(struct csv *c, struct span line, size_t line_no)
{
    struct span *to = c->cells + c->rows * c->columns;
    size_t n = split(line, to, c->columns);
    if (n != c->columns)
        return err_set(c->err, INVALID, "%s:%zu: %zu cells, the first line names %zu columns",
                       c->file, line_no, n, c->columns);
    if (memchr(line.at, '"', line.len))
        return err_set(c->err, INVALID, "%s:%zu: quoted cells are not supported", c->file, line_no);
    c->rows++;
    return OK;
}

static size_t lines_in(struct span text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++)
        n += text.at[i] == '\n';
    return n;
}

static enum status read_csv(struct span text, struct csv *c, struct arena *arena)
{
    struct span line;
    size_t line_no = 1, most = lines_in(text);
    if (most > TRAIN_ROWS_MAX)
        return err_set(c->err, FULL, "%s has more than %d lines", c->file, TRAIN_ROWS_MAX);
    if (!span_line(&text, &line))
        return err_set(c->err, INVALID, "%s is empty; the first line must name the columns",
                       c->file);
    c->names = ARENA_ARRAY(arena, struct span, CSV_COLUMNS_MAX);
    c->columns = split(line, c->names, CSV_COLUMNS_MAX);
    if (c->columns > CSV_COLUMNS_MAX)
        return err_set(c->err, FULL, "%s:1: more than %d columns", c->file, CSV_COLUMNS_MAX);
    c->cells = ARENA_ARRAY(arena, struct span, most * c->columns);
    while (span_line(&text, &line)) {
        line_no++;
        enum status st = span_trim(line).len ? read_row(c, line, line_no) : OK;
        if (st)
            return st;
    }
    return OK;
}

static bool find_column(const struct csv *c, const char *name, size_t *out)
{
    for (size_t i = 0; i < c->columns; i++)
        if (span_is(c->names[i], name)) {
            *out = i;
            return true;
        }
    return false;
}

static bool number(struct span cell, double *out)
{
    *out = 0;
    return cell.len == 0 || (span_double(cell, out) && isfinite(*out));
}

static bool all_numbers(const struct csv *c, size_t column)
{
    double v;
    for (size_t r = 0; r < c->rows; r++)
        if (!number(c->cells[r * c->columns + column], &v))
            return false;
    return true;
}

/* Which columns are the inputs, in order; names go to the set. */
static enum status choose_inputs(const struct csv *c, const struct train_columns *want,
                                 struct arena *arena, size_t *columns, struct train_set *set)
{
    const char **names = ARENA_ARRAY(arena, const char *, CSV_COLUMNS_MAX);
    for (size_t i = 0; i < want->n_inputs; i++) {
        if (!find_column(c, want->inputs[i], &columns[i]))
            return err_set(c->err, INVALID, "%s has no column \"%s\"", c->file, want->inputs[i]);
        names[i] = want->inputs[i];
    }
    set->inputs = want->n_inputs;
    for (size_t i = 0; !want->inputs && i < c->columns; i++) {
        bool other =
            span_is(c->names[i], want->label) || (want->group && span_is(c->names[i], want->group));
        if (other || !all_numbers(c, i))
            continue;
        names[set->inputs] = arena_dup_span(arena, c->names[i]);
        columns[set->inputs++] = i;
    }
    set->inputs_named = names;
    if (set->inputs == 0)
        return err_set(c->err, INVALID, "%s has no column of numbers to learn from", c->file);
    return OK;
}

static enum status fill_inputs(const struct csv *c, const size_t *columns, struct arena *arena,
                               struct train_set *set)
{
    set->x = ARENA_ARRAY(arena, double, set->rows * set->inputs);
    for (size_t r = 0; r < set->rows; r++)
        for (size_t i = 0; i < set->inputs; i++) {
            /* NOLINTNEXTLINE(clang-analyzer-*): there are rows, so there are cells */
            struct span cell = c->cells[r * c->columns + columns[i]];
            if (!number(cell, &set->x[r * set->inputs + i]))
                return err_set(c->err, INVALID,
                               "%s: row %zu, column \"%s\": \"%.*s\" is not a number", c->file,
                               r + 1, set->inputs_named[i], SPAN_ARG(cell));
        }
    return OK;
}

static enum status fill_labels(const struct csv *c, const char *column, struct arena *arena,
                               struct train_set *set)
{
    size_t at;
    if (!find_column(c, column, &at))
        return err_set(c->err, INVALID, "%s has no column \"%s\" with the classes", c->file,
                       column);
    set->label = ARENA_ARRAY(arena, unsigned, set->rows);
    for (size_t r = 0; r < set->rows; r++) {
        struct span cell = c->cells[r * c->columns + at];
        if (!class_of(cell, &set->label[r]))
            return err_set(c->err, INVALID,
                           "%s: row %zu: class \"%.*s\" is none of none, increase, "
                           "decrease, upgrade",
                           c->file, r + 1, SPAN_ARG(cell));
    }
    return OK;
}

static enum status fill_groups(const struct csv *c, const char *column, struct arena *arena,
                               struct train_set *set)
{
    size_t at;
    if (!find_column(c, column, &at))
        return err_set(c->err, INVALID, "%s has no column \"%s\" to split by", c->file, column);
    set->group = ARENA_ARRAY(arena, unsigned, set->rows);
    set->group_names = ARENA_ARRAY(arena, const char *, set->rows);
    CLEANUP(map_free) struct map seen = {0};
    for (size_t r = 0; r < set->rows; r++) {
        struct span cell = c->cells[r * c->columns + at];
        unsigned *number_of = map_get(&seen, cell);
        if (!number_of) {
            number_of = ARENA_NEW(arena, unsigned);
            *number_of = (unsigned)set->groups;
            map_put(&seen, cell, number_of);
            set->group_names[set->groups++] = arena_dup_span(arena, cell);
        }
        set->group[r] = *number_of;
    }
    return OK;
}

enum status train_set_read(struct span csv, const char *file, const struct train_columns *columns,
                           struct arena *arena, struct train_set *out, struct err *err)
{
    struct csv c = {.file = file, .err = err};
    enum status st = read_csv(csv, &c, arena);
    if (st)
        return st;
    *out = (struct train_set){.rows = c.rows};
    size_t *inputs = ARENA_ARRAY(arena, size_t, CSV_COLUMNS_MAX);
    if ((st = choose_inputs(&c, columns, arena, inputs, out)) ||
        (st = fill_inputs(&c, inputs, arena, out)) ||
        (st = fill_labels(&c, columns->label, arena, out)))
        return st;
    return columns->group ? fill_groups(&c, columns->group, arena, out) : OK;
}
