/* What this process may ask of the kernel from now on (seccomp): reading, sockets, files of its
 * own, threads. No program can be started, nobody traced or signalled, nothing mounted, no rights
 * gained; so a fault in a parser is worth little to who finds one. */
#pragma once

#include "base/err.h"

#include <stdbool.h>

enum confine_mode {
    CONFINE_ON,     /* what is not allowed fails with EPERM, and is told once for each call */
    CONFINE_OFF,    /* only no_new_privs */
    CONFINE_STRICT, /* what is not allowed ends the process */
};

bool confine_mode_of(const char *text, enum confine_mode *out); /* "on", "off", "strict" */
/* For this process and all its threads, for ever. UNSUPPORTED: this kernel or processor has no such
 * filters. */
MUST_USE enum status confine_self(enum confine_mode mode, struct err *err);
