/* queue -- jobs handed from thread to thread: a closable list under one lock.
 *
 * Nodes are intrusive: put a struct weir_node first in the job.  The queue itself has no limit;
 * who fills it has one (a window of jobs in flight, or a budget), so a push never blocks. */
#ifndef WEIR_THREAD_QUEUE_H
#define WEIR_THREAD_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include <weir/err.h>

struct weir_node {
    struct weir_node *next;
    int tag; /* what kind of job this is, where one queue carries several; the owner's */
};

struct weir_list { /* a chain of nodes with its end, for cheap appending; one thread's own */
    struct weir_node *first, *last;
    size_t count;
};

void weir_list_append(struct weir_list *l, struct weir_node *n);
struct weir_node *weir_list_take(struct weir_list *l); /* the first, or NULL */

struct weir_queue;

int weir_queue_create(struct weir_queue **out, struct weir_err *err);
void weir_queue_free(struct weir_queue *q); /* NULL is fine; nodes inside are not freed */

/* Appends all of *l, which is empty afterwards.  Any thread.  Wakes as many as there are nodes.
 */
void weir_queue_push(struct weir_queue *q, struct weir_list *l);

enum weir_queue_wait { WEIR_QUEUE_GOT = 0, WEIR_QUEUE_TIMEOUT, WEIR_QUEUE_CLOSED };

struct weir_queue_want {
    size_t max;    /* take at most so many */
    size_t share;  /* > 0: at most 1/share of what is queued (but at least one), so that share
                      threads divide a short queue between them */
    size_t enough; /* > 1: wait until so many are there, or for the time below */
    int64_t timeout_ms; /* < 0 waits for ever, 0 only looks */
};

/**
 * weir_queue_pop() -- append nodes to *l, as want says.
 * With enough > 1 the timeout is no failure: whatever is there is taken.  Only one thread may
 * wait for more than one node (a batch of results costs one wake-up instead of many). Returns
 * GOT, TIMEOUT (nothing came), or CLOSED when the queue is closed and empty.
 */
enum weir_queue_wait weir_queue_pop(struct weir_queue *q, struct weir_list *l,
                                    const struct weir_queue_want *want);

/* Wakes every waiter; what is inside can still be popped. */
void weir_queue_close(struct weir_queue *q);

#endif
