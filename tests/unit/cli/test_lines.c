/* lines: every shape of a file comes back line by line, whatever its bytes and its blocks. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../main_check.h"
#include "cli/lines.h"

static char path[] = "/tmp/weir-lines-XXXXXX";

static void
make_file(void)
{
    (void)snprintf(path, sizeof(path), "/tmp/weir-lines-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
}

static void
remove_file(void)
{
    ck_assert_int_eq(unlink(path), 0);
}

static void
put(const char *text, size_t bytes)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, bytes, f), bytes);
    ck_assert_int_eq(fclose(f), 0);
}

static const struct {
    const char *text;
    size_t bytes;
    size_t lines;
    const char *joined; /* with | behind each line */
} shapes[] = {
    {"", 0, 0, ""},
    {"\n", 1, 1, "|"},
    {"a", 1, 1, "a|"},
    {"a\n", 2, 1, "a|"},
    {"a\nb", 3, 2, "a|b|"},
    {"\n\na\n\n", 5, 4, "||a||"},
    {"a\r\nb\n", 5, 2, "a\r|b|"},
};

START_TEST(every_shape)
{
    struct weir_lines l = WEIR_LINES_INIT;
    struct weir_err err = WEIR_ERR_INIT;
    const char *line;
    size_t bytes, lines = 0;
    char joined[64] = "";
    int rc;
    put(shapes[_i].text, shapes[_i].bytes);
    ck_assert_int_eq(weir_lines_open(&l, path, &err), 0);
    for (; (rc = weir_lines_next(&l, &line, &bytes, &err)) == 1; lines++)
        (void)snprintf(joined + strlen(joined), 32, "%.*s|", (int)bytes, line);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(weir_lines_next(&l, &line, &bytes, &err), 0); /* and stays there */
    ck_assert_uint_eq(lines, shapes[_i].lines);
    ck_assert_str_eq(joined, shapes[_i].joined);
    weir_lines_close(&l);
    weir_lines_close(&l);
}
END_TEST

/* Lines around the size of a block, with NUL bytes in them: each as long as it was. */
START_TEST(across_blocks)
{
    static const size_t sizes[] = {65535, 0, 65536, 1, 65537, 131071, 200000, 3};
    struct weir_lines l = WEIR_LINES_INIT;
    struct weir_err err = WEIR_ERR_INIT;
    const char *line;
    size_t bytes;
    static char text[1 << 20];
    size_t used = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memset(text + used, i % 2 == 0 ? 0 : (int)('a' + i), sizes[i]);
        used += sizes[i];
        text[used++] = '\n';
    }
    put(text, used);
    ck_assert_int_eq(weir_lines_open(&l, path, &err), 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ck_assert_int_eq(weir_lines_next(&l, &line, &bytes, &err), 1);
        ck_assert_uint_eq(bytes, sizes[i]);
        for (size_t j = 0; j < bytes; j++)
            if (line[j] != (i % 2 == 0 ? 0 : (char)('a' + i)))
                ck_abort_msg("line %zu, byte %zu", i, j);
    }
    ck_assert_int_eq(weir_lines_next(&l, &line, &bytes, &err), 0);
    weir_lines_close(&l);
}
END_TEST

/* A pipe gives what it has, not what was asked for. */
START_TEST(byte_by_byte)
{
    struct weir_lines l = WEIR_LINES_INIT;
    struct weir_err err = WEIR_ERR_INIT;
    const char *line;
    size_t bytes;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(weir_lines_open(&l, path, &err), 0);
    ck_assert_int_eq(dup2(ends[0], l.fd), l.fd);
    ck_assert_int_eq(write(ends[1], "on", 2), 2);
    ck_assert_int_eq(write(ends[1], "e\ntwo\n", 6), 6);
    ck_assert_int_eq(weir_lines_next(&l, &line, &bytes, &err), 1);
    ck_assert_msg(bytes == 3 && memcmp(line, "one", 3) == 0, "%.*s", (int)bytes, line);
    ck_assert_int_eq(weir_lines_next(&l, &line, &bytes, &err), 1);
    ck_assert_msg(bytes == 3 && memcmp(line, "two", 3) == 0, "%.*s", (int)bytes, line);
    ck_assert_int_eq(write(ends[1], "half", 4), 4);
    ck_assert_int_eq(close(ends[1]), 0);
    ck_assert_int_eq(weir_lines_next(&l, &line, &bytes, &err), 1);
    ck_assert_uint_eq(bytes, 4);
    ck_assert_int_eq(weir_lines_next(&l, &line, &bytes, &err), 0);
    ck_assert_int_eq(close(ends[0]), 0);
    weir_lines_close(&l);
}
END_TEST

/* A file without newlines must not become memory without end; it is sparse here. */
START_TEST(a_line_too_long)
{
    struct weir_lines l = WEIR_LINES_INIT;
    struct weir_err err = WEIR_ERR_INIT;
    const char *line;
    size_t bytes;
    ck_assert_int_eq(truncate(path, (off_t)WEIR_LINES_BYTES_MAX + 1), 0);
    ck_assert_int_eq(weir_lines_open(&l, path, &err), 0);
    ck_assert_int_eq(weir_lines_next(&l, &line, &bytes, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    ck_assert_uint_le(l.cap, WEIR_LINES_BYTES_MAX);
    weir_lines_close(&l);
}
END_TEST

START_TEST(what_cannot_be_read)
{
    struct weir_lines l = WEIR_LINES_INIT;
    struct weir_err err = WEIR_ERR_INIT;
    const char *line;
    size_t bytes;
    ck_assert_int_eq(weir_lines_open(&l, "/no/such/file", &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_NOT_FOUND);
    weir_lines_close(&l);
    weir_err_clear(&err);
    ck_assert_int_eq(weir_lines_open(&l, "/tmp", &err), 0);
    ck_assert_int_eq(weir_lines_next(&l, &line, &bytes, &err), -1);
    ck_assert_int_eq(err.sys_errno, EISDIR);
    weir_lines_close(&l);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("lines");
    TCase *tc = tcase_create("lines");
    tcase_add_checked_fixture(tc, make_file, remove_file);
    tcase_add_loop_test(tc, every_shape, 0, (int)(sizeof(shapes) / sizeof(shapes[0])));
    tcase_add_test(tc, across_blocks);
    tcase_add_test(tc, byte_by_byte);
    tcase_add_test(tc, a_line_too_long);
    tcase_add_test(tc, what_cannot_be_read);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
