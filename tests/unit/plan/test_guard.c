/* guard: the limits of deletes, at their borders. */
#include <check.h>

#include "../main_check.h"
#include "plan/guard.h"

static const struct {
    uint64_t files;
    unsigned percent;
    uint64_t due, known;
    bool unseen;
    uint64_t allowed;
    enum weir_guard want;
} cases[] = {
    {1000, 5, 0, 0, false, 0, WEIR_GUARD_OPEN},
    {1000, 5, 0, 100, true, 0, WEIR_GUARD_UNSEEN}, /* renamed ones are due all the same */
    {1000, 5, 1, 10, true, 100, WEIR_GUARD_UNSEEN},
    {1000, 5, 1, 10, false, 0, WEIR_GUARD_OPEN}, /* half an object, rounded up */
    {1000, 5, 2, 20, false, 0, WEIR_GUARD_PERCENT},
    {1000, 5, 1, 20, false, 0, WEIR_GUARD_OPEN},
    {1000, 5, 1000, 20000, false, 0, WEIR_GUARD_OPEN},
    {1000, 5, 1001, 2000000, false, 0, WEIR_GUARD_FILES},
    {1000, 5, 1000, 19981, false, 0, WEIR_GUARD_OPEN}, /* 999.05, rounded up */
    {1000, 5, 1000, 19980, false, 0, WEIR_GUARD_PERCENT},
    {1000, 5, 1000, 19900, false, 0, WEIR_GUARD_PERCENT},
    {1000, 5, 5000, 5000, false, 5000, WEIR_GUARD_OPEN}, /* allowed once */
    {1000, 5, 5001, 5001, false, 5000, WEIR_GUARD_ALLOWED},
    {1000, 100, 1000, 1000, false, 0, WEIR_GUARD_OPEN},
    {0, 100, 1, 1000, false, 0, WEIR_GUARD_FILES}, /* a limit of 0 means none at all */
    {1000, 0, 1, 1000, false, 0, WEIR_GUARD_PERCENT},
    {UINT64_MAX, 100, UINT64_MAX, UINT64_MAX, false, 0, WEIR_GUARD_OPEN},
};

START_TEST(guard_limits)
{
    struct weir_track track = {.delete_limit_files = cases[_i].files,
                               .delete_limit_percent = cases[_i].percent};
    struct weir_guard_question q = {.track = &track,
                                    .due = cases[_i].due,
                                    .known = cases[_i].known,
                                    .unseen = cases[_i].unseen,
                                    .allowed = cases[_i].allowed};
    ck_assert_msg(weir_guard_ask(&q) == cases[_i].want, "case %d: %d", _i, weir_guard_ask(&q));
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("guard");
    tcase_add_loop_test(tc, guard_limits, 0, (int)(sizeof(cases) / sizeof(cases[0])));
    Suite *s = suite_create("guard");
    suite_add_tcase(s, tc);
    return run_suite(s);
}
