/* The names of a simpler agent's page, for dashboards and alerts that were made for it:
 * GET /metrics?compat=seed. What they mean is what psutil means by them. */
#pragma once

#include "base/buf.h"

struct compat {
    double busy_s, all_s; /* of all processors since the boot */
    double mem_total, mem_available, disk_size, disk_free, disk_available;
    double sent_bytes, received_bytes;
    bool has_cpu, has_memory, has_disk, has_network;
};

/* Reads what it needs of a remote-write message. */
void compat_read(struct span message, struct compat *out);
/* The page; the processor's use is that since before (all zero: since the boot). */
void compat_write(const struct compat *before, const struct compat *now, bool openmetrics,
                  struct buf *out);
