/* sigv4: the worked examples of the Amazon S3 API Reference ("Signature Calculations for the
 * Authorization Header"), and what must not change or must change a signature. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "s3/sigv4.h"

#define KEY "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define HOST "examplebucket.s3.amazonaws.com"
#define DATE "20130524T000000Z"
#define WELCOME_SHA256 "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

struct vector {
    const char *method, *path, *query, *payload, *signed_names, *signature;
    struct weir_s3_header headers[8];
};

static const struct vector vectors[] = {
    {"GET",
     "/test.txt",
     "",
     WEIR_S3_EMPTY_SHA256,
     "host;range;x-amz-content-sha256;x-amz-date",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
     {{"host", HOST},
      {"range", "bytes=0-9"},
      {"x-amz-content-sha256", WEIR_S3_EMPTY_SHA256},
      {"x-amz-date", DATE}}},
    {"PUT",
     "/test%24file.text",
     "",
     WELCOME_SHA256,
     "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
     {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
      {"host", HOST},
      {"x-amz-content-sha256", WELCOME_SHA256},
      {"x-amz-date", DATE},
      {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}},
    {"GET",
     "/",
     "lifecycle=",
     WEIR_S3_EMPTY_SHA256,
     "host;x-amz-content-sha256;x-amz-date",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
     {{"host", HOST}, {"x-amz-content-sha256", WEIR_S3_EMPTY_SHA256}, {"x-amz-date", DATE}}},
    {"GET",
     "/",
     "max-keys=2&prefix=J",
     WEIR_S3_EMPTY_SHA256,
     "host;x-amz-content-sha256;x-amz-date",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
     {{"host", HOST}, {"x-amz-content-sha256", WEIR_S3_EMPTY_SHA256}, {"x-amz-date", DATE}}},
};
#define VECTORS ((int)(sizeof(vectors) / sizeof(vectors[0])))

static struct weir_s3_sigv4 *signer;

static void
setup(void)
{
    struct weir_err err = WEIR_ERR_INIT;
    ck_assert_int_eq(weir_s3_sigv4_create(&signer, &err), 0);
}

static void
teardown(void)
{
    weir_s3_sigv4_free(signer);
}

/* Signs a vector with changes to what is not in it; the result is in *out. */
static void
sign(const struct vector *v, const char *date, const char *region, const char *secret,
     struct weir_s3_text *out)
{
    struct weir_err err = WEIR_ERR_INIT;
    const struct weir_s3_header *sorted[8];
    size_t count = 0;
    while (count < 8 && v->headers[count].name != NULL) {
        sorted[count] = &v->headers[count];
        count++;
    }
    struct weir_s3_sigv4_request r = {.method = v->method,
                                      .path = v->path,
                                      .query = v->query,
                                      .headers = sorted,
                                      .header_count = count,
                                      .payload = v->payload,
                                      .amz_date = date,
                                      .region = region,
                                      .access_key = KEY,
                                      .secret_key = secret};
    weir_s3_text_reset(out);
    ck_assert_int_eq(weir_s3_sigv4_sign(signer, &r, out, &err), 0);
}

START_TEST(published_example)
{
    const struct vector *v = &vectors[_i];
    struct weir_s3_text got = {0}, want = {0};
    sign(v, DATE, "us-east-1", SECRET, &got);
    weir_s3_text_format(&want,
                        "AWS4-HMAC-SHA256 Credential=" KEY
                        "/20130524/us-east-1/s3/aws4_request,SignedHeaders=%s,Signature=%s",
                        v->signed_names, v->signature);
    ck_assert_str_eq(got.data, want.data);
    weir_s3_text_free(&got);
    weir_s3_text_free(&want);
}
END_TEST

START_TEST(kept_key_never_outlives_its_scope)
{
    /* each change of scope gives another signature, and going back gives the first again */
    const struct vector *v = &vectors[0];
    struct weir_s3_text first = {0}, other = {0}, again = {0};
    const char *const scopes[][3] = {{"20130525T000000Z", "us-east-1", SECRET},
                                     {DATE, "us-east-2", SECRET},
                                     {DATE, "us-east-1", SECRET "x"},
                                     {DATE, "us-east-1x", SECRET}};
    sign(v, DATE, "us-east-1", SECRET, &first);
    for (size_t i = 0; i < 4; i++) {
        sign(v, scopes[i][0], scopes[i][1], scopes[i][2], &other);
        ck_assert_str_ne(strstr(first.data, "Signature="), strstr(other.data, "Signature="));
        sign(v, DATE, "us-east-1", SECRET, &again);
        ck_assert_str_eq(first.data, again.data);
    }
    weir_s3_text_free(&first);
    weir_s3_text_free(&other);
    weir_s3_text_free(&again);
}
END_TEST

START_TEST(header_values_are_trimmed_and_folded)
{
    struct vector plain = vectors[0], spaced = vectors[0];
    struct weir_s3_text a = {0}, b = {0};
    plain.headers[1].value = "a b c d";
    spaced.headers[1].value = "  a  b   c d \t ";
    sign(&plain, DATE, "us-east-1", SECRET, &a);
    sign(&spaced, DATE, "us-east-1", SECRET, &b);
    ck_assert_str_eq(a.data, b.data);
    spaced.headers[1].value = "   ";
    plain.headers[1].value = "";
    sign(&plain, DATE, "us-east-1", SECRET, &a);
    sign(&spaced, DATE, "us-east-1", SECRET, &b);
    ck_assert_str_eq(a.data, b.data);
    weir_s3_text_free(&a);
    weir_s3_text_free(&b);
}
END_TEST

START_TEST(every_part_of_the_request_is_signed)
{
    struct weir_s3_text base = {0}, other = {0};
    sign(&vectors[0], DATE, "us-east-1", SECRET, &base);
    for (int part = 0; part < 5; part++) {
        struct vector v = vectors[0];
        if (part == 0)
            v.method = "HEAD";
        else if (part == 1)
            v.path = "/test.tx";
        else if (part == 2)
            v.query = "a=";
        else if (part == 3)
            v.payload = WEIR_S3_UNSIGNED;
        else
            v.headers[1].value = "bytes=0-8";
        sign(&v, DATE, "us-east-1", SECRET, &other);
        ck_assert_str_ne(base.data, other.data);
    }
    weir_s3_text_free(&base);
    weir_s3_text_free(&other);
}
END_TEST

START_TEST(absurd_lengths_are_refused)
{
    char long_text[400];
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_s3_text out = {0};
    memset(long_text, 'a', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    struct weir_s3_sigv4_request r = {.method = "GET",
                                      .path = "/",
                                      .query = "",
                                      .payload = WEIR_S3_UNSIGNED,
                                      .amz_date = DATE,
                                      .region = long_text,
                                      .access_key = KEY,
                                      .secret_key = SECRET};
    ck_assert_int_eq(weir_s3_sigv4_sign(signer, &r, &out, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    weir_err_clear(&err);
    r.region = "us-east-1";
    r.secret_key = long_text;
    ck_assert_int_eq(weir_s3_sigv4_sign(signer, &r, &out, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CREDENTIALS);
    weir_s3_text_free(&out);
}
END_TEST

START_TEST(sha256_of_a_body)
{
    char hex[65];
    struct weir_err err = WEIR_ERR_INIT;
    ck_assert_int_eq(weir_s3_sigv4_sha256(signer, "", 0, hex, &err), 0);
    ck_assert_str_eq(hex, WEIR_S3_EMPTY_SHA256);
    ck_assert_int_eq(weir_s3_sigv4_sha256(signer, "Welcome to Amazon S3.", 21, hex, &err), 0);
    ck_assert_str_eq(hex, WELCOME_SHA256);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("s3_sigv4");
    TCase *tc = tcase_create("sigv4");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, published_example, 0, VECTORS);
    tcase_add_test(tc, kept_key_never_outlives_its_scope);
    tcase_add_test(tc, header_values_are_trimmed_and_folded);
    tcase_add_test(tc, every_part_of_the_request_is_signed);
    tcase_add_test(tc, absurd_lengths_are_refused);
    tcase_add_test(tc, sha256_of_a_body);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
