/* s3: DeleteObjects on the wire: the list, what each key is told, and stores without it. */
#include "s3_store.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: *\r\n\r\n"
#define GONE "HTTP/1.1 204 No Content\r\n\r\n"
#define DELETED(key) "<Deleted><Key>" key "</Key></Deleted>"
#define RESULT(inside) "<DeleteResult>" inside "</DeleteResult>"

enum { KEYS = 4 };

static struct told {
    unsigned count;
    char fate[KEYS + 1]; /* '.' gone, '-' not told, or the first letter of a code */
    char version[KEYS][16];
    struct weir_err why[KEYS];
} told;

static void
on_removed(void *ctx, size_t index, const char *version, const struct weir_err *why)
{
    struct told *w = ctx;
    ck_assert_uint_lt(index, KEYS);
    ck_assert_int_eq(w->fate[index], '-');
    w->fate[index] = why == NULL ? '.' : weir_err_name(why->code)[0];
    if (why != NULL)
        w->why[index] = *why;
    (void)snprintf(w->version[index], sizeof(w->version[0]), "%s", version);
    w->count++;
}

static int
remove_keys(const char *const *keys, size_t count)
{
    memset(&told, 0, sizeof(told));
    memset(told.fate, '-', KEYS);
    weir_err_clear(&err);
    return t->ops->remove_many(t, keys, count, on_removed, &told, &err);
}

static const char *const abc[] = {"a", "b", "c"};

START_TEST(batch_on_the_wire)
{
    static const char *const keys[] = {"a&b<c>", "\xc3\xbc \"q\"", "x\ry"};
    server.reply[0] = OK RESULT("<Deleted><Key>pre/x&#13;y</Key><DeleteMarker>true"
                                "</DeleteMarker><DeleteMarkerVersionId>m9"
                                "</DeleteMarkerVersionId></Deleted>" /* in another order */
                                DELETED("pre/a&amp;b&lt;c&gt;") DELETED("pre/\xc3\xbc \"q\""));
    begin();
    ck_assert_msg(remove_keys(keys, 3) == 0, "%s", err.frame[0]);
    end();
    static const char body[] = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                               "<Object><Key>pre/a&amp;b&lt;c&gt;</Key></Object>"
                               "<Object><Key>pre/\xc3\xbc &quot;q&quot;</Key></Object>"
                               "<Object><Key>pre/x&#13;y</Key></Object></Delete>";
    char crc[13];
    weir_crc64nvme_base64(weir_crc64nvme(0, body, sizeof(body) - 1), crc);
    ck_assert(begins(0, "POST /bucket?delete HTTP/1.1\r\n"));
    ck_assert_str_eq(strstr(server.request[0], "\r\n\r\n") + 4, body);
    ck_assert_str_eq(header(0, "x-amz-checksum-crc64nvme"), crc);
    ck_assert_str_eq(header(0, "x-amz-sdk-checksum-algorithm"), "CRC64NVME");
    ck_assert_str_eq(header(0, "content-md5"), "gYs2pRB9b/ahV8SSdxcxJg==");
    ck_assert_str_eq(header(0, "content-type"), "application/xml");
    ck_assert_str_eq(told.fate, "...-");
    ck_assert_str_eq(told.version[2], "m9");
    ck_assert_str_eq(told.version[0], "");
    ck_assert_uint_eq(counters.bytes_sent, 0); /* no bytes of objects */
}
END_TEST

START_TEST(errors_of_single_keys)
{
    server.reply[0] = OK RESULT(
        "<Error><Key>pre/a</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
        "<Error><Key>pre/b</Key><Code>SlowDown</Code></Error>"
        "<Error><Key>pre/c</Key><Code>InternalError</Code><VersionId/></Error>"
        "<Error><Key>pre/d</Key><Code>NoSuchKey</Code></Error>");
    static const char *const keys[] = {"a", "b", "c", "d"};
    begin();
    ck_assert_int_eq(remove_keys(keys, 4), 0);
    end();
    ck_assert_str_eq(told.fate, "ats."); /* one that is not there is gone */
    ck_assert(!told.why[0].retryable);
    ck_assert(told.why[1].retryable);
    ck_assert(told.why[2].retryable);
    ck_assert_str_eq(told.why[0].s3_code, "AccessDenied");
    ck_assert_uint_eq(counters.throttled, 1);
    err = told.why[0];
    ck_assert_msg(says("DeleteObjects s3://bucket/pre/a at") && says("AccessDenied: no"), "%s",
                  err.frame[0]);
}
END_TEST

/* What the store did not tell stays untold, and the call fails. */
static const struct {
    struct answer answer;
    const char *fate;
} batches[] = {
    {{"all", OK RESULT(DELETED("pre/a") DELETED("pre/b") DELETED("pre/c")), WEIR_OK, false,
      false, ""},
     "...-"},
    {{"one is missing", OK RESULT(DELETED("pre/a") DELETED("pre/c")), WEIR_E_PROTOCOL, false,
      true, "not tell of every key"},
     ".-.-"},
    {{"a key that nobody named", OK RESULT(DELETED("pre/a") DELETED("pre/x") DELETED("pre/c")),
      WEIR_E_PROTOCOL, false, true, "not asked for"},
     ".---"},
    {{"outside of the prefix", OK RESULT(DELETED("a")), WEIR_E_PROTOCOL, false, true, ""},
     "----"},
    {{"told twice", OK RESULT(DELETED("pre/a") DELETED("pre/a")), WEIR_E_PROTOCOL, false, true,
      "told before"},
     ".---"},
    {{"no key", OK RESULT("<Deleted/>"), WEIR_E_PROTOCOL, false, true, ""}, "----"},
    {{"no code", OK RESULT("<Error><Key>pre/a</Key></Error>"), WEIR_E_PROTOCOL, false, true,
      ""},
     "----"},
    {{"quiet", OK RESULT(""), WEIR_E_PROTOCOL, false, true, "not tell of every key"}, "----"},
    {{"cut", OK "<DeleteResult>" DELETED("pre/a") "<Deleted><Ke", WEIR_E_PROTOCOL, false, true,
      ""},
     ".---"},
    {{"empty", OK, WEIR_E_PROTOCOL, false, true, "neither"}, "----"},
    {{"page", OK "<html/>", WEIR_E_PROTOCOL, false, true, "neither"}, "----"},
    {{"error inside of 200", OK "<Error><Code>SlowDown</Code></Error>", WEIR_E_THROTTLED, true,
      false, "SlowDown"},
     "----"},
    {{"503", "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", WEIR_E_THROTTLED, true, true, ""},
     "----"},
    {{"closed", "", WEIR_E_NETWORK, true, true, ""}, "----"},
    {{"refused", "HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n", WEIR_E_ACCESS, false, false,
      ""},
     "----"},
};

START_TEST(batch_answered)
{
    const struct answer *a = &batches[_i].answer;
    server.reply[0] = a->reply;
    begin();
    int rc = remove_keys(abc, 3);
    end();
    ck_assert_msg(err.code == a->code, "%s: %s %s", a->what, weir_err_name(err.code),
                  err.frame[0]);
    ck_assert_msg(err.retryable == a->retryable, "%s", a->what);
    ck_assert_msg(err.outcome_unknown == a->unknown, "%s", a->what);
    ck_assert_msg(says(a->says), "%s: %s", a->what, err.frame[0]);
    ck_assert_int_eq(rc, a->code == WEIR_OK ? 0 : -1);
    ck_assert_msg(strcmp(told.fate, batches[_i].fate) == 0, "%s: %s", a->what, told.fate);
    ck_assert_int_eq(server.requests, 1);
}
END_TEST

static const char *const unknown[] = {
    "HTTP/1.1 501 x\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 405 x\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 400 x\r\nContent-Length: *\r\n\r\n<Error><Code>NotImplemented</Code></Error>",
    "HTTP/1.1 403 x\r\nContent-Length: *\r\n\r\n<Error><Code>MethodNotAllowed</Code></Error>",
};

START_TEST(stores_without_batches)
{
    server.reply[0] = unknown[_i];
    server.reply[1] = "HTTP/1.1 204 x\r\nx-amz-version-id: v1\r\n\r\n";
    server.reply[2] = "HTTP/1.1 403 x\r\nContent-Length: *\r\n\r\n"
                      "<Error><Code>AccessDenied</Code></Error>";
    server.reply[3] = "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n";
    server.reply[4] = GONE;
    begin();
    ck_assert_msg(remove_keys(abc, 3) == 0, "%s", err.frame[0]);
    ck_assert_str_eq(told.fate, ".a.-");
    ck_assert_str_eq(told.version[0], "v1");
    ck_assert_int_eq(remove_keys(abc, 1), 0); /* known by now */
    end();
    ck_assert_int_eq(server.requests, 5);
    ck_assert(begins(1, "DELETE /bucket/pre/a HTTP/1.1\r\n"));
    ck_assert(begins(4, "DELETE /bucket/pre/a HTTP/1.1\r\n"));
}
END_TEST

/* One by one, an error that is not about one key ends the call. */
START_TEST(singly_until_the_line_breaks)
{
    server.reply[0] = unknown[0];
    server.reply[1] = GONE;
    server.reply[2] = "";
    begin();
    ck_assert_int_eq(remove_keys(abc, 3), -1);
    ck_assert_int_eq(err.code, WEIR_E_NETWORK);
    ck_assert(err.retryable);
    ck_assert_str_eq(told.fate, ".---");
    end();
}
END_TEST

/* XML 1.0 cannot say U+FFFE and U+FFFF. */
START_TEST(keys_that_no_xml_can_carry)
{
    static const char *const keys[] = {"a\xef\xbf\xbe", "b", "c\xef\xbf\xbf"};
    server.reply[0] = OK RESULT(DELETED("pre/b"));
    server.reply[1] = server.reply[2] = server.reply[3] = GONE;
    begin();
    ck_assert_int_eq(remove_keys(keys, 3), 0);
    ck_assert_str_eq(told.fate, "...-");
    ck_assert_int_eq(remove_keys(keys, 1), 0); /* no list that is empty is sent */
    end();
    ck_assert_int_eq(server.requests, 4);
    ck_assert(begins(1, "DELETE /bucket/pre/a%EF%BF%BE HTTP/1.1\r\n"));
    ck_assert(begins(2, "DELETE /bucket/pre/c%EF%BF%BF HTTP/1.1\r\n"));
}
END_TEST

START_TEST(nothing_to_remove)
{
    static const char *const empty[] = {"a", ""};
    begin();
    ck_assert_int_eq(remove_keys(NULL, 0), 0);
    ck_assert_int_eq(remove_keys(empty, 2), -1);
    ck_assert_int_eq(err.code, WEIR_E_LIMIT);
    ck_assert_int_eq(remove_keys(empty, 1001), -1);
    ck_assert_int_eq(err.code, WEIR_E_LIMIT);
    end();
    ck_assert_int_eq(server.requests, 0);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("s3_remove");
    tcase_add_test(tc, batch_on_the_wire);
    tcase_add_test(tc, errors_of_single_keys);
    tcase_add_loop_test(tc, batch_answered, 0, COUNT(batches));
    tcase_add_loop_test(tc, stores_without_batches, 0, COUNT(unknown));
    tcase_add_test(tc, singly_until_the_line_breaks);
    tcase_add_test(tc, keys_that_no_xml_can_carry);
    tcase_add_test(tc, nothing_to_remove);
    return run("s3_remove", tc);
}
