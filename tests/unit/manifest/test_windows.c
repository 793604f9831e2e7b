/* windows: which limit holds at a UTC time, across midnight, weeks and the year 1970. */
#include <stdint.h>

#include <weir/clock.h>

#include "manifest_test.h"

enum { MON, TUE, WED, THU, FRI, SAT, SUN };
#define DAY(d) (1u << (d))
#define ALL 0x7fu

/* Monday 2024-01-01 00:00:00 UTC. */
#define MONDAY INT64_C(1704067200)

static int64_t
at(int day, int hour, int minute, int second)
{
    return (MONDAY + ((day * 24 + hour) * 60 + minute) * INT64_C(60) + second) * WEIR_NS_PER_S;
}

static const struct weir_window office[] = {
    {DAY(MON) | DAY(TUE) | DAY(WED) | DAY(THU) | DAY(FRI), 480, 1080, 25},
    {ALL, 0, 1440, 100},
};
static const struct weir_window night[] = {
    {DAY(FRI), 1320, 360, 7}, /* Friday 22:00 to Saturday 06:00 */
    {DAY(SUN), 1439, 1, 9},   /* Sunday 23:59 to Monday 00:01 */
};
static const struct weir_window first_wins[] = {
    {DAY(WED), 0, 1440, 0}, /* unlimited on Wednesdays */
    {ALL, 0, 1440, 5},
    {ALL, 0, 1440, 6},
};

static const struct {
    const struct weir_window *windows;
    size_t count;
    int day, hour, minute, second;
    uint64_t limit;
} cases[] = {
    {office, 2, MON, 7, 59, 59, 100},    {office, 2, MON, 8, 0, 0, 25},
    {office, 2, MON, 17, 59, 59, 25},    {office, 2, MON, 18, 0, 0, 100},
    {office, 2, FRI, 12, 0, 0, 25},      {office, 2, SAT, 12, 0, 0, 100},
    {office, 2, SUN, 12, 0, 0, 100},     {office, 1, SUN, 12, 0, 0, 0},
    {office, 0, MON, 12, 0, 0, 0},       {night, 2, FRI, 21, 59, 59, 0},
    {night, 2, FRI, 22, 0, 0, 7},        {night, 2, SAT, 0, 0, 0, 7},
    {night, 2, SAT, 5, 59, 59, 7},       {night, 2, SAT, 6, 0, 0, 0},
    {night, 2, FRI, 3, 0, 0, 0},         {night, 2, SAT, 22, 0, 0, 0},
    {night, 2, SUN, 23, 58, 59, 0},      {night, 2, SUN, 23, 59, 0, 9},
    {night, 2, 7, 0, 0, 59, 9},          {night, 2, 7, 0, 1, 0, 0},
    {night, 2, MON, 0, 0, 0, 9},         {night, 2, MON, 23, 59, 0, 0},
    {first_wins, 3, WED, 12, 0, 0, 0},   {first_wins, 3, THU, 0, 0, 0, 5},
    {first_wins, 3, TUE, 23, 59, 59, 5},
};

START_TEST(limit_at)
{
    int64_t t = at(cases[_i].day, cases[_i].hour, cases[_i].minute, cases[_i].second);
    ck_assert_uint_eq(weir_windows_limit(cases[_i].windows, cases[_i].count, t),
                      cases[_i].limit);
    ck_assert_uint_eq(
        weir_windows_limit(cases[_i].windows, cases[_i].count, t + WEIR_NS_PER_S - 1),
        cases[_i].limit);
}
END_TEST

START_TEST(epoch_was_a_thursday)
{
    const struct weir_window thursday[] = {{DAY(THU), 0, 1440, 4}, {DAY(WED), 0, 1440, 3}};
    ck_assert_uint_eq(weir_windows_limit(thursday, 2, 0), 4);
    ck_assert_uint_eq(weir_windows_limit(thursday, 2, -1), 3);
    ck_assert_uint_eq(weir_windows_limit(thursday, 2, -86400 * WEIR_NS_PER_S), 3);
    ck_assert_uint_eq(weir_windows_limit(thursday, 2, -86400 * WEIR_NS_PER_S - 1), 0);
}
END_TEST

START_TEST(ends_of_time_are_some_minute)
{
    const struct weir_window all[] = {{ALL, 0, 1440, 1}};
    ck_assert_uint_eq(weir_windows_limit(all, 1, INT64_MAX), 1);
    ck_assert_uint_eq(weir_windows_limit(all, 1, INT64_MIN), 1);
}
END_TEST

/* Every minute of a week against a plain list of the minutes that each window covers. */
START_TEST(every_minute_of_a_week)
{
    static uint8_t open[2][7 * 1440];
    for (int w = 0; w < 2; w++)
        for (int day = 0; day < 7; day++) {
            const struct weir_window *x = &night[w];
            int length = (x->to_min - x->from_min + 1440) % 1440;
            for (int m = 0; m < length && (x->days >> day & 1); m++)
                open[w][(day * 1440 + x->from_min + m) % (7 * 1440)] = 1;
        }
    for (int m = 0; m < 7 * 1440; m++) {
        uint64_t expected = open[0][m] ? 7 : open[1][m] ? 9 : 0;
        ck_assert_uint_eq(weir_windows_limit(night, 2, at(0, 0, m, 30)), expected);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("windows");
    TCase *tc = tcase_create("windows");
    tcase_add_loop_test(tc, limit_at, 0, (int)(sizeof(cases) / sizeof(*cases)));
    tcase_add_test(tc, epoch_was_a_thursday);
    tcase_add_test(tc, ends_of_time_are_some_minute);
    tcase_add_test(tc, every_minute_of_a_week);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
