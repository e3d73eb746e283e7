/* The forms that many kernel files share. */
#include "collect/parse.h"

bool next_u64(struct span *rest, uint64_t *out)
{
    struct span word;
    return span_word(rest, &word) && span_u64(word, out);
}

bool next_hex(struct span *rest, uint64_t *out)
{
    struct span word;
    return span_word(rest, &word) && span_hex(word, out);
}

bool parse_u64(struct span text, uint64_t *out)
{
    return span_u64(span_trim(text), out);
}

bool parse_i64(struct span text, int64_t *out)
{
    return span_i64(span_trim(text), out);
}

bool parse_numbers(struct span line, struct numbers *out)
{
    struct span word;
    if (!span_word(&line, &out->name))
        return false;
    if (out->name.len && out->name.at[out->name.len - 1] == ':')
        out->name.len--;
    out->n = 0;
    while (out->n < NUMBERS_MAX && span_word(&line, &word)) {
        if (!span_u64(word, &out->v[out->n]))
            return false;
        out->n++;
    }
    return out->name.len > 0 && out->n > 0;
}

enum { HEX_COLUMNS_MAX = 64 };

/* Which of the wanted columns stands at each position of the head. */
static size_t find_columns(struct span head, struct hex_column *columns, size_t n,
                           struct hex_column **at)
{
    struct span name;
    size_t width = 0;
    while (width < HEX_COLUMNS_MAX && span_word(&head, &name)) {
        at[width] = NULL;
        for (size_t i = 0; i < n; i++)
            if (span_is(name, columns[i].name))
                at[width] = &columns[i];
        width++;
    }
    return width;
}

static bool add_hex_row(struct span line, struct hex_column **at, size_t width, bool first)
{
    uint64_t v;
    for (size_t i = 0; i < width; i++) {
        if (!next_hex(&line, &v))
            return false;
        if (!at[i])
            continue;
        at[i]->found = true;
        at[i]->sum += v;
        if (first)
            at[i]->first = v;
    }
    return true;
}

bool parse_hex_table(struct span text, struct hex_column *columns, size_t n)
{
    struct hex_column *at[HEX_COLUMNS_MAX];
    struct span line;
    if (!span_line(&text, &line))
        return false;
    for (size_t i = 0; i < n; i++)
        columns[i].found = false, columns[i].sum = columns[i].first = 0;
    size_t width = find_columns(line, columns, n, at);
    bool first = true;
    while (span_line(&text, &line)) {
        if (!add_hex_row(line, at, width, first))
            return false;
        first = false;
    }
    return width > 0;
}

bool parse_sysvipc(struct span text, const char *column, struct sysvipc *out)
{
    struct span line, word;
    if (!span_line(&text, &line))
        return false;
    size_t at = 0;
    bool found = false;
    while (!found && span_word(&line, &word)) {
        found = span_is(word, column);
        at += !found;
    }
    *out = (struct sysvipc){0};
    while (found && span_line(&text, &line)) {
        uint64_t v = 0;
        for (size_t i = 0; i <= at; i++)
            if (!span_word(&line, &word))
                return false;
        if (!span_u64(word, &v))
            return false;
        out->rows++;
        out->sum += v;
        out->max = MAX(out->max, v);
    }
    return found;
}
