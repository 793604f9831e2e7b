/* s3: multipart uploads on the wire, above all the replies to Complete. */
#include "s3_store.h"

/* ---- multipart ---- */

START_TEST(create_says_which_checksum)
{
    char id[WEIR_UPLOAD_ID_BYTES] = "untouched";
    struct weir_object o = {.key = "k"};
    server.reply[0] = "HTTP/1.1 200 OK\r\nContent-Length: *\r\n\r\n<html>";
    server.reply[1] = "HTTP/1.1 200 OK\r\nContent-Length: *\r\n\r\n"
                      "<InitiateMultipartUploadResult><UploadId>u&amp;1</UploadId>"
                      "</InitiateMultipartUploadResult>";
    begin();
    ck_assert_int_eq(t->ops->create_upload(t, &o, id, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_PROTOCOL);
    ck_assert(err.outcome_unknown);
    ck_assert_str_eq(id, "untouched");
    weir_err_clear(&err);
    ck_assert_int_eq(t->ops->create_upload(t, &o, id, &err), 0);
    end();
    ck_assert_str_eq(id, "u&1");
    ck_assert(begins(1, "POST /bucket/pre/k?uploads HTTP/1.1\r\n"));
    ck_assert_str_eq(header(1, "x-amz-checksum-algorithm"), "CRC64NVME");
    ck_assert_str_eq(header(1, "x-amz-checksum-type"), "FULL_OBJECT");
    ck_assert_str_eq(header(1, "Content-Length"), "0");
}
END_TEST

#define RESULT                                                                                 \
    "<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag>"                              \
    "<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT"             \
    "</ChecksumType></CompleteMultipartUploadResult>"
#define CLOSE "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

static const struct answer completes[] = {
    {"done", CLOSE "  \n " RESULT, WEIR_OK, false, false, ""},
    {"error inside of 200", CLOSE "  <Error><Code>InternalError</Code></Error>", WEIR_E_SERVER,
     true, true, "InternalError"},
    {"slow down inside of 200", CLOSE "<Error><Code>SlowDown</Code></Error>", WEIR_E_THROTTLED,
     true, false, "SlowDown"},
    {"empty", CLOSE, WEIR_E_PROTOCOL, false, true, "neither a result nor an error"},
    {"blank", CLOSE "   ", WEIR_E_PROTOCOL, false, true, "neither a result nor an error"},
    {"cut short", CLOSE "<CompleteMultipartUploadResult><ETag>", WEIR_E_PROTOCOL, false, true,
     "neither"},
    {"shorter than it said",
     "HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n"
     "<CompleteMultipartUploadResult>",
     WEIR_E_NETWORK, true, true, ""},
    {"page", CLOSE "<html><body>log in</body></html>", WEIR_E_PROTOCOL, false, true, "neither"},
    {"another value",
     CLOSE "<CompleteMultipartUploadResult><ETag>e</ETag><ChecksumCRC64NVME>AAAAAAAAAAA="
           "</ChecksumCRC64NVME></CompleteMultipartUploadResult>",
     WEIR_E_DIGEST, false, true, "whole object"},
    {"closed", "", WEIR_E_NETWORK, true, true, ""},
    {"bad digest",
     "HTTP/1.1 400 x\r\nContent-Length: *\r\n\r\n<Error><Code>BadDigest</Code></Error>",
     WEIR_E_DIGEST, false, false, "BadDigest"},
    {"gone",
     "HTTP/1.1 404 x\r\nContent-Length: *\r\n\r\n<Error><Code>NoSuchUpload</Code></Error>",
     WEIR_E_NO_UPLOAD, false, false, "NoSuchUpload"},
    {"conflict",
     "HTTP/1.1 409 x\r\nContent-Length: "
     "54\r\n\r\n<Error><Code>ConditionalRequestConflict</Code>"
     "</Error>",
     WEIR_E_NO_UPLOAD, false, false, "ConditionalRequestConflict"},
    {"exists", "HTTP/1.1 412 x\r\nContent-Length: 0\r\n\r\n", WEIR_E_EXISTS, false, false, ""},
    {"500", "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", WEIR_E_SERVER, true, true, ""},
};

START_TEST(complete_answered)
{
    const struct answer *a = &completes[_i];
    struct weir_part parts[2] = {{1, 5, "e1", true, 1}, {2, 4, "e2", false, 0}};
    struct weir_object o = {.key = "k", .condition = WEIR_COND_ABSENT};
    struct weir_stored stored = {.bytes = 99};
    server.reply[0] = a->reply;
    begin();
    int rc = t->ops->complete_upload(t, &o, "u/1", parts, 2, 9, UINT64_C(0xae8b14860a799888),
                                     &stored, &err);
    end();
    ck_assert_msg(err.code == a->code, "%s: %s %s", a->what, weir_err_name(err.code),
                  err.frame[0]);
    ck_assert_msg(err.retryable == a->retryable, "%s", a->what);
    ck_assert_msg(err.outcome_unknown == a->unknown, "%s", a->what);
    ck_assert_msg(says(a->says), "%s: %s", a->what, err.frame[0]);
    ck_assert_int_eq(rc, a->code == WEIR_OK ? 0 : -1);
    if (rc == 0) {
        ck_assert_str_eq(stored.etag, "e-2");
        ck_assert_uint_eq(stored.bytes, 9);
        ck_assert(stored.has_crc64nvme);
    }
    ck_assert(begins(0, "POST /bucket/pre/k?uploadId=u%2F1 HTTP/1.1\r\n"));
    ck_assert_str_eq(header(0, "x-amz-checksum-crc64nvme"), "rosUhgp5mIg=");
    ck_assert_str_eq(header(0, "x-amz-checksum-type"), "FULL_OBJECT");
    ck_assert_str_eq(header(0, "x-amz-mp-object-size"), "9");
    ck_assert_str_eq(header(0, "if-none-match"), "*");
    ck_assert_str_eq(
        strstr(server.request[0], "\r\n\r\n") + 4,
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Part><ChecksumCRC64NVME>AAAAAAAAAAE=</ChecksumCRC64NVME>"
        "<ETag>&quot;e1&quot;</ETag><PartNumber>1</PartNumber></Part>"
        "<Part><ETag>&quot;e2&quot;</ETag><PartNumber>2</PartNumber></Part>"
        "</CompleteMultipartUpload>");
}
END_TEST

START_TEST(part_needs_an_etag)
{
    struct weir_part part;
    server.reply[0] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    server.reply[1] = OK_EMPTY;
    begin();
    uint64_t crc = weir_crc64nvme(0, hello, 5);
    ck_assert_int_eq(t->ops->put_part(t, "k", "u", 7, hello, 5, crc, &part, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_PROTOCOL);
    weir_err_clear(&err);
    ck_assert_int_eq(t->ops->put_part(t, "k", "u", 7, hello, 5, crc, &part, &err), 0);
    end();
    ck_assert(begins(1, "PUT /bucket/pre/k?partNumber=7&uploadId=u HTTP/1.1\r\n"));
    ck_assert_uint_eq(part.number, 7);
    ck_assert_str_eq(part.etag, "e");
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("s3_multipart");
    tcase_add_test(tc, create_says_which_checksum);
    tcase_add_loop_test(tc, complete_answered, 0, COUNT(completes));
    tcase_add_test(tc, part_needs_an_etag);
    return run("s3_multipart", tc);
}
