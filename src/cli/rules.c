/* galen rules check: are the rule files well-formed, and where not, why. */
#include "cli/cli.h"

#include "advise/advise.h"

static const char usage[] =
    "usage: galen rules check [DIR]\n\n"
    "Reads features.yaml and advice/ below DIR (default: where the rules are installed) as the\n"
    "server does. The first fault is named with file, line, column and reason.\n";

int cli_rules(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return cli_usage("rules", usage, stdout);
    if (argc < 2 || argc > 3 || strcmp(argv[1], "check") != 0)
        return cli_usage("rules", usage, stderr);
    struct adviser_config config = {.rules_dir = argc == 3 ? argv[2] : NULL, .model_path = ""};
    struct adviser *a;
    struct err err = {0};
    if (adviser_open(&config, &a, &err))
        return cli_fail("rules", &err);
    printf("%zu rules are well-formed\n", adviser_rules(a));
    adviser_close(a);
    return EXIT_OK;
}
