/* foreign: every checksum that a store may hold is a proof when it is equal and none when it is
 * not; what is no checksum proves nothing. */
#include "foreign_fixture.h"

/* ---- one checksum at a time; values by another program ---- */

enum field { SHA256, SHA1, CRC32C, CRC32, ETAG, CRC64 };

static const struct {
    enum field field;
    const char *text, *how;
    bool parts; /* of 5 MiB */
} claims[] = {
    {SHA256, "lf5uXa8IQIBWYPVMPpJJ1V+PVmhQSl5Zc8GLNbKFSFw=", "SHA-256", false},
    {SHA1, "3BXTH516N8w11V8RcDmbJU2JxGg=", "SHA-1", false},
    {CRC32C, "rnQeLw==", "CRC32C", false},
    {CRC32, "v5K4nQ==", "CRC32", false},
    {ETAG, "f012f4d49982a0c682be76e536286b8d", "MD5 ETag (of a store without KMS)", false},
    {ETAG, "F012F4D49982A0C682BE76E536286B8D", "MD5 ETag (of a store without KMS)", false},
    {CRC64, "", "CRC64NVME", false},
    {SHA256, "e1wZVZJHmeF2Cd3pMgylrqR98Uypw04KJcJYVGVK15M=-3", "SHA-256 of parts", true},
    {SHA1, "Xo1hZB3VbP/IC6Kbnsx+934Tnao=-3", "SHA-1 of parts", true},
    {CRC32C, "idjymQ==-3", "CRC32C of parts", true},
    {CRC32, "0LaG2w==-3", "CRC32 of parts", true},
    {ETAG, "6c22e27db61b8ab1db3ee9a4a8ac7ee0-3", "MD5 ETag of parts (of a store without KMS)",
     true},
};
#define CLAIMS ((int)(sizeof(claims) / sizeof(claims[0])))

static void
set_claim(struct weir_head *h, enum field field, const char *text)
{
    switch (field) {
    case SHA256:
        set(h->sha256, sizeof(h->sha256), text);
        break;
    case SHA1:
        set(h->sha1, sizeof(h->sha1), text);
        break;
    case CRC32C:
        set(h->crc32c, sizeof(h->crc32c), text);
        break;
    case CRC32:
        set(h->crc32, sizeof(h->crc32), text);
        break;
    case ETAG:
        set(h->stored.etag, sizeof(h->stored.etag), text);
        break;
    case CRC64:
        h->stored.has_crc64nvme = true;
        h->stored.crc64nvme = UINT64_C(0x54097f4f37738cb6);
        break;
    }
}

/* In memory and in a file, told and guessed; then with one bit changed. */
START_TEST(equal_is_same_and_a_bit_makes_it_different)
{
    bool parts = claims[_i].parts;
    for (int way = 0; way < 4; way++) {
        struct fixture f;
        begin(&f);
        set_claim(&f.head, claims[_i].field, claims[_i].text);
        if (way & 1) {
            f.store =
                (struct store){.base = f.store.base, .part_bytes = 5 * MIB, .part_count = 3};
        }
        if (way & 2)
            use_file(&f);
        ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
        ck_assert_str_eq(f.how, claims[_i].how);
        ck_assert_uint_eq(f.store.asked, parts);
        f.source.data = f.data;
        f.data[BYTES - 1] ^= 1;
        enum weir_foreign other =
            parts && !(way & 1) ? WEIR_FOREIGN_UNKNOWN : WEIR_FOREIGN_DIFFERENT;
        ck_assert_int_eq(compare(&f), other);
        if (other == WEIR_FOREIGN_DIFFERENT)
            ck_assert_str_eq(f.how, claims[_i].how);
        end(&f);
    }
}
END_TEST

START_TEST(another_size_is_different_unread)
{
    struct fixture f;
    begin(&f);
    set_claim(&f.head, claims[_i].field, claims[_i].text);
    f.head.stored.bytes--;
    f.source.data = NULL;
    f.source.reader = &f.reader; /* closed: reading would fail */
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_DIFFERENT);
    ck_assert_str_eq(f.how, "size");
    ck_assert_uint_eq(f.store.asked, 0);
    end(&f);
}
END_TEST

/* ---- what proves nothing ---- */

static const struct {
    enum field field;
    const char *text;
} nothings[] = {
    {ETAG, ""},
    {ETAG, "f012f4d49982a0c682be76e536286b8"},
    {ETAG, "f012f4d49982a0c682be76e536286b8g"},
    {ETAG, "f012f4d49982a0c682be76e536286b8d00"},
    {ETAG, "W/f012f4d49982a0c682be76e536286b8d"},
    {ETAG, "6c22e27db61b8ab1db3ee9a4a8ac7ee0-"},
    {ETAG, "6c22e27db61b8ab1db3ee9a4a8ac7ee0-0"},
    {ETAG, "6c22e27db61b8ab1db3ee9a4a8ac7ee0-03"},
    {ETAG, "6c22e27db61b8ab1db3ee9a4a8ac7ee0-3x"},
    {ETAG, "6c22e27db61b8ab1db3ee9a4a8ac7ee0--3"},
    {ETAG, "6c22e27db61b8ab1db3ee9a4a8ac7ee0-10001"},
    {ETAG, "6c22e27db61b8ab1db3ee9a4a8ac7ee0-4294967299"}, /* 3 in 32 bits */
    {ETAG, "6c22e27db61b8ab1db3ee9a4a8ac7ee0-2000"},       /* no usual size gives so many */
    {SHA256, "lf5uXa8IQIBWYPVMPpJJ1V+PVmhQSl5Zc8GLNbKFSA=="},
    {CRC32C, "rnQeL"},
};

START_TEST(other_texts_prove_nothing_and_cost_nothing)
{
    struct fixture f;
    begin(&f);
    set_claim(&f.head, nothings[_i].field, nothings[_i].text);
    f.source.data = NULL;
    f.source.reader = &f.reader; /* closed */
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_UNKNOWN);
    end(&f);
}
END_TEST

/* rclone's own MD5 was computed by rclone, not by the store. */
START_TEST(metadata_is_no_proof)
{
    struct fixture f;
    begin(&f);
    f.head.meta_count = 1;
    f.head.meta[0] = (struct weir_kv){.name = "md5chksum", .value = "8BL01JmCoMaCvnblNihrjQ=="};
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_UNKNOWN);
    end(&f);
}
END_TEST

/* ---- several checksums ---- */

/* With KMS the ETag is no MD5; the checksum decides. */
START_TEST(a_checksum_is_stronger_than_the_etag)
{
    struct fixture f;
    begin(&f);
    set_claim(&f.head, ETAG, "00000000000000000000000000000000");
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_DIFFERENT);
    set_claim(&f.head, CRC32, claims[3].text);
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    ck_assert_str_eq(f.how, "CRC32");
    set_claim(&f.head, SHA1, "AAAAAAAAAAAAAAAAAAAAAAAAAAA="); /* hides the CRC32 */
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_DIFFERENT);
    ck_assert_str_eq(f.how, "SHA-1");
    set_claim(&f.head, SHA256, claims[0].text);
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    ck_assert_str_eq(f.how, "SHA-256");
    set_claim(&f.head, ETAG, "00000000000000000000000000000000-3"); /* is not looked at */
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    ck_assert_uint_eq(f.store.asked, 0);
    set_claim(&f.head, SHA256, "LF5uXa8IQIBWYPVMPpJJ1V+PVmhQSl5Zc8GLNbKFSFw="); /* one L */
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_DIFFERENT);
    end(&f);
}
END_TEST

/* Stores exist that give a composite as if it were of the whole. */
START_TEST(an_equal_md5_outweighs_a_wrong_checksum)
{
    struct fixture f;
    begin(&f);
    set_claim(&f.head, SHA256, "e1wZVZJHmeF2Cd3pMgylrqR98Uypw04KJcJYVGVK15M=");
    set_claim(&f.head, ETAG, claims[CLAIMS - 1].text);
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    ck_assert_str_eq(f.how, claims[CLAIMS - 1].how);
    f.data[7]++;
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_DIFFERENT);
    ck_assert_str_eq(f.how, "SHA-256");
    end(&f);
}
END_TEST

START_TEST(crc64nvme_counts_where_it_was_seen_to_be_right)
{
    struct fixture f;
    begin(&f);
    set_claim(&f.head, CRC64, "");
    f.sender.caps = WEIR_CAP_STORED_CHECKSUM_MPU;
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_UNKNOWN);
    f.sender.caps = WEIR_CAP_STORED_CHECKSUM;
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    set_claim(&f.head, ETAG, "00000000000000000000000000000000-3"); /* a multipart object */
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_UNKNOWN);
    f.sender.caps = WEIR_CAP_STORED_CHECKSUM_MPU;
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    end(&f);
}
END_TEST

/* ---- errors ---- */

static const struct {
    enum weir_code refusal;
    enum weir_scope scope;
    enum weir_code code; /* WEIR_OK: it goes on and guesses */
} refusals[] = {
    {WEIR_E_UNSUPPORTED, WEIR_SCOPE_OBJECT, WEIR_OK},
    {WEIR_E_PROTOCOL, WEIR_SCOPE_OBJECT, WEIR_OK},
    {WEIR_E_PROTOCOL, WEIR_SCOPE_RUN, WEIR_E_PROTOCOL},
    {WEIR_E_SERVER, WEIR_SCOPE_OBJECT, WEIR_E_SERVER},
    {WEIR_E_NETWORK, WEIR_SCOPE_RUN, WEIR_E_NETWORK},
    {WEIR_E_CANCELLED, WEIR_SCOPE_OBJECT, WEIR_E_CANCELLED},
    {WEIR_E_NOT_FOUND, WEIR_SCOPE_OBJECT, WEIR_E_NOT_FOUND},
};

START_TEST(a_store_that_fails_is_an_error_and_one_that_does_not_tell_is_none)
{
    struct fixture f;
    begin(&f);
    enum weir_foreign out = WEIR_FOREIGN_UNKNOWN;
    set_claim(&f.head, ETAG, claims[CLAIMS - 1].text);
    f.store.refusal = refusals[_i].refusal;
    f.store.scope = refusals[_i].scope;
    int rc = weir_foreign_compare(f.worker, "k", &f.head, &f.source, &out, &f.how, &f.err);
    ck_assert_int_eq(f.err.code, refusals[_i].code);
    ck_assert_int_eq(rc, refusals[_i].code == WEIR_OK ? 0 : -1);
    ck_assert_int_eq(out, rc == 0 ? WEIR_FOREIGN_SAME : WEIR_FOREIGN_UNKNOWN);
    end(&f);
}
END_TEST

static void
fails_with(struct fixture *f, enum weir_code code)
{
    enum weir_foreign out = WEIR_FOREIGN_UNKNOWN;
    weir_err_clear(&f->err);
    ck_assert_int_eq(
        weir_foreign_compare(f->worker, "k", &f->head, &f->source, &out, &f->how, &f->err), -1);
    ck_assert_int_eq(f->err.code, code);
    ck_assert_int_eq(out, WEIR_FOREIGN_UNKNOWN);
}

START_TEST(a_signal_ends_the_reading)
{
    struct fixture f;
    begin(&f);
    use_file(&f);
    set_claim(&f.head, ETAG, claims[4].text);
    atomic_store(&f.stop, true);
    fails_with(&f, WEIR_E_CANCELLED);
    atomic_store(&f.stop, false);
    weir_cancel_raise(&f.cancel, WEIR_CANCEL_DRAIN);
    fails_with(&f, WEIR_E_CANCELLED);
    end(&f);
}
END_TEST

START_TEST(a_file_that_changes_is_not_compared)
{
    struct fixture f;
    begin(&f);
    use_file(&f);
    set_claim(&f.head, ETAG, claims[4].text);
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    ck_assert_int_eq(pwrite(f.reader.fd, "x", 1, (off_t)BYTES), 1); /* grew: equal so far */
    fails_with(&f, WEIR_E_CHANGED);
    ck_assert_int_eq(ftruncate(f.reader.fd, 5), 0);
    fails_with(&f, WEIR_E_CHANGED);
    end(&f);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("foreign");
    TCase *tc = tcase_create("foreign");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, equal_is_same_and_a_bit_makes_it_different, 0, CLAIMS);
    tcase_add_loop_test(tc, another_size_is_different_unread, 0, CLAIMS);
    tcase_add_loop_test(tc, other_texts_prove_nothing_and_cost_nothing, 0,
                        sizeof(nothings) / sizeof(nothings[0]));
    tcase_add_test(tc, metadata_is_no_proof);
    tcase_add_test(tc, a_checksum_is_stronger_than_the_etag);
    tcase_add_test(tc, an_equal_md5_outweighs_a_wrong_checksum);
    tcase_add_test(tc, crc64nvme_counts_where_it_was_seen_to_be_right);
    tcase_add_loop_test(tc, a_store_that_fails_is_an_error_and_one_that_does_not_tell_is_none,
                        0, sizeof(refusals) / sizeof(refusals[0]));
    tcase_add_test(tc, a_signal_ends_the_reading);
    tcase_add_test(tc, a_file_that_changes_is_not_compared);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
