/* root: what is refused, that nothing outside can be opened, paths of any length. */
#include "lake_tree.h"

#include <limits.h>

START_TEST(refuses_what_is_no_lake)
{
    struct weir_lake_root *r = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    tree_begin();
    tree_file("file", "x");
    ck_assert_int_eq(weir_lake_root_open("nothing", &r, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_NOT_FOUND);
    ck_assert_int_eq(err.scope, WEIR_SCOPE_RUN);
    weir_err_clear(&err);
    ck_assert_int_eq(weir_lake_root_open("file", &r, &err), -1);
    ck_assert_int_eq(err.sys_errno, ENOTDIR);
    weir_err_clear(&err);
    ck_assert_int_eq(weir_lake_root_open("/proc", &r, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    weir_err_clear(&err);
    ck_assert_int_eq(weir_lake_root_open("/sys", &r, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    ck_assert_ptr_null(r);
    weir_lake_root_close(NULL);
    tree_end();
}
END_TEST

START_TEST(root_knows_itself)
{
    struct stat st;
    tree_begin();
    struct weir_lake_root *r = tree_open();
    ck_assert_int_eq(stat("lake", &st), 0);
    ck_assert_uint_eq(weir_lake_root_stat(r)->ino, st.st_ino);
    ck_assert_uint_eq(weir_lake_root_stat(r)->dev, st.st_dev);
    ck_assert_str_eq(weir_lake_root_path(r), "lake");
    int fd = weir_lake_open(r, "", WEIR_FOLLOW_NO, O_DIRECTORY, NULL);
    ck_assert_int_ge(fd, 0);
    struct weir_stat ws;
    ck_assert_int_eq(weir_lake_stat(fd, NULL, 0, &ws), 0);
    ck_assert_uint_eq(ws.ino, st.st_ino);
    ck_assert_int_eq(weir_lake_stat(fd, "none", 0, &ws), ENOENT);
    (void)close(fd);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

static const struct {
    const char *path;
    enum weir_follow follow;
    int flags;
    enum weir_code code;
} opens[] = {
    {"f", WEIR_FOLLOW_NO, 0, WEIR_OK},
    {"f", WEIR_FOLLOW_NO, O_PATH, WEIR_OK},
    {"d/g", WEIR_FOLLOW_NO, 0, WEIR_OK},
    {"none", WEIR_FOLLOW_NO, 0, WEIR_E_NOT_FOUND},
    {"f/x", WEIR_FOLLOW_NO, 0, WEIR_E_CHANGED},
    {"f", WEIR_FOLLOW_NO, O_DIRECTORY, WEIR_E_CHANGED},
    {"fifo", WEIR_FOLLOW_NO, 0, WEIR_OK}, /* does not wait for a writer */
    {"inside", WEIR_FOLLOW_NO, 0, WEIR_E_CHANGED},
    {"inside", WEIR_FOLLOW_BENEATH, 0, WEIR_OK},
    {"dirlink/g", WEIR_FOLLOW_NO, 0, WEIR_E_CHANGED},
    {"dirlink/g", WEIR_FOLLOW_BENEATH, 0, WEIR_OK},
    {"up", WEIR_FOLLOW_NO, 0, WEIR_E_CHANGED},
    {"up", WEIR_FOLLOW_BENEATH, 0, WEIR_E_CHANGED},
    {"absolute", WEIR_FOLLOW_BENEATH, 0, WEIR_E_CHANGED},
    {"magic", WEIR_FOLLOW_BENEATH, 0, WEIR_E_CHANGED},
    {"loop", WEIR_FOLLOW_BENEATH, 0, WEIR_E_CHANGED},
    {"dangling", WEIR_FOLLOW_BENEATH, 0, WEIR_E_NOT_FOUND},
    {"../secret", WEIR_FOLLOW_BENEATH, 0, WEIR_E_CHANGED},
    {"d/../../secret", WEIR_FOLLOW_NO, 0, WEIR_E_CHANGED},
    {"/etc/passwd", WEIR_FOLLOW_BENEATH, 0, WEIR_E_CHANGED},
};

START_TEST(opens_only_beneath)
{
    tree_begin();
    tree_file("secret", "outside");
    tree_file("lake/f", "f");
    tree_mkdir("lake/d");
    tree_file("lake/d/g", "g");
    ck_assert_int_eq(mkfifo("lake/fifo", 0644), 0);
    tree_link("d/../f", "lake/inside");
    tree_link("d", "lake/dirlink");
    tree_link("../secret", "lake/up");
    tree_link("/etc/passwd", "lake/absolute");
    tree_link("/proc/self/cwd", "lake/magic");
    tree_link("loop", "lake/loop");
    tree_link("nowhere", "lake/dangling");
    struct weir_lake_root *r = tree_open();
    for (size_t i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
        struct weir_err err = WEIR_ERR_INIT;
        int fd = weir_lake_open(r, opens[i].path, opens[i].follow, opens[i].flags, &err);
        ck_assert_msg(err.code == opens[i].code && (fd >= 0) == (err.code == WEIR_OK),
                      "case %zu '%s': fd %d, %s", i, opens[i].path, fd,
                      err.code == WEIR_OK ? "" : err.frame[0]);
        if (fd >= 0) {
            ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
            (void)close(fd);
        }
    }
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

#define LEVELS 200

START_TEST(paths_longer_than_the_kernel_takes)
{
    char name[241];
    memset(name, 'n', 240);
    name[240] = '\0';
    tree_begin();
    struct weir_lake_root *r = tree_open();
    size_t len = LEVELS * 241;
    char *path = malloc(len + 300);
    ck_assert_ptr_nonnull(path);
    char *p = path;
    ck_assert_int_eq(chdir("lake"), 0);
    for (int i = 0; i < LEVELS; i++) {
        name[0] = (char)('a' + i % 26);
        tree_mkdir(name);
        ck_assert_int_eq(chdir(name), 0);
        memcpy(p, name, 240);
        p[240] = '/';
        p += 241;
    }
    tree_file("bottom", "x");
    strcpy(p, "bottom");
    struct weir_err err = WEIR_ERR_INIT;
    int fd = weir_lake_open(r, path, WEIR_FOLLOW_NO, 0, &err);
    ck_assert_int_ge(fd, 0);
    char c;
    ck_assert_int_eq(read(fd, &c, 1), 1);
    (void)close(fd);
    strcpy(p, "none");
    ck_assert_int_eq(weir_lake_open(r, path, WEIR_FOLLOW_NO, 0, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_NOT_FOUND);
    weir_err_clear(&err);
    memset(path, 'x', 5000); /* a name that no file system has */
    path[5000] = '\0';
    ck_assert_int_eq(weir_lake_open(r, path, WEIR_FOLLOW_NO, 0, &err), -1);
    ck_assert_int_eq(err.sys_errno, ENAMETOOLONG);
    free(path);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

int
main(void)
{
    const TTest *const tests[] = {refuses_what_is_no_lake, root_knows_itself,
                                  opens_only_beneath, paths_longer_than_the_kernel_takes};
    return tree_main("root", tests, sizeof(tests) / sizeof(tests[0]));
}
