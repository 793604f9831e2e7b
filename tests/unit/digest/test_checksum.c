/* checksum: published check values, composites as S3 makes them, and a stream equals one shot
 * however it is cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../main_check.h"
#include <weir/digest.h>
#include <weir/rng.h>

#include "digest/checksum.h"
#include "digest/crc32_impl.h"

#define MIB ((size_t)1 << 20)

static const char *const names[WEIR_CHECKSUM_KINDS] = {
    [WEIR_CHECKSUM_CRC64NVME] = "CRC64NVME", [WEIR_CHECKSUM_SHA256] = "SHA-256",
    [WEIR_CHECKSUM_SHA1] = "SHA-1",          [WEIR_CHECKSUM_CRC32C] = "CRC32C",
    [WEIR_CHECKSUM_CRC32] = "CRC32",         [WEIR_CHECKSUM_MD5] = "MD5",
};

static struct weir_checksum *
make(enum weir_checksum_kind kind, uint64_t part_bytes)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_checksum *c = NULL;
    ck_assert_int_eq(weir_checksum_create(kind, part_bytes, &c, &err), 0);
    ck_assert_str_eq(weir_checksum_name(kind), names[kind]);
    return c;
}

static void
end_is(struct weir_checksum *c, enum weir_checksum_kind kind, const char *want)
{
    uint8_t out[WEIR_CHECKSUM_BYTES_MAX];
    char hex[2 * WEIR_CHECKSUM_BYTES_MAX + 1] = "";
    size_t bytes = weir_checksum_end(c, out);
    ck_assert_uint_eq(bytes, weir_checksum_bytes(kind));
    for (size_t i = 0; i < bytes; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", out[i]);
    ck_assert_str_eq(hex, want);
}

static const struct {
    enum weir_checksum_kind kind;
    const char *text, *hex;
} known[] = {
    {WEIR_CHECKSUM_CRC64NVME, "123456789", "ae8b14860a799888"},
    {WEIR_CHECKSUM_CRC32, "123456789", "cbf43926"},
    {WEIR_CHECKSUM_CRC32C, "123456789", "e3069283"},
    {WEIR_CHECKSUM_CRC32C, "", "00000000"},
    {WEIR_CHECKSUM_MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
    {WEIR_CHECKSUM_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
    {WEIR_CHECKSUM_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {WEIR_CHECKSUM_SHA256, "abc",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
};

START_TEST(published_values)
{
    struct weir_checksum *c = make(known[_i].kind, 0);
    weir_checksum_update(c, known[_i].text, strlen(known[_i].text));
    end_is(c, known[_i].kind, known[_i].hex);
    weir_checksum_free(c);
}
END_TEST

/* RFC 3720, B.4: 32 bytes of zeros, of ones, rising and falling. */
static const uint32_t iscsi[] = {0x8a9136aa, 0x62a8ab43, 0x46dd794e, 0x113fdb5c};

START_TEST(crc32c_of_rfc_3720)
{
    struct weir_crc32_table t;
    uint8_t data[32];
    for (size_t i = 0; i < 32; i++)
        data[i] = (uint8_t)(_i == 0 ? 0 : _i == 1 ? 0xff : _i == 2 ? i : 31 - i);
    weir_crc32_table_init(&t, WEIR_CRC32C_POLY);
    ck_assert_uint_eq(weir_crc32_run(&t, 0, data, 32), iscsi[_i]);
}
END_TEST

/* Bytes i * 7 + 3 mod 256, 11 MiB whole and in parts of 5 MiB; values by another program. */
static const struct {
    enum weir_checksum_kind kind;
    const char *whole, *parts;
} large[] = {
    {WEIR_CHECKSUM_MD5, "f012f4d49982a0c682be76e536286b8d", "6c22e27db61b8ab1db3ee9a4a8ac7ee0"},
    {WEIR_CHECKSUM_SHA1, "dc15d31f9d7a37cc35d55f1170399b254d89c468",
     "5e8d61641dd56cffc80ba29b9ecc7ef77e139daa"},
    {WEIR_CHECKSUM_SHA256, "95fe6e5daf0840805660f54c3e9249d55f8f5668504a5e5973c18b35b285485c",
     "7b5c1955924799e17609dde9320ca5aea47df14ca9c34e0a25c25854654ad793"},
    {WEIR_CHECKSUM_CRC32, "bf92b89d", "d0b686db"},
    {WEIR_CHECKSUM_CRC32C, "ae741e2f", "89d8f299"},
    {WEIR_CHECKSUM_CRC64NVME, "54097f4f37738cb6", "b0527e670d489ad3"},
};

START_TEST(wholes_and_parts)
{
    uint8_t *data = malloc(11 * MIB);
    for (size_t i = 0; i < 11 * MIB; i++)
        data[i] = (uint8_t)(i * 7 + 3);
    struct weir_checksum *whole = make(large[_i].kind, 0);
    struct weir_checksum *parts = make(large[_i].kind, 5 * MIB);
    for (int round = 0; round < 2; round++) { /* the second: begun anew by end */
        weir_checksum_update(whole, data, 11 * MIB);
        weir_checksum_update(parts, data, 11 * MIB);
        end_is(whole, large[_i].kind, large[_i].whole);
        end_is(parts, large[_i].kind, large[_i].parts);
    }
    weir_checksum_free(whole);
    weir_checksum_free(parts);
    free(data);
}
END_TEST

/* A composite SHA-256 that S3 gave: of parts of 5, 5 and 1 MiB with these values. */
START_TEST(composite_is_the_hash_of_the_raw_values)
{
    static const uint8_t parts[3][32] = {
        {0x95, 0xc2, 0x9a, 0xe8, 0x1a, 0x1e, 0xed, 0xad, 0x7a, 0xee, 0xd5,
         0x02, 0x37, 0x90, 0xb8, 0x39, 0xa1, 0x72, 0x80, 0x64, 0x98, 0x0f,
         0xc3, 0x01, 0x9c, 0x10, 0x11, 0x4e, 0xb7, 0x4b, 0xfb, 0x5c},
        {0x80, 0x78, 0xe1, 0x6d, 0x44, 0xf8, 0xa2, 0x8d, 0xad, 0x48, 0x2b,
         0x52, 0x64, 0x97, 0x65, 0x2a, 0x2f, 0xa3, 0x78, 0xd5, 0xc9, 0x4f,
         0xe5, 0x48, 0x9a, 0xa7, 0x4f, 0x5e, 0xc5, 0xef, 0x90, 0xe7},
        {0xe2, 0x5f, 0x4f, 0x43, 0x7c, 0xce, 0x3d, 0x9d, 0x28, 0x18, 0x5b,
         0xe4, 0x9c, 0x55, 0xfe, 0x27, 0x8c, 0xd9, 0xc0, 0x4e, 0x16, 0x33,
         0x33, 0xbe, 0x97, 0x7a, 0xfc, 0x5e, 0xb6, 0xd6, 0x39, 0xe3},
    };
    struct weir_checksum *c = make(WEIR_CHECKSUM_SHA256, 0);
    weir_checksum_update(c, parts, sizeof(parts));
    end_is(c, WEIR_CHECKSUM_SHA256,
           "ad55ad35b69db6c68a5c901c8163d68e27c7cc969775efe25788da24039d8af7");
    weir_checksum_free(c);
}
END_TEST

/* A multipart object of one empty part has this ETag, with -1, everywhere. */
START_TEST(nothing_is_one_empty_part)
{
    struct weir_checksum *c = make(WEIR_CHECKSUM_MD5, 5 * MIB);
    end_is(c, WEIR_CHECKSUM_MD5, "59adb24ef3cdbe0297f05b395827453f");
    weir_checksum_update(c, "", 0);
    end_is(c, WEIR_CHECKSUM_MD5, "59adb24ef3cdbe0297f05b395827453f");
    weir_checksum_free(c);
}
END_TEST

/* The definition, a bit at a time. */
static uint32_t
bitwise(uint32_t polynomial, const uint8_t *p, size_t bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= p[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
    }
    return ~crc;
}

static void
fill(struct weir_rng *rng, uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)weir_rng_next(rng);
}

START_TEST(crc32_tables_equal_the_definition)
{
    uint64_t seed = (uint64_t)time(NULL);
    struct weir_rng rng = {.state = seed};
    static const uint32_t polynomials[] = {WEIR_CRC32_POLY, WEIR_CRC32C_POLY};
    uint8_t data[600];
    printf("checksum: seed %llu\n", (unsigned long long)seed);
    fill(&rng, data, sizeof(data));
    for (size_t i = 0; i < 2; i++) {
        struct weir_crc32_table t;
        weir_crc32_table_init(&t, polynomials[i]);
        for (size_t bytes = 0; bytes < 500; bytes++) {
            size_t at = weir_rng_below(&rng, 100), cut = weir_rng_below(&rng, bytes + 1);
            uint32_t want = bitwise(polynomials[i], data + at, bytes);
            uint32_t half = weir_crc32_run(&t, 0, data + at, cut);
            ck_assert_uint_eq(weir_crc32_run(&t, 0, data + at, bytes), want);
            ck_assert_uint_eq(weir_crc32_run(&t, half, data + at + cut, bytes - cut), want);
        }
    }
}
END_TEST

/* The composite from separate whole values of the parts. */
static size_t
composite(enum weir_checksum_kind kind, const uint8_t *data, size_t bytes, size_t part,
          uint8_t *out)
{
    struct weir_checksum *inner = make(kind, 0), *outer = make(kind, 0);
    size_t at = 0;
    do {
        size_t now = bytes - at < part ? bytes - at : part;
        weir_checksum_update(inner, data + at, now);
        size_t n = weir_checksum_end(inner, out);
        weir_checksum_update(outer, out, n);
        at += now;
    } while (at < bytes);
    size_t n = weir_checksum_end(outer, out);
    weir_checksum_free(inner);
    weir_checksum_free(outer);
    return n;
}

START_TEST(any_way_of_feeding_gives_the_same)
{
    uint64_t seed = (uint64_t)time(NULL);
    struct weir_rng rng = {.state = seed};
    uint8_t data[3000], want[WEIR_CHECKSUM_BYTES_MAX], got[WEIR_CHECKSUM_BYTES_MAX];
    printf("checksum: seed %llu\n", (unsigned long long)seed);
    fill(&rng, data, sizeof(data));
    for (int round = 0; round < 600; round++) {
        enum weir_checksum_kind kind =
            (enum weir_checksum_kind)weir_rng_below(&rng, WEIR_CHECKSUM_KINDS);
        size_t bytes = weir_rng_below(&rng, sizeof(data) + 1), at = 0;
        size_t part = 1 + weir_rng_below(&rng, 900);
        struct weir_checksum *c = make(kind, part);
        while (at < bytes) {
            size_t step = weir_rng_below(&rng, bytes - at + 1);
            weir_checksum_update(c, data + at, step);
            at += step;
        }
        size_t n = composite(kind, data, bytes, part, want);
        ck_assert_uint_eq(weir_checksum_end(c, got), n);
        ck_assert_mem_eq(got, want, n);
        weir_checksum_free(c);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("checksum");
    TCase *tc = tcase_create("checksum");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, published_values, 0, sizeof(known) / sizeof(known[0]));
    tcase_add_loop_test(tc, crc32c_of_rfc_3720, 0, 4);
    tcase_add_loop_test(tc, wholes_and_parts, 0, sizeof(large) / sizeof(large[0]));
    tcase_add_test(tc, composite_is_the_hash_of_the_raw_values);
    tcase_add_test(tc, nothing_is_one_empty_part);
    tcase_add_test(tc, crc32_tables_equal_the_definition);
    tcase_add_test(tc, any_way_of_feeding_gives_the_same);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
