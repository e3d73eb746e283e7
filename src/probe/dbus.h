/* Private to probe/: the bytes of D-Bus messages, as far as asking systemd for its units needs
 * (D-Bus specification 0.41). Pure. libsystemd's sd-bus would do this too, and would bring 1 MiB
 * of libraries into a process whose whole budget is 3. */
#pragma once

#include "base/buf.h"

enum {
    DBUS_HEAD_BYTES = 16, /* fixed part, with the length of the header fields */
    DBUS_MESSAGE_MAX_BYTES = 8 << 20,
    DBUS_FIELDS_MAX_BYTES = 64 << 10,
};

enum dbus_type { DBUS_CALL = 1, DBUS_RETURN = 2, DBUS_ERROR = 3, DBUS_SIGNAL = 4 };

struct dbus_call {
    const char *destination, *path, *interface, *member;
    const char *const *strings; /* the argument, an array of strings; NULL: no argument */
    size_t n_strings;
};

/* Appends the message. */
void dbus_put_call(struct buf *out, uint32_t serial, const struct dbus_call *call);

/* The length of the message whose first DBUS_HEAD_BYTES are head; 0: that is no message, or a
 * larger one than DBUS_MESSAGE_MAX_BYTES. */
size_t dbus_length(struct span head);

struct dbus_message {
    enum dbus_type type;
    uint32_t reply_to;
    struct span error, signature; /* empty when there is none */
    struct span body;
    bool swapped; /* of the other byte order */
};
/* message is whole. False when it breaks the rules. */
bool dbus_parse(struct span message, struct dbus_message *out);

/* One unit of ListUnits and ListUnitsByNames: a(ssssssouso). */
struct dbus_unit {
    struct span name, load, active, sub;
};
/* *at is 0 at first. False at the end; *bad when the body is broken. */
bool dbus_next_unit(const struct dbus_message *m, size_t *at, struct dbus_unit *out, bool *bad);
/* The one string of a body "s". */
bool dbus_string(const struct dbus_message *m, struct span *out);
