#include "fixture.h"

#include "base/file.h"
#include "base/log.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int64_t fixture_now = NOON;
struct fixture_part fixture_part = {0, 1};

bool fixture_soak(void)
{
    return getenv("GALEN_SOAK") != NULL;
}

/* The real one, but nothing waits for the device: these processes may die, the machine does
 * not. */
static struct disk quick;

static int quick_sync(struct disk *d, int fd)
{
    (void)d, (void)fd;
    return 0;
}

static int quick_sync_dir(struct disk *d, const char *path)
{
    (void)d, (void)path;
    return 0;
}

static int64_t now(void)
{
    return fixture_now;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info, (void)kind, (void)ftw;
    return remove(path);
}

void remove_tree(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    fixture_now = NOON;
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(f->dir, sizeof f->dir, "%s/galen-store-XXXXXX", tmp ? tmp : "/tmp");
    assert_in_range(n, 1, sizeof f->dir - 1);
    assert_non_null(mkdtemp(f->dir));
    f->config = (struct store_config){.dir = f->dir, .now_ms = now};
    quick = disk_posix;
    quick.sync = quick_sync;
    quick.sync_dir = quick_sync_dir;
    f->tuning = (struct store_tuning){.disk = &quick, .segment_bytes = 64 << 10, .no_thread = true};
}

void fixture_open(struct fixture *f)
{
    assert_ok(store_open_tuned(&f->config, &f->tuning, &f->store, err));
    f->writer = store_writer_open(f->store);
}

void fixture_close(struct fixture *f)
{
    store_writer_close(f->writer);
    store_close(f->store);
    f->writer = NULL;
    f->store = NULL;
}

void fixture_crash(struct fixture *f)
{
    store_writer_close(f->writer);
    store_abandon(f->store);
    f->writer = NULL;
    f->store = NULL;
}

void fixture_free(struct fixture *f)
{
    if (f->store)
        fixture_close(f);
    remove_tree(f->dir);
}

/* ---- labels ---- */

static struct span cut(struct span *rest, const char *until)
{
    size_t n = 0;
    while (n < rest->len && !strchr(until, rest->at[n]))
        n++;
    struct span head = {rest->at, n};
    rest->at += n;
    rest->len -= n;
    return head;
}

static struct span unquoted(struct span s)
{
    return s.len >= 2 && s.at[0] == '"' ? span_from(s.at + 1, s.len - 2) : s;
}

/* Calls fn for each name, operator and value. */
static void parse_pairs(struct span text,
                        void (*fn)(void *arg, struct span name, struct span op, struct span value),
                        void *arg)
{
    struct span name = cut(&text, "{");
    if (name.len)
        fn(arg, SPAN(LABEL_NAME), SPAN("="), name);
    while (text.len > 1) {
        text.at++, text.len--; /* { or , */
        struct span label = cut(&text, "=!");
        struct span op = cut(&text, "\"");
        text.at++, text.len--;
        struct span value = cut(&text, "\"");
        text.at++, text.len--;
        fn(arg, label, op, unquoted(value));
    }
}

static void add_label(void *arg, struct span name, struct span op, struct span value)
{
    (void)op;
    label_set(arg, name, value);
}

struct labels labels_of(struct arena *a, const char *text)
{
    struct label_builder b = {0};
    parse_pairs(span_of(text), add_label, &b);
    return labels_dup(a, label_builder_end(&b));
}

struct matcher_list {
    struct matcher *at;
    size_t n;
};

static void add_matcher(void *arg, struct span name, struct span op, struct span value)
{
    struct matcher_list *list = arg;
    enum matcher_kind kind = span_is(op, "=")    ? MATCH_EQUAL
                             : span_is(op, "!=") ? MATCH_NOT_EQUAL
                             : span_is(op, "=~") ? MATCH_REGEX
                                                 : MATCH_NOT_REGEX;
    assert_ok(matcher_init(&list->at[list->n++], kind, name, value, err));
}

size_t matchers_of(struct arena *a, const char *text, struct matcher *out)
{
    struct matcher_list list = {out, 0};
    parse_pairs(span_of(arena_dup(a, text)), add_matcher, &list);
    return list.n;
}

void matchers_free(struct matcher *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        matcher_free(&m[i]);
}

/* ---- in and out ---- */

void message_add(struct buf *message, const char *series, const struct sample *s, size_t n)
{
    auto_arena a = {0};
    write_series(message, labels_of(&a, series), s, n);
}

struct append_result fixture_append(struct fixture *f, const char *series, const struct sample *s,
                                    size_t n)
{
    auto_buf message = {0};
    struct append_result result = {0};
    message_add(&message, series, s, n);
    assert_ok(store_append_wait(f->writer, buf_view(&message), &result, err));
    return result;
}

void fixture_put(struct fixture *f, const char *series, int64_t t, double v)
{
    struct sample s = {t, v};
    struct append_result r = fixture_append(f, series, &s, 1);
    if (r.samples != 1)
        fail_msg("%s at %lld: not taken (%s)", series, (long long)t, r.refused_why);
}

struct selected fixture_read(struct fixture *f, struct arena *a, const char *series, int64_t start,
                             int64_t end)
{
    struct matcher m[LABELS_MAX];
    size_t n = matchers_of(a, series, m), found_n;
    struct labels want = labels_of(a, series);
    struct select_hints hints = {.start_ms = start, .end_ms = end};
    struct selected *found, out = {0};
    struct source *view = store_read_begin(f->store);
    assert_ok(view->select(view, m, n, &hints, a, &found, &found_n, err));
    for (size_t i = 0; i < found_n; i++) {
        if (!labels_eq(found[i].labels, want))
            continue;
        if (out.labels.n)
            fail_msg("%s is there twice", series);
        assert_ok(view->read(view, &found[i], &hints, a, err));
        out = found[i];
        out.labels = labels_dup(a, out.labels);
    }
    store_read_end(view);
    matchers_free(m, n);
    return out;
}

size_t fixture_count(struct fixture *f, const char *selector)
{
    auto_arena a = {0};
    struct matcher m[LABELS_MAX];
    size_t n = matchers_of(&a, selector, m), found_n;
    struct selected *found;
    struct source *view = store_read_begin(f->store);
    assert_ok(view->select(view, m, n, NULL, &a, &found, &found_n, err));
    store_read_end(view);
    matchers_free(m, n);
    return found_n;
}

void assert_samples(struct fixture *f, const char *series, const struct sample *want, size_t n)
{
    auto_arena a = {0};
    struct selected s = fixture_read(f, &a, series, INT64_MIN, INT64_MAX);
    if (s.n != n)
        fail_msg("%s has %zu samples, not %zu", series, s.n, n);
    for (size_t i = 0; i < n; i++)
        if (s.t_ms[i] != want[i].t_ms || double_bits(s.v[i]) != double_bits(want[i].v))
            fail_msg("%s, sample %zu: %lld %a, not %lld %a", series, i, (long long)s.t_ms[i],
                     s.v[i], (long long)want[i].t_ms, want[i].v);
}
