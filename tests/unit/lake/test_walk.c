/* walk: order of names, verdicts, rules, links, permissions, the stat digest. */
#include "lake_tree.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static const struct weir_source plain = {.one_file_system = true};

START_TEST(empty_lake)
{
    struct walked w;
    tree_begin();
    walk_source(&plain, &w);
    ck_assert_uint_eq(w.count, 0);
    ck_assert_uint_eq(w.dir_count, 1);
    ck_assert_str_eq(w.dir[0].path, "");
    ck_assert(w.dir[0].complete);
    ck_assert_uint_ne(w.dir[0].st.ino, 0);
    walked_free(&w);
    tree_end();
}
END_TEST

START_TEST(names_are_bytes_in_byte_order)
{
    static const char *const names[] = {"a",
                                        "A",
                                        "a\nb",
                                        "\xff\xfe",
                                        "-rf",
                                        " ",
                                        "b ",
                                        "..x",
                                        "...",
                                        "%0A",
                                        "\x01",
                                        "\xc3\xa9",
                                        "e\xcc\x81",
                                        "same-beginning-1",
                                        "same-beginning-10",
                                        "same-beginning-2",
                                        "same-beginning-"};
    size_t count = sizeof(names) / sizeof(names[0]);
    struct walked w;
    char longest[256];
    memset(longest, 'L', 255);
    longest[255] = '\0';
    tree_begin();
    for (size_t i = 0; i <= count; i++) {
        char path[300];
        (void)snprintf(path, sizeof(path), "lake/%s", i < count ? names[i] : longest);
        tree_file(path, "12345");
    }
    walk_source(&plain, &w);
    ck_assert_uint_eq(w.count, count + 1);
    for (size_t i = 0; i <= count; i++) {
        expect_taken(&w, i < count ? names[i] : longest, WEIR_ENTRY_FILE);
        ck_assert_uint_eq(w.entry[i].st.size, 5);
    }
    walked_free(&w);
    tree_end();
}
END_TEST

static void
make_socket(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    (void)close(fd);
}

START_TEST(special_files_are_excluded_by_name)
{
    struct walked w;
    tree_begin();
    ck_assert_int_eq(mkfifo("lake/fifo", 0644), 0);
    make_socket("lake/socket");
    bool root = geteuid() == 0 && mknod("lake/char", S_IFCHR | 0600, makedev(1, 3)) == 0 &&
                mknod("lake/block", S_IFBLK | 0600, makedev(7, 99)) == 0;
    if (!root)
        printf("walk: devices SKIPPED, not root\n");
    walk_source(&plain, &w);
    expect_excluded(&w, "fifo", "special file: fifo");
    expect_excluded(&w, "socket", "special file: socket");
    if (root) {
        expect_excluded(&w, "char", "special file: character device");
        expect_excluded(&w, "block", "special file: block device");
    }
    ck_assert_uint_eq(w.dir[0].taken, 0);
    walked_free(&w);
    tree_end();
}
END_TEST

START_TEST(rules_keep_out_files_and_whole_directories)
{
    char *exclude[] = {"*.tmp", "/cache/", "!keep.tmp", "deep/x"},
         *include[] = {"*.dat", "all/"};
    struct weir_source s = {.exclude = {exclude, 4}};
    struct walked w;
    tree_begin();
    tree_mkdir("lake/cache");
    tree_file("lake/cache/f", "x");
    tree_mkdir("lake/deep");
    tree_mkdir("lake/deep/x");
    tree_mkdir("lake/deep/cache");
    tree_file("lake/deep/a.tmp", "x");
    tree_file("lake/keep.tmp", "x");
    tree_file("lake/a.dat", "x");
    tree_mkdir("lake/all");
    tree_mkdir("lake/all/more");
    tree_file("lake/all/more/f", "x");
    walk_source(&s, &w);
    expect_excluded(&w, "cache", "exclude /cache/");
    expect_excluded(&w, "deep/x", "exclude deep/x");
    expect_excluded(&w, "deep/a.tmp", "exclude *.tmp");
    expect_taken(&w, "deep/cache", WEIR_ENTRY_DIR);
    expect_taken(&w, "keep.tmp", WEIR_ENTRY_FILE);
    ck_assert_uint_eq(find_seen(&w, "cache")->st.ino,
                      0); /* by name alone: not even looked at */
    walked_free(&w);
    s.include = (struct weir_strings){include, 2};
    walk_source(&s, &w);
    expect_taken(&w, "a.dat", WEIR_ENTRY_FILE);
    expect_taken(&w, "deep", WEIR_ENTRY_DIR);
    expect_excluded(&w, "keep.tmp", "not included");
    expect_taken(&w, "all/more/f", WEIR_ENTRY_FILE);
    walked_free(&w);
    tree_end();
}
END_TEST

START_TEST(links_are_recorded_or_skipped)
{
    struct weir_source s = {.symlinks = WEIR_SYMLINKS_SKIP};
    char *exclude[] = {"d/"};
    struct walked w;
    tree_begin();
    tree_mkdir("lake/real");
    tree_link("real", "lake/d");
    tree_link("nowhere", "lake/dangling");
    tree_link("/etc", "lake/absolute");
    walk_source(&plain, &w);
    expect_taken(&w, "d", WEIR_ENTRY_SYMLINK);
    expect_taken(&w, "dangling", WEIR_ENTRY_SYMLINK);
    expect_taken(&w, "absolute", WEIR_ENTRY_SYMLINK);
    ck_assert_uint_eq(find_seen(&w, "dangling")->st.size, 7);
    ck_assert_uint_eq(w.dir_count, 2);
    walked_free(&w);
    walk_source(&s, &w);
    expect_excluded(&w, "d", "symlinks: skip");
    expect_taken(&w, "real", WEIR_ENTRY_DIR);
    walked_free(&w);
    s = (struct weir_source){.symlinks = WEIR_SYMLINKS_FOLLOW, .exclude = {exclude, 1}};
    walk_source(&s, &w);
    expect_excluded(&w, "d", "exclude d/"); /* a link to a directory counts as one */
    walked_free(&w);
    tree_end();
}
END_TEST

START_TEST(links_are_followed_inside_only)
{
    struct weir_source s = {.symlinks = WEIR_SYMLINKS_FOLLOW, .one_file_system = true};
    struct walked w;
    tree_begin();
    tree_file("secret", "outside");
    tree_mkdir("lake/a");
    tree_mkdir("lake/a/b");
    tree_file("lake/a/b/f", "data");
    tree_link("../a/b/f", "lake/a/tofile");
    tree_link("a/b", "lake/todir");
    tree_link("../..", "lake/a/b/toroot"); /* an ancestor */
    tree_link(".", "lake/self");           /* the root itself */
    tree_link("../b", "lake/a/b/tome");    /* the directory it is in */
    tree_link("loop", "lake/loop");
    tree_link("nowhere", "lake/dangling");
    tree_link("../secret", "lake/outside");
    tree_link("/etc/passwd", "lake/absolute");
    tree_link("/dev/null", "lake/device");
    ck_assert_int_eq(mkfifo("lake/fifo", 0644), 0);
    tree_link("fifo", "lake/tofifo");
    walk_source(&s, &w);
    expect_taken(&w, "a/tofile", WEIR_ENTRY_FILE);
    ck_assert_uint_eq(find_seen(&w, "a/tofile")->st.ino, find_seen(&w, "a/b/f")->st.ino);
    expect_taken(&w, "todir", WEIR_ENTRY_DIR);
    expect_taken(&w, "todir/f", WEIR_ENTRY_FILE);
    expect_failed(&w, "a/b/toroot", ELOOP);
    expect_failed(&w, "todir/toroot", ELOOP);
    expect_failed(&w, "a/b/tome", ELOOP);
    expect_failed(&w, "todir/tome", ELOOP);
    expect_failed(&w, "self", ELOOP);
    expect_failed(&w, "loop", ELOOP);
    expect_failed(&w, "dangling", ENOENT);
    expect_failed(&w, "outside", EXDEV);
    expect_failed(&w, "absolute", EXDEV);
    expect_failed(&w, "device", EXDEV);
    expect_excluded(&w, "tofifo", "special file: fifo");
    walked_free(&w);
    tree_end();
}
END_TEST

START_TEST(state_directory_is_not_entered)
{
    struct weir_stat skip[2];
    struct walked w;
    struct weir_source follow = {.symlinks = WEIR_SYMLINKS_FOLLOW};
    tree_begin();
    tree_mkdir("lake/.state");
    tree_file("lake/.state/catalog.db", "x");
    tree_mkdir("lake/other");
    tree_link(".state", "lake/link");
    struct weir_lake_root *r = tree_open();
    int fd = weir_lake_open(r, "", WEIR_FOLLOW_NO, O_DIRECTORY, NULL);
    ck_assert_int_eq(weir_lake_stat(fd, ".state", 0, &skip[1]), 0);
    skip[0] = (struct weir_stat){.dev = skip[1].dev, .ino = 1};
    (void)close(fd);
    struct weir_walk_options o = {.source = &plain,
                                  .threads = 1,
                                  .memory_bytes = 1000,
                                  .skip_dirs = skip,
                                  .skip_dir_count = 2};
    walk_with(r, &o, &w);
    expect_excluded(&w, ".state", "state directory of weir");
    expect_taken(&w, "other", WEIR_ENTRY_DIR);
    walked_free(&w);
    o.source = &follow;
    walk_with(r, &o, &w);
    expect_excluded(&w, "link", "state directory of weir");
    walked_free(&w);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

START_TEST(unreadable_directories_are_named)
{
    struct walked w;
    tree_begin();
    tree_mkdir("lake/locked");
    tree_file("lake/locked/f", "x");
    tree_mkdir("lake/nosearch"); /* can be listed, its entries cannot be looked at */
    tree_file("lake/nosearch/f", "x");
    tree_mkdir("lake/open");
    tree_file("lake/open/f", "x");
    ck_assert_int_eq(chmod("lake/locked", 0), 0);
    ck_assert_int_eq(chmod("lake/nosearch", 0444), 0);
    bool root = geteuid() == 0;
    ck_assert(!root || seteuid(65534) == 0);
    walk_source(&plain, &w);
    ck_assert(!root || seteuid(0) == 0);
    expect_taken(&w, "locked", WEIR_ENTRY_DIR);
    ck_assert(!find_dir(&w, "locked")->complete);
    ck_assert_int_eq(find_dir(&w, "locked")->code, WEIR_E_ACCESS);
    ck_assert_uint_eq(find_dir(&w, "locked")->st.ino, find_seen(&w, "locked")->st.ino);
    ck_assert(find_dir(&w, "nosearch")->complete);
    expect_failed(&w, "nosearch/f", EACCES);
    expect_taken(&w, "open/f", WEIR_ENTRY_FILE);
    ck_assert_uint_eq(w.dir_count, 4);
    static const struct weir_xxh128 none;
    ck_assert_mem_eq(&find_dir(&w, "locked")->digest, &none, sizeof(none));
    ck_assert_int_eq(chmod("lake/locked", 0755), 0);
    walked_free(&w);
    tree_end();
}
END_TEST

START_TEST(digest_tells_every_change)
{
    struct walked a, b;
    struct timespec t[2] = {{1000000000, 1}, {1000000000, 1}};
    tree_begin();
    tree_mkdir("lake/d");
    tree_file("lake/d/f", "123");
    tree_mkdir("lake/d/sub");
    walk_source(&plain, &a);
    walk_source(&plain, &b);
    struct weir_xxh128 first = find_dir(&a, "d")->digest;
    ck_assert_mem_eq(&find_dir(&b, "d")->digest, &first, sizeof(first));
    walked_free(&b);
    tree_file("lake/d/sub/new", "x"); /* is the business of the sub-directory */
    walk_source(&plain, &b);
    ck_assert_mem_eq(&find_dir(&b, "d")->digest, &first, sizeof(first));
    ck_assert_mem_ne(&find_dir(&b, "d/sub")->digest, &find_dir(&a, "d/sub")->digest, 16);
    walked_free(&b);
    ck_assert_int_eq(utimensat(AT_FDCWD, "lake/d/f", t, 0), 0); /* times only */
    walk_source(&plain, &b);
    ck_assert_mem_ne(&find_dir(&b, "d")->digest, &first, sizeof(first));
    first = find_dir(&b, "d")->digest;
    walked_free(&b);
    ck_assert_int_eq(rename("lake/d/f", "lake/d/g"), 0); /* name only, and ctime */
    walk_source(&plain, &b);
    ck_assert_mem_ne(&find_dir(&b, "d")->digest, &first, sizeof(first));
    first = find_dir(&b, "d")->digest;
    walked_free(&b);
    ck_assert_int_eq(rename("lake/d/sub", "lake/d/bus"), 0); /* name of a directory */
    walk_source(&plain, &b);
    ck_assert_mem_ne(&find_dir(&b, "d")->digest, &first, sizeof(first));
    walked_free(&b);
    walked_free(&a);
    tree_end();
}
END_TEST

START_TEST(bad_patterns_are_refused)
{
    char *exclude[] = {"!"};
    struct weir_source s = {.exclude = {exclude, 1}};
    struct weir_walk_options o = {.source = &s, .threads = 1, .memory_bytes = 1};
    struct weir_walk *walk = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    tree_begin();
    struct weir_lake_root *r = tree_open();
    ck_assert_int_eq(weir_walk_open(r, &o, &walk, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    ck_assert_ptr_null(walk);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

int
main(void)
{
    const TTest *const tests[] = {
        empty_lake,
        names_are_bytes_in_byte_order,
        special_files_are_excluded_by_name,
        rules_keep_out_files_and_whole_directories,
        links_are_recorded_or_skipped,
        links_are_followed_inside_only,
        state_directory_is_not_entered,
        unreadable_directories_are_named,
        digest_tells_every_change,
        bad_patterns_are_refused,
    };
    return tree_main("walk", tests, sizeof(tests) / sizeof(tests[0]));
}
