/* queue and budget: nothing is lost, nothing comes twice, waiters wake; run under TSan too. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "../main_check.h"
#include "thread/budget.h"
#include "thread/queue.h"

#define NODES 20000
#define THREADS 4

struct job {
    struct weir_node node;
    size_t number;
};

struct stage {
    struct weir_queue *q;
    struct job *jobs;
    atomic_size_t next;
    atomic_uchar seen[NODES];
};

static void *
produce(void *arg)
{
    struct stage *s = arg;
    struct weir_list l = {0};
    for (;;) {
        size_t i = atomic_fetch_add(&s->next, 1);
        if (i >= NODES)
            break;
        s->jobs[i].number = i;
        weir_list_append(&l, &s->jobs[i].node);
        if (i % 7 == 0)
            weir_queue_push(s->q, &l);
    }
    weir_queue_push(s->q, &l);
    return NULL;
}

static void *
consume(void *arg)
{
    struct stage *s = arg;
    struct weir_list l = {0};
    struct weir_queue_want want = {.max = 16, .share = THREADS, .timeout_ms = -1};
    while (weir_queue_pop(s->q, &l, &want) == WEIR_QUEUE_GOT) {
        struct weir_node *n;
        while ((n = weir_list_take(&l)) != NULL)
            atomic_fetch_add(&s->seen[((struct job *)n)->number], 1);
    }
    return NULL;
}

START_TEST(every_job_arrives_once)
{
    struct stage *s = calloc(1, sizeof(*s));
    struct weir_err err = WEIR_ERR_INIT;
    pthread_t in[THREADS], out[THREADS];
    s->jobs = calloc(NODES, sizeof(*s->jobs));
    ck_assert_int_eq(weir_queue_create(&s->q, &err), 0);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&in[i], NULL, produce, s), 0);
        ck_assert_int_eq(pthread_create(&out[i], NULL, consume, s), 0);
    }
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(in[i], NULL);
    weir_queue_close(s->q);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(out[i], NULL);
    for (size_t i = 0; i < NODES; i++)
        ck_assert_msg(atomic_load(&s->seen[i]) == 1, "job %zu came %u times", i,
                      atomic_load(&s->seen[i]));
    weir_queue_free(s->q);
    free(s->jobs);
    free(s);
}
END_TEST

static enum weir_queue_wait
pop(struct weir_queue *q, struct weir_list *l, size_t max, size_t share, int64_t timeout_ms)
{
    struct weir_queue_want want = {.max = max, .share = share, .timeout_ms = timeout_ms};
    return weir_queue_pop(q, l, &want);
}

/* A waiter for five is not content with four until its time is up, and takes what there is. */
START_TEST(pop_waits_for_enough)
{
    struct weir_queue *q = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    struct job jobs[5];
    struct weir_list l = {0}, got = {0};
    struct weir_queue_want want = {.max = 16, .enough = 5, .timeout_ms = 20};
    memset(jobs, 0, sizeof(jobs));
    ck_assert_int_eq(weir_queue_create(&q, &err), 0);
    ck_assert_int_eq(weir_queue_pop(q, &got, &want), WEIR_QUEUE_TIMEOUT);
    for (int i = 0; i < 4; i++)
        weir_list_append(&l, &jobs[i].node);
    weir_queue_push(q, &l);
    struct timespec before, after;
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert_int_eq(weir_queue_pop(q, &got, &want), WEIR_QUEUE_GOT);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_uint_eq(got.count, 4);
    ck_assert_int_ge((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec -
                         before.tv_nsec,
                     19000000L);
    want.timeout_ms = -1; /* enough is there: no wait at all */
    for (int i = 0; i < 4; i++)
        weir_list_append(&l, weir_list_take(&got));
    weir_list_append(&l, &jobs[4].node);
    weir_queue_push(q, &l);
    ck_assert_int_eq(weir_queue_pop(q, &got, &want), WEIR_QUEUE_GOT);
    ck_assert_uint_eq(got.count, 5);
    weir_queue_free(q);
}
END_TEST

START_TEST(pop_shares_times_out_and_closes)
{
    struct weir_queue *q = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    struct job jobs[8];
    struct weir_list l = {0}, got = {0};
    memset(jobs, 0, sizeof(jobs));
    ck_assert_int_eq(weir_queue_create(&q, &err), 0);
    ck_assert_int_eq(pop(q, &got, 1, 0, 0), WEIR_QUEUE_TIMEOUT);
    ck_assert_int_eq(pop(q, &got, 1, 0, 5), WEIR_QUEUE_TIMEOUT);
    for (int i = 0; i < 8; i++)
        weir_list_append(&l, &jobs[i].node);
    weir_queue_push(q, &l);
    ck_assert_ptr_null(l.first);
    ck_assert_int_eq(pop(q, &got, 16, 4, -1), WEIR_QUEUE_GOT);
    ck_assert_uint_eq(got.count, 2); /* a quarter of eight */
    ck_assert_int_eq(pop(q, &got, 16, 100, -1), WEIR_QUEUE_GOT);
    ck_assert_uint_eq(got.count, 3); /* at least one */
    weir_queue_close(q);
    ck_assert_int_eq(pop(q, &got, 16, 0, -1), WEIR_QUEUE_GOT); /* what is inside */
    ck_assert_uint_eq(got.count, 8);
    ck_assert_int_eq(pop(q, &got, 1, 0, -1), WEIR_QUEUE_CLOSED);
    for (int i = 0; i < 8; i++) /* first in, first out */
        ck_assert_ptr_eq(weir_list_take(&got), &jobs[i].node);
    weir_queue_free(q);
}
END_TEST

struct purse {
    struct weir_budget *b;
    atomic_long out, worst;
    atomic_int refused;
};

static void *
spend(void *arg)
{
    struct purse *p = arg;
    for (int i = 0; i < 2000; i++) {
        long n = 1 + i % 5;
        if (!weir_budget_take(p->b, (uint64_t)n)) {
            atomic_fetch_add(&p->refused, 1);
            return NULL;
        }
        long now = atomic_fetch_add(&p->out, n) + n;
        long worst = atomic_load(&p->worst);
        while (now > worst && !atomic_compare_exchange_weak(&p->worst, &worst, now))
            ;
        atomic_fetch_sub(&p->out, n);
        weir_budget_give(p->b, (uint64_t)n);
    }
    return NULL;
}

START_TEST(budget_is_never_exceeded)
{
    struct purse p = {0};
    struct weir_err err = WEIR_ERR_INIT;
    pthread_t t[THREADS];
    ck_assert_int_eq(weir_budget_create(7, &p.b, &err), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, spend, &p), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(t[i], NULL);
    ck_assert_int_le(atomic_load(&p.worst), 7);
    ck_assert_int_gt(atomic_load(&p.worst), 0);
    weir_budget_free(p.b);
}
END_TEST

START_TEST(oversized_goes_alone_and_close_wakes)
{
    struct purse p = {0};
    struct weir_err err = WEIR_ERR_INIT;
    pthread_t t;
    ck_assert_int_eq(weir_budget_create(3, &p.b, &err), 0);
    ck_assert(weir_budget_take(p.b, 100)); /* more than the limit, nothing else is out */
    ck_assert_int_eq(pthread_create(&t, NULL, spend, &p), 0);
    weir_budget_close(p.b);
    (void)pthread_join(t, NULL);
    ck_assert_int_eq(atomic_load(&p.refused), 1);
    weir_budget_free(p.b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("thread");
    TCase *tc = tcase_create("thread");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, every_job_arrives_once);
    tcase_add_test(tc, pop_waits_for_enough);
    tcase_add_test(tc, pop_shares_times_out_and_closes);
    tcase_add_test(tc, budget_is_never_exceeded);
    tcase_add_test(tc, oversized_goes_alone_and_close_wakes);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
