/* endpoint: a golden table from (bucket, region, settings) to host and path. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "s3/endpoint.h"

#define AUTO WEIR_ADDRESSING_AUTO
#define PATH WEIR_ADDRESSING_PATH
#define VIRTUAL WEIR_ADDRESSING_VIRTUAL
#define LONG63 "a23456789012345678901234567890123456789012345678901234567890123"

static const struct {
    const char *bucket, *region, *endpoint;
    enum weir_addressing addressing;
    int accelerate, dualstack, fips;
    const char *origin, *path;
} good[] = {
    {"b-1", "eu-central-1", NULL, AUTO, 0, 0, 0, "https://b-1.s3.eu-central-1.amazonaws.com",
     ""},
    {"b-1", "us-east-1", NULL, AUTO, 0, 0, 0, "https://b-1.s3.us-east-1.amazonaws.com", ""},
    {"b-1", "us-east-1", NULL, VIRTUAL, 0, 0, 0, "https://b-1.s3.us-east-1.amazonaws.com", ""},
    {"b-1", "us-west-2", NULL, PATH, 0, 0, 0, "https://s3.us-west-2.amazonaws.com", "/b-1"},
    {"my.b", "us-west-2", NULL, AUTO, 0, 0, 0, "https://s3.us-west-2.amazonaws.com", "/my.b"},
    {"Old_B", "us-east-1", NULL, AUTO, 0, 0, 0, "https://s3.us-east-1.amazonaws.com", "/Old_B"},
    {LONG63, "us-east-1", NULL, AUTO, 0, 0, 0, "https://" LONG63 ".s3.us-east-1.amazonaws.com",
     ""},
    {"ap-x7-s3alias", "us-east-1", NULL, AUTO, 0, 0, 0,
     "https://ap-x7-s3alias.s3.us-east-1.amazonaws.com", ""},
    {"b-1", "us-east-1", NULL, AUTO, 0, 1, 0,
     "https://b-1.s3.dualstack.us-east-1.amazonaws.com", ""},
    {"b-1", "us-east-1", NULL, AUTO, 0, 0, 1, "https://b-1.s3-fips.us-east-1.amazonaws.com",
     ""},
    {"b-1", "us-gov-west-1", NULL, AUTO, 0, 1, 1,
     "https://b-1.s3-fips.dualstack.us-gov-west-1.amazonaws.com", ""},
    {"my.b", "us-east-1", NULL, AUTO, 0, 1, 1,
     "https://s3-fips.dualstack.us-east-1.amazonaws.com", "/my.b"},
    {"b-1", "us-west-2", NULL, AUTO, 1, 0, 0, "https://b-1.s3-accelerate.amazonaws.com", ""},
    {"b-1", "us-west-2", NULL, AUTO, 1, 1, 0,
     "https://b-1.s3-accelerate.dualstack.amazonaws.com", ""},
    {"b-1", "cn-north-1", NULL, AUTO, 0, 0, 0, "https://b-1.s3.cn-north-1.amazonaws.com.cn",
     ""},
    {"b-1", "us-gov-east-1", NULL, AUTO, 0, 0, 0, "https://b-1.s3.us-gov-east-1.amazonaws.com",
     ""},
    {"b-1", "eusc-de-east-1", NULL, AUTO, 0, 0, 0, "https://b-1.s3.eusc-de-east-1.amazonaws.eu",
     ""},
    {"b-1", "us-iso-east-1", NULL, AUTO, 0, 0, 0, "https://b-1.s3.us-iso-east-1.c2s.ic.gov",
     ""},
    {"b-1", "us-isob-east-1", NULL, AUTO, 0, 0, 0,
     "https://b-1.s3.us-isob-east-1.sc2s.sgov.gov", ""},
    {"b-1", "x", "http://127.0.0.1:7480", AUTO, 0, 0, 0, "http://127.0.0.1:7480", "/b-1"},
    {"b-1", "x", "https://S3.Example.COM", AUTO, 0, 0, 0, "https://s3.example.com", "/b-1"},
    {"b-1", "x", "https://s3.example.com:443/", AUTO, 0, 0, 0, "https://s3.example.com",
     "/b-1"},
    {"b-1", "x", "http://s3.example.com:80", PATH, 0, 0, 0, "http://s3.example.com", "/b-1"},
    {"b-1", "x", "http://s3.example.com:443", PATH, 0, 0, 0, "http://s3.example.com:443",
     "/b-1"},
    {"b-1", "x", "https://h:8443/base/two//", AUTO, 0, 0, 0, "https://h:8443", "/base/two/b-1"},
    {"b-1", "x", "https://h:8443/base", VIRTUAL, 0, 0, 0, "https://b-1.h:8443", "/base"},
    {"b-1", "x", "https://h", VIRTUAL, 0, 0, 0, "https://b-1.h", ""},
    {"my.b", "x", "http://h:9000", VIRTUAL, 0, 0, 0, "http://my.b.h:9000", ""},
    {"b-1", "x", "http://[::1]:9000", AUTO, 0, 0, 0, "http://[::1]:9000", "/b-1"},
    {"b-1", "x", "https://[2001:DB8::5]", AUTO, 0, 0, 0, "https://[2001:db8::5]", "/b-1"},
};

static const struct {
    const char *bucket, *region, *endpoint;
    enum weir_addressing addressing;
    int accelerate, dualstack, fips;
    enum weir_code code;
} bad[] = {
    {"ab", "us-east-1", NULL, AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"", "us-east-1", NULL, AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"a/b", "us-east-1", NULL, AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"a b c", "us-east-1", NULL, AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b\xc3\xbc"
     "cket",
     "us-east-1", NULL, AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"evil.com#", "us-east-1", NULL, AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"arn:aws:s3:us-east-1:123456789012:accesspoint:x", "us-east-1", NULL, AUTO, 0, 0, 0,
     WEIR_E_UNSUPPORTED},
    {"b--usw2-az1--x-s3", "us-west-2", NULL, AUTO, 0, 0, 0, WEIR_E_UNSUPPORTED},
    {"b-1", "", NULL, AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "evil.com/", NULL, AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x@evil", NULL, AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "-x", NULL, AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", LONG63 "4", NULL, AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"my.b", "us-east-1", NULL, VIRTUAL, 0, 0, 0, WEIR_E_CONFIG},
    {"my.b", "us-east-1", NULL, AUTO, 1, 0, 0, WEIR_E_CONFIG},
    {"b-1", "us-east-1", NULL, PATH, 1, 0, 0, WEIR_E_CONFIG},
    {"b-1", "us-east-1", NULL, AUTO, 1, 0, 1, WEIR_E_CONFIG},
    {"b-1", "cn-north-1", NULL, AUTO, 1, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h", AUTO, 1, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h", AUTO, 0, 1, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h", AUTO, 0, 0, 1, WEIR_E_CONFIG},
    {"b-1", "x", "h:9000", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "ftp://h", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https:///base", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h:", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h:0", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h:65536", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h:9x", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h h", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h\r\nX: y", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://u:pw@h", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h?x=y", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h/base#f", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://h/ba se", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://[::1", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://[]", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "https://[::g]:9000", AUTO, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "http://127.0.0.1", VIRTUAL, 0, 0, 0, WEIR_E_CONFIG},
    {"b-1", "x", "http://[::1]", VIRTUAL, 0, 0, 0, WEIR_E_CONFIG},
    {"my.b", "x", "https://h", VIRTUAL, 0, 0, 0, WEIR_E_CONFIG},
    {"My_B", "x", "https://h", VIRTUAL, 0, 0, 0, WEIR_E_CONFIG},
};
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

START_TEST(resolves)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_s3_endpoint e;
    struct weir_s3_endpoint_input in = {.bucket = good[_i].bucket,
                                        .region = good[_i].region,
                                        .endpoint = good[_i].endpoint,
                                        .addressing = good[_i].addressing,
                                        .accelerate = good[_i].accelerate,
                                        .dualstack = good[_i].dualstack,
                                        .fips = good[_i].fips};
    ck_assert_int_eq(weir_s3_endpoint_resolve(&in, &e, &err), 0);
    ck_assert_str_eq(e.origin, good[_i].origin);
    ck_assert_str_eq(e.path, good[_i].path);
    ck_assert_str_eq(e.host, strstr(e.origin, "://") + 3);
    ck_assert_int_eq(e.aws, good[_i].endpoint == NULL);
}
END_TEST

START_TEST(refuses)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_s3_endpoint e = {.origin = "untouched"};
    char text[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
    struct weir_s3_endpoint_input in = {.bucket = bad[_i].bucket,
                                        .region = bad[_i].region,
                                        .endpoint = bad[_i].endpoint,
                                        .addressing = bad[_i].addressing,
                                        .accelerate = bad[_i].accelerate,
                                        .dualstack = bad[_i].dualstack,
                                        .fips = bad[_i].fips};
    ck_assert_int_eq(weir_s3_endpoint_resolve(&in, &e, &err), -1);
    ck_assert_int_eq(err.code, bad[_i].code);
    ck_assert_str_eq(e.origin, "untouched");
    ck_assert_ptr_null(strstr(weir_err_text(&err, text, sizeof(text)), "pw"));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("s3_endpoint");
    TCase *tc = tcase_create("endpoint");
    tcase_add_loop_test(tc, resolves, 0, COUNT(good));
    tcase_add_loop_test(tc, refuses, 0, COUNT(bad));
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
