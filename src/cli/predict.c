/* galen predict: rows of features in, class probabilities out. */
#include "cli/cli.h"

#include "advise/model.h"

#include <math.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 1 << 20 };

static const char usage[] =
    "usage: galen predict MODEL.h5 < ROWS.csv\n"
    "\n"
    "Reads rows of numbers, in the order of the model's inputs, from standard input\n"
    "and writes the probabilities of none, increase, decrease and upgrade for each,\n"
    "separated by commas. A first line that names the columns is passed over; an\n"
    "empty cell counts as 0.\n";

/* A line that names columns: its first cell is no number. */
static bool is_header(struct span line)
{
    double v;
    struct span cell = {line.at, span_find(line, ',')};
    cell = span_trim(cell);
    return cell.len > 0 && !span_double(cell, &v);
}

static enum status read_row(struct span line, size_t line_no, double *x, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        size_t comma = span_find(line, ',');
        struct span cell = span_trim((struct span){line.at, comma});
        x[i] = 0;
        if (cell.len && (!span_double(cell, &x[i]) || !isfinite(x[i])))
            return err_set(err, INVALID, "line %zu, column %zu: \"%.*s\" is not a number", line_no,
                           i + 1, SPAN_ARG(cell));
        if ((i + 1 == n) != (comma == line.len))
            return err_set(err, INVALID, "line %zu: the model has %zu inputs, this row has %s",
                           line_no, n, i + 1 == n ? "more" : "fewer");
        if (i + 1 < n)
            line = (struct span){line.at + comma + 1, line.len - comma - 1};
    }
    return OK;
}

static void print_row(const double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%s%.9g", i ? "," : "", y[i]);
    putchar('\n');
}

static enum status predict_all(const struct model *m, struct err *err)
{
    double x[MODEL_WIDTH_MAX], y[MODEL_WIDTH_MAX];
    char *text = NULL;
    size_t size = 0;
    enum status st = OK;
    ssize_t n;
    for (size_t line_no = 1; !st && (n = getline(&text, &size, stdin)) > 0; line_no++) {
        struct span line = span_trim((struct span){text, (size_t)n});
        if (line.len > LINE_MAX_BYTES)
            st = err_set(err, FULL, "line %zu has more than %d bytes", line_no, LINE_MAX_BYTES);
        else if (line.len && !(line_no == 1 && is_header(line)) &&
                 !(st = read_row(line, line_no, x, model_inputs(m), err))) {
            model_predict(m, x, y);
            print_row(y, model_outputs(m));
        }
    }
    free(text);
    return st;
}

int cli_predict(int argc, char **argv)
{
    int code;
    if (!cli_words("predict", usage, argc, argv, &code))
        return code;
    if (argc != optind + 1)
        return cli_usage("predict", usage, stderr);
    struct model *m;
    struct err err = {0};
    enum status st = model_load(argv[optind], &m, &err);
    if (!st)
        st = predict_all(m, &err);
    model_close(m);
    return st ? cli_fail("predict", &err) : EXIT_OK;
}
