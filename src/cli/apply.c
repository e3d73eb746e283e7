/* galen apply: changes a kernel parameter on this host, and back. */
#include "cli/cli.h"

#include "apply/apply.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/yaml.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: galen apply PARAMETER=VALUE | FINDING [--yes] [--confirm-within TIME]\n"
    "       galen apply --confirm [PARAMETER] | --revert PARAMETER | --list\n"
    "\n"
    "Sets a kernel parameter now and, by a line in /etc/sysctl.d/90-galen.conf,\n"
    "after the next boot. Without --yes it only says what it would do. FINDING is\n"
    "the number of a finding of the server. Values outside of what is sane are\n"
    "refused.\n"
    "\n"
    "  --yes                 do it\n"
    "  --confirm-within T    put it back after T (30s, 10m, 2h) unless confirmed\n"
    "                        until then; the line for the next boot is written by\n"
    "                        the confirmation\n"
    "  --confirm             keep what waits for it\n"
    "  --revert PARAMETER    put back what was there before galen changed it\n"
    "  --list                what galen has changed on this host\n"
    "  --root DIR            another root than /, for tests\n" CLI_SERVER_HELP;

enum { PLAN_INDENT = 18 };
enum { TIMER_LOOKS_MS = 5000 }; /* how often the timer looks whether it is still needed */

struct apply {
    struct cli_server server;
    const char *root, *what, *revert;
    bool yes, confirm, list;
    int64_t within_ms;
};

static int failed(const struct err *err)
{
    return cli_fail("apply", err);
}

/* "12": what the server's finding says, when it is about this host. */
static enum status from_finding(const struct apply *o, struct arena *arena, struct span *parameter,
                                struct span *value, struct err *err)
{
    char path[128], host[256] = "";
    auto_buf body = {0};
    snprintf(path, sizeof path, "/api/galen/v1/findings/%s", o->what);
    enum status st = cli_get(&o->server, path, &body, err);
    if (st)
        return st;
    json_t *row = json_loadb(body.at, body.len, 0, NULL), *f = json_object_get(row, "finding");
    const char *name = json_string_value(json_object_get(f, "parameter"));
    const char *to = json_string_value(json_object_get(f, "to"));
    const char *of = json_string_value(json_object_get(row, "host_name"));
    gethostname(host, sizeof host - 1);
    if (!name || !to)
        st = err_set(err, INVALID, "finding %s proposes no value of a parameter", o->what);
    else if (strcmp(o->root, "/") == 0 && of && strcmp(of, host) != 0)
        st = err_set(err, INVALID, "finding %s is about %s, and this is %s: run it there", o->what,
                     of, host);
    if (!st) {
        *parameter = span_of(arena_dup(arena, name));
        *value = span_of(arena_dup(arena, to));
    }
    json_decref(row);
    return st;
}

static enum status read_what(const struct apply *o, struct arena *arena, struct span *parameter,
                             struct span *value, struct err *err)
{
    struct span what = span_of(o->what);
    uint64_t number;
    if (span_u64(what, &number))
        return from_finding(o, arena, parameter, value, err);
    size_t equals = span_find(what, '=');
    if (equals == what.len)
        return err_set(err, INVALID,
                       "\"%s\" is neither PARAMETER=VALUE nor the number of a finding", o->what);
    *parameter = span_trim(span_from(what.at, equals));
    *value = span_trim(span_from(what.at + equals + 1, what.len - equals - 1));
    return OK;
}

/* False only when it is certain: a journal that cannot be read now may be read later. */
static bool awaits_confirmation(const char *root)
{
    auto_arena arena = {0};
    struct applied *list;
    size_t n;
    if (apply_list(root, &arena, &list, &n, NULL))
        return true;
    bool awaits = false;
    for (size_t i = 0; i < n; i++)
        awaits |= list[i].confirm_by_ms != 0;
    return awaits;
}

/* Sleeps on its own, whatever becomes of the terminal and of us, then puts back what was not
 * confirmed. Ends early when nothing is to be confirmed any more. */
static void run_timer(const struct apply *o, int64_t until_ms)
{
    setsid();
    signal(SIGHUP, SIG_IGN);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    bool begun = false; /* we come before the change itself */
    int64_t wait_ms = TIMER_LOOKS_MS / 100;
    for (int64_t left; (left = until_ms - clock_wall_ms()) > 0;) {
        bool awaits = awaits_confirmation(o->root);
        if (begun && !awaits)
            _exit(EXIT_OK);
        begun |= awaits;
        left = MIN(left, wait_ms);
        struct timespec t = {left / 1000, left % 1000 * 1000000};
        nanosleep(&t, NULL);
        wait_ms = MIN(2 * wait_ms, TIMER_LOOKS_MS);
    }
    size_t n;
    (void)!apply_overdue(o->root, clock_wall_ms(), &n, NULL);
    _exit(EXIT_OK);
}

static enum status start_timer(const struct apply *o, int64_t until_ms, struct err *err)
{
    fflush(NULL);
    pid_t first = fork();
    if (first < 0)
        return err_errno(err, "fork");
    if (first == 0) {
        if (fork() == 0)
            run_timer(o, until_ms);
        _exit(EXIT_OK);
    }
    return OK;
}

static void print_plan(const struct apply *o, const struct apply_plan *p)
{
    const char *root = strcmp(o->root, "/") == 0 ? "" : o->root;
    const char *quote = strchr(p->to, ' ') ? "'" : "";
    auto_buf care = {0}, lines = {0};
    printf("%s  %s -> %s\n", p->parameter, p->from, p->to);
    printf("  now             sysctl -w %s=%s%s%s\n", p->parameter, quote, p->to, quote);
    printf("  after a boot    %s\n", p->line);
    printf("                  (%s/%s%s)\n", root, APPLY_CONF,
           o->within_ms ? ", once confirmed" : "");
    if (!p->later_file)
        return;
    buf_printf(&care, "%s sets it to %s and is read later: change it there, too", p->later_file,
               p->later_value);
    text_wrap(&lines, buf_view(&care), PLAN_INDENT, TEXT_TERMINAL);
    printf("  take care       %s", buf_text(&lines));
}

static int apply(const struct apply *o)
{
    auto_arena arena = {0};
    struct err err = {0};
    struct span parameter = {0}, value = {0};
    struct apply_plan plan = {0};
    if (read_what(o, &arena, &parameter, &value, &err) ||
        apply_plan(o->root, parameter, value, &arena, &plan, &err))
        return failed(&err);
    print_plan(o, &plan);
    if (!o->yes) {
        puts("Nothing was changed; --yes does it.");
        return EXIT_OK;
    }
    int64_t now_ms = clock_wall_ms();
    /* First: when we are killed in between, somebody looks after what is in the journal. */
    if (o->within_ms && start_timer(o, now_ms + o->within_ms, &err))
        return failed(&err);
    if (apply_do(o->root, &plan, now_ms, o->within_ms, &err))
        return failed(&err);
    if (o->within_ms)
        printf("Done. It is put back in %lld s unless you say: galen apply --confirm\n",
               (long long)(o->within_ms / 1000));
    else
        printf("Done. To put it back: galen apply --revert %s\n", plan.parameter);
    return EXIT_OK;
}

static int list(const struct apply *o)
{
    auto_arena arena = {0};
    struct err err = {0};
    struct applied *all;
    size_t n;
    if (apply_list(o->root, &arena, &all, &n, &err))
        return failed(&err);
    for (size_t i = 0; i < n; i++) {
        char at[TIME_TEXT_MAX];
        printf("%s  %s -> %s\n  %s%s\n", all[i].parameter, all[i].from, all[i].to,
               clock_rfc3339(all[i].at_ms, at),
               all[i].confirm_by_ms ? ", waits to be confirmed" : "");
    }
    if (!n)
        puts("galen has changed nothing on this host.");
    return EXIT_OK;
}

static int confirm(const struct apply *o)
{
    struct err err = {0};
    size_t n;
    if (apply_confirm(o->root, o->what ? span_of(o->what) : SPAN(""), &n, &err))
        return failed(&err);
    printf("Confirmed: %zu change%s stay%s.\n", n, n == 1 ? "" : "s", n == 1 ? "s" : "");
    return EXIT_OK;
}

static int revert(const struct apply *o)
{
    struct err err = {0};
    if (apply_revert(o->root, span_of(o->revert), &err))
        return failed(&err);
    printf("%s is what it was before.\n", o->revert);
    return EXIT_OK;
}

static int run(const struct apply *o)
{
    struct err err = {0};
    size_t late = 0;
    /* A timer that was killed, or a machine that was off: what is overdue goes first. A dry run
     * changes nothing at all. */
    bool changes = o->yes || o->confirm || o->revert;
    if (changes && apply_overdue(o->root, clock_wall_ms(), &late, &err))
        return failed(&err);
    if (late)
        printf("%zu change%s had not been confirmed in time and %s put back.\n", late,
               late == 1 ? "" : "s", late == 1 ? "was" : "were");
    return o->list ? list(o) : o->confirm ? confirm(o) : o->revert ? revert(o) : apply(o);
}

static bool read_duration(const char *text, int64_t *out)
{
    struct span s = span_of(text);
    int64_t unit = s.len ? (s.at[s.len - 1] == 's'   ? 1000
                            : s.at[s.len - 1] == 'm' ? 60000
                            : s.at[s.len - 1] == 'h' ? 3600000
                                                     : 0)
                         : 0;
    int64_t n;
    if (!unit || !span_i64(span_from(s.at, s.len - 1), &n) || n < 1 || n > 86400)
        return false;
    *out = n * unit;
    return *out >= APPLY_CONFIRM_MIN_MS && *out <= APPLY_CONFIRM_MAX_MS;
}

int cli_apply(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_SERVER_OPTIONS,
        {"yes", no_argument, NULL, 'y'},
        {"confirm-within", required_argument, NULL, 'w'},
        {"confirm", no_argument, NULL, 'c'},
        {"revert", required_argument, NULL, 'R'},
        {"list", no_argument, NULL, 'l'},
        {"root", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct apply o = {.root = "/"};
    cli_server_defaults(&o.server);
    bool good = true;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'y':
            o.yes = true;
            break;
        case 'w':
            if (!read_duration(optarg, &o.within_ms))
                return cli_wrong("apply", "--confirm-within is 1s to 24h, as 30s, 10m or 2h");
            break;
        case 'c':
            o.confirm = true;
            break;
        case 'R':
            o.revert = optarg;
            break;
        case 'l':
            o.list = true;
            break;
        case 'r':
            o.root = optarg;
            break;
        case 'h':
            return cli_usage("apply", usage, stdout);
        default:
            good &= cli_server_option(&o.server, c, optarg);
        }
    }
    if (optind < argc)
        o.what = argv[optind++];
    if (!good)
        return cli_usage("apply", usage, stderr);
    if (optind < argc)
        return cli_wrong("apply", "one change at a time; what is \"%s\"?", argv[optind]);
    if (o.list + o.confirm + (o.revert != NULL) > 1)
        return cli_wrong("apply", "--confirm, --revert and --list exclude each other");
    if (!o.what && !o.list && !o.confirm && !o.revert)
        return cli_wrong("apply", "PARAMETER=VALUE or the number of a finding is missing");
    return run(&o);
}
