/* catalog: directories, entries and digests come back as they were put, in byte order. */
#include "support.h"

static struct place place;
static struct weir_catalog *catalog;

static void
setup(void)
{
    place_make(&place);
    catalog = open_writer(&place);
    ck_ok(weir_catalog_begin(catalog, err));
}

static void
teardown(void)
{
    weir_catalog_close(catalog);
    place_remove(&place);
}

static void
reopen(void)
{
    ck_ok(weir_catalog_commit(catalog, err));
    weir_catalog_close(catalog);
    catalog = open_writer(&place);
    ck_ok(weir_catalog_begin(catalog, err));
}

static int64_t
make_dir(const char *path)
{
    int64_t id = 0;
    ck_ok(weir_catalog_dir_open(catalog, path, strlen(path), &id, err));
    return id;
}

static void
put(int64_t dir, const char *name, size_t name_len, uint64_t size)
{
    struct weir_catalog_entry row = {.name = name,
                                     .name_len = name_len,
                                     .type = WEIR_ENTRY_FILE,
                                     .proof = WEIR_PROOF_UPLOADED,
                                     .st = {.size = size},
                                     .etag = "",
                                     .version = ""};
    ck_ok(weir_catalog_entry_put(catalog, dir, &row, NULL, 0, err));
}

static size_t
count_rows(int64_t dir)
{
    const struct weir_catalog_entry *row = NULL;
    size_t count = 0;
    ck_ok(weir_catalog_rows_begin(catalog, dir, err));
    for (;; count++) {
        ck_ok(weir_catalog_rows_next(catalog, &row, err));
        if (row == NULL)
            return count;
    }
}

static int
close_dir(int64_t id, bool sealed, const struct weir_xxh128 *digest, uint64_t entries,
          uint64_t bytes, struct weir_err *err)
{
    struct weir_catalog_dir d = {
        .id = id, .sealed = sealed, .stat_digest = *digest, .entries = entries, .bytes = bytes};
    return weir_catalog_dir_close(catalog, &d, err);
}

START_TEST(a_directory_is_opened_sealed_and_opened_again)
{
    struct weir_catalog_dir dir = {.id = 77};
    bool found = true;
    ck_ok(weir_catalog_dir_get(catalog, "a/b", 3, &dir, &found, err));
    ck_assert(!found);
    ck_assert_int_eq(dir.id, 77); /* untouched */
    int64_t id = make_dir("a/b");
    ck_ok(weir_catalog_dir_get(catalog, "a/b", 3, &dir, &found, err));
    ck_assert(found && dir.opened && !dir.sealed);
    ck_assert_int_eq(dir.id, id);
    struct weir_xxh128 digest = {{1, 2, 3}};
    ck_ok(close_dir(id, true, &digest, UINT64_MAX, UINT64_MAX - 1, err));
    reopen();
    ck_ok(weir_catalog_dir_get(catalog, "a/b", 3, &dir, &found, err));
    ck_assert(found && !dir.opened && dir.sealed);
    ck_assert_mem_eq(&dir.stat_digest, &digest, sizeof(digest));
    ck_assert_uint_eq(dir.entries, UINT64_MAX);
    ck_assert_uint_eq(dir.bytes, UINT64_MAX - 1);
    ck_assert_int_eq(make_dir("a/b"), id); /* the same row */
    ck_ok(weir_catalog_dir_get(catalog, "a/b", 3, &dir, &found, err));
    ck_assert(dir.opened && !dir.sealed);
    ck_ok(close_dir(id, false, &digest, 0, 0, err));
    ck_ok(weir_catalog_dir_get(catalog, "a/b", 3, &dir, &found, err));
    ck_assert(!dir.opened && !dir.sealed);
    ck_fails(close_dir(999, true, &digest, 0, 0, err), WEIR_E_BUG, "999");
}
END_TEST

static const struct {
    const char *path;
    size_t length;
} paths[] = {
    {"", 0},     {"a", 1},        {"A", 1},         {"a/", 2},
    {"a\0b", 3}, {"\xff\xfe", 2}, {"new\nline", 8}, {"'; DROP TABLE dir; --", 21},
};

START_TEST(paths_are_bytes)
{
    int64_t ids[COUNT(paths)];
    for (size_t i = 0; i < COUNT(paths); i++)
        ck_ok(weir_catalog_dir_open(catalog, paths[i].path, paths[i].length, &ids[i], err));
    reopen();
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct weir_catalog_dir dir;
        bool found = false;
        ck_ok(weir_catalog_dir_get(catalog, paths[i].path, paths[i].length, &dir, &found, err));
        ck_assert(found);
        ck_assert_int_eq(dir.id, ids[i]);
        for (size_t k = 0; k < i; k++)
            ck_assert_int_ne(ids[i], ids[k]);
    }
    struct weir_catalog_dir dir;
    bool found = false;
    ck_ok(weir_catalog_dir_get(catalog, NULL, 0, &dir, &found, err)); /* the root, too */
    ck_assert(found);
    ck_assert_int_eq(dir.id, ids[0]);
}
END_TEST

START_TEST(a_long_path)
{
    size_t length = 200000;
    char *path = malloc(length);
    memset(path, 'p', length);
    int64_t id = 0;
    struct weir_catalog_dir dir;
    bool found = false;
    ck_ok(weir_catalog_dir_open(catalog, path, length, &id, err));
    ck_ok(weir_catalog_dir_get(catalog, path, length, &dir, &found, err));
    ck_assert(found && dir.id == id);
    ck_ok(weir_catalog_dir_get(catalog, path, length - 1, &dir, &found, err));
    ck_assert(!found);
    free(path);
}
END_TEST

START_TEST(every_field_of_a_row_comes_back)
{
    uint64_t seed = 21;
    int64_t dir = make_dir("");
    struct weir_catalog_entry rows[200] = {0};
    static char names[200][40], etags[200][40], versions[200][40];
    for (size_t i = 0; i < COUNT(rows); i++) {
        rows[i].name = names[i];
        rows[i].name_len = (size_t)snprintf(names[i], 40, "%06zu", i);
        rows[i].type = (uint8_t)(next_random(&seed) % (WEIR_ENTRY_BLOCK + 1));
        rows[i].proof = i % 2 ? WEIR_PROOF_UPLOADED : WEIR_PROOF_VERIFIED;
        rows[i].st = random_stat(&seed);
        for (size_t b = 0; b < sizeof(rows[i].xxh128.b); b++)
            rows[i].xxh128.b[b] = (uint8_t)next_random(&seed);
        rows[i].crc64nvme = i == 0 ? UINT64_MAX : next_random(&seed);
        rows[i].part_bytes = i == 1 ? UINT64_MAX : next_random(&seed);
        rows[i].chunk_bytes = next_random(&seed);
        (void)snprintf(etags[i], 40, "%.*s", (int)(i % 33),
                       "0123456789abcdef0123456789abcdef-7");
        (void)snprintf(versions[i], 40, "%.*s", (int)(i % 9), "v\xc3\xa4.'\"__");
        rows[i].etag = etags[i];
        rows[i].version = versions[i];
        ck_ok(weir_catalog_entry_put(catalog, dir, &rows[i], NULL, 0, err));
    }
    reopen();
    ck_ok(weir_catalog_rows_begin(catalog, dir, err));
    const struct weir_catalog_entry *row = NULL;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ck_ok(weir_catalog_rows_next(catalog, &row, err));
        ck_assert_ptr_nonnull(row);
        ck_same_row(row, &rows[i]);
    }
    for (int again = 0; again < 3; again++) { /* the end stays the end */
        ck_ok(weir_catalog_rows_next(catalog, &row, err));
        ck_assert_ptr_null(row);
    }
    weir_catalog_rows_end(catalog);
    weir_catalog_rows_end(catalog);
}
END_TEST

static const struct {
    const char *name;
    size_t length;
} ordered[] = {
    /* as memcmp orders them */
    {"\x01", 1},
    {"\n", 1},
    {" ", 1},
    {"-", 1},
    {"A", 1},
    {"B", 1},
    {"a", 1},
    {"a\n", 2},
    {"a b", 3},
    {"a.", 2},
    {"a0", 2},
    {"aa", 2},
    {"b", 1},
    {"\x7f", 1},
    {"\x80", 1},
    {"\xc3\xa4", 2},
    {"\xe2\x90\x9b", 3},
    {"\xff", 1},
};

START_TEST(rows_come_in_byte_order)
{
    int64_t before = make_dir("before"), dir = make_dir("dir"), after = make_dir("after");
    for (size_t i = COUNT(ordered); i-- > 0;) { /* put in reverse */
        put(before, ordered[i].name, ordered[i].length, 1);
        put(dir, ordered[i].name, ordered[i].length, i);
        put(after, ordered[i].name, ordered[i].length, 1);
    }
    const struct weir_catalog_entry *row = NULL;
    ck_ok(weir_catalog_rows_begin(catalog, dir, err));
    for (size_t i = 0; i < COUNT(ordered); i++) {
        ck_ok(weir_catalog_rows_next(catalog, &row, err));
        ck_assert_ptr_nonnull(row);
        ck_assert_uint_eq(row->st.size, i);
        ck_assert_uint_eq(row->name_len, ordered[i].length);
        ck_assert_mem_eq(row->name, ordered[i].name, ordered[i].length);
    }
    ck_ok(weir_catalog_rows_next(catalog, &row, err));
    ck_assert_ptr_null(row);
    ck_assert_uint_eq(count_rows(999), 0);
}
END_TEST

START_TEST(writes_between_two_rows_do_no_harm)
{
    int64_t dir = make_dir("dir"), other = make_dir("other");
    for (char name = 'a'; name <= 'z'; name++)
        put(dir, &name, 1, 1);
    const struct weir_catalog_entry *row = NULL;
    char last = 0;
    size_t seen = 0;
    ck_ok(weir_catalog_rows_begin(catalog, dir, err));
    for (;;) {
        ck_ok(weir_catalog_rows_next(catalog, &row, err));
        if (row == NULL)
            break;
        char name = row->name[0];
        ck_assert_int_gt(name, last);
        last = name;
        seen++;
        put(other, &name, 1, 2); /* a result of an earlier directory arrives */
        put(dir, &name, 1, 3);   /* and one of this */
        if (seen % 5 == 0) {     /* a commit in the middle */
            ck_ok(weir_catalog_commit(catalog, err));
            ck_ok(weir_catalog_begin(catalog, err));
        }
    }
    ck_assert_uint_eq(seen, 26);
    ck_assert_uint_eq(count_rows(other), 26);
    ck_ok(weir_catalog_rows_begin(catalog, dir, err)); /* begun and left */
    ck_ok(weir_catalog_rows_next(catalog, &row, err));
    ck_ok(weir_catalog_rows_begin(catalog, other, err));
    ck_ok(weir_catalog_rows_next(catalog, &row, err));
    ck_assert_uint_eq(row->st.size, 2);
}
END_TEST

static void
check_chunks(int64_t dir, const char *name, const struct weir_xxh128 *want, size_t count)
{
    struct weir_xxh128 *got = (struct weir_xxh128 *)1;
    size_t got_count = 99;
    ck_ok(weir_catalog_chunks_get(catalog, dir, name, strlen(name), &got, &got_count, err));
    ck_assert_uint_eq(got_count, count);
    if (count == 0)
        ck_assert_ptr_null(got);
    else
        ck_assert_mem_eq(got, want, count * sizeof(*want));
    free(got);
}

START_TEST(digests_of_chunks_follow_their_row)
{
    static struct weir_xxh128 many[50000]; /* 800 KB: of a file of 50 GB */
    uint64_t seed = 5;
    for (size_t i = 0; i < COUNT(many); i++)
        many[i].b[i % 16] = (uint8_t)next_random(&seed);
    int64_t dir = make_dir("dir"), other = make_dir("other");
    struct weir_catalog_entry row = {
        .name = "f", .name_len = 1, .type = 1, .proof = 2, .etag = "", .version = ""};
    check_chunks(dir, "f", NULL, 0);
    ck_ok(weir_catalog_entry_put(catalog, dir, &row, many, 2, err));
    ck_ok(weir_catalog_entry_put(catalog, other, &row, many + 7, 3, err));
    check_chunks(dir, "f", many, 2);
    check_chunks(other, "f", many + 7, 3);
    ck_ok(weir_catalog_entry_put(catalog, dir, &row, many, COUNT(many), err));
    reopen();
    check_chunks(dir, "f", many, COUNT(many));
    ck_ok(weir_catalog_entry_put(catalog, dir, &row, many, 1, err)); /* one is the row's own */
    check_chunks(dir, "f", NULL, 0);
    ck_ok(weir_catalog_entry_put(catalog, dir, &row, many, 5, err));
    check_chunks(dir, "f", many, 5);
    ck_ok(weir_catalog_entry_put(catalog, dir, &row, NULL, 0, err)); /* stale ones go */
    check_chunks(dir, "f", NULL, 0);
    check_chunks(other, "f", many + 7, 3);
    ck_assert_uint_eq(count_rows(dir), 1);
}
END_TEST

START_TEST(damaged_digests_are_noticed)
{
    int64_t dir = make_dir("dir");
    struct weir_xxh128 chunks[3] = {{{1}}}, *got = NULL;
    size_t count = 0;
    struct weir_catalog_entry row = {
        .name = "f", .name_len = 1, .type = 1, .proof = 2, .etag = "", .version = ""};
    ck_ok(weir_catalog_entry_put(catalog, dir, &row, chunks, 3, err));
    ck_assert_int_eq(
        sqlite3_exec(catalog->db, "UPDATE chunks SET digests = x'0102'", NULL, NULL, NULL),
        SQLITE_OK);
    ck_fails(weir_catalog_chunks_get(catalog, dir, "f", 1, &got, &count, err), WEIR_E_CATALOG,
             place.db);
    ck_assert_ptr_null(got);
    struct weir_catalog_dir d;
    bool found = false;
    ck_assert_int_eq(
        sqlite3_exec(catalog->db, "UPDATE dir SET stat_digest = x'0102'", NULL, NULL, NULL),
        SQLITE_OK);
    ck_fails(weir_catalog_dir_get(catalog, "dir", 3, &d, &found, err), WEIR_E_CATALOG,
             place.db);
}
END_TEST

START_TEST(totals_add_up)
{
    uint64_t entries = 9, bytes = 9;
    ck_ok(weir_catalog_totals(catalog, &entries, &bytes, err));
    ck_assert_uint_eq(entries, 0);
    ck_assert_uint_eq(bytes, 0);
    int64_t a = make_dir("a"), b = make_dir("b");
    put(a, "x", 1, 5);
    put(a, "y", 1, 0);
    put(b, "x", 1, UINT64_C(1) << 63); /* negative in SQL */
    put(b, "x", 1, UINT64_C(1) << 63); /* replaced, not added */
    ck_ok(weir_catalog_totals(catalog, &entries, &bytes, err));
    ck_assert_uint_eq(entries, 3);
    ck_assert_uint_eq(bytes, (UINT64_C(1) << 63) + 5);
    put(b, "z", 1, UINT64_MAX);
    ck_ok(weir_catalog_totals(catalog, &entries, &bytes, err));
    ck_assert_uint_eq(entries, 4);
    ck_assert_uint_eq(bytes, UINT64_MAX); /* held at the most */
}
END_TEST

START_TEST(a_row_without_texts_is_a_bug)
{
    int64_t dir = make_dir("dir");
    struct weir_catalog_entry row = {.name = "f", .name_len = 1, .type = 1, .proof = 2};
    row.version = "";
    ck_fails(weir_catalog_entry_put(catalog, dir, &row, NULL, 0, err), WEIR_E_BUG, "report");
    row.etag = "";
    ck_fails(weir_catalog_entry_put(catalog, dir, &row, NULL, 0, err), WEIR_E_IO,
             "earlier error");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_rows");
    TCase *tc = tcase_create("rows");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_directory_is_opened_sealed_and_opened_again);
    tcase_add_test(tc, paths_are_bytes);
    tcase_add_test(tc, a_long_path);
    tcase_add_test(tc, every_field_of_a_row_comes_back);
    tcase_add_test(tc, rows_come_in_byte_order);
    tcase_add_test(tc, writes_between_two_rows_do_no_harm);
    tcase_add_test(tc, digests_of_chunks_follow_their_row);
    tcase_add_test(tc, damaged_digests_are_noticed);
    tcase_add_test(tc, totals_add_up);
    tcase_add_test(tc, a_row_without_texts_is_a_bug);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
