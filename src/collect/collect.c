/* One machine: its root, its collectors, and what is due when. */
#include "collect/tick.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "collect/collectors.h"
#include "collect/process.h"
#include "series/remote_write.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

/* A collector may run this much early, so that a tick that came a little late does not push
 * every following one by a whole interval. */
enum { EARLY_MS = 200 };

/* Values of collectors that run seldom are told again after this long: queries look back five
 * minutes and no further. */
enum { TELL_AGAIN_MS = 120 * 1000 };

static enum status open_root(struct collect *c, struct err *err)
{
    int fd = open(c->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "root directory %s", c->root);
    fd_close(&c->root_fd);
    c->root_fd = fd;
    return OK;
}

static bool is_live(const struct collect *c)
{
    struct statfs fs;
    auto_fd proc = openat(c->root_fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return proc >= 0 && fstatfs(proc, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static enum status first_line(const struct collect *c, const char *path, struct buf *out,
                              struct err *err)
{
    enum status st = file_read_at(c->root_fd, path, out, err);
    if (st)
        return st;
    out->len = span_find(buf_view(out), '\n');
    return out->len ? OK : err_set(err, INVALID, "%s is empty", path);
}

static enum status find_instance(struct collect *c, const char *wanted, struct err *err)
{
    if (wanted && *wanted) {
        c->instance = mem_dup(wanted);
        return OK;
    }
    auto_buf name = {.max = LABEL_VALUE_MAX_BYTES};
    enum status st = NOT_FOUND;
    if (c->namespaces.elsewhere) /* the kernel would tell the container's name */
        st = first_line(c, "etc/hostname", &name, NULL);
    if (st) {
        buf_clear(&name);
        name.failed = false;
        st = first_line(c, "proc/sys/kernel/hostname", &name, err);
    }
    if (st)
        return err_prefix(err, "this machine's name (--hostname gives one)");
    c->instance = mem_dup_span(buf_view(&name));
    return OK;
}

static void keep_sysctls(struct collect *c, struct setting_list from)
{
    c->sysctls.items = ARENA_ARRAY(&c->arena, const char *, from.n);
    c->sysctls.n = from.n;
    for (size_t i = 0; i < from.n; i++)
        c->sysctls.items[i] = arena_dup(&c->arena, from.items[i]);
}

static bool is_off(const struct setting_list *off, const char *name)
{
    for (size_t i = 0; i < off->n; i++)
        if (strcmp(off->items[i], name) == 0)
            return true;
    return false;
}

static enum status check_off(const struct setting_list *off, struct err *err)
{
    size_t n;
    const struct collector *const *all = collect_table(&n);
    for (size_t i = 0; i < off->n; i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found = found || strcmp(all[k]->name, off->items[i]) == 0;
        if (!found)
            return err_set(err, INVALID, "there is no collector \"%s\"", off->items[i]);
    }
    return OK;
}

void collect_add(struct collect *c, const struct collector *collector, void *arg)
{
    if (c->n_active == c->active_size) {
        c->active_size = c->active_size ? 2 * c->active_size : 32;
        c->active = mem_grow(c->active, c->active_size * sizeof *c->active);
    }
    void *state = arg ? arg : arena_zero(&c->arena, 1, collector->state_bytes);
    c->active[c->n_active++] = (struct active){.collector = collector, .state = state};
}

void *collect_state(const struct collect *c, const struct collector *collector)
{
    for (size_t i = 0; i < c->n_active; i++)
        if (c->active[i].collector == collector)
            return c->active[i].state;
    return NULL;
}

static enum status collect_init(struct collect *c, const struct collect_config *config,
                                struct err *err)
{
    enum status st = check_off(&config->off, err);
    if (!st)
        st = open_root(c, err);
    if (st)
        return st;
    c->live = is_live(c);
    namespaces_look(c);
    st = find_instance(c, config->instance, err);
    if (st)
        return st;
    c->budget_ms = config->budget_ms ? config->budget_ms : BUDGET_DEFAULT_MS;
    c->textfiles = config->textfiles ? mem_dup(config->textfiles) : NULL;
    keep_sysctls(c, config->sysctls);
    c->processes_top =
        config->processes_top ? MIN(config->processes_top, PROCESS_TOP_MAX) : PROCESS_TOP_DEFAULT;
    size_t n;
    const struct collector *const *all = collect_table(&n);
    for (size_t i = 0; i < n; i++)
        if (!is_off(&config->off, all[i]->name))
            collect_add(c, all[i], NULL);
    return OK;
}

enum status collect_open(const struct collect_config *config, struct collect **out, struct err *err)
{
    struct collect *c = mem_zero(1, sizeof *c);
    c->root_fd = -1;
    c->text.max = FILE_MAX_BYTES;
    c->root = mem_dup(config->root ? config->root : "/");
    enum status st = collect_init(c, config, err);
    *out = st ? NULL : c;
    if (st)
        collect_close(c);
    return st;
}

void collect_close(struct collect *c)
{
    if (!c)
        return;
    for (struct kfile *f = c->files; f; f = f->next)
        kfile_close(f);
    for (size_t i = 0; i < c->n_active; i++) {
        if (c->active[i].collector->free)
            c->active[i].collector->free(c->active[i].state);
        active_free(&c->active[i]);
    }
    free(c->active);
    free(c->root);
    free(c->instance);
    free(c->textfiles);
    buf_free(&c->text);
    buf_free(&c->key);
    fd_close(&c->root_fd);
    arena_free(&c->arena);
    free(c);
}

static void tell_fault(struct active *a, enum status st, const struct err *err)
{
    if (st == NOT_FOUND && a->collector->optional)
        return;
    a->faults++;
    if (a->missing_told)
        return;
    a->missing_told = true;
    log_warn("collector %s: %s; its metrics are missing", a->collector->name, err->text);
}

/* How often it runs by itself. */
static int64_t natural_ms(const struct collect *c, const struct active *a)
{
    return MAX(1000 * (int64_t)a->collector->every_s, c->gap_ms);
}

static void tell_stretch(const struct collect *c, const struct active *a)
{
    const char *name = a->collector->name;
    int64_t ms = a->budget.stretch_ms;
    if (ms)
        log_warn("collector %s takes more than %lld ms of a processor a minute: it runs every "
                 "%lld s now",
                 name, (long long)c->budget_ms, (long long)ms / 1000);
    else
        log_info("collector %s is within its budget again and runs as often as before", name);
}

void tick_denied(struct tick *t, const char *needs)
{
    if (!t->a) /* the inventory, which says what it has not */
        return;
    t->a->needs = needs;
    t->a->denied++;
}

static void tell_denied(struct active *a)
{
    if (a->denied && !a->denied_most)
        log_info("collector %s may not look at everything (%u files or processes in this run); %s "
                 "would let it",
                 a->collector->name, a->denied, a->needs);
    a->denied_most = MAX(a->denied_most, a->denied);
}

static void run_one(struct collect *c, struct active *a)
{
    struct tick t = {c, a};
    struct err err = {0};
    /* Asking for processor time is a system call, and mostly not needed. */
    int64_t cpu_began = a->budget.exact ? clock_cpu_ns() : 0;
    int64_t began = clock_mono_ns();
    a->denied = 0;
    active_start(&t);
    enum status st = a->collector->collect(&t, a->state, &err);
    active_end(&t);
    a->cost_ns = clock_mono_ns() - began;
    int64_t cpu_ns = a->budget.exact ? clock_cpu_ns() - cpu_began : 0;
    if (budget_note(&a->budget, c->mono_ms, natural_ms(c, a), c->budget_ms, a->cost_ns, cpu_ns))
        tell_stretch(c, a);
    if (st)
        tell_fault(a, st, &err);
    tell_denied(a);
}

static bool is_due(struct active *a, int64_t mono_ms, bool all)
{
    if (!all && mono_ms + EARLY_MS < a->next_ms && a->run > 0)
        return false;
    a->next_ms = mono_ms + MAX(1000 * (int64_t)a->collector->every_s, a->budget.stretch_ms);
    return true;
}

/* A run without values: stale markers, the first time. */
static void end_series(struct collect *c, struct active *a)
{
    struct tick t = {c, a};
    a->fresh = a->n > 0;
    active_start(&t);
    active_end(&t);
}

void collect_off(struct collect *c, const struct setting_list *off)
{
    for (size_t i = 0; i < c->n_active; i++) {
        struct active *a = &c->active[i];
        bool was = a->off;
        a->off = is_off(off, a->collector->name);
        if (was && !a->off)
            a->next_ms = 0;
    }
}

void collect_processes_top(struct collect *c, unsigned n)
{
    c->processes_top = MIN(n, PROCESS_TOP_MAX);
}

void collect_before_run(struct collect *c, void (*fn)(void *arg), void *arg)
{
    c->before_run = fn;
    c->before_run_arg = arg;
}

static void tell_before_run(struct collect *c)
{
    if (c->before_run)
        c->before_run(c->before_run_arg);
}

void collect_run(struct collect *c, int64_t wall_ms, int64_t mono_ms, bool all)
{
    tell_before_run(c);
    c->wall_ms = wall_ms;
    c->gap_ms = c->ran_ms ? mono_ms - c->ran_ms : 0;
    c->mono_ms = c->ran_ms = mono_ms;
    c->live_run = false;
    struct err err = {0};
    if (!c->live && open_root(c, &err))
        log_warn("%s", err.text);
    for (size_t i = 0; i < c->n_active; i++) {
        struct active *a = &c->active[i];
        if (a->off) {
            end_series(c, a);
            continue;
        }
        a->fresh = is_due(a, mono_ms, all);
        if (a->fresh)
            run_one(c, a);
        else
            a->fresh = a->n > 0 && mono_ms - a->told_ms >= TELL_AGAIN_MS;
        if (a->fresh)
            a->told_ms = mono_ms;
    }
}

void collect_run_live(struct collect *c, int64_t wall_ms, int64_t mono_ms)
{
    tell_before_run(c);
    c->wall_ms = wall_ms;
    c->mono_ms = mono_ms;
    c->live_run = true;
    for (size_t i = 0; i < c->n_active; i++) {
        struct active *a = &c->active[i];
        a->fresh = !a->off && a->collector->every_s == 0 && a->run > 0 && a->budget.stretch_ms == 0;
        if (a->fresh)
            run_one(c, a);
    }
}

void collect_costs_json(const struct collect *c, struct json *j)
{
    json_begin_array(j);
    for (size_t i = 0; i < c->n_active; i++) {
        const struct active *a = &c->active[i];
        json_begin_object(j);
        json_field(j, "name", a->collector->name);
        json_field_bool(j, "off", a->off);
        json_field_i64(j, "every_s", a->collector->every_s);
        json_field_i64(j, "stretched_ms", a->budget.stretch_ms);
        json_field_i64(j, "last_us", a->cost_ns / 1000);
        json_field_i64(j, "total_us", a->budget.total_ns / 1000);
        json_field_i64(j, "runs", a->run);
        json_field_i64(j, "faults", (int64_t)a->faults);
        json_field_i64(j, "series", (int64_t)a->n);
        json_end_object(j);
    }
    json_end_array(j);
}

bool collect_is_live(const struct collect *c)
{
    return c->live;
}

int collect_root_fd(const struct collect *c)
{
    return c->root_fd;
}

const char *collect_instance(const struct collect *c)
{
    return c->instance;
}

int64_t tick_wall_ms(const struct tick *t)
{
    return t->c->wall_ms;
}

int64_t tick_mono_ms(const struct tick *t)
{
    return t->c->mono_ms;
}

enum status collect_machine_id(const struct collect *c, char id[33], struct err *err)
{
    auto_buf text = {.max = 256};
    enum status st = first_line(c, "etc/machine-id", &text, NULL);
    if (st) {
        buf_clear(&text);
        text.failed = false;
        st = first_line(c, "var/lib/dbus/machine-id", &text, err);
    }
    if (st)
        return st;
    auto_buf salted = {0};
    buf_str(&salted, "galen:");
    buf_span(&salted, buf_view(&text));
    uint8_t digest[SHA256_BYTES];
    sha256(buf_view(&salted), digest);
    hex_encode(span_from(digest, 16), id);
    return OK;
}
