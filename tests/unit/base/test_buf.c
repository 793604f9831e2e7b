/* buf and utf8: texts grow, JSON strings are valid whatever the bytes are. */
#include <string.h>

#include <jansson.h>

#include "../main_check.h"
#include "base/buf.h"
#include "base/utf8.h"
#include <weir/rng.h>

START_TEST(appends_and_grows)
{
    struct weir_buf b = {0};
    for (int i = 0; i < 1000; i++) {
        weir_buf_u64(&b, (uint64_t)i);
        weir_buf_text(&b, ",");
    }
    ck_assert(!b.failed);
    ck_assert_uint_eq(b.len, 10 + 90 * 2 + 900 * 3 + 1000);
    ck_assert_int_eq(strncmp(b.data, "0,1,2,3,", 8), 0);
    weir_buf_clear(&b);
    weir_buf_printf(&b, "%s-%d", "x", 7);
    ck_assert_str_eq(b.data, "x-7");
    weir_buf_fini(&b);
}
END_TEST

static const struct {
    const char *bytes, *base64, *hex;
} coded[] = {
    {"", "", ""},
    {"f", "Zg==", "66"},
    {"fo", "Zm8=", "666f"},
    {"foo", "Zm9v", "666f6f"},
    {"\xff\xfe\x01", "//4B", "fffe01"},
};

START_TEST(base64_and_hex)
{
    struct weir_buf b = {0}, h = {0};
    size_t n = strlen(coded[_i].bytes);
    weir_buf_base64(&b, coded[_i].bytes, n);
    weir_buf_hex(&h, (const uint8_t *)coded[_i].bytes, n);
    ck_assert_str_eq(b.data, coded[_i].base64);
    ck_assert_str_eq(h.data, coded[_i].hex);
    weir_buf_fini(&b);
    weir_buf_fini(&h);
}
END_TEST

/* A JSON library that is not ours must read what we write, and give valid text back unchanged.
 */
START_TEST(json_strings_are_json)
{
    struct weir_rng rng = {.state = 20261124};
    for (int round = 0; round < 20000; round++) {
        char text[24];
        size_t n = weir_rng_below(&rng, sizeof(text));
        for (size_t i = 0; i < n; i++)
            text[i] = (char)(weir_rng_below(&rng, 3) == 0 ? weir_rng_below(&rng, 256)
                                                          : 0x20 + weir_rng_below(&rng, 0x60));
        struct weir_buf b = {0};
        weir_buf_json(&b, text, n);
        json_t *v = json_loadb(b.data, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        ck_assert_msg(v != NULL, "round %d: not JSON: %s", round, b.data);
        if (weir_utf8_valid(text, n)) {
            ck_assert_uint_eq(json_string_length(v), n);
            ck_assert_int_eq(memcmp(json_string_value(v), text, n), 0);
        }
        json_decref(v);
        weir_buf_fini(&b);
    }
}
END_TEST

static const struct {
    const char *text;
    bool valid;
} utf8[] = {
    {"plain", true},
    {"\xc3\xa9", true},
    {"\xe2\x90\x9b", true},
    {"\xf0\x9f\x98\x80", true},
    {"\xc0\xaf", false},
    {"\xe0\x80\xaf", false},
    {"\xed\xa0\x80", false},
    {"\xf4\x90\x80\x80", false},
    {"\xff", false},
    {"\xc3", false},
    {"\xe2\x90", false},
    {"a\x80", false},
    {"\xf8\x88\x80\x80\x80", false},
};

START_TEST(utf8_is_strict)
{
    ck_assert_int_eq(weir_utf8_valid(utf8[_i].text, strlen(utf8[_i].text)), utf8[_i].valid);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("buf");
    TCase *tc = tcase_create("buf");
    tcase_add_test(tc, appends_and_grows);
    tcase_add_loop_test(tc, base64_and_hex, 0, sizeof(coded) / sizeof(coded[0]));
    tcase_add_test(tc, json_strings_are_json);
    tcase_add_loop_test(tc, utf8_is_strict, 0, sizeof(utf8) / sizeof(utf8[0]));
    suite_add_tcase(s, tc);
    return run_suite(s);
}
