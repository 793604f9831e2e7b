/* file/: what a directory makes special, and hostile directories. */
#include "file_bench.h"

#include <signal.h>
#include <sys/resource.h>

/* ---- opening ---- */

static const struct {
    const char *url;
    enum weir_code code;
} bad_urls[] = {
    {"file:///no/such/directory", WEIR_E_NOT_FOUND},
    {"file:///dev/null", WEIR_E_IO},
    {"file://relative/path", WEIR_E_CONFIG},
    {"file://", WEIR_E_CONFIG},
    {"file:", WEIR_E_CONFIG},
    {"gs://bucket", WEIR_E_CONFIG},
    {"", WEIR_E_CONFIG},
};

START_TEST(bad_urls_are_refused)
{
    char url[64];
    (void)snprintf(url, sizeof(url), "%s", bad_urls[_i].url);
    struct weir_destination d = {.url = url};
    struct weir_transport_options o = {.destination = &d, .clock = weir_clock_system()};
    struct weir_transport *t = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    ck_assert_int_eq(weir_transport_open(&o, &t, &err), -1);
    ck_assert_int_eq(err.code, bad_urls[_i].code);
    ck_assert_int_eq(err.scope, WEIR_SCOPE_RUN);
    ck_assert_ptr_null(t);
}
END_TEST

START_TEST(reading_writes_nothing)
{
    struct bench b;
    struct weir_head head;
    char text[4096];
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(bench_head(&b, "a", &head), -1);
    ck_assert_int_eq(bench_get(&b, "a", text), -1);
    ck_assert_str_eq(bench_list(&b), "");
    ck_assert_int_eq(b.ops->list_uploads(b.t, "", NULL, NULL, NULL), 0);
    ck_assert_uint_eq(bench_count(&b, ""), 0);
    bench_teardown(&b);
}
END_TEST

/* All that probe can find: a capability that is missing would silence the contract suite. */
START_TEST(everything_is_honoured)
{
    struct bench b;
    unsigned caps = 0;
    bench_setup(&b, (enum file_keep)_i);
    ck_assert_int_eq(b.ops->probe(b.t, 7, &caps, &b.err), 0);
    ck_assert_uint_eq(caps, 0x7ff);
    ck_assert_str_eq(bench_list(&b), "");
    ck_assert_uint_eq(bench_count(&b, ".weir/uploads"), 0);
    bench_teardown(&b);
}
END_TEST

/* ---- keys ---- */

static const struct {
    const char *key;
    enum weir_code code;
} bad_keys[] = {
    {"", WEIR_E_UNSUPPORTED},
    {"/", WEIR_E_UNSUPPORTED},
    {"/a", WEIR_E_UNSUPPORTED},
    {"a//b", WEIR_E_UNSUPPORTED},
    {"a//", WEIR_E_UNSUPPORTED},
    {".", WEIR_E_UNSUPPORTED},
    {"..", WEIR_E_UNSUPPORTED},
    {"../x", WEIR_E_UNSUPPORTED},
    {"a/../b", WEIR_E_UNSUPPORTED},
    {"a/..", WEIR_E_UNSUPPORTED},
    {"a/./b", WEIR_E_UNSUPPORTED},
    {"a/./", WEIR_E_UNSUPPORTED},
    {"../", WEIR_E_UNSUPPORTED},
    {".weir/tmp", WEIR_E_UNSUPPORTED},
    {".weir/tmp/x", WEIR_E_UNSUPPORTED},
    {".weir/uploads/", WEIR_E_UNSUPPORTED},
    {".weir/meta/00/x", WEIR_E_UNSUPPORTED},
    {".weir/lock", WEIR_E_UNSUPPORTED},
};

START_TEST(bad_keys_are_refused_by_every_operation)
{
    struct bench b;
    struct weir_head head;
    char text[4096], id[WEIR_UPLOAD_ID_BYTES];
    const char *key = bad_keys[_i].key;
    const struct weir_object object = {.key = key};
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(bench_put(&b, key, ""), -1);
    ck_assert_int_eq(b.err.code, bad_keys[_i].code);
    ck_assert_int_eq(b.err.scope, WEIR_SCOPE_OBJECT);
    ck_assert_int_eq(bench_head(&b, key, &head), -1);
    ck_assert_int_eq(b.err.code, bad_keys[_i].code);
    ck_assert_int_eq(bench_get(&b, key, text), -1);
    ck_assert_int_eq(b.err.code, bad_keys[_i].code);
    weir_err_clear(&b.err);
    ck_assert_int_eq(b.ops->remove(b.t, key, &b.err), -1);
    weir_err_clear(&b.err);
    ck_assert_int_eq(b.ops->create_upload(b.t, &object, id, &b.err), -1);
    ck_assert_int_eq(b.err.code, bad_keys[_i].code);
    ck_assert_uint_eq(bench_count(&b, "/.."), 1); /* nothing beside the store */
    bench_teardown(&b);
}
END_TEST

START_TEST(long_segments_are_named)
{
    struct bench b;
    char key[300];
    memset(key, 'x', 256);
    key[256] = '\0';
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(bench_put(&b, key, "x"), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_LIMIT);
    key[255] = '\0';
    ck_assert_msg(bench_put(&b, key, "x") == 0, "%s", bench_text(&b));
    bench_teardown(&b);
}
END_TEST

START_TEST(keys_beside_weirs_own_are_free)
{
    struct bench b;
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(bench_put(&b, ".weir/lease", "x"), 0);
    ck_assert_int_eq(bench_put(&b, ".weir/tmpfile", "x"), 0);
    ck_assert_int_eq(bench_put(&b, "a/.weir/tmp/x", "x"), 0);
    ck_assert_str_eq(bench_list(&b), ".weir/lease|.weir/tmpfile|a/.weir/tmp/x|");
    bench_teardown(&b);
}
END_TEST

/* ---- names that collide ---- */

START_TEST(file_and_directory_of_one_name)
{
    struct bench b;
    struct weir_head head;
    char text[4096];
    bench_setup(&b, (enum file_keep)_i);
    ck_assert_int_eq(bench_put(&b, "a", "file"), 0);
    ck_assert_int_eq(bench_put(&b, "a/b", "below"), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(bench_text(&b), "a is a file"));
    ck_assert_int_eq(bench_put(&b, "a/", ""), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_UNSUPPORTED);
    ck_assert_int_eq(bench_head(&b, "a/b", &head), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_NOT_FOUND);
    ck_assert_int_eq(bench_head(&b, "a/", &head), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_NOT_FOUND);
    weir_err_clear(&b.err);
    ck_assert_int_eq(b.ops->remove(b.t, "a/b", &b.err), 0);
    ck_assert_int_eq(b.ops->remove(b.t, "a/", &b.err), 0);
    ck_assert_int_eq(bench_get(&b, "a", text), 0);

    ck_assert_int_eq(bench_put(&b, "d/x", "below"), 0);
    ck_assert_int_eq(bench_put(&b, "d", "file"), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(bench_text(&b), "d is a directory"));
    ck_assert_int_eq(bench_head(&b, "d", &head), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_NOT_FOUND);
    ck_assert_int_eq(b.ops->remove(b.t, "d", NULL), 0);
    ck_assert_int_eq(bench_get(&b, "d/x", text), 0);
    ck_assert_str_eq(text, "below");
    ck_assert_uint_eq(bench_count(&b, ".weir/tmp"), 0);
    bench_teardown(&b);
}
END_TEST

START_TEST(links_are_never_followed)
{
    struct bench b;
    struct weir_head head;
    char text[4096];
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    bench_write(bench_path(&b, "../secret"), "secret");
    ck_assert_int_eq(mkdir(bench_path(&b, "../outside"), 0755), 0);
    ck_assert_int_eq(symlink("../outside", bench_path(&b, "dir")), 0);
    ck_assert_int_eq(symlink("../secret", bench_path(&b, "file")), 0);
    ck_assert_int_eq(symlink("/etc", bench_path(&b, "absolute")), 0);
    ck_assert_int_eq(mkfifo(bench_path(&b, "fifo"), 0644), 0);

    ck_assert_int_eq(bench_put(&b, "dir/x", "x"), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_UNSUPPORTED);
    ck_assert_uint_eq(bench_count(&b, "../outside"), 0);
    ck_assert_int_eq(bench_get(&b, "dir/x", text), -1);
    ck_assert_int_eq(bench_get(&b, "absolute/passwd", text), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_UNSUPPORTED);
    ck_assert_int_eq(bench_get(&b, "file", text), -1);
    ck_assert_int_eq(bench_head(&b, "file", &head), -1);
    ck_assert_int_eq(bench_put(&b, "file", "x"), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_UNSUPPORTED);
    ck_assert_int_eq(bench_head(&b, "fifo", &head), -1); /* and does not hang */
    ck_assert_int_eq(b.err.code, WEIR_E_NOT_FOUND);
    ck_assert_int_eq(bench_put(&b, "fifo", "x"), -1);
    ck_assert_str_eq(bench_list(&b), "");
    bench_teardown(&b);
}
END_TEST

/* ---- directories and trouble ---- */

START_TEST(files_are_plain_files)
{
    struct bench b;
    struct stat st;
    mode_t old = umask(027);
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(bench_put(&b, "d/a", "x"), 0);
    ck_assert_int_eq(stat(bench_path(&b, "d/a"), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0640);
    ck_assert_int_eq(stat(bench_path(&b, "d"), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFDIR | 0750);
    (void)umask(old);
    bench_teardown(&b);
}
END_TEST

START_TEST(directory_objects_hold_no_bytes)
{
    struct bench b;
    struct stat st;
    bench_setup(&b, (enum file_keep)_i);
    ck_assert_int_eq(bench_put(&b, "d/", "bytes"), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_UNSUPPORTED);
    ck_assert_int_eq(bench_put(&b, "d/", ""), 0);
    ck_assert_str_eq(bench_list(&b), "d/|");
    ck_assert_int_eq(b.ops->remove(b.t, "d/", NULL), 0);
    ck_assert_int_eq(stat(bench_path(&b, "d"), &st), -1); /* it was empty */
    ck_assert_int_eq(bench_put(&b, "e/", ""), 0);
    ck_assert_int_eq(bench_put(&b, "e/f", "x"), 0);
    ck_assert_int_eq(b.ops->remove(b.t, "e/f", NULL), 0);
    ck_assert_str_eq(bench_list(&b), "e/|"); /* removing a file prunes nothing */
    bench_teardown(&b);
}
END_TEST

START_TEST(a_write_that_fails_leaves_nothing)
{
    struct bench b;
    struct rlimit old, small;
    char text[4096];
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(bench_put(&b, "a", "before"), 0);
    char *big = calloc(1, 300000);
    ck_assert_ptr_nonnull(big);
    memset(big, 'b', 299999);
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 100000;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = bench_put(&b, "a", big);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_eq(rc, -1);
    ck_assert_int_eq(b.err.code, WEIR_E_IO);
    ck_assert_int_eq(b.err.sys_errno, EFBIG);
    ck_assert_int_eq(bench_get(&b, "a", text), 0);
    ck_assert_str_eq(text, "before");
    ck_assert_uint_eq(bench_count(&b, ".weir/tmp"), 0);
    free(big);
    bench_teardown(&b);
}
END_TEST

START_TEST(disk_full_stops_the_run)
{
    static const int stops[] = {ENOSPC, EDQUOT, EROFS, EIO};
    static const int again[] = {EMFILE, ENFILE, ENOMEM, ESTALE};
    for (size_t i = 0; i < 4; i++) {
        struct weir_err err = WEIR_ERR_INIT;
        weir_file_fail(&err, stops[i], "write");
        ck_assert_int_eq(err.scope, WEIR_SCOPE_RUN);
        ck_assert(!err.retryable);
        weir_err_clear(&err);
        weir_file_fail(&err, again[i], "write");
        ck_assert_int_eq(err.scope, WEIR_SCOPE_OBJECT);
        ck_assert(err.retryable);
    }
}
END_TEST

START_TEST(too_few_descriptors_is_retryable)
{
    struct bench b;
    struct rlimit old, small;
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(bench_put(&b, "d/a", "x"), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    int next = dup(0); /* the lowest free one is the new limit: nothing can be opened */
    small = old;
    small.rlim_cur = (rlim_t)next;
    (void)close(next);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &small), 0);
    int rc = bench_put(&b, "d/b", "x");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    ck_assert_int_eq(rc, -1);
    ck_assert(b.err.retryable);
    ck_assert_msg(bench_put(&b, "d/b", "x") == 0, "%s", bench_text(&b));
    bench_teardown(&b);
}
END_TEST

START_TEST(cancel_now_ends_long_reads)
{
    struct bench b;
    char text[4096];
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(bench_put(&b, "a", "x"), 0);
    weir_cancel_raise(&b.cancel, WEIR_CANCEL_DRAIN);
    ck_assert_int_eq(bench_get(&b, "a", text), 0); /* what is in flight is finished */
    weir_cancel_raise(&b.cancel, WEIR_CANCEL_NOW);
    ck_assert_int_eq(bench_get(&b, "a", text), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_CANCELLED);
    bench_teardown(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("file_store");
    TCase *tc = tcase_create("file_store");
    tcase_set_timeout(tc, 60);
#define LOOP(test, table)                                                                      \
    tcase_add_loop_test(tc, test, 0, (int)(sizeof(table) / sizeof(*table)))
    LOOP(bad_urls_are_refused, bad_urls);
    tcase_add_test(tc, reading_writes_nothing);
    tcase_add_loop_test(tc, everything_is_honoured, FILE_KEEP_XATTR, FILE_KEEP_SIDECAR + 1);
    LOOP(bad_keys_are_refused_by_every_operation, bad_keys);
    tcase_add_test(tc, long_segments_are_named);
    tcase_add_test(tc, keys_beside_weirs_own_are_free);
    tcase_add_loop_test(tc, file_and_directory_of_one_name, FILE_KEEP_XATTR,
                        FILE_KEEP_SIDECAR + 1);
    tcase_add_test(tc, links_are_never_followed);
    tcase_add_test(tc, files_are_plain_files);
    tcase_add_loop_test(tc, directory_objects_hold_no_bytes, FILE_KEEP_XATTR,
                        FILE_KEEP_SIDECAR + 1);
    tcase_add_test(tc, a_write_that_fails_leaves_nothing);
    tcase_add_test(tc, disk_full_stops_the_run);
    tcase_add_test(tc, too_few_descriptors_is_retryable);
    tcase_add_test(tc, cancel_now_ends_long_reads);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
