/* catalog: damage of any kind is noticed, at opening or when what it hit is read. */
#include "support.h"

static struct place place;

static void
setup(void)
{
    place_make(&place);
}

static void
teardown(void)
{
    place_remove(&place);
}

/* Opens and reads everything; true when something was found wrong, with code CATALOG. */
static bool
damage_is_noticed(unsigned dirs)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_catalog *c = NULL;
    uint64_t entries = 0, bytes = 0;
    int rc = weir_catalog_open(place.state, WEIR_CATALOG_WRITE, &test_identity, 1, &c, &err);
    for (unsigned d = 1; rc == 0 && d <= dirs; d++) {
        const struct weir_catalog_entry *row = NULL;
        rc = weir_catalog_rows_begin(c, d, &err);
        do {
            rc = rc == 0 ? weir_catalog_rows_next(c, &row, &err) : rc;
        } while (rc == 0 && row != NULL);
    }
    if (rc == 0)
        rc = weir_catalog_totals(c, &entries, &bytes, &err);
    weir_catalog_close(c);
    ck_assert_msg(rc == 0 || err.code == WEIR_E_CATALOG, "%s", err.frame[0]);
    return rc != 0;
}

START_TEST(every_lost_page_is_noticed)
{
    enum { DIRS = 20, PAGE = 8192 };
    fill_catalog(&place, DIRS, 60);
    ck_assert(!damage_is_noticed(DIRS));
    FILE *f = fopen(place.db, "rb");
    static uint8_t whole[200 * PAGE], broken[200 * PAGE];
    size_t bytes = fread(whole, 1, sizeof(whole), f);
    (void)fclose(f);
    ck_assert_uint_gt(bytes, 30 * PAGE);
    ck_assert_uint_lt(bytes, sizeof(whole));
    uint64_t seed = 4;
    for (size_t page = 0; page < bytes / PAGE; page++)
        for (int kind = 0; kind < 3; kind++) { /* zeros, noise, every bit turned */
            memcpy(broken, whole, bytes);
            for (size_t i = page * PAGE; i < (page + 1) * PAGE; i++)
                broken[i] = kind == 0   ? 0
                            : kind == 1 ? (uint8_t)next_random(&seed)
                                        : (uint8_t)~broken[i];
            write_file(place.db, broken, bytes);
            ck_assert_msg(damage_is_noticed(DIRS), "page %zu, kind %d", page, kind);
        }
}
END_TEST

START_TEST(a_short_file_is_noticed)
{
    fill_catalog(&place, 20, 60);
    struct stat st;
    ck_assert_int_eq(stat(place.db, &st), 0);
    for (off_t cut = st.st_size - 1; cut > 0; cut = cut * 3 / 4) { /* not 0: that is new */
        ck_assert_int_eq(truncate(place.db, cut), 0);
        ck_assert_msg(damage_is_noticed(20), "cut to %ld", (long)cut);
    }
}
END_TEST

static const char *const bad_rows[] = {
    "UPDATE entry SET xxh128 = x'00'",
    "UPDATE entry SET type = 300",
    "UPDATE entry SET type = -1",
    "UPDATE entry SET proof = 0",
    "UPDATE entry SET proof = 4",
    "UPDATE entry SET stat = x'80'",
    "UPDATE entry SET name = x'' WHERE name = x'3030303030'",
    "ALTER TABLE entry DROP COLUMN etag",
    "DROP TABLE entry",
};

START_TEST(rows_that_weir_never_wrote_are_noticed)
{
    fill_catalog(&place, 1, 3);
    tamper(place.db, bad_rows[_i]);
    ck_assert(damage_is_noticed(1));
}
END_TEST

/* Reading a large file whole costs more than a pass: it is done after a crash and every 64th
 * pass.  The damage here is one that nothing else would read. */
static bool
opens(void)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_catalog *c = NULL;
    int rc = weir_catalog_open(place.state, WEIR_CATALOG_WRITE, &test_identity, 1, &c, &err);
    weir_catalog_close(c);
    ck_assert_msg(rc == 0 || err.code == WEIR_E_CATALOG, "%s", err.frame[0]);
    return rc == 0;
}

START_TEST(a_large_file_is_read_whole_now_and_then)
{
    fill_catalog(&place, 2, 60);
    tamper(place.db,
           "INSERT INTO pass (command, started_ns, updated_ns, finished, exit_status)"
           " VALUES ('seed', 1, 1, 1, 0);"
           "INSERT INTO chunks (dir, name, digests) VALUES (1, x'61', zeroblob(20000000));"
           "PRAGMA writable_schema = ON;"
           /* an index that lacks a row: only quick_check counts */
           "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema"
           " WHERE name = 'entry_gone') WHERE name = 'upload_path'");
    ck_assert_msg(opens(), "read although nothing calls for it");
    tamper(place.db, "UPDATE sqlite_sequence SET seq = 128 WHERE name = 'pass'");
    ck_assert_msg(!opens(), "pass 128: not read");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_damage");
    TCase *tc = tcase_create("damage");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_lost_page_is_noticed);
    tcase_add_test(tc, a_short_file_is_noticed);
    tcase_add_test(tc, a_large_file_is_read_whole_now_and_then);
    tcase_add_loop_test(tc, rows_that_weir_never_wrote_are_noticed, 0, COUNT(bad_rows));
    suite_add_tcase(s, tc);
    return run_suite(s);
}
