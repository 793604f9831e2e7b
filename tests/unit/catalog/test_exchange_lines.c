/* exchange: lines made by hand, with a summary that fits: what each check of the import says.
 * They differ from good ones in one place. */
#include "exchange_support.h"

#define HEAD "{\"weir_catalog\":1,\"weir\":\"9\",\"passes\":7}\n"
#define FACT(name, value) "{\"fact\":\"" name "\",\"value\":\"" value "\"}\n"
#define DESTINATION FACT("destination", "s3://bucket/prefix")
#define ID "0123456789abcdef0123456789abcdef"
#define FACTS DESTINATION FACT("job", "lake-a") FACT("job_id", ID) FACT("root", "/lake/a")
#define START HEAD FACTS

#define ZEROS "00000000000000000000000000000000"
#define DIR_TAIL                                                                               \
    ",\"stat_digest\":\"" ZEROS "\",\"entries\":0,\"bytes\":\"18446744073709551615\"}\n"
#define DIR(path) "{\"dir\":\"" path "\"" DIR_TAIL
#define DIR_B64(path) "{\"dir_b64\":\"" path "\"" DIR_TAIL

#define STAT                                                                                   \
    "\"mtime\":[-5,999999999],\"ctime\":[\"9223372036854775807\",0],\"atime\":[0,0],"          \
    "\"mode\":33188,\"uid\":0,\"gid\":4294967295,\"nlink\":1,\"dev\":1,\"ino\":2,\"blocks\":8"
#define PROOFS "\"xxh128\":\"" ZEROS "\",\"crc64nvme\":\"AAAAAAAAAAA=\""
#define ENTRY_WITH(name, type, size, more)                                                     \
    "{\"name\":\"" name "\",\"type\":\"" type "\",\"proof\":\"verified\",\"size\":" size       \
    "," STAT "," PROOFS more "}\n"
#define ENTRY(name) ENTRY_WITH(name, "file", "5", "")
#define CHUNKED(size, more) ENTRY_WITH("f", "file", size, more)
#define TEXT_27 "abcdefghijklmnopqrstuvwxyz0"
#define TEXT_135 TEXT_27 TEXT_27 TEXT_27 TEXT_27 TEXT_27
#define GRAIN ",\"chunk_bytes\":1048576"
#define DIGEST "AAAAAAAAAAAAAAAAAAAAAA=="
#define DIGESTS_2 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define DIGESTS(base64) "{\"digests\":\"" base64 "\"}\n"

struct lines {
    const char *text;
    unsigned facts, dirs, entries, digests;
    const char *says; /* NULL: they are taken */
};

static const struct lines samples[] = {
    /* good ones */
    {START, 4, 0, 0, 0, NULL},
    {START DIR(""), 4, 1, 0, 0, NULL},
    {START DIR("") ENTRY("a") ENTRY("b") DIR("a") ENTRY("a") DIR("a/..."), 4, 3, 3, 0, NULL},
    {START DIR("a") ENTRY_WITH("", "directory", "0", ""), 4, 1, 1, 0, NULL},
    {START DIR("a") CHUNKED("1048577", GRAIN ",\"chunks\":2") DIGESTS(DIGESTS_2), 4, 1, 1, 2,
     NULL},
    {START DIR("a") CHUNKED("1048577", GRAIN ",\"chunks\":2") DIGESTS(DIGEST) DIGESTS(DIGEST),
     4, 1, 1, 2, NULL},
    {START DIR_B64("/w=="), 4, 1, 0, 0, NULL},
    {HEAD DESTINATION FACT("job", "lake-a") FACT("job_id", ID) FACT("p", "1")
         FACT("root", "/lake/a"),
     5, 0, 0, 0, NULL},
    /* JSON */
    {START "\n", 4, 0, 0, 0, "line 6 "},
    {START "{\n", 4, 0, 0, 0, "line 6 "},
    {START "[]\n", 4, 0, 0, 0, "line 6 of the import: not a JSON object"},
    {START "{} {}\n", 4, 0, 0, 0, "line 6 "},
    {START "{}\n", 4, 0, 0, 0, "line 6 of the import: nobody knows"},
    {START DIR("\xff"), 4, 1, 0, 0, "line 6 "},
    {START DIR("\\ud800"), 4, 1, 0, 0, "line 6 "},
    {START DIR("a\\u0000b"), 4, 1, 0, 0, "line 6 "},
    {START "{\"dir\":\"a\",\"dir\":\"b\"" DIR_TAIL, 4, 1, 0, 0, "duplicate"},
    /* header */
    {"", 0, 0, 0, 0, "line 1 of the import: this is not the export"},
    {FACTS, 4, 0, 0, 0, "line 1 of the import: this is not the export"},
    {"{\"weir_catalog\":2,\"new\":1}\n" FACTS, 4, 0, 0, 0, "has format 2, this weir reads 1"},
    {"{\"weir_catalog\":1,\"weir\":\"9\"}\n" FACTS, 4, 0, 0, 0,
     "\"passes\" is missing or wrong"},
    {"{\"weir_catalog\":1,\"weir\":\"9\",\"passes\":-1}\n" FACTS, 4, 0, 0, 0, "\"passes\""},
    {"{\"weir_catalog\":1,\"weir\":\"9\",\"passes\":9223372036854775807}\n" FACTS, 4, 0, 0, 0,
     "\"passes\""},
    {HEAD HEAD FACTS, 4, 0, 0, 0, "line 2 of the import: nobody knows"},
    /* facts */
    {HEAD, 0, 0, 0, 0, "do not say whose catalog"},
    {HEAD DIR("a"), 0, 1, 0, 0, "line 2 of the import: the facts before it"},
    {HEAD DESTINATION FACT("job", "lake-a") FACT("root", "/lake/a") DIR("a"), 3, 1, 0, 0,
     "line 5 of the import: the facts before it"},
    {HEAD DESTINATION FACT("job", "lake-b"), 2, 0, 0, 0,
     "job \"lake-b\", the manifest says \"lake-a\""},
    {HEAD DESTINATION FACT("job_id", "0123"), 2, 0, 0, 0,
     "line 3 of the import: this is not the id"},
    {HEAD DESTINATION FACT("job_id", "0123456789ABCDEF0123456789ABCDEF"), 2, 0, 0, 0,
     "not the id"},
    {HEAD DESTINATION DESTINATION, 2, 0, 0, 0,
     "line 3 of the import: the facts are not in order"},
    {HEAD FACT("job", "lake-a") DESTINATION, 2, 0, 0, 0, "the facts are not in order"},
    {HEAD FACT("", "x"), 1, 0, 0, 0, "a fact has a name"},
    {HEAD "{\"fact\":\"x\",\"value_b64\":\"YQBi\"}\n", 1, 0, 0, 0,
     "\"value\" is missing or wrong"},
    {START FACT("root_ino", "1"), 5, 0, 0, 0, "a fact about a machine"},
    {START DIR("a") FACT("x", "1"), 5, 1, 0, 0, "line 7 of the import: a fact behind"},
    {HEAD "{\"fact\":\"x\",\"value\":1}\n", 1, 0, 0, 0, "\"value\" is missing or wrong"},
    {HEAD "{\"fact\":\"x\",\"value\":\"1\",\"more\":1}\n", 1, 0, 0, 0, "does not belong there"},
    /* directories */
    {START DIR("/"), 4, 1, 0, 0, "not the path"},
    {START DIR("/a"), 4, 1, 0, 0, "not the path"},
    {START DIR("a/"), 4, 1, 0, 0, "not the path"},
    {START DIR("a//b"), 4, 1, 0, 0, "not the path"},
    {START DIR("."), 4, 1, 0, 0, "not the path"},
    {START DIR("a/.."), 4, 1, 0, 0, "not the path"},
    {START DIR("../a"), 4, 1, 0, 0, "not the path"},
    {START DIR("a/./b"), 4, 1, 0, 0, "not the path"},
    {START DIR("a") DIR("a"), 4, 2, 0, 0,
     "line 7 of the import: the directories are not in order"},
    {START DIR("b") DIR("a"), 4, 2, 0, 0, "the directories are not in order"},
    {START DIR("ab") DIR("a"), 4, 2, 0, 0, "the directories are not in order"},
    {START DIR("") DIR(""), 4, 2, 0, 0, "the directories are not in order"},
    {START DIR_B64("/w="), 4, 1, 0, 0, "\"dir\" is missing or wrong"},
    {START DIR_B64("/w"), 4, 1, 0, 0, "\"dir\""},
    {START DIR_B64("/x=="), 4, 1, 0, 0, "\"dir\""}, /* bits that count for nothing */
    {START DIR_B64("/w==\\n\\n\\n\\n"), 4, 1, 0, 0, "\"dir\""},
    {START DIR_B64("    "), 4, 1, 0, 0, "\"dir\""},
    {START DIR_B64("===="), 4, 1, 0, 0, "\"dir\""},
    {START DIR_B64("/w==/w=="), 4, 1, 0, 0, "\"dir\""},
    {START DIR_B64("YQBi"), 4, 1, 0, 0, "\"dir\""}, /* a NUL */
    {START "{\"dir\":\"a\",\"dir_b64\":\"/w==\"" DIR_TAIL, 4, 1, 0, 0, "\"dir\""},
    {START "{\"dir\":\"a\",\"sealed\":true,\"opened\":true" DIR_TAIL, 4, 1, 0, 0, "either"},
    {START "{\"dir\":\"a\",\"sealed\":false" DIR_TAIL, 4, 1, 0, 0, "\"sealed\""},
    {START "{\"dir\":\"a\",\"sealed\":1" DIR_TAIL, 4, 1, 0, 0, "\"sealed\""},
    {START "{\"dir\":\"a\",\"stat_digest\":\"" ZEROS "0\",\"entries\":0,\"bytes\":0}\n", 4, 1,
     0, 0, "\"stat_digest\""},
    {START "{\"dir\":\"a\",\"stat_digest\":\"0000000000000000000000000000000g\",\"entries\":0,"
           "\"bytes\":0}\n",
     4, 1, 0, 0, "\"stat_digest\""},
    {START "{\"dir\":\"a\",\"stat_digest\":\"" ZEROS "\",\"entries\":\"18446744073709551616\","
           "\"bytes\":0}\n",
     4, 1, 0, 0, "\"entries\""},
    {START "{\"dir\":\"a\",\"stat_digest\":\"" ZEROS "\",\"entries\":\"007\",\"bytes\":0}\n", 4,
     1, 0, 0, "\"entries\""},
    {START "{\"dir\":\"a\",\"stat_digest\":\"" ZEROS "\",\"entries\":1.0,\"bytes\":0}\n", 4, 1,
     0, 0, "\"entries\""},
    {START "{\"dir\":\"a\",\"stat_digest\":\"" ZEROS "\",\"entries\":9223372036854775808,"
           "\"bytes\":0}\n",
     4, 1, 0, 0, "line 6 "},
    /* entries */
    {START ENTRY("a"), 4, 0, 1, 0, "line 6 of the import: an entry before"},
    {START DIR("") ENTRY("."), 4, 1, 1, 0, "not the name"},
    {START DIR("") ENTRY(".."), 4, 1, 1, 0, "not the name"},
    {START DIR("") ENTRY("a/b"), 4, 1, 1, 0, "not the name"},
    {START DIR("") ENTRY(""), 4, 1, 1, 0, "not the name"},
    {START DIR("") ENTRY("b") ENTRY("b"), 4, 1, 2, 0,
     "line 8 of the import: the entries are not"},
    {START DIR("") ENTRY("b") ENTRY("a"), 4, 1, 2, 0, "the entries are not in order"},
    {START DIR("") ENTRY("b") ENTRY_WITH("", "directory", "0", ""), 4, 1, 2, 0, "not in order"},
    {START DIR("") ENTRY_WITH("a", "pipe", "5", ""), 4, 1, 1, 0, "\"type\""},
    {START DIR("") ENTRY_WITH("a", "file", "-5", ""), 4, 1, 1, 0, "\"size\""},
    {START DIR("") ENTRY_WITH("a", "file", "\"\"", ""), 4, 1, 1, 0, "\"size\""},
    {START DIR("") ENTRY_WITH("a", "file", "null", ""), 4, 1, 1, 0, "\"size\""},
    {START DIR("") ENTRY_WITH("a", "file", "5,\"x\":1", ""), 4, 1, 1, 0, "does not belong"},
    {START DIR("") ENTRY_WITH("a", "file", "5", ",\"gone_ns\":-1"), 4, 1, 1, 0, "\"gone_ns\""},
    {START DIR("") ENTRY_WITH("a", "file", "5", ",\"etag\":5"), 4, 1, 1, 0, "\"etag\""},
    {START DIR("") ENTRY_WITH("a", "file", "5", ",\"etag\":\"" TEXT_135 "\""), 4, 1, 1, 0,
     NULL},
    {START DIR("") ENTRY_WITH("a", "file", "5", ",\"etag\":\"" TEXT_135 "x\""), 4, 1, 1, 0,
     "line 7 of the import: no store gives"},
    {START DIR("") ENTRY_WITH("a", "file", "5", ",\"version\":\"" TEXT_135 "x\""), 4, 1, 1, 0,
     "line 7 of the import: no store gives"},
    {START DIR("") ENTRY_WITH("a", "file", "5", ",\"doubt\":1"), 4, 1, 1, 0, "\"doubt\""},
    {START DIR("") ENTRY_WITH("a", "file", "5", ",\"moved\":0"), 4, 1, 1, 0, "\"moved\""},
    {START DIR("") "{\"name\":\"a\"}\n", 4, 1, 1, 0, "\"type\" is missing or wrong"},
    /* digests */
    {START DIR("") DIGESTS(DIGEST), 4, 1, 0, 1, "digests without their entry"},
    {START DIR("") ENTRY("a") DIGESTS(DIGEST), 4, 1, 1, 1, "digests without their entry"},
    {START DIR("") CHUNKED("5", GRAIN ",\"chunks\":1") DIGESTS(DIGEST), 4, 1, 1, 1,
     "another number"},
    {START DIR("") CHUNKED("1048577", ",\"chunks\":2") DIGESTS(DIGESTS_2), 4, 1, 1, 2,
     "another number"},
    {START DIR("") CHUNKED("1048577", GRAIN ",\"chunks\":3") DIGESTS(DIGESTS_2), 4, 1, 1, 2,
     "another number"},
    {START DIR("") CHUNKED("\"18446744073709551615\"",
                           ",\"chunk_bytes\":\"9223372036854775809\",\"chunks\":1")
         DIGESTS(DIGEST),
     4, 1, 1, 1, "another number"},
    {START DIR("") CHUNKED("1099512676352", GRAIN ",\"chunks\":1048577"), 4, 1, 1, 0,
     "\"chunks\""},
    {START DIR("") CHUNKED("1048577", GRAIN ",\"chunks\":2"), 4, 1, 1, 0,
     "line 8 of the import: the entry before it lacks digests"},
    {START DIR("") CHUNKED("1048577", GRAIN ",\"chunks\":2") DIGESTS(DIGEST) ENTRY("g"), 4, 1,
     2, 1, "line 9 of the import: the entry before it lacks digests"},
    {START DIR("") CHUNKED("1048577", GRAIN ",\"chunks\":2") DIGESTS(DIGEST) DIGESTS(DIGESTS_2),
     4, 1, 1, 3, "line 9 of the import: more digests"},
    {START DIR("") CHUNKED("1048577", GRAIN ",\"chunks\":2") DIGESTS(""), 4, 1, 1, 0,
     "less than one"},
    {START DIR("") CHUNKED("1048577", GRAIN ",\"chunks\":2") DIGESTS("AAAA"), 4, 1, 1, 0,
     "digests"},
    {START DIR("") CHUNKED("1048577", GRAIN ",\"chunks\":2") "{\"digests\":7}\n", 4, 1, 1, 0,
     "\"digests\" is missing or wrong"},
    /* summary */
    {START DIR(""), 5, 1, 0, 0, "line 7 of the import: the summary counts"},
    {START DIR(""), 4, 2, 0, 0, "the summary counts"},
    {START DIR(""), 4, 1, 1, 0, "the summary counts"},
    {START DIR(""), 4, 1, 0, 1, "the summary counts"},
    {START "{\"summary\":1}\n", 4, 0, 0, 0, "\"summary\""},
    {START "{\"summary\":{}}\n", 4, 0, 0, 0, "\"facts\""},
};

static struct place place;
static struct weir_catalog *catalog;

static void
setup(void)
{
    place_make(&place);
    catalog = open_writer(&place);
}

static void
teardown(void)
{
    weir_catalog_close(catalog);
    place_remove(&place);
}

static void
check_nothing_came(void)
{
    uint64_t entries = 1;
    int64_t last = 1, pass = 0;
    ck_ok(weir_catalog_entry_count(catalog, &entries, err));
    ck_ok(weir_catalog_dir_last(catalog, &last, err));
    ck_assert(entries == 0 && last == 0);
    ck_assert_str_ne(weir_catalog_job_id(catalog), ID);
    ck_ok(weir_catalog_begin(catalog, err));
    ck_ok(weir_catalog_pass_begin(catalog, "seed", 1, &pass, err));
    ck_assert_int_eq(pass, 1);
    weir_catalog_roll_back(catalog);
}

START_TEST(made_by_hand)
{
    const struct lines *l = &samples[_i];
    struct weir_buf text = {0};
    struct weir_err why = WEIR_ERR_INIT;
    char told[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
    weir_buf_text(&text, l->text);
    add_summary(&text, l->facts, l->dirs, l->entries, l->digests);
    int rc = import_text(catalog, text.data, text.len, &why);
    (void)weir_err_text(&why, told, sizeof(told));
    if (l->says == NULL) {
        ck_assert_msg(rc == 0, "%d: %s", _i, told);
        ck_assert_str_eq(weir_catalog_job_id(catalog), ID);
    } else {
        ck_assert_msg(rc == -1 && strstr(told, l->says) != NULL, "%d: %s\n%s", _i, told,
                      text.data);
        ck_assert_int_eq(why.code, strstr(l->says, "manifest") ? WEIR_E_SAFETY : WEIR_E_CONFIG);
        ck_assert_int_eq(why.scope, WEIR_SCOPE_RUN);
        check_nothing_came();
    }
    weir_buf_fini(&text);
}
END_TEST

/* Around the summary. */
START_TEST(no_end_or_no_right_one)
{
    struct weir_buf text = {0};
    weir_buf_text(&text, START DIR(""));
    ck_fails(import_text(catalog, text.data, text.len, err), WEIR_E_CONFIG,
             "line 7 of the import: the end is missing");
    add_summary(&text, 4, 1, 0, 0);
    weir_buf_text(&text, "{}\n");
    ck_fails(import_text(catalog, text.data, text.len, err), WEIR_E_CONFIG,
             "line 8 of the import: something behind the summary");
    check_nothing_came();
    weir_buf_clear(&text);
    weir_buf_text(&text, START DIR("a"));
    add_summary(&text, 4, 1, 0, 0);
    text.data[strlen(START) + 8] = 'b';
    ck_fails(import_text(catalog, text.data, text.len, err), WEIR_E_CONFIG,
             "line 7 of the import: the lines before are not those that were exported");
    text.data[strlen(START) + 8] = 'a';
    ck_ok(import_text(catalog, text.data, text.len - 1, err)); /* the last newline may lack */
    weir_buf_fini(&text);
}
END_TEST

START_TEST(longer_than_any)
{
    struct weir_buf text = {0};
    weir_buf_text(&text, START "{\"dir\":\"");
    while (text.len < strlen(START) + WEIR_EXCHANGE_LINE_BYTES)
        weir_buf_text(&text, "pppppppp");
    weir_buf_text(&text, "\"" DIR_TAIL);
    add_summary(&text, 4, 1, 0, 0);
    ck_fails(import_text(catalog, text.data, text.len, err), WEIR_E_CONFIG,
             "line 6 of the import: longer than 1048576 bytes");
    check_nothing_came();
    weir_buf_fini(&text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_exchange_lines");
    TCase *tc = tcase_create("lines");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, made_by_hand, 0, (int)COUNT(samples));
    tcase_add_test(tc, no_end_or_no_right_one);
    tcase_add_test(tc, longer_than_any);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
