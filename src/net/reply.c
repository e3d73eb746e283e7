/* Answers: the head, whole bodies (compressed when that gains), problems, and streams. */
#include "net/server_state.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#include <stdio.h>
#include <time.h>

enum { REPLY_HEAD_MAX_BYTES = 64 << 10, CHUNK_HEAD_MAX = 20, STATUS_GONE = 499 };

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        if (table[i].status == status)
            return table[i].text;
    return "Unknown";
}

void http_reply_header(struct http_request *req, const char *name, const char *value)
{
    struct span n = span_of(name), v = span_of(value);
    if (!token_valid(n) || !field_value_valid(v)) {
        log_error("reply header \"%s\" is not sent: \"%s\" cannot stand in a head", name, value);
        return;
    }
    if (span_eq_nocase(n, SPAN("Content-Encoding")))
        req->encoded = true;
    buf_span(&req->fields, n);
    buf_str(&req->fields, ": ");
    buf_span(&req->fields, v);
    buf_str(&req->fields, "\r\n");
}

/* ---- the head ---- */

static const char *date_text(struct http_server *s)
{
    int64_t now_s = clock_wall_ms() / 1000;
    if (now_s == s->date_s)
        return s->date;
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm t;
    time_t seconds = now_s;
    if (!gmtime_r(&seconds, &t))
        return "Thu, 01 Jan 1970 00:00:00 GMT";
    snprintf(s->date, sizeof s->date, "%s, %02d %s %d %02d:%02d:%02d GMT", days[t.tm_wday],
             t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
    s->date_s = now_s;
    return s->date;
}

static bool has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static struct buf *begin_head(struct http_request *req, int status, const char *content_type)
{
    struct http_server *s = req->server;
    struct buf *head = &s->reply_head;
    buf_clear(head);
    head->max = REPLY_HEAD_MAX_BYTES;
    head->failed = false;
    buf_str(head, "HTTP/1.1 ");
    buf_i64(head, status);
    buf_char(head, ' ');
    buf_str(head, http_status_text(status));
    buf_str(head, "\r\nDate: ");
    buf_str(head, date_text(s));
    buf_str(head, "\r\n");
    if (content_type && has_body(status)) {
        buf_str(head, "Content-Type: ");
        buf_str(head, content_type);
        buf_str(head, "\r\n");
    }
    buf_span(head, buf_view(&req->fields));
    if (request_closes(req))
        buf_str(head, "Connection: close\r\n");
    else if (req->head.minor == 0)
        buf_str(head, "Connection: keep-alive\r\n");
    return head;
}

/* A head that does not fit is a fault of ours: the connection is cut. */
static bool end_head(struct http_request *req, struct buf *head)
{
    buf_str(head, "\r\n");
    if (!head->failed)
        return true;
    log_error("the head of an answer exceeds %d bytes", REPLY_HEAD_MAX_BYTES);
    wire_fail(&req->conn->wire);
    return false;
}

/* ---- whole answers ---- */

static bool type_shrinks(struct span type)
{
    static const char *const words[] = {"json", "javascript", "xml", "yaml"};
    type.len = span_find(type, ';');
    if (span_starts(type, SPAN("text/")))
        return true;
    for (size_t i = 0; i < COUNT(words); i++)
        if (memmem(type.at, type.len, words[i], strlen(words[i])))
            return true;
    return false;
}

/* "gzip" without ";q=0". */
bool http_request_takes_gzip(const struct http_request *req)
{
    struct span list = http_request_header(req, "Accept-Encoding"), item;
    while (span_next(&list, ',', &item)) {
        size_t end = span_find(item, ';');
        if (!span_eq_nocase(span_trim(span_from(item.at, end)), SPAN("gzip")))
            continue;
        struct span weight = span_trim(span_from(item.at + end, item.len - end));
        double q = 1;
        size_t equal = span_find(weight, '=');
        if (equal < weight.len)
            span_double(span_trim(span_from(weight.at + equal + 1, weight.len - equal - 1)), &q);
        return q > 0;
    }
    return false;
}

static bool pack(struct http_request *req, const char *content_type, struct span body,
                 struct buf *out)
{
    if (!content_type || req->encoded || body.len < GZIP_MIN_BYTES || body.len > GZIP_MAX_BYTES ||
        !type_shrinks(span_of(content_type)))
        return false;
    buf_str(&req->fields, "Vary: Accept-Encoding\r\n");
    if (!http_request_takes_gzip(req) || !gzip_pack(&req->server->gzip, body, out))
        return false;
    buf_str(&req->fields, "Content-Encoding: gzip\r\n");
    return true;
}

void http_reply(struct http_request *req, int status, const char *content_type, struct span body)
{
    struct connection *c = req->conn;
    req->on_gone = NULL;
    if (!c) {
        request_count(req, STATUS_GONE);
        request_release(req);
        return;
    }
    auto_buf packed = {0};
    if (pack(req, content_type, body, &packed))
        body = buf_view(&packed);
    struct buf *head = begin_head(req, status, content_type);
    if (has_body(status)) {
        buf_str(head, "Content-Length: ");
        buf_u64(head, body.len);
        buf_str(head, "\r\n");
    }
    if (!end_head(req, head) || !has_body(status) || span_is(req->head.method, "HEAD"))
        body = (struct span){0};
    struct iovec parts[] = {{head->at, head->len}, {(void *)(uintptr_t)body.at, body.len}};
    wire_write(&c->wire, parts, body.len ? 2 : 1);
    request_count(req, status);
    connection_answered(c);
}

void http_problem(struct http_request *req, int status, const char *detail_format, ...)
{
    auto_buf detail = {.max = ERR_TEXT_MAX}, text = {0};
    va_list args;
    va_start(args, detail_format);
    buf_vprintf(&detail, detail_format, args);
    va_end(args);
    struct json j = json_to(&text);
    json_begin_object(&j);
    json_field(&j, "type", "about:blank");
    json_field(&j, "title", http_status_text(status));
    json_field_i64(&j, "status", status);
    json_field_span(&j, "detail", buf_view(&detail));
    json_end_object(&j);
    http_reply(req, status, "application/problem+json", buf_view(&text));
}

/* ---- answers in pieces ---- */

/* A stream that begins when its reader is gone already still gets its call of on_drained. */
static void tell_gone(void *arg)
{
    struct http_request *req = arg;
    req->telling = false;
    if (req->streaming)
        req->on_drained(req, req->drained_arg);
    else
        request_release(req);
}

void http_stream_start(struct http_request *req, int status, const char *content_type,
                       http_handler on_drained, void *arg)
{
    req->streaming = true;
    req->status = status;
    req->on_drained = on_drained;
    req->drained_arg = arg;
    struct connection *c = req->conn;
    if (!c) {
        req->telling = on_drained && loop_post(req->server->loop, tell_gone, req);
        return;
    }
    req->stream_chunks = req->head.minor == 1;
    req->close |= !req->stream_chunks; /* HTTP/1.0: the end of the connection ends the answer */
    struct buf *head = begin_head(req, status, content_type);
    if (req->stream_chunks)
        buf_str(head, "Transfer-Encoding: chunked\r\n");
    if (end_head(req, head))
        wire_write_span(&c->wire, buf_view(head));
    connection_queued(c);
    if (on_drained)
        wire_want_drained(&c->wire);
}

void http_stream_write(struct http_request *req, struct span bytes)
{
    struct connection *c = req->conn;
    if (!c || !bytes.len)
        return;
    bool silent = span_is(req->head.method, "HEAD");
    char size[CHUNK_HEAD_MAX];
    int size_len = snprintf(size, sizeof size, "%zx\r\n", bytes.len);
    struct iovec parts[] = {
        {size, (size_t)size_len}, {(void *)(uintptr_t)bytes.at, bytes.len}, {(void *)"\r\n", 2}};
    if (!silent && req->stream_chunks)
        wire_write(&c->wire, parts, 3);
    else if (!silent)
        wire_write(&c->wire, parts + 1, 1);
    if (wire_queued(&c->wire) > STREAM_QUEUE_MAX_BYTES) {
        log_warn("answer cut off peer=%s: %d bytes wait to be read", req->peer,
                 STREAM_QUEUE_MAX_BYTES);
        wire_fail(&c->wire);
        return;
    }
    connection_queued(c);
    if (req->on_drained)
        wire_want_drained(&c->wire);
}

/* False when there is no connection any more: then all is done. */
static bool stream_over(struct http_request *req)
{
    req->streaming = false;
    req->on_gone = NULL;
    request_count(req, req->conn ? req->status : STATUS_GONE);
    if (!req->conn && !req->telling)
        request_release(req);
    return req->conn != NULL;
}

void http_stream_abort(struct http_request *req)
{
    struct connection *c = req->conn;
    if (!stream_over(req))
        return;
    req->close = true;
    wire_fail(&c->wire);
    connection_answered(c);
}

void http_stream_end(struct http_request *req)
{
    struct connection *c = req->conn;
    if (!stream_over(req))
        return;
    if (req->stream_chunks && !span_is(req->head.method, "HEAD"))
        wire_write_span(&c->wire, SPAN("0\r\n\r\n"));
    connection_answered(c);
}
