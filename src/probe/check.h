/* Private to probe/: one check of one service, over and over. */
#pragma once

#include "probe/judge.h"
#include "probe/probe.h"

enum { CHECK_BODY_MAX_BYTES = 1 << 20 };

struct check;

typedef void (*check_fn)(void *arg);

/* config must outlive it. fn is called when a run has ended. */
struct check *check_open(struct loop *loop, const struct check_config *config, int64_t timeout_ms,
                         check_fn fn, void *arg);
void check_close(struct check *c); /* NULL is fine */
void check_start(struct check *c); /* nothing while a run is under way */
/* Of the last run that ended; its texts are valid until the next one ends. */
struct check_result check_result(const struct check *c);
double check_seconds(const struct check *c);
/* When the first certificate of the chain that the service showed last expires, seconds since 1970;
 * 0: it never showed one that was believed. */
int64_t check_certificate_expires_s(const struct check *c);
