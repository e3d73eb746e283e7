/* The console's files, built into the program. Paths that are not files and have no dot are
 * pages of the console's own router: they get index.html. */
#include "api/call.h"
#include "api/console_files.h"

static const struct console_file *find(struct span path)
{
    for (size_t i = 0; i < console_files_n; i++)
        if (span_is(path, console_files[i].path))
            return &console_files[i];
    return NULL;
}

static bool is_page(struct span path)
{
    return !memchr(path.at, '.', path.len) && !span_starts(path, SPAN("/api/"));
}

/* Scripts and styles only from here; images also as data: (uPlot's none, icons inline). */
static void security_headers(struct http_request *req)
{
    http_reply_header(req, "Content-Security-Policy",
                      "default-src 'self'; img-src 'self' data:; base-uri 'none'; "
                      "form-action 'self'; frame-ancestors 'none'; object-src 'none'");
    http_reply_header(req, "Referrer-Policy", "same-origin");
    http_reply_header(req, "Cross-Origin-Opener-Policy", "same-origin");
}

void console_file(struct call *c)
{
    struct span path = http_request_path(c->req);
    const struct console_file *file = find(path);
    if (!file && is_page(path))
        file = find(SPAN("/index.html"));
    if (!file) {
        if (is_page(path) && !console_files_n)
            http_problem(c->req, 404, "this server was built without the console");
        else
            http_problem(c->req, 404, "there is nothing at %.*s", (int)MIN(path.len, (size_t)200),
                         path.at);
        return;
    }
    security_headers(c->req);
    http_reply_header(c->req, "ETag", file->etag);
    http_reply_header(c->req, "Cache-Control", "no-cache");
    if (span_is(http_request_header(c->req, "If-None-Match"), file->etag)) {
        http_reply(c->req, 304, NULL, SPAN(""));
        return;
    }
    http_reply(c->req, 200, file->type, span_from(file->at, file->len));
}
