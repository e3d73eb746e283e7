#pragma once

#include "record/record.h"
#include "series/source.h"

#include <stdbool.h>

/* Adds a row of host_usage for each host that reports; false when there was none to add. */
bool usage_note(struct record *record, struct source *view, int64_t now_ms, struct arena *arena);
