/* rng -- randomness as an argument: splitmix64, seeded by the caller.  For jitter, ids that
 * need only be distinct, and tests; never for secrets.  One owner, not thread-safe. */
#ifndef WEIR_RNG_H
#define WEIR_RNG_H

#include <stdint.h>

struct weir_rng {
    uint64_t state;
};

static inline uint64_t
weir_rng_next(struct weir_rng *r)
{
    uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number below limit (limit > 0); the bias is below limit / 2^64. */
static inline uint64_t
weir_rng_below(struct weir_rng *r, uint64_t limit)
{
    return weir_rng_next(r) % limit;
}

#endif
