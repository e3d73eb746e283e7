/* What operators and time have said of a server's advice, as rows to train with. */
#pragma once

#include "advise/advise.h"
#include "cli/cli.h"

enum { SERVER_ROWS_MAX = 10000 };

struct server_rows {
    struct buf csv; /* lines with the columns asked for, oldest first */
    size_t n;       /* lines */
    size_t by_class[CLASSES];
    size_t forgotten; /* no samples of that time are kept any more */
    bool more;        /* SERVER_ROWS_MAX was reached: the oldest are left out */
};

/* header: names of the wanted columns, by commas. Columns that are features get their value at the
 * time of the finding or change, as rules/features.yaml says; label, scenario, parameter, setting
 * and role are filled, others stay empty. The caller frees out->csv. */
MUST_USE enum status train_server_rows(const struct cli_server *server,
                                       const struct adviser *adviser, struct span header,
                                       struct server_rows *out, struct err *err);
