/* seed: multipart uploads that a killed pass left, and what became of their files. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "../main_check.h"
#include "seed_bench.h"

#define BIG (3 * MIB + 5)

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
fault(enum mem_op op, unsigned nth, enum mem_do act)
{
    mem_store_calm(b.store);
    b.store->faults[0] = (struct mem_fault){.op = op, .nth = nth, .act = act};
}

/* A pass that dies at the nth call of op. */
static void
killed_at(enum mem_op op, unsigned nth, enum mem_do act)
{
    fault(op, nth, act);
    ck_assert_int_eq(bench_seed_child(&b), BENCH_KILLED);
    mem_store_calm(b.store);
}

START_TEST(a_killed_upload_goes_on)
{
    bench_write(&b, "d/big", BIG, 1);
    killed_at(MEM_COMPLETE, 1, MEM_KILL);
    bench_want(&b, 0);
    bench_check(&b);
    ck_assert_uint_eq(b.ledger.parts_reused, 4);
    ck_assert_uint_eq(b.store->calls[MEM_PART], 0);
}
END_TEST

START_TEST(a_part_that_the_store_lost_is_sent_again)
{
    bench_write(&b, "d/big", BIG, 1);
    killed_at(MEM_COMPLETE, 1, MEM_KILL);
    b.store->uploads->parts[1].number = 0;
    bench_want(&b, 0);
    bench_check(&b);
    ck_assert_uint_eq(b.ledger.parts_reused, 3);
    ck_assert_uint_eq(b.store->calls[MEM_PART], 1);
}
END_TEST

static char *no_big[] = {(char *)"big"};

static const struct {
    const char *name;
    enum mem_op op;
    enum mem_do act;
} deaths[] = {
    {"before Complete", MEM_COMPLETE, MEM_KILL},
    {"after Create", MEM_CREATE, MEM_KILL_AFTER},
};
enum { GONE, DIR_GONE, SMALL, EXCLUDED, LINK, DIRECTORY, OTHER_PARTS, FATES };

/* The row of the upload is all that knows of it. */
START_TEST(an_upload_whose_file_is_no_more_is_aborted)
{
    bench_write(&b, "a", 3, 1);
    bench_write(&b, "d/big", BIG, 1);
    killed_at(deaths[_i / FATES].op, 1, deaths[_i / FATES].act);
    ck_assert_uint_eq(mem_store_open_uploads(b.store), 1);
    if (_i % FATES != EXCLUDED && _i % FATES != OTHER_PARTS)
        bench_remove(&b, "d/big");
    switch (_i % FATES) {
    case DIR_GONE:
        bench_remove(&b, "d");
        break;
    case SMALL:
        bench_write(&b, "d/big", 10, 2);
        break;
    case EXCLUDED:
        b.manifest.source.exclude = (struct weir_strings){.item = no_big, .count = 1};
        break;
    case LINK:
        bench_link(&b, "d/big", "nowhere");
        break;
    case DIRECTORY:
        bench_write(&b, "d/big/x", 1, 1);
        break;
    case OTHER_PARTS:
        b.manifest.transfer.part_bytes = 8 * MIB;
        break;
    default:
        break;
    }
    bench_want(&b, 0);
    ck_assert_uint_eq(mem_store_open_uploads(b.store), 0);
    ck_assert_int_eq(bench_count_uploads(&b), 0);
    if (_i % FATES != EXCLUDED)
        bench_check(&b);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    ck_assert_uint_eq(b.store->calls[MEM_ANY], 0);
}
END_TEST

/* The next run goes on with it. */
START_TEST(the_upload_of_a_failed_file_is_kept)
{
    bench_write(&b, "d/big", BIG, 1);
    fault(MEM_PART, 3, MEM_FAIL);
    bench_want(&b, 3);
    ck_assert_uint_eq(mem_store_open_uploads(b.store), 1);
    ck_assert_int_eq(bench_count_uploads(&b), 1);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    bench_check(&b);
    ck_assert_uint_ge(b.ledger.parts_reused, 2);
    ck_assert_int_eq(bench_count_uploads(&b), 0);
}
END_TEST

START_TEST(an_orphan_that_cannot_be_aborted_is_tried_again)
{
    bench_write(&b, "a", 3, 1);
    bench_write(&b, "d/big", BIG, 1);
    killed_at(MEM_COMPLETE, 1, MEM_KILL);
    bench_remove(&b, "d/big");
    fault(MEM_ABORT, 1, MEM_FAIL);
    bench_want(&b, 0);
    ck_assert_ptr_nonnull(strstr(b.log, "d/big"));
    ck_assert_int_eq(bench_count_uploads(&b), 1);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    ck_assert_uint_eq(mem_store_open_uploads(b.store), 0);
    ck_assert_int_eq(bench_count_uploads(&b), 0);
}
END_TEST

/* Nothing is sent, but the store is asked: in a wrong one the upload would seem to be gone. */
START_TEST(an_orphan_is_not_looked_for_in_another_store)
{
    bench_write(&b, "a", 3, 1);
    bench_write(&b, "d/big", BIG, 1);
    killed_at(MEM_COMPLETE, 1, MEM_KILL);
    bench_remove(&b, "d/big");
    fault(MEM_ABORT, 1, MEM_FAIL);
    bench_want(&b, 0); /* all but the abort */
    mem_store_calm(b.store);
    b.store->marked = false;
    bench_want(&b, 5);
    ck_assert_int_eq(bench_count_uploads(&b), 1);
    ck_assert_uint_eq(b.store->calls[MEM_ABORT], 0);
    b.store->marked = true;
    bench_want(&b, 0);
    ck_assert_uint_eq(mem_store_open_uploads(b.store), 0);
}
END_TEST

/* The store has forgotten the upload; the one that takes its place is created, and nobody hears
 * of it. */
START_TEST(a_crash_after_a_second_create_leaks_nothing)
{
    bench_write(&b, "d/big", BIG, 1);
    killed_at(MEM_COMPLETE, 1, MEM_KILL);
    b.store->uploads->open = false;
    killed_at(MEM_CREATE, 1, MEM_KILL_AFTER);
    ck_assert_uint_eq(mem_store_open_uploads(b.store), 1);
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

static void
drain(void *ctx)
{
    struct weir_cancel *c = ctx;
    weir_cancel_raise(c, WEIR_CANCEL_DRAIN);
}

/* The row without an id was forgotten when its file was put off, before anybody looked. */
START_TEST(a_lost_create_is_not_forgotten_when_the_file_is_put_off)
{
    bench_write(&b, "d/big", BIG, 1);
    killed_at(MEM_CREATE, 1, MEM_KILL_AFTER);
    bench_link(&b, "link", "d/big");
    bench_write(&b, "d/big", BIG, 2);
    b.clock.ahead_ns = 0; /* too young to be read */
    b.store->faults[0] = (struct mem_fault){.op = MEM_PUT,
                                            .key = "link",
                                            .nth = 1,
                                            .act = MEM_CALL,
                                            .call = drain,
                                            .ctx = &b.cancel};
    bench_want(&b, 75);
    ck_assert_uint_eq(mem_store_open_uploads(b.store), 1);
    mem_store_calm(b.store);
    b.cancel.level = WEIR_CANCEL_NONE;
    b.clock.ahead_ns = 3600 * WEIR_NS_PER_S;
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

/* Without digests and times, size and id alone would take the old object for the new one. */
START_TEST(an_older_object_is_not_what_a_lost_complete_made)
{
    b.store->caps = 0;
    b.manifest.source.metadata = WEIR_METADATA_NONE;
    bench_write(&b, "d/big", BIG, 1);
    bench_want(&b, 0);
    bench_write(&b, "d/big", BIG, 2);
    if (_i == 0) {
        killed_at(MEM_COMPLETE, 1, MEM_KILL);
    } else {
        fault(MEM_COMPLETE, 1, MEM_FAIL);
        b.store->faults[0].code = WEIR_E_NO_UPLOAD;
    }
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

/* Complete says no: the object at the key is our own, of another content. */
static void
publish_ours(void *ctx)
{
    struct mem_store *s = ctx;
    struct mem_object *o = mem_store_plant(s, "d/big", BIG, 99);
    o->meta_count = s->uploads->object.meta_count;
    memcpy(o->meta, s->uploads->object.meta, sizeof(o->meta));
}

START_TEST(our_own_object_does_not_stop_complete)
{
    bench_write(&b, "d/big", BIG, 1);
    fault(MEM_COMPLETE, 1, MEM_CALL);
    b.store->faults[0].call = publish_ours;
    b.store->faults[0].ctx = b.store;
    bench_want(&b, 0);
    bench_check(&b);
}
END_TEST

/* Every open upload holds a descriptor and its lists of parts. */
START_TEST(many_large_files_need_few_descriptors)
{
    char name[16];
    for (unsigned i = 0; i < 120; i++) {
        (void)snprintf(name, sizeof(name), "d/%03u", i);
        bench_write(&b, name, MIB + 1, i);
    }
    struct rlimit before, few;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 64;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    b.manifest.transfer.connections = 8;
    bench_want(&b, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    bench_check(&b);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("uploads");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_killed_upload_goes_on);
    tcase_add_test(t, a_part_that_the_store_lost_is_sent_again);
    tcase_add_loop_test(t, an_upload_whose_file_is_no_more_is_aborted, 0, 2 * FATES);
    tcase_add_test(t, the_upload_of_a_failed_file_is_kept);
    tcase_add_test(t, an_orphan_that_cannot_be_aborted_is_tried_again);
    tcase_add_test(t, an_orphan_is_not_looked_for_in_another_store);
    tcase_add_test(t, a_crash_after_a_second_create_leaks_nothing);
    tcase_add_test(t, a_lost_create_is_not_forgotten_when_the_file_is_put_off);
    tcase_add_loop_test(t, an_older_object_is_not_what_a_lost_complete_made, 0, 2);
    tcase_add_test(t, our_own_object_does_not_stop_complete);
    tcase_add_test(t, many_large_files_need_few_descriptors);
    Suite *s = suite_create("seed_uploads");
    suite_add_tcase(s, t);
    return run_suite(s);
}
