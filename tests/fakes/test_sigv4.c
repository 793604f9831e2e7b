/* sigv4: the worked examples of "Signature Calculations for the Authorization Header" in the
 * Amazon S3 API reference, verified as a server sees them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigv4.h"
#include "text.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SCOPE                                                                                  \
    "Authorization: AWS4-HMAC-SHA256 "                                                         \
    "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
#define HOST "Host: examplebucket.s3.amazonaws.com\r\n"
#define DATE "x-amz-date: 20130524T000000Z\r\n"

static const struct fake_creds creds = {
    .access_key = "AKIAIOSFODNN7EXAMPLE",
    .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    .region = "us-east-1",
};

static const struct {
    const char *name, *head;
} examples[] = {
    {"GET object", "GET /test.txt HTTP/1.1\r\n" HOST SCOPE
                   "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature="
                   "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\r\n"
                   "Range: bytes=0-9\r\nx-amz-content-sha256:" EMPTY "\r\n" DATE "\r\n"},
    {"PUT object",
     "PUT /test%24file.text HTTP/1.1\r\n" HOST "Date: Fri, 24 May 2013 00:00:00 GMT\r\n" SCOPE
     "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature="
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd\r\n" DATE
     "x-amz-storage-class: REDUCED_REDUNDANCY\r\nx-amz-content-sha256: "
     "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\r\n\r\n"},
    {"GET bucket lifecycle",
     "GET /?lifecycle HTTP/1.1\r\n" HOST SCOPE
     "SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543\r\n" DATE
     "x-amz-content-sha256: " EMPTY "\r\n\r\n"},
    {"GET bucket, list objects",
     "GET /?max-keys=2&prefix=J HTTP/1.1\r\n" HOST SCOPE
     "SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7\r\n" DATE
     "x-amz-content-sha256: " EMPTY "\r\n\r\n"},
};
#define EXAMPLES (int)(sizeof(examples) / sizeof(examples[0]))

static int64_t
example_time(void)
{
    int64_t t = 0;
    ck_assert_int_eq(fake_text_amz_date("20130524T000000Z", &t), 0);
    ck_assert_int_eq(t, 1369353600);
    return t;
}

static const char *
verify(const char *head, int64_t now, const struct fake_creds *who)
{
    struct fake_request r = {0};
    struct fake_auth auth = {0};
    ck_assert_int_eq(fake_http_parse(head, strlen(head), &r), FAKE_HTTP_OK);
    int rc = fake_sigv4_verify(&r, who, now, &auth);
    ck_assert_int_eq(rc == 0, auth.code == NULL);
    fake_buf_free(&auth.detail);
    fake_http_free(&r);
    return auth.code;
}

START_TEST(examples_verify)
{
    ck_assert_msg(verify(examples[_i].head, example_time(), &creds) == NULL, "%s",
                  examples[_i].name);
}
END_TEST

/* One changed byte anywhere in what is signed must be noticed. */
START_TEST(any_changed_byte_is_refused)
{
    const char *good = examples[_i].head;
    for (size_t i = 0; i < strlen(good); i++) {
        struct fake_request r = {0};
        struct fake_auth auth = {0};
        if (strchr("\r\n ", good[i]))
            continue; /* white space is not signed as such */
        char *bad = fake_strdup(good);
        bad[i] = good[i] == 'x' ? 'y' : 'x';
        if (fake_http_parse(bad, strlen(bad), &r) == FAKE_HTTP_OK)
            ck_assert_msg(fake_sigv4_verify(&r, &creds, example_time(), &auth) != 0,
                          "byte %zu of %s", i, examples[_i].name);
        fake_buf_free(&auth.detail);
        fake_http_free(&r);
        free(bad);
    }
}
END_TEST

START_TEST(clock_key_token_and_region)
{
    int64_t t = example_time();
    struct fake_creds other = creds;
    const char *head = examples[0].head;
    ck_assert_ptr_null(verify(head, t + 900, &creds));
    ck_assert_ptr_null(verify(head, t - 900, &creds));
    ck_assert_str_eq(verify(head, t + 901, &creds), "RequestTimeTooSkewed");
    ck_assert_str_eq(verify(head, t - 901, &creds), "RequestTimeTooSkewed");
    other.access_key = "AKIAOTHER";
    ck_assert_str_eq(verify(head, t, &other), "InvalidAccessKeyId");
    other = creds;
    other.secret_key = "other";
    ck_assert_str_eq(verify(head, t, &other), "SignatureDoesNotMatch");
    other = creds;
    other.region = "eu-west-1";
    ck_assert_str_eq(verify(head, t, &other), "AuthorizationHeaderMalformed");
    other = creds;
    other.session_token = "token";
    ck_assert_str_eq(verify(head, t, &other), "InvalidAccessKeyId");
}
END_TEST

static const struct {
    const char *header, *code;
} malformed[] = {
    {"", "AccessDenied"},
    {"Authorization: AWS AKIA:sig\r\n", "AuthorizationHeaderMalformed"},
    {"Authorization: AWS4-HMAC-SHA256 \r\n", "AuthorizationHeaderMalformed"},
    {"Authorization: AWS4-HMAC-SHA256 Credential=a/b\r\n", "AuthorizationHeaderMalformed"},
    {"Authorization: AWS4-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=x\r\n",
     "AuthorizationHeaderMalformed"},
    {"Authorization: AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=b;a,Signature=x\r\n",
     "AuthorizationHeaderMalformed"},
    {"Authorization: AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=a,Signature=x,y\r\n",
     "AuthorizationHeaderMalformed"},
};

START_TEST(malformed_headers)
{
    char head[1024];
    snprintf(head, sizeof(head), "GET / HTTP/1.1\r\n" HOST DATE "%s\r\n", malformed[_i].header);
    ck_assert_str_eq(verify(head, example_time(), &creds), malformed[_i].code);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("sigv4");
    TCase *t = tcase_create("sigv4");
    tcase_add_loop_test(t, examples_verify, 0, EXAMPLES);
    tcase_add_loop_test(t, any_changed_byte_is_refused, 0, EXAMPLES);
    tcase_add_test(t, clock_key_token_and_region);
    tcase_add_loop_test(t, malformed_headers, 0,
                        (int)(sizeof(malformed) / sizeof(malformed[0])));
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
