#include "cli/look.h"

#include "series/exposition.h"
#include "series/remote_write.h"

enum status look_add_message(struct memory_source *to, struct span message, struct err *err)
{
    struct write_reader r = write_reader_of(message);
    struct write_entry e;
    while (write_next(&r, &e)) {
        struct label_builder b = {0};
        struct labels labels;
        struct sample sample;
        const char *fault = NULL;
        enum status st = write_labels(e.labels_raw, &b, &labels, err);
        while (!st && write_sample_next(&e.samples_raw, &sample, &fault))
            st = memory_source_append(to, labels, sample, err);
        if (st || fault)
            return st ? st : err_set(err, INVALID, "%s", fault);
    }
    return r.fault ? err_set(err, INVALID, "%s", r.fault) : OK;
}

static enum status find_time(struct span text, int64_t *t_ms, struct err *err)
{
    struct exposition_reader *r = exposition_open(text, false);
    struct exposition_line line;
    bool found = false;
    while (!found && exposition_next(r, &line, NULL) != NOT_FOUND)
        if (line.kind == EXPOSITION_SAMPLE &&
            span_is(labels_metric(line.labels), "node_time_seconds")) {
            *t_ms = (int64_t)(line.v * 1000);
            found = true;
        }
    exposition_close(r);
    return found ? OK : err_set(err, INVALID, "there is no node_time_seconds to tell the time");
}

static enum status add_line(struct memory_source *to, const struct exposition_line *line,
                            const char *instance, int64_t t_ms, struct err *err)
{
    if (line->kind != EXPOSITION_SAMPLE)
        return OK;
    struct label_builder b;
    label_builder_start(&b, line->labels);
    label_set(&b, SPAN("instance"), span_of(instance));
    label_set(&b, SPAN("job"), SPAN("node"));
    return memory_source_append(to, label_builder_end(&b), (struct sample){t_ms, line->v}, err);
}

enum status look_add_text(struct memory_source *to, struct span text, const char *instance,
                          int64_t *t_ms, struct err *err)
{
    enum status st = find_time(text, t_ms, err);
    if (st)
        return st;
    struct exposition_reader *r = exposition_open(text, false);
    struct exposition_line line;
    while (!st && !(st = exposition_next(r, &line, err)))
        st = add_line(to, &line, instance, *t_ms, err);
    exposition_close(r);
    return st == NOT_FOUND ? OK : st;
}
