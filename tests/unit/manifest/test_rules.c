/* rules: what is refused, how lists combine, what single patterns mean. */
#include <stdlib.h>
#include <string.h>

#include "../main_check.h"
#include "manifest/rules.h"

static struct weir_rules *
make(char **include, size_t include_count, char **exclude, size_t exclude_count)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_rules *r = NULL;
    struct weir_strings in = {include, include_count}, ex = {exclude, exclude_count};
    ck_assert_int_eq(weir_rules_create(&in, &ex, &r, &err), 0);
    return r;
}

static const char *
match(const struct weir_rules *r, const char *path, bool is_dir)
{
    return weir_rules_match(r, path, strlen(path), is_dir);
}

static const struct {
    const char *pattern, *path;
    bool is_dir, matches;
} globs[] = {
    {"*.tmp", "a.tmp", false, true},
    {"*.tmp", "d/e/a.tmp", false, true},
    {"*.tmp", "a.tmp/x", false, false},
    {"/a", "a", false, true},
    {"/a", "d/a", false, false},
    {"d/a", "d/a", false, true},
    {"d/a", "x/d/a", false, false},
    {"a/", "a", false, false},
    {"a/", "x/a", true, true},
    {"**/a", "a", false, true},
    {"**/a", "x/y/a", false, true},
    {"a/**", "a", true, false},
    {"a/**", "a/b/c", false, true},
    {"a/**/b", "a/b", false, true},
    {"a/**/b", "a/x/y/b", false, true},
    {"a/**/b", "a/xb", false, false},
    {"a/*/b", "a/x/y/b", false, false},
    {"a**b", "axxb", false, true},
    {"x/a**b", "x/a/b", false, false},
    {"?", "/", false, false},
    {"a?c", "a/c", false, false},
    {"x/[!a]", "x/b", false, true},
    {"x[/]y", "x/y", false, false},
    {"[a-c]x", "bx", false, true},
    {"[]a]", "]", false, true},
    {"[a", "[a", false, false},
    {"[[:digit:]]", "7", false, true},
    {"[[:nope:]]", "n", false, false},
    {"\\*", "*", false, true},
    {"\\*", "a", false, false},
    {"[\xff]", "\xff", false, true},
    {"\xc3\xa9*", "\xc3\xa9t\xc3\xa9", false, true},
    {"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false,
     false},
    {"**/a/**/a/**/a/**/a/**/b", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/c", false,
     false},
    {"!a", "!a", false, true}, /* not interpreted here */
};

START_TEST(single_patterns)
{
    ck_assert_msg(weir_rules_glob(globs[_i].pattern, globs[_i].path, globs[_i].is_dir) ==
                      globs[_i].matches,
                  "pattern '%s' on '%s'", globs[_i].pattern, globs[_i].path);
}
END_TEST

static const char *const refused[] = {"",    "!",       "/",    "!/", "//",
                                      "a\\", "a\\\\\\", "a\\/", "!\\"};

START_TEST(unusable_patterns_are_named)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_rules *r = NULL;
    char pattern[8];
    strcpy(pattern, refused[_i]);
    char *item[] = {"fine", pattern};
    struct weir_strings none = {NULL, 0}, list = {item, 2};
    ck_assert_int_eq(weir_rules_create(&none, &list, &r, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.frame[0], "exclude pattern"));
    ck_assert_ptr_nonnull(strstr(err.frame[0], refused[_i]));
    ck_assert_ptr_null(r);
}
END_TEST

START_TEST(length_limit)
{
    static char pattern[4098];
    memset(pattern, 'a', sizeof(pattern) - 1);
    char *item[] = {pattern};
    struct weir_strings none = {NULL, 0}, list = {item, 1};
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_rules *r = NULL;
    ck_assert_int_eq(weir_rules_create(&list, &none, &r, &err), -1);
    pattern[4096] = '\0';
    weir_err_clear(&err);
    ck_assert_int_eq(weir_rules_create(&list, &none, &r, &err), 0);
    pattern[0] = 'b'; /* the rules own a copy */
    char path[4097];
    memset(path, 'a', 4096);
    path[4096] = '\0';
    ck_assert_ptr_null(match(r, path, false));
    weir_rules_free(r);
    weir_rules_free(NULL);
}
END_TEST

START_TEST(last_match_wins_and_is_named)
{
    char *exclude[] = {"*.tmp", "!keep.tmp", "/x/keep.tmp"};
    struct weir_rules *r = make(NULL, 0, exclude, 3);
    ck_assert_str_eq(match(r, "a.tmp", false), "exclude *.tmp");
    ck_assert_ptr_null(match(r, "d/keep.tmp", false));
    ck_assert_str_eq(match(r, "x/keep.tmp", false), "exclude /x/keep.tmp");
    ck_assert_ptr_null(match(r, "a.dat", false));
    weir_rules_free(r);
}
END_TEST

START_TEST(include_lists)
{
    char *include[] = {"*.csv", "data/", "!data/raw/*.bin", "!data"};
    char *exclude[] = {"secret*"};
    struct weir_rules *r = make(include, 3, exclude, 1);
    ck_assert_ptr_null(match(r, "a.csv", false));
    ck_assert_str_eq(match(r, "a.bin", false), "not included");
    ck_assert_ptr_null(match(r, "other", true)); /* entered: something below may match */
    ck_assert_ptr_null(match(r, "data/x/y.bin", false));
    ck_assert_ptr_null(match(r, "data/raw/y.bin", false)); /* a covered tree stays covered */
    ck_assert_str_eq(match(r, "data", false), "not included"); /* a file of that name */
    ck_assert_str_eq(match(r, "data/secret.csv", false), "exclude secret*");
    ck_assert_str_eq(match(r, "secrets", true), "exclude secret*");
    ck_assert(weir_rules_covers(r, "data", 4));
    ck_assert(weir_rules_covers(r, "z/data/x", 8));
    ck_assert(!weir_rules_covers(r, "", 0));
    weir_rules_free(r);
    r = make(include, 4, NULL, 0);
    ck_assert_str_eq(match(r, "data/x.bin", false), "not included"); /* taken back */
    weir_rules_free(r);
}
END_TEST

START_TEST(default_include_takes_all)
{
    char *all[] = {"**"};
    struct weir_rules *a = make(NULL, 0, NULL, 0), *b = make(all, 1, NULL, 0);
    ck_assert_ptr_null(match(a, "x/\xff\n", false));
    ck_assert_ptr_null(match(b, "x/\xff\n", false));
    weir_rules_free(a);
    weir_rules_free(b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("rules");
    TCase *tc = tcase_create("rules");
    tcase_add_loop_test(tc, single_patterns, 0, sizeof(globs) / sizeof(globs[0]));
    tcase_add_loop_test(tc, unusable_patterns_are_named, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tc, length_limit);
    tcase_add_test(tc, last_match_wins_and_is_named);
    tcase_add_test(tc, include_lists);
    tcase_add_test(tc, default_include_takes_all);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
