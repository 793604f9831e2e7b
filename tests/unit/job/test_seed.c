/* seed: whole passes over a small lake into a store in memory, with lake edits in between. */
#include <string.h>

#include "../main_check.h"
#include "seed_bench.h"

static struct bench b;

static void
setup(void)
{
    bench_init(&b);
}

static void
teardown(void)
{
    bench_fini(&b);
}

static void
small_lake(void)
{
    bench_write(&b, "a", 10, 1);
    bench_write(&b, "d/empty", 0, 2);
    bench_write(&b, "d/two-chunks", MIB - 1, 3);
    bench_write(&b, "d/big", 3 * MIB + 5, 4);
    bench_mkdir(&b, "d/nothing");
    bench_link(&b, "link", "d/big");
}

START_TEST(a_lake_is_sent_once)
{
    small_lake();
    bench_want(&b, 0);
    bench_check(&b);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_VERIFIED], 6);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    bench_check(&b);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_UNCHANGED], 6);
    ck_assert_uint_eq(b.store->calls[MEM_ANY], 0);
}
END_TEST

/* Its row has an empty name; the pass once took it for damage. */
START_TEST(the_object_of_a_directory_is_replaced)
{
    b.manifest.source.directories = WEIR_DIRECTORIES_ALL;
    small_lake();
    bench_want(&b, 0);
    bench_write(&b, "d/new", 7, 5);
    bench_want(&b, 0);
    ck_assert_uint_eq(b.ledger.sent_objects, 2);
    ck_assert_uint_eq(b.store->duplicates, 0);
}
END_TEST

/* An error of the catalog while a directory is compared: its name was read after it was freed.
 */
START_TEST(a_damaged_row_ends_the_pass)
{
    small_lake();
    bench_want(&b, 0);
    bench_sql(&b, "UPDATE entry SET proof = 9");
    bench_write(&b, "d/new", 7, 5);
    bench_want(&b, 1);
    ck_assert_ptr_nonnull(strstr(b.log, "directory d"));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("seed");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_lake_is_sent_once);
    tcase_add_test(t, the_object_of_a_directory_is_replaced);
    tcase_add_test(t, a_damaged_row_ends_the_pass);
    Suite *s = suite_create("seed");
    suite_add_tcase(s, t);
    return run_suite(s);
}
