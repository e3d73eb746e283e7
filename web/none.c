/* A server without a console. */
#include "api/console_files.h"

const struct console_file console_files[] = {{0}};
const size_t console_files_n = 0;
