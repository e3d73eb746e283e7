/* See scratch.h. */
#include "scratch.h"

#include "unit.h"

#include "base/file.h"
#include "series/remote_write.h"

#include <fts.h>
#include <stdlib.h>
#include <unistd.h>

void scratch_put(const struct scratch *s, const char *path, const char *text)
{
    auto_buf whole = {0}, folder = {0};
    const char *slash = strrchr(path, '/');
    buf_printf(&whole, "%s/%s", s->dir, path);
    buf_printf(&folder, "%s/%.*s", s->dir, (int)(slash - path), path);
    assert_ok(dir_make(buf_text(&folder), 0700, err));
    assert_ok(file_write_atomic(buf_text(&whole), span_of(text), 0600, err));
}

struct scratch scratch_open(void)
{
    struct scratch s = {.dir = "/tmp/galen-collect-XXXXXX"};
    assert_non_null(mkdtemp(s.dir));
    scratch_put(&s, "proc/sys/kernel/hostname", "scratch\n");
    assert_ok(collect_open(&(struct collect_config){.root = s.dir}, &s.c, err));
    return s;
}

void scratch_close(struct scratch *s)
{
    collect_close(s->c);
    FTS *tree = fts_open((char *[]){s->dir, NULL}, FTS_PHYSICAL | FTS_NOSTAT, NULL);
    for (FTSENT *e; tree && (e = fts_read(tree));)
        if (e->fts_info == FTS_DP)
            rmdir(e->fts_accpath);
        else if (e->fts_info != FTS_D)
            unlink(e->fts_accpath);
    if (tree)
        fts_close(tree);
}

void scratch_collect(struct scratch *s, int64_t t_ms, struct buf *message)
{
    collect_run(s->c, t_ms, t_ms, false);
    buf_clear(message);
    collect_write(s->c, message);
}

static size_t find(const struct buf *message, const char *metric, const char *label,
                   const char *value, struct sample *out)
{
    struct write_reader r = write_reader_of(buf_view(message));
    struct write_entry e;
    size_t n = 0;
    while (write_next(&r, &e)) {
        struct label_builder b = {.n = 0};
        struct labels l;
        assert_ok(write_labels(e.labels_raw, &b, &l, err));
        assert_span(labels_get(l, SPAN("job")), "node");
        assert_span(labels_get(l, SPAN("instance")), "scratch");
        if (!span_is(labels_metric(l), metric) || !span_is(labels_get(l, span_of(label)), value))
            continue;
        struct sample s;
        const char *fault = NULL;
        assert_true(write_sample_next(&e.samples_raw, &s, &fault));
        if (n++ == 0)
            *out = s;
    }
    assert_null(r.fault);
    return n;
}

int scratch_sample(const struct buf *message, const char *metric, const char *label,
                   const char *value, double *v)
{
    struct sample s;
    if (!find(message, metric, label, value, &s))
        return 0;
    *v = s.v;
    return is_stale(s.v) ? 2 : 1;
}

size_t scratch_count(const struct buf *message, const char *metric, const char *label,
                     const char *value)
{
    struct sample s;
    return find(message, metric, label, value, &s);
}
