/* session: what happens while nothing happens: a silent server, and cancelling. */
#include "canned.h"

#include <time.h>

#include "s3/session.h"

static int listener;
static char origin[64];
static struct weir_s3_session session;
static struct weir_cancel cancel;
static struct weir_err err;

/* A server that takes connections into its backlog and never says a word. */
static void
setup(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof(at);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, bytes), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &bytes), 0);
    (void)snprintf(origin, sizeof(origin), "http://127.0.0.1:%u", ntohs(at.sin_port));
    memset(&err, 0, sizeof(err));
    atomic_store(&cancel.level, WEIR_CANCEL_NONE);
    struct weir_s3_session_options o = {
        .cancel = &cancel, .connect_timeout_ms = 1000, .stall_timeout_s = 1};
    ck_assert_int_eq(weir_s3_session_init(&session, &o, &err), 0);
}

static void
teardown(void)
{
    weir_s3_session_fini(&session);
    (void)close(listener);
}

static double
seconds(void)
{
    struct timespec now;
    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST(a_silent_server_is_given_up)
{
    struct weir_s3_call call = {
        .method = WEIR_S3_PUT, .origin = origin, .target = "/k", .body = "x", .body_bytes = 1};
    double began = seconds();
    CURLcode rc = weir_s3_session_perform(&session, &call);
    ck_assert_int_eq(rc, CURLE_OPERATION_TIMEDOUT);
    ck_assert(seconds() - began < 10);
    ck_assert_int_eq(weir_s3_session_fail(&session, rc, true, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_NETWORK);
    ck_assert(err.retryable);
    ck_assert(err.outcome_unknown);
    weir_err_clear(&err);
    weir_s3_session_fail(&session, rc, false, &err);
    ck_assert(!err.outcome_unknown); /* reading changes nothing */
}
END_TEST

static void *
cancel_soon(void *arg)
{
    (void)arg;
    const struct timespec wait = {.tv_sec = 2, .tv_nsec = 500000000};
    (void)nanosleep(&wait, NULL);
    weir_cancel_raise(&cancel, WEIR_CANCEL_NOW);
    return NULL;
}

START_TEST(complete_waits_longer_and_can_be_cancelled)
{
    struct weir_s3_call call = {.method = WEIR_S3_POST,
                                .origin = origin,
                                .target = "/k",
                                .body = "x",
                                .body_bytes = 1,
                                .no_stall = true};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    double began = seconds();
    CURLcode rc = weir_s3_session_perform(&session, &call);
    double took = seconds() - began;
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(rc, CURLE_ABORTED_BY_CALLBACK);
    ck_assert(took > 2.4); /* longer than the stall timeout */
    ck_assert(took < 10);
    weir_s3_session_fail(&session, rc, true, &err);
    ck_assert_int_eq(err.code, WEIR_E_CANCELLED);
    ck_assert(err.outcome_unknown);
    ck_assert(!err.retryable);
}
END_TEST

START_TEST(draining_finishes_what_is_under_way)
{
    struct weir_s3_call call = {.method = WEIR_S3_GET, .origin = origin, .target = "/k"};
    weir_cancel_raise(&cancel, WEIR_CANCEL_DRAIN);
    ck_assert_int_eq(weir_s3_session_perform(&session, &call), CURLE_OPERATION_TIMEDOUT);
    ck_assert_uint_eq(session.sends, 1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("s3_session");
    TCase *tc = tcase_create("session");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_silent_server_is_given_up);
    tcase_add_test(tc, complete_waits_longer_and_can_be_cancelled);
    tcase_add_test(tc, draining_finishes_what_is_under_way);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
