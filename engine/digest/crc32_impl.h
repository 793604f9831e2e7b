/* crc32_impl -- the two 32-bit CRCs of S3 by table, eight bytes at a step. */
#ifndef WEIR_DIGEST_CRC32_IMPL_H
#define WEIR_DIGEST_CRC32_IMPL_H

#include <stddef.h>
#include <stdint.h>

/* Polynomials, reflected. */
#define WEIR_CRC32_POLY UINT32_C(0xedb88320)
#define WEIR_CRC32C_POLY UINT32_C(0x82f63b78)

struct weir_crc32_table {
    uint32_t at[8][256];
};

void weir_crc32_table_init(struct weir_crc32_table *t, uint32_t polynomial);
/* Continues from crc (0 for the start); init and xorout all ones. */
uint32_t weir_crc32_run(const struct weir_crc32_table *t, uint32_t crc, const void *data,
                        size_t bytes);

#endif
