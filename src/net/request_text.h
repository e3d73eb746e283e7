/* The head of a request that we send. Private to net/. */
#pragma once

#include "net/dial.h"

/* Appends everything up to the fields that the caller still adds, and the empty line. INVALID
 * when a part could not stand in a head. */
MUST_USE enum status request_text(const struct dial *d, const char *user_agent, const char *method,
                                  const char *path, const struct http_header *headers,
                                  size_t n_headers, struct buf *out, struct err *err);
