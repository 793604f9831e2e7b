/* sync: every call of the store fails, loses its reply, or is the last thing the process does,
 * one after the other, in a pass that copies, renames, sends changed parts and deletes.
 * Whatever happened, the next passes end with the store level with the lake, and nothing is
 * lost. */
#include <stdio.h>
#include <string.h>

#include "../main_check.h"
#include "seed_bench.h"

/* ThreadSanitizer makes a child with threads ten times dearer: every fifth call is enough
 * there. */
#define STEP 1u
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#undef STEP
#define STEP 5u
#endif
#endif

static struct bench b;

static const struct {
    unsigned caps;
    bool ignores_source_etag, copies_silently;
    enum weir_delete policy;
} stores[] = {
    {MEM_CAPS_ALL, false, false, WEIR_DELETE_MIRROR},
    {MEM_CAPS_ALL, true, true, WEIR_DELETE_QUARANTINE},
    {WEIR_CAP_COPY | WEIR_CAP_COPY_PART, true, true, WEIR_DELETE_QUARANTINE},
    {0, false, false, WEIR_DELETE_MIRROR},
};

static void
first_lake(void)
{
    bench_write(&b, "same", 20, 1);
    bench_write(&b, "old/a", 1000, 1);
    bench_write(&b, "old/big", 2 * MIB + 7, 1);
    bench_write(&b, "mode", 500, 1);
    bench_write(&b, "delta", 9 * MIB, 1);
    bench_write(&b, "gone/x", 30, 1);
    bench_write(&b, "gone/y", 40, 1);
    bench_write(&b, "file", 50, 1);
}

static void
edit(void)
{
    bench_rename(&b, "old", "new");
    bench_chmod(&b, "mode", 0600);
    bench_poke(&b, "delta", 4 * MIB + 5, false);
    bench_remove(&b, "gone/x");
    bench_remove(&b, "gone/y");
    bench_remove(&b, "gone");
    bench_rename(&b, "file", "moved");
    bench_mkdir(&b, "empty");
}

static void
check_gone(const char *what, unsigned nth)
{
    static const char *const keys[] = {"old/a", "old/big", "gone/x", "gone/y", "file"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        ck_assert_msg(mem_store_find(b.store, keys[i]) == NULL, "call %u %s: %s is still there",
                      nth, what, keys[i]);
}

static void
check_quarantine(const char *what, unsigned nth)
{
    char key[64];
    bool found = false;
    for (int pass = 2; pass < 6 && !found; pass++) {
        (void)snprintf(key, sizeof(key), ".weir/quarantine/%d/gone/x", pass);
        found = mem_store_find(b.store, key) != NULL;
    }
    ck_assert_msg(found, "call %u %s: no copy in the quarantine", nth, what);
}

/* Three more passes at most: one may have to find out what happened. */
static void
recover(const char *what, unsigned nth)
{
    int status = -1;
    mem_store_calm(b.store);
    for (int pass = 0; pass < 3 && status != 0; pass++)
        status = bench_seed(&b);
    ck_assert_msg(status == 0, "call %u %s: then exit status %d\n%s", nth, what, status, b.log);
    b.store->duplicates = 0; /* metadata may be given twice to the same bytes */
    bench_check(&b);
    check_gone(what, nth);
    if (b.manifest.track.delete_policy == WEIR_DELETE_QUARANTINE)
        check_quarantine(what, nth);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    ck_assert_msg(b.store->calls[MEM_ANY] == 0, "call %u %s: the last pass asked", nth, what);
}

/* Returns false when the pass made fewer calls than nth. */
static bool
one(size_t kind, size_t store, unsigned nth)
{
    bench_init_sync(&b);
    b.store->caps = stores[store].caps;
    b.store->ignores_source_etag = stores[store].ignores_source_etag;
    b.store->copies_silently = stores[store].copies_silently;
    b.manifest.track.delete_policy = stores[store].policy;
    b.manifest.transfer.connections = 1 + nth % 3;
    first_lake();
    bench_want(&b, 0);
    mem_store_calm(b.store);
    edit();
    b.store->faults[0] = (struct mem_fault){.nth = nth,
                                            .act = bench_kinds[kind].act,
                                            .code = bench_kinds[kind].code,
                                            .scope = bench_kinds[kind].scope};
    int status = bench_seed_child(&b);
    bool met = b.store->faults[0].met >= nth;
    ck_assert_msg(met || status == 0, "%d", status);
    if (met && (bench_kinds[kind].act == MEM_KILL || bench_kinds[kind].act == MEM_KILL_AFTER))
        ck_assert_int_eq(status, BENCH_KILLED);
    recover(bench_kinds[kind].name, nth);
    bench_fini(&b);
    return met;
}

/* Every kind for the first store; for the others those that differ there. */
static const struct {
    size_t kind, store;
} cases[] = {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 0},
             {0, 1}, {2, 1}, {6, 1}, {0, 2}, {6, 2}, {1, 3}};

START_TEST(whatever_fails_the_next_pass_mends)
{
    for (unsigned nth = 1 + (unsigned)_i % STEP; one(cases[_i].kind, cases[_i].store, nth);
         nth += STEP)
        ck_assert_uint_lt(nth, 200);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("faults");
    tcase_set_timeout(t, 200);
    tcase_add_loop_test(t, whatever_fails_the_next_pass_mends, 0,
                        (int)(sizeof(cases) / sizeof(cases[0])));
    Suite *s = suite_create("sync_faults");
    suite_add_tcase(s, t);
    return run_suite(s);
}
