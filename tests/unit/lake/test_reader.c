/* reader: every change while reading is found; no change is not; odd files are no trap. */
#include "../main_check.h"
#include "lake_tree.h"

#include <pthread.h>
#include <stdatomic.h>

#include "lake/reader.h"

#define OLD_NS INT64_C(4000000000000000000) /* a "now" long after every ctime of this test */

static struct weir_stat
stat_of(const struct weir_lake_root *r, const char *path)
{
    struct weir_stat st;
    int fd = weir_lake_open(r, "", WEIR_FOLLOW_NO, O_DIRECTORY, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(weir_lake_stat(fd, path, AT_SYMLINK_NOFOLLOW, &st), 0);
    (void)close(fd);
    return st;
}

static int
open_file(const struct weir_lake_root *r, const char *path, const struct weir_stat *expect,
          struct weir_reader *out, struct weir_err *err)
{
    bool recent;
    return weir_reader_open(r, path, WEIR_FOLLOW_NO, expect, OLD_NS, WEIR_RECENT_REFUSE, out,
                            &recent, err);
}

START_TEST(reads_and_digests_in_one_pass)
{
    enum { BYTES = 700001, CHUNK = 300000 };
    struct weir_xxh128 chunk[3], want;
    uint64_t crc = 0;
    tree_begin();
    char *data = malloc(BYTES), *buf = malloc(BYTES);
    ck_assert(data != NULL && buf != NULL);
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (char)(i * 7 + i / 251);
    int fd = open("lake/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ck_assert_int_eq(write(fd, data, BYTES), BYTES);
    (void)close(fd);
    struct weir_lake_root *r = tree_open();
    struct weir_stat st = stat_of(r, "f");
    struct weir_reader reader;
    struct weir_digester *d = weir_digester_create();
    ck_assert_int_eq(open_file(r, "f", &st, &reader, NULL), 0);
    weir_digester_begin(d, CHUNK, chunk, 3);
    ck_assert_int_eq(weir_reader_read(&reader, "f", 0, buf, BYTES, d, NULL), 0);
    ck_assert_uint_eq(weir_digester_end(d, &crc), 3);
    ck_assert_mem_eq(buf, data, BYTES);
    ck_assert_uint_eq(crc, weir_crc64nvme(0, data, BYTES));
    weir_xxh128(data + 2 * CHUNK, BYTES - 2 * CHUNK, &want);
    ck_assert_mem_eq(&chunk[2], &want, sizeof(want));
    ck_assert_int_eq(weir_reader_read(&reader, "f", BYTES - 5, buf, 5, NULL, NULL), 0);
    ck_assert_mem_eq(buf, data + BYTES - 5, 5);
    ck_assert_int_eq(weir_reader_read(&reader, "f", 9, buf, 0, NULL, NULL), 0);
    struct weir_err err = WEIR_ERR_INIT;
    ck_assert_int_eq(weir_reader_read(&reader, "f", BYTES - 4, buf, 5, NULL, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CHANGED);
    weir_err_clear(&err);
    ck_assert_int_eq(weir_reader_read(&reader, "f", UINT64_MAX, buf, 5, NULL, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_LIMIT);
    ck_assert_int_eq(weir_reader_finish(&reader, "f", NULL), 0);
    weir_reader_close(&reader);
    weir_reader_close(&reader);
    weir_digester_free(d);
    free(data);
    free(buf);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

START_TEST(empty_and_sparse_files)
{
    char buf[4096], zero[4096] = {0};
    tree_begin();
    tree_file("lake/empty", "");
    tree_file("lake/sparse", "");
    ck_assert_int_eq(truncate("lake/sparse", INT64_C(1) << 32), 0);
    struct weir_lake_root *r = tree_open();
    struct weir_stat st = stat_of(r, "empty");
    struct weir_reader reader;
    ck_assert_int_eq(open_file(r, "empty", &st, &reader, NULL), 0);
    ck_assert_int_eq(weir_reader_read(&reader, "empty", 0, buf, 0, NULL, NULL), 0);
    ck_assert_int_eq(weir_reader_finish(&reader, "empty", NULL), 0);
    weir_reader_close(&reader);
    st = stat_of(r, "sparse");
    ck_assert_uint_lt(st.blocks * 512, st.size);
    ck_assert_int_eq(open_file(r, "sparse", &st, &reader, NULL), 0);
    ck_assert_int_eq(weir_reader_read(&reader, "sparse", (UINT64_C(1) << 32) - sizeof(buf), buf,
                                      sizeof(buf), NULL, NULL),
                     0);
    ck_assert_mem_eq(buf, zero, sizeof(buf));
    ck_assert_int_eq(weir_reader_finish(&reader, "sparse", NULL), 0);
    weir_reader_close(&reader);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

/* ---- one writer, each way of changing a file ---- */

static void
restore_mtime(const struct weir_stat *st)
{
    struct timespec t[2] = {{0, UTIME_OMIT}, {st->mtime.s, (long)st->mtime.ns}};
    ck_assert_int_eq(utimensat(AT_FDCWD, "lake/f", t, 0), 0);
}

static void
overwrite(const struct weir_stat *st)
{
    int fd = open("lake/f", O_WRONLY | O_CLOEXEC);
    (void)st;
    ck_assert_int_eq(write(fd, "X", 1), 1);
    (void)close(fd);
}

static void
overwrite_and_hide(const struct weir_stat *st) /* same size, mtime put back */
{
    overwrite(st);
    restore_mtime(st);
}

static void
append(const struct weir_stat *st)
{
    (void)st;
    ck_assert_int_eq(truncate("lake/f", 20), 0);
}

static void
shrink(const struct weir_stat *st)
{
    ck_assert_int_eq(truncate("lake/f", 3), 0);
    restore_mtime(st);
}

static void
replace(const struct weir_stat *st)
{
    tree_file("lake/new", "0123456789");
    ck_assert_int_eq(rename("lake/new", "lake/f"), 0);
    restore_mtime(st);
}

static void
remove_it(const struct weir_stat *st)
{
    (void)st;
    ck_assert_int_eq(unlink("lake/f"), 0);
}

static void
become_fifo(const struct weir_stat *st)
{
    remove_it(st);
    ck_assert_int_eq(mkfifo("lake/f", 0644), 0);
}

static void
become_link(const struct weir_stat *st)
{
    remove_it(st);
    tree_link("/etc/passwd", "lake/f");
}

static void
become_dir(const struct weir_stat *st)
{
    remove_it(st);
    tree_mkdir("lake/f");
}

static void
change_mode(const struct weir_stat *st)
{
    (void)st;
    ck_assert_int_eq(chmod("lake/f", 0600), 0);
}

static const struct {
    const char *name;
    void (*change)(const struct weir_stat *st);
    enum weir_code at_open;
} changes[] = {
    {"overwrite", overwrite, WEIR_E_CHANGED},
    {"overwrite_and_hide", overwrite_and_hide, WEIR_E_CHANGED},
    {"append", append, WEIR_E_CHANGED},
    {"shrink", shrink, WEIR_E_CHANGED},
    {"replace", replace, WEIR_E_CHANGED},
    {"remove", remove_it, WEIR_E_NOT_FOUND},
    {"fifo", become_fifo, WEIR_E_CHANGED},
    {"link", become_link, WEIR_E_CHANGED},
    {"dir", become_dir, WEIR_E_CHANGED},
    {"mode", change_mode, WEIR_E_CHANGED},
};

START_TEST(every_change_is_found)
{
    struct weir_reader reader;
    struct weir_err err = WEIR_ERR_INIT;
    char buf[10];
    tree_begin();
    tree_file("lake/f", "0123456789");
    struct weir_lake_root *r = tree_open();
    struct weir_stat st = stat_of(r, "f");
    (void)usleep(20000); /* more than one tick of a coarse clock */
    ck_assert_int_eq(open_file(r, "f", &st, &reader, NULL), 0);
    ck_assert_int_eq(weir_reader_read(&reader, "f", 0, buf, 10, NULL, NULL), 0);
    ck_assert_int_eq(weir_reader_finish(&reader, "f", NULL), 0);
    changes[_i].change(&st); /* between open and finish */
    ck_assert_msg(weir_reader_finish(&reader, "f", &err) == -1, "%s", changes[_i].name);
    ck_assert_int_eq(err.code, WEIR_E_CHANGED);
    weir_reader_close(&reader);
    weir_err_clear(&err); /* between walk and open */
    ck_assert_msg(open_file(r, "f", &st, &reader, &err) == -1, "%s", changes[_i].name);
    ck_assert_msg(err.code == changes[_i].at_open, "%s: %s", changes[_i].name, err.frame[0]);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

static void *
open_for_writing(void *arg)
{
    int fd = open("lake/f", O_WRONLY | O_CLOEXEC); /* waits until somebody opens it to read */
    atomic_store((atomic_bool *)arg, true);
    (void)close(fd);
    return NULL;
}

/* Not even a short open of a FIFO: the program behind it would see its reader come and go. */
START_TEST(a_fifo_is_not_touched)
{
    struct weir_reader reader;
    struct weir_err err = WEIR_ERR_INIT;
    atomic_bool opened = false;
    pthread_t thread;
    tree_begin();
    ck_assert_int_eq(mkfifo("lake/f", 0644), 0);
    struct weir_lake_root *r = tree_open();
    struct weir_stat st = stat_of(r, "f");
    ck_assert_int_eq(pthread_create(&thread, NULL, open_for_writing, &opened), 0);
    (void)usleep(20000);
    ck_assert_int_eq(open_file(r, "f", &st, &reader, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CHANGED);
    (void)usleep(20000);
    ck_assert(!atomic_load(&opened));
    int fd = open("lake/f", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    (void)close(fd);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

static const struct {
    int64_t age_ns;
    enum weir_recent recent;
    bool refused;
} ages[] = {
    {0, WEIR_RECENT_REFUSE, true},
    {WEIR_READER_QUIET_NS - 1, WEIR_RECENT_REFUSE, true},
    {WEIR_READER_QUIET_NS, WEIR_RECENT_REFUSE, false},
    {WEIR_READER_QUIET_NS * 1000, WEIR_RECENT_REFUSE, false},
    {-1, WEIR_RECENT_REFUSE, true},
    {-WEIR_READER_QUIET_NS * 1000, WEIR_RECENT_REFUSE, true}, /* stamped in the future */
    {0, WEIR_RECENT_TRUST, false},
    {-1, WEIR_RECENT_TRUST, false},
};

START_TEST(what_is_too_recent)
{
    struct weir_reader reader;
    struct weir_err err = WEIR_ERR_INIT;
    bool recent = !ages[_i].refused;
    tree_begin();
    tree_file("lake/f", "x");
    struct weir_lake_root *r = tree_open();
    struct weir_stat st = stat_of(r, "f");
    int64_t now = st.ctime.s * INT64_C(1000000000) + st.ctime.ns + ages[_i].age_ns;
    int rc = weir_reader_open(r, "f", WEIR_FOLLOW_NO, &st, now, ages[_i].recent, &reader,
                              &recent, &err);
    ck_assert_int_eq(rc, ages[_i].refused ? -1 : 0);
    ck_assert_int_eq(recent, ages[_i].refused);
    ck_assert_int_eq(err.code, ages[_i].refused ? WEIR_E_CHANGED : WEIR_OK);
    if (rc == 0)
        weir_reader_close(&reader);
    st.size++; /* a change is not "too recent" */
    weir_err_clear(&err);
    ck_assert_int_eq(weir_reader_open(r, "f", WEIR_FOLLOW_NO, &st, now, ages[_i].recent,
                                      &reader, &recent, &err),
                     -1);
    ck_assert(!recent);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

/* ---- a writer beside the reader: what was proven untorn is of one piece ---- */

#define PIECE 65536

struct writer { /* bursts are further apart than the ticks of a coarse kernel clock */
    atomic_bool stop;
    atomic_uint started, touched, finished; /* bursts: begun, first byte changed, over */
    int fd;
    struct timespec mtime;
};

/* Fills the file with another byte, in pieces or after cutting it, and hides that: size and
 * mtime are as before. */
static void
burst(struct writer *w, unsigned number)
{
    struct timespec t[2] = {{0, UTIME_OMIT}, w->mtime};
    char data[4096];
    memset(data, (int)(number % 255 + 1), sizeof(data));
    atomic_fetch_add(&w->started, 1);
    if (number % 3 == 0)
        (void)!ftruncate(w->fd, 100);
    for (size_t at = 0; at < PIECE; at += sizeof(data)) {
        (void)!pwrite(w->fd, data, sizeof(data), (off_t)at);
        if (at == 0)
            atomic_fetch_add(&w->touched, 1);
    }
    (void)futimens(w->fd, t);
    atomic_fetch_add(&w->finished, 1);
}

static void *
writer_run(void *arg)
{
    struct writer *w = arg;
    for (unsigned i = 1; !atomic_load(&w->stop); i++) {
        burst(w, i);
        (void)usleep(12000 + i % 7 * 1000);
    }
    return NULL;
}

static bool
one_piece(const char *buf)
{
    for (size_t k = 1; k < PIECE; k++)
        if (buf[k] != buf[0])
            return false;
    return true;
}

/* Reads once, slowly.  Returns 1 when proven, 0 when refused. */
static int
read_slowly(const struct weir_lake_root *r, struct writer *w, char *buf, unsigned pause_us)
{
    struct weir_stat st = stat_of(r, "f");
    struct weir_reader reader;
    bool recent;
    if (weir_reader_open(r, "f", WEIR_FOLLOW_NO, &st, OLD_NS, WEIR_RECENT_TRUST, &reader,
                         &recent, NULL) != 0)
        return 0;
    unsigned finished = atomic_load(&w->finished), started = atomic_load(&w->started);
    bool ok = weir_reader_read(&reader, "f", 0, buf, PIECE / 2, NULL, NULL) == 0;
    (void)usleep(pause_us);
    ok = ok &&
         weir_reader_read(&reader, "f", PIECE / 2, buf + PIECE / 2, PIECE / 2, NULL, NULL) == 0;
    unsigned touched = atomic_load(&w->touched);
    ok = weir_reader_finish(&reader, "f", NULL) == 0 && ok;
    weir_reader_close(&reader);
    if (touched > started) /* a whole burst began in between */
        ck_assert_msg(!ok, "burst %u was not noticed", touched);
    if (ok && started == finished && atomic_load(&w->started) == started)
        ck_assert_msg(st.size == PIECE && one_piece(buf), "torn, and proven");
    return ok;
}

START_TEST(proven_reads_are_never_torn)
{
    struct writer w = {.mtime = {1000000000, 0}};
    pthread_t thread;
    unsigned proven = 0, rounds = 200;
    char *buf = calloc(1, PIECE);
    tree_begin();
    w.fd = open("lake/f", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    burst(&w, 1);
    struct weir_lake_root *r = tree_open();
    ck_assert_int_eq(pthread_create(&thread, NULL, writer_run, &w), 0);
    for (unsigned i = 0; i < rounds; i++)
        proven += (unsigned)read_slowly(r, &w, buf, i % 5 * 3000);
    atomic_store(&w.stop, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    printf("reader: %u proven, %u refused\n", proven, rounds - proven);
    ck_assert_uint_gt(proven, 0);
    ck_assert_uint_lt(proven, rounds);
    (void)close(w.fd);
    free(buf);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

START_TEST(targets_of_links)
{
    char target[4096], *out = NULL;
    size_t bytes = 0;
    struct weir_err err = WEIR_ERR_INIT;
    tree_begin();
    tree_mkdir("lake/d");
    tree_link("../x\n\xff", "lake/d/odd");
    memset(target, 't', sizeof(target) - 1);
    target[4095] = '\0';
    tree_link(target, "lake/long");
    tree_link("e", "lake/tod");
    struct weir_lake_root *r = tree_open();
    struct weir_stat st = stat_of(r, "d/odd");
    ck_assert_int_eq(weir_reader_link(r, "d/odd", &st, &out, &bytes, &err), 0);
    ck_assert_uint_eq(bytes, 6);
    ck_assert_str_eq(out, "../x\n\xff");
    free(out);
    st = stat_of(r, "long");
    ck_assert_int_eq(weir_reader_link(r, "long", &st, &out, &bytes, &err), 0);
    ck_assert_uint_eq(bytes, 4095);
    ck_assert_str_eq(out, target);
    free(out);
    ck_assert_int_eq(unlink("lake/long"), 0);
    ck_assert_int_eq(weir_reader_link(r, "long", &st, &out, &bytes, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_NOT_FOUND);
    tree_link("another", "lake/long");
    weir_err_clear(&err);
    ck_assert_int_eq(weir_reader_link(r, "long", &st, &out, &bytes, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CHANGED);
    weir_err_clear(&err); /* a parent that became a link */
    st = stat_of(r, "d/odd");
    ck_assert_int_eq(rename("lake/d", "lake/e"), 0);
    tree_link("e", "lake/d");
    ck_assert_int_eq(weir_reader_link(r, "d/odd", &st, &out, &bytes, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CHANGED);
    weir_lake_root_close(r);
    tree_end();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("reader");
    TCase *tc = tcase_create("reader");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, reads_and_digests_in_one_pass);
    tcase_add_test(tc, empty_and_sparse_files);
    tcase_add_loop_test(tc, every_change_is_found, 0, sizeof(changes) / sizeof(changes[0]));
    tcase_add_test(tc, a_fifo_is_not_touched);
    tcase_add_loop_test(tc, what_is_too_recent, 0, sizeof(ages) / sizeof(ages[0]));
    tcase_add_test(tc, proven_reads_are_never_torn);
    tcase_add_test(tc, targets_of_links);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
