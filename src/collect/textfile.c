/* Custom metrics: files DIR/x.prom in Prometheus's text format, as node_exporter's textfile
 * collector takes them. A file counts whole or not at all; one that is not taken is a series with
 * its name, and in the log once, until it is right. Only regular files are opened: a link out of
 * the directory would let whoever may write there read what the agent may. */
#include "collect/collectors.h"

#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TEXTFILES_MAX = 64,
    TEXTFILE_MAX_BYTES = 1 << 20,
    TEXTFILE_SERIES_MAX = 10000,  /* of all files */
    TEXTFILE_FAMILIES_MAX = 2000, /* that were ever seen; they stay known */
};

enum { MTIME, SCRAPE_ERROR, REFUSED };

static const struct metric textfile_metrics[] = {
    [MTIME] = {"node_textfile_mtime_seconds",
               METRIC_GAUGE,
               "Unixtime mtime of textfiles successfully read.",
               {"file"}},
    [SCRAPE_ERROR] = {"node_textfile_scrape_error",
                      METRIC_GAUGE,
                      "1 if there was an error opening or reading a file, 0 otherwise",
                      {0}},
    [REFUSED] = {"galen_textfile_refused",
                 METRIC_GAUGE,
                 "1 for a file of which nothing is taken, as something in it is wrong.",
                 {"file"}},
};

struct family {
    struct span name, help;
    enum metric_type type;
    struct family *next;
};

struct named {
    struct metric metric;
    const char *family;
};

struct value {
    const struct metric *metric;
    struct span values[METRIC_LABELS_MAX];
    size_t n;
    double v;
};

struct textfile {
    struct map metrics; /* by name, family, type and label names */
    size_t n_metrics;
    struct map told;    /* file name to the fault last told, allocated */
    struct arena arena; /* of one run */
    struct value *read; /* of the file being read */
    size_t n_read, n_series;
};

/* ---- families ---- */

static struct span family_of(struct span name, const struct family *families)
{
    static const char *const ends[] = {"_bucket", "_sum", "_count"};
    for (const struct family *f = families; f; f = f->next) {
        if (span_eq(f->name, name))
            return name;
        if (f->type != METRIC_HISTOGRAM && f->type != METRIC_SUMMARY)
            continue;
        for (size_t i = 0; i < COUNT(ends); i++) {
            struct span end = span_of(ends[i]);
            if (name.len == f->name.len + end.len && span_starts(name, f->name) &&
                span_ends(name, end))
                return f->name;
        }
    }
    return name;
}

static struct family *family_named(struct textfile *f, struct family **families, struct span name)
{
    for (struct family *at = *families; at; at = at->next)
        if (span_eq(at->name, name))
            return at;
    struct family *made = ARENA_NEW(&f->arena, struct family);
    *made = (struct family){.name = arena_span(&f->arena, name), .next = *families};
    return *families = made;
}

/* Names that the agent's own collectors have: a page with a family twice is no page. */
static bool is_ours(struct span name)
{
    size_t n;
    const struct collector *const *table = collect_table(&n);
    char text[LABEL_NAME_MAX_BYTES + 1], pattern[LABEL_NAME_MAX_BYTES + 1];
    if (name.len > LABEL_NAME_MAX_BYTES)
        return true;
    memcpy(text, name.at, name.len);
    text[name.len] = '\0';
    if (!span_starts(name, SPAN("node_")) && !span_starts(name, SPAN("galen_")))
        return false;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < table[i]->n_metrics; k++) {
            const char *own = table[i]->metrics[k].name;
            size_t at = 0;
            for (; own && own[at] && at < LABEL_NAME_MAX_BYTES; at++)
                pattern[at] = own[at] == '%' ? '*' : own[at];
            pattern[at] = '\0';
            if (own && fnmatch(pattern, text, 0) == 0)
                return true;
        }
    }
    return false;
}

/* The description of a series' metric, made at its first sight; NULL: too many were. */
static const struct metric *metric_of(struct textfile *f, struct arena *keep,
                                      const struct family *family, struct labels labels)
{
    auto_buf key = {0};
    struct span name = labels_metric(labels);
    buf_printf(&key, "%d", (int)family->type);
    buf_span(&key, family->name);
    buf_char(&key, '\n');
    buf_span(&key, family->help);
    for (size_t i = 0; i < labels.n; i++) {
        buf_char(&key, '\n');
        buf_span(&key, span_is(labels.at[i].name, LABEL_NAME) ? name : labels.at[i].name);
    }
    struct named *known = map_get(&f->metrics, buf_view(&key));
    if (known || f->n_metrics == TEXTFILE_FAMILIES_MAX)
        return known ? &known->metric : NULL;
    known = ARENA_NEW(keep, struct named);
    known->family = arena_dup_span(keep, family->name);
    struct metric *m = &known->metric;
    *m = (struct metric){.name = arena_dup_span(keep, name),
                         .type = family->type,
                         .help = arena_dup_span(keep, family->help)};
    for (size_t i = 0, n = 0; i < labels.n; i++) {
        struct span label = labels.at[i].name;
        if (span_is(label, LABEL_NAME))
            continue;
        /* as Prometheus does it with labels that a target must not set */
        bool reserved = span_is(label, "instance") || span_is(label, "job");
        m->labels[n++] = arena_printf(keep, "%s%.*s", reserved ? "exported_" : "", SPAN_ARG(label));
    }
    map_put(&f->metrics, arena_span(keep, buf_view(&key)), known);
    f->n_metrics++;
    return m;
}

/* ---- one file ---- */

static enum status take_sample(struct textfile *f, struct tick *t, struct family **families,
                               const struct exposition_line *line, struct err *err)
{
    struct span name = labels_metric(line->labels);
    if (line->has_time)
        return err_set(err, INVALID, "line %zu: times are the agent's", line->line_no);
    if (!metric_name_valid(name) || line->labels.n > METRIC_LABELS_MAX + 1)
        return err_set(err, INVALID, "line %zu: a plain name and %d labels at most", line->line_no,
                       METRIC_LABELS_MAX);
    if (is_ours(name))
        return err_set(err, INVALID, "line %zu: %.*s is a name of the agent's own", line->line_no,
                       SPAN_ARG(name));
    if (f->n_series + f->n_read == TEXTFILE_SERIES_MAX)
        return err_set(err, FULL, "line %zu: all files have more than %d series", line->line_no,
                       TEXTFILE_SERIES_MAX);
    struct family *family = family_named(f, families, family_of(name, *families));
    if (!family->help.len)
        family->help = SPAN("Metric read from a textfile.");
    struct value *v = &f->read[f->n_read];
    *v = (struct value){.metric = metric_of(f, tick_arena(t), family, line->labels), .v = line->v};
    if (!v->metric)
        return err_set(err, FULL, "line %zu: more than %d families were seen since the start",
                       line->line_no, TEXTFILE_FAMILIES_MAX);
    for (size_t i = 0; i < line->labels.n; i++)
        if (!span_is(line->labels.at[i].name, LABEL_NAME))
            v->values[v->n++] = arena_span(&f->arena, line->labels.at[i].value);
    f->n_read++;
    return OK;
}

static enum status parse_file(struct textfile *f, struct tick *t, struct span text, struct err *err)
{
    struct exposition_reader *r = exposition_open(text, false);
    struct exposition_line line;
    struct family *families = NULL;
    enum status st;
    while ((st = exposition_next(r, &line, err)) == OK) {
        if (line.kind == EXPOSITION_HELP)
            family_named(f, &families, line.name)->help = arena_span(&f->arena, line.text);
        else if (line.kind == EXPOSITION_TYPE)
            family_named(f, &families, line.name)->type = line.type;
        else if (line.kind == EXPOSITION_SAMPLE)
            st = take_sample(f, t, &families, &line, err);
        if (st)
            break;
    }
    exposition_close(r);
    return st == NOT_FOUND ? OK : st;
}

static enum status read_file(int dir, const char *name, struct buf *text, double *mtime,
                             struct err *err)
{
    struct stat st;
    auto_fd fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0 && errno == ELOOP)
        return err_set(err, INVALID, "it is a symbolic link");
    if (fd < 0 || fstat(fd, &st))
        return err_errno(err, "open");
    if (!S_ISREG(st.st_mode))
        return err_set(err, INVALID, "it is no regular file");
    if (st.st_size > TEXTFILE_MAX_BYTES)
        return err_set(err, FULL, "it is larger than %d bytes", TEXTFILE_MAX_BYTES);
    *mtime = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
    char *at = buf_reserve(text, (size_t)st.st_size);
    ssize_t got = at ? pread(fd, at, (size_t)st.st_size, 0) : -1;
    if (got != st.st_size)
        return err_set(err, AGAIN, "it changed while it was read");
    text->len += (size_t)got;
    return OK;
}

/* Once for each fault. */
static void tell(struct textfile *f, const struct tick *t, const char *name, const char *why)
{
    struct span key = span_of(name);
    char *told = map_get(&f->told, key);
    if (told && why && strcmp(told + key.len + 1, why) == 0)
        return;
    if (told)
        free(map_remove(&f->told, key));
    if (!why && told)
        log_info("textfile %s/%s is taken again", t->c->textfiles, name);
    if (!why)
        return;
    log_warn("textfile %s/%s is left out: %s", t->c->textfiles, name, why);
    told = mem_alloc(key.len + strlen(why) + 2);
    memcpy(told, name, key.len + 1);
    memcpy(told + key.len + 1, why, strlen(why) + 1);
    map_put(&f->told, span_from(told, key.len), told);
}

static bool take_file(struct textfile *f, struct tick *t, int dir, const char *name)
{
    struct err err = {0};
    auto_buf text = {0};
    double mtime = 0;
    f->n_read = 0;
    enum status st = read_file(dir, name, &text, &mtime, &err);
    if (!st)
        st = parse_file(f, t, buf_view(&text), &err);
    tell(f, t, name, st ? err.text : NULL);
    emit1(t, &textfile_metrics[REFUSED], span_of(name), st != OK);
    if (st)
        return false;
    emit1(t, &textfile_metrics[MTIME], span_of(name), mtime);
    for (size_t i = 0; i < f->n_read; i++)
        emit_values(t, f->read[i].metric, f->read[i].values, f->read[i].n, f->read[i].v);
    f->n_series += f->n_read;
    return true;
}

/* ---- all ---- */

static int is_textfile(const struct dirent *e)
{
    return e->d_name[0] != '.' && span_ends(span_of(e->d_name), SPAN(".prom"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum status textfile_collect(struct tick *t, void *state, struct err *err)
{
    struct textfile *f = state;
    struct dirent **entries;
    if (!t->c->textfiles)
        return NOT_FOUND;
    auto_fd dir = open(t->c->textfiles, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int n = dir < 0 ? -1 : scandirat(dir, ".", &entries, is_textfile, by_name);
    if (n < 0) {
        emit(t, &textfile_metrics[SCRAPE_ERROR], 1);
        err_errno(err, "textfiles: %s", t->c->textfiles);
        return INVALID;
    }
    bool fine = n <= TEXTFILES_MAX;
    f->read = ARENA_ARRAY(&f->arena, struct value, TEXTFILE_SERIES_MAX);
    f->n_series = 0;
    for (int i = 0; i < n; i++) {
        if (i < TEXTFILES_MAX)
            fine = take_file(f, t, dir, entries[i]->d_name) && fine;
        else if (i == TEXTFILES_MAX)
            tell(f, t, entries[i]->d_name, "there are more than 64 files");
        free(entries[i]);
    }
    free(entries);
    emit(t, &textfile_metrics[SCRAPE_ERROR], !fine);
    arena_free(&f->arena);
    return OK;
}

static const char *textfile_family(const struct metric *m)
{
    bool own = m >= textfile_metrics && m < textfile_metrics + COUNT(textfile_metrics);
    return own ? m->name : ((const struct named *)m)->family;
}

static void textfile_free(void *state)
{
    struct textfile *f = state;
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&f->told, &at));)
        free(slot->value);
    map_free(&f->told);
    map_free(&f->metrics);
    arena_free(&f->arena);
}

const struct collector textfile_collector = {COLLECTOR_OF(textfile, struct textfile), .every_s = 15,
                                             .optional = true, .free = textfile_free,
                                             .family = textfile_family};
