/* E-mail: SMTP with TLS, text and HTML, a picture where there is one. Whatever comes from outside
 * (host names, labels) goes into the body or, encoded, into the subject: never raw into a header.
 */
#include "notify/channel.h"

#include "base/clock.h"
#include "base/crypto.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ADDRESS_MAX_BYTES = 254, SUBJECT_MAX_BYTES = 200, WORD_BYTES = 42 };

static bool is_address(const char *a)
{
    const char *at = a ? strrchr(a, '@') : NULL;
    if (!at || at == a || !at[1] || strlen(a) > ADDRESS_MAX_BYTES)
        return false;
    for (const char *p = a; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("<>()[]\\,;:\"", *p))
            return false;
    return true;
}

static enum status check_email(struct sending *s)
{
    const char *tls = config_text(s, "tls"), *host = config_text(s, "host");
    const json_t *to = json_object_get(s->config, "to");
    const json_t *port = json_object_get(s->config, "port");
    if (!host || !*host ||
        strspn(host, "0123456789abcdefghijklmnopqrstuvwxyz"
                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-:[]") != strlen(host))
        return err_set(s->err, INVALID, "\"host\" is the mail server's name or address");
    if (port && (json_integer_value(port) < 1 || json_integer_value(port) > 65535))
        return err_set(s->err, INVALID, "\"port\" is in 1..65535");
    if (tls && strcmp(tls, "starttls") != 0 && strcmp(tls, "tls") != 0 && strcmp(tls, "none") != 0)
        return err_set(s->err, INVALID, "\"tls\" is starttls, tls or none");
    if (!is_address(config_text(s, "from")))
        return err_set(s->err, INVALID, "\"from\" is an address such as galen@example.com");
    if (!json_array_size(to) || json_array_size(to) > NOTIFY_RECIPIENTS_MAX)
        return err_set(s->err, INVALID, "\"to\" is a list of 1 to %d addresses",
                       NOTIFY_RECIPIENTS_MAX);
    for (size_t i = 0; i < json_array_size(to); i++)
        if (!is_address(json_string_value(json_array_get(to, i))))
            return err_set(s->err, INVALID, "\"to\": number %zu is not an address", i + 1);
    if (config_has(s, "user") && tls && strcmp(tls, "none") == 0)
        return err_set(s->err, INVALID, "a password is not sent without TLS");
    return OK;
}

/* ---- headers ---- */

/* RFC 2047, base64 words; cut at characters. Plain when it is plain ASCII. */
static void encoded(struct span text, struct buf *out)
{
    bool plain = true;
    for (size_t i = 0; i < text.len; i++)
        plain &= (unsigned char)text.at[i] >= ' ' && (unsigned char)text.at[i] < 0x7f;
    if (plain && !memmem(text.at, text.len, "=?", 2)) {
        buf_span(out, text);
        return;
    }
    for (bool first = true; text.len; first = false) {
        size_t n = MIN(text.len, (size_t)WORD_BYTES);
        while (n < text.len && n > 1 && ((unsigned char)text.at[n] & 0xc0) == 0x80)
            n--;
        unsigned char word[2 * WORD_BYTES];
        int length = EVP_EncodeBlock(word, (const unsigned char *)text.at, (int)n);
        buf_str(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        buf_put(out, word, (size_t)length);
        buf_str(out, "?=");
        text = span_from(text.at + n, text.len - n);
    }
}

static void subject(const struct sending *s, struct buf *out)
{
    auto_buf title = {0};
    const char *prefix = config_text(s, "subject_prefix");
    if (prefix)
        buf_printf(&title, "%s ", prefix);
    if (s->subject.len)
        buf_span(&title, s->subject);
    else
        text_title(s, &title);
    struct span text = buf_view(&title);
    for (size_t i = 0; i < title.len; i++)
        if ((unsigned char)title.at[i] < ' ' || title.at[i] == 0x7f)
            title.at[i] = ' ';
    text.len = MIN(text.len, (size_t)SUBJECT_MAX_BYTES);
    while (text.len && text.len < title.len && ((unsigned char)text.at[text.len] & 0xc0) == 0x80)
        text.len--;
    buf_str(out, "Subject: ");
    encoded(text, out);
}

/* The same for a mail that is sent again after a kill: mail programs show one. */
static void message_id(const struct sending *s, struct buf *out)
{
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    if (!s->id) {
        buf_printf(out, "Message-ID: <%016llx%016llx@galen>", (unsigned long long)random_u64(),
                   (unsigned long long)random_u64());
        return;
    }
    sha256(s->raw, digest);
    hex_encode(span_from(digest, sizeof digest / 2), text);
    buf_printf(out, "Message-ID: <%lld.%s@galen>", (long long)s->id, text);
}

static struct curl_slist *headers(const struct sending *s, const char *type)
{
    struct curl_slist *list = NULL;
    auto_buf line = {0}, to = {0};
    const json_t *all = json_object_get(s->config, "to");
    char date[64];
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S +0000", &tm);
    list = curl_slist_append(list, date);
    buf_printf(&line, "From: Galen <%s>", config_text(s, "from"));
    list = curl_slist_append(list, buf_text(&line));
    buf_str(&to, "To: ");
    for (size_t i = 0; i < json_array_size(all); i++)
        buf_printf(&to, "%s%s", i ? ",\r\n " : "", json_string_value(json_array_get(all, i)));
    list = curl_slist_append(list, buf_text(&to));
    buf_clear(&line);
    subject(s, &line);
    list = curl_slist_append(list, buf_text(&line));
    buf_clear(&line);
    message_id(s, &line);
    list = curl_slist_append(list, buf_text(&line));
    list = curl_slist_append(list, "Auto-Submitted: auto-generated");
    list = curl_slist_append(list, type);
    return curl_slist_append(list, "X-Auto-Response-Suppress: All");
}

/* ---- bodies ---- */

/* When there is no template that can be used. */
static void plain_words(const struct sending *s, struct buf *out)
{
    text_title(s, out);
    buf_str(out, "\n\n");
    text_lines(s, out, NOTIFY_LISTED_MAX);
    if (*note_url(s))
        buf_printf(out, "\n%s/alerts\n", note_url(s));
}

static void add_part(curl_mime *mime, struct span data, const char *type, const char *encoding)
{
    curl_mimepart *part = curl_mime_addpart(mime);
    curl_mime_data(part, data.at, data.len);
    curl_mime_type(part, type);
    curl_mime_encoder(part, encoding);
}

static void add_picture(curl_mime *mime, struct span png)
{
    curl_mimepart *part = curl_mime_addpart(mime);
    curl_mime_data(part, png.at, png.len);
    curl_mime_type(part, "image/png");
    curl_mime_encoder(part, "base64");
    struct curl_slist *extra = curl_slist_append(NULL, "Content-ID: <chart@galen>");
    extra = curl_slist_append(extra, "Content-Disposition: inline; filename=\"chart.png\"");
    curl_mime_headers(part, extra, 1);
}

/* Text and HTML; with a picture multipart/related of (multipart/alternative of both) and it. */
static curl_mime *mime(struct sending *s, CURL *curl, struct span text, struct span html)
{
    curl_mime *both = curl_mime_init(curl);
    add_part(both, text, "text/plain; charset=utf-8", "quoted-printable");
    if (html.len)
        add_part(both, html, "text/html; charset=utf-8", "quoted-printable");
    if (!s->png.len)
        return both;
    curl_mime *whole = curl_mime_init(curl);
    curl_mimepart *part = curl_mime_addpart(whole);
    curl_mime_subparts(part, both);
    curl_mime_type(part, "multipart/alternative");
    add_picture(whole, s->png);
    return whole;
}

static enum status add_recipient(struct sending *s UNUSED, const char *to, void *list)
{
    struct curl_slist **all = list;
    *all = curl_slist_append(*all, to);
    return OK;
}

/* ---- sending ---- */

static void set_server(struct sending *s, CURL *curl, const char *user, const char *password)
{
    const char *tls = config_text(s, "tls");
    bool direct = tls && strcmp(tls, "tls") == 0, none = tls && strcmp(tls, "none") == 0;
    int64_t port = json_integer_value(json_object_get(s->config, "port"));
    auto_buf url = {0};
    buf_printf(&url, "%s://%s:%lld/galen", direct ? "smtps" : "smtp", config_text(s, "host"),
               (long long)(port     ? port
                           : direct ? 465
                                    : 587));
    curl_easy_setopt(curl, CURLOPT_URL, buf_text(&url));
    curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)(none ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (user) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, password ? password : "");
    }
}

static enum status send_email(struct sending *s)
{
    auto_buf plain = {0}, from = {0};
    auto_secret *password = NULL;
    struct curl_slist *recipients = NULL;
    enum status st = config_secret(s, "password", &password);
    if (st)
        return st;
    CURL *curl = curl_new(s, true);
    if (!curl)
        return AGAIN;
    st = each_recipient(s, add_recipient, &recipients);
    if (!s->text.len)
        plain_words(s, &plain);
    struct curl_slist *head =
        headers(s, s->png.len ? "Content-Type: multipart/related; type=\"multipart/alternative\""
                              : "Content-Type: multipart/alternative");
    curl_mime *body = mime(s, curl, s->text.len ? s->text : buf_view(&plain), s->html);
    buf_printf(&from, "<%s>", config_text(s, "from"));
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, buf_text(&from));
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, head);
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, body);
    set_server(s, curl, config_text(s, "user"), password);
    if (!st)
        st = curl_go(s, curl, config_text(s, "host"));
    curl_easy_cleanup(curl);
    curl_mime_free(body);
    curl_slist_free_all(head);
    curl_slist_free_all(recipients);
    return st;
}

static const char *const email_keys[] = {"host",     "port", "tls", "ca_file",        "user",
                                         "password", "from", "to",  "subject_prefix", NULL};
const struct channel_kind channel_email = {"email", check_email, send_email, email_keys};
