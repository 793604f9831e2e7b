/* tries -- one operation that may be tried again: the only retry loop of weir.
 *
 *     struct weir_tries t; ... begin ...
 *     do
 *         rc = <the inner operation>(..., &t.last);
 *     while (weir_tries_again(&t, rc, WEIR_REPEAT_YES));
 *     return weir_tries_end(&t, rc, err);
 */
#ifndef WEIR_WRAP_TRIES_H
#define WEIR_WRAP_TRIES_H

#include <weir/rng.h>
#include <weir/transport.h>

#include "wrap/retry_budget.h"

#define WEIR_TRIES_MAX 10u

enum weir_repeat {
    WEIR_REPEAT_YES = 0,
    WEIR_REPEAT_KNOWN,     /* not after an unknown outcome: the engine settles that */
    WEIR_REPEAT_DELIVERED, /* no: part of the answer was handed to the caller already */
};

enum weir_tries_end {
    WEIR_TRIES_ANSWERED = 0, /* success, or an error that no repeating cures */
    WEIR_TRIES_MANY,
    WEIR_TRIES_BUDGET,
    WEIR_TRIES_SIGNAL,
    WEIR_TRIES_DELIVERED,
};

struct weir_tries {
    const struct weir_transport_options *options; /* borrowed */
    struct weir_retry_budget *budget;             /* borrowed; shared with all handles */
    struct weir_rng *rng;                         /* borrowed; of this handle */
    unsigned made;
    unsigned cost; /* of the last retry, 0 for the first try */
    bool unknown;  /* the outcome of some try is unknown */
    enum weir_tries_end end;
    struct weir_err last;
};

/* Waits and returns true when the operation is to be tried again. */
bool weir_tries_again(struct weir_tries *t, int rc, enum weir_repeat repeat);
/* Passes on the last error, with how often it was tried.  Returns rc. */
int weir_tries_end(const struct weir_tries *t, int rc, struct weir_err *err);
/* Full jitter: anything up to min(base * 2^(made - 1), 20 s), base 100 ms, throttled 500 ms;
 * what the server asked for counts, up to 5 s more than that. */
int64_t weir_tries_wait_ns(const struct weir_err *why, unsigned made, struct weir_rng *rng);

#endif
