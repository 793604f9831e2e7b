/* pool -- the worker threads: tasks in, the same tasks with results out. */
#ifndef WEIR_TRANSFER_POOL_H
#define WEIR_TRANSFER_POOL_H

#include "transfer/worker.h"

struct weir_pool;

/* Receives finished tasks; called by worker threads.  Empties *l. */
typedef void weir_pool_done_fn(void *ctx, struct weir_list *l);

/**
 * weir_pool_start() -- start count threads, each with a clone of transport.
 * sender and transport are borrowed while the pool lives.
 */
int weir_pool_start(const struct weir_sender *sender, struct weir_transport *transport,
                    unsigned count, weir_pool_done_fn *done, void *ctx, struct weir_pool **out,
                    struct weir_err *err);

/* Hands over every task of *l, which is empty afterwards. */
void weir_pool_submit(struct weir_pool *p, struct weir_list *l);

/* Lets the workers finish what was submitted, then joins them and frees the pool. */
void weir_pool_stop(struct weir_pool *p); /* NULL is fine */

#endif
