/* wrap/throttle: the mean rate is the limit, whatever the sizes, for all clones together. */
#include "wrap_mock.h"

#include "wrap/bucket.h"
#include "wrap/wrap.h"

/* 2026-11-23 is a Monday; 1795392000 s is its 00:00 UTC. */
#define MONDAY_NS (INT64_C(1795392000) * WEIR_NS_PER_S)

static const struct mock_step fine[] = {{.code = WEIR_OK, .deliver = true}};

struct bench {
    struct mock_clock clock;
    struct weir_cancel cancel;
    struct weir_window window;
    struct weir_transfer transfer;
    struct weir_transport_options options;
    struct mock_store store;
    struct weir_transport *t;
    struct weir_err err;
    unsigned delivered;
};

static void
setup(struct bench *b, uint64_t bytes_per_s)
{
    memset(b, 0, sizeof(*b));
    b->clock = (struct mock_clock)MOCK_CLOCK;
    b->clock.wall_start_ns = MONDAY_NS;
    b->window = (struct weir_window){.days = 0x7f, .to_min = 1440, .bytes_per_s = bytes_per_s};
    b->transfer = (struct weir_transfer){.windows = &b->window, .window_count = 1};
    b->options = (struct weir_transport_options){.clock = &b->clock.base, .cancel = &b->cancel};
    b->store = (struct mock_store){.steps = fine, .count = 1};
    ck_assert_int_eq(
        weir_throttle_open(&b->options, &b->transfer, mock_open(&b->store), &b->t, &b->err), 0);
}

static void
teardown(struct bench *b)
{
    b->t->ops->close(b->t);
    ck_assert_uint_eq(b->store.open, 0);
}

static const struct {
    enum mock_op op;
    size_t bytes;
    unsigned calls;
} loads[] = {
    {OP_PUT, 100, 20000},        {OP_PUT, 16384, 600},  {OP_PUT_PART, 8388608, 12},
    {OP_PUT_PART, 104857600, 2}, {OP_GET, 8388000, 12},
};

START_TEST(the_mean_rate_is_the_limit)
{
    struct bench b;
    const uint64_t rate = 1 << 20;
    setup(&b, rate);
    for (unsigned i = 0; i < loads[_i].calls; i++)
        ck_assert_int_eq(mock_call(b.t, loads[_i].op, loads[_i].bytes, &b.delivered, &b.err),
                         0);
    /* the debt of the last one is still open: wait until one byte may go */
    ck_assert_int_eq(mock_call(b.t, OP_PUT, 1, &b.delivered, &b.err), 0);
    double seconds = (double)b.clock.now_ns / (double)WEIR_NS_PER_S;
    double expected = (double)loads[_i].bytes * loads[_i].calls / (double)rate;
    ck_assert_double_ge(seconds, expected * 0.99 - 0.1);
    ck_assert_double_le(seconds, expected * 1.01 + 0.3);
    teardown(&b);
}
END_TEST

START_TEST(no_limit_no_wait)
{
    struct bench b;
    setup(&b, 0);
    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(mock_call(b.t, OP_PUT, (size_t)1 << 40, &b.delivered, &b.err), 0);
    ck_assert_uint_eq(b.clock.sleeps, 0);
    teardown(&b);
}
END_TEST

START_TEST(only_bodies_wait)
{
    struct bench b;
    setup(&b, 1000);
    ck_assert_int_eq(mock_call(b.t, OP_PUT, 1000000, &b.delivered, &b.err), 0); /* debt */
    for (int op = 0; op < OPS; op++)
        if (op != OP_PUT && op != OP_PUT_PART && op != OP_GET)
            ck_assert_int_eq(mock_call(b.t, (enum mock_op)op, 10, &b.delivered, &b.err), 0);
    ck_assert_uint_eq(b.clock.sleeps, 0);
    teardown(&b);
}
END_TEST

START_TEST(clones_share_the_limit)
{
    struct bench b;
    struct weir_transport *clone = NULL;
    setup(&b, 1 << 20);
    ck_assert_int_eq(b.t->ops->clone(b.t, &clone, &b.err), 0);
    for (unsigned i = 0; i < 20; i++)
        ck_assert_int_eq(mock_call(i % 2 ? b.t : clone, OP_PUT, 1 << 20, &b.delivered, &b.err),
                         0);
    ck_assert_int_ge(b.clock.now_ns, 19 * WEIR_NS_PER_S - WEIR_NS_PER_S / 10);
    b.t->ops->close(b.t); /* the clone outlives its origin */
    ck_assert_int_eq(mock_call(clone, OP_PUT, 1, &b.delivered, &b.err), 0);
    b.t = clone;
    teardown(&b);
}
END_TEST

START_TEST(a_new_window_counts_within_a_second)
{
    struct bench b;
    setup(&b, 1000);
    b.window.from_min = 0;
    b.window.to_min = 1; /* limited until 00:01 */
    ck_assert_int_eq(mock_call(b.t, OP_PUT, 1000000, &b.delivered, &b.err), 0); /* 1000 s */
    ck_assert_int_eq(mock_call(b.t, OP_PUT, 1, &b.delivered, &b.err), 0);
    ck_assert_int_ge(b.clock.now_ns, 60 * WEIR_NS_PER_S);
    ck_assert_int_le(b.clock.now_ns, 61 * WEIR_NS_PER_S);
    teardown(&b);
}
END_TEST

START_TEST(a_drain_ends_the_waiting_of_a_put)
{
    struct bench b;
    setup(&b, 1000);
    ck_assert_int_eq(mock_call(b.t, OP_PUT, 1000000, &b.delivered, &b.err), 0);
    b.clock.raise_at_sleep = &b.cancel;
    ck_assert_int_eq(mock_call(b.t, OP_PUT_PART, 1, &b.delivered, &b.err), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_CANCELLED);
    ck_assert(!b.err.retryable);
    ck_assert_uint_eq(b.store.calls, 1);
    ck_assert_uint_le(b.clock.sleeps, 1);
    teardown(&b);
}
END_TEST

START_TEST(a_get_in_flight_ends_only_at_once)
{
    struct bench b;
    setup(&b, 1000);
    b.clock.raise_at_sleep = &b.cancel; /* drain: what is in flight goes on */
    ck_assert_int_eq(mock_call(b.t, OP_GET, 5000, &b.delivered, &b.err), 0);
    ck_assert_uint_eq(b.delivered, 5);
    weir_cancel_raise(&b.cancel, WEIR_CANCEL_NOW);
    ck_assert_int_eq(mock_call(b.t, OP_GET, 5000, &b.delivered, &b.err), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_CANCELLED);
    teardown(&b);
}
END_TEST

START_TEST(idle_time_is_saved_up_for_a_second_only)
{
    struct weir_window w = {.days = 0x7f, .to_min = 1440, .bytes_per_s = 1000};
    struct weir_transfer transfer = {.windows = &w, .window_count = 1};
    struct weir_bucket b;
    weir_bucket_init(&b, &transfer);
    ck_assert_int_eq(weir_bucket_take(&b, 1, 0, MONDAY_NS), 0);
    int64_t hour = 3600 * WEIR_NS_PER_S;
    ck_assert_int_eq(weir_bucket_take(&b, 3000, hour, MONDAY_NS + hour), 0);
    int64_t wait = weir_bucket_take(&b, 1, hour, MONDAY_NS + hour);
    ck_assert_int_eq(wait, WEIR_NS_PER_S); /* 2 s of debt, asked again within one */
    /* a clock that goes back gives nothing and breaks nothing */
    ck_assert_int_gt(weir_bucket_take(&b, 1, hour - WEIR_NS_PER_S, MONDAY_NS + hour), 0);
    weir_bucket_fini(&b);
}
END_TEST

START_TEST(wrap_puts_retry_around_throttle)
{
    static const struct mock_step steps[] = {{.code = WEIR_E_SERVER, .retryable = true},
                                             {.code = WEIR_OK}};
    struct bench b;
    struct weir_transport *wrapped = NULL;
    setup(&b, 1 << 20);
    teardown(&b);
    b.store = (struct mock_store){.steps = steps, .count = 2};
    ck_assert_int_eq(
        weir_transport_wrap(&b.options, &b.transfer, mock_open(&b.store), &wrapped, &b.err), 0);
    int64_t start = b.clock.now_ns;
    ck_assert_int_eq(mock_call(wrapped, OP_PUT, 10 << 20, &b.delivered, &b.err), 0);
    ck_assert_uint_eq(b.store.calls, 2);
    /* the second try paid for its bytes too: it waited for the debt of the first */
    ck_assert_int_ge(b.clock.now_ns - start, 10 * WEIR_NS_PER_S - WEIR_NS_PER_S / 10);
    b.t = wrapped;
    teardown(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("wrap_throttle");
    TCase *tc = tcase_create("wrap_throttle");
    tcase_add_loop_test(tc, the_mean_rate_is_the_limit, 0,
                        (int)(sizeof(loads) / sizeof(loads[0])));
    tcase_add_test(tc, no_limit_no_wait);
    tcase_add_test(tc, only_bodies_wait);
    tcase_add_test(tc, clones_share_the_limit);
    tcase_add_test(tc, a_new_window_counts_within_a_second);
    tcase_add_test(tc, a_drain_ends_the_waiting_of_a_put);
    tcase_add_test(tc, a_get_in_flight_ends_only_at_once);
    tcase_add_test(tc, idle_time_is_saved_up_for_a_second_only);
    tcase_add_test(tc, wrap_puts_retry_around_throttle);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
