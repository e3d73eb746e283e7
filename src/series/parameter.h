/* Kernel parameters as text: the names of their numbers, and the lines of sysctl.d(5) files. What
 * the agent that reports them and the command that changes them both need. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum {
    PARAMETER_FIELDS_MAX = 8,
    PARAMETER_NAME_MAX = 256,
    SYSCTL_FILE_MAX_BYTES = 1 << 20,
};

/* What the i-th number of a parameter is called ("semmns" of kernel.sem); "0", "1", ... for those
 * that no document names. i < PARAMETER_FIELDS_MAX. */
struct span parameter_field(struct span name, size_t i);
/* The place of a field in the parameter's line; false when it has no such. */
bool parameter_field_place(struct span name, struct span field, size_t *i);

/* "net.ipv4.conf.eth0/1.forwarding" <-> "net/ipv4/conf/eth0.1/forwarding": dots and slashes change
 * places. */
void parameter_swap_separators(char *text);
/* No empty part, no "..", nothing absolute, letters, digits and -_./ only: safe to put behind
 * /proc/sys/. In either spelling. */
bool parameter_name_valid(struct span name);

/* One line of a sysctl.d file that sets something. */
struct sysctl_line {
    struct span name;  /* as written: with dots or slashes */
    struct span value; /* trimmed; may be empty */
    bool may_fail;     /* "-name = value" */
    size_t number;     /* of the line, from 1 */
};

struct sysctl_lines {
    struct span rest;
    size_t number;
};

/* The next such line; comments, empty lines and lines without '=' are passed over. */
bool sysctl_next(struct sysctl_lines *lines, struct sysctl_line *out);
/* The name with dots, as in galen_sysctl, and the value with single blanks. */
char *parameter_dotted(struct arena *arena, struct span name);
char *parameter_value(struct arena *arena, struct span value);

/* The folders of sysctl.d(5), the first of equal file names wins; and the file that procps reads
 * last. Without the leading slash, for a root that is not "/". */
extern const char *const sysctl_folders[5];
#define SYSCTL_CONF "etc/sysctl.conf"

/* Which files set parameters, in the order in which they are read: by base name, each name only in
 * the first folder that has it (so a file in /etc hides the one in /usr/lib), SYSCTL_CONF last. */
struct sysctl_file {
    const char *path; /* below the root */
};
size_t sysctl_files(int root_fd, struct arena *arena, struct sysctl_file **out);
