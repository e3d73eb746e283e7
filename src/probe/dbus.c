/* Alignment is counted from the start of the message, and a body starts at a multiple of 8. */
#include "probe/dbus.h"

enum field {
    PATH = 1,
    INTERFACE = 2,
    MEMBER = 3,
    ERROR_NAME = 4,
    REPLY_SERIAL = 5,
    DESTINATION = 6,
    SIGNATURE = 8
};

static const char our_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B';

/* ---- writing ---- */

static void align(struct buf *out, size_t start, size_t to)
{
    while ((out->len - start) % to)
        buf_char(out, '\0');
}

static void put_u32(struct buf *out, size_t start, uint32_t v)
{
    align(out, start, sizeof v);
    buf_put(out, &v, sizeof v);
}

static void put_string(struct buf *out, size_t start, const char *text)
{
    put_u32(out, start, (uint32_t)strlen(text));
    buf_str(out, text);
    buf_char(out, '\0');
}

static void put_signature(struct buf *out, const char *text)
{
    buf_char(out, (char)strlen(text));
    buf_str(out, text);
    buf_char(out, '\0');
}

static void put_field(struct buf *out, size_t start, enum field code, const char *type,
                      const char *value)
{
    if (!value)
        return;
    align(out, start, 8);
    buf_char(out, (char)code);
    put_signature(out, type);
    if (code == SIGNATURE)
        put_signature(out, value);
    else
        put_string(out, start, value);
}

static void set_u32(struct buf *out, size_t at, uint32_t v)
{
    if (!out->failed)
        memcpy(out->at + at, &v, sizeof v);
}

void dbus_put_call(struct buf *out, uint32_t serial, const struct dbus_call *call)
{
    enum { BODY_LENGTH_AT = 4, FIELDS_LENGTH_AT = 12 };
    size_t start = out->len;
    buf_char(out, our_order);
    buf_char(out, DBUS_CALL);
    buf_char(out, '\0'); /* flags */
    buf_char(out, 1);    /* version of the protocol */
    put_u32(out, start, 0);
    put_u32(out, start, serial);
    put_u32(out, start, 0);
    size_t fields = out->len;
    put_field(out, start, PATH, "o", call->path);
    put_field(out, start, INTERFACE, "s", call->interface);
    put_field(out, start, MEMBER, "s", call->member);
    put_field(out, start, DESTINATION, "s", call->destination);
    put_field(out, start, SIGNATURE, "g", call->strings ? "as" : NULL);
    set_u32(out, start + FIELDS_LENGTH_AT, (uint32_t)(out->len - fields));
    align(out, start, 8);
    size_t body = out->len;
    if (call->strings) {
        put_u32(out, start, 0);
        for (size_t i = 0; i < call->n_strings; i++)
            put_string(out, start, call->strings[i]);
        set_u32(out, body, (uint32_t)(out->len - body - sizeof(uint32_t)));
    }
    set_u32(out, start + BODY_LENGTH_AT, (uint32_t)(out->len - body));
}

/* ---- reading ---- */

struct reader {
    struct span in;
    size_t at;
    bool swapped, bad;
};

static void skip_to(struct reader *r, size_t to)
{
    r->at = (r->at + to - 1) / to * to;
    if (r->at > r->in.len)
        r->bad = true;
}

static uint32_t get_u32(struct reader *r)
{
    uint32_t v;
    skip_to(r, sizeof v);
    if (r->bad || r->in.len - r->at < sizeof v) {
        r->bad = true;
        return 0;
    }
    memcpy(&v, r->in.at + r->at, sizeof v);
    r->at += sizeof v;
    return r->swapped ? __builtin_bswap32(v) : v;
}

static uint8_t get_byte(struct reader *r)
{
    if (r->bad || r->at >= r->in.len) {
        r->bad = true;
        return 0;
    }
    return (uint8_t)r->in.at[r->at++];
}

static struct span get_text(struct reader *r, size_t len)
{
    if (r->bad || r->in.len - r->at <= len || r->in.at[r->at + len]) {
        r->bad = true;
        return (struct span){0};
    }
    struct span text = {r->in.at + r->at, len};
    r->at += len + 1;
    return text;
}

static struct span get_string(struct reader *r)
{
    uint32_t len = get_u32(r);
    return get_text(r, len);
}

static struct span get_signature(struct reader *r)
{
    uint8_t len = get_byte(r);
    return get_text(r, len);
}

/* Lengths of the fixed head; false when it is none. */
static bool read_head(struct span head, bool *swapped, uint32_t *body, uint32_t *fields)
{
    if (head.len < DBUS_HEAD_BYTES || (head.at[0] != 'l' && head.at[0] != 'B') || head.at[3] != 1)
        return false;
    *swapped = head.at[0] != our_order;
    struct reader r = {.in = head, .at = 4, .swapped = *swapped};
    *body = get_u32(&r);
    get_u32(&r); /* serial */
    *fields = get_u32(&r);
    return *fields <= DBUS_FIELDS_MAX_BYTES && *body <= DBUS_MESSAGE_MAX_BYTES;
}

static size_t body_start(uint32_t fields)
{
    return ((size_t)DBUS_HEAD_BYTES + fields + 7) / 8 * 8;
}

size_t dbus_length(struct span head)
{
    bool swapped;
    uint32_t body, fields;
    if (!read_head(head, &swapped, &body, &fields))
        return 0;
    size_t total = body_start(fields) + body;
    return total <= DBUS_MESSAGE_MAX_BYTES ? total : 0;
}

/* Header fields have one of these types; others are of extensions that we did not ask for. */
static void read_field(struct reader *r, struct dbus_message *m)
{
    skip_to(r, 8);
    uint8_t code = get_byte(r);
    struct span type = get_signature(r), text = {0};
    uint32_t number = 0;
    if (span_is(type, "s") || span_is(type, "o"))
        text = get_string(r);
    else if (span_is(type, "g"))
        text = get_signature(r);
    else if (span_is(type, "u"))
        number = get_u32(r);
    else
        r->bad = true;
    if (code == ERROR_NAME)
        m->error = text;
    else if (code == SIGNATURE)
        m->signature = text;
    else if (code == REPLY_SERIAL)
        m->reply_to = number;
}

bool dbus_parse(struct span message, struct dbus_message *out)
{
    uint32_t body, fields;
    *out = (struct dbus_message){0};
    if (!read_head(message, &out->swapped, &body, &fields) ||
        message.len != body_start(fields) + body)
        return false;
    out->type = (enum dbus_type)message.at[1];
    struct reader r = {.in = {message.at, (size_t)DBUS_HEAD_BYTES + fields},
                       .at = DBUS_HEAD_BYTES,
                       .swapped = out->swapped};
    while (!r.bad && r.at < r.in.len)
        read_field(&r, out);
    out->body = (struct span){message.at + body_start(fields), body};
    return !r.bad;
}

bool dbus_next_unit(const struct dbus_message *m, size_t *at, struct dbus_unit *out, bool *bad)
{
    struct reader r = {.in = m->body, .at = *at, .swapped = m->swapped};
    if (*at == 0) {
        uint32_t len = get_u32(&r);
        skip_to(&r, 8);
        if (r.bad || len != r.in.len - r.at) {
            *bad = len != 0 || r.in.len != sizeof len; /* an empty array may end without padding */
            return false;
        }
    }
    if (r.at >= r.in.len)
        return false;
    skip_to(&r, 8);
    out->name = get_string(&r);
    get_string(&r); /* description */
    out->load = get_string(&r);
    out->active = get_string(&r);
    out->sub = get_string(&r);
    get_string(&r); /* following */
    get_string(&r); /* object path */
    get_u32(&r);    /* job */
    get_string(&r);
    get_string(&r);
    *at = r.at;
    *bad = r.bad;
    return !r.bad;
}

bool dbus_string(const struct dbus_message *m, struct span *out)
{
    struct reader r = {.in = m->body, .swapped = m->swapped};
    *out = get_string(&r);
    return !r.bad;
}
