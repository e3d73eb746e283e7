/* galen rules check: are the rule files well-formed, and where not, why. */
#include "cli/rules.h"

#include "advise/advise.h"
#include "alert/mail.h"

#include <sys/stat.h>

static const char usage[] =
    "usage: galen rules check [DIR | FILE...]\n"
    "       galen rules test FILE...      unit tests of alert rules, in promtool's format\n"
    "       galen rules export DIR        the alert rules in DIR as one file for Prometheus\n\n"
    "Reads features.yaml, advice/ and profiles/ below DIR (default: where the rules are "
    "installed)\n"
    "as the server does; or files of an administrator's own rules, beside the installed ones;\n"
    "or Prometheus's rule files (with `groups:`), with thresholds or without; or templates of "
    "mails\n"
    "(*.tmpl). The\n"
    "first fault is named with file, line, column and reason.\n";

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Alone for its own faults, then beside the installed rules: names must not occur twice. */
static enum status check_file(const char *path, size_t *n, struct err *err)
{
    struct adviser_config config = {.rules_extra = path, .model_path = ""};
    struct adviser *a;
    enum status st = rules_check_file(path, n, err);
    if (!st)
        st = adviser_open(&config, &a, err);
    if (!st)
        adviser_close(a);
    return st;
}

static bool is_template(const char *path)
{
    return span_ends(span_of(path), SPAN(".tmpl"));
}

static int check_template(const char *path)
{
    struct err err = {0};
    if (mail_template_check(path, &err))
        return cli_fail("rules", &err);
    printf("%s: the template is well-formed\n", path);
    return EXIT_OK;
}

/* Of mails, in a directory of rules; where there are none, there is nothing to check. */
static int check_templates(const char *rules)
{
    auto_buf dir = {0};
    struct mail_templates *t;
    struct err err = {0};
    buf_printf(&dir, "%s/alerts/templates", rules);
    if (!is_folder(buf_text(&dir)))
        return EXIT_OK;
    if (mail_templates_open(buf_text(&dir), NULL, &t, &err))
        return cli_fail("rules", &err);
    mail_templates_close(t);
    return EXIT_OK;
}

static int check_files(int n_files, char **files)
{
    int code = EXIT_OK;
    for (int i = 0; i < n_files; i++) {
        size_t n;
        struct err err = {0};
        if (is_template(files[i])) {
            int one = check_template(files[i]);
            code = MAX(code, one);
            continue;
        }
        if (check_file(files[i], &n, &err))
            code = cli_fail("rules", &err);
        else
            printf("%s: %zu rule%s well-formed\n", files[i], n, n == 1 ? " is" : "s are");
    }
    return code;
}

int cli_rules(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return cli_usage("rules", usage, stdout);
    if (argc > 2 && strcmp(argv[1], "test") == 0)
        return rules_test(argc - 2, argv + 2);
    if (argc == 3 && strcmp(argv[1], "export") == 0)
        return rules_export(argv[2]);
    if (argc > 2 && strcmp(argv[1], "check") == 0 && rules_are_prometheus(argv[2])) {
        int worst = EXIT_OK;
        for (int i = 2; i < argc; i++) {
            int code = alert_rules_check(argv[i]);
            worst = MAX(worst, code);
        }
        return worst;
    }
    if (argc < 2 || strcmp(argv[1], "check") != 0)
        return cli_usage("rules", usage, stderr);
    if (argc > 2 && (argc > 3 || !is_folder(argv[2])))
        return check_files(argc - 2, argv + 2);
    struct adviser_config config = {
        .rules_dir = argc == 3 ? argv[2] : NULL, .rules_extra = "", .model_path = ""};
    struct adviser *a;
    struct err err = {0};
    if (adviser_open(&config, &a, &err))
        return cli_fail("rules", &err);
    printf("%zu rules are well-formed\n", adviser_rules(a));
    adviser_close(a);
    struct arena paths = {0};
    int code = check_templates(argc == 3 ? argv[2] : advise_data_path(&paths, "rules"));
    arena_free(&paths);
    return code;
}
