/* parts: every size fits the limits, the parts cover the object, chunks divide parts. */
#include "../main_check.h"
#include "plan/parts.h"
#include <weir/rng.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static const struct weir_limits s3 = {.part_bytes_min = 5 * MIB,
                                      .part_bytes_max = 5 * GIB,
                                      .part_count_max = 10000,
                                      .put_bytes_max = 5 * GIB,
                                      .object_bytes_max = UINT64_C(53687091200000)};

static const struct {
    uint64_t object, wanted, size;
    enum weir_code code;
} cases[] = {
    {0, 0, 8 * MIB, WEIR_OK},
    {1, 0, 8 * MIB, WEIR_OK},
    {10000 * 8 * MIB, 0, 8 * MIB, WEIR_OK},
    {10000 * 8 * MIB + 1, 0, 9 * MIB, WEIR_OK},
    {GIB, MIB, 5 * MIB, WEIR_OK},
    {GIB, 64 * MIB, 64 * MIB, WEIR_OK},
    {500 * GIB, 16 * MIB, 52 * MIB, WEIR_OK},
    {UINT64_C(53687091200000), 0, 5 * GIB, WEIR_OK},
    {UINT64_C(53687091200001), 0, 0, WEIR_E_LIMIT},
};

START_TEST(known_sizes)
{
    struct weir_err err = WEIR_ERR_INIT;
    uint64_t size = 0;
    (void)weir_parts_size(&s3, cases[_i].object, cases[_i].wanted, &size, &err);
    ck_assert_int_eq(err.code, cases[_i].code);
    ck_assert_uint_eq(size, cases[_i].size);
}
END_TEST

START_TEST(random_objects_are_covered)
{
    struct weir_rng rng = {.state = 11};
    for (int round = 0; round < 20000; round++) {
        struct weir_err err = WEIR_ERR_INIT;
        uint64_t object = weir_rng_next(&rng) >> (17 + weir_rng_below(&rng, 47)), size = 0;
        if (object > s3.object_bytes_max)
            continue;
        ck_assert_int_eq(
            weir_parts_size(&s3, object, weir_rng_below(&rng, 200) * MIB, &size, &err), 0);
        uint32_t n = weir_parts_count(object, size);
        ck_assert(n >= 1 && n <= s3.part_count_max);
        ck_assert(size >= s3.part_bytes_min && size <= s3.part_bytes_max);
        uint64_t last = weir_parts_length(object, size, n);
        ck_assert_uint_eq((uint64_t)(n - 1) * size + last, object);
        ck_assert(last > 0 || object == 0);
        ck_assert_uint_eq(size % weir_parts_chunk(object, size), 0);
    }
}
END_TEST

START_TEST(no_size_fits)
{
    struct weir_limits tiny = s3;
    struct weir_err err = WEIR_ERR_INIT;
    uint64_t size = 42;
    tiny.part_count_max = 2;
    tiny.part_bytes_max = 8 * MIB;
    ck_assert_int_eq(weir_parts_size(&tiny, 17 * MIB, 0, &size, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_LIMIT);
    ck_assert_uint_eq(size, 42);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("parts");
    TCase *tc = tcase_create("parts");
    tcase_add_loop_test(tc, known_sizes, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, random_objects_are_covered);
    tcase_add_test(tc, no_size_fits);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
