#include "wrap/retry_budget.h"

void
weir_retry_budget_init(struct weir_retry_budget *b)
{
    (void)pthread_mutex_init(&b->shared.lock, NULL);
    b->shared.tokens = WEIR_RETRY_BUDGET_TOKENS;
}

void
weir_retry_budget_fini(struct weir_retry_budget *b)
{
    (void)pthread_mutex_destroy(&b->shared.lock);
}

bool
weir_retry_budget_take(struct weir_retry_budget *b, unsigned cost)
{
    (void)pthread_mutex_lock(&b->shared.lock);
    bool enough = b->shared.tokens >= cost;
    if (enough)
        b->shared.tokens -= cost;
    (void)pthread_mutex_unlock(&b->shared.lock);
    return enough;
}

void
weir_retry_budget_give(struct weir_retry_budget *b, unsigned tokens)
{
    (void)pthread_mutex_lock(&b->shared.lock);
    unsigned room = WEIR_RETRY_BUDGET_TOKENS - b->shared.tokens;
    b->shared.tokens += tokens < room ? tokens : room;
    (void)pthread_mutex_unlock(&b->shared.lock);
}
