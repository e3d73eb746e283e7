/* galen train: a classifier from rows of features and their classes. */
#include "cli/cli.h"

#include "advise/train.h"
#include "base/file.h"

#include <stdlib.h>

static const char usage[] =
    "usage: galen train --data ROWS.csv --out MODEL.h5 [OPTIONS]\n\n"
    "Trains the classifier and says how good it is on rows of groups that it has not seen. The\n"
    "first line of the file names the columns. The same file, options and seed give the same\n"
    "model, bit for bit; TensorFlow and Keras load it.\n\n"
    "  --features A,B,...  the inputs (default: every column of numbers)\n"
    "  --label COLUMN      the classes: none, increase, decrease, upgrade (default label)\n"
    "  --split-by COLUMN   rows with the same value here are held out together\n"
    "  --epochs N          times that every row is seen (default 200)\n"
    "  --seed N            for weights, order and folds (default 1)\n"
    "  --predictions FILE  the held-out probabilities, a line for each row\n";

enum { DATA_MAX_BYTES = 256 << 20 };

struct train_run {
    const char *data, *out, *predictions;
    struct train_columns columns;
    struct train_options options;
    struct arena arena;
};

/* "a,b,c" -> names. */
static void read_names(struct train_run *run, const char *text)
{
    struct span rest = span_of(text), name;
    const char **names = ARENA_ARRAY(&run->arena, const char *, MODEL_WIDTH_MAX);
    run->columns.n_inputs = 0;
    while (run->columns.n_inputs < MODEL_WIDTH_MAX && span_next(&rest, ',', &name))
        names[run->columns.n_inputs++] = arena_dup_span(&run->arena, span_trim(name));
    run->columns.inputs = names;
}

static enum status write_predictions(const char *path, const double *p, size_t rows,
                                     struct err *err)
{
    auto_buf text = {0};
    buf_str(&text, "none,increase,decrease,upgrade\n");
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < CLASSES; c++)
            buf_printf(&text, "%.9g%c", p[r * CLASSES + c], c + 1 < CLASSES ? ',' : '\n');
    return file_write_atomic(path, buf_view(&text), 0644, err);
}

static enum status report(struct train_run *run, const struct train_set *set, struct err *err)
{
    double *p = ARENA_ARRAY(&run->arena, double, set->rows *CLASSES);
    enum status st = train_held_out(set, &run->options, p, err);
    if (st)
        return st;
    struct train_report r = train_score(p, set->label, set->rows);
    auto_buf text = {0};
    buf_printf(&text, "%zu rows, %zu inputs", set->rows, set->inputs);
    if (set->groups)
        buf_printf(&text, ", %zu groups by %s", set->groups, run->columns.group);
    buf_printf(&text, "; each row judged by a model that has not seen its group:\n");
    train_report_print(&r, &text);
    fputs(buf_text(&text), stdout);
    return run->predictions ? write_predictions(run->predictions, p, set->rows, err) : OK;
}

static enum status run_training(struct train_run *run, struct err *err)
{
    auto_buf csv = {.max = DATA_MAX_BYTES};
    struct train_set set;
    struct model *m;
    enum status st = file_read(run->data, &csv, err);
    if (!st)
        st = train_set_read(buf_view(&csv), run->data, &run->columns, &run->arena, &set, err);
    if (!st)
        st = report(run, &set, err);
    if (!st)
        st = train(&set, NULL, &run->options, &m, err);
    if (st)
        return st;
    st = model_save(m, run->out, err);
    model_close(m);
    if (!st)
        printf("%s written\n", run->out);
    return st;
}

static bool read_count(const char *text, uint64_t most, uint64_t *out)
{
    uint64_t n;
    if (!span_u64(span_of(text), &n) || n > most)
        return false;
    *out = n;
    return true;
}

int cli_train(int argc, char **argv)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},     {"out", required_argument, NULL, 'o'},
        {"features", required_argument, NULL, 'f'}, {"label", required_argument, NULL, 'l'},
        {"split-by", required_argument, NULL, 'g'}, {"epochs", required_argument, NULL, 'e'},
        {"seed", required_argument, NULL, 's'},     {"predictions", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},           {0},
    };
    struct train_run run = {.columns = {.label = "label"}, .options = train_defaults()};
    uint64_t epochs = run.options.epochs;
    bool good = true;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'd':
            run.data = optarg;
            break;
        case 'o':
            run.out = optarg;
            break;
        case 'f':
            read_names(&run, optarg);
            break;
        case 'l':
            run.columns.label = optarg;
            break;
        case 'g':
            run.columns.group = optarg;
            break;
        case 'p':
            run.predictions = optarg;
            break;
        case 'e':
            good &= read_count(optarg, 1000000, &epochs);
            break;
        case 's':
            good &= read_count(optarg, UINT64_MAX, &run.options.seed);
            break;
        case 'h':
            return cli_usage("train", usage, stdout);
        default:
            good = false;
        }
    }
    run.options.epochs = epochs;
    struct err err = {0};
    enum status st = OK;
    bool complete = good && run.data && run.out && optind == argc;
    if (complete)
        st = run_training(&run, &err);
    arena_free(&run.arena);
    if (!complete)
        return cli_usage("train", usage, stderr);
    return st ? cli_fail("train", &err) : EXIT_OK;
}
