/* seed: every call of the store fails, loses its reply, or is the last thing the process does,
 * one after the other.  Whatever happened, the next passes end with everything in the store,
 * once, and no upload left. */
#include <stdio.h>
#include <string.h>

#include "../main_check.h"
#include "seed_bench.h"

static struct bench b;

static void
lake(unsigned salt)
{
    bench_write(&b, "a", 10, salt);
    bench_write(&b, "d/b", 1000, salt);
    bench_write(&b, "d/big", 3 * MIB + 5, salt);
    bench_write(&b, "d/e/big2", 2 * MIB, salt);
    bench_mkdir(&b, "d/nothing");
    bench_link(&b, "link", "d/big");
}

#define KINDS ((size_t)BENCH_KINDS - 1) /* without the last */

/* Two more passes at most: one may have to find out what happened. */
static void
recover(const char *what, unsigned nth)
{
    mem_store_calm(b.store);
    int status = bench_seed(&b);
    ck_assert_msg(status == 0, "call %u %s: then exit status %d\n%s", nth, what, status, b.log);
    bench_check(&b);
    bench_want(&b, 0);
    ck_assert_uint_eq(b.store->calls[MEM_PROBE], b.store->calls[MEM_LIST] > 0);
}

/* Returns false when the pass made fewer calls than nth. */
static bool
one(size_t kind, unsigned nth, unsigned caps, bool replace)
{
    bench_init(&b);
    b.store->caps = caps;
    b.manifest.transfer.connections = 1 + nth % 3;
    b.manifest.destination.existing = replace ? WEIR_EXISTING_REPLACE : WEIR_EXISTING_REFUSE;
    lake(1);
    if (replace) { /* the fault hits the second version of all files */
        bench_want(&b, 0);
        mem_store_calm(b.store);
        for (const char *const *f = (const char *const[]){"d/nothing", NULL}; *f != NULL; f++)
            bench_remove(&b, *f);
        lake(2);
    }
    b.store->faults[0] = (struct mem_fault){.nth = nth,
                                            .act = bench_kinds[kind].act,
                                            .code = bench_kinds[kind].code,
                                            .scope = bench_kinds[kind].scope};
    int status = bench_seed_child(&b);
    bool met = b.store->faults[0].met >= nth;
    ck_assert_msg(met || status == 0, "%d", status);
    if (met && bench_kinds[kind].act >= MEM_KILL)
        ck_assert_int_eq(status, BENCH_KILLED);
    recover(bench_kinds[kind].name, nth);
    bench_fini(&b);
    return met;
}

START_TEST(whatever_fails_the_next_pass_mends)
{
    for (unsigned nth = 1; one((size_t)_i % KINDS, nth, MEM_CAPS_ALL, _i < (int)KINDS); nth++)
        ck_assert_uint_lt(nth, 200);
}
END_TEST

/* A store that checks and honours nothing. */
START_TEST(without_any_capability)
{
    for (unsigned nth = 1; one((size_t)_i, nth, 0, true); nth++)
        ck_assert_uint_lt(nth, 200);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("faults");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, whatever_fails_the_next_pass_mends, 0, (int)KINDS + 3);
    tcase_add_loop_test(t, without_any_capability, 0, 3);
    Suite *s = suite_create("seed_faults");
    suite_add_tcase(s, t);
    return run_suite(s);
}
