/* walk: order, verdicts, links, limits, permissions, ends. */
#include "lake_tree.h"

#include <dirent.h>
#include <limits.h>
#include <sys/resource.h>
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

START_TEST(many_entries_in_one_directory)
{
    const char *huge = getenv("WEIR_TEST_HUGE");
    size_t count = huge == NULL ? 12000 : strtoul(huge, NULL, 10);
    struct walked w;
    tree_begin();
    int dir = open("lake", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < count; i++) {
        char name[32]; /* in an order that is not that of the names */
        (void)snprintf(name, sizeof(name), "f%zx", i * 2654435761u % 4294967291u);
        ck_assert_int_eq(mknodat(dir, name, S_IFREG | 0600, 0), 0);
    }
    (void)close(dir);
    walk_source(&plain, &w);
    ck_assert_uint_eq(w.count, count);
    ck_assert_uint_eq(w.dir[0].taken, count);
    walked_free(&w);
    tree_end();
}
END_TEST

START_TEST(many_sub_directories)
{
    struct walked w;
    tree_begin();
    for (int i = 0; i < 800; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "lake/%d", i);
        tree_mkdir(path);
        (void)snprintf(path, sizeof(path), "lake/%d/x", i);
        tree_mkdir(path);
    }
    walk_source(&plain, &w);
    ck_assert_uint_eq(w.count, 1600);
    ck_assert_uint_eq(w.dir_count, 1601);
    walked_free(&w);
    tree_end();
}
END_TEST

START_TEST(deep_trees_with_long_names_and_few_descriptors)
{
    char name[201];
    struct rlimit before, few;
    struct walked w;
    memset(name, 'n', 200);
    name[200] = '\0';
    tree_begin();
    ck_assert_int_eq(chdir("lake"), 0);
    for (int i = 0; i < 200; i++) {
        tree_file("file", "x");
        name[1] = (char)('a' + i % 26);
        tree_mkdir(name);
        ck_assert_int_eq(chdir(name), 0);
    }
    ck_assert_int_eq(chdir(tree_dir), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){.rlim_cur = 16, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    walk_source(&plain, &w);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_uint_eq(w.dir_count, 201);
    ck_assert_uint_eq(w.count, 400);
    size_t longest = 0;
    for (size_t i = 0; i < w.dir_count; i++) {
        ck_assert(w.dir[i].complete);
        longest = strlen(w.dir[i].path) > longest ? strlen(w.dir[i].path) : longest;
    }
    ck_assert_uint_eq(longest, 200 * 201 - 1);
    walked_free(&w);
    tree_end();
}
END_TEST

/* With no room for a second batch the walk stands still.  Directories that are removed or
 * replaced meanwhile were listed in their parent: they are reported, not passed over, and what
 * took their place is not walked. */
START_TEST(waits_for_room_and_reports_what_vanished)
{
    enum { DIRS = 50 };
    struct weir_walk_options o = {.source = &plain, .threads = 1, .memory_bytes = 1};
    struct weir_walk *walk = NULL;
    struct weir_lake_batch *b = NULL;
    size_t complete = 0, vanished = 0, replaced = 0;
    char path[64];
    tree_begin();
    for (int i = 0; i < DIRS; i++) {
        (void)snprintf(path, sizeof(path), "lake/%d", i);
        tree_mkdir(path);
    }
    struct weir_lake_root *r = tree_open();
    ck_assert_int_eq(weir_walk_open(r, &o, &walk, NULL), 0);
    ck_assert_int_eq(weir_walk_next(walk, &b, NULL), 0);
    ck_assert_uint_eq(b->count, DIRS);
    weir_lake_batch_free(b);
    (void)usleep(50000);
    tree_mkdir("lake/new");
    for (int i = 0; i < DIRS; i++) {
        char away[64];
        (void)snprintf(path, sizeof(path), "lake/%d", i);
        (void)snprintf(away, sizeof(away), "lake/new/%d", i);
        ck_assert_int_eq(rename(path, away), 0);
        if (i % 2 == 0)
            tree_mkdir(path);
    }
    while (weir_walk_next(walk, &b, NULL) == 0 && b != NULL) {
        complete += b->complete;
        vanished += !b->complete && b->err->code == WEIR_E_NOT_FOUND;
        replaced += !b->complete && b->err->code == WEIR_E_CHANGED;
        weir_lake_batch_free(b);
    }
    ck_assert_uint_le(complete, 2); /* one waiting in the queue, one at its door */
    ck_assert_uint_eq(complete + vanished + replaced, DIRS);
    ck_assert_uint_ge(vanished, DIRS / 2 - 2);
    ck_assert_uint_ge(replaced, DIRS / 2 - 2);
    weir_walk_close(walk);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

START_TEST(stops_when_told)
{
    struct weir_cancel cancel = {0};
    struct weir_walk_options o = {
        .source = &plain, .threads = 2, .memory_bytes = 1, .cancel = &cancel};
    struct weir_walk *walk = NULL;
    struct weir_lake_batch *b = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    tree_begin();
    for (int i = 0; i < 20; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "lake/%d", i);
        tree_mkdir(path);
    }
    struct weir_lake_root *r = tree_open();
    ck_assert_int_eq(weir_walk_open(r, &o, &walk, &err), 0);
    ck_assert_int_eq(weir_walk_next(walk, &b, &err), 0);
    weir_cancel_raise(&cancel, WEIR_CANCEL_DRAIN);
    struct weir_lake_batch *none = NULL;
    ck_assert_int_eq(weir_walk_next(walk, &none, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CANCELLED);
    ck_assert_int_eq(err.scope, WEIR_SCOPE_RUN);
    ck_assert_int_eq(weir_walk_next(walk, &none, NULL), -1); /* and stays so */
    weir_walk_close(walk);
    ck_assert_uint_eq(b->count, 20); /* what was taken outlives the walk */
    weir_lake_batch_free(b);
    weir_walk_close(NULL);
    cancel.level = 0;
    ck_assert_int_eq(weir_walk_open(r, &o, &walk, NULL), 0);
    weir_walk_close(walk); /* nothing taken at all */
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

START_TEST(a_removed_root_ends_the_walk)
{
    struct weir_walk_options o = {.source = &plain, .threads = 1, .memory_bytes = 1};
    struct weir_walk *walk = NULL;
    struct weir_lake_batch *b = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    tree_begin();
    struct weir_lake_root *r = tree_open();
    ck_assert_int_eq(rmdir("lake"), 0);
    ck_assert_int_eq(weir_walk_open(r, &o, &walk, &err), 0);
    ck_assert_int_eq(weir_walk_next(walk, &b, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_NOT_FOUND);
    weir_walk_close(walk);
    weir_lake_root_close(r);
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
        many_entries_in_one_directory,
        many_sub_directories,
        deep_trees_with_long_names_and_few_descriptors,
        waits_for_room_and_reports_what_vanished,
        stops_when_told,
        a_removed_root_ends_the_walk,
        bad_patterns_are_refused,
    };
    return tree_main("walk", tests, sizeof(tests) / sizeof(tests[0]));
}
