/* Profiles as their files say them. Private to advise/. */
#pragma once

#include "advise/profile.h"
#include "advise/rule.h"

struct profile_check {
    const char *parameter, *field, *name, *line, *file, *why;
    struct formula value, use;              /* use: how much of the value is in use now */
    struct formula fields[RULE_FIELDS_MAX]; /* all numbers of the parameter, where it has several */
    bool has_least, has_most, has_warn, has_exactly, has_not, optional;
    double least, most, warn, exactly, not_this;
};

struct profile {
    const char *name, *title, *source;
    const char *processes[PROFILE_PROCESSES_MAX];
    size_t n_processes;
    struct profile_check *checks;
    size_t n_checks;
};

/* As rules_add. */
MUST_USE enum status profiles_add(struct rules *rules, struct span content, const char *file,
                                  int64_t window_max_ms, struct err *err);
