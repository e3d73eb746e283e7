/* Private to probe/: questions to systemd over the system bus, one at a time, on the loop. */
#pragma once

#include "base/loop.h"
#include "probe/dbus.h"

enum { BUS_ANSWER_MS = 5000 };

struct systemd;

/* answer is NULL when none came; then st says TIMED_OUT, NOT_FOUND (no bus here), DENIED or
 * another failure, and why is a sentence. Valid during the call. */
typedef void (*systemd_fn)(const struct dbus_message *answer, enum status st, const char *why,
                           void *arg);

/* path of the bus's socket; it is connected to when the first question is asked. */
struct systemd *systemd_open(struct loop *loop, const char *path);
void systemd_close(struct systemd *s); /* fn is not called any more; NULL is fine */
/* The units of these names, loaded or not; all that are loaded when names is NULL. fn is called
 * once, later, not from inside. False while a question is under way. */
bool systemd_ask(struct systemd *s, const char *const *names, size_t n, systemd_fn fn, void *arg);
