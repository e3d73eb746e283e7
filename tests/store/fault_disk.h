/* Disks that fail or forget, for the store's tests. */
#pragma once

#include "store/embedded/disk.h"

/* Real files, but the fail_at-th change (from 1; 0: none) and those after it, as many as
 * failures says, end with -error. Counts all changes. */
struct failing_disk {
    struct disk disk;
    _Atomic long changes;
    _Atomic long fail_at, failures;
    _Atomic int error;
};

void failing_disk_init(struct failing_disk *d);

/* A machine whose power may fail: what was not synced is then gone, or there in part. Files are
 * real below dir; forgetful_cut writes into another directory what would be found afterwards. */
struct forgetful_disk;

struct forgetful_disk *forgetful_open(const char *dir);
void forgetful_close(struct forgetful_disk *d);
struct disk *forgetful_face(struct forgetful_disk *d);
/* torn: of what was not synced, any sector and any name may be there or not, by the seed;
 * otherwise none is. */
void forgetful_cut(struct forgetful_disk *d, const char *to, bool torn, uint64_t seed);
