/* wrap -- transports around a transport: the same operations, one more property.
 *
 * weir_transport_wrap() builds retry(throttle(store)): every attempt pays for its bytes. */
#ifndef WEIR_WRAP_WRAP_H
#define WEIR_WRAP_WRAP_H

#include <weir/transport.h>

struct weir_wrapper { /* how every wrapper begins */
    struct weir_transport base;
    struct weir_transport *inner; /* owned */
};

/* Slots that pass through. */
const struct weir_limits *weir_wrap_limits(const struct weir_transport *t);
const char *weir_wrap_describe(const struct weir_transport *t);

/* Both take ownership of inner on success.  Clones wrap clones of inner and share the bucket or
 * the budget.  NOMEM is the only error. */
int weir_throttle_open(const struct weir_transport_options *options,
                       const struct weir_transfer *transfer, struct weir_transport *inner,
                       struct weir_transport **out, struct weir_err *err);
int weir_retry_open(const struct weir_transport_options *options, struct weir_transport *inner,
                    struct weir_transport **out, struct weir_err *err);

/* Frees the throttle alone and gives its inner transport back. */
struct weir_transport *weir_throttle_release(struct weir_transport *throttle);

/* Sleeps ns in steps of at most 100 ms.  false when cancel reaches stop_at before the end. */
bool weir_wrap_sleep(const struct weir_transport_options *options, int64_t ns,
                     enum weir_cancel_level stop_at);

#endif
