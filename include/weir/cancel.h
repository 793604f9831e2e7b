/* cancel -- one flag that every loop polls.  Set by the signal handler, read by every thread.
 */
#ifndef WEIR_CANCEL_H
#define WEIR_CANCEL_H

#include <stdatomic.h>
#include <stddef.h>

enum weir_cancel_level {
    WEIR_CANCEL_NONE = 0,
    WEIR_CANCEL_DRAIN, /* start nothing new, finish what is in flight (10 s at most) */
    WEIR_CANCEL_NOW,   /* leave at once; the state directory is safe at every moment */
};

struct weir_cancel {
    atomic_int level;
};

static inline enum weir_cancel_level
weir_cancel_get(const struct weir_cancel *c)
{
    return c == NULL
               ? WEIR_CANCEL_NONE
               : (enum weir_cancel_level)atomic_load_explicit(&c->level, memory_order_relaxed);
}

/* Raises the level, never lowers it.  Async-signal-safe. */
static inline void
weir_cancel_raise(struct weir_cancel *c, enum weir_cancel_level level)
{
    int seen = atomic_load(&c->level);
    while (seen < (int)level && !atomic_compare_exchange_weak(&c->level, &seen, (int)level))
        ;
}

#endif
