/* blob -- the bytes of objects and parts.  Up to 64 KiB in memory, above that in one unlinked
 * spool file whose space is given back when the last reference goes; so an upload of many GiB
 * costs disk, not memory, and nothing is left behind however the server ends. */
#ifndef FAKE_BLOB_H
#define FAKE_BLOB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "checksum.h"

#define FAKE_BLOB_MEMORY_BYTES 65536

struct fake_spool {
    int fd;
    atomic_uint_fast64_t next; /* file offset of the next blob */
};
/* @dir must exist.  Returns 0, or -1 with errno. */
int fake_spool_open(struct fake_spool *s, const char *dir);

struct fake_blob;
/* Room for exactly @bytes; unwritten bytes read as zero. */
struct fake_blob *fake_blob_create(struct fake_spool *s, uint64_t bytes);
int fake_blob_write(struct fake_blob *b, uint64_t offset, const void *bytes, size_t n);
int fake_blob_read(const struct fake_blob *b, uint64_t offset, void *out, size_t n);
void fake_blob_unref(struct fake_blob *b);

/* A sequence of ranges of blobs: what an object or a part consists of. */
struct fake_seg {
    struct fake_blob *blob;
    uint64_t offset, bytes;
};
struct fake_data {
    struct fake_seg *seg;
    size_t count;
    uint64_t bytes;
};
/* Takes over the caller's reference to @b. */
void fake_data_add(struct fake_data *d, struct fake_blob *b, uint64_t bytes);
/* Shares @bytes from @offset of @from; no byte is copied. */
void fake_data_share(struct fake_data *d, const struct fake_data *from, uint64_t offset,
                     uint64_t bytes);
/* Exactly @n bytes at @offset, which must exist.  Returns 0, or -1 when the spool fails. */
int fake_data_read(const struct fake_data *d, uint64_t offset, void *out, size_t n);
int fake_data_write(struct fake_data *d, uint64_t offset, const void *bytes, size_t n);
/* Digest of the whole, read back from where it is stored. */
int fake_data_sum(const struct fake_data *d, enum fake_alg alg, uint8_t out[FAKE_SUM_MAX]);
void fake_data_free(struct fake_data *d);

#endif
