#include "machine.h"

#include "unit.h"

enum { T0_MS = 1000000 };

struct collect *machine_open(const char *name)
{
    auto_buf root = {0};
    buf_printf(&root, "%s/machines/%s", TESTS_DIR, name);
    struct collect_config config = {.root = buf_text(&root)};
    struct collect *c = NULL;
    assert_ok(collect_open(&config, &c, err));
    return c;
}

void machine_text(const char *name, struct buf *out)
{
    struct collect *c = machine_open(name);
    collect_run(c, T0_MS, T0_MS, true);
    collect_expose(c, out, true);
    collect_close(c);
}

bool text_value(const struct buf *text, const char *series, double *out)
{
    struct span rest = buf_view(text), line;
    size_t n = strlen(series);
    while (span_line(&rest, &line))
        if (line.len > n && memcmp(line.at, series, n) == 0 && line.at[n] == ' ')
            return span_double((struct span){line.at + n + 1, line.len - n - 1}, out);
    return false;
}
