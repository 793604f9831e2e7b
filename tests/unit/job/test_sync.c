/* sync: what changed, what was renamed, what a dry run tells. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

static uint64_t
sent(void)
{
    return b.ledger.sent_objects;
}

START_TEST(nothing_changed_nothing_asked)
{
    bench_write(&b, "d/a", 100, 1);
    bench_write(&b, "big", 3 * MIB, 2);
    bench_good(&b);
    bench_quiet(&b);
}
END_TEST

START_TEST(a_renamed_directory_sends_nothing)
{
    for (unsigned i = 0; i < 20; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "old/%u", i);
        bench_write(&b, path, 1000 + i, i);
    }
    bench_write(&b, "old/big", 3 * MIB + 5, 99);
    bench_good(&b);
    bench_rename(&b, "old", "new");
    bench_good(&b);
    ck_assert_uint_eq(sent(), 0);
    ck_assert_uint_eq(b.ledger.copied_objects, 21);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_DELETED], 21);
    ck_assert_uint_eq(b.store->calls[MEM_PUT], 0);
    ck_assert_uint_eq(b.store->calls[MEM_PART], 0);
    ck_assert_ptr_null(mem_store_find(b.store, "old/3"));
    bench_quiet(&b);
}
END_TEST

START_TEST(a_renamed_file_is_read_and_copied)
{
    bench_write(&b, "a", 5000, 1);
    bench_write(&b, "b", 2 * MIB + 1, 2);
    bench_good(&b);
    bench_rename(&b, "a", "c/a");
    bench_rename(&b, "b", "c/b");
    bench_good(&b);
    ck_assert_uint_eq(sent(), 0);
    ck_assert_uint_eq(b.ledger.copied_objects, 2);
    bench_quiet(&b);
}
END_TEST

/* Same inode, size and mtime, another name, and other bytes: must not be taken for a rename. */
START_TEST(a_renamed_and_edited_file_is_sent)
{
    bench_write(&b, "a", 5000, 1);
    bench_good(&b);
    bench_poke(&b, "a", 77, true);
    bench_rename(&b, "a", "z");
    bench_good(&b);
    ck_assert_uint_eq(sent(), 1);
}
END_TEST

START_TEST(an_edit_that_hides_its_mtime_is_found)
{
    bench_write(&b, "a", 5000, 1);
    bench_write(&b, "big", 3 * MIB, 2);
    bench_good(&b);
    bench_poke(&b, "a", 77, true);
    bench_poke(&b, "big", 77, true);
    bench_good(&b);
    bench_quiet(&b);
}
END_TEST

START_TEST(new_metadata_needs_no_body)
{
    bench_write(&b, "a", 5000, 1);
    bench_write(&b, "big", 3 * MIB, 2);
    bench_good(&b);
    bench_chmod(&b, "a", 0600);
    bench_chmod(&b, "big", 0600);
    bench_good(&b);
    ck_assert_uint_eq(sent(), 0);
    ck_assert_uint_eq(b.ledger.copied_objects, 2);
    ck_assert_uint_eq(b.store->calls[MEM_COPY], 2);
    const struct mem_object *o = mem_store_find(b.store, "a");
    bool seen = false;
    for (size_t i = 0; i < o->meta_count; i++)
        if (strcmp(o->meta[i].name, "file-permissions") == 0)
            seen = strcmp(o->meta[i].value, "0100600") == 0;
    ck_assert(seen);
    bench_quiet(&b);
}
END_TEST

START_TEST(new_metadata_for_the_catalog_alone)
{
    b.manifest.track.metadata_changes = WEIR_METADATA_CHANGES_CATALOG;
    bench_write(&b, "a", 5000, 1);
    bench_write(&b, "big", 3 * MIB, 2);
    bench_good(&b);
    bench_chmod(&b, "a", 0600);
    bench_chmod(&b, "big", 0600);
    bench_good(&b);
    ck_assert_uint_eq(b.ledger.reread, 2);
    ck_assert_uint_eq(b.store->calls[MEM_COPY] + b.store->calls[MEM_PUT], 0);
    bench_quiet(&b);
}
END_TEST

START_TEST(one_changed_byte_is_one_part)
{
    bench_write(&b, "big", 20 * MIB, 2);
    bench_good(&b);
    bench_poke(&b, "big", 7 * MIB + 3, false);
    bench_good(&b);
    ck_assert_uint_le(b.store->calls[MEM_PART], 2);
    ck_assert_uint_ge(b.store->calls[MEM_COPY_PART], 1);
    ck_assert_uint_eq(b.ledger.sent_bytes + b.ledger.copied_bytes, 20 * MIB);
    bench_quiet(&b);
}
END_TEST

START_TEST(a_lost_base_is_sent_whole)
{
    bench_write(&b, "big", 20 * MIB, 2);
    bench_good(&b);
    mem_store_remove(b.store, "big");
    bench_poke(&b, "big", 7 * MIB + 3, false);
    bench_good(&b);
    ck_assert_uint_eq(b.ledger.sent_bytes, 20 * MIB);
}
END_TEST

static void
replace_base(void *ctx)
{
    (void)ctx;
    mem_store_plant_bytes(b.store, "big", "other", 5, NULL);
}

/* Somebody writes the object while parts are copied from it, and the store does not care. */
START_TEST(a_base_that_changes_is_noticed)
{
    b.manifest.destination.existing = WEIR_EXISTING_REPLACE;
    bench_write(&b, "big", 20 * MIB, 2);
    bench_good(&b);
    bench_poke(&b, "big", 7 * MIB + 3, false);
    mem_store_calm(b.store);
    b.store->ignores_source_etag = true;
    b.store->faults[0] = (struct mem_fault){
        .op = MEM_COPY_PART, .nth = 2, .act = MEM_CALL, .call = replace_base};
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

START_TEST(full_finds_what_no_time_tells)
{
    bench_write(&b, "a", 5000, 1);
    bench_write(&b, "big", 3 * MIB, 2);
    bench_write(&b, "same", 300, 3);
    bench_good(&b);
    bench_sql(&b, "UPDATE entry SET crc64nvme = crc64nvme + 1, xxh128 = zeroblob(16)"
                  " WHERE name <> CAST('same' AS BLOB)");
    bench_sql(&b, "UPDATE chunks SET digests = zeroblob(length(digests))");
    bench_quiet(&b);
    b.options.full = true;
    mem_store_calm(b.store);
    b.store->duplicates = 0;
    bench_want(&b, 0);
    ck_assert_uint_eq(sent(), 2);
    ck_assert_uint_eq(b.ledger.reread, 1);
    ck_assert_ptr_nonnull(strstr(b.log, "although size, times and inode did not"));
}
END_TEST

static unsigned planned;
static char plan[4096];

static void
note_planned(void *ctx, const struct weir_planned *p)
{
    size_t used = strlen(plan);
    (void)ctx;
    planned++;
    (void)snprintf(plan + used, sizeof(plan) - used, "%s %s\n", p->action, p->path);
}

START_TEST(a_dry_run_changes_nothing)
{
    bench_write(&b, "d/a", 5, 1);
    bench_write(&b, "c", 5, 2);
    bench_write(&b, "e/f", 5, 3);
    bench_good(&b);
    bench_remove(&b, "c");
    bench_remove(&b, "e/f");
    bench_remove(&b, "e");
    bench_write(&b, "d/a", 6, 4);
    bench_write(&b, "n", 6, 5);
    b.options.dry_run = true;
    b.options.observer.planned = note_planned;
    planned = 0;
    plan[0] = '\0';
    mem_store_calm(b.store);
    bench_want(&b, 0);
    ck_assert_uint_eq(b.store->calls[MEM_ANY], 0);
    ck_assert_msg(planned == 4, "%s", plan);
    ck_assert_ptr_nonnull(strstr(plan, "replace d/a\n"));
    ck_assert_ptr_nonnull(strstr(plan, "send n\n"));
    ck_assert_ptr_nonnull(strstr(plan, "delete c\n"));
    ck_assert_ptr_nonnull(strstr(plan, "delete e/f\n"));
    b.options.dry_run = false;
    bench_good(&b);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_DELETED], 2);
}
END_TEST

START_TEST(a_dry_run_before_the_first_pass)
{
    bench_write(&b, "d/a", 5, 1);
    b.options.dry_run = true;
    bench_want(&b, 0);
    struct stat st;
    ck_assert_int_ne(stat(b.state, &st), 0);
}
END_TEST

START_TEST(rebuild_finds_everything)
{
    bench_write(&b, "d/a", 500, 1);
    bench_write(&b, "big", 3 * MIB, 2);
    bench_mkdir(&b, "empty");
    bench_link(&b, "l", "d/a");
    bench_write(&b, "later", 77, 9);
    bench_good(&b);
    mem_store_plant_bytes(b.store, "foreign", "x", 1, NULL);
    char other[160];
    (void)snprintf(other, sizeof(other), "%s/state2", b.dir);
    bench_remove(&b, "later");
    b.options.state_dir = other;
    bench_plant_marker(&b, "d/a");
    mem_store_calm(b.store);
    b.log[0] = '\0';
    int rc = weir_catalog_rebuild(&b.options, &b.ledger, &b.err);
    ck_assert_msg(rc == 0, "%s %s", b.log, b.err.nframes > 0 ? b.err.frame[0] : "");
    ck_assert_uint_eq(b.ledger.found, 4);
    ck_assert_uint_eq(b.ledger.sent_objects, 0);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_KEPT], 1); /* vanished while nobody looked */
    mem_store_calm(b.store);
    bench_want(&b, 0);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_UNCHANGED], 4);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_DELETED], 1);
    ck_assert_ptr_null(mem_store_find(b.store, "later"));
    ck_assert_ptr_nonnull(mem_store_find(b.store, "foreign"));
    bench_quiet(&b);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("sync");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, nothing_changed_nothing_asked);
    tcase_add_test(tc, a_renamed_directory_sends_nothing);
    tcase_add_test(tc, a_renamed_file_is_read_and_copied);
    tcase_add_test(tc, a_renamed_and_edited_file_is_sent);
    tcase_add_test(tc, an_edit_that_hides_its_mtime_is_found);
    tcase_add_test(tc, new_metadata_needs_no_body);
    tcase_add_test(tc, new_metadata_for_the_catalog_alone);
    tcase_add_test(tc, one_changed_byte_is_one_part);
    tcase_add_test(tc, a_lost_base_is_sent_whole);
    tcase_add_test(tc, a_base_that_changes_is_noticed);
    tcase_add_test(tc, full_finds_what_no_time_tells);
    tcase_add_test(tc, a_dry_run_changes_nothing);
    tcase_add_test(tc, a_dry_run_before_the_first_pass);
    tcase_add_test(tc, rebuild_finds_everything);
    Suite *s = suite_create("sync");
    suite_add_tcase(s, tc);
    return run_suite(s);
}
