/* files_from: what a list may say, and that nothing listed is ever lost. */
#include "lake_tree.h"

#include <weir/rng.h>

#include "lake/files_from.h"

static void
write_list(const void *bytes, size_t count)
{
    int fd = open("list", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, count), (ssize_t)count);
    (void)close(fd);
}

#define L(text) text, sizeof(text) - 1 /* with NULs inside */

static const struct {
    const char *bytes;
    size_t count;
    const char *problem; /* part of the message; NULL = accepted */
    uint32_t paths;
} lists[] = {
    {L(""), NULL, 0},
    {L("a"), NULL, 1},
    {L("a\0"), NULL, 1},
    {L("a\0b/c\0a\0"), NULL, 2},
    {L("./a\0.//b/./c/\0.\0./\0"), NULL, 2},
    {L("a\nb\0"), NULL, 1},
    {L("..a\0a..\0.../b\0"), NULL, 3},
    {L("a\nb\n"), "separate paths by NUL", 0},
    {L("a\0\0b"), "entry 2 '' is empty", 0},
    {L("\0"), "is empty", 0},
    {L("a\0/etc/passwd\0"), "entry 2 '/etc/passwd' is absolute", 0},
    {L("..\0"), "\"..\"", 0},
    {L("a/../b\0"), "\"..\"", 0},
    {L("a/..\0"), "\"..\"", 0},
};

START_TEST(lists_are_checked)
{
    tree_begin();
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct weir_files_from *f = NULL;
        struct weir_err err = WEIR_ERR_INIT;
        write_list(lists[i].bytes, lists[i].count);
        int rc = weir_files_from_load("list", &f, &err);
        ck_assert_msg((rc == 0) == (lists[i].problem == NULL), "list %zu", i);
        if (rc == 0) {
            ck_assert_uint_eq(weir_files_from_all(f).end, lists[i].paths);
        } else {
            ck_assert_int_eq(err.code, WEIR_E_CONFIG);
            ck_assert_msg(strstr(err.frame[0], lists[i].problem) != NULL, "%s", err.frame[0]);
        }
        weir_files_from_free(f);
    }
    struct weir_files_from *f = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    ck_assert_int_eq(weir_files_from_load("nothing", &f, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    weir_err_clear(&err);
    ck_assert_int_eq(mkfifo("fifo", 0644), 0);
    ck_assert_int_eq(weir_files_from_load("fifo", &f, &err), -1); /* and does not wait */
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    weir_files_from_free(NULL);
    tree_end();
}
END_TEST

START_TEST(runs_of_directories)
{
    struct weir_files_from *f = NULL;
    struct weir_files_name n;
    tree_begin();
    write_list(L("a.b\0a/x\0a\0a/y/z\0\xff\0a/y\0"));
    ck_assert_int_eq(weir_files_from_load("list", &f, NULL), 0);
    struct weir_files_run all = weir_files_from_all(f), below;
    ck_assert(weir_files_from_next(f, 0, &all, &n));
    ck_assert(n.len == 1 && n.name[0] == 'a' && n.listed);
    ck_assert_uint_eq(n.below.end - n.below.first, 3);
    below = n.below;
    ck_assert(weir_files_from_next(f, 0, &all, &n));
    ck_assert(n.len == 3 && memcmp(n.name, "a.b", 3) == 0);
    ck_assert_uint_eq(n.below.first, n.below.end);
    ck_assert(weir_files_from_next(f, 0, &all, &n));
    ck_assert(!weir_files_from_next(f, 0, &all, &n));
    ck_assert(weir_files_from_next(f, 1, &below, &n));
    ck_assert(n.len == 1 && n.name[0] == 'x' && n.listed);
    ck_assert(weir_files_from_next(f, 1, &below, &n));
    ck_assert(n.name[0] == 'y' && n.listed && n.below.end - n.below.first == 1);
    ck_assert(!weir_files_from_next(f, 1, &below, &n));
    weir_files_from_free(f);
    tree_end();
}
END_TEST

START_TEST(only_what_is_listed)
{
    struct weir_source s = {.files_from = "list"};
    char *exclude[] = {"*.tmp"};
    struct walked w;
    tree_begin();
    tree_mkdir("lake/a");
    tree_mkdir("lake/a/deep");
    tree_file("lake/a/deep/yes", "x");
    tree_file("lake/a/deep/no", "x");
    tree_file("lake/a/x.tmp", "x");
    tree_mkdir("lake/b");
    tree_file("lake/b/f", "x");
    tree_mkdir("lake/listed");
    tree_file("lake/listed/inner", "x");
    tree_file("lake/top", "x");
    tree_link("top", "lake/link");
    write_list(L("./a/deep/yes\0listed/\0link\0a/x.tmp\0"));
    s.exclude = (struct weir_strings){exclude, 1};
    walk_source(&s, &w);
    expect_taken(&w, "a", WEIR_ENTRY_DIR);
    expect_taken(&w, "a/deep", WEIR_ENTRY_DIR);
    expect_taken(&w, "a/deep/yes", WEIR_ENTRY_FILE);
    expect_taken(&w, "link", WEIR_ENTRY_SYMLINK);
    expect_excluded(&w, "a/deep/no", "not in files_from");
    expect_excluded(&w, "a/x.tmp", "exclude *.tmp");
    expect_excluded(&w, "b", "not in files_from");
    expect_excluded(&w, "top", "not in files_from");
    expect_taken(&w, "listed", WEIR_ENTRY_DIR);
    expect_excluded(&w, "listed/inner", "not in files_from");
    ck_assert_uint_eq(w.dir_count, 4);
    walked_free(&w);
    tree_end();
}
END_TEST

START_TEST(what_is_missing_is_named)
{
    struct weir_source s = {.files_from = "list"};
    struct walked w;
    tree_begin();
    tree_file("lake/file", "x");
    tree_mkdir("lake/d");
    tree_link("d", "lake/link");
    write_list(L("gone\0d/gone\0no/such/dir\0no/x\0file/below\0link/below\0file\0"));
    walk_source(&s, &w);
    expect_failed(&w, "gone", ENOENT);
    expect_failed(&w, "d/gone", ENOENT);
    expect_failed(&w, "no", ENOENT);
    expect_failed(&w, "no/such", ENOENT);
    expect_failed(&w, "no/such/dir", ENOENT);
    expect_failed(&w, "no/x", ENOENT);
    expect_taken(&w, "file", WEIR_ENTRY_FILE);
    expect_failed(&w, "file/below", ENOTDIR);
    ck_assert_str_eq(find_seen(&w, "link")->rule, "not in files_from");
    ck_assert_int_eq(find_seen(&w, "link/below")->verdict, WEIR_VERDICT_FAILED);
    ck_assert(!find_dir(&w, "no")->complete);
    ck_assert_int_eq(find_dir(&w, "no/such")->code, WEIR_E_NOT_FOUND);
    ck_assert_int_eq(find_dir(&w, "file")->code, WEIR_E_CHANGED);
    ck_assert(find_dir(&w, "d")->complete);
    walked_free(&w);
    tree_end();
}
END_TEST

/* Every path of a random list appears exactly once: taken when it is there, else failed. */
START_TEST(random_lists_lose_nothing)
{
    struct weir_rng rng = {20261124};
    struct weir_source s = {.files_from = "list"};
    for (int round = 0; round < 20; round++) {
        char list[8192], listed[200][24];
        size_t used = 0, count = 1 + (size_t)weir_rng_below(&rng, 200);
        struct walked w;
        tree_begin();
        for (size_t i = 0; i < count; i++) {
            static const char *const part[] = {"a", "a.b", "b", "a-", "c"};
            char path[24] = "", on_disk[40];
            for (size_t depth = 1 + (size_t)weir_rng_below(&rng, 4); depth > 0; depth--) {
                strcat(path, part[weir_rng_below(&rng, 5)]);
                (void)snprintf(on_disk, sizeof(on_disk), "lake/%s", path);
                if (depth > 1) {
                    if (weir_rng_below(&rng, 4) > 0)
                        (void)mkdir(on_disk, 0755);
                    strcat(path, "/");
                }
            }
            if (weir_rng_below(&rng, 2) == 0)
                (void)mknod(on_disk, S_IFREG | 0644, 0);
            strcpy(listed[i], path);
            memcpy(list + used, path, strlen(path) + 1);
            used += strlen(path) + 1;
        }
        write_list(list, used);
        walk_source(&s, &w);
        for (size_t i = 0; i < count; i++) {
            char on_disk[40];
            struct stat st;
            size_t times = 0;
            (void)snprintf(on_disk, sizeof(on_disk), "lake/%.24s", listed[i]);
            for (size_t k = 0; k < w.count; k++)
                times += strcmp(w.entry[k].path, listed[i]) == 0;
            ck_assert_msg(times == 1, "'%s' appears %zu times", listed[i], times);
            int want = lstat(on_disk, &st) == 0 ? WEIR_VERDICT_TAKE : WEIR_VERDICT_FAILED;
            ck_assert_msg(find_seen(&w, listed[i])->verdict == want, "'%s': verdict %d",
                          listed[i], find_seen(&w, listed[i])->verdict);
        }
        walked_free(&w);
        tree_end();
    }
}
END_TEST

int
main(void)
{
    const TTest *const tests[] = {lists_are_checked, runs_of_directories, only_what_is_listed,
                                  what_is_missing_is_named, random_lists_lose_nothing};
    return tree_main("files_from", tests, sizeof(tests) / sizeof(tests[0]));
}
