/* walk and mount points, in a mount namespace of its own; needs root. */
#include "lake_tree.h"

#include <sched.h>
#include <sys/mount.h>

#include "lake/reader.h"

/* A private mount namespace; false when this is not allowed here. */
static bool
private_mounts(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        printf("walk_mounts: SKIPPED: %s\n", strerror(errno));
        return false;
    }
    return true;
}

static void
bind(const char *from, const char *to)
{
    ck_assert_msg(mount(from, to, NULL, MS_BIND, NULL) == 0, "bind %s: %s", to,
                  strerror(errno));
}

START_TEST(mount_points)
{
    struct weir_source one = {.one_file_system = true}, all = {.one_file_system = false};
    struct walked w;
    if (!private_mounts())
        return;
    tree_begin();
    tree_mkdir("elsewhere");
    tree_file("elsewhere/f", "x");
    tree_mkdir("lake/same");   /* bind mount of the same file system: the device is the same */
    tree_mkdir("lake/other");  /* another file system */
    tree_mkdir("lake/kernel"); /* a pseudo file system */
    tree_file("lake/file", "x");
    tree_mkdir("lake/dir");
    bind("elsewhere", "lake/same");
    ck_assert_int_eq(mount("tmpfs", "lake/other", "tmpfs", 0, "size=1m"), 0);
    tree_file("lake/other/g", "x");
    ck_assert_int_eq(mount("proc", "lake/kernel", "proc", 0, NULL), 0);
    bind("elsewhere/f", "lake/file");

    walk_source(&one, &w);
    expect_excluded(&w, "same", "other file system");
    expect_excluded(&w, "other", "other file system");
    expect_excluded(&w, "kernel", "other file system");
    expect_excluded(&w, "file", "other file system");
    expect_taken(&w, "dir", WEIR_ENTRY_DIR);
    walked_free(&w);

    walk_source(&all, &w);
    expect_taken(&w, "same/f", WEIR_ENTRY_FILE);
    expect_taken(&w, "other/g", WEIR_ENTRY_FILE);
    ck_assert_uint_ne(find_seen(&w, "other/g")->st.dev, find_seen(&w, "dir")->st.dev);
    expect_excluded(&w, "kernel", "pseudo file system");
    expect_taken(&w, "file", WEIR_ENTRY_FILE);
    walked_free(&w);

    ck_assert_int_eq(umount("lake/file") | umount("lake/kernel") | umount("lake/other") |
                         umount("lake/same"),
                     0);
    tree_end();
}
END_TEST

START_TEST(root_is_a_mount_point)
{
    struct weir_source one = {.one_file_system = true};
    struct walked w;
    if (!private_mounts())
        return;
    tree_begin();
    ck_assert_int_eq(mount("tmpfs", "lake", "tmpfs", 0, "size=1m"), 0);
    tree_mkdir("lake/d");
    tree_file("lake/d/f", "x");
    walk_source(&one, &w);
    expect_taken(&w, "d/f", WEIR_ENTRY_FILE);
    walked_free(&w);
    ck_assert_int_eq(umount("lake"), 0);
    tree_end();
}
END_TEST

/* The root descriptor holds on to what was opened, whatever is mounted over it later. */
START_TEST(root_is_covered_by_another_mount)
{
    struct weir_source one = {.one_file_system = true};
    struct weir_walk_options o = {.source = &one, .threads = 2, .memory_bytes = 1};
    struct walked w;
    if (!private_mounts())
        return;
    tree_begin();
    tree_file("lake/mine", "x");
    struct weir_lake_root *r = tree_open();
    ck_assert_int_eq(mount("tmpfs", "lake", "tmpfs", 0, "size=1m"), 0);
    tree_file("lake/foreign", "x");
    walk_with(r, &o, &w);
    expect_taken(&w, "mine", WEIR_ENTRY_FILE);
    ck_assert_ptr_null(find_seen(&w, "foreign"));
    walked_free(&w);
    weir_lake_root_close(r);
    ck_assert_int_eq(umount("lake"), 0);
    tree_end();
}
END_TEST

int
main(void)
{
    const TTest *const tests[] = {mount_points, root_is_a_mount_point,
                                  root_is_covered_by_another_mount};
    return tree_main("walk_mounts", tests, sizeof(tests) / sizeof(tests[0]));
}
