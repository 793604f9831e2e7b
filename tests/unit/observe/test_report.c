/* report and format: every record is one line of JSON, a full disk is told, numbers read well.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "../main_check.h"
#include "observe/format.h"
#include "observe/report.h"

START_TEST(records_are_json_lines)
{
    char path[] = "/tmp/weir-report-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    struct weir_err err = WEIR_ERR_INIT, why = WEIR_ERR_INIT;
    struct weir_report *r = NULL;
    ck_assert_int_eq(weir_report_open(path, "job\"1", 3, &r, &err), 0);
    struct weir_xxh128 x = {.b = {0xde, 0xad}};
    uint64_t crc = 0xae8b14860a799888;
    struct weir_record good = {.path = "a\nb",
                               .path_len = 3,
                               .key = "a\xe2\x90\x9b"
                                      "0Ab",
                               .type = "file",
                               .state = "verified",
                               .has_bytes = true,
                               .bytes = UINT64_C(9007199254740993),
                               .xxh128 = &x,
                               .chunks = 3,
                               .crc64nvme = &crc,
                               .etag = "e"};
    weir_report_entry(r, &good);
    weir_err_sys(&why, WEIR_E_IO, 5, "read");
    (void)snprintf(why.s3_code, sizeof(why.s3_code), "SlowDown");
    struct weir_record bad = {
        .path = "x\xff", .path_len = 2, .state = "failed", .rule = "r", .err = &why};
    weir_report_entry(r, &bad);
    ck_assert_int_eq(weir_report_close(r, "{\"seen\":2}", &err), 0);

    FILE *f = fopen(path, "r");
    char line[2048];
    json_t *v[4];
    for (int i = 0; i < 4; i++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
        v[i] = json_loads(line, 0, NULL);
        ck_assert_msg(v[i] != NULL, "line %d: %s", i, line);
    }
    ck_assert_ptr_null(fgets(line, sizeof(line), f));
    (void)fclose(f);
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(v[0], "report"), "job")),
                     "job\"1");
    ck_assert_str_eq(json_string_value(json_object_get(v[1], "path")), "a\nb");
    ck_assert_int_eq(json_integer_value(json_object_get(v[1], "bytes")), 9007199254740993);
    ck_assert_str_eq(json_string_value(json_object_get(v[1], "crc64nvme")), "rosUhgp5mIg=");
    ck_assert_str_eq(json_string_value(json_object_get(v[1], "xxh128")),
                     "dead0000000000000000000000000000-3");
    ck_assert_str_eq(json_string_value(json_object_get(v[2], "path_b64")), "eP8=");
    ck_assert_int_eq(json_integer_value(json_object_get(v[2], "errno")), 5);
    ck_assert_str_eq(json_string_value(json_object_get(v[2], "s3_code")), "SlowDown");
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(v[3], "summary"), "seen")), 2);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    for (int i = 0; i < 4; i++)
        json_decref(v[i]);
    (void)unlink(path);
}
END_TEST

START_TEST(only_a_report_is_overwritten)
{
    char path[] = "/tmp/weir-report-XXXXXX", link[64], text[64] = "";
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_report *r = NULL;
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "precious\n", 9), 9);
    ck_assert_int_eq(weir_report_open(path, "j", 1, &r, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    ck_assert_int_eq(pread(fd, text, sizeof(text) - 1, 0), 9);
    ck_assert_str_eq(text, "precious\n");
    (void)snprintf(link, sizeof(link), "%s.link", path);
    ck_assert_int_eq(symlink(path, link), 0);
    weir_err_clear(&err);
    ck_assert_int_eq(weir_report_open(link, "j", 1, &r, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    for (int pass = 1; pass <= 2; pass++) { /* empty, then an older report */
        weir_err_clear(&err);
        ck_assert_int_eq(weir_report_open(path, "j", pass, &r, &err), 0);
        ck_assert_int_eq(weir_report_close(r, "{}", &err), 0);
    }
    (void)close(fd);
    (void)unlink(link);
    (void)unlink(path);
}
END_TEST

START_TEST(full_disk_is_told_at_the_end)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_report *r = NULL;
    char link[] = "/dev/full";
    ck_assert_int_eq(weir_report_open(link, "j", 1, &r, &err), 0);
    struct weir_record rec = {.path = "x", .path_len = 1, .state = "verified"};
    for (int i = 0; i < 5000; i++)
        weir_report_entry(r, &rec);
    ck_assert_int_eq(weir_report_close(r, "{}", &err), -1);
    ck_assert_ptr_nonnull(strstr(err.frame[0], "incomplete"));
}
END_TEST

static const struct {
    uint64_t n;
    const char *count, *bytes;
} numbers[] = {
    {0, "0", "0 B"},
    {999, "999", "999 B"},
    {1000, "1,000", "1000 B"},
    {1536, "1,536", "1.50 KiB"},
    {12345678, "12,345,678", "11.8 MiB"},
    {UINT64_MAX, "18,446,744,073,709,551,615", "16.0 EiB"},
};

START_TEST(numbers_for_people)
{
    char out[WEIR_FORMAT_BYTES];
    ck_assert_str_eq(weir_format_count(numbers[_i].n, out), numbers[_i].count);
    ck_assert_str_eq(weir_format_bytes(numbers[_i].n, out), numbers[_i].bytes);
}
END_TEST

static const struct {
    int64_t s;
    const char *text;
} durations[] = {{0, "0.0 s"},  {9, "9.0 s"},      {12, "12 s"},
                 {185, "3:05"}, {7385, "2:03:05"}, {360000, "4 d 4 h"}};

START_TEST(durations_for_people)
{
    char out[WEIR_FORMAT_BYTES];
    ck_assert_str_eq(weir_format_duration(durations[_i].s * 1000000000, out),
                     durations[_i].text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("report");
    TCase *tc = tcase_create("report");
    tcase_add_test(tc, records_are_json_lines);
    tcase_add_test(tc, only_a_report_is_overwritten);
    tcase_add_test(tc, full_disk_is_told_at_the_end);
    tcase_add_loop_test(tc, numbers_for_people, 0, sizeof(numbers) / sizeof(numbers[0]));
    tcase_add_loop_test(tc, durations_for_people, 0, sizeof(durations) / sizeof(durations[0]));
    suite_add_tcase(s, tc);
    return run_suite(s);
}
