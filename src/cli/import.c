/* galen import FILE...: samples of files, to a server or into a data directory. Every file is read
 * twice: once to understand all of it, once to import. */
#include "cli/cli.h"
#include "cli/progress.h"

#include "base/clock.h"
#include "exchange/exchange.h"
#include "store/store.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    READ_BYTES = 256 << 10,
    BAD_SHOWN_MAX = 20, /* lines of a file; how many more there are is said */
    PATIENCE = 30,      /* times */
    PAUSE_MS = 500,
    NAMES_MAX_BYTES = 2048, /* of files, for the audit */
};

/* So that an import does not drop what the server's longer retention keeps. */
static const int64_t KEEP_ALL_MS = INT64_C(36500) * 24 * 3600 * 1000;

static const char usage[] =
    "usage: galen import [OPTIONS] FILE... (or - for standard input)\n"
    "\n"
    "Imports samples from files in Prometheus's text format, OpenMetrics, CSV or\n"
    "JSON, also packed with gzip, and from the payloads of the /analyze interface.\n"
    "Old samples are taken as well as new ones, in any order; what is there already\n"
    "is no error. A file with a bad line imports nothing.\n"
    "\n"
    "  --format F          prometheus, openmetrics, csv or json (default: by the\n"
    "                      file's name, else by how it begins)\n"
    "  --dry-run           read everything, name what is bad, import nothing\n"
    "  --skip-bad          leave bad lines out and import the rest\n"
    "  --label NAME=VALUE  a label for every series that lacks it, as instance=web1\n"
    "  --data DIR          a server's data directory, while that server is not\n"
    "                      running\n"
    "\n"
    "CSV: a header, then timestamp,metric,LABEL...,value or\n"
    "timestamp,instance,METRIC... Times: RFC 3339, seconds or milliseconds since\n"
    "1970.\n"
    "\n" CLI_SERVER_HELP;

struct import {
    struct cli_server server;
    const char *data;
    enum exchange_format format;
    bool dry_run, skip_bad;
    struct label_builder labels;
    struct store *store;
    struct store_writer *writer;
    struct progress progress;
    /* of the file under way */
    const char *name;
    gzFile file;
    int fd;
    size_t bad_shown;
    /* of all */
    uint64_t bad, understood; /* lines; samples */
    struct append_result sum;
};

/* ---- where samples go ---- */

static void add_counts(struct import *im, size_t samples, size_t duplicates, size_t refused,
                       const char *why)
{
    if (refused && !im->sum.refused)
        snprintf(im->sum.refused_why, sizeof im->sum.refused_why, "%s", why ? why : "");
    im->sum.samples += samples;
    im->sum.duplicates += duplicates;
    im->sum.refused += refused;
    im->progress.samples += samples + duplicates + refused;
}

static enum status to_store(struct import *im, struct span message, struct err *err)
{
    struct append_result r = {0};
    enum status st = store_append_wait(im->writer, message, &r, err);
    if (!st)
        add_counts(im, r.samples, r.duplicates, r.refused, r.refused_why);
    return st;
}

static size_t count_of(const json_t *answer, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(answer, name));
    return n > 0 ? (size_t)n : 0;
}

/* files: NULL, or a list for the server's audit. */
static enum status post(struct import *im, struct span message, const struct buf *files,
                        struct err *err)
{
    auto_buf body = {0}, path = {0};
    buf_str(&path, "/api/galen/v1/import?format=remote-write");
    if (files)
        buf_span(&path, buf_view(files));
    enum status st = cli_send(&im->server, "POST", buf_text(&path), "application/x-protobuf",
                              message, &body, err);
    if (st)
        return st;
    json_t *answer = json_loadb(body.at ? body.at : "", body.len, 0, NULL);
    if (!json_is_integer(json_object_get(answer, "imported")))
        st = err_set(err, INVALID, "%s did not say what it imported", im->server.url);
    else
        add_counts(im, count_of(answer, "imported"), count_of(answer, "duplicates"),
                   count_of(answer, "refused"),
                   json_string_value(json_object_get(answer, "refused_why")));
    json_decref(answer);
    return st;
}

static enum status to_server(struct import *im, struct span message, struct err *err)
{
    return post(im, message, NULL, err);
}

/* Before the first sample the server's audit has who imports what. */
static enum status announce(struct import *im, char **names, int n, struct err *err)
{
    auto_buf files = {0};
    buf_str(&files, "&files=");
    for (int i = 0; i < n && files.len < NAMES_MAX_BYTES; i++) {
        url_encode(&files, span_of(i ? "," : ""));
        url_encode(&files, span_of(names[i]));
    }
    buf_printf(&files, "&samples=%llu", (unsigned long long)im->understood);
    return im->data ? OK : post(im, (struct span){0}, &files, err);
}

/* Who takes them may be behind for a moment. */
static enum status send(void *arg, struct span message, struct err *err)
{
    struct import *im = arg;
    enum status st = OK;
    for (int i = 0; i < PATIENCE; i++) {
        st = im->data ? to_store(im, message, err) : to_server(im, message, err);
        if (st != AGAIN)
            return st;
        usleep(PAUSE_MS * 1000);
    }
    return st;
}

/* ---- reading a file ---- */

static enum status look_only(void *arg, struct labels labels, const struct sample *s, size_t n,
                             struct err *err)
{
    struct import *im = arg;
    (void)labels, (void)s, (void)err;
    im->progress.samples += n;
    return OK;
}

static void name_bad(void *arg, size_t line_no, const char *why)
{
    struct import *im = arg;
    if (im->bad_shown++ < BAD_SHOWN_MAX)
        fprintf(stderr, "%s:%zu: %s\n", im->name, line_no, why);
}

static enum status feed(struct import *im, struct importer *in, struct err *err)
{
    char *bytes = mem_alloc(READ_BYTES);
    enum status st = OK;
    int n;
    while (!st && (n = gzread(im->file, bytes, READ_BYTES)) > 0) {
        st = importer_feed(in, span_from(bytes, (size_t)n), err);
        z_off_t at = gzoffset(im->file);
        progress_show(&im->progress, at > 0 ? (uint64_t)at : 0);
    }
    int code = Z_OK;
    const char *why = gzerror(im->file, &code); /* an end in the middle is no failure of gzread */
    if (!st && (n < 0 || (code != Z_OK && code != Z_STREAM_END)))
        st = err_set(err, IO_FAILED, "%s", code == Z_ERRNO ? strerror(errno) : why);
    free(bytes);
    return st ? st : importer_end(in, err);
}

static enum status read_file(struct import *im, struct importer_config *config,
                             struct importer_counts *counts, struct err *err)
{
    if (gzrewind(im->file))
        return err_set(err, IO_FAILED, "%s: cannot be read from its beginning", im->name);
    if (config->format == EXCHANGE_AUTO)
        config->format = exchange_format_of_file(span_of(im->name));
    config->now_ms = clock_wall_ms();
    config->labels = label_builder_end(&im->labels);
    im->progress.samples = 0;
    struct importer *in = importer_open(config);
    enum status st = feed(im, in, err);
    *counts = *importer_counts(in);
    importer_close(in);
    progress_end(&im->progress);
    return st ? err_prefix(err, "%s", im->name) : OK;
}

static enum status understand(struct import *im, struct err *err)
{
    struct importer_counts counts;
    struct importer_config config = {
        .format = im->format, .take = look_only, .bad = name_bad, .arg = im};
    im->bad_shown = 0;
    enum status st = read_file(im, &config, &counts, err);
    if (im->bad_shown > BAD_SHOWN_MAX)
        fprintf(stderr, "%s: %zu more bad lines\n", im->name, im->bad_shown - BAD_SHOWN_MAX);
    im->bad += counts.bad;
    im->understood += counts.samples;
    if (!st && im->dry_run)
        printf("%s: %llu samples in %llu lines, %llu bad\n", im->name,
               (unsigned long long)counts.samples, (unsigned long long)counts.lines,
               (unsigned long long)counts.bad);
    return st;
}

static enum status import_file(struct import *im, struct err *err)
{
    struct importer_counts counts;
    struct write_sender sender = {.send = send, .arg = im};
    struct importer_config config = {
        .format = im->format, .take = write_sender_take, .arg = &sender};
    enum status st = read_file(im, &config, &counts, err);
    enum status ended = write_sender_end(&sender, !st, err);
    return st ? st : ended;
}

/* Standard input can be read once only: a file without a name keeps it. */
static enum status spool_input(FILE **out, struct err *err)
{
    char *bytes = mem_alloc(READ_BYTES);
    size_t n;
    *out = tmpfile();
    bool good = *out != NULL;
    while (good && (n = fread(bytes, 1, READ_BYTES, stdin)) > 0)
        good = fwrite(bytes, 1, n, *out) == n;
    free(bytes);
    good = good && !ferror(stdin) && !fflush(*out) && fseek(*out, 0, SEEK_SET) == 0;
    return good ? OK : err_errno(err, "keep standard input in a temporary file");
}

static enum status with_file(struct import *im, const char *name,
                             enum status (*work)(struct import *, struct err *), FILE *input,
                             struct err *err)
{
    struct stat info;
    bool standard = strcmp(name, "-") == 0;
    im->name = standard ? "standard input" : name;
    if (standard)
        rewind(input); /* a copy of the descriptor begins where this one stands */
    im->file = standard ? gzdopen(dup(fileno(input)), "rb") : gzopen(name, "rb");
    if (!im->file)
        return err_errno(err, "open %s", name);
    im->progress = (struct progress){.name = im->name};
    if ((standard ? fstat(fileno(input), &info) : stat(name, &info)) == 0 && S_ISREG(info.st_mode))
        im->progress.total = (uint64_t)info.st_size;
    enum status st = work(im, err);
    gzclose(im->file);
    return st;
}

/* ---- the command ---- */

static enum status open_store(struct import *im, struct err *err)
{
    struct store_config config = {.dir = im->data, .retention_ms = KEEP_ALL_MS};
    if (!im->data)
        return OK;
    if (access(im->data, F_OK))
        return err_errno(err, "open %s", im->data);
    enum status st = store_open(&config, &im->store, err);
    if (!st)
        im->writer = store_writer_open(im->store);
    return st;
}

static void report(const struct import *im)
{
    const struct append_result *r = &im->sum;
    printf("%zu samples imported, %zu were there already, %zu refused", r->samples, r->duplicates,
           r->refused);
    if (im->bad)
        printf(", %llu bad lines left out", (unsigned long long)im->bad);
    putchar('\n');
    if (r->refused)
        fprintf(stderr, "galen import: refused: %s\n", r->refused_why);
}

static enum status each(struct import *im, char **files, int n, FILE *input,
                        enum status (*work)(struct import *, struct err *), struct err *err)
{
    enum status st = OK;
    for (int i = 0; !st && i < n; i++)
        st = with_file(im, files[i], work, input, err);
    return st;
}

static int run(struct import *im, char **files, int n)
{
    struct err err = {0};
    FILE *input = NULL;
    enum status st = OK;
    for (int i = 0; !st && !input && i < n; i++)
        if (strcmp(files[i], "-") == 0)
            st = spool_input(&input, &err);
    if (!st)
        st = each(im, files, n, input, understand, &err);
    bool refuse = im->bad && !im->skip_bad;
    if (!st && !im->dry_run && !refuse)
        st = open_store(im, &err);
    if (!st && !im->dry_run && !refuse)
        st = announce(im, files, n, &err);
    if (!st && !im->dry_run && !refuse)
        st = each(im, files, n, input, import_file, &err);
    store_writer_close(im->writer);
    store_close(im->store);
    if (input)
        fclose(input);
    if (st)
        return cli_fail("import", &err);
    if (refuse && !im->dry_run)
        fputs("galen import: nothing was imported; --skip-bad imports the rest\n", stderr);
    else if (!im->dry_run)
        report(im);
    return refuse || im->sum.refused ? EXIT_FAILED : EXIT_OK;
}

static bool add_label(struct import *im, const char *text)
{
    struct span s = span_of(text);
    size_t equal = span_find(s, '=');
    struct span name = span_from(s.at, equal);
    if (equal == s.len || !label_name_valid(name))
        return false;
    label_set(&im->labels, name, span_from(s.at + equal + 1, s.len - equal - 1));
    return !im->labels.failed;
}

int cli_import(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_SERVER_OPTIONS,
        {"format", required_argument, NULL, 'f'},
        {"dry-run", no_argument, NULL, 'n'},
        {"skip-bad", no_argument, NULL, 'b'},
        {"label", required_argument, NULL, 'l'},
        {"data", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct import im = {0};
    bool good = true;
    cli_server_defaults(&im.server);
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'f':
            good &= exchange_format_of(span_of(optarg), &im.format);
            break;
        case 'n':
            im.dry_run = true;
            break;
        case 'b':
            im.skip_bad = true;
            break;
        case 'l':
            good &= add_label(&im, optarg);
            break;
        case 'd':
            im.data = optarg;
            break;
        case 'h':
            return cli_usage("import", usage, stdout);
        default:
            good &= cli_server_option(&im.server, c, optarg);
        }
    }
    if (!good || optind == argc)
        return cli_usage("import", usage, stderr);
    return run(&im, argv + optind, argc - optind);
}
