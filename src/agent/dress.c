/* See dress.h. */
#include "agent/dress.h"

#include "base/log.h"
#include "series/remote_write.h"

enum { WHOLES_REFUSED_MAX = 3 };

#define OFFER "Galen-Increments"

enum form { FORM_PLAIN, FORM_INCREMENT, FORM_WHOLE };

struct dress {
    enum compression compression;
    bool proven;  /* the receiver has taken a message in this compression */
    bool offered; /* it takes increments */
    unsigned wholes_refused;
    enum form form; /* of the last one */
    struct increment_writer *writer;
    struct buf bytes, packed;
};

struct dress *dress_open(void)
{
    struct dress *d = mem_zero(1, sizeof *d);
    d->compression = COMPRESSION_ZSTD;
    d->writer = increment_writer_open();
    return d;
}

void dress_slim(struct dress *d)
{
    buf_free(&d->bytes);
    buf_free(&d->packed);
}

void dress_close(struct dress *d)
{
    if (!d)
        return;
    increment_writer_close(d->writer);
    dress_slim(d);
    free(d);
}

enum status dress_message(struct dress *d, struct span message, struct dressed *out,
                          struct err *err)
{
    d->form = FORM_PLAIN;
    *out = (struct dressed){.type = "application/x-protobuf",
                            .encoding = compression_name(d->compression),
                            .remote_write = true};
    buf_clear(&d->packed);
    enum status st = pack(d->compression, message, &d->packed, err);
    out->body = buf_view(&d->packed);
    return st;
}

static enum status spell_out(struct dress *d, const struct collection *c, struct dressed *out,
                             struct err *err)
{
    auto_buf message = {0};
    enum status st = collection_write(c, &message, err);
    return st ? st : dress_message(d, buf_view(&message), out, err);
}

enum status dress_collection(struct dress *d, const struct collection *c, struct dressed *out,
                             struct err *err)
{
    bool whole;
    buf_clear(&d->bytes);
    if (!d->offered || increment_write(d->writer, c, &d->bytes, &whole, NULL))
        return spell_out(d, c, out, err);
    d->form = whole ? FORM_WHOLE : FORM_INCREMENT;
    *out = (struct dressed){.type = INCREMENT_TYPE, .body = buf_view(&d->bytes)};
    if (!whole)
        return OK;
    buf_clear(&d->packed);
    enum status st = pack(COMPRESSION_ZSTD, out->body, &d->packed, err);
    out->encoding = compression_name(COMPRESSION_ZSTD);
    out->body = buf_view(&d->packed);
    return st;
}

/* A compression that this receiver does not know: 415, or 400 from those that do not look. */
static bool fall_back(struct dress *d, int status)
{
    if (d->proven || d->compression == COMPRESSION_SNAPPY || (status != 400 && status != 415))
        return false;
    log_info("the server takes no zstd, sending snappy");
    d->compression = COMPRESSION_SNAPPY;
    return true;
}

/* An increment that the receiver cannot follow is sent whole; where that is refused too, plain. */
static bool undress(struct dress *d, int status)
{
    increment_writer_reset(d->writer);
    if (d->form == FORM_PLAIN || status < 400 || status >= 500 || status == 401 || status == 403 ||
        status == 429)
        return false;
    if (d->form == FORM_WHOLE) {
        d->offered = false;
        d->wholes_refused++;
    }
    return true;
}

enum dress_verdict dress_answered(struct dress *d, const struct http_answer *answer)
{
    bool taken = answer->status >= 200 && answer->status < 300;
    if (!taken)
        return undress(d, answer->status) || fall_back(d, answer->status) ? DRESS_AGAIN
                                                                          : DRESS_FINE;
    if (d->form == FORM_PLAIN) {
        d->proven = true;
        d->offered = d->wholes_refused < WHOLES_REFUSED_MAX &&
                     span_is(http_answer_header(answer, OFFER), "1");
    } else if (d->form == FORM_WHOLE) {
        d->wholes_refused = 0;
        dress_slim(d); /* increments need a twentieth of it */
    }
    return DRESS_FINE;
}
