/* A host judged by a profile, for a terminal. */
#include "advise/profile.h"
#include "base/text.h"

enum { COLUMNS = 4, BESIDE_COLUMNS = 2 + 4 * 2 + 6 }; /* blanks, RESULT */

static const char *cell(const struct profile_row *r, size_t column)
{
    const char *cells[COLUMNS] = {r->name, r->value ? r->value : "-", r->use ? r->use : "",
                                  r->wanted};
    return cells[column];
}

/* As wide as what is in them; a name gives way where that is more than a terminal. */
static void measure(const struct profile_report *p, const char *const *titles, size_t *widths)
{
    size_t all = BESIDE_COLUMNS;
    for (size_t c = 0; c < COLUMNS; c++) {
        widths[c] = strlen(titles[c]);
        for (size_t i = 0; i < p->n_rows; i++)
            widths[c] = MAX(widths[c], text_columns(span_of(cell(&p->rows[i], c))));
        all += widths[c];
    }
    if (all > TEXT_TERMINAL)
        widths[0] -= MIN(all - TEXT_TERMINAL, widths[0] - strlen(titles[0]));
}

static void put_cells(struct buf *out, const char *const *cells, const size_t *widths)
{
    buf_str(out, "  ");
    text_cell(out, span_of(cells[0]), widths[0]);
    for (size_t c = 1; c < COLUMNS; c++) { /* numbers stand on the right */
        buf_fill(out, ' ', 2 + widths[c] - text_columns(span_of(cells[c])));
        buf_str(out, cells[c]);
    }
    buf_str(out, "  ");
}

static void put_table(struct buf *out, const struct profile_report *p, bool colour)
{
    static const char *const codes[PROFILE_RESULTS] = {"32", "33", "1;31", "2"};
    static const char *const titles[COLUMNS] = {"PARAMETER", "VALUE", "IN USE", "WANTED"};
    size_t widths[COLUMNS];
    measure(p, titles, widths);
    put_cells(out, titles, widths);
    buf_str(out, "RESULT\n");
    for (size_t i = 0; i < p->n_rows; i++) {
        const struct profile_row *r = &p->rows[i];
        const char *cells[COLUMNS];
        for (size_t c = 0; c < COLUMNS; c++)
            cells[c] = cell(r, c);
        put_cells(out, cells, widths);
        text_paint(out, profile_results[r->result], codes[r->result], colour);
        buf_char(out, '\n');
    }
}

/* Is the line, or (line NULL) the file, in an earlier row, too? */
static bool told_before(const struct profile_report *p, size_t row, bool line)
{
    const struct profile_row *r = &p->rows[row];
    for (size_t i = 0; i < row; i++) {
        const struct profile_row *q = &p->rows[i];
        if (q->line && strcmp(q->file, r->file) == 0 && (!line || strcmp(q->line, r->line) == 0))
            return true;
    }
    return false;
}

/* The lines of one file together, to be copied. */
static void put_file(struct buf *out, const struct profile_report *p, size_t first)
{
    buf_printf(out, "\nTo change, in %s:\n\n", p->rows[first].file);
    for (size_t i = first; i < p->n_rows; i++) {
        const struct profile_row *r = &p->rows[i];
        if (!r->line || strcmp(r->file, p->rows[first].file) != 0 || told_before(p, i, true))
            continue;
        if (r->why)
            buf_printf(out, "  # %s\n", r->why);
        buf_printf(out, "  %s\n", r->line);
    }
}

void profile_text(struct buf *out, const struct profile_report *p, bool colour)
{
    text_paint(out, p->title, "1", colour);
    buf_printf(out, "%s\n\n",
               p->found ? "  (runs here; its documented values, symptoms or not)"
                        : "  (none of its processes was seen here)");
    put_table(out, p, colour);
    for (size_t i = 0; i < p->n_rows; i++)
        if (p->rows[i].line && !told_before(p, i, false))
            put_file(out, p, i);
    if (!p->source)
        return;
    buf_str(out, "\nSource: ");
    text_wrap(out, span_of(p->source), strlen("Source: "), TEXT_TERMINAL);
}
