/* catalog: lookups by inode have an index, from the pass on that can need it; what looks for
 * vanished rows does not read the others. */
#include "support.h"

#include "catalog/schema.h"

static struct place place;
static struct weir_catalog *catalog;
static const struct weir_stat st = {.ino = 77, .size = 5, .mtime = {.s = 9}};

static void
put_row(void)
{
    int64_t dir = 0;
    struct weir_catalog_entry row = {.name = "f",
                                     .name_len = 1,
                                     .type = WEIR_ENTRY_FILE,
                                     .proof = WEIR_PROOF_VERIFIED,
                                     .st = st,
                                     .etag = "",
                                     .version = ""};
    ck_ok(weir_catalog_dir_open(catalog, "d", 1, &dir, err));
    ck_ok(weir_catalog_entry_put(catalog, dir, &row, NULL, 0, err));
}

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

static bool
is_found(void)
{
    struct weir_catalog_place at = {0};
    struct weir_catalog_entry row;
    bool found = true;
    ck_ok(weir_catalog_find_inode(catalog, &st, &at, &row, &found, err));
    if (found)
        ck_assert_str_eq(at.path, "d/f");
    free(at.path);
    return found;
}

static void
pass(bool finished)
{
    int64_t id = 0;
    ck_ok(weir_catalog_pass_begin(catalog, "seed", 1, &id, err));
    ck_ok(weir_catalog_pass_update(catalog, id, 2, finished, finished ? 3 : 75, "{}", err));
    ck_ok(weir_catalog_commit(catalog, err));
    ck_ok(weir_catalog_begin(catalog, err));
}

START_TEST(index_comes_after_a_finished_pass)
{
    put_row();
    pass(false);
    ck_assert(!is_found());
    pass(false); /* the seed goes on, and new rows cost what they did */
    ck_assert(!is_found());
    pass(true);
    ck_assert(!is_found());
    pass(false);
    ck_assert(is_found());
    weir_catalog_close(catalog);
    catalog = open_reader(&place);
    ck_assert(is_found());
    weir_catalog_close(catalog);
    catalog = open_writer(&place);
    ck_assert(is_found());
    ck_ok(weir_catalog_begin(catalog, err));
    pass(true); /* nothing to make */
    ck_assert(is_found());
}
END_TEST

/* A pass that is killed as it begins has not made it. */
START_TEST(index_is_undone_with_its_transaction)
{
    int64_t id = 0;
    put_row();
    pass(true);
    ck_ok(weir_catalog_pass_begin(catalog, "seed", 1, &id, err));
    ck_assert(is_found());
    weir_catalog_close(catalog);
    catalog = open_writer(&place);
    ck_assert(!is_found());
    ck_ok(weir_catalog_begin(catalog, err));
    pass(false);
    ck_assert(is_found());
}
END_TEST

/* Prepares each statement by its first use. */
static void
use_all(void)
{
    struct weir_catalog_dir dir;
    struct weir_catalog_place at = {0};
    struct weir_catalog_entry row;
    char *path = NULL;
    size_t len = 0;
    uint64_t n = 0, bytes = 0;
    bool found = false;
    (void)is_found();
    ck_ok(weir_catalog_gone_count(catalog, 9, &n, &bytes, err));
    ck_ok(weir_catalog_gone_moved(catalog, 9, &n, err));
    ck_ok(weir_catalog_moved_settle(catalog, err));
    ck_ok(weir_catalog_gone_next(catalog, 9, 0, "", 0, &at, &row, &found, err));
    ck_ok(weir_catalog_dir_next(catalog, 9, 9, &dir, &path, &len, &found, err));
    ck_ok(weir_catalog_dir_gone(catalog, 1, 5, err));
    weir_catalog_rows_end(catalog);
}

static const struct {
    enum weir_stmt_slot slot;
    const char *how;
} plans[] = {
    {WEIR_STMT_FIND_INODE, "SEARCH entry USING INDEX entry_ino (ino=?)"},
    {WEIR_STMT_GONE_COUNT, "USING INDEX entry_gone"},
    {WEIR_STMT_GONE_MOVED, "USING INDEX entry_gone"},
    {WEIR_STMT_GONE_NEXT, "SEARCH entry USING INDEX entry_gone ((dir,name)>(?,?))"},
    {WEIR_STMT_MOVED_SETTLE, "entry_moved"},
    {WEIR_STMT_DIR_NEXT, "SEARCH entry USING PRIMARY KEY (dir=?)"},
    {WEIR_STMT_DIR_GONE, "SEARCH entry USING PRIMARY KEY (dir=?)"},
};

START_TEST(statements_use_their_index)
{
    char sql[2048], plan[1024] = "";
    sqlite3_stmt *s = NULL;
    ck_ok(weir_schema_index_inodes(catalog, err));
    use_all();
    (void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
                   sqlite3_sql(catalog->stmt[plans[_i].slot]));
    ck_assert_int_eq(sqlite3_prepare_v2(catalog->db, sql, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
        size_t used = strlen(plan);
        (void)snprintf(plan + used, sizeof(plan) - used, "%s\n",
                       (const char *)sqlite3_column_text(s, 3));
    }
    (void)sqlite3_finalize(s);
    ck_assert_msg(strstr(plan, plans[_i].how) != NULL, "%s", plan);
    ck_assert_msg(strstr(plan, "TEMP B-TREE") == NULL, "%s", plan); /* in order as they come */
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_inodes");
    TCase *tc = tcase_create("inodes");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, index_comes_after_a_finished_pass);
    tcase_add_test(tc, index_is_undone_with_its_transaction);
    tcase_add_loop_test(tc, statements_use_their_index, 0, COUNT(plans));
    suite_add_tcase(s, tc);
    return run_suite(s);
}
