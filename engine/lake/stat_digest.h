/* stat_digest -- the digest of a directory's stat data (weir_lake_batch.stat_digest). Internal.
 *
 * Stored in catalogs: the form is fixed.  For each entry, little-endian: u16 length of the
 * name, name, u8 type, and for all but directories u64 size, i64 + u32 mtime, i64 + u32 ctime,
 * u64 ino.  Blocks of at most 64 KiB, cut between entries, are chained: each begins
 * with the digest of the block before, the first with sixteen zeros. */
#ifndef WEIR_LAKE_STAT_DIGEST_H
#define WEIR_LAKE_STAT_DIGEST_H

#include <stddef.h>

#include <weir/digest.h>

#include "lake/batch.h"

#define WEIR_STAT_DIGEST_BLOCK 65536

struct weir_stat_digest {
    size_t used; /* bytes in block */
    unsigned char block[WEIR_STAT_DIGEST_BLOCK];
};

void weir_stat_digest_begin(struct weir_stat_digest *d);
void weir_stat_digest_add(struct weir_stat_digest *d, const struct weir_lake_entry *e);
void weir_stat_digest_end(struct weir_stat_digest *d, struct weir_xxh128 *out);

#endif
