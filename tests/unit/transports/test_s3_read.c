/* s3: HEAD, GET, listing and DELETE on the wire. */
#include "s3_store.h"

/* ---- HEAD and GET ---- */

START_TEST(head_reads_everything)
{
    static struct weir_head head;
    server.reply[0] =
        "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\nETag: \"e-2\"\r\n"
        "Last-Modified: Fri, 24 May 2013 00:00:00 GMT\r\nX-Amz-Meta-File-Mtime:  5ns \r\n"
        "x-amz-meta-empty:\r\nx-amz-checksum-crc64nvme: rosUhgp5mIg=\r\n"
        "x-amz-checksum-type: FULL_OBJECT\r\nx-amz-storage-class: GLACIER\r\n"
        "x-amz-version-id: null\r\n\r\n";
    server.reply[1] =
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: \"e\"\r\nx-amz-checksum-crc64nvme: "
        "rosUhgp5mIg=-2\r\nx-amz-checksum-type: COMPOSITE\r\n\r\n";
    server.reply[2] = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nConnection: close\r\n\r\n";
    server.reply[3] = "HTTP/1.1 404 Not Found\r\nContent-Length: 300\r\n\r\n";
    begin();
    ck_assert_int_eq(t->ops->head(t, "k", &head, &err), 0);
    ck_assert_uint_eq(head.stored.bytes, 8388608);
    ck_assert_str_eq(head.stored.etag, "e-2");
    ck_assert_str_eq(head.stored.version, "null");
    ck_assert(head.stored.has_crc64nvme);
    ck_assert_uint_eq(head.stored.crc64nvme, UINT64_C(0xae8b14860a799888));
    ck_assert_int_eq(head.modified_s, 1369353600);
    ck_assert_str_eq(head.storage_class, "GLACIER");
    ck_assert_uint_eq(head.meta_count, 2);
    ck_assert_str_eq(head.meta[0].name, "file-mtime");
    ck_assert_str_eq(head.meta[0].value, "5ns");
    ck_assert_str_eq(head.meta[1].value, "");
    ck_assert_int_eq(t->ops->head(t, "k", &head, &err), 0);
    ck_assert(!head.stored.has_crc64nvme);
    ck_assert_uint_eq(head.meta_count, 0);
    ck_assert_str_eq(head.storage_class, "");
    ck_assert_int_eq(t->ops->head(t, "k", &head, &err), -1); /* no length */
    ck_assert_int_eq(err.code, WEIR_E_PROTOCOL);
    weir_err_clear(&err);
    ck_assert_int_eq(t->ops->head(t, "k", &head, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_NOT_FOUND);
    ck_assert_int_eq(err.scope, WEIR_SCOPE_OBJECT);
    end();
    ck_assert_str_eq(header(0, "x-amz-checksum-mode"), "ENABLED");
    ck_assert_str_eq(header(0, "x-amz-content-sha256"),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(head_gives_the_checksums_of_others)
{
    static struct weir_head head;
    server.reply[0] =
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: \"e-3\"\r\n"
        "x-amz-checksum-sha256: rVWtNbadtsaKXJAcgWPWjifHzJaXde/iV4jaJAOdivc=-3\r\n"
        "x-amz-checksum-type: COMPOSITE\r\n\r\n";
    server.reply[1] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: \"e\"\r\n"
                      "X-Amz-Checksum-Crc32: y/Q5Jg==\r\nx-amz-checksum-crc32c: 4waSgw==\r\n"
                      "x-amz-checksum-sha1: 98O8HYCOBHMqp39MZVZWh6iiHXY=\r\n\r\n";
    begin();
    ck_assert_int_eq(t->ops->head(t, "k", &head, &err), 0);
    ck_assert_str_eq(head.sha256, "rVWtNbadtsaKXJAcgWPWjifHzJaXde/iV4jaJAOdivc=-3");
    ck_assert_str_eq(head.crc32, "");
    ck_assert(!head.stored.has_crc64nvme);
    ck_assert_int_eq(t->ops->head(t, "k", &head, &err), 0);
    end();
    ck_assert_str_eq(head.crc32, "y/Q5Jg==");
    ck_assert_str_eq(head.crc32c, "4waSgw==");
    ck_assert_str_eq(head.sha1, "98O8HYCOBHMqp39MZVZWh6iiHXY=");
    ck_assert_str_eq(head.sha256, "");
}
END_TEST

static const struct {
    const char *reply;
    enum weir_code code;
    uint64_t bytes;
    uint32_t count;
} part_sizes[] = {
    {"HTTP/1.1 206 x\r\nContent-Length: 8388608\r\nx-amz-mp-parts-count: 3\r\n\r\n", WEIR_OK,
     8388608, 3},
    {"HTTP/1.1 200 x\r\nContent-Length: 5\r\nx-amz-mp-parts-count: 1\r\n\r\n", WEIR_OK, 5, 1},
    {"HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\n", WEIR_E_UNSUPPORTED, 0, 0},
    {"HTTP/1.1 206 x\r\nContent-Length: 5\r\nx-amz-mp-parts-count: 0\r\n\r\n", WEIR_E_PROTOCOL,
     0, 0},
    {"HTTP/1.1 206 x\r\nContent-Length: 5\r\nx-amz-mp-parts-count: 4294967296\r\n\r\n",
     WEIR_E_PROTOCOL, 0, 0},
    {"HTTP/1.1 206 x\r\nx-amz-mp-parts-count: 2\r\nConnection: close\r\n\r\n", WEIR_E_PROTOCOL,
     0, 0},
    {"HTTP/1.1 404 x\r\nContent-Length: 5\r\n\r\n", WEIR_E_NOT_FOUND, 0, 0},
};

START_TEST(part_size_is_that_of_part_1)
{
    uint64_t bytes = 0;
    uint32_t count = 0;
    server.reply[0] = part_sizes[_i].reply;
    begin();
    (void)t->ops->part_size(t, "k", &bytes, &count, &err);
    end();
    ck_assert_msg(err.code == part_sizes[_i].code, "%s", err.frame[0]);
    ck_assert_uint_eq(bytes, part_sizes[_i].bytes);
    ck_assert_uint_eq(count, part_sizes[_i].count);
    ck_assert(begins(0, "HEAD /bucket/pre/k?partNumber=1 HTTP/1.1\r\n"));
}
END_TEST

struct sunk {
    char data[64];
    size_t bytes;
    int rc;
};

static int
sink(void *ctx, const void *data, size_t bytes)
{
    struct sunk *s = ctx;
    ck_assert_uint_le(bytes, sizeof(s->data) - 1 - s->bytes);
    memcpy(s->data + s->bytes, data, bytes);
    s->bytes += bytes;
    return s->rc;
}

static const struct {
    const char *what, *reply, *range;
    uint64_t offset, bytes;
    int sink_rc;
    enum weir_code code;
    const char *got;
} gets[] = {
    {"whole", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "", 0, UINT64_MAX, 0,
     WEIR_OK, "hello"},
    {"whole and empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 0, UINT64_MAX, 0,
     WEIR_OK, ""},
    {"a range", "HTTP/1.1 206 P\r\nContent-Range: bytes 1-3/5\r\nContent-Length: 3\r\n\r\nell",
     "bytes=1-3", 1, 3, 0, WEIR_OK, "ell"},
    {"to the end",
     "HTTP/1.1 206 P\r\nContent-Range: bytes 3-4/5\r\nContent-Length: 2\r\n\r\nlo", "bytes=3-",
     3, UINT64_MAX, 0, WEIR_OK, "lo"},
    {"range from 0 answered with exactly all",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "bytes=0-4", 0, 5, 0, WEIR_OK,
     "hello"},
    {"range ignored", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "bytes=1-3", 1, 3, 0,
     WEIR_E_PROTOCOL, ""},
    {"range from 0 ignored", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "bytes=0-2",
     0, 3, 0, WEIR_E_PROTOCOL, ""},
    {"another range",
     "HTTP/1.1 206 P\r\nContent-Range: bytes 2-4/5\r\nContent-Length: 3\r\n\r\nllo",
     "bytes=1-3", 1, 3, 0, WEIR_E_PROTOCOL, ""},
    {"a shorter range",
     "HTTP/1.1 206 P\r\nContent-Range: bytes 1-2/3\r\nContent-Length: 2\r\n\r\nel", "bytes=1-3",
     1, 3, 0, WEIR_E_PROTOCOL, ""},
    {"no Content-Range", "HTTP/1.1 206 P\r\nContent-Length: 3\r\n\r\nell", "bytes=1-3", 1, 3, 0,
     WEIR_E_PROTOCOL, ""},
    {"more bytes than the range",
     "HTTP/1.1 206 P\r\nContent-Range: bytes 1-3/9\r\nContent-Length: 4\r\n\r\nellX",
     "bytes=1-3", 1, 3, 0, WEIR_E_PROTOCOL, ""},
    {"cut short",
     "HTTP/1.1 206 P\r\nContent-Range: bytes 1-3/5\r\nContent-Length: 3\r\nConnection: "
     "close\r\n"
     "\r\nel",
     "bytes=1-3", 1, 3, 0, WEIR_E_NETWORK, "el"},
    {"cut short without a length",
     "HTTP/1.1 206 P\r\nContent-Range: bytes 1-3/5\r\nConnection: close\r\n\r\nel", "bytes=1-3",
     1, 3, 0, WEIR_E_PROTOCOL, "el"},
    {"empty instead of a range",
     "HTTP/1.1 206 P\r\nContent-Range: bytes 1-3/5\r\nContent-Length: 0\r\n\r\n", "bytes=1-3",
     1, 3, 0, WEIR_E_PROTOCOL, ""},
    {"beyond the end",
     "HTTP/1.1 416 x\r\nContent-Length: *\r\n\r\n<Error><Code>InvalidRange</Code></Error>",
     "bytes=9-9", 9, 1, 0, WEIR_E_PROTOCOL, ""},
    {"the reader stops", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "", 0, UINT64_MAX,
     1, WEIR_E_CANCELLED, "hello"},
    {"missing",
     "HTTP/1.1 404 x\r\nContent-Length: *\r\n\r\n<Error><Code>NoSuchKey</Code></Error>", "", 0,
     UINT64_MAX, 0, WEIR_E_NOT_FOUND, ""},
};

START_TEST(get_answered)
{
    struct sunk s = {.rc = gets[_i].sink_rc};
    server.reply[0] = gets[_i].reply;
    begin();
    int rc = t->ops->get(t, "k", gets[_i].offset, gets[_i].bytes, sink, &s, &err);
    end();
    ck_assert_msg(err.code == gets[_i].code, "%s: %s %s", gets[_i].what,
                  weir_err_name(err.code), err.frame[0]);
    ck_assert_int_eq(rc, gets[_i].code == WEIR_OK ? 0 : -1);
    ck_assert_str_eq(s.data, gets[_i].got);
    ck_assert_str_eq(header(0, "range"), gets[_i].range);
}
END_TEST

START_TEST(remove_of_what_is_gone_is_success)
{
    server.reply[0] = "HTTP/1.1 204 No Content\r\n\r\n";
    server.reply[1] =
        "HTTP/1.1 404 x\r\nContent-Length: *\r\n\r\n<Error><Code>NoSuchKey</Code></Error>";
    server.reply[2] =
        "HTTP/1.1 404 x\r\nContent-Length: *\r\n\r\n<Error><Code>NoSuchBucket</Code></Error>";
    begin();
    ck_assert_int_eq(t->ops->remove(t, "k", &err), 0);
    ck_assert_int_eq(t->ops->remove(t, "k", &err), 0);
    ck_assert_int_eq(err.code, WEIR_OK);
    ck_assert_int_eq(t->ops->remove(t, "k", &err), -1);
    end();
    ck_assert(begins(0, "DELETE /bucket/pre/k HTTP/1.1\r\n"));
    ck_assert_int_eq(err.code, WEIR_E_NOT_FOUND);
    ck_assert_int_eq(err.scope, WEIR_SCOPE_RUN);
}
END_TEST

static int
no_object(void *ctx, const struct weir_listed *o)
{
    (void)ctx, (void)o;
    return 0;
}

START_TEST(query_is_encoded_and_sorted)
{
    static const char page[] =
        "HTTP/1.1 200 OK\r\nContent-Length: *\r\n\r\n<ListBucketResult><EncodingType>url"
        "</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>a/ +&amp;"
        "</NextContinuationToken></ListBucketResult>";
    server.reply[0] = server.reply[1] = page;
    begin();
    ck_assert_int_eq(t->ops->list(t, "x/+", "x/ y", no_object, NULL, &err), -1);
    end();
    ck_assert(begins(0, "GET /bucket?encoding-type=url&list-type=2&max-keys=1000&prefix=pre%2F"
                        "x%2F%2B&start-after=pre%2Fx%2F%20y HTTP/1.1\r\n"));
    ck_assert(begins(1, "GET /bucket?continuation-token=a%2F%20%2B%26&encoding-type=url&"
                        "list-type=2&max-keys=1000&prefix=pre%2Fx%2F%2B HTTP/1.1\r\n"));
    /* the same token again: an endless listing */
    ck_assert_int_eq(err.code, WEIR_E_PROTOCOL);
    ck_assert(says("goes on where it was before"));
    ck_assert_int_eq(server.requests, 2);
}
END_TEST

static int
count_uploads(void *ctx, const char *key, const char *id, int64_t initiated_s)
{
    (void)initiated_s;
    ck_assert_str_eq(key, "x\x01y");
    ck_assert_str_eq(id, "u");
    ++*(int *)ctx;
    return 0;
}

START_TEST(uploads_are_asked_for_encoded_only_where_xml_fails)
{
    int seen = 0;
    server.reply[0] =
        "HTTP/1.1 200 OK\r\nContent-Length: *\r\n\r\n<ListMultipartUploadsResult>"
        "<IsTruncated>false</IsTruncated><Upload><Key>pre/x&#x01;y</Key><UploadId>u"
        "</UploadId></Upload></ListMultipartUploadsResult>";
    server.reply[1] = "HTTP/1.1 200 OK\r\nContent-Length: *\r\n\r\n<ListMultipartUploadsResult>"
                      "<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Upload>"
                      "<Key>pre/x%01y</Key><UploadId>u</UploadId></Upload>"
                      "</ListMultipartUploadsResult>";
    begin();
    ck_assert_int_eq(t->ops->list_uploads(t, "", count_uploads, &seen, &err), 0);
    end();
    ck_assert_int_eq(seen, 1);
    ck_assert(begins(0, "GET /bucket?max-uploads=1000&prefix=pre%2F&uploads HTTP/1.1\r\n"));
    ck_assert(begins(1, "GET /bucket?encoding-type=url&max-uploads=1000&prefix=pre%2F&uploads "
                        "HTTP/1.1\r\n"));
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("s3_read");
    tcase_add_test(tc, query_is_encoded_and_sorted);
    tcase_add_test(tc, head_reads_everything);
    tcase_add_test(tc, head_gives_the_checksums_of_others);
    tcase_add_loop_test(tc, part_size_is_that_of_part_1, 0, COUNT(part_sizes));
    tcase_add_loop_test(tc, get_answered, 0, COUNT(gets));
    tcase_add_test(tc, uploads_are_asked_for_encoded_only_where_xml_fails);
    tcase_add_test(tc, remove_of_what_is_gone_is_success);
    return run("s3_read", tc);
}
