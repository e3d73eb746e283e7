/* The files below /proc/PID. */
#include "collect/parse.h"

/* Where the name ends: the last ')', since the name itself may hold one. */
static bool cut_name(struct span *text, struct span *name)
{
    size_t open = span_find(*text, '('), end = text->len;
    while (end > open && text->at[end - 1] != ')')
        end--;
    if (open == text->len || end <= open + 1)
        return false;
    *name = (struct span){text->at + open + 1, end - open - 2};
    *text = (struct span){text->at + end, text->len - end};
    return true;
}

bool parse_process_stat(struct span text, struct process_stat *out)
{
    /* Columns after the name and the state, which is the third of proc(5). */
    enum { FIRST = 4, UTIME = 14, STIME = 15, THREADS = 20, START = 22, VSIZE = 23, RSS = 24 };
    struct span rest = text, word;
    if (!cut_name(&rest, &out->name) || !span_word(&rest, &word) || word.len != 1)
        return false;
    out->state = word.at[0];
    uint64_t user = 0, system = 0;
    for (int column = FIRST; column <= RSS; column++) {
        bool fine = span_word(&rest, &word);
        switch (column) {
        case UTIME:
            fine = fine && span_u64(word, &user);
            break;
        case STIME:
            fine = fine && span_u64(word, &system);
            break;
        case THREADS:
            fine = fine && span_u64(word, &out->threads);
            break;
        case START:
            fine = fine && span_u64(word, &out->start_ticks);
            break;
        case VSIZE:
            fine = fine && span_u64(word, &out->virtual_bytes);
            break;
        case RSS:
            fine = fine && span_i64(span_trim(word), &out->resident_pages);
            break;
        default:
            break;
        }
        if (!fine)
            return false;
    }
    return !__builtin_add_overflow(user, system, &out->cpu_ticks);
}

/* What follows "name:" in one of the lines. */
static bool find_field(struct span text, struct span name, struct span *value)
{
    for (struct span line; span_line(&text, &line);) {
        if (!span_starts(line, name))
            continue;
        *value = span_trim((struct span){line.at + name.len, line.len - name.len});
        return true;
    }
    return false;
}

bool parse_process_io(struct span text, uint64_t *read_bytes, uint64_t *write_bytes)
{
    struct span r, w;
    return find_field(text, SPAN("read_bytes:"), &r) && span_u64(r, read_bytes) &&
           find_field(text, SPAN("write_bytes:"), &w) && span_u64(w, write_bytes);
}

static bool limit_of(struct span *rest, uint64_t *out)
{
    struct span word;
    if (!span_word(rest, &word))
        return false;
    if (span_is(word, "unlimited")) {
        *out = UINT64_MAX;
        return true;
    }
    return span_u64(word, out);
}

bool parse_open_files_limit(struct span text, uint64_t *soft, uint64_t *hard)
{
    struct span rest;
    return find_field(text, SPAN("Max open files"), &rest) && limit_of(&rest, soft) &&
           limit_of(&rest, hard);
}

bool parse_status_uid(struct span text, uint32_t *uid)
{
    struct span rest;
    uint64_t real, effective;
    if (!find_field(text, SPAN("Uid:"), &rest) || !next_u64(&rest, &real) ||
        !next_u64(&rest, &effective) || effective > UINT32_MAX)
        return false;
    *uid = (uint32_t)effective;
    return true;
}

static bool is_unit(struct span part)
{
    static const struct span ends[] = {
        SPAN(".service"), SPAN(".scope"), SPAN(".socket"), SPAN(".mount"), SPAN(".swap"),
    };
    for (size_t i = 0; i < COUNT(ends); i++)
        if (part.len > ends[i].len && span_ends(part, ends[i]))
            return true;
    return false;
}

/* The innermost unit of a path; without one its last part, as docker's cgroupfs driver names
 * containers. */
static bool unit_of_path(struct span path, struct span *unit)
{
    struct span part, last = {0}, found = {0};
    while (span_next(&path, '/', &part)) {
        if (part.len)
            last = part;
        if (is_unit(part))
            found = part;
    }
    *unit = found.len ? found : last;
    return unit->len > 0;
}

bool parse_cgroup_unit(struct span text, struct span *unit)
{
    /* "0::/path" is cgroup v2's; systemd's own hierarchy of v1 is "1:name=systemd:/path". */
    struct span line, id, controllers;
    for (struct span rest = text; span_line(&rest, &line);) {
        if (!span_next(&line, ':', &id) || !span_next(&line, ':', &controllers))
            continue;
        bool ours =
            (span_is(id, "0") && controllers.len == 0) || span_is(controllers, "name=systemd");
        if (ours && unit_of_path(line, unit))
            return true;
    }
    return false;
}

bool parse_passwd_line(struct span line, struct span *name, uint32_t *uid)
{
    struct span password, number;
    uint64_t v;
    if (!span_next(&line, ':', name) || !span_next(&line, ':', &password) ||
        !span_next(&line, ':', &number) || !span_u64(number, &v) || v > UINT32_MAX)
        return false;
    *uid = (uint32_t)v;
    return name->len > 0;
}
