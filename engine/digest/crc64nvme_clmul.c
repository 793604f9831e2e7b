#include "digest/crc64nvme_impl.h"

#ifdef __x86_64__

#include <immintrin.h>

#define TARGET __attribute__((target("sse2,pclmul")))

/* block folded over the distance of k, added to next. */
TARGET static inline __m128i
fold(__m128i block, __m128i k, __m128i next)
{
    __m128i a = _mm_clmulepi64_si128(block, k, 0x00);
    __m128i b = _mm_clmulepi64_si128(block, k, 0x11);
    return _mm_xor_si128(_mm_xor_si128(a, b), next);
}

TARGET static inline __m128i
load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Four independent lanes hide the latency of the multiplication.  The last block goes through
 * the table: one step, and no second set of constants for a Barrett reduction. */
TARGET uint64_t
weir_crc64nvme_clmul(uint64_t state, const uint8_t *p, size_t bytes)
{
    if (bytes < 64)
        return weir_crc64nvme_table(state, p, bytes);
    const __m128i far = _mm_set_epi64x((long long)WEIR_CRC64NVME_FOLD512_B,
                                       (long long)WEIR_CRC64NVME_FOLD512_A);
    const __m128i near = _mm_set_epi64x((long long)WEIR_CRC64NVME_FOLD128_B,
                                        (long long)WEIR_CRC64NVME_FOLD128_A);
    __m128i lane0 = _mm_xor_si128(load(p), _mm_set_epi64x(0, (long long)state));
    __m128i lane1 = load(p + 16), lane2 = load(p + 32), lane3 = load(p + 48);
    for (p += 64, bytes -= 64; bytes >= 64; p += 64, bytes -= 64) {
        lane0 = fold(lane0, far, load(p));
        lane1 = fold(lane1, far, load(p + 16));
        lane2 = fold(lane2, far, load(p + 32));
        lane3 = fold(lane3, far, load(p + 48));
    }
    lane0 = fold(fold(fold(lane0, near, lane1), near, lane2), near, lane3);
    for (; bytes >= 16; p += 16, bytes -= 16)
        lane0 = fold(lane0, near, load(p));
    uint8_t last[16];
    _mm_storeu_si128((__m128i *)(void *)last, lane0);
    return weir_crc64nvme_table(weir_crc64nvme_table(0, last, sizeof(last)), p, bytes);
}

#else
typedef int weir_crc64nvme_clmul_not_for_this_cpu; /* ISO C wants one declaration */
#endif
