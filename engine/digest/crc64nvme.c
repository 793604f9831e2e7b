#include <weir/digest.h>

#include "digest/crc64nvme_impl.h"

static bool
always(void)
{
    return true;
}

#ifdef __x86_64__
static bool
has_vclmul(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq") &&
           __builtin_cpu_supports("pclmul");
}

static bool
has_clmul(void)
{
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse2");
}
#endif

const struct weir_crc64nvme_impl weir_crc64nvme_impls[] = {
#ifdef __x86_64__
    {"vpclmulqdq", weir_crc64nvme_vclmul, has_vclmul},
    {"pclmulqdq", weir_crc64nvme_clmul, has_clmul},
#endif
#ifdef __aarch64__
    {"pmull", weir_crc64nvme_pmull, weir_crc64nvme_pmull_usable},
#endif
    {"table", weir_crc64nvme_table, always},
};
const size_t weir_crc64nvme_impl_count =
    sizeof(weir_crc64nvme_impls) / sizeof(weir_crc64nvme_impls[0]);

uint64_t
weir_crc64nvme(uint64_t crc, const void *data, size_t bytes)
{
    /* Asking the CPU is a load and a test: cheaper than a remembered choice that threads share.
     */
    const struct weir_crc64nvme_impl *impl = weir_crc64nvme_impls;
    while (!impl->usable())
        impl++;
    return ~impl->run(~crc, data, bytes);
}

/* x^(8 * 2^k) mod P: what 2^k more bytes do to a CRC. */
static const uint64_t shift[64] = {
    0x0080000000000000, 0x0000800000000000, 0x0000000080000000, 0x9a6c9329ac4bc9b5,
    0x10f4bb0f129310d6, 0x70f05dcea2ebd226, 0x311211205672822d, 0x2fc297db0f46c96e,
    0xca4d536fabf7da84, 0xfb4cdc3b379ee6ed, 0xea261148df25140a, 0x59ccb2c07aa6c9b4,
    0x20b3674a839af27a, 0x2d8e1986da94d583, 0x42cdf4c20337635d, 0x1d78724bf0f26839,
    0xb96c84e0afb34bd5, 0x5d2e1fcd2df0a3ea, 0xcd9506572332be42, 0x23bda2427f7d690f,
    0x347a953232374f07, 0x1c2a807ac2a8ceea, 0x9b92ad0e14fe1460, 0x2574114889f670b2,
    0x4a84a6c45e3bf520, 0x915bbac21cd1c7ff, 0xb0290ec579f291f5, 0xcf2548505c624e6e,
    0xb154f27bf08a8207, 0xce4e92344baf7d35, 0x51da8d7e057c5eb3, 0x9fb10823f5be15df,
    0x73b825b3ff1f71cf, 0x5db436c5406ebb74, 0xfa7ed8f3ec3f2bca, 0xc4d58efdc61b9ef6,
    0xa7e39e61e855bd45, 0x97ad46f9dd1bf2f1, 0x1a0abb01f853ee6b, 0x3f0827c3348f8215,
    0x4eb68c4506134607, 0x4a46f6de5df34e0a, 0x2d855d6a1c57a8dd, 0x8688da58e1115812,
    0x5232f417fc7c7300, 0xa4080fb2e767d8da, 0xd515a7e17693e562, 0x1181f7c862e94226,
    0x9e23cd058204ca91, 0x9b8992c57a0aed82, 0xb2c0afb84609b6ff, 0x2f7160553a5ea018,
    0x3cd378b5c99f2722, 0x814054ad61a3b058, 0xbf766189fce806d8, 0x85a5e898ac49f86f,
    0x34830d11bc84f346, 0x9644d95b173c8c1c, 0x150401ac9ac759b1, 0xebe1f7f46fb00eba,
    0x8ee4ce0c2e2bd662, 0x4000000000000000, 0x2000000000000000, 0x0800000000000000,
};

/* a * b mod P.  Bit 63 is x^0, so one step to the right multiplies by x. */
static uint64_t
multiply(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    for (uint64_t bit = UINT64_C(1) << 63; bit != 0; bit >>= 1) {
        if (a & bit)
            sum ^= b;
        b = b >> 1 ^ (b & 1 ? WEIR_CRC64NVME_POLY : 0);
    }
    return sum;
}

uint64_t
weir_crc64nvme_combine(uint64_t crc_a, uint64_t crc_b, uint64_t bytes_b)
{
    for (unsigned k = 0; bytes_b != 0; k++, bytes_b >>= 1)
        if (bytes_b & 1)
            crc_a = multiply(crc_a, shift[k]);
    return crc_a ^ crc_b;
}
