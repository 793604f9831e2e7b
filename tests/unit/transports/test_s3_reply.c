/* xml and reply: well-formed replies of several stores, and what hostile ones must not do. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/element.h"
#include "s3/page.h"
#include "s3/reply.h"
#include "s3/text.h"
#include "s3/xml.h"

/* ---- hostile XML ---- */

static int
count_elements(void *ctx, const char *path, const char *text, struct weir_err *err)
{
    (void)path, (void)text, (void)err;
    ++*(int *)ctx;
    return 0;
}

#define BILLION_LAUGHS                                                                         \
    "<!DOCTYPE lolz [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;&l;&l;&l;&l;&l;&l;&l;&l;\">"        \
    "<!ENTITY n \"&m;&m;&m;&m;&m;&m;&m;&m;&m;&m;\">]><a>&n;</a>"

static const char *const hostile[] = {
    "",
    " ",
    "<",
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "<a>&nbsp;</a>",
    "<a>\x01</a>",
    "<a>\xff</a>",
    "<a b=c/>",
    "<html><body>Bad Gateway<br></body></html>",
    "{\"error\": \"no XML at all\"}",
    "<!DOCTYPE a><a/>",
    "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
    BILLION_LAUGHS,
    "<a><b><c><d><e><f><g><h><i/></h></g></f></e></d></c></b></a>",
    "<a23456789012345678901234567890123456789012345678901234567890123456/>",
};

START_TEST(hostile_xml_is_refused)
{
    int seen = 0;
    struct weir_err err = WEIR_ERR_INIT;
    ck_assert_int_eq(
        weir_s3_xml_parse(hostile[_i], strlen(hostile[_i]), count_elements, &seen, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_PROTOCOL);
}
END_TEST

START_TEST(texts_and_depth_up_to_the_cap)
{
    int seen = 0;
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_s3_text t = {0};
    static const char deep[] = "<a><b><c><d><e><f><g><h/></g></f></e></d></c></b></a>";
    ck_assert_int_eq(weir_s3_xml_parse(deep, sizeof(deep) - 1, count_elements, &seen, &err), 0);
    ck_assert_int_eq(seen, 8);
    for (int over = 0; over < 2; over++) {
        weir_s3_text_reset(&t);
        weir_s3_text_add(&t, "<a>");
        for (int i = 0; i < WEIR_S3_XML_TEXT_MAX + over; i++)
            weir_s3_text_char(&t, 'x');
        weir_s3_text_add(&t, "</a>");
        ck_assert_int_eq(weir_s3_xml_parse(t.data, t.used, count_elements, &seen, &err), -over);
    }
    ck_assert_int_eq(err.code, WEIR_E_PROTOCOL);
    weir_s3_text_free(&t);
}
END_TEST

/* ---- the replies ---- */

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

START_TEST(error_reply)
{
    static const char aws[] =
        XML "<Error><Code>AuthorizationHeaderMalformed</Code><Message>wrong; expecting "
            "'eu-west-1'</Message><Region>eu-west-1</Region><RequestId>R1</RequestId>"
            "<HostId>H</HostId></Error>";
    struct weir_s3_error_reply e;
    struct weir_err err = WEIR_ERR_INIT;
    ck_assert_int_eq(weir_s3_reply_error(aws, sizeof(aws) - 1, &e, &err), 0);
    ck_assert_str_eq(e.code, "AuthorizationHeaderMalformed");
    ck_assert_str_eq(e.region, "eu-west-1");
    ck_assert_str_eq(e.request_id, "R1");
    static const char no_code[] = "<Error><Message>m</Message></Error>";
    ck_assert_int_eq(weir_s3_reply_error(no_code, sizeof(no_code) - 1, &e, &err), -1);
    static const char other[] = "<Oops><Code>x</Code></Oops>";
    weir_err_clear(&err);
    ck_assert_int_eq(weir_s3_reply_error(other, sizeof(other) - 1, &e, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_PROTOCOL);
}
END_TEST

START_TEST(initiate_reply)
{
    char id[WEIR_UPLOAD_ID_BYTES] = "untouched";
    struct weir_err err = WEIR_ERR_INIT;
    static const char good[] = XML "<InitiateMultipartUploadResult" NS "><Bucket>b</Bucket>"
                                   "<Key>k</Key><UploadId>2~a&amp;b</UploadId>"
                                   "</InitiateMultipartUploadResult>";
    ck_assert_int_eq(weir_s3_reply_initiate(good, sizeof(good) - 1, id, &err), 0);
    ck_assert_str_eq(id, "2~a&b");
    static const char none[] = "<InitiateMultipartUploadResult/>";
    ck_assert_int_eq(weir_s3_reply_initiate(none, sizeof(none) - 1, id, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_PROTOCOL);
    struct weir_s3_text t = {0};
    weir_s3_text_add(&t, "<InitiateMultipartUploadResult><UploadId>");
    for (int i = 0; i < WEIR_UPLOAD_ID_BYTES; i++)
        weir_s3_text_char(&t, 'u');
    weir_s3_text_add(&t, "</UploadId></InitiateMultipartUploadResult>");
    ck_assert_int_eq(weir_s3_reply_initiate(t.data, t.used, id, NULL), -1);
    ck_assert_str_eq(id, "2~a&b");
    weir_s3_text_free(&t);
}
END_TEST

START_TEST(complete_reply)
{
    struct weir_s3_complete_reply c;
    struct weir_err err = WEIR_ERR_INIT;
    static const char good[] =
        XML "<CompleteMultipartUploadResult" NS "><Location>l</Location><ETag>&quot;abc-2&quot;"
            "</ETag><ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME>"
            "<ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>";
    ck_assert_int_eq(weir_s3_reply_complete(good, sizeof(good) - 1, &c, &err), 0);
    ck_assert_str_eq(c.etag, "abc-2");
    ck_assert_str_eq(c.crc64nvme, "rosUhgp5mIg=");
    ck_assert_str_eq(c.checksum_type, "FULL_OBJECT");
    static const char error[] = "<Error><Code>InternalError</Code></Error>";
    ck_assert_int_eq(weir_s3_reply_complete(error, sizeof(error) - 1, &c, &err), -1);
    for (size_t n = 0; n < sizeof(good) - 1; n++) /* cut short at every byte */
        ck_assert_int_eq(weir_s3_reply_complete(good, n, &c, NULL), -1);
}
END_TEST

static const struct {
    const char *in, *out; /* out == NULL: refused */
} etags[] = {
    {"\"abc\"", "abc"}, {"abc", "abc"}, {"&quot;abc&quot;", "abc"},
    {"", ""},           {"\"\"", ""},   {"\"", NULL},
    {"a\"b", NULL},     {"a b", NULL},  {"a\r\nX: y", NULL},
    {"\x80", NULL},
};

START_TEST(etag_without_quotes)
{
    char etag[WEIR_ETAG_BYTES];
    ck_assert_int_eq(weir_s3_element_strip(etags[_i].in, etag), etags[_i].out == NULL ? -1 : 0);
    if (etags[_i].out != NULL)
        ck_assert_str_eq(etag, etags[_i].out);
    char long_etag[WEIR_ETAG_BYTES + 1];
    memset(long_etag, 'e', WEIR_ETAG_BYTES);
    long_etag[WEIR_ETAG_BYTES] = '\0';
    ck_assert_int_eq(weir_s3_element_strip(long_etag, etag), -1);
    ck_assert_int_eq(weir_s3_element_strip(long_etag + 1, etag), 0);
}
END_TEST

/* ---- listings ---- */

struct got {
    char text[2048];
    int stop_after; /* 0: never */
    int count;
};

static int
add(struct got *g, const char *a, uint64_t n, const char *b)
{
    size_t used = strlen(g->text);
    (void)snprintf(g->text + used, sizeof(g->text) - used, "%s %" PRIu64 " %s\n", a, n, b);
    return ++g->count == g->stop_after;
}

static int
on_object(void *ctx, const struct weir_listed *o)
{
    return add(ctx, o->key, o->bytes, o->etag);
}

static int
on_part(void *ctx, const struct weir_part *p)
{
    char checksum[192];
    (void)snprintf(checksum, sizeof(checksum), "%s %d %016" PRIx64, p->etag, p->has_crc64nvme,
                   p->has_crc64nvme ? p->crc64nvme : 0);
    return add(ctx, checksum, p->number, "");
}

static int
on_upload(void *ctx, const char *key, const char *id, int64_t initiated_s)
{
    return add(ctx, key, (uint64_t)initiated_s, id);
}

#define OBJECT(key, size)                                                                      \
    "<Contents><Key>" key "</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified><ETag>"  \
    "&quot;e&quot;</ETag><Size>" size                                                          \
    "</Size><StorageClass>STANDARD</StorageClass></Contents>"
#define LIST(inner) XML "<ListBucketResult" NS ">" inner "</ListBucketResult>"
#define ENCODED "<EncodingType>url</EncodingType>"
#define LAST "<IsTruncated>false</IsTruncated>"

static const struct {
    const char *what, *xml, *got, *token; /* got == NULL: refused */
    bool truncated;
} lists[] = {
    {"empty", LIST(LAST), "", "", false},
    {"encoded keys", LIST(ENCODED LAST OBJECT("p%2Fa%20b%2Bc%253D", "7") OBJECT("p/a+b", "0")),
     "a b+c%3D 7 e\na b 0 e\n", "", false},
    {"encoding told at the end", LIST(LAST OBJECT("p/a+b", "7") ENCODED), "a b 7 e\n", "",
     false},
    {"not encoded", LIST("<EncodingType></EncodingType>" LAST OBJECT("p/a+b%3D", "7")),
     "a+b%3D 7 e\n", "", false},
    {"more to come",
     LIST(ENCODED "<IsTruncated>true</IsTruncated><NextContinuationToken>p/a b&amp;+%2B"
                  "</NextContinuationToken>" OBJECT("p/a", "7")),
     "a 7 e\n", "p/a b&+%2B", true},
    {"the prefix itself is passed over", LIST(ENCODED LAST OBJECT("p/", "0")), "", "", false},
    {"size at the limit", LIST(LAST OBJECT("p/a", "9223372036854775807")),
     "a 9223372036854775807 e\n", "", false},
    {"outside of the prefix", LIST(ENCODED LAST OBJECT("q/a", "7")), NULL, NULL, false},
    {"shorter than the prefix", LIST(ENCODED LAST OBJECT("p", "7")), NULL, NULL, false},
    {"broken escape", LIST(ENCODED LAST OBJECT("p/%4", "7")), NULL, NULL, false},
    {"NUL in a key", LIST(ENCODED LAST OBJECT("p/a%00b", "7")), NULL, NULL, false},
    {"size over the limit", LIST(LAST OBJECT("p/a", "9223372036854775808")), NULL, NULL, false},
    {"size is no number", LIST(LAST OBJECT("p/a", "-1")), NULL, NULL, false},
    {"no size", LIST(LAST "<Contents><Key>p/a</Key></Contents>"), NULL, NULL, false},
    {"no key", LIST(LAST "<Contents><Size>1</Size></Contents>"), NULL, NULL, false},
    {"IsTruncated is neither", LIST("<IsTruncated>maybe</IsTruncated>"), NULL, NULL, false},
    {"no IsTruncated", LIST(OBJECT("p/a", "7")), NULL, NULL, false},
    {"another root", XML "<ListAllMyBucketsResult>" LAST "</ListAllMyBucketsResult>", NULL,
     NULL, false},
    {"a root that begins alike", XML "<ListBucketResults>" LAST "</ListBucketResults>", NULL,
     NULL, false},
};

START_TEST(list_objects)
{
    static struct weir_s3_page page;
    struct got got = {.text = ""};
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_s3_scope scope = {"p/", 2};
    int rc = weir_s3_page_objects(lists[_i].xml, strlen(lists[_i].xml), &scope, on_object, &got,
                                  &page, &err);
    ck_assert_msg(rc == (lists[_i].got == NULL ? -1 : 0), "%s", lists[_i].what);
    if (rc != 0) {
        ck_assert_int_eq(err.code, WEIR_E_PROTOCOL);
        return;
    }
    ck_assert_str_eq(got.text, lists[_i].got);
    ck_assert_str_eq(page.token, lists[_i].token);
    ck_assert_int_eq(page.truncated, lists[_i].truncated);
}
END_TEST

START_TEST(scope_is_wider_than_what_is_stripped)
{
    static struct weir_s3_page page;
    static const char xml[] = LIST(LAST OBJECT("p/a/1", "7") OBJECT("p/a2", "8"));
    struct got got = {.text = ""};
    struct weir_s3_scope scope = {"p/a", 2};
    ck_assert_int_eq(
        weir_s3_page_objects(xml, sizeof(xml) - 1, &scope, on_object, &got, &page, NULL), 0);
    ck_assert_str_eq(got.text, "a/1 7 e\na2 8 e\n");
}
END_TEST

START_TEST(a_callback_stops_the_listing)
{
    static struct weir_s3_page page;
    static const char xml[] = LIST(OBJECT("p/a", "7") OBJECT("p/b", "8") "<oops");
    struct got got = {"", 1, 0};
    struct weir_s3_scope scope = {"p/", 2};
    ck_assert_int_eq(
        weir_s3_page_objects(xml, sizeof(xml) - 1, &scope, on_object, &got, &page, NULL), 0);
    ck_assert_str_eq(got.text, "a 7 e\n");
    ck_assert(page.stopped);
}
END_TEST

START_TEST(list_cut_short_at_every_byte_is_refused)
{
    static struct weir_s3_page page;
    static const char xml[] = LIST(ENCODED LAST OBJECT("p/a%20b", "7") OBJECT("p/c", "8"));
    struct weir_s3_scope scope = {"p/", 2};
    for (size_t n = 0; n < sizeof(xml) - 1; n++) {
        struct got got = {.text = ""};
        char *exact = malloc(n + 1); /* so that reading past the end is found */
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, xml, n);
        ck_assert_int_eq(weir_s3_page_objects(exact, n, &scope, on_object, &got, &page, NULL),
                         -1);
        free(exact);
    }
}
END_TEST

#define PART(number, size, more)                                                               \
    "<Part><PartNumber>" number "</PartNumber><ETag>\"e" number "\"</ETag><Size>" size         \
    "</Size>" more "</Part>"

START_TEST(list_parts)
{
    static struct weir_s3_page page;
    struct got got = {.text = ""};
    struct weir_err err = WEIR_ERR_INIT;
    static const char xml[] =
        "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>2"
        "</NextPartNumberMarker>" PART("1", "8388608",
                                       "<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME>")
            PART("2", "5", "<ChecksumCRC64NVME>AAAA</ChecksumCRC64NVME>") "</ListPartsResult>";
    ck_assert_int_eq(weir_s3_page_parts(xml, sizeof(xml) - 1, on_part, &got, &page, &err), 0);
    ck_assert_str_eq(got.text, "e1 1 ae8b14860a799888 1 \ne2 0 0000000000000000 2 \n");
    ck_assert_str_eq(page.token, "2");
    ck_assert(page.truncated);
    static const char *const wrong[] = {
        "<ListPartsResult>" LAST "<Part><Size>1</Size></Part></ListPartsResult>",
        "<ListPartsResult>" LAST "<Part><PartNumber>1</PartNumber></Part></ListPartsResult>",
        "<ListPartsResult>" LAST PART("4294967296", "1", "") "</ListPartsResult>",
        "<ListPartsResult>" LAST PART("x", "1", "") "</ListPartsResult>",
        "<ListPartsResult/>",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_int_eq(
            weir_s3_page_parts(wrong[i], strlen(wrong[i]), on_part, &got, &page, NULL), -1);
}
END_TEST

START_TEST(list_uploads)
{
    static struct weir_s3_page page;
    struct got got = {.text = ""};
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_s3_scope scope = {"p/", 2};
    static const char xml[] =
        "<ListMultipartUploadsResult>" ENCODED "<IsTruncated>true</IsTruncated>"
        "<NextKeyMarker>p%2Fb+</NextKeyMarker><NextUploadIdMarker>u2</NextUploadIdMarker>"
        "<Upload><Key>p%2Fa</Key><UploadId>u1</UploadId><Initiator><ID>i</ID></Initiator>"
        "<Initiated>2013-05-24T00:00:00.000Z</Initiated></Upload>"
        "<Upload><Key>p/b+</Key><UploadId>u2</UploadId></Upload>"
        "</ListMultipartUploadsResult>";
    ck_assert_int_eq(
        weir_s3_page_uploads(xml, sizeof(xml) - 1, &scope, on_upload, &got, &page, &err), 0);
    ck_assert_str_eq(got.text, "a 1369353600 u1\nb  0 u2\n");
    ck_assert_str_eq(page.token, "p/b ");
    ck_assert_str_eq(page.upload_marker, "u2");
    static const char *const wrong[] = {
        "<ListMultipartUploadsResult>" LAST "<Upload><Key>p/a</Key></Upload>"
        "</ListMultipartUploadsResult>",
        "<ListMultipartUploadsResult>" LAST "<Upload><UploadId>u</UploadId></Upload>"
        "</ListMultipartUploadsResult>",
        "<ListMultipartUploadsResult>" LAST
        "<Upload><Key>x</Key><UploadId>u</UploadId></Upload>"
        "</ListMultipartUploadsResult>",
        "<ListMultipartUploadsResult>" ENCODED LAST "<NextKeyMarker>%</NextKeyMarker>"
        "</ListMultipartUploadsResult>",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_int_eq(weir_s3_page_uploads(wrong[i], strlen(wrong[i]), &scope, on_upload,
                                              &got, &page, NULL),
                         -1);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
    Suite *s = suite_create("s3_reply");
    TCase *tc = tcase_create("reply");
    tcase_add_loop_test(tc, hostile_xml_is_refused, 0, COUNT(hostile));
    tcase_add_test(tc, texts_and_depth_up_to_the_cap);
    tcase_add_test(tc, error_reply);
    tcase_add_test(tc, initiate_reply);
    tcase_add_test(tc, complete_reply);
    tcase_add_loop_test(tc, etag_without_quotes, 0, COUNT(etags));
    tcase_add_loop_test(tc, list_objects, 0, COUNT(lists));
    tcase_add_test(tc, scope_is_wider_than_what_is_stripped);
    tcase_add_test(tc, a_callback_stops_the_listing);
    tcase_add_test(tc, list_cut_short_at_every_byte_is_refused);
    tcase_add_test(tc, list_parts);
    tcase_add_test(tc, list_uploads);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
