/* What systemd is told (sd_notify(3)): a datagram to $NOTIFY_SOCKET. Without it nothing happens. */
#pragma once

#include <stdint.h>

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..." */
void notify(const char *state);
/* How often systemd wants to hear WATCHDOG=1, already halved; 0: not at all. */
int64_t notify_watchdog_ms(void);
