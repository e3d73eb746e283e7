/* Files of sysctl.d: any bytes give lines whose parts lie inside, names that are valid stay below
 * /proc/sys. */
#include "series/parameter.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct span part, const uint8_t *data, size_t size)
{
    const char *start = (const char *)data;
    return part.len == 0 || (part.at >= start && part.at + part.len <= start + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena arena = {0};
    struct sysctl_lines lines = {.rest = span_from(data, size)};
    struct sysctl_line line;
    while (sysctl_next(&lines, &line)) {
        if (!inside(line.name, data, size) || !inside(line.value, data, size))
            abort();
        const char *name = parameter_dotted(&arena, line.name);
        parameter_value(&arena, line.value);
        if (parameter_name_valid(line.name) && (strstr(name, "..") || name[0] == '/'))
            abort();
    }
    return 0;
}
