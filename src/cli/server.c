/* What the sub-commands share: options that name the server, its answers, failures. */
#include "cli/cli.h"

#include "base/file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

int cli_fail(const char *name, const struct err *err)
{
    fprintf(stderr, "galen %s: %s\n", name, err->text);
    switch (err->status) {
    case UNREACHABLE:
    case TIMED_OUT:
        return EXIT_UNREACHABLE;
    case DENIED:
        return EXIT_DENIED;
    default:
        return EXIT_FAILED;
    }
}

int cli_usage(const char *name, const char *usage, FILE *to)
{
    if (to == stderr)
        fprintf(to, "galen %s: these options do not fit; see galen %s --help\n", name, name);
    else
        fputs(usage, to);
    return to == stderr ? EXIT_USAGE : EXIT_OK;
}

int cli_wrong(const char *name, const char *sentence, ...)
{
    va_list args;
    va_start(args, sentence);
    fprintf(stderr, "galen %s: ", name);
    vfprintf(stderr, sentence, args);
    fprintf(stderr, "; see galen %s --help\n", name);
    va_end(args);
    return EXIT_USAGE;
}

int cli_no_command(const char *name, const char *word, const char *there_are)
{
    fprintf(stderr, "galen %s: there is no command \"%s\"; there are %s\n", name, word, there_are);
    return EXIT_USAGE;
}

bool cli_words(const char *name, const char *usage, int argc, char **argv, int *exit_code)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    int c = getopt_long(argc, argv, "h", options, NULL);
    if (c != -1)
        *exit_code = cli_usage(name, usage, c == 'h' ? stdout : stderr);
    return c == -1;
}

void cli_server_defaults(struct cli_server *s)
{
    const char *url = getenv("GALEN_SERVER");
    *s = (struct cli_server){.url = url ? url : "http://127.0.0.1:5000",
                             .token_file = getenv("GALEN_TOKEN_FILE")};
}

bool cli_server_option(struct cli_server *s, int option, const char *value)
{
    switch (option) {
    case 's':
        s->url = value;
        return true;
    case 't':
        s->token_file = value;
        return true;
    case 'a':
        s->ca_file = value;
        return true;
    default:
        return false;
    }
}

/* The sentence in problem+json ("detail") or in Prometheus's error ("error"). */
static enum status refused(const struct cli_server *s, int http_status, struct buf *body,
                           struct err *err)
{
    json_t *answer = json_loadb(body->at ? body->at : "", body->len, 0, NULL);
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    if (!detail)
        detail = json_string_value(json_object_get(answer, "error"));
    enum status st = http_status == 401 || http_status == 403 ? DENIED
                     : http_status == 404                     ? NOT_FOUND
                     : http_status == 503                     ? AGAIN
                                                              : INVALID;
    if (st == DENIED && !s->token_file)
        err_set(err, st, "%s wants a token: give --token-file", s->url);
    else
        err_set(err, st, "%s answered %d: %s", s->url, http_status,
                detail ? detail : http_status_text(http_status));
    json_decref(answer);
    return st;
}

struct request {
    const char *method, *path, *type;
    struct span body;
    void (*on_piece)(void *arg, struct span bytes);
    void *piece_arg;
    int64_t patience_ms; /* 0: the client's own */
};

static enum status fetch(const struct cli_server *s, const struct request *r, struct buf *out,
                         struct err *err)
{
    auto_free char *token = NULL;
    auto_buf bearer = {0};
    struct http_header headers[2];
    size_t n = 0;
    if (s->token_file) {
        enum status st = file_read_secret(s->token_file, &token, err);
        if (st)
            return st;
        buf_printf(&bearer, "Bearer %s", token);
        headers[n++] = (struct http_header){SPAN("Authorization"), buf_view(&bearer)};
    }
    if (r->type)
        headers[n++] = (struct http_header){SPAN("Content-Type"), span_of(r->type)};
    struct http_client_config config = {.url = s->url,
                                        .ca_file = s->ca_file,
                                        .user_agent = "galen/" GALEN_VERSION,
                                        .request_ms = r->patience_ms,
                                        .on_piece = r->on_piece,
                                        .piece_arg = r->piece_arg};
    int http_status = 0;
    enum status st =
        http_fetch(&config, r->method, r->path, headers, n, r->body, &http_status, out, err);
    if (!st && (http_status < 200 || http_status > 299))
        st = refused(s, http_status, out, err);
    return st;
}

enum status cli_get(const struct cli_server *s, const char *path, struct buf *out, struct err *err)
{
    return fetch(s, &(struct request){.method = "GET", .path = path, .body = SPAN("")}, out, err);
}

enum status cli_send(const struct cli_server *s, const char *method, const char *path,
                     const char *type, struct span body, struct buf *out, struct err *err)
{
    struct request r = {
        .method = method, .path = path, .type = type, .body = body, .patience_ms = CLI_PATIENCE_MS};
    return fetch(s, &r, out, err);
}

enum status cli_stream(const struct cli_server *s, const char *path,
                       void (*on_piece)(void *arg, struct span bytes), void *arg,
                       int64_t patience_ms, struct err *err)
{
    auto_buf body = {0}; /* of a refusal */
    struct request r = {.method = "GET",
                        .path = path,
                        .body = SPAN(""),
                        .on_piece = on_piece,
                        .piece_arg = arg,
                        .patience_ms = patience_ms};
    return fetch(s, &r, &body, err);
}

void cli_to_buf(void *arg, struct span bytes)
{
    buf_span(arg, bytes);
}
