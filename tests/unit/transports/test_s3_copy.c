/* s3: CopyObject and UploadPartCopy on the wire, above all replies that take back their 200. */
#include "s3_store.h"

#define CLOSE "HTTP/1.1 200 OK\r\nConnection: close\r\n"
#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define COPIED                                                                                 \
    "<CopyObjectResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LastModified>"       \
    "2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;e2&quot;</ETag><ChecksumCRC64NVME>"    \
    "rosUhgp5mIg=</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType>"                 \
    "</CopyObjectResult>"
#define PART                                                                                   \
    "<CopyPartResult><ETag>\"p1\"</ETag><ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME>"   \
    "</CopyPartResult>"
#define ERROR(code) "<Error><Code>" code "</Code><Message>m</Message></Error>"

static const struct weir_kv meta = {"file-mtime", "5ns"};

static int
copy(const char *etag, const struct weir_object *o, struct weir_stored *out)
{
    return t->ops->copy(t, "a b/\xc3\xbc+", etag, o, out, &err);
}

START_TEST(copy_says_what_is_replaced)
{
    struct weir_stored stored = {.bytes = 7};
    const struct weir_object o = {.key = "new",
                                  .meta = &meta,
                                  .meta_count = 1,
                                  .content_type = "text/x",
                                  .condition = WEIR_COND_ABSENT};
    static struct weir_pair tags[] = {{(char *)"t", (char *)"1"}};
    destination.storage_class = (char *)"STANDARD_IA";
    destination.encryption = WEIR_ENCRYPTION_AES256;
    destination.expected_owner = (char *)"123";
    destination.tags = tags;
    destination.tag_count = 1;
    server.reply[0] = CLOSE "x-amz-version-id: v7\r\n\r\n" XML COPIED;
    begin();
    ck_assert_msg(copy("e1", &o, &stored) == 0, "%s", err.frame[0]);
    end();
    ck_assert(begins(0, "PUT /bucket/pre/new HTTP/1.1\r\n"));
    ck_assert_str_eq(header(0, "Content-Length"), "0");
    ck_assert_str_eq(header(0, "x-amz-copy-source"), "/bucket/pre/a%20b/%C3%BC%2B");
    ck_assert_str_eq(header(0, "x-amz-copy-source-if-match"), "\"e1\"");
    ck_assert_str_eq(header(0, "x-amz-source-expected-bucket-owner"), "123");
    ck_assert_str_eq(header(0, "x-amz-expected-bucket-owner"), "123");
    ck_assert_str_eq(header(0, "x-amz-metadata-directive"), "REPLACE");
    ck_assert_str_eq(header(0, "x-amz-tagging-directive"), "REPLACE");
    ck_assert_str_eq(header(0, "x-amz-tagging"), "t=1");
    ck_assert_str_eq(header(0, "x-amz-checksum-algorithm"), "CRC64NVME");
    ck_assert_str_eq(header(0, "x-amz-storage-class"), "STANDARD_IA");
    ck_assert_str_eq(header(0, "x-amz-server-side-encryption"), "AES256");
    ck_assert_str_eq(header(0, "x-amz-meta-file-mtime"), "5ns");
    ck_assert_str_eq(header(0, "content-type"), "text/x");
    ck_assert_str_eq(header(0, "if-none-match"), "*");
    ck_assert_ptr_nonnull(
        strstr(header(0, "authorization"), "x-amz-copy-source;x-amz-copy-source-if-match;"));
    ck_assert_uint_eq(stored.bytes, 0); /* the reply does not tell */
    ck_assert_str_eq(stored.etag, "e2");
    ck_assert_str_eq(stored.version, "v7");
    ck_assert(stored.has_crc64nvme);
    ck_assert_uint_eq(stored.crc64nvme, UINT64_C(0xae8b14860a799888));
    ck_assert_uint_eq(counters.bytes_sent, 0);
}
END_TEST

START_TEST(copy_says_what_is_kept)
{
    struct weir_stored stored;
    const struct weir_object o = {.key = "new", .content_type = "text/x", .meta_count = 1};
    static struct weir_pair tags[] = {{(char *)"t", (char *)"1"}};
    destination.tags = tags;
    destination.tag_count = 1;
    server.reply[0] = CLOSE "\r\n" COPIED;
    begin();
    ck_assert_int_eq(copy("", &o, &stored), 0);
    end();
    ck_assert_str_eq(header(0, "x-amz-metadata-directive"), "COPY");
    ck_assert_str_eq(header(0, "content-type"), "");
    ck_assert_str_eq(header(0, "x-amz-tagging"), "");
    ck_assert_str_eq(header(0, "x-amz-tagging-directive"), "");
    ck_assert_str_eq(header(0, "x-amz-copy-source-if-match"), "");
    ck_assert_str_eq(header(0, "if-none-match"), "");
}
END_TEST

static const struct answer copies[] = {
    {"done", CLOSE "\r\n" XML COPIED, WEIR_OK, false, false, ""},
    {"done after blanks", CLOSE "\r\n" XML "   \n  " COPIED, WEIR_OK, false, false, ""},
    {"blanks before all", CLOSE "\r\n \n " XML COPIED, WEIR_OK, false, false, ""},
    {"error inside of 200", CLOSE "\r\n" XML "  " ERROR("InternalError"), WEIR_E_SERVER, true,
     true, "InternalError"},
    {"slow down inside of 200", CLOSE "\r\n" ERROR("SlowDown"), WEIR_E_THROTTLED, true, false,
     "SlowDown"},
    {"empty", CLOSE "\r\n", WEIR_E_PROTOCOL, false, true, "neither a result nor an error"},
    {"cut", CLOSE "\r\n<CopyObjectResult><ETag>e", WEIR_E_PROTOCOL, false, true, "neither"},
    {"another result", CLOSE "\r\n" PART, WEIR_E_PROTOCOL, false, true, "neither"},
    {"page", CLOSE "\r\n<html>log in</html>", WEIR_E_PROTOCOL, false, true, "neither"},
    {"closed", "", WEIR_E_NETWORK, true, true, ""},
    {"precondition", "HTTP/1.1 412 x\r\nContent-Length: *\r\n\r\n" ERROR("PreconditionFailed"),
     WEIR_E_EXISTS, false, false, "PreconditionFailed"},
    {"source is gone", "HTTP/1.1 404 x\r\nContent-Length: *\r\n\r\n" ERROR("NoSuchKey"),
     WEIR_E_NOT_FOUND, false, false, "NoSuchKey"},
    {"not known", "HTTP/1.1 501 x\r\nContent-Length: 0\r\n\r\n", WEIR_E_UNSUPPORTED, false,
     true, ""},
    {"archived", "HTTP/1.1 403 x\r\nContent-Length: *\r\n\r\n" ERROR("InvalidObjectState"),
     WEIR_E_ACCESS, false, false, "restore"},
    {"500", "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", WEIR_E_SERVER, true, true, ""},
};

START_TEST(copy_answered)
{
    const struct answer *a = &copies[_i];
    const struct weir_object o = {.key = "new", .meta = &meta, .meta_count = 1};
    struct weir_stored stored = {.bytes = 99};
    server.reply[0] = a->reply;
    begin();
    int rc = copy("e1", &o, &stored);
    end();
    ck_assert_msg(err.code == a->code, "%s: %s %s", a->what, weir_err_name(err.code),
                  err.frame[0]);
    ck_assert_msg(err.retryable == a->retryable, "%s", a->what);
    ck_assert_msg(err.outcome_unknown == a->unknown, "%s", a->what);
    ck_assert_msg(says(a->says), "%s: %s", a->what, err.frame[0]);
    ck_assert_int_eq(rc, a->code == WEIR_OK ? 0 : -1);
    ck_assert_uint_eq(stored.bytes, rc == 0 ? 0 : 99);
    if (rc != 0)
        ck_assert(says("copy of a b/")); /* both keys are named */
}
END_TEST

/* What a reply tells of the checksum is taken only when it is one of the whole. */
START_TEST(copy_without_checksum)
{
    const struct weir_object o = {.key = "new", .meta = &meta};
    struct weir_stored stored;
    server.reply[0] = "HTTP/1.1 200 OK\r\nContent-Length: *\r\n\r\n"
                      "<CopyObjectResult><ETag>e2</ETag></CopyObjectResult>";
    server.reply[1] = "HTTP/1.1 200 OK\r\nContent-Length: *\r\n\r\n"
                      "<CopyObjectResult><ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME>"
                      "<ChecksumType>COMPOSITE</ChecksumType></CopyObjectResult>";
    begin();
    ck_assert_int_eq(copy("", &o, &stored), 0);
    ck_assert_str_eq(stored.etag, "e2");
    ck_assert(!stored.has_crc64nvme);
    ck_assert_int_eq(copy("", &o, &stored), 0);
    ck_assert_str_eq(stored.etag, ""); /* look with HEAD */
    ck_assert(!stored.has_crc64nvme);
    end();
}
END_TEST

START_TEST(copy_that_has_no_sense)
{
    struct weir_stored stored;
    const struct weir_object itself = {.key = "k"};
    const struct weir_object match = {
        .key = "new", .meta = &meta, .condition = WEIR_COND_MATCH, .etag = "e"};
    begin();
    ck_assert_int_eq(t->ops->copy(t, "k", "", &itself, &stored, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_BUG);
    weir_err_clear(&err);
    ck_assert_int_eq(t->ops->copy(t, "k", "", &match, &stored, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_BUG);
    end();
    ck_assert_int_eq(server.requests, 0);
}
END_TEST

/* ---- ranges ---- */

START_TEST(range_on_the_wire)
{
    struct weir_part part = {.number = 1};
    server.reply[0] = CLOSE "\r\n" XML PART;
    begin();
    ck_assert_msg(t->ops->copy_part(t, "new", "u/1", 3, "k", "e1", 5, 100, &part, &err) == 0,
                  "%s", err.frame[0]);
    end();
    ck_assert(begins(0, "PUT /bucket/pre/new?partNumber=3&uploadId=u%2F1 HTTP/1.1\r\n"));
    ck_assert_str_eq(header(0, "x-amz-copy-source"), "/bucket/pre/k");
    ck_assert_str_eq(header(0, "x-amz-copy-source-range"), "bytes=5-104");
    ck_assert_str_eq(header(0, "x-amz-copy-source-if-match"), "\"e1\"");
    /* sorted by name alone: a name that another begins with comes first */
    ck_assert_ptr_nonnull(strstr(header(0, "authorization"),
                                 "x-amz-copy-source;x-amz-copy-source-if-match;"
                                 "x-amz-copy-source-range;"));
    ck_assert_uint_eq(part.number, 3);
    ck_assert_uint_eq(part.bytes, 100);
    ck_assert_str_eq(part.etag, "p1");
    ck_assert(part.has_crc64nvme);
    ck_assert_uint_eq(part.crc64nvme, UINT64_C(0xae8b14860a799888));
}
END_TEST

static const struct answer ranges[] = {
    {"done", CLOSE "\r\n" PART, WEIR_OK, false, false, ""},
    {"no ETag", CLOSE "\r\n<CopyPartResult/>", WEIR_E_PROTOCOL, false, true, "no ETag"},
    {"error inside of 200", CLOSE "\r\n" ERROR("InternalError"), WEIR_E_SERVER, true, true,
     "InternalError"},
    {"whole copy", CLOSE "\r\n" COPIED, WEIR_E_PROTOCOL, false, true, "neither"},
    {"upload is gone", "HTTP/1.1 404 x\r\nContent-Length: *\r\n\r\n" ERROR("NoSuchUpload"),
     WEIR_E_NO_UPLOAD, false, false, "NoSuchUpload"},
    {"source is gone", "HTTP/1.1 404 x\r\nContent-Length: *\r\n\r\n" ERROR("NoSuchKey"),
     WEIR_E_NOT_FOUND, false, false, "NoSuchKey"},
    {"precondition", "HTTP/1.1 412 x\r\nContent-Length: *\r\n\r\n" ERROR("PreconditionFailed"),
     WEIR_E_EXISTS, false, false, "PreconditionFailed"},
    {"beyond the end", "HTTP/1.1 416 x\r\nContent-Length: *\r\n\r\n" ERROR("InvalidRange"),
     WEIR_E_PROTOCOL, false, false, "InvalidRange"},
    {"closed", "", WEIR_E_NETWORK, true, true, ""},
};

START_TEST(range_answered)
{
    const struct answer *a = &ranges[_i];
    struct weir_part part = {.number = 77};
    server.reply[0] = a->reply;
    begin();
    int rc = t->ops->copy_part(t, "new", "u", 3, "k", "", 0, 1, &part, &err);
    end();
    ck_assert_msg(err.code == a->code, "%s: %s %s", a->what, weir_err_name(err.code),
                  err.frame[0]);
    ck_assert_msg(err.retryable == a->retryable, "%s", a->what);
    ck_assert_msg(err.outcome_unknown == a->unknown, "%s", a->what);
    ck_assert_msg(says(a->says), "%s: %s", a->what, err.frame[0]);
    ck_assert_int_eq(rc, a->code == WEIR_OK ? 0 : -1);
    ck_assert_uint_eq(part.number, rc == 0 ? 3 : 77);
    if (rc != 0)
        ck_assert(says("part 3 from bytes=0-0 of k"));
}
END_TEST

START_TEST(range_that_has_no_sense)
{
    struct weir_part part;
    begin();
    ck_assert_int_eq(t->ops->copy_part(t, "new", "u", 3, "k", "", 0, 0, &part, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_BUG);
    weir_err_clear(&err);
    ck_assert_int_eq(t->ops->copy_part(t, "new", "u", 3, "k", "", UINT64_MAX, 2, &part, &err),
                     -1);
    ck_assert_int_eq(err.code, WEIR_E_BUG);
    end();
    ck_assert_int_eq(server.requests, 0);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("s3_copy");
    tcase_add_test(tc, copy_says_what_is_replaced);
    tcase_add_test(tc, copy_says_what_is_kept);
    tcase_add_loop_test(tc, copy_answered, 0, COUNT(copies));
    tcase_add_test(tc, copy_without_checksum);
    tcase_add_test(tc, copy_that_has_no_sense);
    tcase_add_test(tc, range_on_the_wire);
    tcase_add_loop_test(tc, range_answered, 0, COUNT(ranges));
    tcase_add_test(tc, range_that_has_no_sense);
    return run("s3_copy", tc);
}
