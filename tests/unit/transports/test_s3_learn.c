/* s3: clock skew and region are learned from replies, once; and what opening a store makes of
 * its URL. */
#include "s3_store.h"

/* ---- what is learned ---- */

#define SKEWED                                                                                 \
    "HTTP/1.1 403 x\r\nDate: Fri, 24 May 2013 00:20:00 GMT\r\nContent-Length: *\r\n\r\n"       \
    "<Error><Code>RequestTimeTooSkewed</Code></Error>"

START_TEST(skew_is_learned_once_for_all_handles)
{
    struct weir_stored stored;
    struct weir_transport *other = NULL;
    server.reply[0] = SKEWED;
    server.reply[1] = OK_EMPTY;
    server.reply[2] = OK_EMPTY;
    begin();
    ck_assert_int_eq(t->ops->clone(t, &other, &err), 0);
    ck_assert_int_eq(put_hello(WEIR_COND_NONE, &stored), 0);
    t->ops->close(t); /* the server serves one connection at a time */
    t = other;
    ck_assert_int_eq(put_hello(WEIR_COND_NONE, &stored), 0);
    end();
    ck_assert_str_eq(header(0, "x-amz-date"), "20130524T000000Z");
    ck_assert_str_eq(header(1, "x-amz-date"), "20130524T002000Z");
    ck_assert_str_eq(header(2, "x-amz-date"), "20130524T002000Z");
}
END_TEST

START_TEST(skew_that_does_not_help_is_named)
{
    struct weir_stored stored;
    server.reply[0] = SKEWED;
    server.reply[1] = SKEWED;
    begin();
    ck_assert_int_eq(put_hello(WEIR_COND_NONE, &stored), -1);
    end();
    ck_assert_int_eq(server.requests, 2);
    ck_assert_int_eq(err.code, WEIR_E_CREDENTIALS);
    ck_assert_int_eq(err.scope, WEIR_SCOPE_RUN);
    ck_assert(says("this machine's clock is 1200 s behind the server's"));
}
END_TEST

START_TEST(a_bare_403_with_a_far_date_counts_as_skew)
{
    static struct weir_head head;
    server.reply[0] = "HTTP/1.1 403 x\r\nDate: Thu, 23 May 2013 23:40:00 GMT\r\n"
                      "Content-Length: 0\r\n\r\n";
    server.reply[1] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n\r\n";
    begin();
    ck_assert_int_eq(t->ops->head(t, "k", &head, &err), 0);
    end();
    ck_assert_str_eq(header(1, "x-amz-date"), "20130523T234000Z");
}
END_TEST

START_TEST(a_403_with_a_near_date_is_final)
{
    static struct weir_head head;
    server.reply[0] = "HTTP/1.1 403 x\r\nDate: Fri, 24 May 2013 00:04:00 GMT\r\n"
                      "Content-Length: 0\r\n\r\n";
    begin();
    ck_assert_int_eq(t->ops->head(t, "k", &head, &err), -1);
    end();
    ck_assert_int_eq(server.requests, 1);
    ck_assert_int_eq(err.code, WEIR_E_ACCESS);
}
END_TEST

static const char *const wrong_region[] = {
    "HTTP/1.1 400 x\r\nContent-Length: *\r\n\r\n<Error><Code>AuthorizationHeaderMalformed"
    "</Code><Region>r-2</Region></Error>",
    "HTTP/1.1 301 x\r\nx-amz-bucket-region: r-2\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 301 x\r\nContent-Length: *\r\n\r\n<Error><Code>PermanentRedirect</Code>"
    "<Region>r-2</Region></Error>",
};

START_TEST(region_is_learned)
{
    struct weir_stored stored;
    server.reply[0] = wrong_region[_i];
    server.reply[1] = OK_EMPTY;
    begin();
    ck_assert_int_eq(put_hello(WEIR_COND_NONE, &stored), 0);
    end();
    ck_assert_ptr_nonnull(strstr(header(0, "authorization"), "/r-1/s3/aws4_request"));
    ck_assert_ptr_nonnull(strstr(header(1, "authorization"), "/r-2/s3/aws4_request"));
}
END_TEST

START_TEST(region_that_is_none_is_not_learned)
{
    struct weir_stored stored;
    server.reply[0] = "HTTP/1.1 301 x\r\nx-amz-bucket-region: evil.com/x\r\n"
                      "Content-Length: 0\r\n\r\n";
    begin();
    ck_assert_int_eq(put_hello(WEIR_COND_NONE, &stored), -1);
    end();
    ck_assert_int_eq(server.requests, 1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    ck_assert_int_eq(err.scope, WEIR_SCOPE_RUN);
}
END_TEST

/* ---- opening ---- */

static const struct {
    const char *url, *endpoint, *region;
    enum weir_code code;
    const char *described;
} opens[] = {
    {"s3://bucket", "http://h:1", NULL, WEIR_OK, "s3://bucket/ at http://h:1"},
    {"s3://bucket/", "http://h:1", NULL, WEIR_OK, "s3://bucket/ at http://h:1"},
    {"s3://bucket/a/b", "http://h:1", NULL, WEIR_OK, "s3://bucket/a/b/ at http://h:1"},
    {"s3://bucket/a/b/", NULL, "eu-west-1", WEIR_OK,
     "s3://bucket/a/b/ at https://bucket.s3.eu-west-1.amazonaws.com"},
    {"s3://bucket/a", NULL, NULL, WEIR_OK,
     "s3://bucket/a/ at https://bucket.s3.us-east-1.amazonaws.com"},
    {"s3://", NULL, NULL, WEIR_E_CONFIG, NULL},
    {"s3:///a", NULL, NULL, WEIR_E_CONFIG, NULL},
    {"file:///a", NULL, NULL, WEIR_E_CONFIG, NULL},
    {"s3://bucket/a\nb", NULL, NULL, WEIR_E_CONFIG, NULL},
    {"s3://bucket", NULL, "no region", WEIR_E_CONFIG, NULL},
    {"s3://bucket", "h:9000", NULL, WEIR_E_CONFIG, NULL},
    {"s3://b*cket", NULL, NULL, WEIR_E_CONFIG, NULL},
};

START_TEST(open_of)
{
    destination.url = (char *)opens[_i].url;
    destination.endpoint = (char *)opens[_i].endpoint;
    destination.region = (char *)opens[_i].region;
    int rc = weir_s3_open(&options, &t, &err);
    ck_assert_int_eq(err.code, opens[_i].code);
    ck_assert_int_eq(rc, opens[_i].code == WEIR_OK ? 0 : -1);
    if (rc == 0) {
        ck_assert_str_eq(t->ops->describe(t), opens[_i].described);
        t->ops->close(t);
    } else {
        ck_assert_int_eq(err.scope, WEIR_SCOPE_RUN);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("s3_learn");
    tcase_add_test(tc, skew_is_learned_once_for_all_handles);
    tcase_add_test(tc, skew_that_does_not_help_is_named);
    tcase_add_test(tc, a_bare_403_with_a_far_date_counts_as_skew);
    tcase_add_test(tc, a_403_with_a_near_date_is_final);
    tcase_add_loop_test(tc, region_is_learned, 0, COUNT(wrong_region));
    tcase_add_test(tc, region_that_is_none_is_not_learned);
    tcase_add_loop_test(tc, open_of, 0, COUNT(opens));
    return run("s3_learn", tc);
}
