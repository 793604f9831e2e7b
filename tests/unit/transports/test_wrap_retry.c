/* wrap/retry: what is tried again, how often, how long it waits, and what it says. */
#include "wrap_mock.h"

#include "wrap/tries.h"
#include "wrap/wrap.h"

struct bench { /* a retry around the mock, with everything it needs */
    struct mock_clock clock;
    struct weir_cancel cancel;
    struct weir_transport_counters counters;
    struct weir_transport_options options;
    struct mock_store store;
    struct weir_transport *t;
    struct weir_err err;
    unsigned delivered;
    unsigned retries_told;
    int64_t waits_ns;
};

static void
on_retry(void *ctx, const struct weir_err *err, unsigned attempt, int64_t wait_ns)
{
    struct bench *b = ctx;
    ck_assert_int_ne(err->code, WEIR_OK);
    b->retries_told++;
    ck_assert_uint_ge(attempt, 1);
    b->waits_ns += wait_ns;
}

static void
setup(struct bench *b, const struct mock_step *steps, size_t count)
{
    memset(b, 0, sizeof(*b));
    b->clock = (struct mock_clock)MOCK_CLOCK;
    b->store.steps = steps;
    b->store.count = count;
    b->options = (struct weir_transport_options){.clock = &b->clock.base,
                                                 .cancel = &b->cancel,
                                                 .counters = &b->counters,
                                                 .seed = 42,
                                                 .on_retry = on_retry,
                                                 .on_retry_ctx = b};
    ck_assert_int_eq(weir_retry_open(&b->options, mock_open(&b->store), &b->t, &b->err), 0);
}

static void
teardown(struct bench *b)
{
    b->t->ops->close(b->t);
    ck_assert_uint_eq(b->store.open, 0);
}

static const char *
text_of(const struct weir_err *err)
{
    static char text[2048];
    return weir_err_text(err, text, sizeof(text));
}

#define THROTTLED                                                                              \
    {                                                                                          \
        .code = WEIR_E_THROTTLED, .retryable = true                                            \
    }
#define SERVER                                                                                 \
    {                                                                                          \
        .code = WEIR_E_SERVER, .retryable = true                                               \
    }
#define LOST                                                                                   \
    {                                                                                          \
        .code = WEIR_E_NETWORK, .retryable = true, .unknown = true                             \
    }
#define FINE                                                                                   \
    {                                                                                          \
        .code = WEIR_OK                                                                        \
    }

START_TEST(every_operation_is_tried_again)
{
    static const struct mock_step steps[] = {THROTTLED, SERVER, THROTTLED, FINE};
    struct bench b;
    setup(&b, steps, 4);
    ck_assert_int_eq(mock_call(b.t, (enum mock_op)_i, 10, &b.delivered, &b.err), 0);
    ck_assert_int_eq(b.err.code, WEIR_OK);
    ck_assert_uint_eq(b.store.calls, 4);
    ck_assert_uint_eq(b.counters.retries, 3);
    ck_assert_uint_eq(b.counters.throttled, 0); /* the transport inside counts its replies */
    ck_assert_uint_eq(b.retries_told, 3);
    ck_assert_int_eq(b.clock.now_ns, b.waits_ns);
    teardown(&b);
}
END_TEST

START_TEST(every_operation_gives_up)
{
    static const struct mock_step steps[] = {SERVER};
    struct bench b;
    setup(&b, steps, 1);
    ck_assert_int_eq(mock_call(b.t, (enum mock_op)_i, 10, &b.delivered, &b.err), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_SERVER);
    ck_assert_uint_eq(b.store.calls, 10);
    ck_assert_str_eq(text_of(&b.err), "gave up after 10 of 10 tries: call 10");
    ck_assert_int_lt(b.clock.now_ns, 60 * WEIR_NS_PER_S);
    teardown(&b);
}
END_TEST

START_TEST(every_operation_fails_at_once_when_no_retry_helps)
{
    static const struct mock_step steps[] = {{.code = WEIR_E_ACCESS}};
    struct bench b;
    setup(&b, steps, 1);
    ck_assert_int_eq(mock_call(b.t, (enum mock_op)_i, 10, &b.delivered, &b.err), -1);
    ck_assert_uint_eq(b.store.calls, 1);
    ck_assert_str_eq(text_of(&b.err), "call 1");
    ck_assert_uint_eq(b.clock.sleeps, 0);
    teardown(&b);
}
END_TEST

START_TEST(a_final_answer_after_retries_says_which_try)
{
    static const struct mock_step steps[] = {SERVER, SERVER, {.code = WEIR_E_NOT_FOUND}};
    struct bench b;
    setup(&b, steps, 3);
    ck_assert_int_eq(mock_call(b.t, OP_HEAD, 0, &b.delivered, &b.err), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_NOT_FOUND);
    ck_assert(!b.err.outcome_unknown);
    ck_assert_str_eq(text_of(&b.err), "on try 3 of 10: call 3");
    teardown(&b);
}
END_TEST

/* ---- unknown outcomes ---- */

static bool
engine_settles(int op) /* what a lost create or complete left behind */
{
    return op == OP_CREATE || op == OP_COMPLETE;
}

START_TEST(lost_create_and_complete_are_left_to_the_engine)
{
    static const struct mock_step steps[] = {LOST};
    struct bench b;
    if (!engine_settles(_i))
        return;
    setup(&b, steps, 1);
    ck_assert_int_eq(mock_call(b.t, (enum mock_op)_i, 0, &b.delivered, &b.err), -1);
    ck_assert_uint_eq(b.store.calls, 1);
    ck_assert(b.err.outcome_unknown);
    teardown(&b);
}
END_TEST

START_TEST(lost_others_are_repeated)
{
    static const struct mock_step steps[] = {LOST, LOST, FINE};
    struct bench b;
    if (engine_settles(_i))
        return;
    setup(&b, steps, 3);
    ck_assert_int_eq(mock_call(b.t, (enum mock_op)_i, 10, &b.delivered, &b.err), 0);
    ck_assert_uint_eq(b.store.calls, 3);
    teardown(&b);
}
END_TEST

/* A conditional put or copy. */
START_TEST(exists_after_a_lost_one_may_be_ours)
{
    const enum mock_op op = _i == 0 ? OP_PUT : OP_COPY;
    static const struct mock_step steps[] = {LOST, {.code = WEIR_E_EXISTS}};
    struct bench b;
    setup(&b, steps, 2);
    ck_assert_int_eq(mock_call(b.t, op, 10, &b.delivered, &b.err), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_EXISTS);
    ck_assert(b.err.outcome_unknown);
    ck_assert(!b.err.retryable);
    teardown(&b);

    static const struct mock_step known[] = {SERVER, {.code = WEIR_E_EXISTS}};
    setup(&b, known, 2);
    ck_assert_int_eq(mock_call(b.t, op, 10, &b.delivered, &b.err), -1);
    ck_assert(!b.err.outcome_unknown); /* nothing of ours can be there */
    teardown(&b);
}
END_TEST

START_TEST(refused_connection_after_a_lost_put_stays_unknown)
{
    static const struct mock_step steps[] = {LOST, {.code = WEIR_E_NETWORK, .retryable = true}};
    struct bench b;
    setup(&b, steps, 2);
    ck_assert_int_eq(mock_call(b.t, OP_PUT, 10, &b.delivered, &b.err), -1);
    ck_assert_uint_eq(b.store.calls, 10);
    ck_assert(b.err.outcome_unknown);
    teardown(&b);
}
END_TEST

/* ---- callbacks ---- */

static const enum mock_op with_callback[] = {OP_GET, OP_LIST, OP_LIST_PARTS, OP_LIST_UPLOADS};

START_TEST(nothing_is_delivered_twice)
{
    static const struct mock_step steps[] = {
        SERVER, {.code = WEIR_E_NETWORK, .retryable = true, .deliver = true}, FINE};
    struct bench b;
    setup(&b, steps, 3);
    ck_assert_int_eq(mock_call(b.t, with_callback[_i], 10, &b.delivered, &b.err), -1);
    ck_assert_uint_eq(b.store.calls, 2); /* the first again, the second not */
    ck_assert_uint_eq(b.delivered, 1);
    ck_assert_ptr_nonnull(strstr(text_of(&b.err), "not tried again"));
    teardown(&b);
}
END_TEST

/* ---- signals ---- */

START_TEST(a_drain_ends_the_waiting)
{
    static const struct mock_step steps[] = {SERVER};
    struct bench b;
    setup(&b, steps, 1);
    b.clock.raise_at_sleep = &b.cancel;
    ck_assert_int_eq(mock_call(b.t, OP_PUT, 10, &b.delivered, &b.err), -1);
    ck_assert_int_eq(b.err.code, WEIR_E_CANCELLED);
    ck_assert_ptr_nonnull(strstr(text_of(&b.err), "stopped by a signal after 1 of 10 tries"));
    ck_assert_uint_eq(b.store.calls, 1);
    ck_assert_uint_le(b.clock.sleeps, 1);
    ck_assert_uint_eq(b.counters.retries, 0);
    teardown(&b);
}
END_TEST

/* ---- the budget ---- */

START_TEST(the_budget_runs_dry_and_recovers)
{
    static const struct mock_step fails[] = {{.code = WEIR_E_NETWORK, .retryable = true}};
    static const struct mock_step works[] = {FINE};
    struct bench b;
    struct weir_transport *clone = NULL;
    setup(&b, fails, 1);
    ck_assert_int_eq(b.t->ops->clone(b.t, &clone, &b.err), 0);
    /* 500 tokens at 10 each: 5 operations of 9 retries and 5 retries of the sixth */
    for (unsigned i = 0; i < 5; i++) {
        weir_err_clear(&b.err);
        ck_assert_int_eq(mock_call(i % 2 ? b.t : clone, OP_PUT, 1, &b.delivered, &b.err), -1);
    }
    ck_assert_uint_eq(b.store.calls, 50);
    weir_err_clear(&b.err);
    ck_assert_int_eq(mock_call(b.t, OP_PUT, 1, &b.delivered, &b.err), -1);
    ck_assert_uint_eq(b.store.calls, 56);
    ck_assert_ptr_nonnull(strstr(text_of(&b.err), "gave up after 6 of 10 tries: the retry "
                                                  "budget of the run is used up"));
    weir_err_clear(&b.err);
    ck_assert_int_eq(mock_call(clone, OP_HEAD, 1, &b.delivered, &b.err), -1);
    ck_assert_uint_eq(b.store.calls, 57); /* at once */

    b.store.steps = works; /* each success gives 1 back: ten pay for one retry */
    weir_err_clear(&b.err);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(mock_call(b.t, OP_HEAD, 1, &b.delivered, &b.err), 0);
    b.store.steps = fails;
    b.store.calls = 0;
    ck_assert_int_eq(mock_call(b.t, OP_HEAD, 1, &b.delivered, &b.err), -1);
    ck_assert_uint_eq(b.store.calls, 2);
    clone->ops->close(clone);
    teardown(&b);
}
END_TEST

START_TEST(a_retry_that_works_costs_nothing)
{
    static const struct mock_step steps[] = {{.code = WEIR_E_NETWORK, .retryable = true}, FINE};
    struct bench b;
    setup(&b, steps, 2);
    for (unsigned i = 0; i < 500; i++) {
        b.store.calls = 0;
        ck_assert_int_eq(mock_call(b.t, OP_PUT, 1, &b.delivered, &b.err), 0);
    }
    ck_assert_uint_eq(b.counters.retries, 500);
    teardown(&b);
}
END_TEST

/* ---- waiting ---- */

static const struct {
    enum weir_code code;
    unsigned made, retry_after_ms;
    int64_t least_ms, most_ms;
} waits[] = {
    {WEIR_E_SERVER, 1, 0, 0, 100},
    {WEIR_E_SERVER, 2, 0, 0, 200},
    {WEIR_E_SERVER, 5, 0, 0, 1600},
    {WEIR_E_SERVER, 9, 0, 0, 20000},
    {WEIR_E_SERVER, 4000000000u, 0, 0, 20000},
    {WEIR_E_THROTTLED, 1, 0, 0, 500},
    {WEIR_E_THROTTLED, 3, 0, 0, 2000},
    {WEIR_E_THROTTLED, 1, 2000, 2000, 2000},    /* as asked */
    {WEIR_E_THROTTLED, 1, 3600000, 5000, 5500}, /* but not an hour */
    {WEIR_E_SERVER, 1, 4294967295u, 5000, 5100},
};

START_TEST(waits_are_jittered_and_bounded)
{
    struct weir_rng rng = {.state = 7};
    struct weir_err why = {.code = waits[_i].code, .retry_after_ms = waits[_i].retry_after_ms};
    int64_t least = INT64_MAX, most = 0;
    for (unsigned i = 0; i < 5000; i++) {
        int64_t wait = weir_tries_wait_ns(&why, waits[_i].made, &rng);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    int64_t low = waits[_i].least_ms * WEIR_NS_PER_MS,
            high = waits[_i].most_ms * WEIR_NS_PER_MS;
    ck_assert_int_ge(least, low);
    ck_assert_int_le(most, high);
    /* the whole range is used */
    ck_assert_int_lt(least, low + (high - low) / 20 + 1);
    ck_assert_int_gt(most, high - (high - low) / 20 - 1);
}
END_TEST

START_TEST(clones_do_not_wait_in_step)
{
    static const struct mock_step steps[] = {SERVER, FINE};
    struct bench b;
    struct weir_transport *clone = NULL;
    setup(&b, steps, 2);
    ck_assert_int_eq(b.t->ops->clone(b.t, &clone, &b.err), 0);
    ck_assert_int_eq(mock_call(b.t, OP_PUT, 1, &b.delivered, &b.err), 0);
    int64_t first = b.waits_ns;
    b.store.calls = 0;
    ck_assert_int_eq(mock_call(clone, OP_PUT, 1, &b.delivered, &b.err), 0);
    ck_assert_int_ne(b.waits_ns - first, first);
    clone->ops->close(clone);
    teardown(&b);
}
END_TEST

START_TEST(the_rest_passes_through)
{
    static const struct mock_step steps[] = {FINE};
    struct bench b;
    setup(&b, steps, 1);
    ck_assert_str_eq(b.t->ops->describe(b.t), "mock store");
    ck_assert_uint_eq(b.t->ops->limits(b.t)->part_count_max, 77);
    unsigned caps = 0;
    ck_assert_int_eq(b.t->ops->probe(b.t, 1, &caps, &b.err), 0);
    ck_assert_uint_eq(caps, 5);
    teardown(&b);
    b.options.counters = NULL; /* may be missing, all three */
    b.options.on_retry = NULL;
    b.options.cancel = NULL;
    static const struct mock_step again[] = {THROTTLED, FINE};
    b.store = (struct mock_store){.steps = again, .count = 2};
    ck_assert_int_eq(weir_retry_open(&b.options, mock_open(&b.store), &b.t, &b.err), 0);
    ck_assert_int_eq(mock_call(b.t, OP_PUT, 1, &b.delivered, NULL), 0);
    teardown(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("wrap_retry");
    TCase *tc = tcase_create("wrap_retry");
    tcase_add_loop_test(tc, every_operation_is_tried_again, 0, OPS);
    tcase_add_loop_test(tc, every_operation_gives_up, 0, OPS);
    tcase_add_loop_test(tc, every_operation_fails_at_once_when_no_retry_helps, 0, OPS);
    tcase_add_test(tc, a_final_answer_after_retries_says_which_try);
    tcase_add_loop_test(tc, lost_create_and_complete_are_left_to_the_engine, 0, OPS);
    tcase_add_loop_test(tc, lost_others_are_repeated, 0, OPS);
    tcase_add_loop_test(tc, exists_after_a_lost_one_may_be_ours, 0, 2);
    tcase_add_test(tc, refused_connection_after_a_lost_put_stays_unknown);
    tcase_add_loop_test(tc, nothing_is_delivered_twice, 0, 4);
    tcase_add_test(tc, a_drain_ends_the_waiting);
    tcase_add_test(tc, the_budget_runs_dry_and_recovers);
    tcase_add_test(tc, a_retry_that_works_costs_nothing);
    tcase_add_loop_test(tc, waits_are_jittered_and_bounded, 0,
                        (int)(sizeof(waits) / sizeof(waits[0])));
    tcase_add_test(tc, clones_do_not_wait_in_step);
    tcase_add_test(tc, the_rest_passes_through);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
