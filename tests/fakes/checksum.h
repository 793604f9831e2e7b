/* checksum -- the ten checksum algorithms of S3, independent of the code under test.  CRCs by
 * table, the others by libcrypto and libxxhash. */
#ifndef FAKE_CHECKSUM_H
#define FAKE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fake_alg {
    FAKE_CRC64NVME,
    FAKE_CRC32,
    FAKE_CRC32C,
    FAKE_SHA1,
    FAKE_SHA256,
    FAKE_SHA512,
    FAKE_MD5,
    FAKE_XXHASH64,
    FAKE_XXHASH3,
    FAKE_XXHASH128,
    FAKE_ALG_COUNT,
    FAKE_ALG_NONE
};
enum fake_type { FAKE_FULL_OBJECT, FAKE_COMPOSITE };

#define FAKE_SUM_MAX 64
#define FAKE_SUM_TEXT 112 /* base64 of the longest, "-10000" and a NUL */

struct fake_alg_info {
    const char *name;   /* CRC64NVME */
    const char *lower;  /* crc64nvme */
    const char *header; /* x-amz-checksum-crc64nvme */
    const char *xml;    /* ChecksumCRC64NVME */
    size_t bytes;
    bool full_object, composite;   /* allowed types of a multipart upload */
    enum fake_type multipart_type; /* when the upload names none */
};
const struct fake_alg_info *fake_checksum_info(enum fake_alg alg);
enum fake_alg fake_checksum_by_name(const char *name);
const char *fake_checksum_type_name(enum fake_type type);

/* One running digest. */
struct fake_sum;
struct fake_sum *fake_checksum_create(enum fake_alg alg);
void fake_checksum_update(struct fake_sum *s, const void *bytes, size_t n);
/* The big-endian digest; frees @s. */
void fake_checksum_finish(struct fake_sum *s, uint8_t out[FAKE_SUM_MAX]);
void fake_checksum_free(struct fake_sum *s);
void fake_checksum_once(enum fake_alg alg, const void *bytes, size_t n,
                        uint8_t out[FAKE_SUM_MAX]);

/* Appends a part of @bytes_b bytes with CRC @b to the CRC @a, in place.  CRC algorithms only.
 */
void fake_checksum_combine(enum fake_alg alg, uint8_t a[FAKE_SUM_MAX],
                           const uint8_t b[FAKE_SUM_MAX], uint64_t bytes_b);

#endif
