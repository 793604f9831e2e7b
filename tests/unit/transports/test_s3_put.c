/* s3: what a PUT sends, and what is made of each kind of reply to it. */
#include "s3_store.h"

/* ---- what is sent ---- */

START_TEST(put_sends_what_s3_wants)
{
    struct weir_pair tags[] = {{(char *)"a b", (char *)"1&2"}, {(char *)"c", (char *)""}};
    struct weir_kv meta[] = {{"file-mtime", "1ns"}, {"empty", ""}};
    struct weir_object o = {.key = "k+/../=",
                            .meta = meta,
                            .meta_count = 2,
                            .content_type = "text/plain",
                            .condition = WEIR_COND_ABSENT};
    struct weir_stored stored;
    destination.storage_class = (char *)"STANDARD_IA";
    destination.encryption = WEIR_ENCRYPTION_KMS;
    destination.encryption_key = (char *)"arn:k";
    destination.expected_owner = (char *)"123456789012";
    destination.tags = tags;
    destination.tag_count = 2;
    server.reply[0] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"abc\"\r\n"
                      "x-amz-version-id: v1\r\n\r\n";
    begin();
    ck_assert_int_eq(t->ops->put(t, &o, hello, 5, weir_crc64nvme(0, hello, 5), &stored, &err),
                     0);
    end();
    ck_assert_str_eq(stored.etag, "abc");
    ck_assert_str_eq(stored.version, "v1");
    ck_assert_uint_eq(stored.bytes, 5);
    ck_assert(!stored.has_crc64nvme);
    ck_assert(begins(0, "PUT /bucket/pre/k%2B/../%3D HTTP/1.1\r\n"));
    char crc[13];
    weir_crc64nvme_base64(weir_crc64nvme(0, hello, 5), crc);
    ck_assert_str_eq(header(0, "x-amz-checksum-crc64nvme"), crc);
    ck_assert_str_eq(header(0, "x-amz-sdk-checksum-algorithm"), "CRC64NVME");
    ck_assert_str_eq(header(0, "x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
    ck_assert_str_eq(header(0, "x-amz-date"), "20130524T000000Z");
    ck_assert_str_eq(header(0, "x-amz-meta-file-mtime"), "1ns");
    ck_assert_ptr_nonnull(strstr(server.request[0], "\r\nx-amz-meta-empty:\r\n"));
    ck_assert_str_eq(header(0, "x-amz-storage-class"), "STANDARD_IA");
    ck_assert_str_eq(header(0, "x-amz-server-side-encryption"), "aws:kms");
    ck_assert_str_eq(header(0, "x-amz-server-side-encryption-aws-kms-key-id"), "arn:k");
    ck_assert_str_eq(header(0, "x-amz-expected-bucket-owner"), "123456789012");
    ck_assert_str_eq(header(0, "x-amz-tagging"), "a%20b=1%262&c=");
    ck_assert_str_eq(header(0, "content-type"), "text/plain");
    ck_assert_str_eq(header(0, "if-none-match"), "*");
    ck_assert_str_eq(header(0, "Content-Length"), "5");
    ck_assert_str_eq(header(0, "Expect"), "");
    ck_assert_str_eq(header(0, "Content-Type"), "");
    ck_assert_ptr_nonnull(strstr(
        header(0, "authorization"),
        "SignedHeaders=content-type;host;if-none-match;x-amz-checksum-crc64nvme;"
        "x-amz-content-sha256;x-amz-date;x-amz-expected-bucket-owner;x-amz-meta-empty;"
        "x-amz-meta-file-mtime;x-amz-sdk-checksum-algorithm;x-amz-server-side-encryption;"
        "x-amz-server-side-encryption-aws-kms-key-id;x-amz-storage-class;x-amz-tagging,"));
    ck_assert_str_eq(strstr(server.request[0], "\r\n\r\n") + 4, hello);
    ck_assert_uint_eq(atomic_load(&counters.requests), 1);
    ck_assert_uint_eq(atomic_load(&counters.bytes_sent), 5);
    ck_assert_uint_eq(atomic_load(&counters.connections), 1);
}
END_TEST

START_TEST(conditional_put_names_the_etag)
{
    struct weir_stored stored;
    server.reply[0] = OK_EMPTY;
    server.reply[1] = "HTTP/1.1 404 Not Found\r\nContent-Length: *\r\n\r\n"
                      "<Error><Code>NoSuchKey</Code></Error>";
    begin();
    ck_assert_int_eq(put_hello(WEIR_COND_MATCH, &stored), 0);
    ck_assert_int_eq(put_hello(WEIR_COND_MATCH, &stored), -1);
    end();
    ck_assert_str_eq(header(0, "if-match"), "e1");
    ck_assert_int_eq(err.code, WEIR_E_EXISTS); /* gone: it does not match */
}
END_TEST

START_TEST(empty_object_has_a_length)
{
    struct weir_object o = {.key = "dir/"};
    struct weir_stored stored;
    server.reply[0] = OK_EMPTY;
    begin();
    ck_assert_int_eq(t->ops->put(t, &o, NULL, 0, 0, &stored, &err), 0);
    end();
    ck_assert(begins(0, "PUT /bucket/pre/dir/ HTTP/1.1\r\n"));
    ck_assert_str_eq(header(0, "Content-Length"), "0");
}
END_TEST

START_TEST(metadata_must_be_header_text)
{
    static const char *const values[] = {"a\r\nx-amz-acl: public-read", "\x7f", "\xc3\xbc"};
    struct weir_stored stored;
    begin();
    for (size_t i = 0; i < 3; i++) {
        struct weir_kv meta = {"m", values[i]};
        struct weir_object o = {.key = "k", .meta = &meta, .meta_count = 1};
        weir_err_clear(&err);
        ck_assert_int_eq(t->ops->put(t, &o, hello, 5, 0, &stored, &err), -1);
        ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    }
    struct weir_kv name = {"M:", "v"};
    struct weir_object o = {.key = "k", .meta = &name, .meta_count = 1};
    weir_err_clear(&err);
    ck_assert_int_eq(t->ops->put(t, &o, hello, 5, 0, &stored, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    end();
    ck_assert_int_eq(server.requests, 0);
}
END_TEST

START_TEST(keys_have_a_limit)
{
    struct weir_object o = {.key = ""};
    struct weir_stored stored;
    char key[1100];
    begin();
    ck_assert_uint_eq(t->ops->limits(t)->key_bytes_max, 1024 - 4);
    ck_assert_int_eq(t->ops->put(t, &o, hello, 5, 0, &stored, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_LIMIT);
    memset(key, 'k', 1021);
    key[1021] = '\0';
    o.key = key;
    weir_err_clear(&err);
    ck_assert_int_eq(t->ops->put(t, &o, hello, 5, 0, &stored, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_LIMIT);
    end();
    ck_assert_int_eq(server.requests, 0);
}
END_TEST

/* ---- replies to a PUT ---- */

static const struct answer puts_answered[] = {
    {"slow down",
     "HTTP/1.1 503 Slow Down\r\nRetry-After: 7\r\nx-amz-request-id: R9\r\nContent-Length: "
     "59\r\n"
     "\r\n<Error><Code>SlowDown</Code><Message>less</Message></Error>",
     WEIR_E_THROTTLED, true, false, "HTTP 503 SlowDown: less (request R9)"},
    {"bare 503", "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", WEIR_E_THROTTLED, true, true,
     "HTTP 503"},
    {"bare 500", "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", WEIR_E_SERVER, true, true,
     "HTTP 500"},
    {"gateway page",
     "HTTP/1.1 502 Bad Gateway\r\nContent-Length: *\r\n\r\n<html><b>oops</b><br></p>",
     WEIR_E_SERVER, true, true, "HTTP 502"},
    {"wrong digest",
     "HTTP/1.1 400 x\r\nContent-Length: *\r\n\r\n<Error><Code>BadDigest</Code></Error>",
     WEIR_E_DIGEST, true, false, "BadDigest"},
    {"denied",
     "HTTP/1.1 403 x\r\nContent-Length: *\r\n\r\n<Error><Code>AccessDenied</Code></Error>",
     WEIR_E_ACCESS, false, false, "s3:PutObject"},
    {"another value came back",
     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"e\"\r\nx-amz-checksum-crc64nvme: "
     "AAAAAAAAAAA=\r\n\r\n",
     WEIR_E_DIGEST, false, true, "another CRC64NVME"},
    {"a page with status 200",
     "HTTP/1.1 200 OK\r\nContent-Length: *\r\n\r\n<html>log in</html> ", WEIR_E_PROTOCOL, false,
     true, "is this an S3 endpoint?"},
    {"an ETag that would be a header",
     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"a b\"\r\n\r\n", WEIR_E_PROTOCOL, false,
     true, "ETag"},
    {"redirect", "HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
     WEIR_E_CONFIG, false, false, "HTTP 302"},
    {"no HTTP", "SSH-2.0-OpenSSH_9.2p1\r\nConnection: close\r\n\r\n", WEIR_E_PROTOCOL, false,
     true, "is this an S3 endpoint"},
    {"closed", "", WEIR_E_NETWORK, true, true, "Empty reply"},
    {"half a header", "HTTP/1.1 200 OK\r\nConnection: close\r\nETag", WEIR_E_NETWORK, true,
     true, ""},
};

START_TEST(put_answered)
{
    const struct answer *a = &puts_answered[_i];
    struct weir_stored stored = {.bytes = 99};
    server.reply[0] = a->reply;
    begin();
    ck_assert_int_eq(put_hello(WEIR_COND_NONE, &stored), -1);
    end();
    ck_assert_msg(err.code == a->code, "%s: %s %s", a->what, weir_err_name(err.code),
                  err.frame[0]);
    ck_assert_msg(err.retryable == a->retryable, "%s", a->what);
    ck_assert_msg(err.outcome_unknown == a->unknown, "%s", a->what);
    ck_assert_msg(says(a->says), "%s: \"%s\"", a->what, err.frame[0]);
    ck_assert_msg(says("PutObject s3://bucket/pre/a b/"), "%s", a->what);
    ck_assert(says(endpoint));
    ck_assert_uint_eq(stored.bytes, 99);
    ck_assert_int_eq(server.requests, 1);
    if (_i == 0) {
        ck_assert_uint_eq(err.retry_after_ms, 7000);
        ck_assert_str_eq(err.s3_code, "SlowDown");
        ck_assert_str_eq(err.request_id, "R9");
        ck_assert_uint_eq(atomic_load(&counters.throttled), 1);
    }
}
END_TEST

START_TEST(nobody_listens)
{
    struct weir_stored stored;
    server.reply[0] = OK_EMPTY;
    begin();
    canned_stop(&server);
    ck_assert_int_eq(put_hello(WEIR_COND_NONE, &stored), -1);
    t->ops->close(t);
    ck_assert_int_eq(err.code, WEIR_E_NETWORK);
    ck_assert(err.retryable);
    ck_assert(!err.outcome_unknown); /* nothing was sent */
    ck_assert(says("is the endpoint up"));
}
END_TEST

START_TEST(conditional_put_is_not_sent_twice_by_itself)
{
    struct weir_stored stored;
    server.reply[0] = OK_EMPTY;
    server.reply[1] = ""; /* the kept connection dies when it is used again */
    server.reply[2] = OK_EMPTY;
    begin();
    ck_assert_int_eq(put_hello(WEIR_COND_ABSENT, &stored), 0);
    ck_assert_int_eq(put_hello(WEIR_COND_ABSENT, &stored), -1);
    end();
    ck_assert_int_eq(server.requests, 2);
    ck_assert_int_eq(err.code, WEIR_E_NETWORK);
    ck_assert(err.retryable);
    ck_assert(err.outcome_unknown);
}
END_TEST

START_TEST(too_much_header)
{
    struct weir_stored stored;
    size_t bytes = 0;
    char *reply = malloc(200 * 1024);
    ck_assert_ptr_nonnull(reply);
    bytes += (size_t)sprintf(reply, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (int i = 0; i < 1000; i++)
        bytes += (size_t)sprintf(reply + bytes, "x-amz-meta-%04d: %064d\r\n", i, 0);
    (void)sprintf(reply + bytes, "\r\n");
    server.reply[0] = reply;
    begin();
    ck_assert_int_eq(put_hello(WEIR_COND_NONE, &stored), -1);
    end();
    free(reply);
    ck_assert_int_eq(err.code, WEIR_E_PROTOCOL);
    ck_assert(says("over 64 KiB"));
}
END_TEST

START_TEST(too_much_error_body)
{
    struct weir_stored stored;
    const size_t bytes = 3 * 1024 * 1024;
    char *reply = malloc(bytes + 100);
    ck_assert_ptr_nonnull(reply);
    int head = sprintf(reply, "HTTP/1.1 500 x\r\nContent-Length: %zu\r\n\r\n", bytes);
    memset(reply + head, ' ', bytes);
    reply[(size_t)head + bytes] = '\0';
    server.reply[0] = reply;
    begin();
    ck_assert_int_eq(put_hello(WEIR_COND_NONE, &stored), -1);
    end();
    free(reply);
    ck_assert_int_eq(err.code, WEIR_E_PROTOCOL);
    ck_assert(says("over 1 MiB"));
}
END_TEST

START_TEST(cancelled)
{
    struct weir_stored stored;
    server.reply[0] = OK_EMPTY;
    begin();
    atomic_store(&cancel.level, WEIR_CANCEL_NOW);
    ck_assert_int_eq(put_hello(WEIR_COND_NONE, &stored), -1);
    end();
    ck_assert_int_eq(err.code, WEIR_E_CANCELLED);
    ck_assert(!err.retryable);
    ck_assert_int_eq(server.requests, 0);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("s3_put");
    tcase_add_test(tc, put_sends_what_s3_wants);
    tcase_add_test(tc, conditional_put_names_the_etag);
    tcase_add_test(tc, empty_object_has_a_length);
    tcase_add_test(tc, metadata_must_be_header_text);
    tcase_add_test(tc, keys_have_a_limit);
    tcase_add_loop_test(tc, put_answered, 0, COUNT(puts_answered));
    tcase_add_test(tc, nobody_listens);
    tcase_add_test(tc, conditional_put_is_not_sent_twice_by_itself);
    tcase_add_test(tc, too_much_header);
    tcase_add_test(tc, too_much_error_body);
    tcase_add_test(tc, cancelled);
    return run("s3_put", tc);
}
