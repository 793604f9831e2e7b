/* checksum: published check values, and the combination of CRCs against the direct way. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "text.h"

static const struct {
    enum fake_alg alg;
    const char *text, *hex;
} vectors[] = {
    {FAKE_CRC64NVME, "123456789", "ae8b14860a799888"},
    {FAKE_CRC64NVME, "", "0000000000000000"},
    {FAKE_CRC32, "123456789", "cbf43926"},
    {FAKE_CRC32C, "123456789", "e3069283"},
    {FAKE_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {FAKE_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {FAKE_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
    {FAKE_XXHASH64, "hello world", "45ab6734b21e6968"},
    {FAKE_XXHASH128, "hello world", "df8d09e93f874900a99b8775cc15b6c7"},
};

START_TEST(published_values)
{
    uint8_t sum[FAKE_SUM_MAX];
    char hex[2 * FAKE_SUM_MAX + 1];
    fake_checksum_once(vectors[_i].alg, vectors[_i].text, strlen(vectors[_i].text), sum);
    fake_text_hex(sum, fake_checksum_info(vectors[_i].alg)->bytes, hex);
    ck_assert_str_eq(hex, vectors[_i].hex);
}
END_TEST

START_TEST(pieces_and_combination)
{
    enum fake_alg alg = (enum fake_alg)_i;
    uint8_t bytes[5000], whole[FAKE_SUM_MAX], other[FAKE_SUM_MAX], tail[FAKE_SUM_MAX];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * i % 251);
    fake_checksum_once(alg, bytes, sizeof(bytes), whole);
    for (size_t cut = 0; cut <= sizeof(bytes); cut += cut < 40 ? 1 : 611) {
        struct fake_sum *s = fake_checksum_create(alg);
        fake_checksum_update(s, bytes, cut);
        fake_checksum_update(s, bytes + cut, sizeof(bytes) - cut);
        fake_checksum_finish(s, other);
        ck_assert_mem_eq(whole, other, FAKE_SUM_MAX);
        if (alg != FAKE_CRC64NVME && alg != FAKE_CRC32 && alg != FAKE_CRC32C)
            continue;
        fake_checksum_once(alg, bytes, cut, other);
        fake_checksum_once(alg, bytes + cut, sizeof(bytes) - cut, tail);
        fake_checksum_combine(alg, other, tail, sizeof(bytes) - cut);
        ck_assert_mem_eq(whole, other, fake_checksum_info(alg)->bytes);
    }
}
END_TEST

static const struct {
    const char *text;
    int length;
} base64s[] = {
    {"", 0},         {"AA==", 1},          {"AAA=", 2},      {"AAAA", 3},      {"/+8=", 2},
    {"AA", -1},      {"AAA", -1},          {"AB==", -1},     {"AAB=", -1},     {"=AAA", -1},
    {"AA=A", -1},    {"A===", -1},         {"AAAA====", -1}, {"AA==AAAA", -1}, {"AA A", -1},
    {"AAAAAAAA", 6}, {"AAAAAAAAAAAA", -1},
};

START_TEST(base64_is_strict)
{
    uint8_t out[8];
    char back[16];
    int n = fake_text_unbase64(base64s[_i].text, out, sizeof(out));
    ck_assert_int_eq(n, base64s[_i].length);
    if (n >= 0) {
        fake_text_base64(out, (size_t)n, back);
        ck_assert_str_eq(back, base64s[_i].text);
    }
}
END_TEST

START_TEST(names)
{
    for (int i = 0; i < FAKE_ALG_COUNT; i++) {
        const struct fake_alg_info *info = fake_checksum_info((enum fake_alg)i);
        ck_assert_int_eq(fake_checksum_by_name(info->name), i);
        ck_assert_int_eq(fake_checksum_by_name(info->lower), i);
        ck_assert(info->multipart_type == FAKE_FULL_OBJECT ? info->full_object
                                                           : info->composite);
    }
    ck_assert_int_eq(fake_checksum_by_name("CRC64"), FAKE_ALG_NONE);
    ck_assert_ptr_null(fake_checksum_info(FAKE_ALG_NONE));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("checksum");
    TCase *t = tcase_create("checksum");
    tcase_add_loop_test(t, published_values, 0, (int)(sizeof(vectors) / sizeof(vectors[0])));
    tcase_add_loop_test(t, pieces_and_combination, 0, FAKE_ALG_COUNT);
    tcase_add_loop_test(t, base64_is_strict, 0, (int)(sizeof(base64s) / sizeof(base64s[0])));
    tcase_add_test(t, names);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
