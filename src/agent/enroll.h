/* Enrolment: a join token, good for a short time, is exchanged for a token of this agent's own
 * (docs/API.md). */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define ENROLL_PATH "/api/galen/v1/enroll"

void enroll_request(struct buf *body, const char *machine_id, const char *hostname);
/* Stores a token in file, mode 0600. INVALID: it cannot stand in a header. */
MUST_USE enum status enroll_keep(const char *token, const char *file, struct err *err);
/* Takes the server's answer and stores the token in file, mode 0600. */
MUST_USE enum status enroll_accept(struct span answer, const char *file, struct err *err);
