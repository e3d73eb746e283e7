#include "api/pieces.h"

/* ---- on a worker ---- */

static void pack(struct pieces *p)
{
    buf_clear(&p->packed);
    if (!gzip_piece(&p->gzip, buf_view(&p->plain), p->state == PIECE_LAST, &p->packed))
        p->state = PIECE_FAILED;
}

static void make(void *arg)
{
    struct pieces *p = arg;
    buf_clear(&p->plain);
    p->state = p->next(p, &p->plain);
    if (p->plain.failed)
        p->state = PIECE_FAILED;
    if (p->packs && (p->streaming || p->state == PIECE_MORE))
        pack(p);
}

void pieces_first(struct pieces *p)
{
    p->packs = !p->encoding && http_request_takes_gzip(p->req);
    make(p);
}

/* ---- on the loop ---- */

static void finish(struct pieces *p)
{
    buf_free(&p->plain);
    buf_free(&p->packed);
    gzip_free(&p->gzip);
    p->finished(p);
}

static void end(struct pieces *p)
{
    http_stream_end(p->req);
    finish(p);
}

static void cut(struct pieces *p)
{
    http_stream_abort(p->req);
    finish(p);
}

static void write_piece(struct pieces *p)
{
    http_stream_write(p->req, buf_view(p->packs ? &p->packed : &p->plain));
}

static void made(void *arg)
{
    struct pieces *p = arg;
    p->working = false;
    if (http_request_gone(p->req) || p->state == PIECE_FAILED) {
        cut(p);
        return;
    }
    write_piece(p);
    if (p->state == PIECE_LAST)
        end(p);
}

static void drained(struct http_request *req, void *arg)
{
    struct pieces *p = arg;
    if (http_request_gone(req))
        __atomic_store_n(&p->gone, true, __ATOMIC_RELAXED);
    if (p->working)
        return;
    p->working =
        !http_request_gone(req) && pool_submit(p->api->workers, make, made, p->api->loop, p);
    if (!p->working)
        cut(p);
}

static void reply_whole(struct pieces *p)
{
    http_reply(p->req, p->http_status, p->content_type, buf_view(&p->plain));
    finish(p);
}

void pieces_answer(struct pieces *p)
{
    if (!p->http_status)
        p->http_status = 200;
    if (p->encoding && p->http_status == 200)
        http_reply_header(p->req, "Content-Encoding", p->encoding);
    if (p->state == PIECE_LAST) {
        reply_whole(p);
    } else if (p->state == PIECE_FAILED || http_request_gone(p->req)) {
        http_problem(p->req, 500, "the answer could not be made");
        finish(p);
    } else {
        p->streaming = true;
        if (!p->encoding)
            http_reply_header(p->req, "Vary", "Accept-Encoding");
        if (p->packs)
            http_reply_header(p->req, "Content-Encoding", "gzip");
        http_stream_start(p->req, p->http_status, p->content_type, drained, p);
        write_piece(p);
    }
}

static void first(void *arg)
{
    pieces_first(arg);
}

static void answer(void *arg)
{
    pieces_answer(arg);
}

bool pieces_start(struct pieces *p)
{
    return pool_submit(p->api->workers, first, answer, p->api->loop, p);
}
