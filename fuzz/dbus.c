/* A message from the bus: its length, its head, its units. What is taken must lie within it. */
#include "probe/dbus.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span s, const char *start, size_t size)
{
    if (s.len && (s.at < start || s.at + s.len > start + size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    struct dbus_message m;
    struct dbus_unit u;
    size_t at = 0;
    bool bad = false;
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    struct span whole = span_from(copy, size);
    size_t length = dbus_length(whole);
    if (length > DBUS_MESSAGE_MAX_BYTES)
        abort();
    if (dbus_parse(whole, &m)) {
        if (length != size)
            abort();
        inside(m.body, copy, size);
        inside(m.error, copy, size);
        inside(m.signature, copy, size);
    } else {
        m = (struct dbus_message){.body = whole};
    }
    for (size_t before = 0; dbus_next_unit(&m, &at, &u, &bad); before = at) {
        inside(u.name, copy, size);
        inside(u.sub, copy, size);
        if (at <= before)
            abort();
    }
    free(copy);
    return 0;
}
