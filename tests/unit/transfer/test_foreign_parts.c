/* foreign: the ETag of a multipart object is shown to be that of the file, whether the store
 * tells the part size or not. */
#include <time.h>

#include <openssl/evp.h>

#include "foreign_fixture.h"
#include <weir/rng.h>

/* The ETag of a multipart object, by the crypto library's one-shot function. */
static void
make_etag(const uint8_t *data, size_t bytes, size_t part, char *out, size_t room)
{
    static uint8_t parts[16 * 4096];
    uint8_t value[16];
    size_t at = 0, count = 0, used;
    do {
        size_t now = bytes - at < part ? bytes - at : part;
        ck_assert_uint_lt(count, 4096);
        ck_assert_int_eq(
            EVP_Q_digest(NULL, "MD5", NULL, data + at, now, parts + 16 * count++, NULL), 1);
        at += now;
    } while (at < bytes);
    ck_assert_int_eq(EVP_Q_digest(NULL, "MD5", NULL, parts, 16 * count, value, NULL), 1);
    for (used = 0; used < 32; used += 2)
        (void)snprintf(out + used, room - used, "%02x", value[used / 2]);
    (void)snprintf(out + used, room - used, "-%zu", count);
}

static void
set_parts(struct fixture *f, size_t part)
{
    make_etag(f->data, (size_t)f->source.bytes, part, f->head.stored.etag, WEIR_ETAG_BYTES);
}

START_TEST(usual_sizes_are_guessed_and_others_need_the_store)
{
    static const size_t usual[] = {5 * MIB, 8 * MIB, 10 * MIB, BYTES, 16 * MIB, MIB, 6 * MIB};
    struct fixture f;
    begin(&f);
    use_file(&f);
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        set_parts(&f, usual[i]);
        ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    }
    set_parts(&f, 7 * MIB - 3);
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_UNKNOWN);
    f.store.refusal = WEIR_OK;
    f.store.part_bytes = 7 * MIB - 3;
    f.store.part_count = 2;
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    f.store.part_bytes = 7 * MIB;
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_DIFFERENT);
    f.store.part_count = 3; /* of another object, or of unequal parts: cannot be believed */
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_UNKNOWN);
    f.store.part_bytes = 0;
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_UNKNOWN);
    set_parts(&f, 5 * MIB);
    f.store.part_bytes = 9 * MIB; /* cannot be three parts */
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    end(&f);
}
END_TEST

/* Tools that fit a long object into 10,000 parts take whole MiB or exact bytes; here with far
 * smaller bytes, so that only the second can be shown. */
START_TEST(evenly_spread_parts_are_guessed)
{
    struct fixture f;
    uint8_t value[16];
    static uint8_t parts[16 * 10000];
    begin(&f);
    size_t part = (BYTES - 1) / 10000 + 1, count = (BYTES - 1) / part + 1;
    for (size_t i = 0; i < count; i++) {
        size_t left = BYTES - i * part;
        ck_assert_int_eq(EVP_Q_digest(NULL, "MD5", NULL, f.data + i * part,
                                      left < part ? left : part, parts + 16 * i, NULL),
                         1);
    }
    ck_assert_int_eq(EVP_Q_digest(NULL, "MD5", NULL, parts, 16 * count, value, NULL), 1);
    for (size_t i = 0; i < 16; i++)
        (void)snprintf(f.head.stored.etag + 2 * i, 3, "%02x", value[i]);
    (void)snprintf(f.head.stored.etag + 32, 8, "-%zu", count);
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    end(&f);
}
END_TEST

START_TEST(empty_objects)
{
    struct fixture f;
    begin(&f);
    f.head.stored.bytes = f.source.bytes = 0;
    set(f.head.stored.etag, WEIR_ETAG_BYTES, "d41d8cd98f00b204e9800998ecf8427e");
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    set(f.head.stored.etag, WEIR_ETAG_BYTES, "59adb24ef3cdbe0297f05b395827453f-1");
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    use_file(&f);
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
    set(f.head.stored.etag, WEIR_ETAG_BYTES, "59adb24ef3cdbe0297f05b395827453f-2");
    ck_assert_int_eq(compare(&f), WEIR_FOREIGN_UNKNOWN);
    end(&f);
}
END_TEST

START_TEST(random_objects_and_part_sizes)
{
    static const size_t sizes[] = {5, 8, 10, 15, 16, 20, 25, 32};
    uint64_t seed = (uint64_t)time(NULL);
    struct weir_rng rng = {.state = seed};
    struct fixture f;
    printf("foreign: seed %llu\n", (unsigned long long)seed);
    begin(&f);
    f.data = realloc(f.data, 80 * MIB);
    for (size_t i = 0; i < 80 * MIB; i += 8) {
        uint64_t word = weir_rng_next(&rng);
        memcpy(f.data + i, &word, 8);
    }
    for (int round = 0; round < 12; round++) {
        size_t part = sizes[weir_rng_below(&rng, 8)] * MIB;
        f.source.data = f.data;
        f.source.bytes = f.head.stored.bytes = 1 + weir_rng_below(&rng, 80 * MIB);
        set_parts(&f, part);
        bool told = weir_rng_below(&rng, 2) == 0;
        f.store.refusal = told ? WEIR_OK : WEIR_E_UNSUPPORTED;
        f.store.part_bytes = part < f.source.bytes ? part : f.source.bytes;
        f.store.part_count = (uint32_t)((f.source.bytes - 1) / part + 1);
        ck_assert_int_eq(compare(&f), WEIR_FOREIGN_SAME);
        f.data[weir_rng_below(&rng, f.source.bytes)] ^= 0x40;
        ck_assert_int_ne(compare(&f), WEIR_FOREIGN_SAME);
    }
    end(&f);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("foreign part sizes");
    TCase *tc = tcase_create("foreign part sizes");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, usual_sizes_are_guessed_and_others_need_the_store);
    tcase_add_test(tc, evenly_spread_parts_are_guessed);
    tcase_add_test(tc, empty_objects);
    tcase_add_test(tc, random_objects_and_part_sizes);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
