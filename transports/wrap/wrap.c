#include "wrap/wrap.h"

#define STEP_NS (100 * WEIR_NS_PER_MS)

bool
weir_wrap_sleep(const struct weir_transport_options *options, int64_t ns,
                enum weir_cancel_level stop_at)
{
    const struct weir_clock *clock = options->clock;
    int64_t end = clock->mono_ns(clock) + ns;
    for (;;) {
        int64_t left = end - clock->mono_ns(clock);
        if (weir_cancel_get(options->cancel) >= stop_at)
            return false;
        if (left <= 0)
            return true;
        clock->sleep_ns(clock, left < STEP_NS ? left : STEP_NS);
    }
}

int
weir_transport_wrap(const struct weir_transport_options *options,
                    const struct weir_transfer *transfer, struct weir_transport *inner,
                    struct weir_transport **out, struct weir_err *err)
{
    struct weir_transport *throttle = NULL;
    if (weir_throttle_open(options, transfer, inner, &throttle, err) != 0)
        return -1;
    if (weir_retry_open(options, throttle, out, err) == 0)
        return 0;
    weir_throttle_release(throttle); /* inner is still the caller's */
    return -1;
}

const struct weir_limits *
weir_wrap_limits(const struct weir_transport *t)
{
    const struct weir_transport *in = ((const struct weir_wrapper *)t)->inner;
    return in->ops->limits(in);
}

const char *
weir_wrap_describe(const struct weir_transport *t)
{
    const struct weir_transport *in = ((const struct weir_wrapper *)t)->inner;
    return in->ops->describe(in);
}
