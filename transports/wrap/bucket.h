/* bucket -- a token bucket with debt, limited by the bandwidth windows of the manifest.
 *
 * Whoever finds no debt may go, however much it takes, and leaves the debt to the next: a part
 * larger than a second's worth needs no special case, and the mean rate is the limit. */
#ifndef WEIR_WRAP_BUCKET_H
#define WEIR_WRAP_BUCKET_H

#include <pthread.h>
#include <stdint.h>

#include <weir/manifest.h>

struct weir_bucket {
    const struct weir_transfer *transfer; /* fixed; borrowed */
    struct {                              /* guarded by lock */
        pthread_mutex_t lock;
        double level; /* bytes; at most one second's worth, below 0 = debt */
        int64_t filled_ns;
    } shared;
};

void weir_bucket_init(struct weir_bucket *b, const struct weir_transfer *transfer);
void weir_bucket_fini(struct weir_bucket *b);

/* Takes bytes and returns 0, or takes nothing and returns the nanoseconds after which to ask
 * again (the limit may be another by then: ask within a second).  Any thread. */
int64_t weir_bucket_take(struct weir_bucket *b, uint64_t bytes, int64_t mono_ns,
                         int64_t wall_ns);

#endif
