/* A small memory: what was needed only to start is given back. */
#pragma once

/* Before anything else is allocated. */
void settle_prepare(void);
/* Once all has been done that is done only once, such as a handshake. */
void settle(void);
