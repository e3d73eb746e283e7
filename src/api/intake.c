#include "api/intake.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_TEXT_MAX = 4096 };

static void start(struct intake *in);

/* ---- on a worker ---- */

static enum status open_file(struct intake *in, struct err *err)
{
    char path[PATH_TEXT_MAX];
    snprintf(path, sizeof path, "%s/import-XXXXXX", store_dir(in->api->store));
    in->fd = mkostemp(path, O_CLOEXEC);
    if (in->fd < 0)
        return err_errno(err, "make %s", path);
    unlink(path); /* it goes with the descriptor, whatever happens */
    return OK;
}

static enum status write_out(struct intake *in, struct buf *b, struct err *err)
{
    enum status st = store_takes(in->api->store, err); /* nor does it fill the disk */
    if (!st && in->fd < 0)
        st = open_file(in, err);
    for (size_t at = 0; !st && at < b->len;) {
        ssize_t n = write(in->fd, b->at + at, b->len - at);
        if (n < 0 && errno != EINTR)
            st = err_errno(err, "keep the body in a file in %s", store_dir(in->api->store));
        at += n > 0 ? (size_t)n : 0;
    }
    buf_clear(b);
    return st;
}

enum status intake_flush(struct intake *in, struct err *err)
{
    return write_out(in, &in->filling, err);
}

static void write_piece(void *arg)
{
    struct intake *in = arg;
    in->status = write_out(in, &in->writing, &in->err);
}

/* ---- on the loop ---- */

static void intake_free(struct intake *in)
{
    if (in->fd >= 0)
        close(in->fd);
    buf_free(&in->filling);
    buf_free(&in->writing);
    free(in);
}

static void written(void *arg)
{
    struct intake *in = arg;
    in->busy = false;
    if (in->released) {
        intake_free(in);
    } else if (in->status) {
        api_failure(in->call, in->status, &in->err);
    } else if (in->whole) {
        in->whole(in->call);
    } else {
        if (in->filling.len >= INTAKE_PIECE_BYTES)
            start(in);
        http_request_body_more(in->call->req);
    }
}

static void start(struct intake *in)
{
    struct buf was = in->writing;
    in->writing = in->filling;
    in->filling = was;
    in->busy = true;
    if (pool_submit(in->api->workers, write_piece, written, in->api->loop, in))
        return;
    write_piece(in); /* no worker is free: the page cache takes it, mostly at once */
    in->busy = false;
}

static bool take(void *arg, struct span bytes)
{
    struct intake *in = arg;
    buf_span(&in->filling, bytes);
    in->bytes += bytes.len;
    if (in->status) /* the answer is on its way */
        buf_clear(&in->filling);
    if (in->filling.len < INTAKE_PIECE_BYTES)
        return true;
    if (!in->busy)
        start(in);
    return !in->busy;
}

static void release(void *arg)
{
    struct intake *in = arg;
    for (struct intake **at = &in->api->intakes; *at; at = &(*at)->next)
        if (*at == in) {
            *at = in->next;
            break;
        }
    in->released = true;
    if (!in->busy)
        intake_free(in);
}

void intake_begin(struct call *c)
{
    struct intake *in = mem_zero(1, sizeof *in);
    in->api = c->api;
    in->call = c;
    in->fd = -1;
    in->begun_ms = clock_wall_ms();
    in->filling.max = in->writing.max = SIZE_MAX;
    in->next = c->api->intakes;
    c->api->intakes = c->intake = in;
    http_request_body_to(c->req, &(struct http_body_sink){INTAKE_MAX_BYTES, take, release, in});
}

void intake_end(struct intake *in, void (*then)(struct call *c))
{
    atomic_store(&in->state, INTAKE_WAITING);
    if (in->busy)
        in->whole = then;
    else if (in->status)
        api_failure(in->call, in->status, &in->err);
    else
        then(in->call);
}
