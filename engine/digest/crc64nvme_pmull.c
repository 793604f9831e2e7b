#include "digest/crc64nvme_impl.h"

#ifdef __aarch64__

#include <arm_neon.h>
#include <sys/auxv.h>

#ifdef __clang__
#define TARGET __attribute__((target("aes")))
#else
#define TARGET __attribute__((target("+crypto")))
#endif

#define HWCAP_BIT_PMULL (1UL << 4) /* HWCAP_PMULL of the kernel's ABI */

bool
weir_crc64nvme_pmull_usable(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_BIT_PMULL) != 0;
}

TARGET static inline uint64x2_t
fold(uint64x2_t block, uint64_t ka, uint64_t kb, uint64x2_t next)
{
    poly128_t a = vmull_p64((poly64_t)vgetq_lane_u64(block, 0), (poly64_t)ka);
    poly128_t b = vmull_p64((poly64_t)vgetq_lane_u64(block, 1), (poly64_t)kb);
    return veorq_u64(veorq_u64(vreinterpretq_u64_p128(a), vreinterpretq_u64_p128(b)), next);
}

TARGET static inline uint64x2_t
load(const uint8_t *p)
{
    return vreinterpretq_u64_u8(vld1q_u8(p));
}

/* The PCLMULQDQ version in ARM's words. */
TARGET uint64_t
weir_crc64nvme_pmull(uint64_t state, const uint8_t *p, size_t bytes)
{
    if (bytes < 64)
        return weir_crc64nvme_table(state, p, bytes);
    const uint64_t fa = WEIR_CRC64NVME_FOLD512_A, fb = WEIR_CRC64NVME_FOLD512_B;
    const uint64_t na = WEIR_CRC64NVME_FOLD128_A, nb = WEIR_CRC64NVME_FOLD128_B;
    uint64x2_t lane0 = veorq_u64(load(p), vsetq_lane_u64(state, vdupq_n_u64(0), 0));
    uint64x2_t lane1 = load(p + 16), lane2 = load(p + 32), lane3 = load(p + 48);
    for (p += 64, bytes -= 64; bytes >= 64; p += 64, bytes -= 64) {
        lane0 = fold(lane0, fa, fb, load(p));
        lane1 = fold(lane1, fa, fb, load(p + 16));
        lane2 = fold(lane2, fa, fb, load(p + 32));
        lane3 = fold(lane3, fa, fb, load(p + 48));
    }
    lane0 = fold(lane0, na, nb, lane1);
    lane0 = fold(lane0, na, nb, lane2);
    lane0 = fold(lane0, na, nb, lane3);
    for (; bytes >= 16; p += 16, bytes -= 16)
        lane0 = fold(lane0, na, nb, load(p));
    uint8_t last[16];
    vst1q_u8(last, vreinterpretq_u8_u64(lane0));
    return weir_crc64nvme_table(weir_crc64nvme_table(0, last, sizeof(last)), p, bytes);
}

#else
typedef int weir_crc64nvme_pmull_not_for_this_cpu; /* ISO C wants one declaration */
#endif
