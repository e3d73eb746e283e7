/* galen train: a classifier from rows of features and their classes. */
#include "cli/train_server.h"

#include "advise/train.h"
#include "base/file.h"

#include <stdlib.h>

static const char usage[] =
    "usage: galen train --data ROWS.csv --out MODEL.h5 [OPTIONS] [--from-server URL]\n"
    "\n"
    "Trains the classifier and says how good it is on rows of groups that it has not\n"
    "seen. The first line of the file names the columns. The same file, options and\n"
    "seed give the same model, bit for bit; TensorFlow and Keras load it.\n"
    "\n"
    "  --features A,B,...  the inputs (default: every column of numbers)\n"
    "  --label COLUMN      the classes: none, increase, decrease, upgrade (default\n"
    "                      label)\n"
    "  --split-by COLUMN   rows with the same value here are held out together\n"
    "  --epochs N          times that every row is seen (default 200)\n"
    "  --seed N            for weights, order and folds (default 1)\n"
    "  --predictions FILE  the held-out probabilities, a line for each row\n"
    "\n"
    "  --from-server URL   adds what operators said of the server's findings\n"
    "                      (useful, wrong) and what came of changes (helped, no\n"
    "                      effect, harmed), with the host's features at that time;\n"
    "                      the inputs are then the features in ROWS.csv\n"
    "  --token-file FILE   file with an API token (or $GALEN_TOKEN_FILE)\n"
    "  --ca FILE           certificates to trust, PEM\n"
    "  --rows FILE         keeps the rows from the server, with ROWS.csv's columns\n";

enum { DATA_MAX_BYTES = 256 << 20 };

struct train_run {
    const char *data, *out, *predictions, *rows;
    struct cli_server server;
    bool from_server;
    size_t own_rows; /* without those of the server */
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
    if (run->from_server) {
        struct train_report s = train_score(p + run->own_rows * CLASSES, set->label + run->own_rows,
                                            set->rows - run->own_rows);
        buf_printf(&text, "of these, %zu rows from %s:\n", set->rows - run->own_rows,
                   run->server.url);
        train_report_print(&s, &text);
    }
    fputs(buf_text(&text), stdout);
    return run->predictions ? write_predictions(run->predictions, p, set->rows, err) : OK;
}

/* Of the file's columns those that are features. */
static void choose_features(struct train_run *run, const struct adviser *a, struct span header)
{
    struct feature_query *q;
    size_t n = adviser_feature_queries(a, &run->arena, &q);
    const char **names = ARENA_ARRAY(&run->arena, const char *, MODEL_WIDTH_MAX);
    for (struct span name;
         span_next(&header, ',', &name) && run->columns.n_inputs < MODEL_WIDTH_MAX;)
        for (size_t i = ELEVEN; i < n; i++) {
            const char *bit = arena_printf(&run->arena, "%s_missing", q[i].name);
            if (span_is(span_trim(name), q[i].name) || span_is(span_trim(name), bit))
                names[run->columns.n_inputs++] = arena_dup_span(&run->arena, span_trim(name));
        }
    run->columns.inputs = names;
}

static void tell_server(const struct train_run *run, const struct server_rows *rows)
{
    printf("%zu rows from %s:", rows->n, run->server.url);
    for (unsigned c = 0; c < CLASSES; c++)
        printf(" %zu %s%s", rows->by_class[c], class_names[c], c + 1 < CLASSES ? "," : "\n");
    if (rows->forgotten)
        printf("%zu more have no samples of their time any more and are left out\n",
               rows->forgotten);
    if (rows->more)
        printf("only the newest %d verdicts were taken\n", SERVER_ROWS_MAX);
}

/* Lines of the server behind those of the file. */
static enum status add_server(struct train_run *run, struct buf *csv, struct err *err)
{
    struct adviser_config config = {.model_path = "", .rules_extra = ""};
    struct adviser *a;
    struct server_rows rows = {0};
    struct span text = buf_view(csv), line, header = {0};
    if (!span_line(&text, &header))
        return OK; /* said when it is read */
    while (span_line(&text, &line))
        run->own_rows += span_trim(line).len > 0;
    enum status st = adviser_open(&config, &a, err);
    if (st)
        return st;
    header = arena_span(&run->arena, span_trim(header));
    if (!run->columns.inputs)
        choose_features(run, a, header);
    st = train_server_rows(&run->server, a, header, &rows, err);
    if (!st) {
        tell_server(run, &rows);
        if (csv->len && csv->at[csv->len - 1] != '\n')
            buf_char(csv, '\n');
        buf_span(csv, buf_view(&rows.csv));
    }
    if (!st && run->rows) {
        auto_buf kept = {0};
        buf_printf(&kept, "%.*s\n", SPAN_ARG(header));
        buf_span(&kept, buf_view(&rows.csv));
        st = file_write_atomic(run->rows, buf_view(&kept), 0644, err);
    }
    buf_free(&rows.csv);
    adviser_close(a);
    return st;
}

static enum status run_training(struct train_run *run, struct err *err)
{
    auto_buf csv = {.max = DATA_MAX_BYTES};
    struct train_set set;
    struct model *m;
    enum status st = file_read(run->data, &csv, err);
    if (!st && run->from_server)
        st = add_server(run, &csv, err);
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
        {"data", required_argument, NULL, 'd'},
        {"out", required_argument, NULL, 'o'},
        {"features", required_argument, NULL, 'f'},
        {"label", required_argument, NULL, 'l'},
        {"split-by", required_argument, NULL, 'g'},
        {"epochs", required_argument, NULL, 'e'},
        {"seed", required_argument, NULL, 'S'},
        {"predictions", required_argument, NULL, 'p'},
        {"from-server", required_argument, NULL, 's'},
        {"token-file", required_argument, NULL, 't'},
        {"ca", required_argument, NULL, 'a'},
        {"rows", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct train_run run = {.columns = {.label = "label"}, .options = train_defaults()};
    uint64_t epochs = run.options.epochs;
    bool good = true;
    cli_server_defaults(&run.server);
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
        case 'S':
            good &= read_count(optarg, UINT64_MAX, &run.options.seed);
            break;
        case 'h':
            return cli_usage("train", usage, stdout);
        case 'r':
            run.rows = optarg;
            break;
        default:
            run.from_server |= c == 's';
            good &= cli_server_option(&run.server, c, optarg);
        }
    }
    run.options.epochs = epochs;
    struct err err = {0};
    enum status st = OK;
    bool complete = good && run.data && run.out && optind == argc && (run.from_server || !run.rows);
    if (complete)
        st = run_training(&run, &err);
    arena_free(&run.arena);
    if (!complete)
        return cli_usage("train", usage, stderr);
    return st ? cli_fail("train", &err) : EXIT_OK;
}
