/* The OpenAPI 3.1 page, written from the table of routes so that the two cannot differ. */
#include "api/routes.h"

#include "base/json.h"

#include <ctype.h>

/* "/hosts/ID" -> "/hosts/{id}" */
static void put_path(struct buf *out, struct span path)
{
    struct span part;
    while (span_next(&path, '/', &part)) {
        if (!part.len)
            continue;
        buf_char(out, '/');
        if (span_is(part, "ID"))
            buf_str(out, "{id}");
        else
            buf_span(out, part);
    }
}

static void put_operation(struct json *j, const struct route *r)
{
    static const char *const needs[] = {
        [NEED_NOTHING] = "Open.",
        [NEED_SESSION] = "Needs a session.",
        [NEED_VIEWER] = "Needs role viewer.",
        [NEED_OPERATOR] = "Needs role operator.",
        [NEED_ADMIN] = "Needs role admin.",
        [NEED_WRITER] = "Needs an agent's or writer's token.",
        [NEED_IMPORT] = "Needs role admin, or an agent's or writer's token.",
        [NEED_JOIN] = "Needs a join token.",
    };
    char method[8] = {0};
    for (size_t i = 0; r->method[i] && i < sizeof method - 1; i++)
        method[i] = (char)tolower((unsigned char)r->method[i]);
    json_key(j, method);
    json_begin_object(j);
    json_field(j, "summary", r->summary);
    json_field(j, "description", needs[r->need]);
    if (strstr(r->path, "/ID")) {
        json_key(j, "parameters");
        json_raw(j, SPAN("[{\"name\":\"id\",\"in\":\"path\",\"required\":true,"
                         "\"schema\":{\"type\":\"string\"}}]"));
    }
    if (r->need == NEED_NOTHING) {
        json_key(j, "security");
        json_raw(j, SPAN("[]"));
    }
    json_key(j, "responses");
    json_raw(j, SPAN("{\"2XX\":{\"description\":\"as docs/API.md says\"},"
                     "\"default\":{\"description\":\"problem\",\"content\":"
                     "{\"application/problem+json\":{}}}}"));
    json_end_object(j);
}

void openapi_show(struct call *c)
{
    auto_buf body = {0};
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_field(&j, "openapi", "3.1.0");
    json_key(&j, "info");
    json_begin_object(&j);
    json_field(&j, "title", "Galen");
    json_field(&j, "version", c->api->version);
    json_end_object(&j);
    json_key(&j, "components");
    json_raw(&j, SPAN("{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
                      "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\","
                      "\"name\":\"galen_session\"}}}"));
    json_key(&j, "security");
    json_raw(&j, SPAN("[{\"bearer\":[]},{\"session\":[]}]"));
    json_key(&j, "paths");
    json_begin_object(&j);
    for (size_t i = 0; i < routes_n; i++) {
        /* Rows of one path stand next to each other. */
        bool first = i == 0 || !span_is(span_of(routes[i].path), routes[i - 1].path);
        bool last = i + 1 == routes_n || !span_is(span_of(routes[i].path), routes[i + 1].path);
        if (first) {
            auto_buf path = {0};
            put_path(&path, span_of(routes[i].path));
            json_key(&j, buf_text(&path));
            json_begin_object(&j);
        }
        put_operation(&j, &routes[i]);
        if (last)
            json_end_object(&j);
    }
    json_end_object(&j);
    json_end_object(&j);
    api_json(c, 200, &body);
}
