/* absent: what counts as evidence that something is gone, and what does not. */
#include "lake_tree.h"

#include <sched.h>
#include <sys/mount.h>

#include "lake/absent.h"

static enum weir_absent
ask(struct weir_lake_root *r, const char *path, uint8_t type, enum weir_follow follow)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_source source = {.one_file_system = true,
                                 .symlinks = follow == WEIR_FOLLOW_NO ? WEIR_SYMLINKS_RECORD
                                                                      : WEIR_SYMLINKS_FOLLOW};
    enum weir_absent a = weir_lake_absent(r, &source, path, type, &err);
    ck_assert_int_eq(a == WEIR_ABSENT_UNKNOWN, err.code != WEIR_OK);
    return a;
}

static const struct {
    const char *path;
    uint8_t type;
    enum weir_absent want;
} looks[] = {
    {"f", WEIR_ENTRY_FILE, WEIR_ABSENT_NO},
    {"d/g", WEIR_ENTRY_FILE, WEIR_ABSENT_NO},
    {"none", WEIR_ENTRY_FILE, WEIR_ABSENT_YES},
    {"none/deep/er", WEIR_ENTRY_FILE, WEIR_ABSENT_YES},
    {"f/below", WEIR_ENTRY_FILE, WEIR_ABSENT_YES}, /* a directory became a file */
    {"d", WEIR_ENTRY_FILE, WEIR_ABSENT_YES},       /* and the reverse */
    {"f", WEIR_ENTRY_DIR, WEIR_ABSENT_YES},
    {"d", WEIR_ENTRY_DIR, WEIR_ABSENT_NO},
    {"link", WEIR_ENTRY_SYMLINK, WEIR_ABSENT_NO},
    {"link", WEIR_ENTRY_FILE, WEIR_ABSENT_YES},
    {"dlink/g", WEIR_ENTRY_FILE, WEIR_ABSENT_YES}, /* links are not entered */
};

START_TEST(absent_looks)
{
    tree_begin();
    tree_file("lake/f", "x");
    tree_mkdir("lake/d");
    tree_file("lake/d/g", "x");
    tree_link("f", "lake/link");
    tree_link("d", "lake/dlink");
    struct weir_lake_root *r = tree_open();
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
        ck_assert_msg(ask(r, looks[i].path, looks[i].type, WEIR_FOLLOW_NO) == looks[i].want,
                      "%s", looks[i].path);
    ck_assert_int_eq(ask(r, "dlink/g", WEIR_ENTRY_FILE, WEIR_FOLLOW_BENEATH), WEIR_ABSENT_NO);
    ck_assert_int_eq(ask(r, "link", WEIR_ENTRY_FILE, WEIR_FOLLOW_BENEATH), WEIR_ABSENT_NO);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

/* Below a mount that was not there before, nothing is known to be gone. */
START_TEST(absent_below_a_mount)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_source any_mount = {.one_file_system = false};
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        printf("absent: SKIPPED: %s\n", strerror(errno));
        return;
    }
    tree_begin();
    tree_mkdir("elsewhere");
    tree_mkdir("lake/m");
    tree_mkdir("lake/bind");
    struct weir_lake_root *r = tree_open();
    ck_assert_int_eq(mount("tmpfs", "lake/m", "tmpfs", 0, "size=1m"), 0);
    ck_assert_int_eq(mount("elsewhere", "lake/bind", NULL, MS_BIND, NULL), 0);
    ck_assert_int_eq(ask(r, "m/gone", WEIR_ENTRY_FILE, WEIR_FOLLOW_NO), WEIR_ABSENT_UNKNOWN);
    ck_assert_int_eq(ask(r, "m/a/b", WEIR_ENTRY_FILE, WEIR_FOLLOW_NO), WEIR_ABSENT_UNKNOWN);
    ck_assert_int_eq(ask(r, "bind/gone", WEIR_ENTRY_FILE, WEIR_FOLLOW_NO), WEIR_ABSENT_UNKNOWN);
    ck_assert_int_eq(ask(r, "m", WEIR_ENTRY_DIR, WEIR_FOLLOW_NO), WEIR_ABSENT_UNKNOWN);
    ck_assert_int_eq(weir_lake_absent(r, &any_mount, "m/gone", WEIR_ENTRY_FILE, &err),
                     WEIR_ABSENT_YES);
    ck_assert_int_eq(umount("lake/m"), 0);
    ck_assert_int_eq(umount("lake/bind"), 0);
    ck_assert_int_eq(ask(r, "m/gone", WEIR_ENTRY_FILE, WEIR_FOLLOW_NO), WEIR_ABSENT_YES);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

int
main(void)
{
    const TTest *tests[] = {absent_looks, absent_below_a_mount};
    return tree_main("absent", tests, sizeof(tests) / sizeof(tests[0]));
}
