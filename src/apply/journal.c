#include "apply/journal.h"

#include "base/buf.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *joined(const char *root, const char *path)
{
    auto_buf whole = {0};
    buf_printf(&whole, "%s/%s", strcmp(root, "/") == 0 ? "" : root, path);
    return mem_dup(buf_text(&whole));
}

static enum status lock(const char *root, struct journal *j, struct err *err)
{
    auto_free char *dir = joined(root, APPLY_STATE);
    auto_free char *path = joined(root, APPLY_STATE "/apply.lock");
    enum status st = dir_make(dir, 0755, err);
    if (st)
        return st;
    j->lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (j->lock_fd < 0)
        return err_errno(err, "open %s", path);
    return flock(j->lock_fd, LOCK_EX) ? err_errno(err, "lock %s", path) : OK;
}

static bool is_entry(const json_t *e)
{
    return json_is_string(json_object_get(e, "parameter")) &&
           json_is_string(json_object_get(e, "from")) && json_is_string(json_object_get(e, "to")) &&
           json_is_integer(json_object_get(e, "at_ms")) &&
           json_is_integer(json_object_get(e, "confirm_by_ms"));
}

static enum status read_all(struct journal *j, struct err *err)
{
    auto_fd fd = open(j->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && faccessat(AT_FDCWD, j->path, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
        j->all = json_array();
        return OK;
    }
    json_error_t fault;
    j->all = fd >= 0 ? json_loadfd(fd, JSON_REJECT_DUPLICATES, &fault) : NULL;
    bool good = json_is_array(j->all) && json_array_size(j->all) <= APPLY_ENTRIES_MAX;
    for (size_t i = 0; good && i < json_array_size(j->all); i++)
        good = is_entry(json_array_get(j->all, i));
    return good ? OK
                : err_set(err, CORRUPT,
                          "%s is not the journal that galen apply writes; move it away", j->path);
}

enum status journal_open(const char *root, struct journal *j, struct err *err)
{
    *j = (struct journal){.root_fd = -1, .lock_fd = -1};
    j->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->root_fd < 0)
        return err_errno(err, "open %s", root);
    j->path = joined(root, APPLY_JOURNAL);
    enum status st = lock(root, j, err);
    return st ? st : read_all(j, err);
}

void journal_close(struct journal *j)
{
    json_decref(j->all);
    free(j->path);
    fd_close(&j->lock_fd);
    fd_close(&j->root_fd);
}

enum status journal_save(const struct journal *j, struct err *err)
{
    auto_free char *text = json_dumps(j->all, JSON_INDENT(1));
    return file_write_atomic(j->path, span_of(text), 0600, err);
}

json_t *journal_find(const struct journal *j, struct span parameter)
{
    for (size_t i = json_array_size(j->all); i-- > 0;) {
        json_t *e = json_array_get(j->all, i);
        if (span_is(parameter, json_string_value(json_object_get(e, "parameter"))))
            return e;
    }
    return NULL;
}
