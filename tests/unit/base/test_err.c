/* err: the first error wins, the cause is never lost, names cannot forge log lines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../main_check.h"
#include <weir/err.h>

START_TEST(first_error_wins)
{
    struct weir_err err = WEIR_ERR_INIT;
    ck_assert_int_eq(weir_err_set(&err, WEIR_E_IO, "first"), -1);
    ck_assert_int_eq(weir_err_set(&err, WEIR_E_BUG, "second"), -1);
    char text[64];
    ck_assert_int_eq(err.code, WEIR_E_IO);
    ck_assert_str_eq(weir_err_text(&err, text, sizeof(text)), "first");
}
END_TEST

START_TEST(cause_survives_a_full_chain)
{
    struct weir_err err = WEIR_ERR_INIT;
    weir_err_set(&err, WEIR_E_IO, "cause");
    for (int i = 0; i < 20; i++)
        weir_err_add(&err, "step %d", i);
    char text[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
    weir_err_text(&err, text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, ": cause"));
    ck_assert_int_eq(strncmp(text, "step 19: ", 9), 0);
}
END_TEST

static const struct {
    int value;
    enum weir_code code;
} errnos[] = {
    {EACCES, WEIR_E_ACCESS}, {EPERM, WEIR_E_ACCESS}, {ENOENT, WEIR_E_NOT_FOUND},
    {ENOMEM, WEIR_E_NOMEM},  {EIO, WEIR_E_IO},       {ENOSPC, WEIR_E_IO},
};

START_TEST(errno_picks_the_code)
{
    struct weir_err err = WEIR_ERR_INIT;
    weir_err_sys(&err, WEIR_E_IO, errnos[_i].value, "open %s", "x");
    ck_assert_int_eq(err.code, errnos[_i].code);
    ck_assert_int_eq(err.sys_errno, errnos[_i].value);
    ck_assert_ptr_nonnull(strstr(err.frame[0], strerror(errnos[_i].value)));
}
END_TEST

START_TEST(control_bytes_are_escaped_and_text_is_cut)
{
    struct weir_err err = WEIR_ERR_INIT;
    weir_err_set(&err, WEIR_E_IO, "a\nb\x7f");
    char text[64], tiny[8];
    ck_assert_str_eq(weir_err_text(&err, text, sizeof(text)), "a\\x0ab\\x7f");
    weir_err_text(&err, tiny, sizeof(tiny));
    ck_assert_uint_lt(strlen(tiny), sizeof(tiny));
}
END_TEST

START_TEST(every_code_has_a_name)
{
    ck_assert_ptr_nonnull(weir_err_name((enum weir_code)_i));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("err");
    TCase *tc = tcase_create("err");
    tcase_add_test(tc, first_error_wins);
    tcase_add_test(tc, cause_survives_a_full_chain);
    tcase_add_loop_test(tc, errno_picks_the_code, 0, 6);
    tcase_add_test(tc, control_bytes_are_escaped_and_text_is_cut);
    tcase_add_loop_test(tc, every_code_has_a_name, 0, WEIR_E_CODES);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
