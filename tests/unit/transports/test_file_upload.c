/* file/ uploads: damaged and foreign upload directories, and crashes between two steps. */
#include "file_bench.h"

struct up {
    struct bench b;
    char id[WEIR_UPLOAD_ID_BYTES];
    char dir[64]; /* ".weir/uploads/<id>" */
    struct weir_part parts[3];
};

static const char *const bytes[] = {"first part", "other part", "end"};

static void
setup(struct up *u)
{
    const struct weir_object object = {.key = "d/key"};
    memset(u->parts, 0, sizeof(u->parts));
    bench_setup(&u->b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(u->b.ops->create_upload(u->b.t, &object, u->id, &u->b.err), 0);
    (void)snprintf(u->dir, sizeof(u->dir), ".weir/uploads/%.32s", u->id);
}

static int
send(struct up *u, uint32_t n)
{
    const char *text = bytes[n - 1];
    weir_err_clear(&u->b.err);
    return u->b.ops->put_part(u->b.t, "d/key", u->id, n, text, strlen(text),
                              weir_crc64nvme(0, text, strlen(text)), &u->parts[n - 1],
                              &u->b.err);
}

static int
complete(struct up *u)
{
    static const char whole[] = "first partother partend";
    struct weir_stored stored;
    const struct weir_object object = {.key = "d/key"};
    weir_err_clear(&u->b.err);
    return u->b.ops->complete_upload(u->b.t, &object, u->id, u->parts, 3, sizeof(whole) - 1,
                                     weir_crc64nvme(0, whole, sizeof(whole) - 1), &stored,
                                     &u->b.err);
}

static void
expect_whole(struct up *u)
{
    char text[4096];
    struct weir_head head;
    ck_assert_msg(bench_get(&u->b, "d/key", text) == 0, "%s", bench_text(&u->b));
    ck_assert_str_eq(text, "first partother partend");
    ck_assert_int_eq(bench_head(&u->b, "d/key", &head), 0);
    ck_assert(head.stored.has_crc64nvme);
    ck_assert_uint_eq(bench_count(&u->b, ".weir/uploads"), 0);
    ck_assert_uint_eq(bench_count(&u->b, ".weir/tmp"), 0);
}

/* All orders of three parts: in place, ahead of part 1, the last one first. */
START_TEST(every_order_gives_the_object)
{
    static const uint32_t orders[6][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3},
                                          {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
    struct up u;
    setup(&u);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(send(&u, orders[_i][i]) == 0, "%s", bench_text(&u.b));
    ck_assert_msg(complete(&u) == 0, "%s", bench_text(&u.b));
    expect_whole(&u);
    bench_teardown(&u.b);
}
END_TEST

static const char *const bad_ids[] = {
    "",
    ".",
    "..",
    "../../x",
    "0123456789abcde",
    "0123456789abcdef0",
    "0123456789ABCDEF",
    "0123456789abcdef",
    "/etc",
    "0123456789abcde/",
};

START_TEST(bad_ids_are_no_uploads)
{
    struct up u;
    setup(&u);
    (void)snprintf(u.id, sizeof(u.id), "%s", bad_ids[_i]);
    ck_assert_int_eq(send(&u, 1), -1);
    ck_assert_int_eq(u.b.err.code, WEIR_E_NO_UPLOAD);
    ck_assert_int_eq(complete(&u), -1);
    ck_assert_int_eq(u.b.err.code, WEIR_E_NO_UPLOAD);
    weir_err_clear(&u.b.err);
    ck_assert_int_eq(u.b.ops->abort_upload(u.b.t, "d/key", u.id, &u.b.err), 0);
    ck_assert_uint_eq(bench_count(&u.b, ".weir/uploads"), 1);
    bench_teardown(&u.b);
}
END_TEST

START_TEST(an_upload_belongs_to_its_key)
{
    struct up u;
    setup(&u);
    ck_assert_int_eq(
        u.b.ops->put_part(u.b.t, "other", u.id, 1, "", 0, 0, &u.parts[0], &u.b.err), -1);
    ck_assert_int_eq(u.b.err.code, WEIR_E_NO_UPLOAD);
    ck_assert_int_eq(u.b.ops->abort_upload(u.b.t, "other", u.id, NULL), 0);
    ck_assert_int_eq(send(&u, 1), 0); /* it is still there */
    bench_teardown(&u.b);
}
END_TEST

static int
count_part(void *ctx, const struct weir_part *part)
{
    (void)part;
    ++*(unsigned *)ctx;
    return 0;
}

/* A part whose file is damaged in any byte is not listed and not taken; sent again, it is. */
START_TEST(damaged_parts_are_sent_again)
{
    struct up u;
    char name[128];
    struct stat st;
    setup(&u);
    ck_assert_int_eq(send(&u, 2), 0); /* ahead of part 1: bytes are in its own file */
    ck_assert_int_eq(send(&u, 1), 0);
    ck_assert_int_eq(send(&u, 3), 0);
    (void)snprintf(name, sizeof(name), "%s/p00001", u.dir);
    const char *path = bench_path(&u.b, name);
    ck_assert_int_eq(stat(path, &st), 0);
    for (off_t at = 0; at < st.st_size; at++) {
        unsigned listed = 0;
        int fd = open(path, O_RDWR);
        unsigned char c;
        ck_assert_int_eq((int)pread(fd, &c, 1, at), 1);
        c ^= 0x10;
        ck_assert_int_eq((int)pwrite(fd, &c, 1, at), 1);
        ck_assert_int_eq(
            u.b.ops->list_parts(u.b.t, "d/key", u.id, count_part, &listed, &u.b.err), 0);
        ck_assert_msg(listed == 2, "byte %ld", (long)at);
        ck_assert_int_eq(complete(&u), -1);
        c ^= 0x10;
        ck_assert_int_eq((int)pwrite(fd, &c, 1, at), 1);
        (void)close(fd);
    }
    ck_assert_int_eq(truncate(path, st.st_size - 1), 0);
    ck_assert_int_eq(complete(&u), -1);
    ck_assert_int_eq(send(&u, 1), 0);
    ck_assert_msg(complete(&u) == 0, "%s", bench_text(&u.b));
    expect_whole(&u);
    bench_teardown(&u.b);
}
END_TEST

START_TEST(cut_data_are_noticed)
{
    struct up u;
    char name[128];
    setup(&u);
    for (uint32_t n = 1; n <= 3; n++)
        ck_assert_int_eq(send(&u, n), 0);
    (void)snprintf(name, sizeof(name), "%s/data", u.dir);
    ck_assert_int_eq(truncate(bench_path(&u.b, name), 15), 0);
    ck_assert_int_eq(complete(&u), -1);
    ck_assert_int_eq(u.b.err.code, WEIR_E_PROTOCOL);
    bench_teardown(&u.b);
}
END_TEST

/* Published, then killed before the rest of the upload was taken away. */
START_TEST(complete_after_a_crash_says_no_upload)
{
    struct up u;
    char from[128];
    setup(&u);
    for (uint32_t n = 1; n <= 3; n++)
        ck_assert_int_eq(send(&u, n), 0);
    (void)snprintf(from, sizeof(from), "%s/data", u.dir);
    ck_assert_int_eq(rename(bench_path(&u.b, from), bench_path(&u.b, "published")), 0);
    ck_assert_int_eq(complete(&u), -1);
    ck_assert_int_eq(u.b.err.code, WEIR_E_NO_UPLOAD);
    weir_err_clear(&u.b.err);
    ck_assert_int_eq(u.b.ops->abort_upload(u.b.t, "d/key", u.id, &u.b.err), 0);
    ck_assert_uint_eq(bench_count(&u.b, ".weir/uploads"), 0);
    bench_teardown(&u.b);
}
END_TEST

/* A complete that was refused may be repeated: the parts are still there. */
START_TEST(complete_may_be_repeated_after_a_refusal)
{
    struct up u;
    struct weir_stored stored;
    static const char whole[] = "first partother partend";
    const struct weir_object object = {.key = "d/key", .condition = WEIR_COND_ABSENT};
    uint64_t crc = weir_crc64nvme(0, whole, sizeof(whole) - 1);
    setup(&u);
    ck_assert_int_eq(send(&u, 3), 0);
    ck_assert_int_eq(send(&u, 1), 0);
    ck_assert_int_eq(send(&u, 2), 0);
    ck_assert_int_eq(bench_put(&u.b, "d/key", "in the way"), 0);
    for (int i = 0; i < 3; i++) {
        weir_err_clear(&u.b.err);
        ck_assert_int_eq(u.b.ops->complete_upload(u.b.t, &object, u.id, u.parts, 3,
                                                  sizeof(whole) - 1, crc, &stored, &u.b.err),
                         -1);
        ck_assert_int_eq(u.b.err.code, WEIR_E_EXISTS);
    }
    ck_assert_int_eq(u.b.ops->remove(u.b.t, "d/key", NULL), 0);
    ck_assert_msg(complete(&u) == 0, "%s", bench_text(&u.b));
    expect_whole(&u);
    bench_teardown(&u.b);
}
END_TEST

static int64_t
in_two_days(const struct weir_clock *c)
{
    (void)c;
    return weir_clock_system()->wall_ns(weir_clock_system()) + 48 * 3600 * WEIR_NS_PER_S;
}

START_TEST(after_a_day_leftovers_are_swept)
{
    struct bench b;
    unsigned caps = 0;
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(bench_put(&b, "a", "x"), 0);
    bench_write(bench_path(&b, ".weir/tmp/0123"), "left behind");
    ck_assert_int_eq(mkdir(bench_path(&b, ".weir/tmp/4567"), 0755), 0);
    bench_write(bench_path(&b, ".weir/tmp/4567/p00001"), "left behind");
    ck_assert_int_eq(b.ops->probe(b.t, 1, &caps, &b.err), 0);
    ck_assert_uint_eq(bench_count(&b, ".weir/tmp"), 2); /* somebody may be at work on them */
    struct weir_clock later = *weir_clock_system();
    later.wall_ns = in_two_days;
    b.options.clock = &later;
    ck_assert_int_eq(b.ops->probe(b.t, 1, &caps, &b.err), 0);
    ck_assert_uint_eq(bench_count(&b, ".weir/tmp"), 0);
    ck_assert_str_eq(bench_list(&b), "a|");
    bench_teardown(&b);
}
END_TEST

START_TEST(part_numbers_have_limits)
{
    static const uint32_t numbers[] = {0, 10001, UINT32_MAX};
    struct up u;
    setup(&u);
    for (int i = 0; i < 3; i++) {
        weir_err_clear(&u.b.err);
        ck_assert_int_eq(u.b.ops->put_part(u.b.t, "d/key", u.id, numbers[i], "", 0, 0,
                                           &u.parts[0], &u.b.err),
                         -1);
        ck_assert_int_eq(u.b.err.code, WEIR_E_LIMIT);
    }
    bench_teardown(&u.b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("file_upload");
    TCase *tc = tcase_create("file_upload");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_order_gives_the_object, 0, 6);
    tcase_add_loop_test(tc, bad_ids_are_no_uploads, 0,
                        (int)(sizeof(bad_ids) / sizeof(bad_ids[0])));
    tcase_add_test(tc, an_upload_belongs_to_its_key);
    tcase_add_test(tc, damaged_parts_are_sent_again);
    tcase_add_test(tc, cut_data_are_noticed);
    tcase_add_test(tc, complete_after_a_crash_says_no_upload);
    tcase_add_test(tc, complete_may_be_repeated_after_a_refusal);
    tcase_add_test(tc, after_a_day_leftovers_are_swept);
    tcase_add_test(tc, part_numbers_have_limits);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
