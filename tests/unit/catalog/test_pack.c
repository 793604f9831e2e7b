/* pack: every stat value comes back; nothing else is taken. */
#include "support.h"

#include "catalog/pack.h"

static void
check_round_trip(const struct weir_stat *st)
{
    uint8_t packed[WEIR_PACK_BYTES_MAX];
    size_t bytes = weir_pack_stat(st, packed);
    ck_assert_uint_le(bytes, sizeof(packed));
    struct weir_stat back = {.size = st->size};
    ck_assert_int_eq(weir_pack_read_stat(packed, bytes, &back), 0);
    ck_same_stat(st, &back);
    for (size_t cut = 0; cut < bytes; cut++) /* a lost end never passes */
        ck_assert_int_eq(weir_pack_read_stat(packed, cut, &back), -1);
    packed[bytes % sizeof(packed)] = 0;
    if (bytes < sizeof(packed))
        ck_assert_int_eq(weir_pack_read_stat(packed, bytes + 1, &back), -1);
}

START_TEST(random_stats_come_back)
{
    uint64_t seed = 11;
    for (int i = 0; i < 3000; i++) {
        struct weir_stat st = random_stat(&seed);
        check_round_trip(&st);
    }
}
END_TEST

START_TEST(extremes_come_back)
{
    struct weir_stat zero = {0}, most = {
                                     .dev = UINT64_MAX,
                                     .ino = UINT64_MAX,
                                     .size = UINT64_MAX,
                                     .blocks = UINT64_MAX,
                                     .mtime = {INT64_MIN, 999999999},
                                     .ctime = {INT64_MAX, 0},
                                     .atime = {-1, 1},
                                     .mode = UINT32_MAX,
                                     .uid = UINT32_MAX,
                                     .gid = UINT32_MAX,
                                     .nlink = UINT32_MAX,
                                 };
    check_round_trip(&zero);
    check_round_trip(&most);
}
END_TEST

/* dev, ino, blocks, then three times of (s, ns), mode, uid, gid, nlink */
static const struct {
    const char *what;
    uint8_t bytes[16];
    size_t length;
} bad[] = {
    {"nothing", {0}, 0},
    {"nanoseconds of a second",
     {0, 0, 0, 0, 0x80, 0x94, 0xeb, 0xdc, 0x03, 0, 0, 0, 0, 0, 0, 0},
     16},
    {"endless number",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
     16},
    {"number over 64 bits",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0, 0},
     16},
};

START_TEST(nonsense_is_refused)
{
    struct weir_stat out;
    ck_assert_msg(weir_pack_read_stat(bad[_i].bytes, bad[_i].length, &out) == -1, "%s",
                  bad[_i].what);
}
END_TEST

START_TEST(random_bytes_never_do_harm)
{
    uint64_t seed = 12;
    for (int i = 0; i < 20000; i++) {
        uint8_t data[WEIR_PACK_BYTES_MAX];
        size_t bytes = next_random(&seed) % (sizeof(data) + 1);
        for (size_t k = 0; k < bytes; k++)
            data[k] = (uint8_t)(next_random(&seed) >> (i % 3 * 2) & 0xff);
        struct weir_stat out = {0};
        if (weir_pack_read_stat(data, bytes, &out) == 0) {
            ck_assert_uint_lt(out.mtime.ns, 1000000000);
            ck_assert_uint_lt(out.ctime.ns, 1000000000);
            ck_assert_uint_lt(out.atime.ns, 1000000000);
        }
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("pack");
    TCase *tc = tcase_create("pack");
    tcase_add_test(tc, random_stats_come_back);
    tcase_add_test(tc, extremes_come_back);
    tcase_add_loop_test(tc, nonsense_is_refused, 0, COUNT(bad));
    tcase_add_test(tc, random_bytes_never_do_harm);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
