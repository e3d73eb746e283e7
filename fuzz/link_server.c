/* What an agent says to its server: any bytes give a message with what its kind promises, or a
 * sentence. */
#include "api/link_message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void check(const struct link_message *m)
{
    switch (m->op) {
    case LINK_HELLO:
        need(m->instance && *m->instance && m->version);
        need(strlen(m->instance) <= LINK_TEXT_MAX_BYTES);
        break;
    case LINK_REFUSED:
        need(m->detail && strlen(m->detail) <= LINK_TEXT_MAX_BYTES);
        break;
    case LINK_PROCESSES:
        need(m->json && strlen(m->json) <= LINK_PROCESSES_MAX_BYTES);
        break;
    case LINK_INVENTORY:
        need(m->json && m->json[0] == '{' && m->facts);
        break;
    case LINK_SERVICES:
        need(m->json && strlen(m->json) <= LINK_SERVICES_MAX_BYTES);
        break;
    case LINK_APPLIED:
    case LINK_ACTED:
    case LINK_OTHER:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct link_message m;
    if (link_message_read(span_from(data, size), &m, &err))
        need(err.text[0]);
    else
        check(&m);
    link_message_free(&m);
    return 0;
}
