/* Writes the agent's table of metrics as C, for the server's /api/v1/metadata (see
 * src/api/metric_help.h). */
#include "collect/collect.h"

#include <stdio.h>

static void print_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

int main(void)
{
    size_t n;
    const struct collector *const *table = collect_table(&n);
    puts("#include \"api/metric_help.h\"\n\nconst struct metric_help metric_help[] = {");
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < table[i]->n_metrics; k++) {
            const struct metric *m = &table[i]->metrics[k];
            if (!m->name)
                continue;
            printf("    {");
            print_text(m->name);
            printf(", \"%s\", ", metric_type_name(m->type));
            print_text(m->help);
            puts("},");
        }
    }
    puts("};\nconst size_t metric_help_n = COUNT(metric_help);");
    return 0;
}
