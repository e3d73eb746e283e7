/* What reading and writing of blocks have in common. */
#pragma once

#include "store/embedded/block.h"
#include "store/embedded/part.h"
#include "store/embedded/sql.h"

extern const char block_schema[];

/* Checksum over the table part, row after row in the order of id; begins with the one of what
 * the table block says. */
uint32_t block_head_crc(int64_t format, int64_t day, int64_t deletions);
uint32_t block_part_crc(uint32_t crc, const struct block_part *p);
