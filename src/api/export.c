/* GET /export: samples as OpenMetrics, CSV or JSON, in pieces however many they are. Every piece
 * has a view of the store of its own, so a slow reader holds nothing up. */
#include "api/call.h"
#include "api/pieces.h"
#include "api/times.h"

#include "base/clock.h"
#include "exchange/exchange.h"
#include "promql/promql.h"

struct export
{
    struct pieces out;
    struct arena arena;
    struct expr *match[EXPORT_SELECTORS_MAX];
    struct export_selector selectors[EXPORT_SELECTORS_MAX];
    struct exporter_config config;
    struct exporter *exporter;
};

/* ---- on a worker ---- */

/* Nothing lies before the first sample: no need to look there. */
static void clamp_start(struct export *x)
{
    auto_arena arena = {0};
    struct store_host_stats *hosts;
    size_t n;
    int64_t first = x->config.end_ms;
    if (store_hosts(x->out.api->store, &arena, &hosts, &n, NULL))
        return;
    for (size_t i = 0; i < n; i++)
        first = MIN(first, hosts[i].min_t_ms);
    x->config.start_ms = MAX(x->config.start_ms, first);
}

static enum piece next(struct pieces *p, struct buf *out)
{
    struct export *x = CONTAINER_OF(p, struct export, out);
    struct err err = {0};
    bool more = false;
    if (!x->exporter) {
        clamp_start(x);
        x->exporter = exporter_open(&x->config);
    }
    struct source *view = store_read_begin(p->api->store);
    enum status st = exporter_next(x->exporter, view, out, &more, &err);
    store_read_end(view);
    return st ? PIECE_FAILED : more ? PIECE_MORE : PIECE_LAST;
}

/* ---- on the loop ---- */

static void export_free(struct export *x)
{
    exporter_close(x->exporter);
    for (size_t i = 0; i < EXPORT_SELECTORS_MAX; i++)
        promql_free(x->match[i]);
    arena_free(&x->arena);
    free(x);
}

static void finished(struct pieces *p)
{
    export_free(CONTAINER_OF(p, struct export, out));
}

static enum status select_one(struct export *x, struct span text, struct err *err)
{
    size_t i = x->config.n;
    enum status st = promql_parse(text, &x->arena, &x->match[i], err);
    if (st)
        return err_prefix(err, "match[]");
    x->selectors[i].matchers = promql_matchers(x->match[i], &x->selectors[i].n);
    x->config.n++;
    if (!x->selectors[i].matchers)
        return err_set(err, INVALID, "match[]: %.*s is not a series selector",
                       (int)MIN(text.len, (size_t)200), text.at);
    return OK;
}

static enum status select_all(struct call *c, struct export *x, struct err *err)
{
    struct span given[EXPORT_SELECTORS_MAX];
    size_t n = http_request_params(c->req, "match[]", given, EXPORT_SELECTORS_MAX);
    enum status st = n ? OK : select_one(x, SPAN("{__name__!=\"\"}"), err);
    for (size_t i = 0; !st && i < n; i++)
        st = select_one(x, given[i], err);
    x->config.selectors = x->selectors;
    return st;
}

static enum status format_of(struct call *c, struct export *x, struct err *err)
{
    struct span format = {0};
    x->config.format = EXCHANGE_CSV;
    if (!http_request_param(c->req, "format", &format) || !format.len)
        return OK;
    if (exchange_format_of(format, &x->config.format) &&
        (x->config.format == EXCHANGE_CSV || x->config.format == EXCHANGE_JSON ||
         x->config.format == EXCHANGE_OPENMETRICS))
        return OK;
    return err_set(err, INVALID, "format \"%.*s\" is none of csv, json, openmetrics",
                   (int)MIN(format.len, (size_t)40), format.at);
}

void export_samples(struct call *c)
{
    static const char *const ends[] = {
        [EXCHANGE_CSV] = "csv", [EXCHANGE_JSON] = "jsonl", [EXCHANGE_OPENMETRICS] = "om"};
    struct export *x = mem_zero(1, sizeof *x);
    struct err err = {0};
    x->out = (struct pieces){.api = c->api, .req = c->req, .next = next, .finished = finished};
    x->config.end_ms = clock_wall_ms();
    x->config.start_ms = 0;
    enum status st = format_of(c, x, &err);
    if (!st)
        st = select_all(c, x, &err);
    if (!st)
        st = param_time(c->req, "start", &x->config.start_ms, &err);
    if (!st)
        st = param_time(c->req, "end", &x->config.end_ms, &err);
    if (!st && x->config.start_ms > x->config.end_ms)
        st = err_set(&err, INVALID, "start is after end");
    if (st) {
        api_failure(c, st, &err);
        export_free(x);
        return;
    }
    auto_buf name = {0};
    buf_printf(&name, "attachment; filename=\"galen-export.%s\"", ends[x->config.format]);
    x->out.content_type = exchange_content_type(x->config.format);
    http_reply_header(c->req, "Content-Disposition", buf_text(&name));
    if (pieces_start(&x->out))
        return;
    api_busy(c, "too many queries wait already");
    export_free(x);
}
