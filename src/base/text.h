/* UTF-8 text in the columns of a terminal. */
#pragma once

#include "base/buf.h"

enum { TEXT_TERMINAL = 80 /* columns that any terminal has */ };

/* Columns that a text takes: two for wide characters (East Asian, emoji), none for those that are
 * drawn over the one before. A byte that is no UTF-8 takes one. */
size_t text_columns(struct span text);
/* Appends text, and blanks up to `width` columns; of what is longer the begin and "…". Control
 * characters, which would move the cursor, become '?'. */
void text_cell(struct buf *out, struct span text, size_t width);
/* Appends text; with colour between the escapes of an SGR code, as "1;31". */
void text_paint(struct buf *out, const char *text, const char *code, bool colour);
/* Appends the words of a text and a line end; a word that would pass column `width` comes on a
 * new line, `indent` blanks from the left; "38 %" stays together. The first line is at column
 * `indent` already. */
void text_wrap(struct buf *out, struct span text, size_t indent, size_t width);
