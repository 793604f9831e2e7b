/* crc64nvme_impl -- the implementations behind weir_crc64nvme(), for the dispatch and the
 * tests.
 *
 * They work on the raw state: no inversion before or after.  In a state, and in each 64-bit
 * word of data, bit 63 is x^0: the first byte's lowest bit is the highest power. */
#ifndef WEIR_DIGEST_CRC64NVME_IMPL_H
#define WEIR_DIGEST_CRC64NVME_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEIR_CRC64NVME_POLY UINT64_C(0x9a6c9329ac4bc9b5) /* 0xad93d23594c93659 reflected */

/* Folding a 128-bit block over D bits: its first word times x^(D + 63), its second times
 * x^(D - 1), mod P.  The exponents are one short because a carry-less product of reflected
 * words comes out multiplied by x. */
#define WEIR_CRC64NVME_FOLD128_A UINT64_C(0xeadc41fd2ba3d420)
#define WEIR_CRC64NVME_FOLD128_B UINT64_C(0x21e9761e252621ac)
#define WEIR_CRC64NVME_FOLD512_A UINT64_C(0x0c32cdb31e18a84a)
#define WEIR_CRC64NVME_FOLD512_B UINT64_C(0x62242240ace5045a)
#define WEIR_CRC64NVME_FOLD2048_A UINT64_C(0x37ccd3e14069cabc)
#define WEIR_CRC64NVME_FOLD2048_B UINT64_C(0xa043808c0f782663)

struct weir_crc64nvme_impl {
    const char *name;
    uint64_t (*run)(uint64_t state, const uint8_t *p, size_t bytes);
    bool (*usable)(void); /* does this CPU have the instructions? */
};

/* Fastest first; the last one is always usable. */
extern const struct weir_crc64nvme_impl weir_crc64nvme_impls[];
extern const size_t weir_crc64nvme_impl_count;

uint64_t weir_crc64nvme_table(uint64_t state, const uint8_t *p, size_t bytes);
#ifdef __x86_64__
uint64_t weir_crc64nvme_clmul(uint64_t state, const uint8_t *p, size_t bytes);
uint64_t weir_crc64nvme_vclmul(uint64_t state, const uint8_t *p, size_t bytes);
#endif
#ifdef __aarch64__
uint64_t weir_crc64nvme_pmull(uint64_t state, const uint8_t *p, size_t bytes);
bool weir_crc64nvme_pmull_usable(void);
#endif

#endif
