/* connections: a model network says how much gets done; the number must follow it. */
#include "../main_check.h"
#include "transfer/connections.h"

#define STEP_NS INT64_C(50000000)

/* Runs for so many seconds against a network that carries up to limit connections' worth. */
static unsigned
settle(unsigned wanted, unsigned limit, int seconds, bool waiting)
{
    struct weir_connections c;
    double done = 0;
    weir_connections_init(&c, wanted, 0);
    for (int64_t t = 0; t < seconds * INT64_C(1000000000); t += STEP_NS) {
        done += 1e6 * (c.now < limit ? c.now : limit);
        weir_connections_look(&c, t, (uint64_t)done, waiting);
    }
    return c.now;
}

START_TEST(stays_small_where_more_does_not_pay)
{
    ck_assert_uint_le(settle(0, 2, 10, true), 6);
    ck_assert_uint_le(settle(0, 4, 10, true), 6);
}
END_TEST

START_TEST(grows_where_each_waits)
{
    ck_assert_uint_ge(settle(0, 30, 10, true), 27);
    ck_assert_uint_eq(settle(0, 1000, 10, true), WEIR_CONNECTIONS_MAX);
}
END_TEST

START_TEST(does_not_grow_without_work)
{
    ck_assert_uint_eq(settle(0, 1000, 10, false), WEIR_CONNECTIONS_START);
}
END_TEST

START_TEST(tries_again_when_the_network_gets_better)
{
    struct weir_connections c;
    double done = 0;
    weir_connections_init(&c, 0, 0);
    for (int64_t t = 0; t < INT64_C(60000000000); t += STEP_NS) {
        unsigned limit = t < INT64_C(10000000000) ? 4 : 40;
        done += 1e6 * (c.now < limit ? c.now : limit);
        weir_connections_look(&c, t, (uint64_t)done, true);
        if (t == INT64_C(9000000000))
            ck_assert_uint_le(c.now, 6);
    }
    ck_assert_uint_ge(c.now, 30);
}
END_TEST

START_TEST(keeps_what_the_manifest_says)
{
    ck_assert_uint_eq(settle(9, 1000, 60, true), 9);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("connections");
    TCase *tc = tcase_create("connections");
    tcase_add_test(tc, stays_small_where_more_does_not_pay);
    tcase_add_test(tc, grows_where_each_waits);
    tcase_add_test(tc, does_not_grow_without_work);
    tcase_add_test(tc, tries_again_when_the_network_gets_better);
    tcase_add_test(tc, keeps_what_the_manifest_says);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
