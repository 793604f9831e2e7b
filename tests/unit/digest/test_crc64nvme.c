/* crc64nvme: every implementation equals the definition, and the texts are S3's. */
#include <stdlib.h>
#include <string.h>

#include "../main_check.h"
#include <weir/digest.h>

#include "digest/crc64nvme_impl.h"

static uint64_t
next_random(uint64_t *s) /* splitmix64 */
{
    uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void
fill_random(uint8_t *p, size_t bytes, uint64_t *s)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)next_random(s);
}

/* The definition, one bit at a time, from the polynomial as it is published. */
static uint64_t
bitwise(uint64_t state, const uint8_t *p, size_t bytes)
{
    const uint64_t published = UINT64_C(0xad93d23594c93659);
    uint64_t reflected = 0;
    for (unsigned i = 0; i < 64; i++)
        reflected |= (published >> i & 1) << (63 - i);
    for (size_t i = 0; i < bytes; i++) {
        state ^= p[i];
        for (unsigned bit = 0; bit < 8; bit++)
            state = state >> 1 ^ (state & 1 ? reflected : 0);
    }
    return state;
}

static const struct {
    const char *text;
    uint64_t crc;
} known[] = {
    {"", 0},
    {"123456789", UINT64_C(0xae8b14860a799888)},
};

START_TEST(published_check_value)
{
    size_t bytes = strlen(known[_i].text);
    ck_assert_uint_eq(weir_crc64nvme(0, known[_i].text, bytes), known[_i].crc);
    ck_assert_uint_eq(~bitwise(~UINT64_C(0), (const uint8_t *)known[_i].text, bytes),
                      known[_i].crc);
}
END_TEST

START_TEST(every_implementation_equals_the_definition)
{
    uint64_t seed = 1;
    uint8_t *data = malloc(8192);
    fill_random(data, 8192, &seed);
    for (size_t i = 0; i < weir_crc64nvme_impl_count; i++) {
        const struct weir_crc64nvme_impl *impl = &weir_crc64nvme_impls[i];
        if (!impl->usable())
            continue;
        for (size_t bytes = 0; bytes <= 1100; bytes++) { /* every length across all borders */
            uint64_t state = next_random(&seed);
            size_t at = next_random(&seed) % 64;
            ck_assert_msg(impl->run(state, data + at, bytes) ==
                              bitwise(state, data + at, bytes),
                          "%s, %zu bytes at %zu", impl->name, bytes, at);
        }
        for (int round = 0; round < 2000; round++) {
            uint64_t state = next_random(&seed);
            size_t at = next_random(&seed) % 4096, bytes = next_random(&seed) % 4096;
            ck_assert_msg(impl->run(state, data + at, bytes) ==
                              bitwise(state, data + at, bytes),
                          "%s, %zu bytes at %zu", impl->name, bytes, at);
        }
    }
    free(data);
}
END_TEST

START_TEST(implementations_agree_on_a_large_buffer)
{
    uint64_t seed = 2;
    const size_t bytes = 3 * 1024 * 1024 + 77;
    uint8_t *data = malloc(bytes);
    fill_random(data, bytes, &seed);
    uint64_t want = weir_crc64nvme_table(42, data, bytes);
    for (size_t i = 0; i < weir_crc64nvme_impl_count; i++)
        if (weir_crc64nvme_impls[i].usable())
            ck_assert_uint_eq(weir_crc64nvme_impls[i].run(42, data, bytes), want);
    free(data);
}
END_TEST

START_TEST(last_implementation_always_works)
{
    ck_assert_str_eq(weir_crc64nvme_impls[weir_crc64nvme_impl_count - 1].name, "table");
    ck_assert(weir_crc64nvme_impls[weir_crc64nvme_impl_count - 1].usable());
}
END_TEST

START_TEST(combine_equals_the_crc_of_both)
{
    uint64_t seed = 3;
    uint8_t data[2048];
    fill_random(data, sizeof(data), &seed);
    for (int round = 0; round < 2000; round++) {
        size_t total = next_random(&seed) % (sizeof(data) + 1);
        size_t a = next_random(&seed) % (total + 1), b = total - a;
        uint64_t crc_a = weir_crc64nvme(0, data, a), crc_b = weir_crc64nvme(0, data + a, b);
        uint64_t whole = weir_crc64nvme(0, data, total);
        ck_assert_uint_eq(weir_crc64nvme_combine(crc_a, crc_b, b), whole);
        ck_assert_uint_eq(weir_crc64nvme(crc_a, data + a, b), whole);
    }
}
END_TEST

/* Lengths no buffer can have: a run of zero bytes doubled again and again, to 2^63. */
START_TEST(combine_holds_for_huge_lengths)
{
    const uint8_t zero = 0;
    uint64_t run[64];
    run[0] = weir_crc64nvme(0, &zero, 1); /* crc of 2^k zero bytes */
    for (unsigned k = 1; k < 64; k++)
        run[k] = weir_crc64nvme_combine(run[k - 1], run[k - 1], UINT64_C(1) << (k - 1));
    uint8_t *zeros = calloc(1, 1 << 20);
    ck_assert_uint_eq(run[20], weir_crc64nvme(0, zeros, 1 << 20));
    free(zeros);
    /* (A B) C == A (B C), with |B| + |C| having many bits set. */
    for (unsigned k = 1; k < 63; k++) {
        uint64_t b = (UINT64_C(1) << k) - 1, c = UINT64_C(1) << k;
        uint64_t left = weir_crc64nvme_combine(weir_crc64nvme_combine(7, 8, b), run[k], c);
        uint64_t right = weir_crc64nvme_combine(7, weir_crc64nvme_combine(8, run[k], c), b + c);
        ck_assert_uint_eq(left, right);
    }
}
END_TEST

START_TEST(combine_with_nothing_changes_nothing)
{
    ck_assert_uint_eq(weir_crc64nvme_combine(UINT64_C(0x1234), 0, 0), UINT64_C(0x1234));
    ck_assert_uint_eq(weir_crc64nvme_combine(0, UINT64_C(0x5678), 99), UINT64_C(0x5678));
}
END_TEST

static const struct {
    uint64_t crc;
    const char *text;
} texts[] = {
    {0, "AAAAAAAAAAA="},          {UINT64_C(0xae8b14860a799888), "rosUhgp5mIg="},
    {UINT64_MAX, "//////////8="}, {UINT64_C(0x0123456789abcdef), "ASNFZ4mrze8="},
    {1, "AAAAAAAAAAE="},
};

START_TEST(base64_both_ways)
{
    char out[13];
    uint64_t back = 99;
    weir_crc64nvme_base64(texts[_i].crc, out);
    ck_assert_str_eq(out, texts[_i].text);
    ck_assert_int_eq(weir_crc64nvme_parse(out, &back), 0);
    ck_assert_uint_eq(back, texts[_i].crc);
}
END_TEST

static const char *const bad_texts[] = {
    "",
    "=",
    "AAAAAAAAAAA",   /* no padding */
    "AAAAAAAAAAAA",  /* nine bytes */
    "AAAAAAAAAAA==", /* too long */
    "AAAAAAAAAA==",  /* seven bytes */
    "AAAAAAAAAAB=",  /* bits after the end */
    "AAAAAAAAAA-=",  /* base64url */
    "AAAA AAAAAA=",
    "=AAAAAAAAAA=",
    "AAAAA\n\nAAAA=",
    "rosUhgp5mIg=-3", /* a composite value */
    "AAAAAA\xc3\xa4ZZZ=",
};

START_TEST(parse_takes_nothing_else)
{
    uint64_t out = 77;
    ck_assert_int_eq(weir_crc64nvme_parse(bad_texts[_i], &out), -1);
    ck_assert_uint_eq(out, 77);
}
END_TEST

START_TEST(base64_round_trip_of_random_values)
{
    uint64_t seed = 4;
    for (int i = 0; i < 5000; i++) {
        char out[13];
        uint64_t crc = next_random(&seed), back = 0;
        weir_crc64nvme_base64(crc, out);
        ck_assert_int_eq(weir_crc64nvme_parse(out, &back), 0);
        ck_assert_uint_eq(back, crc);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("crc64nvme");
    TCase *tc = tcase_create("crc64nvme");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, published_check_value, 0, 2);
    tcase_add_test(tc, every_implementation_equals_the_definition);
    tcase_add_test(tc, implementations_agree_on_a_large_buffer);
    tcase_add_test(tc, last_implementation_always_works);
    tcase_add_test(tc, combine_equals_the_crc_of_both);
    tcase_add_test(tc, combine_holds_for_huge_lengths);
    tcase_add_test(tc, combine_with_nothing_changes_nothing);
    tcase_add_loop_test(tc, base64_both_ways, 0, sizeof(texts) / sizeof(texts[0]));
    tcase_add_loop_test(tc, parse_takes_nothing_else, 0,
                        sizeof(bad_texts) / sizeof(bad_texts[0]));
    tcase_add_test(tc, base64_round_trip_of_random_values);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
