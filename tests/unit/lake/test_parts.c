/* the parts of a walk by themselves: names, stat digest, levels, an entry that vanished. */
#include "lake_tree.h"

#include <dirent.h>

#include "lake/batch_build.h"
#include "lake/inspect.h"
#include "lake/level.h"
#include "lake/stat_digest.h"
#include "lake/statx.h"

static void
add(struct weir_names *n, const char *name, uint8_t d_type)
{
    ck_assert_int_eq(weir_names_add(n, name, strlen(name), d_type, 0), 0);
}

START_TEST(names_sort_and_lose_their_twins)
{
    static const char *const in[] = {"common-12345678b", "common-12345678", "common-1",
                                     "common-2",         "common-",         "common-\xff",
                                     "common-12345678a", "common-1"};
    static const char *const out[] = {"common-",          "common-1",         "common-12345678",
                                      "common-12345678a", "common-12345678b", "common-2",
                                      "common-\xff"};
    struct weir_names n = {0};
    weir_names_sort(&n);
    for (size_t i = 0; i < 8; i++)
        add(&n, in[i], i == 7 ? DT_REG : DT_DIR);
    weir_names_sort(&n);
    ck_assert_uint_eq(n.count, 7);
    for (size_t i = 0; i < 7; i++) {
        ck_assert_str_eq(n.text + n.item[i].at, out[i]);
        ck_assert_uint_eq(n.item[i].d_type, i == 1 ? DT_UNKNOWN : DT_DIR);
    }
    static const char too_long[WEIR_NAME_BYTES_MAX + 1] = {1};
    ck_assert_int_eq(weir_names_add(&n, too_long, sizeof(too_long), DT_REG, 0), ENAMETOOLONG);
    weir_names_clear(&n);
    ck_assert_uint_eq(n.count, 0);
    weir_names_fini(&n);
}
END_TEST

static struct weir_xxh128
digest_of(const struct weir_lake_entry *e, size_t count)
{
    static struct weir_stat_digest d;
    struct weir_xxh128 x;
    weir_stat_digest_begin(&d);
    for (size_t i = 0; i < count; i++)
        weir_stat_digest_add(&d, &e[i]);
    weir_stat_digest_end(&d, &x);
    return x;
}

/* The form is stored in catalogs: this value may never change. */
START_TEST(digest_has_a_fixed_form)
{
    static const unsigned char form[] = {0,    0,
                                         0,    0,
                                         0,    0,
                                         0,    0,
                                         0,    0,
                                         0,    0,
                                         0,    0,
                                         0,    0, /* no block before */
                                         1,    0,
                                         'f',  WEIR_ENTRY_FILE,
                                         5,    0,
                                         0,    0,
                                         0,    0,
                                         0,    0,
                                         0xfe, 0xff,
                                         0xff, 0xff,
                                         0xff, 0xff,
                                         0xff, 0xff,
                                         7,    0,
                                         0,    0,
                                         2,    1,
                                         0,    0,
                                         0,    0,
                                         0,    0,
                                         9,    0,
                                         0,    0,
                                         8,    0,
                                         0,    0,
                                         0,    0,
                                         0,    0,
                                         3,    0,
                                         's',  'u',
                                         'b',  WEIR_ENTRY_DIR};
    struct weir_lake_entry e[2] = {
        {.name = "f",
         .name_len = 1,
         .type = WEIR_ENTRY_FILE,
         .st = {.size = 5, .mtime = {-2, 7}, .ctime = {0x102, 9}, .ino = 8, .dev = 99}},
        {.name = "sub", .name_len = 3, .type = WEIR_ENTRY_DIR, .st = {.size = 1, .ino = 2}}};
    struct weir_xxh128 want, got = digest_of(e, 2);
    weir_xxh128(form, sizeof(form), &want);
    ck_assert_mem_eq(&got, &want, sizeof(want));
}
END_TEST

START_TEST(digest_sees_every_field)
{
    struct weir_lake_entry base = {.name = "name", .name_len = 4, .type = WEIR_ENTRY_FILE};
    struct weir_lake_entry e[9];
    for (size_t i = 0; i < 9; i++)
        e[i] = base;
    e[1].name = "nama";
    e[2].name_len = 3;
    e[3].type = WEIR_ENTRY_SYMLINK;
    e[4].st.size = UINT64_C(1) << 63;
    e[5].st.mtime.s = -1;
    e[6].st.mtime.ns = 1;
    e[7].st.ctime.ns = 1;
    e[8].st.ino = 1;
    for (size_t i = 0; i < 9; i++)
        for (size_t k = 0; k < i; k++) {
            struct weir_xxh128 a = digest_of(&e[i], 1), b = digest_of(&e[k], 1);
            ck_assert_msg(memcmp(&a, &b, sizeof(a)) != 0, "%zu and %zu", i, k);
        }
}
END_TEST

START_TEST(digest_of_many_blocks_sees_the_first_and_the_last)
{
    enum { COUNT = 5000 };
    struct weir_lake_entry *e = calloc(COUNT, sizeof(*e));
    for (size_t i = 0; i < COUNT; i++)
        e[i] = (struct weir_lake_entry){.name = "n", .name_len = 1, .type = WEIR_ENTRY_FILE};
    struct weir_xxh128 first = digest_of(e, COUNT), x;
    for (size_t at = 0; at < COUNT; at += COUNT - 1) {
        e[at].st.ino++;
        x = digest_of(e, COUNT);
        ck_assert_mem_ne(&x, &first, sizeof(x));
        e[at].st.ino--;
    }
    x = digest_of(e, COUNT);
    ck_assert_mem_eq(&x, &first, sizeof(x));
    x = digest_of(e, COUNT - 1);
    ck_assert_mem_ne(&x, &first, sizeof(x));
    free(e);
}
END_TEST

START_TEST(levels_know_their_paths_and_ancestors)
{
    struct weir_level_dir d = {.name = "", .dev = 1, .ino = 1}, got;
    struct weir_level *root = weir_level_create(NULL, &d), *stack = NULL, *l;
    char path[32];
    d = (struct weir_level_dir){.name = "sub", .name_len = 3, .dev = 1, .ino = 2};
    ck_assert_int_eq(weir_level_add(root, &d), 0);
    d = (struct weir_level_dir){.name = "other", .name_len = 5, .dev = 1, .ino = 3};
    ck_assert_int_eq(weir_level_add(root, &d), 0);
    weir_level_push_locked(&stack, root);
    l = weir_level_take_locked(&stack, &got);
    ck_assert_ptr_eq(l, root);
    struct weir_level *sub = weir_level_create(l, &got);
    d = (struct weir_level_dir){.name = "x", .name_len = 1, .dev = 1, .ino = 4, .run = {5, 9}};
    ck_assert_int_eq(weir_level_add(sub, &d), 0);
    weir_level_push_locked(&stack, sub);
    l = weir_level_take_locked(&stack, &got); /* depth first */
    ck_assert_ptr_eq(l, sub);
    ck_assert_uint_eq(got.run.end, 9);
    struct weir_level *x = weir_level_create(l, &got);
    weir_level_path(x, path);
    ck_assert_str_eq(path, "sub/x");
    ck_assert(weir_level_has_ancestor(x, 1, 1) && weir_level_has_ancestor(x, 1, 4));
    ck_assert(!weir_level_has_ancestor(x, 1, 3) && !weir_level_has_ancestor(x, 2, 1));
    l = weir_level_take_locked(&stack, &got);
    ck_assert_ptr_eq(l, root);
    ck_assert_ptr_null(stack);
    ck_assert_uint_eq(got.ino, 3);
    weir_level_release_locked(x);
    weir_level_release_locked(l);
    weir_level_release_locked(NULL);
}
END_TEST

/* A tree a million levels deep is let go without recursion. */
START_TEST(levels_are_released_without_recursion)
{
    struct weir_level_dir d = {.name = "d", .name_len = 1};
    struct weir_level *l = NULL;
    for (int i = 0; i < 1000000; i++)
        ck_assert_ptr_nonnull(l = weir_level_create(l, &d));
    weir_level_release_locked(l);
}
END_TEST

static bool
inspect(enum weir_symlinks symlinks, const char *name, uint8_t d_type,
        struct weir_lake_entry *out)
{
    struct weir_source s = {.symlinks = symlinks};
    struct weir_lake_root *r = tree_open();
    struct weir_rules *rules = NULL;
    ck_assert_int_eq(weir_rules_create(&s.include, &s.exclude, &rules, NULL), 0);
    struct weir_inspector in = {.root = r, .source = &s, .rules = rules};
    struct weir_level_dir d = {.name = "", .dev = 1, .ino = 1};
    struct weir_level *level = weir_level_create(NULL, &d);
    char path[300] = "";
    struct weir_place at = {.fd = weir_lake_open(r, "", WEIR_FOLLOW_NO, O_DIRECTORY, NULL),
                            .dev = weir_lake_root_stat(r)->dev,
                            .level = level,
                            .covered = true,
                            .path = path};
    struct weir_name n = {.d_type = d_type, .len = (uint16_t)strlen(name)};
    out->name = name;
    out->name_len = n.len;
    bool kept = weir_inspect_entry(&in, &at, &n, out);
    (void)close(at.fd);
    weir_level_release_locked(level);
    weir_rules_free(rules);
    weir_lake_root_close(r);
    return kept;
}

START_TEST(what_vanished_was_never_there)
{
    struct weir_lake_entry e = {0};
    tree_begin();
    static const uint8_t types[] = {DT_UNKNOWN, DT_REG, DT_DIR, DT_LNK};
    for (size_t i = 0; i < 4; i++) {
        ck_assert(!inspect(WEIR_SYMLINKS_RECORD, "gone", types[i], &e));
        ck_assert(!inspect(WEIR_SYMLINKS_FOLLOW, "gone", types[i], &e));
    }
    tree_link("nowhere", "lake/dangling"); /* is there, though its target is not */
    ck_assert(inspect(WEIR_SYMLINKS_FOLLOW, "dangling", DT_LNK, &e));
    ck_assert_int_eq(e.verdict, WEIR_VERDICT_FAILED);
    ck_assert_int_eq(e.sys_errno, ENOENT);
    tree_end();
}
END_TEST

/* File systems without d_type, and entries that changed their type since they were listed. */
START_TEST(types_come_from_stat_in_the_end)
{
    struct weir_lake_entry e = {0};
    static const uint8_t types[] = {DT_UNKNOWN, DT_REG, DT_DIR, DT_LNK};
    tree_begin();
    tree_file("lake/file", "x");
    tree_mkdir("lake/dir");
    ck_assert_int_eq(mkfifo("lake/fifo", 0644), 0);
    tree_link("dir", "lake/link");
    for (size_t i = 0; i < 4; i++) {
        ck_assert(inspect(WEIR_SYMLINKS_RECORD, "file", types[i], &e));
        ck_assert(e.verdict == WEIR_VERDICT_TAKE && e.type == WEIR_ENTRY_FILE);
        ck_assert(inspect(WEIR_SYMLINKS_RECORD, "dir", types[i], &e));
        ck_assert(e.verdict == WEIR_VERDICT_TAKE && e.type == WEIR_ENTRY_DIR);
        ck_assert(inspect(WEIR_SYMLINKS_RECORD, "fifo", types[i], &e));
        ck_assert(e.verdict == WEIR_VERDICT_EXCLUDED && e.type == WEIR_ENTRY_FIFO);
        ck_assert(inspect(WEIR_SYMLINKS_RECORD, "link", types[i], &e));
        ck_assert(e.verdict == WEIR_VERDICT_TAKE && e.type == WEIR_ENTRY_SYMLINK);
        ck_assert(inspect(WEIR_SYMLINKS_FOLLOW, "link", types[i], &e));
        ck_assert(e.verdict == WEIR_VERDICT_TAKE && e.type == WEIR_ENTRY_DIR);
    }
    tree_end();
}
END_TEST

int
main(void)
{
    const TTest *const tests[] = {
        names_sort_and_lose_their_twins,
        digest_has_a_fixed_form,
        digest_sees_every_field,
        digest_of_many_blocks_sees_the_first_and_the_last,
        levels_know_their_paths_and_ancestors,
        levels_are_released_without_recursion,
        what_vanished_was_never_there,
        types_come_from_stat_in_the_end,
    };
    return tree_main("parts", tests, sizeof(tests) / sizeof(tests[0]));
}
