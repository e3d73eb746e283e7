/* promqltest FILE.test...: runs Prometheus's test scripts against the engine. */
#include "base/file.h"
#include "promql/script/script.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct script_totals totals = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: promqltest FILE.test...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        auto_buf text = {.max = SCRIPT_MAX_BYTES}, out = {0};
        struct err err = {0};
        if (file_read(argv[i], &text, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 2;
        }
        script_run(argv[i], buf_view(&text), &totals, &out);
        fputs(buf_text(&out), stdout);
    }
    printf("%zu passed, %zu failed, %zu skipped\n", totals.passed, totals.failed, totals.skipped);
    return totals.failed > 0;
}
