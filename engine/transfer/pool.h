/* pool -- the worker threads: tasks in, the same tasks with results out. */
#ifndef WEIR_TRANSFER_POOL_H
#define WEIR_TRANSFER_POOL_H

#include "transfer/worker.h"

struct weir_pool;

/* Receives finished tasks; called by worker threads.  Empties *l. */
typedef void weir_pool_done_fn(void *ctx, struct weir_list *l);

/**
 * weir_pool_create() -- a pool without threads yet.
 * sender and transport are borrowed while the pool lives.  One owner thread.
 */
int weir_pool_create(const struct weir_sender *sender, struct weir_transport *transport,
                     unsigned max, weir_pool_done_fn *done, void *ctx, struct weir_pool **out,
                     struct weir_err *err);

/* Starts threads, each with a clone of the transport, until there are count (never over max).
 * On error those that were started stay. */
int weir_pool_grow(struct weir_pool *p, unsigned count, struct weir_err *err);
unsigned weir_pool_size(const struct weir_pool *p);

/* Hands over every task of *l, which is empty afterwards. */
void weir_pool_submit(struct weir_pool *p, struct weir_list *l);

/* Lets the workers finish what was submitted, then joins them and frees the pool. */
void weir_pool_stop(struct weir_pool *p); /* NULL is fine */

#endif
