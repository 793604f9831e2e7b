/* key: the mapping is injective, reversible, and leaves ordinary names alone. */
#include <string.h>

#include "../main_check.h"
#include "base/utf8.h"
#include "plan/key.h"
#include <weir/rng.h>

#define E "\xe2\x90\x9b" /* U+241B */

static const struct {
    const char *path, *key;
} cases[] = {
    {"a/b.txt", "a/b.txt"},
    {"with space+%41&=#?", "with space+%41&=#?"},
    {"caf\xc3\xa9", "caf\xc3\xa9"},
    {"new\nline", "new" E "0Aline"},
    {"\x7f", E "7F"},
    {"bad\xff", "bad" E "FF"},
    {"cut\xe2\x90", "cut" E "E2" E "90"},
    {"c1\xc2\x85x", "c1" E "C2" E "85x"},
    {E, E "E2" E "90" E "9B"},
    {"\xef\xbf\xbf", E "EF" E "BF" E "BF"},
    {".weir", E "2Eweir"},
    {".weir/x", E "2Eweir/x"},
    {".weirdo", ".weirdo"},
    {"a/.weir/x", "a/.weir/x"},
};

START_TEST(known_keys)
{
    char key[WEIR_KEY_BYTES], path[WEIR_KEY_BYTES];
    size_t len = 0;
    enum weir_key_kind kind;
    struct weir_err err = WEIR_ERR_INIT;
    ck_assert_int_eq(weir_key_from_path(cases[_i].path, strlen(cases[_i].path), WEIR_KEY_FILE,
                                        1024, key, &err),
                     0);
    ck_assert_str_eq(key, cases[_i].key);
    ck_assert_int_eq(weir_key_to_path(key, path, &len, &kind), 0);
    ck_assert_str_eq(path, cases[_i].path);
    ck_assert_int_eq(kind, WEIR_KEY_FILE);
}
END_TEST

/* Random bytes, mostly troublesome ones: the key is clean UTF-8 and gives the path back.  A
 * reversible mapping is injective. */
START_TEST(random_paths_come_back)
{
    static const char spice[] = E ".weir/\n\x01\x7f\xff\xc2\x85\xef\xbf\xbe%20\xe2\x90";
    struct weir_rng rng = {.state = 7};
    for (int round = 0; round < 20000; round++) {
        char path[40], key[WEIR_KEY_BYTES], back[WEIR_KEY_BYTES];
        size_t n = 1 + weir_rng_below(&rng, sizeof(path) - 1), len = 0;
        for (size_t i = 0; i < n; i++) {
            char c = weir_rng_below(&rng, 2) == 0
                         ? spice[weir_rng_below(&rng, sizeof(spice) - 1)]
                         : (char)(1 + weir_rng_below(&rng, 255));
            path[i] = c == '/' ? '_' : c; /* one name; slashes are in the table above */
        }
        if (path[0] == '.' && n <= 2)
            continue; /* "." and ".." are no names */
        enum weir_key_kind kind;
        struct weir_err err = WEIR_ERR_INIT;
        ck_assert_int_eq(weir_key_from_path(path, n, WEIR_KEY_DIR, 1024, key, &err), 0);
        ck_assert(weir_utf8_valid(key, strlen(key)));
        bool clean = true; /* an assert for each byte would take most of the test's time */
        for (const char *p = key; *p != '\0'; p++)
            clean = clean && (unsigned char)*p >= 0x20 && *p != 0x7f;
        ck_assert(clean);
        ck_assert_int_eq(weir_key_to_path(key, back, &len, &kind), 0);
        ck_assert_uint_eq(len, n);
        ck_assert_int_eq(memcmp(back, path, n), 0);
        ck_assert_int_eq(kind, WEIR_KEY_DIR);
    }
}
END_TEST

static const char *const foreign[] = {
    "",
    "/",
    "a//b",
    "/a",
    "a/../b",
    "..",
    ".",
    "a/.",
    E,
    E "4",
    E "0a",
    E "41",
    ".weir/x",
    "a" E "2Eb",
    E "00",
    "x" E "2F"
    "y",
};

START_TEST(keys_that_weir_never_makes)
{
    char path[WEIR_KEY_BYTES];
    size_t len;
    enum weir_key_kind kind;
    ck_assert_msg(weir_key_to_path(foreign[_i], path, &len, &kind) == -1, "accepted %s",
                  foreign[_i]);
}
END_TEST

START_TEST(too_long_is_named)
{
    char path[1100], key[WEIR_KEY_BYTES];
    struct weir_err err = WEIR_ERR_INIT;
    memset(path, 'a', sizeof(path));
    ck_assert_int_eq(weir_key_from_path(path, 1024, WEIR_KEY_FILE, 1024, key, &err), 0);
    ck_assert_int_eq(weir_key_from_path(path, 1025, WEIR_KEY_FILE, 1024, key, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_LIMIT);
    weir_err_clear(&err);
    ck_assert_int_eq(weir_key_from_path(path, 1024, WEIR_KEY_DIR, 1024, key, &err), -1);
    weir_err_clear(&err);
    memset(path, '\n', sizeof(path));
    ck_assert_int_eq(weir_key_from_path(path, 204, WEIR_KEY_FILE, 1024, key, &err), 0);
    ck_assert_int_eq(weir_key_from_path(path, 205, WEIR_KEY_FILE, 1024, key, &err), -1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("key");
    TCase *tc = tcase_create("key");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, known_keys, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, random_paths_come_back);
    tcase_add_loop_test(tc, keys_that_weir_never_makes, 0,
                        sizeof(foreign) / sizeof(foreign[0]));
    tcase_add_test(tc, too_long_is_named);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
