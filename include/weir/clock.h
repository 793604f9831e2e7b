/* clock -- time as an argument.  No module calls clock_gettime or sleeps by itself; tests pass
 * a clock of their own. */
#ifndef WEIR_CLOCK_H
#define WEIR_CLOCK_H

#include <stdint.h>

struct weir_clock {
    int64_t (*mono_ns)(const struct weir_clock *c); /* never jumps; for intervals */
    int64_t (*wall_ns)(
        const struct weir_clock *c); /* UTC since 1970; for signatures, reports */
    /* Sleeps at least ns nanoseconds (or advances a test clock by it).  May return early when a
     * signal arrives; callers loop on mono_ns. */
    void (*sleep_ns)(const struct weir_clock *c, int64_t ns);
};

#define WEIR_NS_PER_S INT64_C(1000000000)
#define WEIR_NS_PER_MS INT64_C(1000000)

/* The machine's clock.  Static, any thread. */
const struct weir_clock *weir_clock_system(void);

#endif
