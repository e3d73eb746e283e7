/* A recorded machine's samples as text. */
#pragma once

#include "collect/collect.h"

/* Opens tests/machines/NAME. */
struct collect *machine_open(const char *name);
/* One collection of it; the text is bare exposition. */
void machine_text(const char *name, struct buf *out);
/* The line that begins with series and a blank; false when there is none. */
bool text_value(const struct buf *text, const char *series, double *out);
