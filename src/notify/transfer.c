/* libcurl, guarded: a notification from the server must not become a way into its network. Names
 * are resolved once, and the address that is connected to is the one that was judged. */
#include "notify/channel.h"

#include "net/http.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct guard {
    bool allow_private;
    bool refused;
};

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct guard *g = arg;
    (void)purpose;
    if (!g->allow_private && address_is_private(&address->addr)) {
        g->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int must_end(void *ending, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load((const atomic_bool *)ending);
}

static size_t take_answer(char *bytes, size_t size, size_t n, void *arg)
{
    struct buf *answer = arg;
    size_t room = answer->len < NOTIFY_ANSWER_BYTES ? NOTIFY_ANSWER_BYTES - answer->len : 0;
    buf_put(answer, bytes, MIN(size * n, room));
    return size * n;
}

CURL *curl_new(struct sending *s, bool mail)
{
    CURL *c = curl_easy_init();
    if (!c) {
        err_set(s->err, AGAIN, "libcurl has no memory");
        return NULL;
    }
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, mail ? "smtp,smtps" : "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)NOTIFY_TIMEOUT_MS);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)NOTIFY_CONNECT_MS);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_USERAGENT, s->settings->user_agent);
    if (s->settings->ending) {
        curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, must_end);
        curl_easy_setopt(c, CURLOPT_XFERINFODATA, s->settings->ending);
    }
    const char *ca = config_text(s, "ca_file");
    if (ca)
        curl_easy_setopt(c, CURLOPT_CAINFO, ca);
    return c;
}

/* All of the request went out: whether it arrived only the answer would have told. */
static bool all_sent(CURL *curl)
{
    curl_off_t size = -1, sent = 0;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_UPLOAD_T, &size);
    curl_easy_getinfo(curl, CURLINFO_SIZE_UPLOAD_T, &sent);
    return sent > 0 && sent >= size;
}

static enum status of_curl(struct sending *s, CURL *curl, CURLcode code, const char *to,
                           const char *why)
{
    const char *text = *why ? why : curl_easy_strerror(code);
    switch (code) {
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return err_set(s->err, INVALID, "%s: %s", to, text);
    case CURLE_USE_SSL_FAILED:
        return err_set(s->err, UNREACHABLE, "%s: the server offers no TLS, which is required: %s",
                       to, text);
    case CURLE_LOGIN_DENIED:
        return err_set(s->err, DENIED, "%s: the login was refused", to);
    default:
        if (all_sent(curl))
            return err_set(s->err, TIMED_OUT, "%s: it was sent, and nobody answered: %s", to, text);
        return err_set(s->err, UNREACHABLE, "%s: %s", to, text);
    }
}

static enum status of_answer(struct sending *s, long status, const char *to, struct buf *answer)
{
    if (status >= 200 && status < 300)
        return OK;
    bool later = status == 408 || status == 429 || status >= 500;
    if (status >= 300 && status < 400)
        return err_set(s->err, INVALID, "%s: answered %ld: redirects are not followed", to, status);
    return err_set(s->err, later ? AGAIN : INVALID, "%s: answered %ld: %s", to, status,
                   buf_text(answer));
}

/* SMTP's own codes: 4xx later, 5xx never. */
static enum status of_mail(struct sending *s, CURL *curl, CURLcode code, long status,
                           const char *to, const char *why)
{
    const char *text = *why ? why : curl_easy_strerror(code);
    if (code == CURLE_LOGIN_DENIED)
        return err_set(s->err, status >= 500 ? DENIED : AGAIN,
                       "%s: answered %ld: the login was refused", to, status);
    if (status >= 400)
        return err_set(s->err, status >= 500 ? INVALID : AGAIN, "%s: answered %ld: %s", to, status,
                       text);
    return of_curl(s, curl, code, to, why);
}

enum status curl_go(struct sending *s, CURL *curl, const char *to)
{
    char why[CURL_ERROR_SIZE] = "";
    auto_buf answer = {0};
    struct guard guard = {.allow_private = s->settings->allow_private};
    char *scheme = NULL;
    long status = 0;
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &guard);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_SCHEME, &scheme);
    if (guard.refused && code)
        return err_set(s->err, DENIED,
                       "%s: its address is private; set alerts.private-addresses to allow that",
                       to);
    bool mail = scheme && strncasecmp(scheme, "smtp", 4) == 0;
    if (code)
        return mail ? of_mail(s, curl, code, status, to, why) : of_curl(s, curl, code, to, why);
    return mail ? OK : of_answer(s, status, to, &answer);
}

static void list_free(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static void handle_free(CURL **curl)
{
    curl_easy_cleanup(*curl);
}

enum status post(struct sending *s, const char *url, const char *shown, const char *content_type,
                 struct span body, const char *const *headers, const char *user,
                 const char *password)
{
    CLEANUP(list_free) struct curl_slist *list = NULL;
    CLEANUP(handle_free) CURL *curl = curl_new(s, false);
    auto_buf type = {0};
    if (!curl)
        return AGAIN;
    buf_printf(&type, "Content-Type: %s", content_type);
    list = curl_slist_append(list, buf_text(&type));
    list = curl_slist_append(list, "Expect:");
    for (size_t i = 0; headers && headers[i]; i++)
        list = curl_slist_append(list, headers[i]);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
    if (user) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, password ? password : "");
    }
    return curl_go(s, curl, shown);
}

enum status check_url(struct sending *s, const char *key)
{
    auto_secret *url = NULL;
    struct url parts;
    struct err why = {0};
    enum status st = config_needs(s, key);
    if (!st)
        st = config_secret(s, key, &url);
    if (st)
        return st;
    if (url_parse(span_of(url), &parts, &why))
        /* why would quote the address, which may hold a secret */
        return err_set(s->err, INVALID, "\"%s\" is not an http:// or https:// address", key);
    if (!parts.tls && !s->settings->allow_private)
        return err_set(s->err, INVALID, "\"%s\" must begin with https://", key);
    return OK;
}
