/* seed: the lake changes between walk and read, strangers write to the store, passes are
 * stopped in the middle. */
#include <stdio.h>
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
call_at(enum mem_op op, unsigned nth, void (*call)(void *), void *ctx)
{
    mem_store_calm(b.store);
    b.store->faults[0] =
        (struct mem_fault){.op = op, .nth = nth, .act = MEM_CALL, .call = call, .ctx = ctx};
}

/* The probe comes after the walk has seen the entry and before a worker opens it. */
static void
after_walk(void (*edit)(void *))
{
    call_at(MEM_PROBE, 1, edit, NULL);
}

static void
other_target(void *ctx)
{
    (void)ctx;
    bench_link(&b, "link", "release-2");
}

START_TEST(a_link_that_was_replaced_is_read_again)
{
    bench_link(&b, "link", "release-1");
    after_walk(other_target);
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

static void
grow(void *ctx)
{
    (void)ctx;
    bench_write(&b, "a", 4 * MIB, 2);
}

START_TEST(a_small_file_that_grew_goes_in_parts)
{
    bench_write(&b, "a", 10, 1);
    after_walk(grow);
    bench_want(&b, 0);
    bench_check(&b);
    ck_assert_uint_eq(b.store->calls[MEM_PART], 4);
}
END_TEST

static void
shrink(void *ctx)
{
    (void)ctx;
    bench_write(&b, "a", 10, 2);
}

START_TEST(a_large_file_that_shrank_goes_whole)
{
    bench_write(&b, "a", 4 * MIB, 1);
    after_walk(shrink);
    bench_want(&b, 0);
    bench_check(&b);
    ck_assert_int_eq(bench_count_uploads(&b), 0);
}
END_TEST

static void
vanish(void *ctx)
{
    (void)ctx;
    bench_remove(&b, "a");
    bench_remove(&b, "big");
    bench_remove(&b, "link");
}

START_TEST(what_vanished_is_failed_by_name)
{
    bench_write(&b, "a", 10, 1);
    bench_write(&b, "big", 4 * MIB, 1);
    bench_link(&b, "link", "a");
    bench_write(&b, "stays", 10, 1);
    after_walk(vanish);
    bench_want(&b, 3);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_FAILED], 3);
    ck_assert_uint_eq(mem_store_open_uploads(b.store), 0);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

/* With large parts a whole file may need a large buffer; all together keep to the memory. */
START_TEST(large_whole_files_share_the_memory)
{
    char name[16];
    b.manifest.transfer.part_bytes = 64 * MIB;
    for (unsigned i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "d/%u", i);
        bench_write(&b, name, 14 * MIB, i);
    }
    bench_write(&b, "small", 1, 1);
    bench_want(&b, 0);
    bench_check(&b);
    ck_assert_uint_eq(b.store->calls[MEM_CREATE], 0);
    ck_assert_uint_le(b.store->put_bytes_max, 32 * MIB);
    bench_write(&b, "d/too-large", 33 * MIB, 9);
    bench_want(&b, 3);
    ck_assert_ptr_nonnull(strstr(b.log, "set transfer.memory to at least 66 MiB"));
}
END_TEST

/* ---- strangers ---- */

START_TEST(an_adopted_object_is_not_sent)
{
    bench_write(&b, "a", 10, 1);
    bench_write(&b, "big", 2 * MIB, 1);
    bench_want(&b, 0);
    struct mem_object *a = mem_store_find(b.store, "a"), *big = mem_store_find(b.store, "big");
    mem_store_plant(b.store, "d/a", a->bytes, a->crc64nvme);
    mem_store_plant(b.store, "d/big", big->bytes, big->crc64nvme)->multipart = true;
    bench_write(&b, "d/a", 10, 1);
    bench_write(&b, "d/big", 2 * MIB, 1);
    mem_store_calm(b.store);
    b.manifest.destination.existing = WEIR_EXISTING_ADOPT;
    bench_want(&b, 0);
    bench_check(&b);
    ck_assert_uint_eq(b.ledger.found, 2);
    ck_assert_uint_eq(b.store->calls[MEM_PUT], 0);
    ck_assert_uint_eq(b.store->calls[MEM_CREATE], 0);
    /* It is ours from now on, though it does not carry our name. */
    if (_i == 1) { /* a store that cannot refuse by ETag; the catalog believes what it probed */
        b.store->caps &= ~(unsigned)WEIR_CAP_IF_MATCH;
        bench_sql(&b, "DELETE FROM fact WHERE name = 'store.capabilities.2'");
    }
    bench_write(&b, "d/a", 11, 2);
    bench_write(&b, "d/big", 2 * MIB, 2);
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

/* Somebody overwrote our objects: they are his. */
START_TEST(a_foreign_object_in_place_of_ours_is_left_alone)
{
    b.store->caps = _i == 0 ? MEM_CAPS_ALL : 0;
    bench_write(&b, "a", 10, 1);
    bench_write(&b, "big", 2 * MIB, 1);
    bench_want(&b, 0);
    mem_store_plant(b.store, "a", 99, 1);
    mem_store_plant(b.store, "big", 99, 2);
    bench_write(&b, "a", 10, 2);
    bench_write(&b, "big", 2 * MIB, 2);
    bench_want(&b, 3);
    ck_assert_uint_eq(b.ledger.count[WEIR_STATE_FAILED], 2);
    ck_assert_uint_eq(mem_store_find(b.store, "a")->bytes, 99);
    ck_assert_uint_eq(mem_store_find(b.store, "big")->bytes, 99);
    ck_assert_uint_eq(mem_store_open_uploads(b.store), 0);
    b.manifest.destination.existing = WEIR_EXISTING_REPLACE;
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

/* ---- stops ---- */

static void
drain(void *ctx)
{
    (void)ctx;
    weir_cancel_raise(&b.cancel, WEIR_CANCEL_DRAIN);
}

static void
many(unsigned n, unsigned salt)
{
    char name[16];
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(name, sizeof(name), "d/%03u", i);
        bench_write(&b, name, 10 + i, salt);
    }
}

/* An unmounted disk, an emptied bucket, another endpoint: not the store that the catalog
 * describes. */
START_TEST(a_store_without_the_marker_gets_nothing)
{
    many(3, 1);
    bench_want(&b, 0);
    ck_assert(b.store->marked);
    b.store->marked = false;
    mem_store_calm(b.store);
    bench_want(&b, 0); /* nothing to send: the store is not asked */
    ck_assert_uint_eq(b.store->calls[MEM_ANY], 0);
    bench_write(&b, "d/new", 5, 9);
    bench_want(&b, 5);
    ck_assert_uint_eq(b.store->calls[MEM_PUT], 0);
    b.store->marked = true;
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

START_TEST(a_drain_begins_nothing_new)
{
    many(60, 1);
    b.manifest.transfer.connections = 1;
    call_at(MEM_PUT, 3, drain, NULL);
    bench_want(&b, 75);
    ck_assert_uint_eq(b.store->calls[MEM_PUT], 3);
    ck_assert_uint_eq(weir_ledger_pending(&b.ledger), 57);
    b.cancel.level = WEIR_CANCEL_NONE;
    mem_store_calm(b.store);
    bench_want(&b, 0);
    bench_check(&b);
    ck_assert_uint_eq(b.store->calls[MEM_PUT], 57);
    ck_assert_uint_eq(b.store->calls[MEM_HEAD], 0);
}
END_TEST

/* Credentials expire: one request says so, not one for each entry. */
START_TEST(an_error_of_the_run_ends_it_at_once)
{
    many(60, 1);
    b.manifest.transfer.connections = 1;
    b.store->faults[0] = (struct mem_fault){.op = MEM_PUT,
                                            .nth = 3,
                                            .times = 1000,
                                            .code = WEIR_E_CREDENTIALS,
                                            .scope = WEIR_SCOPE_RUN};
    bench_want(&b, 7);
    ck_assert_uint_le(b.store->calls[MEM_PUT], 12); /* what one worker had taken */
    ck_assert_uint_le(b.ledger.count[WEIR_STATE_FAILED], 1);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

/* With existing: replace nothing but the mark of the directory makes weir ask before it sends.
 * A pass that crashed, then one that was drained: the mark must survive both. */
START_TEST(a_drain_after_a_crash_forgets_no_doubt)
{
    many(40, 1);
    b.manifest.destination.existing = WEIR_EXISTING_REPLACE;
    b.manifest.transfer.connections = 1;
    b.store->faults[0] = (struct mem_fault){.op = MEM_PUT, .nth = 40, .act = MEM_KILL_AFTER};
    ck_assert_int_eq(bench_seed_child(&b), BENCH_KILLED);
    call_at(MEM_HEAD, 1, drain, NULL);
    bench_want(&b, 75);
    b.cancel.level = WEIR_CANCEL_NONE;
    mem_store_calm(b.store);
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

/* The same with an entry that fails before weir can ask. */
START_TEST(a_failure_after_a_crash_forgets_no_doubt)
{
    many(5, 1);
    b.manifest.destination.existing = WEIR_EXISTING_REPLACE;
    b.store->faults[0] = (struct mem_fault){.op = MEM_PUT, .nth = 5, .act = MEM_KILL_AFTER};
    ck_assert_int_eq(bench_seed_child(&b), BENCH_KILLED);
    mem_store_calm(b.store);
    b.store->faults[0] = (struct mem_fault){.op = MEM_HEAD, .nth = 1, .times = 2};
    bench_want(&b, 3);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("edits");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_link_that_was_replaced_is_read_again);
    tcase_add_test(t, a_small_file_that_grew_goes_in_parts);
    tcase_add_test(t, a_large_file_that_shrank_goes_whole);
    tcase_add_test(t, large_whole_files_share_the_memory);
    tcase_add_test(t, what_vanished_is_failed_by_name);
    tcase_add_loop_test(t, an_adopted_object_is_not_sent, 0, 2);
    tcase_add_loop_test(t, a_foreign_object_in_place_of_ours_is_left_alone, 0, 2);
    tcase_add_test(t, a_store_without_the_marker_gets_nothing);
    tcase_add_test(t, a_drain_begins_nothing_new);
    tcase_add_test(t, an_error_of_the_run_ends_it_at_once);
    tcase_add_test(t, a_drain_after_a_crash_forgets_no_doubt);
    tcase_add_test(t, a_failure_after_a_crash_forgets_no_doubt);
    Suite *s = suite_create("seed_edits");
    suite_add_tcase(s, t);
    return run_suite(s);
}
