/* exchange: what was exported comes back the same; what is no export, or not of this job, is
 * refused with the number of the line and leaves the catalog as it was. */
#include "exchange_support.h"

static struct place from, to;

static void
setup(void)
{
    place_make(&from);
    place_make(&to);
}

static void
teardown(void)
{
    place_remove(&from);
    place_remove(&to);
}

/* ---- there and back ---- */

/* Adds sql with the name of a database for each '@'. */
static void
add_query(struct weir_buf *out, const char *sql, const char *database)
{
    for (; *sql != '\0'; sql++)
        if (*sql == '@')
            weir_buf_text(out, database);
        else
            weir_buf_bytes(out, sql, 1);
}

/* No row of this query in one database is missing in the other. */
static void
check_rows(sqlite3 *h, const char *query, const char *one, const char *other)
{
    struct weir_buf sql = {0};
    sqlite3_stmt *s = NULL;
    weir_buf_text(&sql, "SELECT count(*) FROM (");
    add_query(&sql, query, one);
    weir_buf_text(&sql, " EXCEPT ");
    add_query(&sql, query, other);
    weir_buf_text(&sql, ")");
    ck_assert_msg(sqlite3_prepare_v2(h, sql.data, -1, &s, NULL) == SQLITE_OK, "%s: %s",
                  sql.data, sqlite3_errmsg(h));
    ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
    ck_assert_msg(sqlite3_column_int(s, 0) == 0, "%s: %d", sql.data, sqlite3_column_int(s, 0));
    (void)sqlite3_finalize(s);
    weir_buf_fini(&sql);
}

/* The two files row by row, without a word of export or import. */
static void
check_same_files(void)
{
    static const char *const queries[] = {
        "SELECT path, sealed, opened, mounted, stat_digest, entries, bytes FROM @.dir",
        ("SELECT path, name, type, proof, size, stat, xxh128, crc64nvme, part_bytes,"
         " chunk_bytes, etag, version, gone_ns, doubt, moved, ino FROM @.entry JOIN @.dir ON "
         "id = dir"),
        "SELECT path, name, digests FROM @.chunks AS k JOIN @.dir AS d ON d.id = k.dir",
        "SELECT * FROM @.fact WHERE substr(name, 1, 5) != 'root_'",
        "SELECT * FROM @.sqlite_sequence",
    };
    sqlite3 *h = NULL;
    char attach[256];
    ck_assert_int_eq(sqlite3_open(from.db, &h), SQLITE_OK);
    (void)snprintf(attach, sizeof(attach), "ATTACH '%s' AS other", to.db);
    ck_assert_int_eq(sqlite3_exec(h, attach, NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < COUNT(queries); i++) {
        check_rows(h, queries[i], "main", "other");
        check_rows(h, queries[i], "other", "main");
    }
    (void)sqlite3_close(h);
}

START_TEST(comes_back_the_same)
{
    uint64_t seed = begin_random("comes back", _i);
    struct weir_catalog *a = open_writer(&from), *b = open_other(&to);
    fill_random(a, &seed, 3);
    struct weir_buf first = export_of(a);
    ck_assert_str_ne(weir_catalog_job_id(a), weir_catalog_job_id(b));
    ck_ok(import_text(b, first.data, first.len, err));
    ck_assert_str_eq(weir_catalog_job_id(a), weir_catalog_job_id(b));
    struct weir_buf second = export_of(b);
    ck_assert_str_eq(first.data, second.data);
    weir_catalog_close(a);
    weir_catalog_close(b);
    check_same_files();
    weir_buf_fini(&first);
    weir_buf_fini(&second);
}
END_TEST

/* The digests of a long file take several lines. */
START_TEST(digests_of_a_long_file)
{
    static const size_t counts[] = {WEIR_EXCHANGE_LINE_DIGESTS, WEIR_EXCHANGE_LINE_DIGESTS + 1,
                                    (size_t)1 << 20};
    static const size_t lines[] = {1, 2, 32};
    size_t count = counts[_i], got = 0, found = 0;
    struct weir_catalog *a = open_writer(&from), *b = open_other(&to);
    struct weir_catalog_entry row = {.name = "f",
                                     .name_len = 1,
                                     .type = WEIR_ENTRY_FILE,
                                     .proof = WEIR_PROOF_VERIFIED,
                                     .st = {.size = (uint64_t)count << 20},
                                     .chunk_bytes = 1 << 20,
                                     .etag = "",
                                     .version = ""};
    struct weir_xxh128 *chunks = calloc(count, sizeof(*chunks)), *back = NULL;
    int64_t id = 0;
    for (size_t i = 0; i < count; i++)
        memcpy(&chunks[i], &i, sizeof(i));
    ck_ok(weir_catalog_begin(a, err));
    ck_ok(weir_catalog_dir_open(a, "", 0, &id, err));
    ck_ok(weir_catalog_entry_put(a, id, &row, chunks, count, err));
    ck_ok(weir_catalog_commit(a, err));
    struct weir_buf text = export_of(a);
    for (const char *p = text.data; (p = strstr(p, "\n{\"digests")) != NULL; p++)
        found++;
    ck_assert_uint_eq(found, lines[_i]);
    ck_ok(import_text(b, text.data, text.len, err));
    ck_ok(weir_catalog_dir_last(b, &id, err));
    ck_ok(weir_catalog_chunks_get(b, id, "f", 1, &back, &got, err));
    ck_assert_uint_eq(got, count);
    ck_assert_mem_eq(back, chunks, count * sizeof(*chunks));
    weir_catalog_close(a);
    weir_catalog_close(b);
    weir_buf_fini(&text);
    free(chunks);
    free(back);
}
END_TEST

START_TEST(what_a_machine_knows_stays_there)
{
    char ino[16];
    bool found = false;
    struct weir_catalog *a = open_writer(&from), *b = NULL;
    struct weir_catalog_identity moved = test_identity;
    ck_ok(weir_catalog_begin(a, err));
    ck_ok(weir_catalog_fact_set(a, "root_born", "1.000000005", err));
    ck_ok(weir_catalog_commit(a, err));
    moved.root_ino = 4711;
    ck_ok(weir_catalog_open(to.state, WEIR_CATALOG_WRITE, &moved, 99, &b, err));
    struct weir_buf text = export_of(a);
    ck_assert_ptr_null(strstr(text.data, "root_"));
    ck_ok(import_text(b, text.data, text.len, err));
    ck_ok(weir_catalog_fact_get(b, "root_ino", ino, sizeof(ino), &found, err));
    ck_assert_str_eq(ino, "4711");
    ck_ok(weir_catalog_fact_get(b, "root_born", ino, sizeof(ino), &found, err));
    ck_assert(!found);
    weir_catalog_close(a);
    weir_catalog_close(b);
    weir_buf_fini(&text);
}
END_TEST

START_TEST(passes_are_numbered_on)
{
    struct weir_catalog *a = open_writer(&from), *b = open_other(&to);
    int64_t pass = 0;
    bool found = true;
    struct weir_catalog_pass last;
    ck_ok(weir_catalog_begin(a, err));
    for (int i = 0; i < 3; i++)
        ck_ok(weir_catalog_pass_begin(a, "sync", 5, &pass, err));
    ck_ok(weir_catalog_commit(a, err));
    struct weir_buf text = export_of(a);
    ck_ok(import_text(b, text.data, text.len, err));
    ck_ok(weir_catalog_pass_last(b, &last, &found, err));
    ck_assert(!found);
    ck_ok(weir_catalog_begin(b, err));
    ck_ok(weir_catalog_pass_begin(b, "sync", 5, &pass, err));
    ck_assert_int_eq(pass, 4);
    weir_catalog_close(a);
    weir_catalog_close(b);
    weir_buf_fini(&text);
}
END_TEST

/* ---- export ---- */

struct beside {
    struct weir_catalog *writer;
    struct weir_buf text;
    int lines;
};

static int
write_beside(void *ctx, const char *line, size_t bytes)
{
    struct beside *b = ctx;
    int64_t id;
    if (b->lines++ == 0) {
        ck_ok(weir_catalog_begin(b->writer, err));
        ck_ok(weir_catalog_fact_set(b->writer, "late", "1", err));
        ck_ok(weir_catalog_dir_open(b->writer, "zzz", 3, &id, err));
        ck_ok(weir_catalog_commit(b->writer, err));
    }
    return keep_line(&b->text, line, bytes);
}

START_TEST(one_state_beside_a_writer)
{
    struct beside b = {.writer = open_writer(&from)};
    uint64_t seed = 1;
    fill_random(b.writer, &seed, 3);
    struct weir_catalog *reader = open_reader(&from);
    struct weir_buf before = export_of(reader);
    ck_ok(weir_catalog_export(reader, write_beside, &b, err));
    ck_assert_str_eq(b.text.data, before.data);
    struct weir_buf after = export_of(reader);
    ck_assert_ptr_nonnull(strstr(after.data, "\"zzz\""));
    weir_catalog_close(reader);
    weir_catalog_close(b.writer);
    weir_buf_fini(&before);
    weir_buf_fini(&after);
    weir_buf_fini(&b.text);
}
END_TEST

static int
refuse_line(void *ctx, const char *line, size_t bytes)
{
    int *left = ctx;
    (void)line, (void)bytes;
    return (*left)-- == 0;
}

/* After any number of lines; the catalog can be read and written as before. */
START_TEST(nobody_takes_the_lines)
{
    struct weir_catalog *c = open_writer(&from);
    uint64_t seed = 2, lines = 0;
    fill_random(c, &seed, 3);
    struct weir_buf text = export_of(c);
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    for (int i = 0; i < (int)lines; i++) {
        int left = i;
        ck_fails(weir_catalog_export(c, refuse_line, &left, err), WEIR_E_IO, "written");
    }
    fill_random(c, &seed, 3);
    weir_catalog_close(c);
    weir_buf_fini(&text);
}
END_TEST

START_TEST(line_too_long_to_come_back)
{
    struct weir_catalog *c = open_writer(&from);
    int64_t id;
    char *path = malloc(WEIR_EXCHANGE_LINE_BYTES);
    struct weir_buf text = {0};
    memset(path, 'p', WEIR_EXCHANGE_LINE_BYTES);
    ck_ok(weir_catalog_begin(c, err));
    ck_ok(weir_catalog_dir_open(c, path, WEIR_EXCHANGE_LINE_BYTES, &id, err));
    ck_ok(weir_catalog_commit(c, err));
    ck_fails(weir_catalog_export(c, keep_line, &text, err), WEIR_E_LIMIT, "\"dir\":\"ppp");
    weir_catalog_close(c);
    weir_buf_fini(&text);
    free(path);
}
END_TEST

/* ---- refused ---- */

/* As if nobody had tried: no rows, the same id, and a good import works. */
static void
check_untouched(struct weir_catalog *c)
{
    uint64_t entries = 1;
    int64_t last = 1;
    bool found = true;
    char value[8];
    ck_ok(weir_catalog_entry_count(c, &entries, err));
    ck_ok(weir_catalog_dir_last(c, &last, err));
    ck_ok(weir_catalog_fact_get(c, "x", value, sizeof(value), &found, err));
    ck_assert(entries == 0 && last == 0 && !found);
    ck_assert(!c->in_transaction && !c->failed);
}

START_TEST(another_job)
{
    static const struct weir_catalog_identity others[] = {
        {.job = "lake-b", .destination = "s3://bucket/prefix", .root = "/lake/a"},
        {.job = "lake-a", .destination = "s3://bucket/other", .root = "/lake/a"},
        {.job = "lake-a", .destination = "s3://bucket/prefix", .root = "/lake/b"},
    };
    static const char *const says[] = {"job \"lake-a\", the manifest says \"lake-b\"",
                                       "destination \"s3://bucket/prefix\"",
                                       "root \"/lake/a\", the manifest says \"/lake/b\""};
    struct weir_catalog *a = open_writer(&from), *b = NULL;
    struct weir_buf text = export_of(a);
    ck_ok(weir_catalog_open(to.state, WEIR_CATALOG_WRITE, &others[_i], 9, &b, err));
    ck_fails(import_text(b, text.data, text.len, err), WEIR_E_SAFETY, says[_i]);
    check_untouched(b);
    weir_catalog_close(a);
    weir_catalog_close(b);
    weir_buf_fini(&text);
}
END_TEST

START_TEST(not_empty)
{
    struct weir_catalog *a = open_writer(&from), *b = open_other(&to);
    struct weir_buf text = export_of(a);
    int64_t id;
    ck_ok(weir_catalog_begin(b, err));
    if (_i == 0)
        ck_ok(weir_catalog_dir_open(b, "", 0, &id, err));
    else
        ck_ok(weir_catalog_pass_begin(b, "seed", 1, &id, err));
    ck_ok(weir_catalog_commit(b, err));
    ck_fails(import_text(b, text.data, text.len, err), WEIR_E_SAFETY, "is not empty");
    weir_catalog_close(b);
    b = open_reader(&to);
    ck_fails(import_text(b, text.data, text.len, err), WEIR_E_SAFETY, "is not empty");
    weir_catalog_close(a);
    weir_catalog_close(b);
    weir_buf_fini(&text);
}
END_TEST

START_TEST(lines_that_cannot_be_read)
{
    struct weir_catalog *a = open_writer(&from), *b = open_other(&to);
    uint64_t seed = 3;
    fill_random(a, &seed, 3);
    struct weir_buf text = export_of(a);
    for (size_t i = 1; i < 20; i++) {
        struct reading r = {.text = text.data, .len = text.len, .fail_after = i};
        ck_fails(weir_catalog_import(b, next_line, &r, err), WEIR_E_IO, "the disk is gone");
        check_untouched(b);
    }
    ck_ok(import_text(b, text.data, text.len, err));
    weir_catalog_close(a);
    weir_catalog_close(b);
    weir_buf_fini(&text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_exchange");
    TCase *tc = tcase_create("exchange");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, comes_back_the_same, 0, 20);
    tcase_add_loop_test(tc, digests_of_a_long_file, 0, 3);
    tcase_add_test(tc, what_a_machine_knows_stays_there);
    tcase_add_test(tc, passes_are_numbered_on);
    tcase_add_test(tc, one_state_beside_a_writer);
    tcase_add_test(tc, nobody_takes_the_lines);
    tcase_add_test(tc, line_too_long_to_come_back);
    tcase_add_loop_test(tc, another_job, 0, 3);
    tcase_add_loop_test(tc, not_empty, 0, 2);
    tcase_add_test(tc, lines_that_cannot_be_read);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
