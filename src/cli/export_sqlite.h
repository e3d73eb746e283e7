/* A new SQLite file with the raw samples of an export, for those who want SQL:
 *
 *   series(id, name, instance, labels)      labels: a JSON object of all of them
 *   samples(series_id, t_ms, value)         milliseconds since 1970
 *   sample_rows(time, name, instance, value, labels, t_ms)   a view of both
 *
 * SQLite has no NaN: such values, stale markers too, are NULL, and -0 is 0. CSV and JSON keep
 * every bit. */
#pragma once

#include "base/err.h"
#include "base/span.h"

struct export_sqlite;

/* The file must not exist yet. */
MUST_USE enum status export_sqlite_open(const char *path, struct export_sqlite **out,
                                        struct err *err);
/* The next bytes of an export as JSON, cut anywhere: memory does not grow with them. */
MUST_USE enum status export_sqlite_feed(struct export_sqlite *x, struct span json, struct err *err);
/* No more bytes come. */
MUST_USE enum status export_sqlite_end(struct export_sqlite *x, struct err *err);
void export_sqlite_close(struct export_sqlite *x); /* NULL is fine */
