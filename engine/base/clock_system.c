#include <weir/clock.h>

#include <time.h>

static int64_t
read_clock(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * WEIR_NS_PER_S + ts.tv_nsec;
}

static int64_t
mono_ns(const struct weir_clock *c)
{
    (void)c;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t
wall_ns(const struct weir_clock *c)
{
    (void)c;
    return read_clock(CLOCK_REALTIME);
}

static void
sleep_ns(const struct weir_clock *c, int64_t ns)
{
    (void)c;
    if (ns <= 0)
        return;
    struct timespec ts = {.tv_sec = ns / WEIR_NS_PER_S, .tv_nsec = ns % WEIR_NS_PER_S};
    (void)nanosleep(&ts, NULL); /* a signal may cut it short: callers loop */
}

const struct weir_clock *
weir_clock_system(void)
{
    static const struct weir_clock system_clock = {
        .mono_ns = mono_ns, .wall_ns = wall_ns, .sleep_ns = sleep_ns};
    return &system_clock;
}
