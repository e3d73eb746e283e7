/* Inside api/: alerts as the routes see them, for those who look. */
#pragma once

#include "alert/route.h"
#include "record/alerts.h"

enum { ALERTS_JUDGED_MAX = 1 << 20 };

/* All alerts that are not over, highest id first, with what silences and inhibits each; in the
 * arena. */
MUST_USE enum status alerts_judge(struct record *r, int64_t now_ms, struct arena *arena,
                                  struct routed_alert **out, size_t *n, struct err *err);
/* The one of that id, or NULL. */
const struct routed_alert *alerts_judged(const struct routed_alert *judged, size_t n, int64_t id);
