#include "wrap/bucket.h"

#include <weir/clock.h>

void
weir_bucket_init(struct weir_bucket *b, const struct weir_transfer *transfer)
{
    b->transfer = transfer;
    (void)pthread_mutex_init(&b->shared.lock, NULL);
    b->shared.level = 0;
    b->shared.filled_ns = INT64_MIN;
}

void
weir_bucket_fini(struct weir_bucket *b)
{
    (void)pthread_mutex_destroy(&b->shared.lock);
}

/* Adds what came in since the last time; time that stands still or goes back adds nothing. */
static void
fill_locked(struct weir_bucket *b, double rate, int64_t mono_ns)
{
    int64_t since = b->shared.filled_ns;
    if (since != INT64_MIN && mono_ns > since)
        b->shared.level += rate * ((double)(mono_ns - since) / (double)WEIR_NS_PER_S);
    if (b->shared.level > rate)
        b->shared.level = rate;
    b->shared.filled_ns = mono_ns;
}

int64_t
weir_bucket_take(struct weir_bucket *b, uint64_t bytes, int64_t mono_ns, int64_t wall_ns)
{
    uint64_t limit =
        weir_windows_limit(b->transfer->windows, b->transfer->window_count, wall_ns);
    double rate = (double)limit;
    int64_t wait = 0;
    (void)pthread_mutex_lock(&b->shared.lock);
    if (limit == 0) { /* unlimited: debts of another window are forgiven */
        b->shared.level = 0;
        b->shared.filled_ns = mono_ns;
    } else {
        fill_locked(b, rate, mono_ns);
        if (b->shared.level >= 0)
            b->shared.level -= (double)bytes;
        else if (-b->shared.level >= rate)
            wait = WEIR_NS_PER_S;
        else /* rounded up: asked again exactly then, the debt is paid */
            wait = (int64_t)(-b->shared.level / rate * (double)WEIR_NS_PER_S) + 1;
    }
    (void)pthread_mutex_unlock(&b->shared.lock);
    return wait;
}
