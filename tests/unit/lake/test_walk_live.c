/* walk on lakes that are large, random, changing or hostile: recounts and races. */
#include "lake_tree.h"

#include <ftw.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <weir/rng.h>

#include "lake/reader.h"

static uint64_t
test_seed(void)
{
    const char *text = getenv("WEIR_TEST_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
    printf("walk_live: seed %llu\n", (unsigned long long)seed);
    return seed;
}

static const struct weir_source plain = {.one_file_system = true};

/* ---- an independent recount ---- */

static const struct walked *recount_walk; /* nftw has no argument for its callback */
static size_t recount_seen;

static int
recount_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)flag;
    if (f->level == 0)
        return 0;
    const struct seen *s = find_seen(recount_walk, path + strlen("lake/"));
    ck_assert_msg(s != NULL, "'%s' is missing", path);
    ck_assert_uint_eq(s->st.mode != 0 ? s->st.mode : st->st_mode, st->st_mode);
    if (S_ISFIFO(st->st_mode)) {
        ck_assert_int_eq(s->verdict, WEIR_VERDICT_EXCLUDED);
    } else {
        ck_assert_int_eq(s->verdict, WEIR_VERDICT_TAKE);
        ck_assert_uint_eq(s->st.ino, st->st_ino);
        ck_assert_uint_eq(s->st.dev, st->st_dev);
        ck_assert_uint_eq(s->st.size, (uint64_t)st->st_size);
        ck_assert_int_eq(s->st.mtime.s, st->st_mtim.tv_sec);
        ck_assert_int_eq(s->st.ctime.ns, st->st_ctim.tv_nsec);
        ck_assert_uint_eq(s->st.nlink, st->st_nlink);
        ck_assert_uint_eq(s->st.blocks, (uint64_t)st->st_blocks);
    }
    recount_seen++;
    return 0;
}

static void
random_entry(struct weir_rng *rng, const char *path)
{
    struct timespec t[2] = {{0, UTIME_OMIT},
                            {(int64_t)weir_rng_below(rng, UINT64_C(4000000000)) - 1000000000,
                             (long)weir_rng_below(rng, 1000000000)}};
    switch (weir_rng_below(rng, 6)) {
    case 0:
        (void)mkfifo(path, 0644);
        return;
    case 1:
        (void)!symlink("some/where", path);
        break;
    case 2:
        (void)!link("lake/first", path);
        return;
    default:
        tree_file(path, "some data");
        (void)!truncate(path, (off_t)weir_rng_below(rng, 100000));
    }
    (void)utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW);
}

static void
random_tree(struct weir_rng *rng, size_t dirs, size_t entries)
{
    char(*path)[200] = calloc(dirs, sizeof(*path));
    ck_assert_ptr_nonnull(path);
    strcpy(path[0], "lake");
    tree_file("lake/first", "hard links go here");
    for (size_t i = 1; i < dirs; i++) {
        size_t parent = (size_t)weir_rng_below(rng, i);
        while (strlen(path[parent]) > 170)
            parent = (size_t)weir_rng_below(rng, i);
        char made[200];
        (void)snprintf(made, sizeof(made), "%.170s/d%zu", path[parent], i);
        tree_mkdir(made);
        memcpy(path[i], made, sizeof(made));
    }
    for (size_t i = 0; i < entries; i++) {
        char entry[260];
        (void)snprintf(entry, sizeof(entry), "%s/e%llx", path[weir_rng_below(rng, dirs)],
                       (unsigned long long)weir_rng_next(rng));
        random_entry(rng, entry);
    }
    free(path);
}

START_TEST(agrees_with_an_independent_recount)
{
    struct weir_rng rng = {test_seed()};
    for (unsigned round = 0; round < 6; round++) {
        struct walked w;
        tree_begin();
        random_tree(&rng, 1 + (size_t)weir_rng_below(&rng, 60),
                    (size_t)weir_rng_below(&rng, 500));
        struct weir_lake_root *r = tree_open();
        struct weir_walk_options o = {
            .source = &plain, .threads = 1 + round, .memory_bytes = weir_rng_below(&rng, 3000)};
        walk_with(r, &o, &w);
        recount_walk = &w;
        recount_seen = 0;
        ck_assert_int_eq(nftw("lake", recount_one, 20, FTW_PHYS), 0);
        ck_assert_uint_eq(recount_seen, w.count);
        weir_lake_root_close(r);
        walked_free(&w);
        tree_end();
    }
}
END_TEST

/* ---- somebody changes the lake while it is walked ---- */

struct churn {
    atomic_bool stop;
    uint64_t seed;
    int dir_fd; /* of the fresh directory: threads do not rely on the cwd */
};

static void
churn_once(struct weir_rng *rng, int at)
{
    char a[64], b[64];
    (void)snprintf(a, sizeof(a), "lake/live/%u/%u", (unsigned)weir_rng_below(rng, 4),
                   (unsigned)weir_rng_below(rng, 12));
    (void)snprintf(b, sizeof(b), "lake/live/%u/%u", (unsigned)weir_rng_below(rng, 4),
                   (unsigned)weir_rng_below(rng, 12));
    switch (weir_rng_below(rng, 6)) {
    case 0:
        (void)unlinkat(at, a, 0);
        break;
    case 1:
        (void)unlinkat(at, a, AT_REMOVEDIR);
        break;
    case 2:
        (void)mkdirat(at, a, 0755);
        break;
    case 3:
        (void)renameat(at, a, at, b);
        break;
    case 4:
        (void)!symlinkat("../../stable", at, a);
        break;
    default:
        (void)mknodat(at, a, S_IFREG | 0644, 0);
    }
}

static void *
churn_run(void *arg)
{
    struct churn *c = arg;
    struct weir_rng rng = {c->seed};
    while (!atomic_load(&c->stop))
        churn_once(&rng, c->dir_fd);
    return NULL;
}

static void
check_live_walk(const struct walked *w)
{
    expect_taken(w, "stable/a/x", WEIR_ENTRY_FILE);
    expect_taken(w, "stable/b", WEIR_ENTRY_FILE);
    ck_assert(find_dir(w, "stable/a")->complete && find_dir(w, "")->complete);
    for (size_t i = 0; i < w->count; i++)
        ck_assert_msg(w->entry[i].verdict == WEIR_VERDICT_TAKE, "'%s': errno %d",
                      w->entry[i].path, w->entry[i].sys_errno);
    for (size_t i = 0; i < w->dir_count; i++)
        ck_assert_msg(w->dir[i].complete || w->dir[i].code == WEIR_E_NOT_FOUND ||
                          w->dir[i].code == WEIR_E_CHANGED,
                      "'%s': %s", w->dir[i].path, weir_err_name(w->dir[i].code));
}

START_TEST(a_live_lake_fails_nothing)
{
    struct churn c = {.seed = test_seed()};
    pthread_t thread;
    size_t incomplete = 0;
    tree_begin();
    tree_mkdir("lake/stable");
    tree_mkdir("lake/stable/a");
    tree_file("lake/stable/a/x", "x");
    tree_file("lake/stable/b", "x");
    tree_mkdir("lake/live");
    for (int i = 0; i < 4; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "lake/live/%d", i);
        tree_mkdir(path);
    }
    c.dir_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(pthread_create(&thread, NULL, churn_run, &c), 0);
    for (int i = 0; i < 150; i++) {
        struct walked w;
        walk_source(&plain, &w);
        check_live_walk(&w);
        for (size_t k = 0; k < w.dir_count; k++)
            incomplete += !w.dir[k].complete;
        walked_free(&w);
    }
    atomic_store(&c.stop, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    (void)close(c.dir_fd);
    printf("walk_live: 150 walks, %zu directories vanished or were replaced\n", incomplete);
    tree_end();
}
END_TEST

/* ---- an attacker swaps a directory for a link to somewhere else ---- */

static void *
swap_run(void *arg)
{
    struct churn *c = arg;
    while (!atomic_load(&c->stop))
        (void)renameat2(c->dir_fd, "lake/p", c->dir_fd, "lake/q", RENAME_EXCHANGE);
    return NULL;
}

static void
attack(enum weir_symlinks symlinks, const char *target)
{
    struct churn c = {.seed = 0};
    struct weir_source s = {.symlinks = symlinks, .one_file_system = true};
    pthread_t thread;
    size_t entered = 0, refused = 0;
    c.dir_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(unlink("lake/q") == 0 || errno == ENOENT, true);
    tree_link(target, "lake/q");
    ck_assert_int_eq(pthread_create(&thread, NULL, swap_run, &c), 0);
    for (int i = 0; i < 300; i++) {
        struct walked w;
        walk_source(&s, &w);
        for (size_t k = 0; k < w.count; k++)
            ck_assert_msg(strstr(w.entry[k].path, "SECRET") == NULL, "walked out: %s",
                          w.entry[k].path);
        for (size_t k = 0; k < w.dir_count; k++) {
            entered += w.dir[k].complete;
            refused += !w.dir[k].complete;
        }
        walked_free(&w);
    }
    atomic_store(&c.stop, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    /* put the directory back in its place */
    struct stat st;
    if (lstat("lake/p", &st) == 0 && S_ISLNK(st.st_mode))
        ck_assert_int_eq(renameat2(AT_FDCWD, "lake/p", AT_FDCWD, "lake/q", RENAME_EXCHANGE), 0);
    (void)close(c.dir_fd);
    printf("walk_live: swap to %s: %zu directories listed, %zu refused\n", target, entered,
           refused);
}

START_TEST(swapped_directories_lead_nowhere)
{
    char absolute[96];
    tree_begin();
    tree_mkdir("outside");
    tree_mkdir("outside/sub");
    tree_file("outside/SECRET", "x");
    tree_file("outside/sub/SECRET", "x");
    tree_mkdir("lake/p");
    tree_mkdir("lake/p/sub");
    tree_file("lake/p/sub/f", "x");
    (void)snprintf(absolute, sizeof(absolute), "%s/outside", tree_dir);
    attack(WEIR_SYMLINKS_RECORD, "../outside");
    attack(WEIR_SYMLINKS_FOLLOW, "../outside");
    attack(WEIR_SYMLINKS_FOLLOW, absolute);
    tree_end();
}
END_TEST

START_TEST(the_reader_cannot_be_led_out)
{
    struct churn c = {.seed = 0};
    struct weir_stat expect;
    pthread_t thread;
    size_t read_count = 0, refused = 0;
    tree_begin();
    tree_mkdir("outside");
    tree_file("outside/f", "SECRET");
    tree_mkdir("lake/p");
    tree_file("lake/p/f", "inside");
    tree_link("../outside", "lake/q");
    struct weir_lake_root *r = tree_open();
    int fd = weir_lake_open(r, "p/f", WEIR_FOLLOW_NO, O_PATH, NULL);
    ck_assert_int_eq(weir_lake_stat(fd, NULL, 0, &expect), 0);
    (void)close(fd);
    c.dir_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(pthread_create(&thread, NULL, swap_run, &c), 0);
    for (int i = 0; i < 3000; i++) {
        struct weir_reader reader;
        struct weir_err err = WEIR_ERR_INIT;
        char buf[6];
        bool recent;
        enum weir_follow follow = i % 2 == 0 ? WEIR_FOLLOW_NO : WEIR_FOLLOW_BENEATH;
        if (weir_reader_open(r, "p/f", follow, &expect, 0, WEIR_RECENT_TRUST, &reader, &recent,
                             &err) != 0) {
            ck_assert_int_eq(err.code, WEIR_E_CHANGED);
            refused++;
            continue;
        }
        ck_assert_int_eq(weir_reader_read(&reader, "p/f", 0, buf, 6, NULL, &err), 0);
        ck_assert_mem_eq(buf, "inside", 6);
        weir_reader_close(&reader);
        read_count++;
    }
    atomic_store(&c.stop, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    printf("walk_live: reader under attack: %zu reads, %zu refused\n", read_count, refused);
    (void)close(c.dir_fd);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

int
main(void)
{
    const TTest *const tests[] = {agrees_with_an_independent_recount, a_live_lake_fails_nothing,
                                  swapped_directories_lead_nowhere,
                                  the_reader_cannot_be_led_out};
    return tree_main("walk_live", tests, sizeof(tests) / sizeof(tests[0]));
}
