/* Which processes stand out, and what is asked of these alone: command, unit and user once for
 * each program, io of those that could have done some, descriptors of a share of all in each
 * pass, mappings of the largest once a minute. */
#include "collect/parse.h"
#include "collect/process.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    COMMAND_MAX_BYTES = 512,
    SMALL_FILE_BYTES = 4096,
    /* Nobody reads or writes without using the processor: who used most of it is asked. */
    IO_ASKED_MAX = 32,
    DESCRIPTORS_ROUND = 64,    /* processes whose descriptors are counted in one pass */
    DESCRIPTORS_LISTED = 4096, /* where they must be listed to be counted: no more than this */
    LIMIT_ASKED_FROM = 64,     /* with fewer descriptors no usual limit is near */
    LIMIT_EVERY_MS = 60000,
    MAPS_EVERY_MS = 60000, /* RULES: large processes once a minute at most */
    MAPS_LARGEST = 3,
    MAPS_ROUND = 16,        /* others whose mappings are counted in one pass */
    MAPS_AGAIN_PASSES = 30, /* and again after so many: five minutes */
    MAPS_FIRST = 512,
    MAPS_MANY = 4096,        /* who has so many is asked every minute */
    MAPS_CHUNK_BYTES = 4096, /* the kernel gives a page at a time, whatever is asked for */
    MAPS_MANY_MIN_BYTES = MAPS_MANY * 4096, /* of address space: a mapping is a page at least */
    MAPS_MAX_BYTES = 32 << 20,
};

_Static_assert((int)IO_ASKED_MAX <= (int)PROCESS_TOP_MAX, "both are chosen by highest()");

/* ---- order ---- */

static double score(const struct process *one, enum process_order order)
{
    switch (order) {
    case BY_CPU: /* before the second pass: since its start */
        return one->has_cpu ? (double)one->delta_ticks : (double)one->cpu_ticks / 1e9;
    case BY_MEMORY:
        return (double)one->resident_pages;
    case BY_IO:
        return one->has_io_rate ? one->read_per_s + one->write_per_s : 0;
    case BY_DESCRIPTORS:
        return one->has_descriptors ? one->descriptors : 0;
    default:
        return 0;
    }
}

/* The max highest with a score above zero, highest first. */
static size_t highest(struct processes *p, enum process_order order, struct process **best,
                      size_t max)
{
    double scores[PROCESS_TOP_MAX];
    size_t n = 0;
    for (size_t i = 0; max > 0 && i < p->n; i++) {
        double v = score(&p->at[i], order);
        if (v <= 0 || (n == max && v <= scores[n - 1]))
            continue;
        size_t at = n < max ? n++ : n - 1;
        for (; at > 0 && scores[at - 1] < v; at--) {
            scores[at] = scores[at - 1];
            best[at] = best[at - 1];
        }
        scores[at] = v;
        best[at] = &p->at[i];
    }
    return n;
}

static void rank(struct processes *p, enum process_order order)
{
    p->n_ranked[order] = highest(p, order, p->ranked[order], p->top);
}

/* ---- what is read once ---- */

/* "--password=x", "TOKEN=x": what follows the sign is nobody's business. */
static bool is_secret(struct span word)
{
    static const struct span signs[] = {
        SPAN("password"), SPAN("passwd"),  SPAN("secret"),  SPAN("token"),
        SPAN("apikey"),   SPAN("api-key"), SPAN("api_key"), SPAN("passphrase"),
    };
    for (size_t i = 0; i < COUNT(signs); i++)
        for (size_t at = 0; at + signs[i].len <= word.len; at++)
            if (span_eq_nocase((struct span){word.at + at, signs[i].len}, signs[i]))
                return true;
    return false;
}

static void put_argument(struct buf *out, struct span word, bool *hide)
{
    size_t equals = span_find(word, '=');
    struct span name = {word.at, equals};
    bool named = is_secret(name) && !span_ends(name, SPAN("file")); /* --token-file names one */
    if (out->len)
        buf_char(out, ' ');
    if (*hide && word.at[0] != '-') {
        buf_str(out, "***");
        *hide = false;
    } else if (named && equals < word.len) {
        buf_span(out, (struct span){word.at, equals + 1});
        buf_str(out, "***");
        *hide = false;
    } else {
        buf_span(out, word);
        *hide = named && word.at[0] == '-'; /* --password x */
    }
}

char *process_command(struct span cmdline)
{
    auto_buf out = {0};
    bool hide = false;
    for (struct span word; span_next(&cmdline, '\0', &word);)
        if (word.len)
            put_argument(&out, word, &hide);
    return mem_dup_span((struct span){out.at, MIN(out.len, COMMAND_MAX_BYTES)});
}

static char *user_name(struct tick *t, uint32_t uid)
{
    struct span text, line, name;
    uint32_t of_line;
    if (tick_read_once(t, "etc/passwd", &text, NULL) == OK)
        while (span_line(&text, &line))
            if (parse_passwd_line(line, &name, &of_line) && of_line == uid)
                return mem_dup_span(name);
    char digits[16];
    snprintf(digits, sizeof digits, "%" PRIu32, uid);
    return mem_dup(digits);
}

static void fill_detail(struct tick *t, struct processes *p, struct process *one, struct detail *d)
{
    struct span text, unit;
    memcpy(d->name, one->name, sizeof d->name);
    d->command = process_file(p, one->pid, "cmdline", 2 * COMMAND_MAX_BYTES, &text)
                     ? process_command(text)
                     : mem_dup("");
    bool known = process_file(p, one->pid, "cgroup", SMALL_FILE_BYTES, &text) &&
                 parse_cgroup_unit(text, &unit);
    d->unit = known ? mem_dup_span(unit) : mem_dup("");
    d->has_uid = process_file(p, one->pid, "status", SMALL_FILE_BYTES, &text) &&
                 parse_status_uid(text, &d->uid);
    d->user = d->has_uid ? user_name(t, d->uid) : mem_dup("");
}

static struct detail *detail_of(struct tick *t, struct processes *p, struct process *one)
{
    if (one->detail && memcmp(one->detail->name, one->name, sizeof one->name) != 0) {
        struct detail *old = one->detail;
        free(old->command);
        free(old->unit);
        free(old->user);
        *old = (struct detail){0};
        fill_detail(t, p, one, old);
    } else if (!one->detail) {
        one->detail = mem_zero(1, sizeof *one->detail);
        fill_detail(t, p, one, one->detail);
    }
    one->detail->seen = p->pass;
    return one->detail;
}

/* Details of what no longer stands out are kept for a while: who comes first changes often. */
static void forget_details(struct processes *p)
{
    enum { KEEP_PASSES = 30 };
    for (size_t i = 0; i < p->n; i++) {
        struct process *one = &p->at[i];
        if (one->detail && p->pass - one->detail->seen > KEEP_PASSES) {
            free(one->detail->command);
            free(one->detail->unit);
            free(one->detail->user);
            free(one->detail);
            one->detail = NULL;
        }
    }
}

/* ---- input and output ---- */

static void ask_io(struct processes *p, struct process *one)
{
    struct span text;
    uint64_t r, w;
    bool had = one->has_io;
    one->has_io_rate = false;
    /* Another user's is not told without rights. */
    one->has_io =
        process_file(p, one->pid, "io", SMALL_FILE_BYTES, &text) && parse_process_io(text, &r, &w);
    if (!one->has_io)
        return;
    double elapsed_s = (double)(p->pass_mono_ms - one->io_ms) / 1000;
    if (had && elapsed_s > 0 && r >= one->read_bytes && w >= one->write_bytes) {
        one->read_per_s = (double)(r - one->read_bytes) / elapsed_s;
        one->write_per_s = (double)(w - one->write_bytes) / elapsed_s;
        one->has_io_rate = true;
    }
    one->read_bytes = r;
    one->write_bytes = w;
    one->io_ms = p->pass_mono_ms;
}

static void ask_all_io(struct processes *p)
{
    struct process *busy[IO_ASKED_MAX];
    size_t n = highest(p, BY_CPU, busy, COUNT(busy)), waiting = 0;
    for (size_t i = 0; i < n; i++)
        ask_io(p, busy[i]);
    for (size_t i = 0; i < p->n; i++) {
        struct process *one = &p->at[i];
        if (one->has_io && one->io_ms != p->pass_mono_ms)
            one->has_io_rate = false; /* of an earlier pass */
        if (one->state == 'D' && one->io_ms != p->pass_mono_ms && waiting++ < IO_ASKED_MAX)
            ask_io(p, one);
    }
}

/* ---- descriptors ---- */

static bool list_descriptors(const struct processes *p, const char *path, uint32_t *out)
{
    int fd = openat(p->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        fd_close(&fd);
        return false;
    }
    *out = 0;
    for (const struct dirent *e; *out < DESCRIPTORS_LISTED && (e = readdir(dir));)
        *out += e->d_name[0] != '.';
    closedir(dir);
    return true;
}

static void count_descriptors(struct processes *p, struct process *one)
{
    char path[32];
    struct stat s;
    if (one->counted == p->pass)
        return;
    one->counted = p->pass;
    if (!one->virtual_bytes) { /* a thread of the kernel, or a process that has ended */
        one->has_descriptors = false;
        return;
    }
    snprintf(path, sizeof path, "%d/fd", one->pid);
    if (p->size_counts) {
        one->has_descriptors = fstatat(p->proc_fd, path, &s, 0) == 0;
        one->descriptors = one->has_descriptors ? (uint32_t)MIN(s.st_size, UINT32_MAX) : 0;
    } else {
        one->has_descriptors = list_descriptors(p, path, &one->descriptors);
    }
}

static void ask_limit(struct tick *t, struct processes *p, struct process *one)
{
    struct span text;
    struct detail *d = detail_of(t, p, one);
    if (d->limit_ms && p->pass_mono_ms - d->limit_ms < LIMIT_EVERY_MS)
        return;
    d->limit_ms = p->pass_mono_ms;
    d->has_limit = process_file(p, one->pid, "limits", SMALL_FILE_BYTES, &text) &&
                   parse_open_files_limit(text, &d->limit_soft, &d->limit_hard);
}

static void count_some_descriptors(struct tick *t, struct processes *p)
{
    struct stat s;
    if (p->pass == 1)
        p->size_counts = t->c->live && stat("/proc/self/fd", &s) == 0 && s.st_size > 0;
    size_t round = p->pass == 1 ? p->n : MIN(p->n, (size_t)DESCRIPTORS_ROUND);
    for (size_t i = 0; i < round; i++) {
        p->rotation = p->rotation + 1 < p->n ? p->rotation + 1 : 0;
        count_descriptors(p, &p->at[p->rotation]);
    }
    struct process *most[PROCESS_TOP_MAX];
    size_t n = highest(p, BY_DESCRIPTORS, most, COUNT(most));
    for (size_t i = 0; i < n; i++)
        count_descriptors(p, most[i]);
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].has_descriptors && p->at[i].descriptors >= LIMIT_ASKED_FROM)
            ask_limit(t, p, &p->at[i]);
}

/* ---- mappings ---- */

static bool count_lines(int fd, uint64_t *lines)
{
    char chunk[MAPS_CHUNK_BYTES];
    size_t total = 0;
    *lines = 0;
    while (total < MAPS_MAX_BYTES) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got <= 0)
            return got == 0;
        total += (size_t)got;
        for (const char *at = chunk; (at = memchr(at, '\n', (size_t)(chunk + got - at))); at++)
            (*lines)++;
    }
    return true;
}

static void count_maps(struct tick *t, struct processes *p, struct process *one)
{
    struct detail *d = detail_of(t, p, one);
    if (d->maps_ms && p->pass_mono_ms - d->maps_ms < MAPS_EVERY_MS)
        return;
    char path[32];
    d->maps_ms = p->pass_mono_ms;
    snprintf(path, sizeof path, "%d/maps", one->pid);
    auto_fd fd = openat(p->proc_fd, path, O_RDONLY | O_CLOEXEC);
    d->has_maps = fd >= 0 && count_lines(fd, &d->maps);
}

/* Mappings may be small: a share of all processes is looked at in each pass. */
static void count_some_maps(struct tick *t, struct processes *p)
{
    size_t round = MIN(p->n, (size_t)(p->pass == 1 ? MAPS_FIRST : MAPS_ROUND));
    for (size_t tried = 0; round > 0 && tried < p->n; tried++) {
        p->maps_rotation = p->maps_rotation + 1 < p->n ? p->maps_rotation + 1 : 0;
        struct process *one = &p->at[p->maps_rotation];
        uint64_t lines;
        char path[32];
        bool lately = one->mapped && p->pass - one->mapped < MAPS_AGAIN_PASSES;
        if (one->virtual_bytes < MAPS_MANY_MIN_BYTES || lately)
            continue;
        one->mapped = p->pass;
        snprintf(path, sizeof path, "%d/maps", one->pid);
        auto_fd fd = openat(p->proc_fd, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno == EACCES)
            tick_denied(t, "CAP_SYS_PTRACE");
        if (fd >= 0 && count_lines(fd, &lines) && lines >= MAPS_MANY) {
            struct detail *d = detail_of(t, p, one);
            d->maps = lines;
            d->has_maps = true;
            d->maps_ms = p->pass_mono_ms;
        }
        round--;
    }
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].detail && p->at[i].detail->has_maps && p->at[i].detail->maps >= MAPS_MANY)
            count_maps(t, p, &p->at[i]);
}

/* Who has many mappings has much address space, or much memory, most of the time. */
static void count_largest_maps(struct tick *t, struct processes *p)
{
    struct process *largest[MAPS_LARGEST] = {0};
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct process *one = &p->at[i];
        size_t at = n < MAPS_LARGEST ? n++ : MAPS_LARGEST;
        for (; at > 0 && largest[at - 1]->virtual_bytes < one->virtual_bytes; at--)
            if (at < MAPS_LARGEST)
                largest[at] = largest[at - 1];
        if (at < MAPS_LARGEST)
            largest[at] = one;
    }
    for (size_t i = 0; i < n; i++)
        if (largest[i]->virtual_bytes)
            count_maps(t, p, largest[i]);
    for (size_t i = 0; i < MIN(p->n_ranked[BY_MEMORY], (size_t)MAPS_LARGEST); i++)
        count_maps(t, p, p->ranked[BY_MEMORY][i]);
}

void processes_rank(struct tick *t, struct processes *p)
{
    rank(p, BY_CPU);
    rank(p, BY_MEMORY);
    ask_all_io(p);
    rank(p, BY_IO);
    count_some_descriptors(t, p);
    rank(p, BY_DESCRIPTORS);
    for (size_t order = 0; order < PROCESS_ORDERS; order++)
        for (size_t i = 0; i < p->n_ranked[order]; i++) {
            detail_of(t, p, p->ranked[order][i]);
            if (p->ranked[order][i]->has_descriptors)
                ask_limit(t, p, p->ranked[order][i]);
        }
    count_some_maps(t, p);
    count_largest_maps(t, p);
    forget_details(p);
}
