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

enum status cli_get(const struct cli_server *s, const char *path, struct buf *out, struct err *err)
{
    auto_free char *token = NULL;
    auto_buf bearer = {0};
    struct http_header header = {.name = SPAN("Authorization")};
    if (s->token_file) {
        enum status st = file_read_secret(s->token_file, &token, err);
        if (st)
            return st;
        buf_printf(&bearer, "Bearer %s", token);
        header.value = buf_view(&bearer);
    }
    struct http_client_config config = {
        .url = s->url, .ca_file = s->ca_file, .user_agent = "galen/" GALEN_VERSION};
    int http_status = 0;
    enum status st =
        http_fetch(&config, "GET", path, &header, token ? 1 : 0, SPAN(""), &http_status, out, err);
    if (!st && http_status != 200)
        st = refused(s, http_status, out, err);
    return st;
}
