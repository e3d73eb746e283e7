/* galen check: what to change on this host, without a server: collects for some seconds, looks
 * once, and says it. */
#include "cli/cli.h"
#include "cli/look.h"

#include "advise/profile.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "collect/collect.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: galen check [OPTIONS]\n"
    "\n"
    "Looks at this host for half a minute and says what to change and why. Needs no\n"
    "server and no settings. Exit: 0 nothing to do, 1 there is advice, 2 it could\n"
    "not be done.\n"
    "\n"
    "  --profile NAME  judge by a product's documented values, as mqconfig does:\n"
    "                  ibm-mq, postgresql, ... (exit: 0 PASS, 1 WARN, 2 FAIL)\n"
    "  --watch         look again and again; ends with Ctrl-C\n"
    "  --nagios        one line and performance data for Nagios and Icinga; exit 0\n"
    "                  OK, 1 WARNING (advice), 2 CRITICAL (advice with proof), 3\n"
    "                  UNKNOWN\n"
    "  --seconds N     how long to look, 2..3600 (default 30; 2 for a recorded host)\n"
    "  --root DIR      where proc/ and sys/ are: a recorded host\n"
    "  --json          the analysis as JSON\n"
    "  --verbose       which checks were not judged here, and what is missing for\n"
    "                  them\n"
    "  --rules DIR     other rules than the installed ones\n"
    "  --model FILE    another classifier; \"\" for none\n";

enum { SECONDS_DEFAULT = 30, SECONDS_RECORDED = 2, SECONDS_MAX = 3600, BAR_WIDTH = 30 };
enum { UNJUDGED_INDENT = 15 };

struct check {
    const char *root;
    struct adviser_config adviser;
    const char *profile;
    int64_t seconds;
    bool json, watch, nagios, verbose;
};

enum { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

static bool on_terminal(int fd)
{
    return isatty(fd) && !getenv("NO_COLOR");
}

static void show_progress(int64_t done, int64_t all)
{
    if (!isatty(STDERR_FILENO))
        return;
    int filled = (int)(done * BAR_WIDTH / all);
    fprintf(stderr, "\r\x1b[2K  looking  [%.*s%.*s] %lld of %lld s", filled,
            "##############################", BAR_WIDTH - filled, "..............................",
            (long long)done, (long long)all);
    fflush(stderr);
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\x1b[2K", stderr);
}

/* Ctrl-C leaves no half a bar beside the prompt. */
static void on_interrupt(int number)
{
    static const char clear[] = "\r\x1b[2K";
    (void)!write(STDERR_FILENO, clear, sizeof clear - 1);
    signal(number, SIG_DFL);
    raise(number);
}

static void wait_until(int64_t mono_ms)
{
    int64_t left = mono_ms - clock_mono_ms();
    struct timespec t = {left / 1000, left % 1000 * 1000000};
    while (left > 0 && nanosleep(&t, &t) != 0 && errno == EINTR)
        continue;
}

static enum status take_reading(struct collect *c, struct memory_source *to, int64_t *now_ms,
                                struct err *err)
{
    auto_buf message = {0};
    *now_ms = clock_wall_ms();
    collect_run(c, *now_ms, clock_mono_ms(), true);
    collect_write(c, &message);
    return look_add_message(to, buf_view(&message), err);
}

/* A reading every two seconds, and one at the end. */
static enum status look(const struct check *o, struct collect *c, struct memory_source *to,
                        int64_t *now_ms, struct err *err)
{
    int64_t start = clock_mono_ms();
    enum status st = take_reading(c, to, now_ms, err);
    for (int64_t s = 1; !st && s <= o->seconds; s++) {
        show_progress(s, o->seconds);
        wait_until(start + s * 1000);
        if (s % 2 == 0 || s == o->seconds)
            st = take_reading(c, to, now_ms, err);
    }
    end_progress();
    return st;
}

/* ---- what is printed ---- */

static void write_out(const struct check *o, const struct buf *out)
{
    if (o->watch && !o->json && isatty(STDOUT_FILENO))
        fputs("\x1b[H\x1b[2J", stdout);
    fwrite(out->at, 1, out->len, stdout);
    fflush(stdout);
}

static void print_analysis(const struct check *o, const struct analysis *a,
                           const struct profile_report *profiles, size_t n)
{
    auto_buf out = {0};
    struct json j = json_to(&out);
    bool colour = on_terminal(STDOUT_FILENO);
    if (o->json) {
        analysis_json(&j, a);
        buf_char(&out, '\n');
    } else {
        analysis_text(&out, a, colour);
    }
    for (size_t i = 0; i < n && !o->json; i++) {
        buf_char(&out, '\n');
        profile_text(&out, &profiles[i], colour);
    }
    write_out(o, &out);
}

/* "FD2 ...: galen_process_descriptors" for each rule that has no signal on this host. */
static enum status print_unjudged(struct adviser *a, struct memory_source *m, struct span instance,
                                  int64_t now_ms, struct err *err)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    size_t i, k;
    json_t *check, *metric;
    enum status st = advise_checks_json(a, memory_source_face(m), instance, now_ms, &j, err);
    json_t *all = st ? NULL : json_loadb(text.at, text.len, 0, NULL);
    if (!st)
        puts("\nNot judged on this host:");
    json_array_foreach(json_object_get(all, "checks"), i, check)
    {
        const char *state = json_string_value(json_object_get(check, "state"));
        const json_t *missing = json_object_get(check, "missing");
        if (!state || strcmp(state, "speaks") == 0 || strcmp(state, "quiet") == 0)
            continue;
        auto_buf why = {0}, lines = {0};
        buf_printf(&why, "%s: ", json_string_value(json_object_get(check, "title")));
        json_array_foreach(missing, k, metric)
            buf_printf(&why, "%s%s", k ? ", " : "no ", json_string_value(metric));
        buf_str(&why, json_array_size(missing) ? "" : "does not apply");
        text_wrap(&lines, buf_view(&why), UNJUDGED_INDENT, TEXT_TERMINAL);
        printf("  %-12s %s", json_string_value(json_object_get(check, "rule")), buf_text(&lines));
    }
    json_decref(all);
    return st;
}

/* "GALEN WARNING - sentence | findings=1 checks=38 proof=0" */
static int print_nagios(const struct analysis *a)
{
    static const char *const words[] = {"OK", "WARNING", "CRITICAL"};
    size_t advised = 0, proven = 0;
    for (size_t i = 0; i < a->n_findings; i++) {
        advised += a->findings[i].class != 0;
        proven += a->findings[i].class != 0 && a->findings[i].kind == KIND_PROOF;
    }
    int code = proven ? NAGIOS_CRITICAL : a->class ? NAGIOS_WARNING : NAGIOS_OK;
    printf("GALEN %s - %s | findings=%zu;; proof=%zu;; checks=%zu;;\n", words[code], a->summary,
           advised, proven, a->checks);
    return code;
}

static int print_profile(const struct check *o, const struct profile_report *p)
{
    static const int codes[PROFILE_RESULTS] = {0, 1, 2, 1};
    auto_buf out = {0};
    struct json j = json_to(&out);
    if (o->json) {
        profile_json(&j, p);
        buf_char(&out, '\n');
    } else {
        profile_text(&out, p, on_terminal(STDOUT_FILENO));
    }
    write_out(o, &out);
    return codes[p->result];
}

/* ---- analysis ---- */

static enum status judge_by_profile(const struct check *o, struct adviser *a,
                                    struct memory_source *m, int64_t now_ms, int *exit_code,
                                    struct err *err)
{
    auto_arena arena = {0};
    struct profile_report *reports;
    size_t n;
    enum status st = advise_profiles(a, memory_source_face(m), SPAN(""), o->profile, now_ms, &arena,
                                     &reports, &n, err);
    if (!st && n)
        *exit_code = print_profile(o, &reports[0]);
    return st;
}

static enum status analyse(const struct check *o, struct adviser *a, struct memory_source *m,
                           int64_t now_ms, int *exit_code, struct err *err)
{
    auto_arena arena = {0};
    struct advice advice;
    struct profile_report *profiles;
    size_t n;
    if (o->profile)
        return judge_by_profile(o, a, m, now_ms, exit_code, err);
    enum status st = advise_tick(a, memory_source_face(m), now_ms, &arena, &advice, err);
    if (st)
        return st;
    if (advice.n != 1)
        return err_set(err, NOT_FOUND,
                       "%s: proc/meminfo tells nothing of memory, so there is no host to judge",
                       o->root);
    st = advise_profiles(a, memory_source_face(m), SPAN(""), NULL, now_ms, &arena, &profiles, &n,
                         err);
    if (st)
        return st;
    *exit_code = advice.hosts[0].class ? EXIT_FAILED : EXIT_OK;
    if (o->nagios)
        *exit_code = print_nagios(&advice.hosts[0]);
    else
        print_analysis(o, &advice.hosts[0], profiles, n);
    if (o->verbose && !o->json && !o->nagios)
        st = print_unjudged(a, m, advice.hosts[0].instance, now_ms, err);
    return st;
}

/* An unknown name must not take half a minute to tell. */
static enum status check_profile_name(const struct check *o, struct adviser *a, struct err *err)
{
    auto_arena arena = {0};
    struct profile_report *reports;
    size_t n;
    struct memory_source *empty = memory_source_open();
    enum status st = o->profile
                         ? advise_profiles(a, memory_source_face(empty), SPAN(""), o->profile,
                                           clock_wall_ms(), &arena, &reports, &n, err)
                         : OK;
    memory_source_close(empty);
    return st;
}

/* Each look has figures of its own: what was an hour ago would only take memory. */
static enum status look_once(const struct check *o, struct adviser *a, struct collect *c,
                             int *exit_code, struct err *err)
{
    struct memory_source *m = memory_source_open();
    int64_t now_ms = 0;
    enum status st = look(o, c, m, &now_ms, err);
    if (!st)
        st = analyse(o, a, m, now_ms, exit_code, err);
    memory_source_close(m);
    return st;
}

static enum status look_and_analyse(const struct check *o, struct adviser *a, int *exit_code,
                                    struct err *err)
{
    struct collect *c;
    struct collect_config config = {.root = o->root};
    enum status st = collect_open(&config, &c, err);
    if (st)
        return st;
    do
        st = look_once(o, a, c, exit_code, err);
    while (!st && o->watch);
    collect_close(c);
    return st;
}

static int run(const struct check *o)
{
    struct err err = {0};
    struct adviser *a; /* first: a bad rule file should not take half a minute to tell */
    struct adviser_config config = o->adviser;
    int exit_code = EXIT_OK;
    config.window_max_ms = o->seconds * 1000 + 1000;
    enum status st = adviser_open(&config, &a, &err);
    if (!st)
        st = check_profile_name(o, a, &err);
    if (!st)
        st = look_and_analyse(o, a, &exit_code, &err);
    adviser_close(a);
    if (!st)
        return exit_code;
    if (o->nagios)
        printf("GALEN UNKNOWN - %s\n", err.text);
    else
        cli_fail("check", &err);
    return o->nagios ? NAGIOS_UNKNOWN : EXIT_USAGE;
}

int cli_check(int argc, char **argv)
{
    static const struct option options[] = {
        {"seconds", required_argument, NULL, 's'},
        {"root", required_argument, NULL, 'r'},
        {"json", no_argument, NULL, 'j'},
        {"profile", required_argument, NULL, 'p'},
        {"watch", no_argument, NULL, 'w'},
        {"nagios", no_argument, NULL, 'n'},
        {"rules", required_argument, NULL, 'R'},
        {"model", required_argument, NULL, 'm'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct check o = {.root = "/"};
    bool good = true;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 's':
            if (!span_i64(span_of(optarg), &o.seconds) || o.seconds < SECONDS_RECORDED ||
                o.seconds > SECONDS_MAX)
                return cli_wrong("check", "--seconds is %d to %d", SECONDS_RECORDED, SECONDS_MAX);
            break;
        case 'r':
            o.root = optarg;
            break;
        case 'j':
            o.json = true;
            break;
        case 'p':
            o.profile = optarg;
            break;
        case 'w':
            o.watch = true;
            break;
        case 'n':
            o.nagios = true;
            break;
        case 'v':
            o.verbose = true;
            break;
        case 'R':
            o.adviser.rules_dir = optarg;
            break;
        case 'm':
            o.adviser.model_path = optarg;
            break;
        case 'h':
            return cli_usage("check", usage, stdout);
        default:
            good = false;
        }
    }
    if (!good)
        return cli_usage("check", usage, stderr);
    if (optind != argc)
        return cli_wrong("check", "it wants no words, but there is \"%s\"", argv[optind]);
    if (o.nagios && (o.json || o.watch || o.profile))
        return cli_wrong("check", "--nagios goes with none of --json, --watch and --profile");
    if (isatty(STDERR_FILENO))
        signal(SIGINT, on_interrupt);
    log_setup("galen", LOG_ERROR, false); /* what a host does not have, the checks' count tells */
    if (!o.seconds)
        o.seconds = span_is(span_of(o.root), "/") ? SECONDS_DEFAULT : SECONDS_RECORDED;
    if (o.profile) /* levels only: a moment is enough */
        o.seconds = SECONDS_RECORDED;
    return run(&o);
}
