#include "thread/budget.h"

#include <pthread.h>
#include <stdlib.h>

struct weir_budget {
    uint64_t limit; /* fixed after create */
    struct {        /* guarded by lock */
        pthread_mutex_t lock;
        pthread_cond_t freed;
        uint64_t used;
        bool closed;
    } shared;
};

int
weir_budget_create(uint64_t limit, struct weir_budget **out, struct weir_err *err)
{
    struct weir_budget *b = calloc(1, sizeof(*b));
    if (b == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "budget");
    b->limit = limit;
    (void)pthread_mutex_init(&b->shared.lock, NULL);
    (void)pthread_cond_init(&b->shared.freed, NULL);
    *out = b;
    return 0;
}

void
weir_budget_free(struct weir_budget *b)
{
    if (b == NULL)
        return;
    (void)pthread_cond_destroy(&b->shared.freed);
    (void)pthread_mutex_destroy(&b->shared.lock);
    free(b);
}

static bool
fits_locked(const struct weir_budget *b, uint64_t amount)
{
    return b->shared.used == 0 || (amount <= b->limit && b->shared.used <= b->limit - amount);
}

bool
weir_budget_take(struct weir_budget *b, uint64_t amount)
{
    (void)pthread_mutex_lock(&b->shared.lock);
    while (!b->shared.closed && !fits_locked(b, amount))
        (void)pthread_cond_wait(&b->shared.freed, &b->shared.lock);
    bool ok = !b->shared.closed;
    if (ok)
        b->shared.used += amount;
    (void)pthread_mutex_unlock(&b->shared.lock);
    return ok;
}

void
weir_budget_give(struct weir_budget *b, uint64_t amount)
{
    (void)pthread_mutex_lock(&b->shared.lock);
    b->shared.used -= amount < b->shared.used ? amount : b->shared.used;
    (void)pthread_cond_broadcast(&b->shared.freed);
    (void)pthread_mutex_unlock(&b->shared.lock);
}

void
weir_budget_close(struct weir_budget *b)
{
    (void)pthread_mutex_lock(&b->shared.lock);
    b->shared.closed = true;
    (void)pthread_cond_broadcast(&b->shared.freed);
    (void)pthread_mutex_unlock(&b->shared.lock);
}
