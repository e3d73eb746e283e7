/* galen features: two readings of a host each -> rows to train the classifier with, by the same
 * expressions that the server evaluates, and beside them what the rules alone would say. */
#include "cli/cli.h"
#include "cli/look.h"

#include "advise/advise.h"
#include "base/file.h"

#include <math.h>

static const char usage[] =
    "usage: galen features TRIALS.csv > ROWS.csv\n"
    "\n"
    "The first two columns of TRIALS.csv, begin and end, name files with what\n"
    "`galen-agent --print` wrote before and at the end of a load; the others (label,\n"
    "scenario, ...) are passed on. Added are rules_class and rules_first, what the\n"
    "rules advise, and the features of rules/features.yaml.\n";

enum { TRIALS_MAX_BYTES = 16 << 20, SNAPSHOT_MAX_BYTES = 16 << 20 };

/* One line of the file. */
struct pair {
    struct span begin, end, rest; /* rest: the other columns, from its comma on */
};

static bool split_pair(struct span line, struct pair *p)
{
    size_t first = span_find(line, ',');
    if (first == line.len)
        return false;
    p->begin = (struct span){line.at, first};
    line = (struct span){line.at + first + 1, line.len - first - 1};
    size_t second = span_find(line, ',');
    p->end = (struct span){line.at, second};
    p->rest = (struct span){line.at + second, line.len - second};
    return true;
}

static enum status add_file(struct memory_source *m, struct span path, int64_t *t_ms,
                            struct err *err)
{
    auto_arena arena = {0};
    auto_buf text = {.max = SNAPSHOT_MAX_BYTES};
    const char *name = arena_dup_span(&arena, path);
    enum status st = file_read(name, &text, err);
    if (!st && (st = look_add_text(m, buf_view(&text), "host", t_ms, err)))
        return err_prefix(err, "%s", name);
    return st;
}

static void print_names(struct span rest, const struct feature_table *t)
{
    printf("begin,end%.*s,rules_class,rules_first", SPAN_ARG(rest));
    for (size_t i = 0; i < t->n_names; i++)
        printf(",%s", t->names[i]);
    putchar('\n');
}

static void print_row(const struct pair *p, const struct analysis *a, const struct feature_table *t)
{
    printf("%.*s,%.*s%.*s,%s,%s", SPAN_ARG(p->begin), SPAN_ARG(p->end), SPAN_ARG(p->rest),
           class_names[a->class], a->n_findings ? a->findings[0].rule : "");
    for (size_t i = 0; i < t->n_names; i++) {
        putchar(',');
        if (!isnan(t->rows[i]))
            printf("%.7g", t->rows[i]);
    }
    putchar('\n');
}

/* The adviser's windows are as long as the trial, so there is one for each row. */
static enum status analyse_pair(const struct pair *p, struct memory_source *m, int64_t from_ms,
                                int64_t to_ms, struct span *header, struct err *err)
{
    struct adviser_config config = {
        .model_path = "", .window_max_ms = to_ms - from_ms + 1, .trial = true};
    if (to_ms <= from_ms)
        return err_set(err, INVALID, "%.*s is not later than %.*s", SPAN_ARG(p->end),
                       SPAN_ARG(p->begin));
    struct adviser *a;
    enum status st = adviser_open(&config, &a, err);
    if (st)
        return st;
    auto_arena arena = {0};
    struct feature_table table;
    struct advice advice;
    st = advise_features(a, memory_source_face(m), to_ms, &arena, &table, err);
    if (!st)
        st = advise_tick(a, memory_source_face(m), to_ms, &arena, &advice, err);
    if (!st && (table.n_hosts != 1 || advice.n != 1))
        st = err_set(err, INVALID, "%.*s holds no host's figures", SPAN_ARG(p->end));
    if (!st && header->at)
        print_names(*header, &table);
    if (!st)
        print_row(p, &advice.hosts[0], &table);
    *header = (struct span){0};
    adviser_close(a);
    return st;
}

static enum status take_pair(const struct pair *p, struct span *header, struct err *err)
{
    struct memory_source *m = memory_source_open();
    int64_t from_ms = 0, to_ms = 0;
    enum status st = add_file(m, p->begin, &from_ms, err);
    if (!st)
        st = add_file(m, p->end, &to_ms, err);
    if (!st)
        st = analyse_pair(p, m, from_ms, to_ms, header, err);
    memory_source_close(m);
    return st;
}

static enum status run(const char *path, struct err *err)
{
    auto_buf text = {.max = TRIALS_MAX_BYTES};
    enum status st = file_read(path, &text, err);
    struct span rest = buf_view(&text), line;
    struct pair head = {0}, p;
    if (!st && (!span_line(&rest, &line) || !split_pair(line, &head)))
        return err_set(err, INVALID, "%s:1: the columns begin and end are missing", path);
    for (size_t line_no = 2; !st && span_line(&rest, &line); line_no++) {
        if (!split_pair(line, &p))
            return err_set(err, INVALID, "%s:%zu: two files are wanted", path, line_no);
        st = take_pair(&p, &head.rest, err);
    }
    return st;
}

int cli_features(int argc, char **argv)
{
    int code;
    if (!cli_words("features", usage, argc, argv, &code))
        return code;
    if (argc != optind + 1)
        return cli_usage("features", usage, stderr);
    struct err err = {0};
    return run(argv[optind], &err) ? cli_fail("features", &err) : EXIT_OK;
}
