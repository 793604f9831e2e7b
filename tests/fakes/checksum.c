#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "buf.h"
#include "checksum.h"
#include "text.h"

#define INFO(n, l, size, full, comp, type)                                                     \
    {                                                                                          \
#n, l, "x-amz-checksum-" l, "Checksum" #n, size, full, comp, type                      \
    }
static const struct fake_alg_info infos[FAKE_ALG_COUNT] = {
    [FAKE_CRC64NVME] = INFO(CRC64NVME, "crc64nvme", 8, true, false, FAKE_FULL_OBJECT),
    [FAKE_CRC32] = INFO(CRC32, "crc32", 4, true, true, FAKE_COMPOSITE),
    [FAKE_CRC32C] = INFO(CRC32C, "crc32c", 4, true, true, FAKE_COMPOSITE),
    [FAKE_SHA1] = INFO(SHA1, "sha1", 20, false, true, FAKE_COMPOSITE),
    [FAKE_SHA256] = INFO(SHA256, "sha256", 32, false, true, FAKE_COMPOSITE),
    [FAKE_SHA512] = INFO(SHA512, "sha512", 64, false, true, FAKE_COMPOSITE),
    [FAKE_MD5] = INFO(MD5, "md5", 16, false, true, FAKE_COMPOSITE),
    [FAKE_XXHASH64] = INFO(XXHASH64, "xxhash64", 8, false, true, FAKE_COMPOSITE),
    [FAKE_XXHASH3] = INFO(XXHASH3, "xxhash3", 8, false, true, FAKE_COMPOSITE),
    [FAKE_XXHASH128] = INFO(XXHASH128, "xxhash128", 16, false, true, FAKE_COMPOSITE),
};

/* Reflected polynomials; every CRC here starts from and ends with all ones. */
static const uint64_t polynomials[] = {
    [FAKE_CRC64NVME] = 0x9a6c9329ac4bc9b5u,
    [FAKE_CRC32] = 0xedb88320u,
    [FAKE_CRC32C] = 0x82f63b78u,
};
static uint64_t tables[3][8][256]; /* slicing by eight; written once by make_tables() */
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

struct fake_sum {
    enum fake_alg alg;
    uint64_t crc; /* inverted */
    EVP_MD_CTX *md;
    XXH64_state_t *xxh64;
    XXH3_state_t *xxh3;
};

const struct fake_alg_info *
fake_checksum_info(enum fake_alg alg)
{
    return alg < FAKE_ALG_COUNT ? &infos[alg] : NULL;
}

enum fake_alg
fake_checksum_by_name(const char *name)
{
    for (int i = 0; i < FAKE_ALG_COUNT; i++)
        if (fake_text_same_nocase(infos[i].name, name))
            return (enum fake_alg)i;
    return FAKE_ALG_NONE;
}

const char *
fake_checksum_type_name(enum fake_type type)
{
    return type == FAKE_FULL_OBJECT ? "FULL_OBJECT" : "COMPOSITE";
}

static void
make_tables(void)
{
    for (int alg = 0; alg < 3; alg++) {
        for (uint64_t i = 0; i < 256; i++) {
            uint64_t v = i;
            for (int bit = 0; bit < 8; bit++)
                v = v & 1 ? v >> 1 ^ polynomials[alg] : v >> 1;
            tables[alg][0][i] = v;
        }
        for (int k = 1; k < 8; k++)
            for (int i = 0; i < 256; i++) {
                uint64_t v = tables[alg][k - 1][i];
                tables[alg][k][i] = v >> 8 ^ tables[alg][0][v & 255];
            }
    }
}

static uint64_t
crc_update(enum fake_alg alg, uint64_t crc, const uint8_t *p, size_t n)
{
    uint64_t(*t)[256] = tables[alg];
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, p, 8); /* little endian machines only, as the rest of the tests */
        v ^= crc;
        crc = t[7][v & 255] ^ t[6][v >> 8 & 255] ^ t[5][v >> 16 & 255] ^ t[4][v >> 24 & 255] ^
              t[3][v >> 32 & 255] ^ t[2][v >> 40 & 255] ^ t[1][v >> 48 & 255] ^ t[0][v >> 56];
    }
    for (; n; p++, n--)
        crc = crc >> 8 ^ t[0][(crc ^ *p) & 255];
    return crc;
}

static uint64_t
all_ones(enum fake_alg alg)
{
    return alg == FAKE_CRC64NVME ? UINT64_MAX : UINT32_MAX;
}

static const EVP_MD *
libcrypto_digest(enum fake_alg alg)
{
    switch (alg) {
    case FAKE_SHA1:
        return EVP_sha1();
    case FAKE_SHA256:
        return EVP_sha256();
    case FAKE_SHA512:
        return EVP_sha512();
    case FAKE_MD5:
        return EVP_md5();
    default:
        return NULL;
    }
}

struct fake_sum *
fake_checksum_create(enum fake_alg alg)
{
    struct fake_sum *s = fake_alloc(sizeof(*s));
    s->alg = alg;
    const EVP_MD *md = libcrypto_digest(alg);
    if (md) {
        s->md = EVP_MD_CTX_new();
        if (!s->md || EVP_DigestInit_ex(s->md, md, NULL) != 1)
            abort();
    } else if (alg == FAKE_XXHASH64) {
        s->xxh64 = XXH64_createState();
        XXH64_reset(s->xxh64, 0);
    } else if (alg == FAKE_XXHASH3 || alg == FAKE_XXHASH128) {
        s->xxh3 = XXH3_createState();
        if (alg == FAKE_XXHASH3)
            XXH3_64bits_reset(s->xxh3);
        else
            XXH3_128bits_reset(s->xxh3);
    } else {
        pthread_once(&tables_once, make_tables);
        s->crc = all_ones(alg);
    }
    return s;
}

void
fake_checksum_update(struct fake_sum *s, const void *bytes, size_t n)
{
    if (s->md)
        EVP_DigestUpdate(s->md, bytes, n);
    else if (s->xxh64)
        XXH64_update(s->xxh64, bytes, n);
    else if (s->alg == FAKE_XXHASH3)
        XXH3_64bits_update(s->xxh3, bytes, n);
    else if (s->alg == FAKE_XXHASH128)
        XXH3_128bits_update(s->xxh3, bytes, n);
    else
        s->crc = crc_update(s->alg, s->crc, bytes, n);
}

static void
put_be(uint8_t *out, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

static uint64_t
get_be(const uint8_t *in, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | in[i];
    return v;
}

void
fake_checksum_finish(struct fake_sum *s, uint8_t out[FAKE_SUM_MAX])
{
    memset(out, 0, FAKE_SUM_MAX);
    if (s->md) {
        EVP_DigestFinal_ex(s->md, out, NULL);
    } else if (s->xxh64) {
        put_be(out, XXH64_digest(s->xxh64), 8);
    } else if (s->alg == FAKE_XXHASH3) {
        put_be(out, XXH3_64bits_digest(s->xxh3), 8);
    } else if (s->alg == FAKE_XXHASH128) {
        XXH128_hash_t h = XXH3_128bits_digest(s->xxh3);
        put_be(out, h.high64, 8);
        put_be(out + 8, h.low64, 8);
    } else {
        put_be(out, s->crc ^ all_ones(s->alg), infos[s->alg].bytes);
    }
    fake_checksum_free(s);
}

void
fake_checksum_free(struct fake_sum *s)
{
    if (!s)
        return;
    EVP_MD_CTX_free(s->md);
    XXH64_freeState(s->xxh64);
    XXH3_freeState(s->xxh3);
    free(s);
}

void
fake_checksum_once(enum fake_alg alg, const void *bytes, size_t n, uint8_t out[FAKE_SUM_MAX])
{
    struct fake_sum *s = fake_checksum_create(alg);
    fake_checksum_update(s, bytes, n);
    fake_checksum_finish(s, out);
}

/* a * b modulo the polynomial, both in reflected bit order: the top bit is x^0. */
static uint64_t
multiply(enum fake_alg alg, uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    uint64_t top = alg == FAKE_CRC64NVME ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
    for (; top; top >>= 1) {
        if (a & top)
            product ^= b;
        b = b & 1 ? b >> 1 ^ polynomials[alg] : b >> 1;
    }
    return product;
}

void
fake_checksum_combine(enum fake_alg alg, uint8_t a[FAKE_SUM_MAX], const uint8_t b[FAKE_SUM_MAX],
                      uint64_t bytes_b)
{
    uint64_t one = alg == FAKE_CRC64NVME ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
    uint64_t shift = one, square = one >> 8; /* x^8: one byte of zeros */
    for (uint64_t n = bytes_b; n; n >>= 1) {
        if (n & 1)
            shift = multiply(alg, shift, square);
        square = multiply(alg, square, square);
    }
    size_t bytes = infos[alg].bytes;
    put_be(a, multiply(alg, shift, get_be(a, bytes)) ^ get_be(b, bytes), bytes);
}
