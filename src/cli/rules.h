/* What `galen rules` does with alert rules: Prometheus's files. */
#pragma once

#include "cli/cli.h"

/* Files of unit tests in promtool's format; the exit code. */
int rules_test(int argc, char **argv);
/* A file with "groups:" at its top. */
bool rules_are_prometheus(const char *path);
int alert_rules_check(const char *path);
/* The rules of a folder as one plain rule file for Prometheus, on stdout. */
int rules_export(const char *dir);
