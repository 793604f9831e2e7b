/* file/ copies: what a record vouches for, what it does not, and what a copy leaves alone. */
#include "file_bench.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

static int
copy(struct bench *b, const char *from, const char *etag, const char *to,
     const struct weir_kv *meta, struct weir_stored *out)
{
    const struct weir_object object = {.key = to, .meta = meta, .meta_count = meta != NULL};
    weir_err_clear(&b->err);
    return b->ops->copy(b->t, from, etag, &object, out, &b->err);
}

static void
expect_text(struct bench *b, const char *key, const char *want)
{
    static struct weir_head head;
    char text[4096];
    ck_assert_msg(bench_get(b, key, text) == 0, "%s", bench_text(b));
    ck_assert_str_eq(text, want);
    ck_assert_int_eq(bench_head(b, key, &head), 0);
    ck_assert(head.stored.has_crc64nvme);
    ck_assert_uint_eq(head.stored.crc64nvme, weir_crc64nvme(0, want, strlen(want)));
}

/* Does this file system share bytes between files?  Then a clone is taken at its word. */
static bool
can_clone(const struct bench *b)
{
    int from = open(bench_path(b, "clone-from"), O_RDWR | O_CREAT, 0644);
    int to = open(bench_path(b, "clone-to"), O_RDWR | O_CREAT, 0644);
    ck_assert_int_eq(write(from, "x", 1), 1);
    bool can = ioctl(to, FICLONE, from) == 0;
    (void)close(from);
    (void)close(to);
    (void)unlink(bench_path(b, "clone-from"));
    (void)unlink(bench_path(b, "clone-to"));
    return can;
}

static const struct weir_kv meta_b = {"m", "b"};

START_TEST(damaged_bytes_are_not_copied)
{
    struct bench b;
    struct weir_stored stored;
    struct stat st;
    bench_setup(&b, (enum file_keep)_i);
    ck_assert_int_eq(bench_put(&b, "object", "the bytes as they were"), 0);
    ck_assert_int_eq(stat(bench_path(&b, "object"), &st), 0);
    int fd = open(bench_path(&b, "object"), O_WRONLY);
    ck_assert_int_eq(pwrite(fd, "T", 1, 0), 1); /* and the time as it was: as a disk would */
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    ck_assert_int_eq(futimens(fd, times), 0);
    (void)close(fd);
    int rc = copy(&b, "object", "", "copy", &meta_b, &stored);
    if (!can_clone(&b)) {
        ck_assert_int_eq(rc, -1);
        ck_assert_int_eq(b.err.code, WEIR_E_DIGEST);
        ck_assert(!b.err.retryable);
        ck_assert_str_eq(bench_list(&b), "object|");
        ck_assert_uint_eq(bench_count(&b, ".weir/tmp"), 0);
    }
    bench_teardown(&b);
}
END_TEST

/* A file that somebody else put there has no record: its copy has one, of the bytes copied. */
START_TEST(files_of_others_are_read)
{
    struct bench b;
    struct weir_stored stored;
    struct weir_head head;
    bench_setup(&b, (enum file_keep)_i);
    bench_write(bench_path(&b, "foreign"), "not ours");
    ck_assert_int_eq(bench_head(&b, "foreign", &head), 0);
    ck_assert(!head.stored.has_crc64nvme);
    ck_assert_int_eq(copy(&b, "foreign", "s-other", "copy", &meta_b, &stored), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_EXISTS);
    ck_assert_int_eq(copy(&b, "foreign", head.stored.etag, "copy", &meta_b, &stored), 0);
    expect_text(&b, "copy", "not ours");
    ck_assert_int_eq(copy(&b, "foreign", head.stored.etag, "kept", NULL, &stored), 0);
    expect_text(&b, "kept", "not ours");
    ck_assert_int_eq(bench_head(&b, "foreign", &head), 0);
    ck_assert(!head.stored.has_crc64nvme); /* copying changes nothing about the source */
    ck_assert_int_eq(copy(&b, "foreign", head.stored.etag, "foreign", &meta_b, &stored), 0);
    expect_text(&b, "foreign", "not ours");
    ck_assert_int_eq(bench_head(&b, "foreign", &head), 0);
    ck_assert_uint_eq(head.meta_count, 1);
    ck_assert_uint_eq(bench_count(&b, ".weir/tmp"), 0);
    bench_teardown(&b);
}
END_TEST

START_TEST(onto_itself_the_file_stays)
{
    struct bench b;
    struct weir_stored stored;
    struct weir_head head;
    struct stat before, after;
    bench_setup(&b, (enum file_keep)_i);
    ck_assert_int_eq(bench_put(&b, "d/object", "bytes"), 0);
    ck_assert_int_eq(stat(bench_path(&b, "d/object"), &before), 0);
    ck_assert_int_eq(bench_head(&b, "d/object", &head), 0);
    ck_assert_int_eq(copy(&b, "d/object", "other", "d/object", &meta_b, &stored), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_EXISTS);
    ck_assert_int_eq(copy(&b, "d/object", head.stored.etag, "d/object", &meta_b, &stored), 0);
    ck_assert_int_eq(stat(bench_path(&b, "d/object"), &after), 0);
    ck_assert_uint_eq(after.st_ino, before.st_ino);
    ck_assert_int_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    expect_text(&b, "d/object", "bytes");
    ck_assert_int_eq(bench_head(&b, "d/object", &head), 0);
    ck_assert_uint_eq(head.meta_count, 1);
    ck_assert_str_eq(head.meta[0].value, "b");
    ck_assert_str_eq(head.stored.etag, stored.etag);
    const struct weir_object absent = {
        .key = "d/object", .meta = &meta_b, .meta_count = 1, .condition = WEIR_COND_ABSENT};
    weir_err_clear(&b.err);
    ck_assert_int_eq(b.ops->copy(b.t, "d/object", "", &absent, &stored, &b.err), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_EXISTS);
    bench_teardown(&b);
}
END_TEST

/* A record that somebody else wrote may hold more than weir keeps. */
START_TEST(a_record_that_is_too_long)
{
    struct bench b;
    struct weir_stored stored;
    static char record[3900];
    char path[1400];
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(bench_put(&b, "object", "x"), 0);
    (void)snprintf(path, sizeof(path), "%s", bench_path(&b, "object"));
    ssize_t n = getxattr(path, "user.weir.meta", record, 200);
    if (n > 0) { /* else this file system keeps none */
        int head = (int)n;
        (void)snprintf(record + head, sizeof(record) - (size_t)head, "long=%03700d\n", 1);
        ck_assert_int_eq(setxattr(path, "user.weir.meta", record, strlen(record), 0), 0);
        ck_assert_int_eq(copy(&b, "object", "", "copy", NULL, &stored), -1);
        ck_assert_int_eq(b.err.code, WEIR_E_LIMIT);
        ck_assert_int_eq(copy(&b, "object", "", "copy", &meta_b, &stored), 0);
        expect_text(&b, "copy", "x");
    }
    bench_teardown(&b);
}
END_TEST

static const struct {
    const char *from, *to;
    const struct weir_kv *meta;
    enum weir_code code;
} refused[] = {
    {"object", "object", NULL, WEIR_E_BUG},
    {"object", "d/", &meta_b, WEIR_E_UNSUPPORTED},
    {"dir/", "other", &meta_b, WEIR_E_UNSUPPORTED},
    {"plain/", "other/", &meta_b, WEIR_E_NOT_FOUND}, /* a directory, but no object */
    {"plain", "other", &meta_b, WEIR_E_NOT_FOUND},
    {"object/x", "other", &meta_b, WEIR_E_NOT_FOUND},
    {"object", "object/x", &meta_b, WEIR_E_UNSUPPORTED},
    {"object", "dir", &meta_b, WEIR_E_UNSUPPORTED}, /* the object of a directory */
    {"object", ".weir/tmp/x", &meta_b, WEIR_E_UNSUPPORTED},
    {".weir/lock", "other", &meta_b, WEIR_E_UNSUPPORTED},
    {"link", "other", &meta_b, WEIR_E_UNSUPPORTED},
    {"../outside", "other", &meta_b, WEIR_E_UNSUPPORTED},
};

START_TEST(refused_by_name)
{
    struct bench b;
    struct weir_stored stored;
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    bench_write(bench_path(&b, "../outside"), "secret");
    ck_assert_int_eq(symlink("../outside", bench_path(&b, "link")), 0);
    ck_assert_int_eq(bench_put(&b, "object", "x"), 0);
    ck_assert_int_eq(bench_put(&b, "dir/", ""), 0);
    ck_assert_int_eq(mkdir(bench_path(&b, "plain"), 0755), 0);
    ck_assert_int_eq(copy(&b, refused[_i].from, "", refused[_i].to, refused[_i].meta, &stored),
                     -1);
    ck_assert_msg(b.err.code == refused[_i].code, "%s", bench_text(&b));
    ck_assert_str_eq(bench_list(&b), "dir/|object|");
    ck_assert_uint_eq(bench_count(&b, ".weir/tmp"), 0);
    bench_teardown(&b);
}
END_TEST

/* ---- ranges ---- */

static const char source[] = "0123456789abcdefghij";

static int
copy_part(struct bench *b, const char *id, uint32_t number, const char *from, uint64_t offset,
          uint64_t bytes, struct weir_part *out)
{
    weir_err_clear(&b->err);
    return b->ops->copy_part(b->t, "object", id, number, from, "", offset, bytes, out, &b->err);
}

/* In place, ahead of part 1, and larger than part 1: in every order. */
START_TEST(ranges_in_every_order)
{
    static const struct {
        uint64_t offset, bytes;
    } ranges[] = {{3, 5}, {10, 7}, {0, 2}};
    static const uint32_t orders[6][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3},
                                          {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
    struct bench b;
    char id[WEIR_UPLOAD_ID_BYTES];
    struct weir_part parts[3];
    struct weir_stored stored;
    const struct weir_object object = {.key = "object"};
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    bench_write(bench_path(&b, "foreign"), source);
    ck_assert_int_eq(b.ops->create_upload(b.t, &object, id, &b.err), 0);
    for (int i = 0; i < 3; i++) {
        uint32_t n = orders[_i][i];
        uint64_t at = ranges[n - 1].offset, bytes = ranges[n - 1].bytes;
        ck_assert_msg(copy_part(&b, id, n, "foreign", at, bytes, &parts[n - 1]) == 0, "%s",
                      bench_text(&b));
        ck_assert_uint_eq(parts[n - 1].crc64nvme, weir_crc64nvme(0, source + at, bytes));
    }
    static const char want[] = "34567abcdefg01";
    weir_err_clear(&b.err);
    ck_assert_msg(b.ops->complete_upload(b.t, &object, id, parts, 3, 14,
                                         weir_crc64nvme(0, want, 14), &stored, &b.err) == 0,
                  "%s", bench_text(&b));
    expect_text(&b, "object", want);
    ck_assert_uint_eq(bench_count(&b, ".weir/tmp"), 0);
    bench_teardown(&b);
}
END_TEST

START_TEST(ranges_that_are_not_there)
{
    static const struct {
        const char *from;
        uint64_t offset, bytes;
        enum weir_code code;
    } bad[] = {
        {"source", 0, 0, WEIR_E_PROTOCOL},
        {"source", 20, 1, WEIR_E_PROTOCOL},
        {"source", 19, 2, WEIR_E_PROTOCOL},
        {"source", UINT64_MAX, 2, WEIR_E_PROTOCOL},
        {"source", 5, (UINT64_C(5) << 30) + 1, WEIR_E_LIMIT},
        {"nothing", 0, 1, WEIR_E_NOT_FOUND},
        {"dir/", 0, 1, WEIR_E_PROTOCOL},
    };
    struct bench b;
    char id[WEIR_UPLOAD_ID_BYTES];
    struct weir_part part = {.number = 77};
    const struct weir_object object = {.key = "object"};
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(bench_put(&b, "source", source), 0);
    ck_assert_int_eq(bench_put(&b, "dir/", ""), 0);
    ck_assert_int_eq(b.ops->create_upload(b.t, &object, id, &b.err), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(copy_part(&b, id, 1, bad[i].from, bad[i].offset, bad[i].bytes, &part),
                         -1);
        ck_assert_msg(b.err.code == bad[i].code, "%zu: %s", i, bench_text(&b));
    }
    ck_assert_int_eq(copy_part(&b, id, 10001, "source", 0, 1, &part), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_LIMIT);
    ck_assert_int_eq(copy_part(&b, "0123456789abcdef", 1, "source", 0, 1, &part), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_NO_UPLOAD);
    ck_assert_uint_eq(part.number, 77);
    bench_teardown(&b);
}
END_TEST

START_TEST(a_signal_stops_a_copy)
{
    struct bench b;
    struct weir_stored stored;
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    bench_write(bench_path(&b, "foreign"), source);
    weir_cancel_raise(&b.cancel, WEIR_CANCEL_NOW);
    ck_assert_int_eq(copy(&b, "foreign", "", "copy", &meta_b, &stored), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_CANCELLED);
    ck_assert_uint_eq(bench_count(&b, ".weir/tmp"), 0);
    bench_teardown(&b);
}
END_TEST

/* ---- batches ---- */

struct removed {
    char fate[8]; /* '.' gone, or the first letter of a code */
};

static void
on_removed(void *ctx, size_t index, const char *version, const struct weir_err *why)
{
    struct removed *r = ctx;
    ck_assert_uint_lt(index, sizeof(r->fate));
    ck_assert_int_eq(r->fate[index], 0);
    ck_assert_str_eq(version, "");
    r->fate[index] = why == NULL ? '.' : weir_err_name(why->code)[0];
}

START_TEST(one_bad_key_does_not_stop_a_batch)
{
    static const char *const keys[] = {"a", "x//y", "b", "never", "../outside", "c/"};
    struct bench b;
    struct removed r = {0};
    bench_setup(&b, (enum file_keep)_i);
    ck_assert_int_eq(bench_put(&b, "a", "x"), 0);
    ck_assert_int_eq(bench_put(&b, "b", "x"), 0);
    ck_assert_int_eq(bench_put(&b, "c/", ""), 0);
    ck_assert_int_eq(bench_put(&b, "kept", "x"), 0);
    ck_assert_int_eq(b.ops->remove_many(b.t, keys, 6, on_removed, &r, &b.err), 0);
    ck_assert_mem_eq(r.fate, ".u..u.\0", 8);
    ck_assert_str_eq(bench_list(&b), "kept|");
    weir_cancel_raise(&b.cancel, WEIR_CANCEL_NOW);
    memset(&r, 0, sizeof(r));
    ck_assert_int_eq(b.ops->remove_many(b.t, keys, 6, on_removed, &r, &b.err), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_CANCELLED);
    ck_assert_int_eq(r.fate[0], 0);
    bench_teardown(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("file_copy");
    TCase *tc = tcase_create("file_copy");
    const int keeps = FILE_KEEP_XATTR, end = FILE_KEEP_SIDECAR + 1;
    tcase_add_loop_test(tc, damaged_bytes_are_not_copied, keeps, end);
    tcase_add_loop_test(tc, files_of_others_are_read, keeps, end);
    tcase_add_loop_test(tc, onto_itself_the_file_stays, keeps, end);
    tcase_add_test(tc, a_record_that_is_too_long);
    tcase_add_loop_test(tc, refused_by_name, 0, (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_loop_test(tc, ranges_in_every_order, 0, 6);
    tcase_add_test(tc, ranges_that_are_not_there);
    tcase_add_test(tc, a_signal_stops_a_copy);
    tcase_add_loop_test(tc, one_bad_key_does_not_stop_a_batch, keeps, end);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
