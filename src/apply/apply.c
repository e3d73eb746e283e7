#include "apply/apply.h"

#include "apply/journal.h"
#include "base/buf.h"
#include "base/file.h"
#include "series/parameter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define auto_journal CLEANUP(journal_close) struct journal

/* ---- /proc/sys ---- */

/* Opened below the root, the last part no symbolic link. Names were checked: they cannot leave. */
static int open_parameter(int root_fd, struct span parameter, int flags)
{
    auto_arena arena = {0};
    char *name = arena_dup_span(&arena, parameter);
    parameter_swap_separators(name);
    return openat(root_fd, arena_printf(&arena, "proc/sys/%s", name),
                  flags | O_NOFOLLOW | O_CLOEXEC);
}

static enum status read_value(int root_fd, struct span parameter, struct arena *arena, char **out,
                              struct err *err)
{
    char text[APPLY_VALUE_MAX_BYTES + 1];
    *out = arena_dup(arena, "");
    auto_fd fd = open_parameter(root_fd, parameter, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0)
        return err_errno(err, "read %.*s", SPAN_ARG(parameter));
    *out = parameter_value(arena, span_trim(span_from(text, (size_t)n)));
    return OK;
}

/* Written, and read back: the kernel may take another value than it was given. */
static enum status write_value(int root_fd, struct span parameter, const char *value,
                               struct err *err)
{
    auto_arena arena = {0};
    char *now;
    struct stat info;
    auto_fd fd = open_parameter(root_fd, parameter, O_WRONLY);
    if (fd < 0 || fstat(fd, &info))
        return err_errno(err, "write %.*s", SPAN_ARG(parameter));
    char *line = arena_printf(&arena, "%s\n", value);
    if (!S_ISREG(info.st_mode))
        return err_set(err, INVALID, "%.*s is no file", SPAN_ARG(parameter));
    /* A recorded machine's file is shortened; the kernel's takes no notice. */
    if (ftruncate(fd, 0) || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
        return err_errno(err, "write %.*s", SPAN_ARG(parameter));
    enum status st = read_value(root_fd, parameter, &arena, &now, err);
    if (!st && strcmp(now, value) != 0)
        return err_set(err, INVALID, "%.*s was set to %s, but the kernel made it %s",
                       SPAN_ARG(parameter), value, now);
    return st;
}

/* ---- APPLY_CONF ---- */

static enum status read_conf(int root_fd, struct buf *out, struct err *err)
{
    out->max = SYSCTL_FILE_MAX_BYTES;
    struct stat info;
    if (fstatat(root_fd, APPLY_CONF, &info, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? OK : err_errno(err, "read /%s", APPLY_CONF);
    if (!S_ISREG(info.st_mode))
        return err_set(err, INVALID, "/%s is no plain file", APPLY_CONF);
    return file_read_at(root_fd, APPLY_CONF, out, err);
}

static bool line_sets(struct span line, struct span parameter)
{
    auto_arena arena = {0};
    struct sysctl_lines one = {.rest = line};
    struct sysctl_line found;
    return sysctl_next(&one, &found) && span_is(parameter, parameter_dotted(&arena, found.name));
}

/* The line that sets the parameter there, or NULL. */
static char *conf_line(struct span text, struct span parameter, struct arena *arena)
{
    struct span line;
    char *found = NULL;
    while (span_line(&text, &line))
        if (line_sets(line, parameter))
            found = arena_dup_span(arena, span_trim(line));
    return found;
}

/* line NULL: taken away. */
static enum status write_conf(const char *root, int root_fd, struct span parameter,
                              const char *line, struct err *err)
{
    auto_buf old = {0}, new = {0}, path = {0}, dir = {0};
    enum status st = read_conf(root_fd, &old, err);
    if (st)
        return st;
    struct span rest = buf_view(&old), one;
    bool done = !line;
    if (!rest.len && line)
        buf_str(&new,
                "# Written by galen apply; galen apply --revert PARAMETER takes a line back.\n");
    while (span_line(&rest, &one)) {
        bool this = line_sets(one, parameter);
        if (this && !done)
            buf_printf(&new, "%s\n", line);
        else if (!this)
            buf_printf(&new, "%.*s\n", SPAN_ARG(one));
        done |= this;
    }
    if (!done)
        buf_printf(&new, "%s\n", line);
    const char *prefix = strcmp(root, "/") == 0 ? "" : root;
    buf_printf(&path, "%s/%s", prefix, APPLY_CONF);
    buf_printf(&dir, "%s/etc/sysctl.d", prefix);
    if ((st = dir_make(buf_text(&dir), 0755, err)))
        return st;
    return file_write_atomic(buf_text(&path), buf_view(&new), 0644, err);
}

/* ---- plan ---- */

/* Files behind APPLY_CONF in the order of reading. */
static void find_later(int root_fd, struct span parameter, struct arena *arena,
                       struct apply_plan *out)
{
    struct sysctl_file *files;
    size_t n = sysctl_files(root_fd, arena, &files);
    for (size_t i = 0; i < n; i++) {
        const char *base = strrchr(files[i].path, '/') + 1;
        bool last = strcmp(files[i].path, SYSCTL_CONF) == 0;
        if (!last && strcmp(base, "90-galen.conf") <= 0)
            continue;
        auto_buf text = {.max = SYSCTL_FILE_MAX_BYTES};
        if (file_read_at(root_fd, files[i].path, &text, NULL))
            continue;
        struct sysctl_lines lines = {.rest = buf_view(&text)};
        for (struct sysctl_line l; sysctl_next(&lines, &l);)
            if (span_is(parameter, parameter_dotted(arena, l.name))) {
                out->later_file = arena_printf(arena, "/%s", files[i].path);
                out->later_value = parameter_value(arena, l.value);
            }
    }
}

enum status apply_plan(const char *root, struct span parameter, struct span value,
                       struct arena *arena, struct apply_plan *out, struct err *err)
{
    *out = (struct apply_plan){.parameter = parameter_dotted(arena, parameter)};
    struct span name = span_of(out->parameter);
    if (!parameter_name_valid(name))
        return err_set(err, INVALID, "\"%.*s\" is no name of a kernel parameter",
                       (int)MIN(name.len, (size_t)80), name.at);
    enum status st = apply_check(name, value, err);
    if (st)
        return st;
    auto_fd root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0)
        return err_errno(err, "open %s", root);
    char *from;
    if ((st = read_value(root_fd, name, arena, &from, err)))
        return st;
    out->from = from;
    out->to = parameter_value(arena, value);
    out->line = arena_printf(arena, "%s = %s", out->parameter, out->to);
    find_later(root_fd, name, arena, out);
    return OK;
}

/* ---- do, confirm, revert ---- */

static json_t *new_entry(const struct apply_plan *p, const char *line_before)
{
    json_t *e = json_object();
    json_object_set_new(e, "parameter", json_string(p->parameter));
    json_object_set_new(e, "from", json_string(p->from));
    json_object_set_new(e, "line_before", line_before ? json_string(line_before) : json_null());
    return e;
}

static bool waits(const json_t *e)
{
    return json_integer_value(json_object_get(e, "confirm_by_ms")) != 0;
}

/* The value before the first change stays the one to go back to; but what is to be confirmed goes
 * back to what was confirmed. */
static enum status note(struct journal *j, const struct apply_plan *p, int64_t now_ms,
                        int64_t confirm_by_ms, struct err *err)
{
    auto_arena arena = {0};
    auto_buf conf = {0};
    enum status st = read_conf(j->root_fd, &conf, err);
    if (st)
        return st;
    json_t *e = journal_find(j, span_of(p->parameter));
    if (!e || (confirm_by_ms && !waits(e))) {
        if (json_array_size(j->all) >= APPLY_ENTRIES_MAX)
            return err_set(err, FULL, "%s has %d entries already", j->path, APPLY_ENTRIES_MAX);
        e = new_entry(p, conf_line(buf_view(&conf), span_of(p->parameter), &arena));
        json_array_append_new(j->all, e);
    }
    json_object_set_new(e, "to", json_string(p->to));
    json_object_set_new(e, "at_ms", json_integer(now_ms));
    json_object_set_new(e, "confirm_by_ms", json_integer(confirm_by_ms));
    return journal_save(j, err);
}

static void forget(struct journal *j, const json_t *e)
{
    for (size_t i = 0; i < json_array_size(j->all); i++)
        if (json_array_get(j->all, i) == e) {
            json_array_remove(j->all, i);
            return;
        }
}

enum status apply_do(const char *root, const struct apply_plan *p, int64_t now_ms,
                     int64_t confirm_ms, struct err *err)
{
    if (confirm_ms && (confirm_ms < APPLY_CONFIRM_MIN_MS || confirm_ms > APPLY_CONFIRM_MAX_MS))
        return err_set(err, INVALID, "a confirmation can be asked for within 1 s to 24 h");
    struct span name = span_of(p->parameter);
    enum status st = apply_check(name, span_of(p->to), err);
    if (st)
        return st;
    auto_journal j;
    if ((st = journal_open(root, &j, err)))
        return st;
    if ((st = note(&j, p, now_ms, confirm_ms ? now_ms + confirm_ms : 0, err)))
        return st;
    st = write_value(j.root_fd, name, p->to, err);
    if (!st && !confirm_ms)
        st = write_conf(root, j.root_fd, name, p->line, err);
    if (!st)
        return OK;
    /* As it was: nothing half done stays. */
    if (write_value(j.root_fd, name, p->from, NULL) == OK) {
        forget(&j, journal_find(&j, name));
        (void)!journal_save(&j, NULL);
    }
    return st;
}

static const char *text_of(const json_t *e, const char *key)
{
    return json_string_value(json_object_get(e, key));
}

enum status apply_list(const char *root, struct arena *arena, struct applied **out, size_t *n,
                       struct err *err)
{
    auto_journal j;
    enum status st = journal_open(root, &j, err);
    if (st)
        return st;
    *n = json_array_size(j.all);
    *out = ARENA_ARRAY(arena, struct applied, *n);
    for (size_t i = 0; i < *n; i++) {
        const json_t *e = json_array_get(j.all, i);
        (*out)[i] = (struct applied){
            .parameter = arena_dup(arena, text_of(e, "parameter")),
            .from = arena_dup(arena, text_of(e, "from")),
            .to = arena_dup(arena, text_of(e, "to")),
            .at_ms = json_integer_value(json_object_get(e, "at_ms")),
            .confirm_by_ms = json_integer_value(json_object_get(e, "confirm_by_ms")),
        };
    }
    return OK;
}

enum status apply_confirm(const char *root, struct span parameter, size_t *n, struct err *err)
{
    *n = 0;
    auto_journal j;
    enum status st = journal_open(root, &j, err);
    for (size_t i = 0; !st && i < json_array_size(j.all); i++) {
        json_t *e = json_array_get(j.all, i);
        struct span name = span_of(text_of(e, "parameter"));
        if (!waits(e) || (parameter.len && !span_eq(parameter, name)))
            continue;
        auto_arena arena = {0};
        st = write_conf(root, j.root_fd, name,
                        arena_printf(&arena, "%.*s = %s", SPAN_ARG(name), text_of(e, "to")), err);
        if (st)
            break;
        json_object_set_new(e, "confirm_by_ms", json_integer(0));
        ++*n;
    }
    if (!st && !*n)
        return err_set(err, NOT_FOUND, "no change waits to be confirmed");
    return st ? st : journal_save(&j, err);
}

/* Not when somebody else has changed it since. */
static enum status revert_entry(const char *root, struct journal *j, json_t *e, struct err *err)
{
    auto_arena arena = {0};
    struct span name = span_of(text_of(e, "parameter"));
    char *now;
    enum status st = read_value(j->root_fd, name, &arena, &now, err);
    if (st)
        return st;
    const char *from = text_of(e, "from"), *to = text_of(e, "to");
    if (strcmp(now, from) != 0 && strcmp(now, to) != 0)
        return err_set(err, EXISTS,
                       "%.*s is %s: somebody changed it after galen had set it to %s; set it to "
                       "%s by hand if you want that",
                       SPAN_ARG(name), now, to, from);
    st = write_value(j->root_fd, name, from, err);
    if (!st)
        st = write_conf(root, j->root_fd, name, text_of(e, "line_before"), err);
    if (st)
        return st;
    forget(j, e);
    return journal_save(j, err);
}

enum status apply_revert(const char *root, struct span parameter, struct err *err)
{
    auto_journal j;
    enum status st = journal_open(root, &j, err);
    if (st)
        return st;
    json_t *e = journal_find(&j, parameter);
    if (!e)
        return err_set(err, NOT_FOUND, "galen has not changed %.*s on this host",
                       (int)MIN(parameter.len, (size_t)80), parameter.at);
    for (; !st && e; e = journal_find(&j, parameter))
        st = revert_entry(root, &j, e, err);
    return st;
}

enum status apply_overdue(const char *root, int64_t now_ms, size_t *n, struct err *err)
{
    *n = 0;
    auto_journal j;
    enum status st = journal_open(root, &j, err);
    for (size_t i = 0; !st && i < json_array_size(j.all);) {
        json_t *e = json_array_get(j.all, i);
        if (!waits(e) || now_ms < json_integer_value(json_object_get(e, "confirm_by_ms"))) {
            i++;
            continue;
        }
        st = revert_entry(root, &j, e, err); /* which takes the entry out */
        if (!st)
            ++*n;
    }
    return st;
}
