/* sync: histories in which a wrong belief of the catalog would lose an object, delete one that
 * must stay, or keep one for ever. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int
until_clean(void)
{
    int s = -1;
    mem_store_calm(b.store);
    for (int i = 0; i < 3 && s != 0; i++)
        s = bench_seed(&b);
    return s;
}

/* Killed after the store deleted, before the row went; the directory comes back. */
START_TEST(killed_delete_then_back)
{
    bench_write(&b, "d/a", 5000, 1);
    bench_write(&b, "c", 50, 2);
    bench_good(&b);
    bench_rename(&b, "d", "../outside");
    b.store->faults[0] = (struct mem_fault){.op = MEM_REMOVE_MANY,
                                            .nth = 1,
                                            .act = _i == 0 ? MEM_KILL_AFTER : MEM_LOSE_REPLY,
                                            .code = WEIR_E_NETWORK};
    int s = bench_seed_child(&b);
    ck_assert_int_eq(s, _i == 0 ? BENCH_KILLED : 3);
    ck_assert_ptr_null(mem_store_find(b.store, "d/a"));
    bench_rename(&b, "../outside", "d");
    ck_assert_int_eq(until_clean(), 0);
    ck_assert_msg(mem_store_find(b.store, "d/a") != NULL,
                  "LOST: exit 0, unchanged=%lu, d/a is not in the store",
                  (unsigned long)b.ledger.count[WEIR_STATE_UNCHANGED]);
}
END_TEST

/* A killed pass replaced an object; then the old directory is put back. */
START_TEST(killed_replace_then_reverted)
{
    bench_write(&b, "d/x", 5000, 1);
    bench_write(&b, "c", 50, 2);
    bench_good(&b);
    bench_rename(&b, "d", "../v1");
    bench_write(&b, "d/x", 5000, 9);
    b.store->faults[0] = (struct mem_fault){.op = MEM_PUT,
                                            .key = "d/x",
                                            .nth = 1,
                                            .act = _i == 0 ? MEM_KILL_AFTER : MEM_LOSE_REPLY,
                                            .code = WEIR_E_NETWORK};
    int s = bench_seed_child(&b);
    ck_assert_int_eq(s, _i == 0 ? BENCH_KILLED : 3);
    bench_rename(&b, "d", "../v2");
    bench_rename(&b, "../v1", "d");
    ck_assert_int_eq(until_clean(), 0);
    bench_check(&b);
}
END_TEST

/* The same with a large file: Complete done, killed. */
START_TEST(killed_complete_then_reverted)
{
    bench_write(&b, "d/x", 3 * MIB, 1);
    bench_write(&b, "c", 50, 2);
    bench_good(&b);
    bench_rename(&b, "d", "../v1");
    bench_write(&b, "d/x", 3 * MIB, 9);
    b.store->faults[0] =
        (struct mem_fault){.op = MEM_COMPLETE, .key = "d/x", .nth = 1, .act = MEM_KILL_AFTER};
    ck_assert_int_eq(bench_seed_child(&b), BENCH_KILLED);
    bench_rename(&b, "d", "../v2");
    bench_rename(&b, "../v1", "d");
    ck_assert_int_eq(until_clean(), 0);
    bench_check(&b);
}
END_TEST

/* S3 answers 404 to If-Match on a key that is gone. */
START_TEST(object_removed_by_others_and_file_changes)
{
    bench_write(&b, "x", 5000, 1);
    bench_good(&b);
    mem_store_remove(b.store, "x");
    bench_write(&b, "x", 5001, 2);
    mem_store_calm(b.store);
    b.store->faults[0] = (struct mem_fault){.op = MEM_PUT,
                                            .key = "x",
                                            .nth = 1,
                                            .times = 1,
                                            .act = MEM_FAIL,
                                            .code = WEIR_E_NOT_FOUND};
    int s = bench_seed(&b);
    ck_assert_msg(s == 0, "exit %d\n%s", s, b.log);
}
END_TEST

/* Bind mount of the same device, only directories at its top, unmounted. */
START_TEST(bind_mount_of_directories_only)
{
    char src[200], dst[200];
    b.manifest.source.one_file_system = false;
    bench_write(&b, "c", 50, 2);
    bench_mkdir(&b, "projects");
    bench_write(&b, "../store/p1/a", 100, 3);
    bench_write(&b, "../store/p2/a", 100, 4);
    (void)snprintf(src, sizeof(src), "%s/store", b.dir);
    (void)snprintf(dst, sizeof(dst), "%s/projects", b.lake);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(src, dst, NULL, MS_BIND, NULL) != 0) {
        printf("sync_doubt: SKIPPED bind_mount_of_directories_only: no mounts here\n");
        return;
    }
    bench_good(&b);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "projects/p1/a"));
    ck_assert_int_eq(umount(dst), 0);
    mem_store_calm(b.store);
    int s = bench_seed(&b);
    ck_assert_msg(s == 5 && mem_store_find(b.store, "projects/p1/a") != NULL,
                  "exit %d, deleted=%lu: the objects of an unmounted file system are gone", s,
                  (unsigned long)b.ledger.count[WEIR_STATE_DELETED]);
}
END_TEST

/* Quarantine/<pass> again after a rebuild. */
START_TEST(quarantine_is_overwritten_after_rebuild)
{
    char state2[120];
    b.manifest.track.delete_policy = WEIR_DELETE_QUARANTINE;
    bench_write(&b, "c", 50, 2);
    bench_write(&b, "a", 100, 1);
    bench_good(&b); /* pass 1 */
    bench_remove(&b, "a");
    bench_want(&b, 0); /* pass 2: .weir/quarantine/2/a */
    struct mem_object *q = mem_store_find(b.store, ".weir/quarantine/2/a");
    ck_assert_ptr_nonnull(q);
    uint64_t crc = q->crc64nvme;
    bench_write(&b, "a", 100, 77);
    bench_want(&b, 0); /* pass 3 */
    (void)snprintf(state2, sizeof(state2), "%s/state2", b.dir);
    b.options.state_dir = state2; /* the catalog is lost */
    bench_plant_marker(&b, "c");
    weir_err_clear(&b.err);
    ck_assert_int_eq(weir_catalog_rebuild(&b.options, &b.ledger, &b.err), 0); /* pass 1 */
    bench_remove(&b, "a");
    bench_want(&b, 0); /* pass 2 */
    q = mem_store_find(b.store, ".weir/quarantine/2/a");
    ck_assert_msg(q != NULL && q->crc64nvme == crc,
                  "the copy that was kept safe was overwritten");
}
END_TEST

/* Marker of a directory that a rule excludes now, after a rebuild. */
START_TEST(rebuild_excluded_directory_marker)
{
    static char *ex[] = {(char *)"keep/**", (char *)"keep"};
    char state2[120];
    b.manifest.source.directories = WEIR_DIRECTORIES_ALL;
    bench_write(&b, "c", 50, 2);
    bench_write(&b, "keep/a", 100, 1);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "keep/"));
    b.manifest.source.exclude.item = ex;
    b.manifest.source.exclude.count = 2;
    (void)snprintf(state2, sizeof(state2), "%s/state2", b.dir);
    b.options.state_dir = state2;
    bench_plant_marker(&b, "c");
    weir_err_clear(&b.err);
    ck_assert_int_eq(weir_catalog_rebuild(&b.options, &b.ledger, &b.err), 0);
    bench_want(&b, 0);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "keep/a"));
    ck_assert_msg(mem_store_find(b.store, "keep/") != NULL,
                  "marker of an excluded directory deleted");
}
END_TEST

/* Rename chain and exchange in one pass, also on a weak store. */
START_TEST(rename_cycle)
{
    if (_i == 1) {
        b.store->caps = WEIR_CAP_COPY | WEIR_CAP_COPY_PART;
        b.store->ignores_source_etag = true;
        b.store->copies_silently = true;
    }
    bench_write(&b, "a", 5000, 1);
    bench_write(&b, "b", 5000, 2);
    bench_write(&b, "c", 5000, 3);
    bench_write(&b, "d1/f", 3 * MIB, 4);
    bench_write(&b, "d2/f", 3 * MIB, 5);
    bench_good(&b);
    bench_rename(&b, "c", "t");
    bench_rename(&b, "b", "c");
    bench_rename(&b, "a", "b");
    bench_rename(&b, "t", "a");
    bench_rename(&b, "d1", "t");
    bench_rename(&b, "d2", "d1");
    bench_rename(&b, "t", "d2");
    bench_rename(&b, "a", "n");
    bench_write(&b, "a", 5000, 8);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    b.store->duplicates = 0;
    bench_check(&b);
}
END_TEST

/* Hard links do not count for the guard. */
START_TEST(guard_and_hard_links)
{
    char name[64], a[400], z[400];
    b.manifest.track.delete_limit_files = 10;
    bench_mkdir(&b, "snap");
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof(name), "cur/f%02u", i);
        bench_write(&b, name, 1000 + i, i);
        (void)snprintf(a, sizeof(a), "%s/%s", b.lake, name);
        (void)snprintf(z, sizeof(z), "%s/snap/f%02u", b.lake, i);
        ck_assert_int_eq(link(a, z), 0);
    }
    mem_store_calm(b.store);
    bench_want(&b, 0);
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof(name), "snap/f%02u", i);
        bench_remove(&b, name);
    }
    int s = bench_seed(&b);
    ck_assert_msg(s == 5, "exit %d, deleted %lu with a limit of 10", s,
                  (unsigned long)b.ledger.count[WEIR_STATE_DELETED]);
}
END_TEST

/* A directory that vanished, came back, and is excluded now: its marker. */
START_TEST(marker_of_excluded_directory_after_grace)
{
    static char *ex[] = {(char *)"keep/**", (char *)"keep"};
    b.manifest.source.directories = WEIR_DIRECTORIES_ALL;
    b.manifest.track.delete_grace_s = 7200;
    bench_write(&b, "c", 50, 2);
    bench_write(&b, "keep/a", 100, 1);
    mem_store_calm(b.store);
    bench_want(&b, 0);
    bench_rename(&b, "keep", "../outside");
    bench_want(&b, 0);
    bench_rename(&b, "../outside", "keep");
    b.manifest.source.exclude.item = ex;
    b.manifest.source.exclude.count = 2;
    b.clock.ahead_ns += 8000 * WEIR_NS_PER_S;
    bench_want(&b, 0);
    ck_assert_ptr_nonnull(mem_store_find(b.store, "keep/a"));
    ck_assert_msg(mem_store_find(b.store, "keep/") != NULL,
                  "marker of a directory that is there was deleted");
}
END_TEST

/* An excluded file vanishes: its directory is sealed. */
START_TEST(excluded_then_vanished)
{
    static char *ex[] = {(char *)"d/x"};
    bench_write(&b, "d/x", 50, 2);
    bench_write(&b, "d/y", 50, 3);
    bench_good(&b);
    b.manifest.source.exclude.item = ex;
    b.manifest.source.exclude.count = 1;
    bench_want(&b, 0);
    bench_remove(&b, "d/x");
    bench_want(&b, 0);
    bench_want(&b, 0);
    ck_assert_msg(mem_store_find(b.store, "d/x") == NULL, "d/x stays for ever: kept=%lu",
                  (unsigned long)b.ledger.count[WEIR_STATE_KEPT]);
}
END_TEST

/* A dry run writes nothing anywhere. */
START_TEST(dry_run_writes_nothing)
{
    char cmd[300], before[128] = "", after[128] = "";
    bench_write(&b, "d/x", 50, 2);
    bench_write(&b, "e/y", 50, 3);
    bench_write(&b, "big", 3 * MIB, 3);
    bench_good(&b);
    bench_remove(&b, "d/x");
    bench_remove(&b, "d");
    bench_write(&b, "n", 5, 5);
    bench_poke(&b, "big", 7, false);
    (void)snprintf(cmd, sizeof(cmd),
                   "cd %s && md5sum < catalog.db; ls | grep -v -e -wal -e -shm | md5sum",
                   b.state);
    FILE *f = popen(cmd, "r");
    (void)!fread(before, 1, 127, f);
    pclose(f);
    b.options.dry_run = true;
    mem_store_calm(b.store);
    bench_want(&b, 0);
    f = popen(cmd, "r");
    (void)!fread(after, 1, 127, f);
    pclose(f);
    ck_assert_uint_eq(b.store->calls[MEM_ANY], 0);
    ck_assert_str_eq(before, after);
}
END_TEST

/* A mark of gone in a directory that stays sealed. */
START_TEST(gone_mark_below_an_old_seal)
{
    char name[32];
    b.manifest.track.delete_grace_s = 7200;
    bench_write(&b, "d/x", 500, 1);
    bench_write(&b, "d/y", 500, 2);
    bench_write(&b, "c", 50, 2);
    bench_good(&b);
    bench_rename(&b, "d", "../v1");
    bench_write(&b, "d/y", 500, 7);
    for (unsigned i = 0; i < 2100; i++) {
        (void)snprintf(name, sizeof(name), "n%04u", i);
        bench_write(&b, name, 10, i);
    }
    b.store->faults[0] = (struct mem_fault){.op = MEM_PUT, .nth = 1500, .act = MEM_KILL};
    ck_assert_int_eq(bench_seed_child(&b), BENCH_KILLED);
    bench_rename(&b, "d", "../v2");
    bench_rename(&b, "../v1", "d");
    ck_assert_int_eq(until_clean(), 0);
    unsigned long kept = b.ledger.count[WEIR_STATE_KEPT];
    b.clock.ahead_ns += 8000 * WEIR_NS_PER_S;
    bench_want(&b, 0);
    bench_remove(&b, "d/x");
    bench_want(&b, 0);
    ck_assert_msg(kept == 0 && b.ledger.count[WEIR_STATE_DELETED] == 0,
                  "after it came back kept=%lu; then removed: deleted=%lu without any grace",
                  kept, (unsigned long)b.ledger.count[WEIR_STATE_DELETED]);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("sync_doubt");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, killed_delete_then_back, 0, 2);
    tcase_add_loop_test(t, killed_replace_then_reverted, 0, 2);
    tcase_add_test(t, killed_complete_then_reverted);
    tcase_add_test(t, object_removed_by_others_and_file_changes);
    tcase_add_test(t, bind_mount_of_directories_only);
    tcase_add_test(t, quarantine_is_overwritten_after_rebuild);
    tcase_add_test(t, rebuild_excluded_directory_marker);
    tcase_add_loop_test(t, rename_cycle, 0, 2);
    tcase_add_test(t, guard_and_hard_links);
    tcase_add_test(t, marker_of_excluded_directory_after_grace);
    tcase_add_test(t, excluded_then_vanished);
    tcase_add_test(t, dry_run_writes_nothing);
    tcase_add_test(t, gone_mark_below_an_old_seal);
    Suite *s = suite_create("sync_doubt");
    suite_add_tcase(s, t);
    return run_suite(s);
}
