/* galen rules check: are the rule files well-formed, and where not, why. */
#include "cli/rules.h"

#include "advise/advise.h"
#include "alert/mail.h"

#include <sys/stat.h>

static const char usage[] =
    "usage: galen rules check [DIR | FILE...]  are they well-formed?\n"
    "       galen rules test FILE...           unit tests of alert rules (promtool's)\n"
    "       galen rules export DIR             alert rules as one file for Prometheus\n"
    "\n"
    "Reads features.yaml, advice/ and profiles/ below DIR (default: where the rules\n"
    "are installed) as the server does; or files of an administrator's own rules,\n"
    "beside the installed ones; or Prometheus's rule files (with `groups:`), with\n"
    "thresholds or without; or templates of mails (*.tmpl). The first fault is named\n"
    "with file, line, column and reason.\n";

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

/* dir NULL: where the rules are installed. */
static int check_rules(const char *dir)
{
    struct adviser_config config = {.rules_dir = dir, .rules_extra = "", .model_path = ""};
    struct adviser *a;
    struct err err = {0};
    if (adviser_open(&config, &a, &err))
        return cli_fail("rules", &err);
    printf("%zu rules are well-formed\n", adviser_rules(a));
    adviser_close(a);
    auto_arena paths = {0};
    return check_templates(dir ? dir : advise_data_path(&paths, "rules"));
}

static int check(int n, char **words)
{
    if (n && rules_are_prometheus(words[0])) {
        int worst = EXIT_OK;
        for (int i = 0; i < n; i++) {
            int code = alert_rules_check(words[i]);
            worst = MAX(worst, code);
        }
        return worst;
    }
    return n > 1 || (n && !is_folder(words[0])) ? check_files(n, words)
                                                : check_rules(n ? words[0] : NULL);
}

int cli_rules(int argc, char **argv)
{
    int code;
    if (!cli_words("rules", usage, argc, argv, &code))
        return code;
    int n = argc - optind - 1; /* behind the command */
    char **words = argv + optind + 1;
    const char *command = n < 0 ? "" : words[-1];
    if (strcmp(command, "check") == 0)
        return check(n, words);
    if (strcmp(command, "test") == 0 && n > 0)
        return rules_test(n, words);
    if (strcmp(command, "export") == 0 && n == 1)
        return rules_export(words[0]);
    if (n < 0 || strcmp(command, "test") == 0 || strcmp(command, "export") == 0)
        return cli_usage("rules", usage, stderr);
    return cli_no_command("rules", command, "check, test and export");
}
