/* Every example loads; every invalid manifest gives exactly the message beside it. */
#include <glob.h>

#include "manifest_test.h"

START_TEST(examples_load)
{
    glob_t g;
    ck_assert_int_eq(glob(MANIFESTS "examples/*.yaml", 0, NULL, &g), 0);
    ck_assert_uint_ge(g.gl_pathc, 5);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        struct weir_manifest *m = NULL;
        struct weir_err err = WEIR_ERR_INIT;
        char *told = NULL;
        int rc = weir_manifest_load(g.gl_pathv[i], &m, &told, &err);
        ck_assert_msg(rc == 0, "%s", told != NULL ? told : g.gl_pathv[i]);
        ck_assert_str_eq(m->file, g.gl_pathv[i]);
        weir_manifest_free(m);
    }
    globfree(&g);
}
END_TEST

/* The text beside x.yaml, x.expected. */
static char *
expected_of(const char *yaml)
{
    char path[4096];
    ck_assert_int_lt(
        snprintf(path, sizeof(path), "%.*s.expected", (int)(strlen(yaml) - 5), yaml),
        (int)sizeof(path));
    return slurp(path, NULL);
}

START_TEST(invalid_ones_say_why)
{
    glob_t g;
    ck_assert_int_eq(glob(MANIFESTS "invalid/*.yaml", 0, NULL, &g), 0);
    ck_assert_uint_ge(g.gl_pathc, 30);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        struct weir_manifest *m = NULL;
        struct weir_err err = WEIR_ERR_INIT;
        char *told = NULL;
        size_t bytes;
        char *text = slurp(g.gl_pathv[i], &bytes), *expected = expected_of(g.gl_pathv[i]);
        const char *name = strrchr(g.gl_pathv[i], '/') + 1;
        ck_assert_int_eq(weir_manifest_parse(name, text, bytes, &m, &told, &err), -1);
        ck_assert_ptr_null(m);
        ck_assert_int_eq(err.code, WEIR_E_CONFIG);
        ck_assert_ptr_nonnull(told);
        ck_assert_msg(strcmp(told, expected) == 0, "%s says\n%s\nnot\n%s", name, told,
                      expected);
        free(told);
        free(expected);
        free(text);
    }
    globfree(&g);
}
END_TEST

static size_t
count_of(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        n++;
    return n;
}

START_TEST(ten_mistakes_are_ten)
{
    size_t bytes;
    char *text = slurp(MANIFESTS "invalid/ten-mistakes.yaml", &bytes);
    struct weir_manifest *m = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    char *told = NULL, all[2048];
    ck_assert_int_eq(weir_manifest_parse("ten.yaml", text, bytes, &m, &told, &err), -1);
    ck_assert_uint_eq(count_of(told, ": error: "), 10);
    weir_err_text(&err, all, sizeof(all));
    ck_assert_str_eq(all, "10 mistakes, the first: ten.yaml:3:7: name: 'Image Net' has "
                          "characters other than a-z, 0-9 and -");
    free(told);
    free(text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("files");
    TCase *tc = tcase_create("files");
    tcase_add_test(tc, examples_load);
    tcase_add_test(tc, invalid_ones_say_why);
    tcase_add_test(tc, ten_mistakes_are_ten);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
