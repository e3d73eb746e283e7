/* See answer.h. The rule of remote write: 5xx, 408 and 429 are tried again, other 4xx never.
 * Refused tokens and wrong addresses are not the batch's fault, so it is kept for when they are
 * put right. */
#include "agent/answer.h"

#include <time.h>

enum { BODY_SHOWN_BYTES = 200 };

/* The beginning of the body, on one line. */
static void put_body(struct buf *why, struct span body)
{
    body = span_trim(body);
    body.len = MIN(body.len, BODY_SHOWN_BYTES);
    if (!body.len)
        return;
    buf_str(why, ": ");
    for (size_t i = 0; i < body.len; i++)
        buf_char(why, (unsigned char)body.at[i] < ' ' ? ' ' : body.at[i]);
}

static enum verdict kind_of(int status)
{
    if (status >= 200 && status < 300)
        return TAKEN;
    if (status == 0 || status >= 500 || status == 408 || status == 429)
        return LATER;
    if (status == 401 || status == 403)
        return UNWELCOME;
    if (status == 404 || status == 405 || status < 400)
        return MISPLACED;
    return REFUSED;
}

enum verdict answer_judge(const struct http_answer *answer, const char *server,
                          const char *token_file, struct buf *why)
{
    enum verdict verdict = kind_of(answer->status);
    if (answer->status == 0)
        buf_str(why, answer->err ? answer->err->text : "no answer");
    else if (verdict == UNWELCOME)
        buf_printf(why, "the token in %s was refused by %s (%d)", token_file, server,
                   answer->status);
    else if (verdict == MISPLACED)
        buf_printf(why, "%s does not take remote write (%d), check --server", server,
                   answer->status);
    else if (verdict != TAKEN)
        buf_printf(why, "%s answered %d", server, answer->status);
    if (answer->status && verdict != TAKEN)
        put_body(why, answer->body);
    return verdict;
}

int64_t answer_retry_after_ms(const struct http_answer *answer)
{
    uint64_t seconds;
    if (!answer->status || !span_u64(http_answer_header(answer, "Retry-After"), &seconds))
        return 0;
    return (int64_t)MIN(seconds, (uint64_t)RETRY_AFTER_MAX_S) * 1000;
}

/* "Sat, 21 Nov 2026 07:22:34 GMT" */
bool answer_skew_s(const struct http_answer *answer, int64_t now_ms, int64_t *out)
{
    struct span date = http_answer_header(answer, "Date");
    char text[40];
    if (date.len == 0 || date.len >= sizeof text)
        return false;
    memcpy(text, date.at, date.len);
    text[date.len] = '\0';
    struct tm tm = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (!end || *end)
        return false;
    *out = (int64_t)timegm(&tm) - now_ms / 1000;
    return true;
}
