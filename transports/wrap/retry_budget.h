/* retry_budget -- how many retries a run may make in a row, shared by all handles.
 *
 * 500 tokens.  A retry costs 5, after a network error or timeout 10; a success gives back what
 * its last retry cost, or 1.  When most requests fail the budget runs dry and errors come out
 * at once, instead of every worker hammering a store that is down. */
#ifndef WEIR_WRAP_RETRY_BUDGET_H
#define WEIR_WRAP_RETRY_BUDGET_H

#include <pthread.h>
#include <stdbool.h>

#define WEIR_RETRY_BUDGET_TOKENS 500u

struct weir_retry_budget {
    struct { /* guarded by lock */
        pthread_mutex_t lock;
        unsigned tokens;
    } shared;
};

void weir_retry_budget_init(struct weir_retry_budget *b);
void weir_retry_budget_fini(struct weir_retry_budget *b);
/* false, and nothing taken, when fewer are left. */
bool weir_retry_budget_take(struct weir_retry_budget *b, unsigned cost);
void weir_retry_budget_give(struct weir_retry_budget *b, unsigned tokens);

#endif
