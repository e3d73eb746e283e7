/* A store in a temporary directory with a clock of its own, messages for it, and what queries
 * give back. */
#pragma once

#include "random.h"
#include "unit.h"

#include "store/embedded/embedded.h"

#include "series/remote_write.h"

/* 2026-11-20 12:00 UTC */
#define NOON INT64_C(1795176000000)

struct fixture {
    char dir[64];
    struct store *store;
    struct store_writer *writer;
    struct store_tuning tuning;
    struct store_config config;
};

extern int64_t fixture_now; /* what the stores' clocks say */

/* Of what a test goes through, the part that this process does: from 0; all of it unless main says
 * otherwise. */
extern struct fixture_part {
    size_t number, of;
} fixture_part;

/* `make soak` (GALEN_SOAK): the long forms of the tests. */
bool fixture_soak(void);

void fixture_init(struct fixture *f); /* makes the directory, does not open */
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
void fixture_crash(struct fixture *f); /* store_abandon */
void fixture_free(struct fixture *f);  /* closes and removes */
void remove_tree(const char *dir);

/* A label set written as  name{a="b",...}  in the arena. Values without quotes or commas. */
struct labels labels_of(struct arena *a, const char *text);
/* One series into a message. */
void message_add(struct buf *message, const char *series, const struct sample *s, size_t n);
/* Appends one series' samples and waits; fails the test when the store refuses the message. */
struct append_result fixture_append(struct fixture *f, const char *series, const struct sample *s,
                                    size_t n);
/* One sample that must be taken. */
void fixture_put(struct fixture *f, const char *series, int64_t t, double v);

/* All samples of the one series with exactly these labels; n 0 when it is not there. */
struct selected fixture_read(struct fixture *f, struct arena *a, const char *series, int64_t start,
                             int64_t end);
/* The series that a selector (written as the labels above; =, !=, =~ and !~) finds. */
size_t fixture_count(struct fixture *f, const char *selector);
void assert_samples(struct fixture *f, const char *series, const struct sample *want, size_t n);

/* Matchers of a selector; given back with matchers_free. */
size_t matchers_of(struct arena *a, const char *text, struct matcher *out);
void matchers_free(struct matcher *m, size_t n);
