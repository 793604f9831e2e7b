#include "digest/crc64nvme_impl.h"

#include <string.h>

/* Slicing by 16.  A CRC is linear, so entry i of a slice is the sum of the entries of i's bits:
 * eight constants a slice, and the compiler writes the other 248.  No start-up code, no lock.
 */
#define ENTRY(i, b0, b1, b2, b3, b4, b5, b6, b7)                                               \
    (((i)&1 ? b0 : 0) ^ ((i)&2 ? b1 : 0) ^ ((i)&4 ? b2 : 0) ^ ((i)&8 ? b3 : 0) ^               \
     ((i)&16 ? b4 : 0) ^ ((i)&32 ? b5 : 0) ^ ((i)&64 ? b6 : 0) ^ ((i)&128 ? b7 : 0))
#define ENTRY_4(i, ...)                                                                        \
    ENTRY(i, __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__), ENTRY((i) + 2, __VA_ARGS__),           \
        ENTRY((i) + 3, __VA_ARGS__)
#define ENTRY_16(i, ...)                                                                       \
    ENTRY_4(i, __VA_ARGS__), ENTRY_4((i) + 4, __VA_ARGS__), ENTRY_4((i) + 8, __VA_ARGS__),     \
        ENTRY_4((i) + 12, __VA_ARGS__)
#define ENTRY_64(i, ...)                                                                       \
    ENTRY_16(i, __VA_ARGS__), ENTRY_16((i) + 16, __VA_ARGS__),                                 \
        ENTRY_16((i) + 32, __VA_ARGS__), ENTRY_16((i) + 48, __VA_ARGS__)
#define SLICE(...)                                                                             \
    {                                                                                          \
        ENTRY_64(0, __VA_ARGS__), ENTRY_64(64, __VA_ARGS__), ENTRY_64(128, __VA_ARGS__),       \
            ENTRY_64(192, __VA_ARGS__)                                                         \
    }

/* slice[k][byte]: the state after that byte and k zero bytes, from state 0. */
/* clang-format off */
static const uint64_t slice[16][256] = {
    SLICE(0x7f6ef0c830358979, 0xfedde190606b12f2, 0xc962e5739841b68f, 0xa61cecb46814fe75, 0x78e0ff3b88be6f81, 0xf1c1fe77117cdf02, 0xd75adabd7a6e2d6f, 0x9a6c9329ac4bc9b5),
    SLICE(0x8776a97d73bddf69, 0x3a3474a9bfec2db9, 0x7468e9537fd85b72, 0xe8d1d2a6ffb0b6e4, 0xe57a831ea7f6fea3, 0xfe2c206e177a6e2d, 0xc881668f76634f31, 0xa5dbeb4db4510d09),
    SLICE(0xff6e4e1f4e4038be, 0xca05ba6dc417e217, 0xa0d25288d0b85745, 0x757d8342f9e73de1, 0xeafb0685f3ce7bc2, 0xe12f2b58bf0b64ef, 0xf68770e226815ab5, 0xd9d7c79715952601),
    SLICE(0x8211147cbaf96306, 0x30fb0eaa2d655567, 0x61f61d545acaaace, 0xc3ec3aa8b595559c, 0xb301530233bd3853, 0x52db80573fede3cd, 0xa5b700ae7fdbc79a, 0x7fb7270fa7201c5f),
    SLICE(0x373d15f784905d1e, 0x6e7a2bef0920ba3c, 0xdcf457de12417478, 0x8d3189ef7c157b9b, 0x2eba358da0bd645d, 0x5d746b1b417ac8ba, 0xbae8d63682f59174, 0x41088a3e5d7cb183),
    SLICE(0xe9742a79ef04a5d4, 0xe63172a0869ed8c3, 0xf8bbc31255aa22ed, 0xc5aea077f3c3d6b1, 0xbf8466bcbf103e09, 0x4bd1eb2a26b7ef79, 0x97a3d6544d6fdef2, 0x1b9e8afbc2482e8f),
    SLICE(0xfc5d27f6bf353971, 0xcc6369be26fde189, 0xac1ff52f156c5079, 0x6ce6cc0d724f3399, 0xd9cd981ae49e6732, 0x8742166691ab5d0f, 0x3a5d0a9e7bc12975, 0x74ba153cf78252ea),
    SLICE(0x21e9761e252621ac, 0x43d2ec3c4a4c4358, 0x87a5d878949886b0, 0x3b9296a271a69e0b, 0x77252d44e34d3c16, 0xee4a5a89c69a782c, 0xe84d9340d5a36333, 0xe44200d2f3d1550d),
    SLICE(0x04f28def5347786c, 0x09e51bdea68ef0d8, 0x13ca37bd4d1de1b0, 0x27946f7a9a3bc360, 0x4f28def5347786c0, 0x9e51bdea68ef0d80, 0x087a5d878949886b, 0x10f4bb0f129310d6),
    SLICE(0x49e1df807414fdef, 0x93c3bf00e829fbde, 0x135e585288c464d7, 0x26bcb0a51188c9ae, 0x4d79614a2311935c, 0x9af2c294462326b8, 0x013ca37bd4d1de1b, 0x027946f7a9a3bc36),
    SLICE(0x52734ea3e726fc54, 0xa4e69d47ce4df8a8, 0x7d141cdcc40c623b, 0xfa2839b98818c476, 0xc089552048a61b87, 0xb5cb8c13c9dba465, 0x5f4e3e74cb20dba1, 0xbe9c7ce99641b742),
    SLICE(0x668ab3bbc976d29d, 0xcd15677792eda53a, 0xaef3e8bc7d4cd91f, 0x693ef72ba20e2155, 0xd27dee57441c42aa, 0x9022fafdd0af163f, 0x149cd3a8f9c9bf15, 0x2939a751f3937e2a),
    SLICE(0xf2fa1fae5f5c1165, 0xd12d190fe62fb1a1, 0x9683144c94c8f029, 0x19df0eca71067339, 0x33be1d94e20ce672, 0x677c3b29c419cce4, 0xcef87653883399c8, 0xa929caf448f0a0fb),
    SLICE(0x9065cb6e6d39918a, 0x1412b08f82e4b07f, 0x2825611f05c960fe, 0x504ac23e0b92c1fc, 0xa095847c172583f8, 0x75f22eab76dc949b, 0xebe45d56edb92936, 0xe3119cfe83e5c107),
    SLICE(0xc23dfbc6ca591ca3, 0xb0a2d1decc25aa2d, 0x559c85eec0dcc731, 0xab390bdd81b98e62, 0x62ab31e85be48faf, 0xc55663d0b7c91f5e, 0xbe75e1f23705add7, 0x4832e5b7369cc8c5),
    SLICE(0xeadc41fd2ba3d420, 0xe161a5a90fd03b2b, 0xf61a6d014737e53d, 0xd8edfc51d6f85911, 0x8502def0f5672149, 0x3edc9bb2b259d1f9, 0x7db9376564b3a3f2, 0xfb726ecac96747e4),
};
/* clang-format on */

static uint64_t
load_le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* The sum of slices top..top-7 for the eight bytes of v, lowest byte first. */
static inline uint64_t
fold8(uint64_t v, unsigned top)
{
    return slice[top][v & 0xff] ^ slice[top - 1][v >> 8 & 0xff] ^
           slice[top - 2][v >> 16 & 0xff] ^ slice[top - 3][v >> 24 & 0xff] ^
           slice[top - 4][v >> 32 & 0xff] ^ slice[top - 5][v >> 40 & 0xff] ^
           slice[top - 6][v >> 48 & 0xff] ^ slice[top - 7][v >> 56];
}

uint64_t
weir_crc64nvme_table(uint64_t state, const uint8_t *p, size_t bytes)
{
    for (; bytes >= 16; p += 16, bytes -= 16)
        state = fold8(load_le64(p) ^ state, 15) ^ fold8(load_le64(p + 8), 7);
    for (; bytes > 0; p++, bytes--)
        state = slice[0][(state ^ *p) & 0xff] ^ state >> 8;
    return state;
}
