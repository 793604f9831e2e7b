/* budget -- a bounded amount of something (bytes, batches) shared by threads. */
#ifndef WEIR_THREAD_BUDGET_H
#define WEIR_THREAD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/err.h>

struct weir_budget;

int weir_budget_create(uint64_t limit, struct weir_budget **out, struct weir_err *err);
void weir_budget_free(struct weir_budget *b); /* NULL is fine */

/* Takes amount, waiting while it does not fit.  More than the limit is let through alone, when
 * nothing else is out, so that one oversized job cannot block for ever.  false: closed. */
bool weir_budget_take(struct weir_budget *b, uint64_t amount);
void weir_budget_give(struct weir_budget *b, uint64_t amount);
void weir_budget_close(struct weir_budget *b); /* every take fails from now on */

#endif
