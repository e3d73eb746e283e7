#include "series/parameter.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const sysctl_folders[5] = {"etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d",
                                       "usr/lib/sysctl.d", "lib/sysctl.d"};

static const struct {
    const char *name;
    struct span fields[4];
} several[] = {
    {"kernel.sem", {{"semmsl", 6}, {"semmns", 6}, {"semopm", 6}, {"semmni", 6}}},
    {"net.ipv4.ip_local_port_range", {{"low", 3}, {"high", 4}}},
    {"net.ipv4.tcp_mem", {{"low", 3}, {"pressure", 8}, {"high", 4}}},
    {"net.ipv4.udp_mem", {{"low", 3}, {"pressure", 8}, {"high", 4}}},
    {"net.ipv4.tcp_rmem", {{"min", 3}, {"default", 7}, {"max", 3}}},
    {"net.ipv4.tcp_wmem", {{"min", 3}, {"default", 7}, {"max", 3}}},
};
static const struct span digits[PARAMETER_FIELDS_MAX] = {{"0", 1}, {"1", 1}, {"2", 1}, {"3", 1},
                                                         {"4", 1}, {"5", 1}, {"6", 1}, {"7", 1}};

struct span parameter_field(struct span name, size_t i)
{
    for (size_t k = 0; k < COUNT(several); k++)
        if (span_is(name, several[k].name) && i < COUNT(several[k].fields) &&
            several[k].fields[i].len)
            return several[k].fields[i];
    return digits[i];
}

bool parameter_field_place(struct span name, struct span field, size_t *i)
{
    for (*i = 0; *i < PARAMETER_FIELDS_MAX; ++*i)
        if (span_eq(parameter_field(name, *i), field))
            return true;
    return false;
}

void parameter_swap_separators(char *text)
{
    for (; *text; text++)
        *text = *text == '.' ? '/' : *text == '/' ? '.' : *text;
}

static bool is_separator(char c)
{
    return c == '.' || c == '/';
}

bool parameter_name_valid(struct span name)
{
    if (!name.len || name.len >= PARAMETER_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool edge = i == 0 || i + 1 == name.len || is_separator(name.at[i - 1]);
        if (is_separator(c) && edge)
            return false;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !is_separator(c) && c != '-' && c != '_')
            return false;
    }
    return true;
}

bool sysctl_next(struct sysctl_lines *lines, struct sysctl_line *out)
{
    struct span line;
    while (span_line(&lines->rest, &line)) {
        lines->number++;
        line = span_trim(line);
        size_t equals = span_find(line, '=');
        if (!line.len || line.at[0] == '#' || line.at[0] == ';' || equals == line.len)
            continue;
        bool may_fail = line.at[0] == '-';
        struct span name = span_trim(span_from(line.at + may_fail, equals - may_fail));
        if (!name.len)
            continue;
        *out = (struct sysctl_line){
            .name = name,
            .value = span_trim(span_from(line.at + equals + 1, line.len - equals - 1)),
            .may_fail = may_fail,
            .number = lines->number,
        };
        return true;
    }
    return false;
}

/* Whichever separator comes first is the one that was meant, as sysctl(8) has it. */
char *parameter_dotted(struct arena *arena, struct span name)
{
    char *copy = arena_dup_span(arena, name);
    if (span_find(name, '/') < span_find(name, '.'))
        parameter_swap_separators(copy);
    return copy;
}

char *parameter_value(struct arena *arena, struct span value)
{
    auto_buf out = {0};
    struct span word;
    while (span_word(&value, &word)) {
        if (out.len)
            buf_char(&out, ' ');
        buf_span(&out, word);
    }
    return arena_dup(arena, buf_text(&out));
}

/* ---- which files there are ---- */

struct found {
    const char *name, *path;
    size_t folder;
};

static int is_conf(const struct dirent *e)
{
    return e->d_name[0] != '.' && span_ends(span_of(e->d_name), SPAN(".conf"));
}

static int by_name(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->folder > b->folder) - (a->folder < b->folder);
}

static size_t find_in(int root_fd, size_t folder, struct arena *arena, struct found **found,
                      size_t n)
{
    struct dirent **entries;
    int count = scandirat(root_fd, sysctl_folders[folder], &entries, is_conf, alphasort);
    if (count < 0)
        return n;
    *found = arena_grow(arena, *found, n * sizeof **found, (n + (size_t)count) * sizeof **found);
    for (int i = 0; i < count; i++) {
        (*found)[n++] = (struct found){
            .name = arena_dup(arena, entries[i]->d_name),
            .path = arena_printf(arena, "%s/%s", sysctl_folders[folder], entries[i]->d_name),
            .folder = folder,
        };
        free(entries[i]);
    }
    free(entries);
    return n;
}

size_t sysctl_files(int root_fd, struct arena *arena, struct sysctl_file **out)
{
    struct found *found = NULL;
    size_t n = 0, kept = 0;
    for (size_t folder = 0; folder < COUNT(sysctl_folders); folder++)
        n = find_in(root_fd, folder, arena, &found, n);
    if (n)
        qsort(found, n, sizeof *found, by_name);
    struct sysctl_file *files = ARENA_ARRAY(arena, struct sysctl_file, n + 1);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(found[i].name, found[i - 1].name) != 0)
            files[kept++].path = found[i].path;
    if (faccessat(root_fd, SYSCTL_CONF, R_OK, 0) == 0)
        files[kept++].path = SYSCTL_CONF;
    *out = files;
    return kept;
}
