/* Live frames of one host, kept in memory for a minute and laid over the store for those who watch:
 * what comes every half second is seen and not stored. Appending and reading may happen on
 * different threads. */
#pragma once

#include "series/source.h"

enum {
    OVERLAY_SAMPLES = 128,       /* of one series; the oldest go */
    OVERLAY_SERIES_MAX = 20000,  /* of one host */
    OVERLAY_KEPT_MS = 60 * 1000, /* older samples are not looked at */
};

struct overlay;

struct overlay *overlay_open(void);
/* One user more; each ends with overlay_close. */
struct overlay *overlay_share(struct overlay *o);
void overlay_close(struct overlay *o); /* NULL is fine */
/* Takes a remote-write message; what is malformed or too much is left out. */
void overlay_take(struct overlay *o, struct span message);

/* Both together, as one source; base stays the caller's. */
struct overlay_view {
    struct source face;
    struct source *base;
    struct overlay *overlay;
};
struct source *overlay_view(struct overlay_view *view, struct source *base, struct overlay *o);
