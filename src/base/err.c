#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *status_name(enum status status)
{
    static const char *const names[] = {
        [OK] = "ok",
        [INVALID] = "invalid",
        [NOT_FOUND] = "not_found",
        [EXISTS] = "exists",
        [DENIED] = "denied",
        [AGAIN] = "again",
        [FULL] = "full",
        [TIMED_OUT] = "timed_out",
        [UNREACHABLE] = "unreachable",
        [IO_FAILED] = "io_failed",
        [CORRUPT] = "corrupt",
        [UNSUPPORTED] = "unsupported",
    };
    return (size_t)status < COUNT(names) ? names[status] : "unknown";
}

static enum status status_of_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return NOT_FOUND;
    case EEXIST:
        return EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return DENIED;
    case EAGAIN:
    case EBUSY:
        return AGAIN;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
        return FULL;
    case ETIMEDOUT:
        return TIMED_OUT;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPIPE:
        return UNREACHABLE;
    case EINVAL:
        return INVALID;
    default:
        return IO_FAILED;
    }
}

enum status err_set(struct err *err, enum status status, const char *format, ...)
{
    if (!err)
        return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

enum status err_errno(struct err *err, const char *format, ...)
{
    int number = errno;
    enum status status = status_of_errno(number);
    if (!err)
        return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : MIN((size_t)n, sizeof err->text - 1);
    char text[128];
    /* The GNU strerror_r: it returns the text, which may or may not be in our buffer. */
    snprintf(err->text + used, sizeof err->text - used, ": %s",
             strerror_r(number, text, sizeof text));
    return status;
}

enum status err_prefix(struct err *err, const char *format, ...)
{
    if (!err)
        return IO_FAILED;
    char before[ERR_TEXT_MAX];
    memcpy(before, err->text, sizeof before);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : MIN((size_t)n, sizeof err->text - 1);
    snprintf(err->text + used, sizeof err->text - used, ": %s", before);
    return err->status;
}
