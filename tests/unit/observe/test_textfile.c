/* textfile: text that Prometheus reads, and a file that is old or new but never a part. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../main_check.h"
#include "observe/textfile.h"
#include "prometheus.h"

static char dir[64], path[96];

static void
make_dir(void)
{
    (void)snprintf(dir, sizeof(dir), "/tmp/weir-textfile-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/lake.prom", dir);
}

static void
remove_dir(void)
{
    (void)unlink(path);
    ck_assert_int_eq(rmdir(dir), 0); /* no temporary file was left */
}

static struct weir_ledger
some_ledger(void)
{
    struct weir_ledger l = {.seen = 20,
                            .sent_objects = 5,
                            .sent_bytes = UINT64_MAX,
                            .copied_bytes = 6,
                            .requests = 7,
                            .retries = 1,
                            .elapsed_ns = 1234567890};
    for (int s = 0; s < WEIR_STATES; s++) {
        l.count[s] = (uint64_t)s;
        l.bytes[s] = (uint64_t)s << 20;
    }
    l.seen = 100;
    return l;
}

static int
write_it(const struct weir_ledger *l, const char *job, int64_t good_ns, struct weir_err *err)
{
    struct weir_textfile t = {.job = job,
                              .exit_status = 3,
                              .now_ns = INT64_C(1700000100) * WEIR_NS_PER_S + 5000000,
                              .last_good_ns = good_ns,
                              .ledger = l};
    return weir_textfile_write(path, &t, err);
}

static size_t
slurp(char *out, size_t bytes)
{
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(out, 1, bytes - 1, f);
    (void)fclose(f);
    out[n] = '\0';
    return n;
}

static void
has_line(const char *text, const char *line)
{
    char want[256];
    (void)snprintf(want, sizeof(want), "\n%s\n", line);
    ck_assert_msg(strstr(text, want) != NULL, "no line %s in\n%s", line, text);
}

START_TEST(every_figure_is_there)
{
    static char text[1 << 16];
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_ledger l = some_ledger();
    struct stat st;
    ck_assert_int_eq(write_it(&l, "lake", INT64_C(1700000000) * WEIR_NS_PER_S, &err), 0);
    slurp(text, sizeof(text));
    has_line(text, "weir_last_success_timestamp_seconds{job=\"lake\"} 1700000000.000");
    has_line(text, "weir_lag_seconds{job=\"lake\"} 100.005");
    has_line(text, "weir_pass_end_timestamp_seconds{job=\"lake\"} 1700000100.005");
    has_line(text, "weir_pass_seconds{job=\"lake\"} 1.234");
    has_line(text, "weir_pass_exit_status{job=\"lake\"} 3");
    for (int s = 0; s < WEIR_STATES; s++) {
        char line[160];
        const char *name = weir_state_name((enum weir_state)s);
        (void)snprintf(line, sizeof(line), "weir_pass_entries{job=\"lake\",state=\"%s\"} %d",
                       name, s);
        has_line(text, line);
        (void)snprintf(line, sizeof(line), "weir_pass_bytes{job=\"lake\",state=\"%s\"} %llu",
                       name, (unsigned long long)s << 20);
        has_line(text, line);
    }
    has_line(text, "weir_pass_entries{job=\"lake\",state=\"pending\"} 72");
    has_line(text, "weir_pass_seen_entries{job=\"lake\"} 100");
    has_line(text, "weir_pass_sent_objects{job=\"lake\"} 5");
    has_line(text, "weir_pass_sent_bytes{job=\"lake\"} 18446744073709551615");
    has_line(text, "weir_pass_copied_bytes{job=\"lake\"} 6");
    has_line(text, "weir_pass_requests{job=\"lake\"} 7");
    has_line(text, "weir_pass_retries{job=\"lake\"} 1");
    ck_assert_uint_eq(prometheus_parse(text), 24);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0644);
}
END_TEST

START_TEST(no_good_pass_yet)
{
    static char text[1 << 16];
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_ledger l = {0};
    mode_t old = umask(077);
    ck_assert_int_eq(write_it(&l, "a\\b\"c\nd", 0, &err), 0); /* never so, but never broken */
    (void)umask(old);
    slurp(text, sizeof(text));
    has_line(text, "weir_last_success_timestamp_seconds{job=\"a\\\\b\\\"c\\nd\"} 0.000");
    has_line(text, "weir_lag_seconds{job=\"a\\\\b\\\"c\\nd\"} +Inf");
    (void)prometheus_parse(text);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0644);
}
END_TEST

/* The clock was put back between two passes: an age is never negative. */
START_TEST(clock_put_back)
{
    static char text[1 << 16];
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_ledger l = {0};
    ck_assert_int_eq(write_it(&l, "lake", INT64_C(1700009999) * WEIR_NS_PER_S, &err), 0);
    slurp(text, sizeof(text));
    has_line(text, "weir_lag_seconds{job=\"lake\"} 0.000");
}
END_TEST

static atomic_bool stop;

static void *
keep_writing(void *arg)
{
    struct weir_ledger l = some_ledger();
    struct weir_err err = WEIR_ERR_INIT;
    int *writes = arg;
    for (; !atomic_load(&stop); (*writes)++) {
        l.requests++;
        if (write_it(&l, "lake", 1, &err) != 0)
            return &stop;
    }
    return NULL;
}

START_TEST(a_reader_sees_all_of_it)
{
    static char text[1 << 16];
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_ledger l = some_ledger();
    pthread_t writer;
    void *failed;
    int writes = 0;
    ck_assert_int_eq(write_it(&l, "lake", 1, &err), 0);
    size_t metrics = 24;
    atomic_store(&stop, false);
    ck_assert_int_eq(pthread_create(&writer, NULL, keep_writing, &writes), 0);
    for (int i = 0; i < 400; i++) {
        slurp(text, sizeof(text));
        ck_assert_uint_eq(prometheus_parse(text), metrics);
    }
    atomic_store(&stop, true);
    ck_assert_int_eq(pthread_join(writer, &failed), 0);
    ck_assert_ptr_null(failed);
    ck_assert_int_gt(writes, 0);
}
END_TEST

START_TEST(missing_directory)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_ledger l = {0};
    char text[1024];
    ck_assert_int_eq(rmdir(dir), 0);
    ck_assert_int_eq(write_it(&l, "lake", 1, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(weir_err_text(&err, text, sizeof(text)), path));
    ck_assert_int_eq(mkdir(dir, 0700), 0);
}
END_TEST

/* A disk that is full after `room` bytes, by the limit of a file's size. */
START_TEST(full_disk)
{
    static char before[1 << 16], after[1 << 16];
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_ledger l = some_ledger();
    struct rlimit limit, small;
    ck_assert_int_eq(write_it(&l, "lake", 1, &err), 0);
    slurp(before, sizeof(before));
    l.requests = 4711;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    for (rlim_t room = 0; room < 2000; room += 500) {
        small.rlim_cur = room;
        int set =
            setrlimit(RLIMIT_FSIZE, &small); /* nothing is asserted below it: that writes */
        int rc = write_it(&l, "lake", 1, &err);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        ck_assert_int_eq(set, 0);
        ck_assert_int_eq(rc, -1);
        ck_assert_int_eq(err.code, WEIR_E_IO);
        ck_assert_int_eq(err.sys_errno, EFBIG);
        weir_err_clear(&err);
        slurp(after, sizeof(after));
        ck_assert_str_eq(before, after);
    }
    (void)signal(SIGXFSZ, old);
    ck_assert_int_eq(write_it(&l, "lake", 1, &err), 0);
    slurp(after, sizeof(after));
    has_line(after, "weir_pass_requests{job=\"lake\"} 4711");
}
END_TEST

static void
put(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* What a killed pass left is no hindrance; an empty file gives way, metrics of others do not.
 */
START_TEST(what_gives_way)
{
    static char text[1 << 16];
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_ledger l = {0};
    char tmp[128];
    (void)snprintf(tmp, sizeof(tmp), "%s.lake.tmp", path);
    put(tmp, "half of");
    put(path, "");
    ck_assert_int_eq(write_it(&l, "lake", 1, &err), 0);
    ck_assert_int_eq(write_it(&l, "lake", 1, &err), 0);
    ck_assert_int_eq(access(tmp, F_OK), -1);
    put(path, "# HELP other_metric x\n");
    ck_assert_int_eq(write_it(&l, "lake", 1, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    slurp(text, sizeof(text));
    ck_assert_str_eq(text, "# HELP other_metric x\n");
}
END_TEST

START_TEST(no_plain_file)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_ledger l = {0};
    struct stat st;
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(write_it(&l, "lake", 1, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    ck_assert_int_eq(rmdir(path), 0);
    weir_err_clear(&err);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* must not wait for somebody at the other end */
    ck_assert_int_eq(write_it(&l, "lake", 1, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    ck_assert_int_eq(unlink(path), 0);
    weir_err_clear(&err);
    ck_assert_int_eq(symlink("elsewhere", path), 0);
    ck_assert_int_eq(write_it(&l, "lake", 1, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CONFIG);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert(S_ISLNK(st.st_mode));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("textfile");
    TCase *tc = tcase_create("textfile");
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, every_figure_is_there);
    tcase_add_test(tc, no_good_pass_yet);
    tcase_add_test(tc, clock_put_back);
    tcase_add_test(tc, a_reader_sees_all_of_it);
    tcase_add_test(tc, missing_directory);
    tcase_add_test(tc, full_disk);
    tcase_add_test(tc, what_gives_way);
    tcase_add_test(tc, no_plain_file);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
