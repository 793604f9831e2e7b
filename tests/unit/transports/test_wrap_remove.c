/* wrap/retry: a batch of keys, again for those that are not settled, each told once. */
#include "wrap_mock.h"

#include <stdio.h>

#include "wrap/wrap.h"

enum { KEYS = 6 };
static const char *const keys[KEYS] = {"a", "b", "c", "d", "e", "f"};

/* What becomes of each key in a try: '.' removed, 'x' refused for good, 's' slow down, 'i'
 * internal error, '?' not told of.  call: the call itself fails with this. */
struct step {
    const char *fate; /* of a, b, c, ... by name */
    enum weir_code call;
    bool retryable;
};

static struct {
    struct weir_transport_ops ops; /* of the mock, but for remove_many */
    const struct step *steps;
    size_t tries;
    char asked[8][KEYS + 1]; /* which keys, in each try */
    char told[KEYS];         /* what the caller heard: '.', or the first letter of a code */
    unsigned told_count;
    char version[KEYS][8];
    char text[KEYS][512];
    bool unknown[KEYS];
} play;

static int
play_remove_many(struct weir_transport *t, const char *const *asked, size_t count,
                 weir_removed_fn *fn, void *ctx, struct weir_err *err)
{
    (void)t;
    const struct step *s = &play.steps[play.tries];
    char *note = play.asked[play.tries++ % 8];
    for (size_t i = 0; i < count; i++) {
        struct weir_err why = WEIR_ERR_INIT;
        char fate = s->fate[asked[i][0] - 'a'];
        *note++ = asked[i][0];
        *note = '\0';
        if (fate == '?')
            continue;
        if (fate == 'x')
            weir_err_set(&why, WEIR_E_ACCESS, "no right");
        if (fate == 's' || fate == 'i') {
            weir_err_set(&why, fate == 's' ? WEIR_E_THROTTLED : WEIR_E_SERVER, "try %zu of %s",
                         play.tries, asked[i]);
            why.retryable = true;
        }
        fn(ctx, i, fate == '.' ? "v9" : "", why.code == WEIR_OK ? NULL : &why);
    }
    if (s->call == WEIR_OK)
        return 0;
    weir_err_set(err, s->call, "call %zu", play.tries);
    err->retryable = s->retryable;
    err->outcome_unknown = s->call == WEIR_E_NETWORK;
    return -1;
}

static void
on_removed(void *ctx, size_t index, const char *version, const struct weir_err *why)
{
    ck_assert_ptr_eq(ctx, &play);
    ck_assert_uint_lt(index, KEYS);
    ck_assert_int_eq(play.told[index], 0); /* once for each key */
    play.told[index] = why == NULL ? '.' : weir_err_name(why->code)[0];
    play.told_count++;
    (void)snprintf(play.version[index], sizeof(play.version[0]), "%s", version);
    if (why != NULL) {
        (void)weir_err_text(why, play.text[index], sizeof(play.text[0]));
        play.unknown[index] = why->outcome_unknown;
    }
}

static struct mock_clock mock_time = MOCK_CLOCK;
static struct weir_cancel cancel;
static struct weir_transport_counters counters;
static struct weir_err err;

static void
setup(void)
{
    memset(&play, 0, sizeof(play));
    mock_time = (struct mock_clock)MOCK_CLOCK;
    atomic_store(&cancel.level, WEIR_CANCEL_NONE);
    atomic_store(&counters.retries, 0);
    weir_err_clear(&err);
}

/* Runs a batch of all keys through the steps. */
static int
run_batch(const struct step *steps)
{
    struct mock_store store = {.count = 1};
    struct weir_transport_options options = {
        .clock = &mock_time.base, .cancel = &cancel, .counters = &counters, .seed = 7};
    struct weir_transport *inner = mock_open(&store), *t = NULL;
    play.ops = mock_ops;
    play.ops.remove_many = play_remove_many;
    play.steps = steps;
    inner->ops = &play.ops;
    ck_assert_int_eq(weir_retry_open(&options, inner, &t, &err), 0);
    int rc = t->ops->remove_many(t, keys, KEYS, on_removed, &play, &err);
    t->ops->close(t);
    return rc;
}

static void
expect_told(const char *all)
{
    for (size_t i = 0; i < KEYS; i++)
        ck_assert_msg(play.told[i] == (all[i] == ' ' ? 0 : all[i]), "key %s: told '%c'",
                      keys[i], play.told[i]);
}

START_TEST(only_unsettled_keys_are_asked_again)
{
    static const struct step steps[] = {
        {.fate = ".s.ix."}, {.fate = "?.?s??"}, {.fate = "???.??"}};
    ck_assert_int_eq(run_batch(steps), 0);
    ck_assert_int_eq(err.code, WEIR_OK);
    expect_told("....a.");
    ck_assert_uint_eq(play.tries, 3);
    ck_assert_str_eq(play.asked[0], "abcdef");
    ck_assert_str_eq(play.asked[1], "bd");
    ck_assert_str_eq(play.asked[2], "d");
    ck_assert_str_eq(play.version[0], "v9");
    ck_assert_str_eq(play.version[3], "v9");
    ck_assert_str_eq(play.text[4], "no right"); /* at once, and as it was */
    ck_assert_uint_eq(counters.retries, 2);
}
END_TEST

START_TEST(a_lost_reply_leaves_keys_in_doubt)
{
    static const struct step steps[] = {{"..????", WEIR_E_NETWORK, true}, {.fate = "??...x"}};
    ck_assert_int_eq(run_batch(steps), 0);
    expect_told(".....a");
    ck_assert_str_eq(play.asked[1], "cdef");
}
END_TEST

START_TEST(a_failure_for_good_tells_what_is_known)
{
    static const struct step steps[] = {{"..s???", WEIR_E_NETWORK, true},
                                        {"????.?", WEIR_E_CREDENTIALS, false}};
    ck_assert_int_eq(run_batch(steps), -1);
    ck_assert_int_eq(err.code, WEIR_E_CREDENTIALS);
    ck_assert(err.outcome_unknown); /* of the first try */
    expect_told("..t . ");          /* d and f: nobody knows; c said to slow down */
    ck_assert_ptr_nonnull(strstr(play.text[2], "try 1 of c"));
}
END_TEST

START_TEST(keys_that_keep_failing_are_told_with_their_own_error)
{
    static const struct step steps[] = {
        {.fate = "s..i.."}, {.fate = "s??i??"}, {.fate = "s??i??"}, {.fate = "s??i??"},
        {.fate = "s??i??"}, {.fate = "s??i??"}, {.fate = "s??i??"}, {.fate = "s??i??"},
        {.fate = "s??i??"}, {.fate = "s??i??"}};
    ck_assert_int_eq(run_batch(steps), 0); /* every key was told of */
    ck_assert_int_eq(err.code, WEIR_OK);
    expect_told("t..s..");
    ck_assert_uint_eq(play.tries, 10);
    ck_assert_str_eq(play.text[0], "gave up after 10 of 10 tries: try 10 of a");
    ck_assert_str_eq(play.text[3], "gave up after 10 of 10 tries: try 10 of d");
}
END_TEST

START_TEST(a_call_that_keeps_failing_gives_up)
{
    static struct step steps[10];
    for (size_t i = 0; i < 10; i++)
        steps[i] = (struct step){"?.????", WEIR_E_SERVER, true};
    ck_assert_int_eq(run_batch(steps), -1);
    ck_assert_int_eq(err.code, WEIR_E_SERVER);
    ck_assert_uint_eq(play.tries, 10);
    expect_told(" .    ");
    ck_assert_str_eq(play.asked[1], "acdef");
}
END_TEST

START_TEST(a_drain_ends_the_tries)
{
    static const struct step steps[] = {{.fate = "s....?", .call = WEIR_OK},
                                        {.fate = "......"}};
    weir_cancel_raise(&cancel, WEIR_CANCEL_DRAIN);
    ck_assert_int_eq(run_batch(steps), 0);
    ck_assert_uint_eq(play.tries, 1);
    expect_told("c.... ");
    ck_assert_ptr_nonnull(strstr(play.text[0], "stopped by a signal after 1 of 10 tries"));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("wrap_remove");
    TCase *tc = tcase_create("wrap_remove");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, only_unsettled_keys_are_asked_again);
    tcase_add_test(tc, a_lost_reply_leaves_keys_in_doubt);
    tcase_add_test(tc, a_failure_for_good_tells_what_is_known);
    tcase_add_test(tc, keys_that_keep_failing_are_told_with_their_own_error);
    tcase_add_test(tc, a_call_that_keeps_failing_gives_up);
    tcase_add_test(tc, a_drain_ends_the_tries);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
