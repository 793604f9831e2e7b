/* walk: wide and deep trees, few descriptors, little memory, and all the ways to end early. */
#include "lake_tree.h"

#include <sys/resource.h>

static const struct weir_source plain = {.one_file_system = true};

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

int
main(void)
{
    const TTest *const tests[] = {
        many_entries_in_one_directory,
        many_sub_directories,
        deep_trees_with_long_names_and_few_descriptors,
        waits_for_room_and_reports_what_vanished,
        stops_when_told,
        a_removed_root_ends_the_walk,
    };
    return tree_main("walk_limits", tests, sizeof(tests) / sizeof(tests[0]));
}
