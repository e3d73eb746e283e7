/* The console's files as web/ builds them into the program; none when it was built without. */
#pragma once

#include <stddef.h>

struct console_file {
    const char *path; /* "/app.js" */
    const char *type; /* Content-Type */
    const unsigned char *at;
    size_t len;
    const char *etag; /* quoted, of the content */
};

extern const struct console_file console_files[];
extern const size_t console_files_n;
