/* One line for the administrator, on stderr: logfmt (default) or JSON. The message is plain
 * words; facts go in as key=value text made by the caller's format. Control characters are
 * escaped, so a line from outside cannot forge another. Thread-safe. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* What every line carries: the program's name. Not copied. */
void log_setup(const char *program, enum log_level level, bool json);
/* "error", "warn", "info", "debug"; false for anything else. */
bool log_level_of(const char *name, enum log_level *out);

void log_at(enum log_level level, const char *format, ...) PRINTF(2, 3);
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
