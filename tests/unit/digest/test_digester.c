/* digester, xxh128: known values, and a stream equals one shot however it is cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../main_check.h"
#include <weir/digest.h>

static uint64_t
next_random(uint64_t *s) /* splitmix64 */
{
    uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void
ck_assert_hex(const struct weir_xxh128 *digest, const char *want)
{
    char text[33];
    for (size_t i = 0; i < 16; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", digest->b[i]);
    ck_assert_str_eq(text, want);
}

static const struct {
    const char *text, *hex;
} texts[] = {
    {"", "99aa06d3014798d86001c324468d497f"},
    {"a", "a96faf705af16834e6c632b61e964e1f"},
    {"123456789", "33119477ede5dcd5e9716427681d5860"},
    {"hello world", "df8d09e93f874900a99b8775cc15b6c7"},
};

START_TEST(known_values_of_texts)
{
    struct weir_xxh128 out;
    weir_xxh128(texts[_i].text, strlen(texts[_i].text), &out);
    ck_assert_hex(&out, texts[_i].hex);
}
END_TEST

/* Bytes i * 7 + 3 mod 256; values by xxhsum -H2.  XXH3 changes its method at 16, 128 and 240.
 */
static const struct {
    size_t bytes;
    const char *hex;
} lengths[] = {
    {1, "22bbb76b211a39ba13e608bc156defed"},    {16, "ce0b9647ab24f88460d75c5e47d40a24"},
    {17, "bfd327edcc2fbd12eeed7654312a26d7"},   {128, "1b1962a096bac78bc580008b6c92ac53"},
    {129, "293e4968c4619023bd91ce7ace4d385b"},  {240, "ad46c1021b076bc704e0b5f034bee80b"},
    {241, "ac6c3492c3d6b45d8beadd3a8874fe17"},  {1000, "6bcc7eff62da44c26c4f14bd97bd9e82"},
    {4096, "1546867423105cd5d7428746842be37e"}, {1 << 20, "6b909c52253d6e1b74823cf2cd45b0fe"},
};

START_TEST(known_values_of_lengths)
{
    size_t bytes = lengths[_i].bytes;
    uint8_t *data = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(i * 7 + 3);
    struct weir_xxh128 one_shot, chunk;
    uint64_t crc;
    weir_xxh128(data, bytes, &one_shot);
    ck_assert_hex(&one_shot, lengths[_i].hex);
    struct weir_digester *d = weir_digester_create();
    weir_digester_begin(d, 2 << 20, &chunk, 1); /* larger than the run: the streaming way */
    weir_digester_update(d, data, bytes);
    ck_assert_uint_eq(weir_digester_end(d, &crc), 1);
    ck_assert_hex(&chunk, lengths[_i].hex);
    weir_digester_free(d);
    free(data);
}
END_TEST

/* Feeds bytes in pieces of random size, and compares with one-shot digests of each chunk. */
static void
check_run(struct weir_digester *d, const uint8_t *data, size_t bytes, size_t chunk_bytes,
          uint64_t *seed)
{
    size_t want_count = bytes == 0 ? 1 : (bytes + chunk_bytes - 1) / chunk_bytes;
    struct weir_xxh128 *chunks = malloc(want_count * sizeof(*chunks));
    weir_digester_begin(d, chunk_bytes, chunks, want_count); /* no room to spare */
    for (size_t at = 0; at < bytes;) {
        size_t piece = next_random(seed) % (3 * chunk_bytes + 2);
        if (next_random(seed) % 4 == 0)
            piece = chunk_bytes - at % chunk_bytes; /* exactly to the border */
        if (piece > bytes - at)
            piece = bytes - at;
        weir_digester_update(d, data + at, piece);
        at += piece;
    }
    uint64_t crc = 0;
    ck_assert_uint_eq(weir_digester_end(d, &crc), want_count);
    ck_assert_uint_eq(crc, weir_crc64nvme(0, data, bytes));
    for (size_t i = 0; i < want_count; i++) {
        size_t from = i * chunk_bytes;
        size_t length = bytes - from < chunk_bytes ? bytes - from : chunk_bytes;
        struct weir_xxh128 want;
        weir_xxh128(data + from, length, &want);
        ck_assert_mem_eq(&chunks[i], &want, sizeof(want));
    }
    free(chunks);
}

START_TEST(any_cut_gives_the_same_digests)
{
    uint64_t seed = 5;
    uint8_t *data = malloc(20000);
    for (size_t i = 0; i < 20000; i++)
        data[i] = (uint8_t)next_random(&seed);
    struct weir_digester *d = weir_digester_create();
    for (int round = 0; round < 3000; round++) {
        size_t chunk = 1 + next_random(&seed) % 2000;
        size_t bytes = next_random(&seed) % (10 * chunk);
        if (round % 5 == 0)
            bytes = chunk * (next_random(&seed) % 8); /* whole chunks, and none */
        check_run(d, data, bytes > 20000 ? 20000 : bytes, chunk, &seed);
    }
    weir_digester_free(d);
    free(data);
}
END_TEST

START_TEST(a_run_of_nothing_is_one_chunk)
{
    struct weir_digester *d = weir_digester_create();
    struct weir_xxh128 chunk;
    uint64_t crc = 1;
    weir_digester_begin(d, 4096, &chunk, 1);
    weir_digester_update(d, "", 0);
    ck_assert_uint_eq(weir_digester_end(d, &crc), 1);
    ck_assert_hex(&chunk, texts[0].hex);
    ck_assert_uint_eq(crc, 0);
    weir_digester_free(d);
}
END_TEST

START_TEST(an_abandoned_run_leaves_no_trace)
{
    struct weir_digester *d = weir_digester_create();
    struct weir_xxh128 chunk;
    uint64_t crc = 1;
    weir_digester_begin(d, 4096, &chunk, 1);
    weir_digester_update(d, "left behind", 11);
    weir_digester_begin(d, 4096, &chunk, 1);
    weir_digester_update(d, "hello", 5);
    weir_digester_update(d, " world", 6);
    ck_assert_uint_eq(weir_digester_end(d, &crc), 1);
    ck_assert_hex(&chunk, texts[3].hex);
    ck_assert_uint_eq(crc, weir_crc64nvme(0, "hello world", 11));
    weir_digester_free(d);
    weir_digester_free(NULL);
}
END_TEST

START_TEST(whole_file_digest)
{
    struct weir_xxh128 chunks[2], one, two, joined;
    weir_xxh128("a", 1, &chunks[0]);
    weir_xxh128("b", 1, &chunks[1]);
    weir_xxh128_of_chunks(chunks, 1, &one);
    ck_assert_mem_eq(&one, &chunks[0], sizeof(one));
    uint8_t bytes[32];
    memcpy(bytes, chunks[0].b, 16);
    memcpy(bytes + 16, chunks[1].b, 16);
    weir_xxh128(bytes, sizeof(bytes), &joined);
    weir_xxh128_of_chunks(chunks, 2, &two);
    ck_assert_mem_eq(&two, &joined, sizeof(two));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("digester");
    TCase *tc = tcase_create("digester");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, known_values_of_texts, 0, sizeof(texts) / sizeof(texts[0]));
    tcase_add_loop_test(tc, known_values_of_lengths, 0, sizeof(lengths) / sizeof(lengths[0]));
    tcase_add_test(tc, any_cut_gives_the_same_digests);
    tcase_add_test(tc, a_run_of_nothing_is_one_chunk);
    tcase_add_test(tc, an_abandoned_run_leaves_no_trace);
    tcase_add_test(tc, whole_file_digest);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
