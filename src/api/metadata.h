/* What metrics mean: type, help and unit, from the agent's own table and from what remote writers
 * say (kept in memory, as Prometheus keeps what it scrapes). Any thread. */
#pragma once

#include "base/arena.h"
#include "series/remote_write.h"

enum {
    METADATA_FAMILIES_MAX = 20000,  /* that writers may tell of; further ones are left out */
    METADATA_TEXT_MAX_BYTES = 1024, /* of a name, help or unit; longer help is cut */
};

struct metadata;

struct metadata *metadata_open(void);
void metadata_close(struct metadata *m); /* NULL is fine */
/* The MetricMetadata of a remote-write message; passes over what is malformed. */
void metadata_take(struct metadata *m, struct span message);

struct metadata_entry {
    struct span name, type, help, unit; /* name: of the family */
};

/* What is known of the metric of that name, or of its family when it is a histogram's or
 * summary's part; false when nothing is. Texts live in the arena. */
bool metadata_find(struct metadata *m, struct span metric, struct arena *arena,
                   struct metadata_entry *out);
/* Everything writers told; not sorted. */
size_t metadata_told(struct metadata *m, struct arena *arena, struct metadata_entry **out);
