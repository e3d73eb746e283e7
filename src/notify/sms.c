/* Short messages by Twilio: one POST for each number. A message is carried in segments of 140
 * bytes: 160 letters of GSM's own alphabet or 70 UTF-16 units of any other, 153 or 67 when there is
 * more than one segment (3GPP TS 23.038, 23.040 9.2.3.24.1: a head of 6 bytes). */
#include "notify/channel.h"

#include "net/http.h"

#include <string.h>

enum {
    GSM_ALONE = 160,
    GSM_JOINED = 153,
    UCS2_ALONE = 70,
    UCS2_JOINED = 67,
    SMS_LINES_MAX = 3,
    REPLACEMENT = 0xfffd,
};

/* ---- how much fits ---- */

/* The first character of text, which is not empty; its bytes. */
static size_t take(struct span text, uint32_t *c)
{
    const unsigned char *p = (const unsigned char *)text.at;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n == 1 || n > text.len || p[0] < 0xc0) {
        *c = n == 1 ? p[0] : REPLACEMENT;
        return 1;
    }
    *c = p[0] & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++)
        *c = *c << 6 | (p[i] & 0x3fU);
    return n;
}

/* Septets of a character in GSM's alphabet; 0: it is not there. */
static size_t gsm_width(uint32_t c)
{
    static const uint32_t more[] = {
        0xa1, 0xa3, 0xa4, 0xa5,  0xa7,  0xbf,  0xc4,  0xc5,  0xc6,  0xc7,  0xc9,  0xd1,  0xd6,
        0xd8, 0xdc, 0xdf, 0xe0,  0xe4,  0xe5,  0xe6,  0xe8,  0xe9,  0xec,  0xf1,  0xf2,  0xf6,
        0xf8, 0xf9, 0xfc, 0x393, 0x394, 0x398, 0x39b, 0x39e, 0x3a0, 0x3a3, 0x3a6, 0x3a8, 0x3a9};
    if (c == '\n' || c == '\r')
        return 1;
    if (c == 0x20ac || (c < 0x80 && c && strchr("\f^{}\\[~]|", (int)c)))
        return 2;
    if (c >= ' ' && c < 0x7f)
        return c != '`';
    for (size_t i = 0; i < COUNT(more); i++)
        if (more[i] == c)
            return 1;
    return 0;
}

static size_t ucs2_width(uint32_t c)
{
    return c > 0xffff ? 2 : 1;
}

/* Bytes that fit into `most` segments of `size` units; a character is never divided. */
static size_t fill(struct span text, bool gsm, size_t size, size_t most, size_t *segments)
{
    size_t at = 0, used = 0;
    *segments = text.len ? 1 : 0;
    while (at < text.len) {
        uint32_t c;
        size_t bytes = take(span_from(text.at + at, text.len - at), &c);
        size_t width = gsm ? gsm_width(c) : ucs2_width(c);
        if (used + width > size) {
            if (*segments == most)
                break;
            ++*segments;
            used = 0;
        }
        used += width;
        at += bytes;
    }
    return at;
}

static bool all_gsm(struct span text)
{
    while (text.len) {
        uint32_t c;
        size_t bytes = take(text, &c);
        if (!gsm_width(c))
            return false;
        text = span_from(text.at + bytes, text.len - bytes);
    }
    return true;
}

size_t sms_fit(struct span text, size_t most, size_t *segments)
{
    bool gsm = all_gsm(text);
    size_t n = fill(text, gsm, gsm ? GSM_ALONE : UCS2_ALONE, 1, segments);
    return n == text.len ? n : fill(text, gsm, gsm ? GSM_JOINED : UCS2_JOINED, most, segments);
}

/* ---- Twilio ---- */

static enum status check_sms(struct sending *s)
{
    static const char *const needed[] = {"account", "token", "from", "to"};
    const json_t *to = json_object_get(s->config, "to");
    for (size_t i = 0; i < COUNT(needed); i++) {
        enum status st = config_needs(s, needed[i]);
        if (st)
            return st;
    }
    const char *account = config_text(s, "account");
    if (!account || strspn(account, "0123456789abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(account))
        return err_set(s->err, INVALID, "\"account\" is Twilio's SID: letters and digits");
    if (!json_array_size(to) || json_array_size(to) > NOTIFY_RECIPIENTS_MAX)
        return err_set(s->err, INVALID, "\"to\" is a list of 1 to %d telephone numbers",
                       NOTIFY_RECIPIENTS_MAX);
    for (size_t i = 0; i < json_array_size(to); i++) {
        const char *number = json_string_value(json_array_get(to, i));
        if (!number || number[0] != '+' || !number[1] ||
            strspn(number + 1, "0123456789") != strlen(number + 1))
            return err_set(s->err, INVALID, "\"to\": a number is written +4930123456");
    }
    return config_has(s, "api_url") ? check_url(s, "api_url") : OK;
}

static void form_field(struct buf *out, const char *name, struct span value)
{
    buf_printf(out, "%s%s=", out->len ? "&" : "", name);
    url_encode(out, value);
}

static enum status send_one(struct sending *s, const char *to, void *text)
{
    auto_buf url = {0}, form = {0};
    auto_secret *token = NULL;
    const char *api = config_text(s, "api_url"), *from = config_text(s, "from");
    enum status st = config_secret(s, "token", &token);
    if (st)
        return st;
    buf_printf(&url, "%s/2010-04-01/Accounts/%s/Messages.json",
               api ? api : "https://api.twilio.com", config_text(s, "account"));
    form_field(&form, "To", span_of(to));
    form_field(&form, "From", span_of(from ? from : ""));
    form_field(&form, "Body", *(struct span *)text);
    return post(s, buf_text(&url), "twilio", "application/x-www-form-urlencoded", buf_view(&form),
                NULL, config_text(s, "account"), token);
}

static enum status send_sms(struct sending *s)
{
    auto_buf text = {0};
    size_t segments;
    text_title(s, &text);
    if (json_array_size(json_object_get(s->note, "alerts")) > 1) {
        buf_char(&text, '\n');
        text_lines(s, &text, SMS_LINES_MAX);
    }
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\n') || text.at[i] == 0x7f)
            text.at[i] = ' ';
    struct span body = span_trim(buf_view(&text));
    body.len = sms_fit(body, NOTIFY_SMS_SEGMENTS_MAX, &segments);
    return each_recipient(s, send_one, &body);
}

static const char *const sms_keys[] = {"account", "token",   "from", "to",
                                       "api_url", "ca_file", NULL};
const struct channel_kind channel_sms = {"sms", check_sms, send_sms, sms_keys};
