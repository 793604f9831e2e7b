#include "thread/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct weir_queue {
    struct { /* guarded by lock */
        pthread_mutex_t lock;
        pthread_cond_t filled;
        struct weir_list list;
        size_t waiting; /* threads inside pthread_cond_wait: no signal is sent for nobody */
        size_t
            enough; /* what the waiter wants before it is worth waking it; 0 or 1: anything */
        bool closed;
    } shared;
};

void
weir_list_append(struct weir_list *l, struct weir_node *n)
{
    n->next = NULL;
    if (l->last == NULL)
        l->first = n;
    else
        l->last->next = n;
    l->last = n;
    l->count++;
}

struct weir_node *
weir_list_take(struct weir_list *l)
{
    struct weir_node *n = l->first;
    if (n == NULL)
        return NULL;
    l->first = n->next;
    if (l->first == NULL)
        l->last = NULL;
    l->count--;
    n->next = NULL;
    return n;
}

int
weir_queue_create(struct weir_queue **out, struct weir_err *err)
{
    struct weir_queue *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "queue");
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&q->shared.lock, NULL);
    (void)pthread_cond_init(&q->shared.filled, &attr);
    (void)pthread_condattr_destroy(&attr);
    *out = q;
    return 0;
}

void
weir_queue_free(struct weir_queue *q)
{
    if (q == NULL)
        return;
    (void)pthread_cond_destroy(&q->shared.filled);
    (void)pthread_mutex_destroy(&q->shared.lock);
    free(q);
}

void
weir_queue_push(struct weir_queue *q, struct weir_list *l)
{
    if (l->first == NULL)
        return;
    (void)pthread_mutex_lock(&q->shared.lock);
    struct weir_list *in = &q->shared.list;
    if (in->last == NULL)
        in->first = l->first;
    else
        in->last->next = l->first;
    in->last = l->last;
    in->count += l->count;
    size_t wake = l->count < q->shared.waiting ? l->count : q->shared.waiting;
    if (in->count < q->shared.enough)
        wake = 0;
    (void)pthread_mutex_unlock(&q->shared.lock);
    for (size_t i = 0; i < wake; i++) /* after the unlock: the woken thread can go on at once */
        (void)pthread_cond_signal(&q->shared.filled);
    *l = (struct weir_list){0};
}

static struct timespec
deadline(int64_t timeout_ms)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(timeout_ms / 1000);
    t.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

/* Waits for enough nodes, the close or the deadline. */
static enum weir_queue_wait
wait_locked(struct weir_queue *q, const struct weir_queue_want *want)
{
    size_t enough = want->enough > 1 ? want->enough : 1;
    struct timespec until = {0};
    if (want->timeout_ms > 0 && q->shared.list.count < enough)
        until = deadline(want->timeout_ms);
    bool late = want->timeout_ms == 0;
    while (q->shared.list.count < enough && !q->shared.closed && !late) {
        q->shared.waiting++;
        q->shared.enough = enough;
        late = (want->timeout_ms < 0
                    ? pthread_cond_wait(&q->shared.filled, &q->shared.lock)
                    : pthread_cond_timedwait(&q->shared.filled, &q->shared.lock, &until)) ==
               ETIMEDOUT;
        q->shared.enough = 0;
        q->shared.waiting--;
    }
    if (q->shared.list.count > 0)
        return WEIR_QUEUE_GOT;
    return q->shared.closed ? WEIR_QUEUE_CLOSED : WEIR_QUEUE_TIMEOUT;
}

enum weir_queue_wait
weir_queue_pop(struct weir_queue *q, struct weir_list *l, const struct weir_queue_want *want)
{
    (void)pthread_mutex_lock(&q->shared.lock);
    enum weir_queue_wait got = wait_locked(q, want);
    if (got == WEIR_QUEUE_GOT) {
        size_t take = q->shared.list.count;
        if (want->share > 0)
            take = take / want->share > 0 ? take / want->share : 1;
        for (size_t i = 0; i < take && i < want->max; i++)
            weir_list_append(l, weir_list_take(&q->shared.list));
    }
    (void)pthread_mutex_unlock(&q->shared.lock);
    return got;
}

void
weir_queue_close(struct weir_queue *q)
{
    (void)pthread_mutex_lock(&q->shared.lock);
    q->shared.closed = true;
    (void)pthread_cond_broadcast(&q->shared.filled);
    (void)pthread_mutex_unlock(&q->shared.lock);
}
