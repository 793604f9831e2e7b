/* uri, time, text and errors: the small pure parts. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "s3/errors.h"
#include "s3/text.h"
#include "s3/time.h"
#include "s3/uri.h"

static const struct {
    const char *in, *path, *query;
} coded[] = {
    {"", "", ""},
    {"plain-._~09AZaz", "plain-._~09AZaz", "plain-._~09AZaz"},
    {"a/b//c/", "a/b//c/", "a%2Fb%2F%2Fc%2F"},
    {"a b+c", "a%20b%2Bc", "a%20b%2Bc"},
    {"%3D=&?#'()!*", "%253D%3D%26%3F%23%27%28%29%21%2A", "%253D%3D%26%3F%23%27%28%29%21%2A"},
    {"\xc3\xbc\xe2\x90\x9b", "%C3%BC%E2%90%9B", "%C3%BC%E2%90%9B"},
    {"/../k/./z", "/../k/./z", "%2F..%2Fk%2F.%2Fz"},
    {"\x01\x7f\xff", "%01%7F%FF", "%01%7F%FF"},
};

START_TEST(encodes)
{
    struct weir_s3_text t = {0};
    weir_s3_uri_encode(&t, coded[_i].in, true);
    ck_assert_str_eq(weir_s3_text_get(&t), coded[_i].path);
    weir_s3_text_reset(&t);
    weir_s3_uri_encode(&t, coded[_i].in, false);
    ck_assert_str_eq(weir_s3_text_get(&t), coded[_i].query);
    char back[64];
    ck_assert_int_eq(weir_s3_uri_decode(weir_s3_text_get(&t), back, sizeof(back)),
                     (int)strlen(coded[_i].in));
    ck_assert_str_eq(back, coded[_i].in);
    weir_s3_text_free(&t);
}
END_TEST

START_TEST(decodes_as_stores_encode)
{
    char out[8];
    ck_assert_int_eq(weir_s3_uri_decode("a+b%2B%2f", out, sizeof(out)), 5);
    ck_assert_str_eq(out, "a b+/");
    ck_assert_int_eq(weir_s3_uri_decode("1234567", out, sizeof(out)), 7);
    const char *const wrong[] = {"%", "%2", "%zz", "%2g", "a%00b", "12345678", "%%"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_int_eq(weir_s3_uri_decode(wrong[i], out, sizeof(out)), -1);
    ck_assert_int_eq(weir_s3_uri_decode("", out, 0), -1);
}
END_TEST

static const struct {
    int64_t s;
    const char *amz, *iso, *http;
} times[] = {
    {0, "19700101T000000Z", "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"},
    {1369353600, "20130524T000000Z", "2013-05-24T00:00:00.000Z",
     "Fri, 24 May 2013 00:00:00 GMT"},
    {951827696, "20000229T123456Z", "2000-02-29T12:34:56.789Z",
     "Tue, 29 Feb 2000 12:34:56 GMT"},
    {4102444799, "20991231T235959Z", "2099-12-31T23:59:59+00:00",
     "Thu, 31 Dec 2099 23:59:59 GMT"},
    {-1, "19691231T235959Z", "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"},
};

START_TEST(times_convert)
{
    char amz[WEIR_S3_AMZ_DATE_BYTES];
    int64_t s = 7;
    weir_s3_time_amz(times[_i].s, amz);
    ck_assert_str_eq(amz, times[_i].amz);
    ck_assert_int_eq(weir_s3_time_iso(times[_i].iso, &s), 0);
    ck_assert_int_eq(s, times[_i].s);
    s = 7;
    ck_assert_int_eq(weir_s3_time_http(times[_i].http, &s), 0);
    ck_assert_int_eq(s, times[_i].s);
}
END_TEST

START_TEST(wrong_times_are_refused)
{
    const char *const iso[] = {"",
                               "2013",
                               "2013-05-24",
                               "2013-13-24T00:00:00Z",
                               "2013-05-24T24:00:00Z",
                               "2013-05-24T00:00:00",
                               "2013-05-24T00:00:00.Zx",
                               "2013-05-24 00:00:00Z",
                               "2013-05-00T00:00:00Z",
                               "-013-05-24T00:00:00Z"};
    const char *const http[] = {"",
                                "Fri, 24 May 2013 00:00:00 CET",
                                "Fri, 24 Mai 2013 00:00:00 GMT",
                                "Fri, 24 May 2013 00:00:0x GMT",
                                "Friday, 24-May-13 00:00:00 GMT",
                                "Fri, 24 May 2013 00:00:00 GMT "};
    int64_t s = 7;
    for (size_t i = 0; i < sizeof(iso) / sizeof(iso[0]); i++)
        ck_assert_int_eq(weir_s3_time_iso(iso[i], &s), -1);
    for (size_t i = 0; i < sizeof(http) / sizeof(http[0]); i++)
        ck_assert_int_eq(weir_s3_time_http(http[i], &s), -1);
    ck_assert_int_eq(s, 7);
    char amz[WEIR_S3_AMZ_DATE_BYTES];
    weir_s3_time_amz(INT64_MIN, amz);
    ck_assert_str_eq(amz, "00000101T000000Z");
    weir_s3_time_amz(INT64_MAX, amz);
    ck_assert_str_eq(amz, "99991231T235959Z");
}
END_TEST

START_TEST(text_grows_and_escapes)
{
    struct weir_s3_text t = {0};
    ck_assert_str_eq(weir_s3_text_get(&t), "");
    for (int i = 0; i < 100000; i++)
        weir_s3_text_char(&t, 'x');
    ck_assert_uint_eq(t.used, 100000);
    ck_assert_uint_eq(strlen(t.data), 100000);
    weir_s3_text_reset(&t);
    weir_s3_text_xml(&t, "a<b>&\"\r'");
    ck_assert_str_eq(t.data, "a&lt;b&gt;&amp;&quot;&#13;'");
    weir_s3_text_format(&t, "%2000s", "");
    ck_assert(t.failed); /* cut text must not be used */
    weir_s3_text_free(&t);
}
END_TEST

static const struct {
    int status;
    const char *code;
    enum weir_code weir;
    enum weir_scope scope;
    int retryable;
} verdicts[] = {
    {404, "NoSuchKey", WEIR_E_NOT_FOUND, WEIR_SCOPE_OBJECT, 0},
    {404, "NoSuchBucket", WEIR_E_NOT_FOUND, WEIR_SCOPE_RUN, 0},
    {404, "NoSuchUpload", WEIR_E_NO_UPLOAD, WEIR_SCOPE_OBJECT, 0},
    {404, "", WEIR_E_NOT_FOUND, WEIR_SCOPE_OBJECT, 0},
    {403, "AccessDenied", WEIR_E_ACCESS, WEIR_SCOPE_OBJECT, 0},
    {403, "", WEIR_E_ACCESS, WEIR_SCOPE_OBJECT, 0},
    {403, "SignatureDoesNotMatch", WEIR_E_CREDENTIALS, WEIR_SCOPE_RUN, 0},
    {403, "InvalidAccessKeyId", WEIR_E_CREDENTIALS, WEIR_SCOPE_RUN, 0},
    {403, "RequestTimeTooSkewed", WEIR_E_CREDENTIALS, WEIR_SCOPE_RUN, 0},
    {400, "ExpiredToken", WEIR_E_CREDENTIALS, WEIR_SCOPE_RUN, 0},
    {400, "BadDigest", WEIR_E_DIGEST, WEIR_SCOPE_OBJECT, 1},
    {400, "RequestTimeout", WEIR_E_NETWORK, WEIR_SCOPE_OBJECT, 1},
    {400, "KeyTooLongError", WEIR_E_LIMIT, WEIR_SCOPE_OBJECT, 0},
    {400, "", WEIR_E_UNSUPPORTED, WEIR_SCOPE_OBJECT, 0},
    {301, "PermanentRedirect", WEIR_E_CONFIG, WEIR_SCOPE_RUN, 0},
    {301, "", WEIR_E_CONFIG, WEIR_SCOPE_RUN, 0},
    {409, "OperationAborted", WEIR_E_SERVER, WEIR_SCOPE_OBJECT, 1},
    {412, "PreconditionFailed", WEIR_E_EXISTS, WEIR_SCOPE_OBJECT, 0},
    {412, "", WEIR_E_EXISTS, WEIR_SCOPE_OBJECT, 0},
    {416, "", WEIR_E_PROTOCOL, WEIR_SCOPE_OBJECT, 0},
    {429, "", WEIR_E_THROTTLED, WEIR_SCOPE_OBJECT, 1},
    {500, "InternalError", WEIR_E_SERVER, WEIR_SCOPE_OBJECT, 1},
    {500, "SomethingNew", WEIR_E_SERVER, WEIR_SCOPE_OBJECT, 1},
    {501, "NotImplemented", WEIR_E_UNSUPPORTED, WEIR_SCOPE_OBJECT, 0},
    {502, "", WEIR_E_SERVER, WEIR_SCOPE_OBJECT, 1},
    {503, "SlowDown", WEIR_E_THROTTLED, WEIR_SCOPE_OBJECT, 1},
    {503, "", WEIR_E_THROTTLED, WEIR_SCOPE_OBJECT, 1},
    {507, "", WEIR_E_LIMIT, WEIR_SCOPE_RUN, 0},
    {418, "", WEIR_E_PROTOCOL, WEIR_SCOPE_OBJECT, 0},
    {204, "", WEIR_E_PROTOCOL, WEIR_SCOPE_OBJECT, 0},
    {0, "", WEIR_E_PROTOCOL, WEIR_SCOPE_OBJECT, 0},
    {600, "", WEIR_E_PROTOCOL, WEIR_SCOPE_OBJECT, 0},
};

START_TEST(verdict_on)
{
    const struct weir_s3_verdict *v =
        weir_s3_errors_find(verdicts[_i].status, verdicts[_i].code);
    ck_assert_int_eq(v->code, verdicts[_i].weir);
    ck_assert_int_eq(v->scope, verdicts[_i].scope);
    ck_assert_int_eq(v->retryable, verdicts[_i].retryable);
}
END_TEST

START_TEST(every_status_has_a_verdict)
{
    for (int status = -1; status < 1000; status++) {
        const struct weir_s3_verdict *v = weir_s3_errors_find(status, "");
        ck_assert_ptr_nonnull(v);
        ck_assert_int_ne(v->code, WEIR_OK);
        ck_assert(!(v->retryable && v->scope == WEIR_SCOPE_RUN));
    }
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
    Suite *s = suite_create("s3_coding");
    TCase *tc = tcase_create("coding");
    tcase_add_loop_test(tc, encodes, 0, COUNT(coded));
    tcase_add_test(tc, decodes_as_stores_encode);
    tcase_add_loop_test(tc, times_convert, 0, COUNT(times));
    tcase_add_test(tc, wrong_times_are_refused);
    tcase_add_test(tc, text_grows_and_escapes);
    tcase_add_loop_test(tc, verdict_on, 0, COUNT(verdicts));
    tcase_add_test(tc, every_status_has_a_verdict);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
