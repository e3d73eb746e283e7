/* Heads, chunked bodies and WebSocket frames from outside: the first byte chooses the parser.
 * Checks what the server relies on: the verdict does not depend on how the bytes arrive, and what a
 * parser points to lies within the input. */
#include "net/chunked.h"
#include "net/head.h"
#include "net/ws_guard.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_within(struct span part, struct span whole)
{
    check(!part.len || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len));
}

static void check_head(struct span text, bool answer)
{
    struct head h;
    struct refusal why = {0};
    bool ok = answer ? head_parse_answer(text, &h, &why) : head_parse_request(text, &h, &why);
    check(ok || (why.status >= 400 && why.why));
    if (!ok)
        return;
    check(h.n_headers <= HTTP_HEADERS_MAX);
    for (size_t i = 0; i < h.n_headers; i++) {
        check_within(h.headers[i].name, text);
        check_within(h.headers[i].value, text);
        check(token_valid(h.headers[i].name) && field_value_valid(h.headers[i].value));
    }
    check_within(h.target, text);
    check_within(h.path, text);
    check_within(h.query, text);
    check_within(h.host, text);
    check(h.body != BODY_CHUNKED || !h.content_length);
    if (!answer)
        check(h.path.len && h.body != BODY_UNTIL_CLOSE && (h.host.len || h.minor == 0));
}

static void fuzz_head(struct span data, bool answer)
{
    struct refusal why;
    size_t at_once = 0, line_at = 0, end = 0;
    enum head_state whole = head_scan(data, &at_once, &end, &why);
    if (whole == HEAD_WHOLE)
        check_head(span_from(data.at, end), answer);
    for (size_t n = 0; n <= data.len && n < 512; n++) {
        size_t piece_end = 0;
        enum head_state state = head_scan(span_from(data.at, n), &line_at, &piece_end, &why);
        head_begins_well(span_from(data.at, n), line_at, &why);
        if (state == HEAD_INCOMPLETE)
            continue;
        check(state == whole && (state != HEAD_WHOLE || piece_end == end));
        return;
    }
}

/* Returns the bytes decoded; *how is how it ended. */
static size_t decode(struct span data, size_t step, enum chunked_step *how)
{
    struct chunked c = {0};
    size_t decoded = 0;
    for (size_t at = 0; at < data.len;) {
        struct span in = {data.at + at, MIN(step, data.len - at)}, piece;
        at += in.len;
        do {
            *how = chunked_next(&c, &in, &piece);
            if (*how == CHUNKED_BYTES) {
                check_within(piece, data);
                decoded += piece.len;
            }
        } while (*how == CHUNKED_BYTES);
        if (*how != CHUNKED_MORE)
            break;
    }
    return decoded;
}

static bool walk(struct span data, size_t step, bool want_mask)
{
    struct ws_guard g = {0};
    const char *why;
    for (size_t at = 0; at < data.len; at += step) {
        if (!ws_guard_check(&g, span_from(data.at + at, MIN(step, data.len - at)), want_mask, &why))
            return false;
        check(g.have < WS_FRAME_HEAD_MAX_BYTES && g.frames <= WS_FRAMES_MAX);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct span text = {(const char *)data + 1, size - 1};
    enum chunked_step whole = CHUNKED_MORE, bytes = CHUNKED_MORE;
    switch (data[0] % 4) {
    case 0:
        fuzz_head(text, false);
        break;
    case 1:
        fuzz_head(text, true);
        break;
    case 2:
        check(decode(text, text.len, &whole) == decode(text, 1, &bytes));
        check(whole == bytes);
        break;
    default:
        for (int mask = 0; mask < 2; mask++)
            check(walk(text, text.len + 1, mask) == walk(text, 1, mask));
    }
    return 0;
}
