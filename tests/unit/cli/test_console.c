/* console: no name can speak to a terminal or forge a line. */
#include <string.h>

#include "../main_check.h"
#include "base/buf.h"
#include "cli/app.h"

#define TEXT(s) s, sizeof(s) - 1

static const struct {
    const char *text;
    size_t bytes;
    const char *shown;
} texts[] = {
    {TEXT(""), ""},
    {TEXT("plain name.txt"), "plain name.txt"},
    {TEXT("gr\xc3\xb6\xc3\x9f"
          "e \xe2\x98\x83"),
     "gr\xc3\xb6\xc3\x9f"
     "e \xe2\x98\x83"},
    {TEXT("a\nb\tc\r"), "a\\x0ab\\x09c\\x0d"},
    {TEXT("\x1b[2J\x07"), "\\x1b[2J\\x07"},
    {TEXT("nul\0inside"), "nul\\x00inside"},
    {TEXT("\xff\xc3"), "\\xff\\xc3"},
    {TEXT("\xc2\x9b"
          "31m"),
     "\\xc2\\x9b31m"}, /* CSI in one character */
    {TEXT("\x7f"), "\\x7f"},
};

START_TEST(plain)
{
    struct weir_buf b = {0};
    weir_buf_text(&b, "<");
    weir_console_plain(&b, texts[_i].text, texts[_i].bytes);
    ck_assert(!b.failed);
    ck_assert_str_eq(b.data + 1, texts[_i].shown);
    weir_buf_fini(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("console");
    TCase *tc = tcase_create("console");
    tcase_add_loop_test(tc, plain, 0, (int)(sizeof(texts) / sizeof(texts[0])));
    suite_add_tcase(s, tc);
    return run_suite(s);
}
