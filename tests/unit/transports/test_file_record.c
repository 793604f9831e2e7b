/* file/ records: metadata and checksums beside the bytes, and files that others made or
 * changed. */
#include "file_bench.h"

#include <sys/xattr.h>

/* ---- what others do to the files ---- */

START_TEST(foreign_files_are_objects_without_checksum)
{
    struct bench b;
    struct weir_head head;
    struct weir_stored stored;
    char text[4096];
    bench_setup(&b, (enum file_keep)_i);
    bench_write(bench_path(&b, "foreign"), "bytes");
    ck_assert_int_eq(bench_head(&b, "foreign", &head), 0);
    ck_assert_uint_eq(head.stored.bytes, 5);
    ck_assert(!head.stored.has_crc64nvme);
    ck_assert_uint_eq(head.meta_count, 0);
    ck_assert_str_eq(bench_list(&b), "foreign|");
    ck_assert_int_eq(bench_get(&b, "foreign", text), 0);
    const struct weir_object absent = {.key = "foreign", .condition = WEIR_COND_ABSENT};
    ck_assert_int_eq(b.ops->put(b.t, &absent, "", 0, 0, &stored, &b.err), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_EXISTS);
    const struct weir_object match = {
        .key = "foreign", .condition = WEIR_COND_MATCH, .etag = head.stored.etag};
    weir_err_clear(&b.err);
    ck_assert_int_eq(b.ops->put(b.t, &match, "", 0, 0, &stored, &b.err), 0);
    bench_teardown(&b);
}
END_TEST

START_TEST(a_changed_file_loses_its_checksum)
{
    struct bench b;
    struct weir_head before, after;
    struct weir_stored stored;
    const struct weir_kv meta = {"file-mtime", "1"};
    const struct weir_object object = {.key = "a", .meta = &meta, .meta_count = 1};
    bench_setup(&b, (enum file_keep)_i);
    ck_assert_int_eq(
        b.ops->put(b.t, &object, "12345", 5, weir_crc64nvme(0, "12345", 5), &stored, &b.err),
        0);
    ck_assert_int_eq(bench_head(&b, "a", &before), 0);
    ck_assert(before.stored.has_crc64nvme);
    int fd = open(bench_path(&b, "a"), O_WRONLY);
    ck_assert_int_eq((int)pwrite(fd, "X", 1, 2), 1); /* the same size */
    (void)close(fd);
    ck_assert_int_eq(bench_head(&b, "a", &after), 0);
    ck_assert_uint_eq(after.stored.bytes, 5);
    ck_assert(!after.stored.has_crc64nvme);
    ck_assert_uint_eq(after.meta_count, 0);
    ck_assert_str_ne(after.stored.etag, before.stored.etag);
    bench_teardown(&b);
}
END_TEST

START_TEST(broken_records_are_no_records)
{
    static const char *const records[] = {
        "",
        "weir1 ",
        "weir1 0123",
        "weir1 0000000000000000 5 0.0\n",
        "weir1 zzzzzzzzzzzzzzzz 5 1.000000000\n",
        "weir1 0000000000000000 99999999999999999999999 1.000000000\n",
        "weir1 0000000000000000 5 99999999999999999999999999.1\n",
        "weir1 0000000000000000 -5 1.-1\n",
        "\n\n\n=\n=\n",
    };
    struct bench b;
    struct weir_head head;
    bench_setup(&b, FILE_KEEP_XATTR);
    ck_assert_int_eq(bench_put(&b, "a", "12345"), 0);
    const char *path = bench_path(&b, "a");
    int rc = setxattr(path, "user.weir.meta", records[_i], strlen(records[_i]), 0);
    if (rc == 0) { /* else: no extended attributes here */
        ck_assert_int_eq(bench_head(&b, "a", &head), 0);
        ck_assert(!head.stored.has_crc64nvme);
        ck_assert_uint_eq(head.meta_count, 0);
    }
    bench_teardown(&b);
}
END_TEST

START_TEST(records_survive_random_damage)
{
    char record[FILE_RECORD_BYTES], damaged[FILE_RECORD_BYTES];
    const struct weir_kv meta[] = {{"File-Mtime", "1700000000"}, {"owner", "a=b"}};
    const struct weir_object object = {.key = "k", .meta = meta, .meta_count = 2};
    struct timespec mtime = {.tv_sec = -5, .tv_nsec = 999999999};
    size_t len = weir_file_record_format(&object, 0xfedcba9876543210u, 5, mtime, record);
    struct stat st = {.st_mode = S_IFREG, .st_size = 5, .st_mtim = mtime};
    struct file_record r;
    static struct weir_head head;
    ck_assert(weir_file_record_find(record, len, &st, &r));
    ck_assert_uint_eq(r.crc64nvme, 0xfedcba9876543210u);
    weir_file_record_pairs(record, &r, &head);
    ck_assert_uint_eq(head.meta_count, 2);
    ck_assert_str_eq(head.meta[0].name, "file-mtime");
    ck_assert_str_eq(head.meta[1].value, "a=b");
    struct weir_rng rng = {.state = 3};
    for (unsigned i = 0; i < 200000; i++) {
        memcpy(damaged, record, len);
        for (uint64_t n = weir_rng_below(&rng, 4) + 1; n > 0; n--)
            damaged[weir_rng_below(&rng, len)] = (char)weir_rng_next(&rng);
        size_t cut = weir_rng_below(&rng, 4) == 0 ? weir_rng_below(&rng, len + 1) : len;
        char *exact = malloc(cut + 1); /* so that a read too far is seen */
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, damaged, cut);
        st.st_mode = weir_rng_below(&rng, 2) ? S_IFREG : S_IFDIR;
        if (weir_file_record_find(exact, cut, &st, &r))
            weir_file_record_pairs(exact, &r, &head);
        ck_assert_uint_le(head.meta_count, WEIR_HEAD_META_MAX);
        free(exact);
    }
}
END_TEST

/* ---- metadata ---- */

static const struct {
    const char *name, *value;
    enum weir_code code;
} bad_meta[] = {
    {"", "v", WEIR_E_CONFIG},          {"a=b", "v", WEIR_E_CONFIG},
    {"a b", "v", WEIR_E_CONFIG},       {"a\nb", "v", WEIR_E_CONFIG},
    {"a", "v\nweir1 ", WEIR_E_CONFIG}, {"a", "\x01", WEIR_E_CONFIG},
    {"\xc3\xa9", "v", WEIR_E_CONFIG},  {"a", NULL, WEIR_E_LIMIT}, /* NULL: too long */
};

START_TEST(bad_metadata_is_refused)
{
    struct bench b;
    struct weir_stored stored;
    char much[3000], id[WEIR_UPLOAD_ID_BYTES];
    memset(much, 'm', sizeof(much) - 1);
    much[sizeof(much) - 1] = '\0';
    const struct weir_kv meta = {bad_meta[_i].name,
                                 bad_meta[_i].value != NULL ? bad_meta[_i].value : much};
    const struct weir_object object = {.key = "a", .meta = &meta, .meta_count = 1};
    bench_setup(&b, FILE_KEEP_UNDECIDED);
    ck_assert_int_eq(b.ops->put(b.t, &object, "", 0, 0, &stored, &b.err), -1);
    ck_assert_int_eq(b.err.code, bad_meta[_i].code);
    weir_err_clear(&b.err);
    ck_assert_int_eq(b.ops->create_upload(b.t, &object, id, &b.err), -1);
    ck_assert_int_eq(b.err.code, bad_meta[_i].code);
    bench_teardown(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("file_record");
    TCase *tc = tcase_create("file_record");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, foreign_files_are_objects_without_checksum, FILE_KEEP_XATTR,
                        FILE_KEEP_SIDECAR + 1);
    tcase_add_loop_test(tc, a_changed_file_loses_its_checksum, FILE_KEEP_XATTR,
                        FILE_KEEP_SIDECAR + 1);
    tcase_add_loop_test(tc, broken_records_are_no_records, 0, 9);
    tcase_add_test(tc, records_survive_random_damage);
    tcase_add_loop_test(tc, bad_metadata_is_refused, 0,
                        (int)(sizeof(bad_meta) / sizeof(bad_meta[0])));
    suite_add_tcase(s, tc);
    return run_suite(s);
}
