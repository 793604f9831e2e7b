#include "digest/crc64nvme_impl.h"

#ifdef __x86_64__

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,vpclmulqdq,pclmul")))

TARGET static inline __m512i
fold(__m512i block, __m512i k, __m512i next)
{
    __m512i a = _mm512_clmulepi64_epi128(block, k, 0x00);
    __m512i b = _mm512_clmulepi64_epi128(block, k, 0x11);
    return _mm512_ternarylogic_epi64(a, b, next, 0x96); /* a ^ b ^ next */
}

TARGET static inline __m512i
constants(uint64_t a, uint64_t b)
{
    return _mm512_broadcast_i32x4(_mm_set_epi64x((long long)b, (long long)a));
}

/* As the PCLMULQDQ version with lanes four times as wide.  What is left below 256 bytes, and
 * the 64 bytes that carry the state, go to that version: they are few. */
TARGET uint64_t
weir_crc64nvme_vclmul(uint64_t state, const uint8_t *p, size_t bytes)
{
    if (bytes < 256)
        return weir_crc64nvme_clmul(state, p, bytes);
    const __m512i far = constants(WEIR_CRC64NVME_FOLD2048_A, WEIR_CRC64NVME_FOLD2048_B);
    const __m512i near = constants(WEIR_CRC64NVME_FOLD512_A, WEIR_CRC64NVME_FOLD512_B);
    __m512i lane0 = _mm512_loadu_si512(p), lane1 = _mm512_loadu_si512(p + 64);
    __m512i lane2 = _mm512_loadu_si512(p + 128), lane3 = _mm512_loadu_si512(p + 192);
    lane0 =
        _mm512_xor_si512(lane0, _mm512_zextsi128_si512(_mm_set_epi64x(0, (long long)state)));
    for (p += 256, bytes -= 256; bytes >= 256; p += 256, bytes -= 256) {
        lane0 = fold(lane0, far, _mm512_loadu_si512(p));
        lane1 = fold(lane1, far, _mm512_loadu_si512(p + 64));
        lane2 = fold(lane2, far, _mm512_loadu_si512(p + 128));
        lane3 = fold(lane3, far, _mm512_loadu_si512(p + 192));
    }
    lane0 = fold(fold(fold(lane0, near, lane1), near, lane2), near, lane3);
    for (; bytes >= 64; p += 64, bytes -= 64)
        lane0 = fold(lane0, near, _mm512_loadu_si512(p));
    uint8_t last[64];
    _mm512_storeu_si512(last, lane0);
    return weir_crc64nvme_clmul(weir_crc64nvme_clmul(0, last, sizeof(last)), p, bytes);
}

#else
typedef int weir_crc64nvme_vclmul_not_for_this_cpu; /* ISO C wants one declaration */
#endif
