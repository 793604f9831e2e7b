#include "transfer/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define TASKS_AT_ONCE 8 /* one lock for several small files */
/* What took long is not held back until the others of its group are done. */
#define DELIVER_BYTES ((uint64_t)1 << 20)
#define DELIVER_NS (5 * WEIR_NS_PER_MS)

struct thread {
    struct weir_pool *pool;
    struct weir_worker *worker;
    pthread_t id;
};

struct weir_pool {
    /* fixed after create */
    const struct weir_sender *sender;
    struct weir_transport *transport;
    struct weir_queue *tasks;
    weir_pool_done_fn *done;
    void *ctx;
    struct thread *threads; /* [max] */
    unsigned max;
    /* owner only, but read by workers to divide a short queue */
    atomic_uint started;
};

static void *
run(void *arg)
{
    struct thread *t = arg;
    struct weir_pool *p = t->pool;
    struct weir_list in = {0}, out = {0};
    struct weir_queue_want want = {.max = TASKS_AT_ONCE, .timeout_ms = -1};
    const struct weir_clock *clock = p->sender->clock;
    for (;;) {
        want.share = (size_t)atomic_load(&p->started) * 2;
        if (weir_queue_pop(p->tasks, &in, &want) != WEIR_QUEUE_GOT)
            return NULL;
        int64_t since = clock->mono_ns(clock);
        struct weir_node *n;
        while ((n = weir_list_take(&in)) != NULL) {
            struct weir_task *task = (struct weir_task *)n;
            weir_worker_run(t->worker, task);
            bool large = task->bytes >= DELIVER_BYTES;
            weir_list_append(&out, n);
            int64_t now = clock->mono_ns(clock);
            if (!large && now - since < DELIVER_NS)
                continue;
            p->done(p->ctx, &out);
            since = now;
        }
        p->done(p->ctx, &out);
    }
}

static int
start_thread(struct weir_pool *p, struct weir_err *err)
{
    struct thread *t = &p->threads[atomic_load(&p->started)];
    struct weir_transport *own = NULL;
    t->pool = p;
    if (p->transport->ops->clone(p->transport, &own, err) != 0)
        return -1;
    if (weir_worker_create(p->sender, own, &t->worker, err) != 0) {
        own->ops->close(own);
        return -1;
    }
    int rc = pthread_create(&t->id, NULL, run, t);
    if (rc != 0) {
        weir_worker_free(t->worker);
        return weir_err_sys(err, WEIR_E_IO, rc, "start of a worker thread");
    }
    atomic_fetch_add(&p->started, 1);
    return 0;
}

int
weir_pool_create(const struct weir_sender *sender, struct weir_transport *transport,
                 unsigned max, weir_pool_done_fn *done, void *ctx, struct weir_pool **out,
                 struct weir_err *err)
{
    struct weir_pool *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "worker pool");
    p->sender = sender;
    p->transport = transport;
    p->done = done;
    p->ctx = ctx;
    p->max = max;
    p->threads = calloc(max, sizeof(*p->threads));
    if (p->threads == NULL || weir_queue_create(&p->tasks, err) != 0) {
        weir_err_set(err, WEIR_E_NOMEM, "worker pool");
        weir_pool_stop(p);
        return -1;
    }
    *out = p;
    return 0;
}

int
weir_pool_grow(struct weir_pool *p, unsigned count, struct weir_err *err)
{
    while (atomic_load(&p->started) < count && atomic_load(&p->started) < p->max)
        if (start_thread(p, err) != 0)
            return -1;
    return 0;
}

unsigned
weir_pool_size(const struct weir_pool *p)
{
    return atomic_load(&p->started);
}

void
weir_pool_submit(struct weir_pool *p, struct weir_list *l)
{
    weir_queue_push(p->tasks, l);
}

void
weir_pool_stop(struct weir_pool *p)
{
    if (p == NULL)
        return;
    if (p->tasks != NULL)
        weir_queue_close(p->tasks);
    for (unsigned i = 0; i < atomic_load(&p->started); i++) {
        (void)pthread_join(p->threads[i].id, NULL);
        weir_worker_free(p->threads[i].worker);
    }
    weir_queue_free(p->tasks);
    free(p->threads);
    free(p);
}
