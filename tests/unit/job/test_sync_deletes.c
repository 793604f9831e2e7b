/* sync: what vanished, and when it may be deleted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../main_check.h"
#include "seed_bench.h"

static struct bench b;

static void
setup(void)
{
    bench_init_sync(&b);
}

static void
teardown(void)
{
    bench_fini(&b);
}

START_TEST(vanished_objects_are_kept_and_come_back)
{
    b.manifest.track.delete_policy = WEIR_DELETE_KEEP;
    bench_write(&b, "d/a", 5000, 1);
    bench_write(&b, "c", 50, 2);
    bench_good(&b);
    bench_rename(&b, "d", "../outside");
    mem_store_calm(b.store);
    bench_want(&b, 0);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_KEPT], 1);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "d/a"));
    bench_quiet(&b);
    bench_rename(&b, "../outside", "d");
    bench_quiet(&b);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_UNCHANGED], 2);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_KEPT], 0);
}
END_TEST

START_TEST(grace_time)
{
    b.manifest.track.delete_grace_s = 7200;
    bench_write(&b, "a", 5, 1);
    bench_write(&b, "c", 50, 2);
    bench_good(&b);
    bench_remove(&b, "a");
    bench_want(&b, 0);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_KEPT], 1);
    b.clock.ahead_ns += 7100 * WEIR_NS_PER_S;
    bench_want(&b, 0);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_KEPT], 1);
    b.clock.ahead_ns += 200 * WEIR_NS_PER_S;
    bench_want(&b, 0);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_DELETED], 1);
    ck_assert_ptr_null(mem_store_find(b.store, "a"));
    bench_quiet(&b);
}
END_TEST

static void
ten_of_twenty(void)
{
    char path[32];
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(path, sizeof(path), "d/%02u", i);
        bench_write(&b, path, 10 + i, i);
    }
    bench_good(&b);
    for (unsigned i = 0; i < 10; i++) {
        (void)snprintf(path, sizeof(path), "d/%02u", i);
        bench_remove(&b, path);
    }
}

static void
check_stopped(const char *limit)
{
    mem_store_calm(b.store);
    bench_want(&b, 5);
    ck_assert_uint_eq(b.store->calls[MEM_REMOVE_MANY] + b.store->calls[MEM_REMOVE], 0);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_KEPT], 10);
    ck_assert_msg(strstr(b.log, limit) != NULL, "%s", b.log);
    ck_assert_msg(strstr(b.log, "--allow-deletes 10") != NULL, "%s", b.log);
}

START_TEST(the_guard_counts_before_the_first_delete)
{
    b.manifest.track.delete_limit_files = 9;
    ten_of_twenty();
    check_stopped("delete_limit.files");
    b.options.allow_deletes = 9;
    mem_store_calm(b.store);
    bench_want(&b, 5);
    ck_assert_uint_eq(b.store->calls[MEM_REMOVE_MANY], 0);
    b.options.allow_deletes = 10;
    bench_good(&b);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_DELETED], 10);
    b.options.allow_deletes = 0;
    bench_quiet(&b);
}
END_TEST

START_TEST(the_guard_knows_percent)
{
    b.manifest.track.delete_limit_percent = 45; /* of 20, rounded up: 9 */
    ten_of_twenty();
    check_stopped("delete_limit.percent");
    b.manifest.track.delete_limit_percent = 50;
    bench_good(&b);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_DELETED], 10);
}
END_TEST

/* What was renamed is not lost: it does not count. */
START_TEST(the_guard_leaves_renames_alone)
{
    b.manifest.track.delete_limit_files = 1;
    b.manifest.track.delete_limit_percent = 5;
    for (unsigned i = 0; i < 20; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "d/%02u", i);
        bench_write(&b, path, 10 + i, i);
    }
    bench_write(&b, "x", 1, 1);
    bench_write(&b, "y", 2, 1);
    bench_good(&b);
    bench_rename(&b, "d", "e");
    bench_remove(&b, "x");
    bench_good(&b);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_DELETED], 21);
    bench_rename(&b, "e", "d");
    bench_remove(&b, "d/07");
    bench_remove(&b, "d/08");
    mem_store_calm(b.store);
    bench_want(&b, 5);
    ck_assert_msg(strstr(b.log, "--allow-deletes 2") != NULL, "%s", b.log);
}
END_TEST

START_TEST(an_emptied_lake_stops)
{
    bench_write(&b, "a", 5, 1);
    bench_good(&b);
    bench_remove(&b, "a");
    mem_store_calm(b.store);
    bench_want(&b, 5);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "a"));
    ck_assert_ptr_nonnull(strstr(b.log, "is it mounted"));
    char *report = bench_report(&b); /* whole, though the pass stopped */
    ck_assert_ptr_nonnull(strstr(report, "\"summary\""));
    free(report);
    b.options.accept_root = true;
    bench_want(&b, 0);
    ck_assert_ptr_null(mem_store_find(b.store, "a"));
}
END_TEST

START_TEST(foreign_objects_are_never_deleted)
{
    bench_write(&b, "a", 5, 1);
    bench_write(&b, "c", 5, 2);
    bench_good(&b);
    bench_remove(&b, "a");
    mem_store_plant_bytes(b.store, "a", "not weir's", 10, NULL);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "a"));
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_KEPT], 1);
    ck_assert_ptr_nonnull(strstr(b.log, "another program wrote"));
    bench_quiet(&b);
}
END_TEST

/* A copy inside the store keeps the name of the job, but it is not what weir wrote there. */
START_TEST(foreign_copies_are_neither_deleted_nor_replaced)
{
    bench_write(&b, "a", 50, 1);
    bench_write(&b, "x", 60, 2);
    bench_write(&b, "y", 70, 3);
    bench_good(&b);
    bench_copy_object(&b, "a", "x");
    bench_copy_object(&b, "a", "y");
    bench_remove(&b, "x");
    bench_write(&b, "y", 71, 4);
    mem_store_calm(b.store);
    bench_want(&b, 3);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "x"));
    ck_assert_uint_eq(mem_store_find(b.store, "y")->bytes, 50);
    ck_assert_ptr_nonnull(strstr(b.log, "y: an object that this job did not write"));
    ck_assert_ptr_nonnull(strstr(b.log, "x: another program wrote"));
}
END_TEST

START_TEST(foreign_copies_in_place_of_large_objects)
{
    bench_write(&b, "a", 50, 1);
    bench_write(&b, "big", 3 * MIB, 3);
    bench_good(&b);
    bench_copy_object(&b, "a", "big");
    bench_write(&b, "big", 3 * MIB, 4);
    mem_store_calm(b.store);
    bench_want(&b, 3);
    ck_assert_uint_eq(mem_store_find(b.store, "big")->bytes, 50);
}
END_TEST

/* An error of the run while a batch waits: it is put away with the rest. */
START_TEST(an_error_while_deletes_wait)
{
    b.manifest.transfer.connections = 1;
    ten_of_twenty();
    mem_store_calm(b.store);
    b.store->faults[0] = (struct mem_fault){.op = MEM_REMOVE_MANY,
                                            .nth = 1,
                                            .act = MEM_FAIL,
                                            .code = WEIR_E_CREDENTIALS,
                                            .scope = WEIR_SCOPE_RUN};
    bench_want(&b, 7);
    bench_good(&b);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_DELETED], 10);
}
END_TEST

START_TEST(quarantine_keeps_a_copy)
{
    b.manifest.track.delete_policy = WEIR_DELETE_QUARANTINE;
    bench_write(&b, "d/a", 500, 1);
    bench_write(&b, "c", 5, 2);
    bench_good(&b);
    uint64_t crc = mem_store_find(b.store, "d/a")->crc64nvme;
    bench_remove(&b, "d/a");
    bench_remove(&b, "d");
    bench_good(&b);
    ck_assert_uint_eq(b.ledger.quarantined, 1);
    ck_assert_ptr_null(mem_store_find(b.store, "d/a"));
    const struct mem_object *o = mem_store_find(b.store, ".weir/quarantine/2/d/a");
    ck_assert_ptr_nonnull(o);
    ck_assert(o->crc64nvme == crc);
    char *report = bench_report(&b);
    ck_assert_ptr_nonnull(strstr(report, ".weir/quarantine/2/d/a"));
    free(report);
    bench_quiet(&b);
}
END_TEST

START_TEST(a_copy_that_fails_keeps_the_object)
{
    b.manifest.track.delete_policy = WEIR_DELETE_QUARANTINE;
    bench_write(&b, "a", 500, 1);
    bench_write(&b, "c", 5, 2);
    bench_good(&b);
    bench_remove(&b, "a");
    mem_store_calm(b.store);
    b.store->faults[0] = (struct mem_fault){.op = MEM_COPY, .nth = 1, .act = MEM_FAIL};
    bench_want(&b, 3);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "a"));
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_FAILED], 1);
    bench_good(&b);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_DELETED], 1);
}
END_TEST

START_TEST(files_and_directories_change_places)
{
    bench_write(&b, "x/a", 5, 1);
    bench_write(&b, "y", 6, 2);
    bench_good(&b);
    bench_remove(&b, "x/a");
    bench_remove(&b, "x");
    bench_remove(&b, "y");
    bench_write(&b, "x", 7, 3);
    bench_write(&b, "y/b", 8, 4);
    bench_good(&b);
    ck_assert_ptr_null(mem_store_find(b.store, "x/a"));
    ck_assert_ptr_null(mem_store_find(b.store, "y"));
    bench_quiet(&b);
}
END_TEST

START_TEST(an_empty_directory_that_fills_is_no_object)
{
    bench_mkdir(&b, "d");
    bench_good(&b);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "d/"));
    bench_write(&b, "d/a", 5, 1);
    bench_good(&b);
    ck_assert_ptr_null(mem_store_find(b.store, "d/"));
    bench_remove(&b, "d/a");
    bench_good(&b);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "d/"));
    ck_assert_ptr_null(mem_store_find(b.store, "d/a"));
    bench_quiet(&b);
}
END_TEST

/* Excluded is not vanished. */
START_TEST(what_is_excluded_now_stays)
{
    static char *rules[] = {(char *)"d/**", (char *)"b*"};
    bench_write(&b, "d/a", 5, 1);
    bench_write(&b, "b1", 5, 2);
    bench_write(&b, "c", 5, 3);
    bench_good(&b);
    b.manifest.source.exclude = (struct weir_strings){.item = rules, .count = 2};
    mem_store_calm(b.store);
    bench_want(&b, 0);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "d/a"));
    ck_assert_ptr_nonnull(mem_store_find(b.store, "b1"));
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_KEPT], 0);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("sync_deletes");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, vanished_objects_are_kept_and_come_back);
    tcase_add_test(tc, grace_time);
    tcase_add_test(tc, the_guard_counts_before_the_first_delete);
    tcase_add_test(tc, the_guard_knows_percent);
    tcase_add_test(tc, the_guard_leaves_renames_alone);
    tcase_add_test(tc, an_emptied_lake_stops);
    tcase_add_test(tc, foreign_objects_are_never_deleted);
    tcase_add_test(tc, foreign_copies_are_neither_deleted_nor_replaced);
    tcase_add_test(tc, foreign_copies_in_place_of_large_objects);
    tcase_add_test(tc, an_error_while_deletes_wait);
    tcase_add_test(tc, quarantine_keeps_a_copy);
    tcase_add_test(tc, a_copy_that_fails_keeps_the_object);
    tcase_add_test(tc, files_and_directories_change_places);
    tcase_add_test(tc, an_empty_directory_that_fills_is_no_object);
    tcase_add_test(tc, what_is_excluded_now_stays);
    Suite *s = suite_create("sync_deletes");
    suite_add_tcase(s, tc);
    return run_suite(s);
}
