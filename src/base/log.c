#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

#include <stdarg.h>
#include <unistd.h>

enum { LOG_LINE_MAX_BYTES = 4096 };

static struct {
    const char *program;
    enum log_level level;
    bool json;
} setup = {.program = "galen", .level = LOG_INFO};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_setup(const char *program, enum log_level level, bool json)
{
    setup.program = program;
    setup.level = level;
    setup.json = json;
}

bool log_level_of(const char *name, enum log_level *out)
{
    for (size_t i = 0; i < COUNT(level_names); i++) {
        if (span_is(span_of(name), level_names[i])) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void put_quoted(struct buf *line, struct span text)
{
    buf_char(line, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '"' || c == '\\')
            buf_printf(line, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(line, "\\x%02x", c);
        else
            buf_char(line, (char)c);
    }
    buf_char(line, '"');
}

void log_at(enum log_level level, const char *format, ...)
{
    if (level > setup.level)
        return;
    auto_buf message = {.max = LOG_LINE_MAX_BYTES};
    va_list args;
    va_start(args, format);
    buf_vprintf(&message, format, args);
    va_end(args);

    char now[TIME_TEXT_MAX];
    clock_rfc3339(clock_wall_ms(), now);
    auto_buf line = {.max = 8 * LOG_LINE_MAX_BYTES};
    if (setup.json) {
        struct json j = json_to(&line);
        json_begin_object(&j);
        json_field(&j, "ts", now);
        json_field(&j, "level", level_names[level]);
        json_field(&j, "program", setup.program);
        json_field_span(&j, "msg", buf_view(&message));
        json_end_object(&j);
    } else {
        buf_printf(&line, "ts=%s level=%s program=%s msg=", now, level_names[level], setup.program);
        put_quoted(&line, buf_view(&message));
    }
    buf_char(&line, '\n');
    /* One write, so that lines of several threads do not mix. A full or closed stderr is no
     * reason to stop. */
    ssize_t ignored UNUSED = write(STDERR_FILENO, line.at, line.len);
}
