/* file/: an object takes the name of a directory in which nothing is left, and never that of
 * one in which there is something; whoever publishes below it at that moment loses nothing. */
#include "file_bench.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Every fsync of the program comes through here: which directories are synced is what the store
 * promises and nothing else shows. */
static _Thread_local ino_t watched;
static _Thread_local unsigned watched_syncs;

int
fsync(int fd)
{
    struct stat st;
    if (watched != 0 && fstat(fd, &st) == 0 && st.st_ino == watched)
        watched_syncs++;
    return (int)syscall(SYS_fsync, fd);
}

/* ---- ways to publish ---- */

static int
by_complete(struct bench *b, const char *key)
{
    char id[WEIR_UPLOAD_ID_BYTES];
    struct weir_part part;
    struct weir_stored stored;
    const struct weir_object object = {.key = key};
    uint64_t crc = weir_crc64nvme(0, "file", 4);
    weir_err_clear(&b->err);
    ck_assert_int_eq(b->ops->create_upload(b->t, &object, id, &b->err), 0);
    ck_assert_int_eq(b->ops->put_part(b->t, key, id, 1, "file", 4, crc, &part, &b->err), 0);
    return b->ops->complete_upload(b->t, &object, id, &part, 1, 4, crc, &stored, &b->err);
}

static int
by_copy(struct bench *b, const char *key)
{
    struct weir_stored stored;
    const struct weir_object object = {.key = key};
    ck_assert_int_eq(bench_put(b, "source", "file"), 0);
    return b->ops->copy(b->t, "source", "", &object, &stored, &b->err);
}

static int
by_put(struct bench *b, const char *key)
{
    return bench_put(b, key, "file");
}

static int
by_put_if_absent(struct bench *b, const char *key)
{
    struct weir_stored stored;
    const struct weir_object object = {.key = key, .condition = WEIR_COND_ABSENT};
    weir_err_clear(&b->err);
    return b->ops->put(b->t, &object, "file", 4, weir_crc64nvme(0, "file", 4), &stored,
                       &b->err);
}

static int (*const ways[])(struct bench *b, const char *key) = {by_put, by_put_if_absent,
                                                                by_complete, by_copy};
#define WAYS (sizeof(ways) / sizeof(ways[0]))
#define WAYS_AND_KEEPS (2 * (int)WAYS)

static void
setup_of(struct bench *b, int i)
{
    bench_setup(b, (size_t)i < WAYS ? FILE_KEEP_XATTR : FILE_KEEP_SIDECAR);
}

static void
make_dir(const struct bench *b, const char *name)
{
    ck_assert_int_eq(mkdir(bench_path(b, name), 0755), 0);
}

static void
must_remove(struct bench *b, const char *key)
{
    weir_err_clear(&b->err);
    ck_assert_msg(b->ops->remove(b->t, key, &b->err) == 0, "%s", bench_text(b));
}

/* ---- what gives way ---- */

START_TEST(a_directory_without_objects_gives_way)
{
    struct bench b;
    char text[4096];
    setup_of(&b, _i);
    ck_assert_int_eq(bench_put(&b, "p/d/x", "x"), 0);
    ck_assert_int_eq(bench_put(&b, "p/d/e/f/y", "y"), 0);
    ck_assert_int_eq(bench_put(&b, "p/d/e/g/", ""), 0);
    must_remove(&b, "p/d/x");
    must_remove(&b, "p/d/e/f/y");
    ck_assert_int_eq(bench_put(&b, "p/d/g/h/z", "z"), 0);
    must_remove(&b, "p/d/g/h/z");
    must_remove(&b, "p/d/e/g/");
    ck_assert_msg(ways[(size_t)_i % WAYS](&b, "p/d") == 0, "%s", bench_text(&b));
    ck_assert_int_eq(bench_get(&b, "p/d", text), 0);
    ck_assert_str_eq(text, "file");

    must_remove(&b, "p/d"); /* and back */
    ck_assert_msg(bench_put(&b, "p/d/e/f/y", "again") == 0, "%s", bench_text(&b));
    ck_assert_int_eq(bench_get(&b, "p/d/e/f/y", text), 0);
    ck_assert_str_eq(text, "again");
    ck_assert_uint_eq(bench_count(&b, ".weir/tmp"), 0);
    bench_teardown(&b);
}
END_TEST

START_TEST(a_chain_as_deep_as_keys_go_gives_way)
{
    struct bench b;
    char key[FILE_KEY_BYTES_MAX + 1];
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    for (size_t i = 0; i < FILE_KEY_BYTES_MAX; i++)
        key[i] = i % 2 == 0 || i == FILE_KEY_BYTES_MAX - 1 ? 'd' : '/';
    key[FILE_KEY_BYTES_MAX] = '\0';
    ck_assert_msg(bench_put(&b, key, "x") == 0, "%s", bench_text(&b));
    must_remove(&b, key);
    ck_assert_msg(bench_put(&b, "d", "x") == 0, "%s", bench_text(&b));
    ck_assert_str_eq(bench_list(&b), "d|");
    bench_teardown(&b);
}
END_TEST

/* ---- what does not ---- */

static void
must_refuse(struct bench *b, int way)
{
    ck_assert_int_eq(ways[(size_t)way % WAYS](b, "d"), -1);
    ck_assert_int_eq(b->err.code, WEIR_E_UNSUPPORTED);
    ck_assert_int_eq(b->err.scope, WEIR_SCOPE_OBJECT);
    ck_assert_ptr_nonnull(strstr(bench_text(b), "d is a directory"));
}

START_TEST(a_directory_with_an_object_stays)
{
    static const char *const objects[] = {"d/x", "d/e/x", "d/", "d/e/", "d/e/f/g/"};
    struct bench b;
    struct weir_head head;
    struct stat st;
    setup_of(&b, _i);
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        ck_assert_int_eq(bench_put(&b, "d/a/b/c", "x"), 0);
        must_remove(&b, "d/a/b/c");
        ck_assert_msg(bench_put(&b, objects[i], "") == 0, "%s", bench_text(&b));
        must_refuse(&b, _i);
        ck_assert_int_eq(bench_head(&b, objects[i], &head), 0);
        ck_assert_int_eq(stat(bench_path(&b, "d/a/b"), &st), 0); /* nothing was removed */
        must_remove(&b, objects[i]);
    }
    ck_assert_msg(by_put(&b, "d") == 0, "%s", bench_text(&b));
    bench_teardown(&b);
}
END_TEST

START_TEST(what_is_not_weirs_stays)
{
    struct bench b;
    struct stat st;
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    make_dir(&b, "../outside");
    make_dir(&b, "d");
    make_dir(&b, "d/a");
    ck_assert_int_eq(symlink("../../outside", bench_path(&b, "d/link")), 0);
    must_refuse(&b, 0);
    ck_assert_int_eq(unlink(bench_path(&b, "d/link")), 0);
    ck_assert_int_eq(mkfifo(bench_path(&b, "d/a/fifo"), 0644), 0);
    must_refuse(&b, 0);
    ck_assert_int_eq(unlink(bench_path(&b, "d/a/fifo")), 0);
    ck_assert_int_eq(stat(bench_path(&b, "../outside"), &st), 0);
    ck_assert_int_eq(bench_put(&b, "d", "x"), 0);
    ck_assert_int_eq(bench_put(&b, ".weir", "x"), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_UNSUPPORTED);
    ck_assert_int_eq(stat(bench_path(&b, ".weir/tmp"), &st), 0);
    bench_teardown(&b);
}
END_TEST

START_TEST(too_many_are_refused)
{
    struct bench b;
    char name[32];
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    make_dir(&b, "d");
    for (unsigned i = 0; i < FILE_PRUNE_DIRS_MAX; i++) { /* and d itself */
        (void)snprintf(name, sizeof(name), "d/%u", i);
        make_dir(&b, name);
    }
    ck_assert_int_eq(bench_put(&b, "d", "x"), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(bench_text(&b), "empty directories"));
    ck_assert_uint_eq(bench_count(&b, "d"), FILE_PRUNE_DIRS_MAX);
    ck_assert_int_eq(rmdir(bench_path(&b, name)), 0);
    ck_assert_msg(bench_put(&b, "d", "x") == 0, "%s", bench_text(&b));
    bench_teardown(&b);
}
END_TEST

/* ---- what is believed afterwards ---- */

/* A second store over the same directory, as another process has it. */
static void
open_second(const struct bench *b, struct bench *out)
{
    *out = *b;
    out->t = NULL;
    out->options.seed = 2;
    bench_open(out, FILE_KEEP_UNDECIDED);
}

/* The directory is removed by an object of its name, or with the object of the directory. */
START_TEST(a_directory_made_anew_is_synced_anew)
{
    struct bench b, other;
    struct stat st;
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    open_second(&b, &other);
    ck_assert_int_eq(bench_put(&b, "d/x", "x"), 0);
    ck_assert_int_eq(stat(b.root, &st), 0);
    watched = st.st_ino;
    watched_syncs = 0;
    ck_assert_int_eq(bench_put(&b, "d/x", "y"), 0);
    ck_assert_uint_eq(watched_syncs, 0); /* known to be there */
    struct bench *by = _i % 2 == 0 ? &b : &other;
    must_remove(by, "d/x");
    if (_i < 2) {
        ck_assert_msg(bench_put(by, "d", "x") == 0, "%s", bench_text(by));
        must_remove(by, "d");
    } else {
        must_remove(by, "d/");
    }
    make_dir(&b, "d"); /* a third one, who has not synced it yet */
    watched_syncs = 0;
    ck_assert_msg(bench_put(&b, "d/x", "z") == 0, "%s", bench_text(&b));
    ck_assert_uint_ge(watched_syncs, 1);
    watched = 0;
    other.ops->close(other.t);
    bench_teardown(&b);
}
END_TEST

/* ---- at the same time ----
 *
 * Each worker alone puts and removes its own keys, so it knows at any time which of them must
 * be there; the keys are in each other's way.  A put may be refused because of that, nothing
 * else. */

#define WORKERS 6
#define ROUNDS 100

struct worker {
    pthread_t thread;
    struct bench b; /* handle and error of its own */
    unsigned number, stored, refused;
    bool there[2];
    struct weir_rng rng;
    char wrong[2400];
};

static const char *const keys_of[WORKERS][2] = {
    {"d", "d/1/q/z"}, {"d/1", "d/2/x"}, {"d/1/x", "d/2"},
    {"d/", "e/x"},    {"d/2/", "e"},    {"d/1/q/", "d/x"},
};

static void
note(struct worker *w, const char *key, const char *what)
{
    (void)snprintf(w->wrong, sizeof(w->wrong), "worker %u: %s: %s", w->number, key, what);
}

static void
one_round(struct worker *w)
{
    struct weir_head head;
    struct weir_stored stored;
    struct bench *b = &w->b;
    unsigned which = (unsigned)weir_rng_below(&w->rng, 2);
    const char *key = keys_of[w->number][which];
    bool dir = key[strlen(key) - 1] == '/';
    const char *body = dir ? "" : key;
    const struct weir_object object = {.key = key};
    char text[2048];
    weir_err_clear(&b->err);
    if (weir_rng_below(&w->rng, 2) == 0) {
        if (b->ops->put(b->t, &object, body, strlen(body),
                        weir_crc64nvme(0, body, strlen(body)), &stored, &b->err) == 0) {
            w->there[which] = true;
            w->stored++;
        } else if (b->err.code == WEIR_E_UNSUPPORTED && !w->there[which]) {
            w->refused++;
        } else {
            note(w, key, weir_err_text(&b->err, text, sizeof(text)));
        }
    } else {
        if (b->ops->remove(b->t, key, &b->err) != 0)
            note(w, key, weir_err_text(&b->err, text, sizeof(text)));
        w->there[which] = false;
    }
    for (unsigned i = 0; i < 2; i++) {
        weir_err_clear(&b->err);
        int rc = b->ops->head(b->t, keys_of[w->number][i], &head, &b->err);
        if ((rc == 0) != w->there[i] || (rc != 0 && b->err.code != WEIR_E_NOT_FOUND))
            note(w, keys_of[w->number][i],
                 rc == 0 ? "there, though removed"
                         : weir_err_text(&b->err, text, sizeof(text)));
    }
}

static void *
work(void *arg)
{
    struct worker *w = arg;
    for (unsigned i = 0; i < ROUNDS && w->wrong[0] == '\0'; i++)
        one_round(w);
    for (unsigned i = 0; i < 2; i++) /* out of the way of those who are not done */
        (void)w->b.ops->remove(w->b.t, keys_of[w->number][i], NULL);
    return NULL;
}

static uint64_t
seed_of_run(void)
{
    const char *text = getenv("WEIR_TEST_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0)
                                 : (uint64_t)weir_clock_system()->wall_ns(weir_clock_system());
    printf("seed %#llx\n", (unsigned long long)seed);
    (void)fflush(stdout);
    return seed;
}

START_TEST(threads_in_each_others_way_lose_nothing)
{
    static struct worker w[WORKERS];
    struct bench b, other;
    unsigned stored = 0, refused = 0;
    uint64_t seed = seed_of_run();
    bench_setup(&b, (enum file_keep)_i);
    other = b;
    bench_open(&other, (enum file_keep)_i); /* as another process has it */
    memset(w, 0, sizeof(w));
    for (unsigned i = 0; i < WORKERS; i++) {
        struct bench *of = i % 3 == 2 ? &other : &b;
        w[i].b = *of;
        w[i].number = i;
        w[i].rng.state = seed + i;
        ck_assert_int_eq(of->ops->clone(of->t, &w[i].b.t, &of->err), 0);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        (void)pthread_join(w[i].thread, NULL);
        w[i].b.ops->close(w[i].b.t);
        stored += w[i].stored;
        refused += w[i].refused;
    }
    for (unsigned i = 0; i < WORKERS; i++)
        ck_assert_msg(w[i].wrong[0] == '\0', "%s", w[i].wrong);
    printf("%u stored, %u refused\n", stored, refused);
    ck_assert_uint_gt(stored, 0);
    ck_assert_str_eq(bench_list(&b), "");
    other.ops->close(other.t);
    bench_teardown(&b);
}
END_TEST

START_TEST(processes_in_each_others_way_lose_nothing)
{
    struct bench b;
    pid_t child[WORKERS];
    int status = 0;
    uint64_t seed = seed_of_run();
    bench_setup(&b, (enum file_keep)_i);
    for (unsigned i = 0; i < WORKERS; i++) {
        child[i] = fork();
        ck_assert_int_ge(child[i], 0);
        if (child[i] != 0)
            continue;
        static struct worker w;
        w.b = b;
        w.number = i;
        w.rng.state = seed + i;
        bench_open(&w.b, (enum file_keep)_i);
        (void)work(&w);
        (void)fprintf(stderr, "%s%s", w.wrong, w.wrong[0] != '\0' ? "\n" : "");
        w.b.ops->close(w.b.t);
        _exit(w.wrong[0] != '\0');
    }
    int failed = 0;
    for (unsigned i = 0; i < WORKERS; i++)
        failed += waitpid(child[i], &status, 0) != child[i] || status != 0;
    ck_assert_int_eq(failed, 0);
    ck_assert_str_eq(bench_list(&b), "");
    bench_teardown(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("file_prune");
    TCase *tc = tcase_create("file_prune");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, a_directory_without_objects_gives_way, 0, WAYS_AND_KEEPS);
    tcase_add_test(tc, a_chain_as_deep_as_keys_go_gives_way);
    tcase_add_loop_test(tc, a_directory_with_an_object_stays, 0, WAYS_AND_KEEPS);
    tcase_add_test(tc, what_is_not_weirs_stays);
    tcase_add_test(tc, too_many_are_refused);
    tcase_add_loop_test(tc, a_directory_made_anew_is_synced_anew, 0, 4);
    tcase_add_loop_test(tc, threads_in_each_others_way_lose_nothing, FILE_KEEP_XATTR,
                        FILE_KEEP_SIDECAR + 1);
    tcase_add_loop_test(tc, processes_in_each_others_way_lose_nothing, FILE_KEEP_XATTR,
                        FILE_KEEP_SIDECAR + 1);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
