#include "net/ws_guard.h"

enum { FIN = 0x80, OPCODE = 0x0f, FIRST_CONTROL_OPCODE = 8, MASKED = 0x80, LENGTH = 0x7f };

static bool is_control(const struct ws_guard *g)
{
    return (g->head[0] & OPCODE) >= FIRST_CONTROL_OPCODE;
}

static unsigned length_bytes(const struct ws_guard *g)
{
    unsigned length = g->head[1] & LENGTH;
    return length == 126 ? 2 : length == 127 ? 8 : 0;
}

/* Of the head, as far as it is known yet. */
static unsigned wanted(const struct ws_guard *g)
{
    if (g->have < 2)
        return 2;
    return 2 + length_bytes(g) + (g->head[1] & MASKED ? 4 : 0);
}

static bool begin_payload(struct ws_guard *g, const char **why)
{
    unsigned n = length_bytes(g);
    g->left = n ? 0 : g->head[1] & LENGTH;
    for (unsigned i = 0; i < n; i++)
        g->left = g->left << 8 | g->head[2 + i];
    g->have = 0;
    if (is_control(g))
        return true;
    g->frames = g->head[0] & FIN ? 0 : g->frames + 1;
    if (g->frames <= WS_FRAMES_MAX)
        return true;
    *why = "a message comes in too many frames";
    return false;
}

bool ws_guard_check(struct ws_guard *g, struct span data, bool want_mask, const char **why)
{
    for (size_t at = 0; at < data.len;) {
        if (g->left) {
            size_t n = g->left < data.len - at ? (size_t)g->left : data.len - at;
            g->left -= n;
            at += n;
            continue;
        }
        g->head[g->have++] = (uint8_t)data.at[at++];
        if (g->have == 2 && !(g->head[1] & MASKED) == want_mask) {
            *why = want_mask ? "a frame is not masked" : "a frame is masked";
            return false;
        }
        if (g->have == 2 && is_control(g) && (!(g->head[0] & FIN) || length_bytes(g))) {
            *why = "a control frame is cut or too long";
            return false;
        }
        if (g->have == wanted(g) && !begin_payload(g, why))
            return false;
    }
    return true;
}
