#include <weir/manifest.h>

#include <weir/clock.h>

#define MINUTES_A_DAY ((int64_t)WEIR_DAY_MINUTES)
#define MINUTES_A_WEEK (7 * MINUTES_A_DAY)
/* 1970-01-01 was a Thursday: day 3 when Monday is day 0. */
#define EPOCH_MINUTES (3 * MINUTES_A_DAY)

/* Minutes since Monday 00:00 UTC, also for times before 1970. */
static int64_t
minute_of_week(int64_t wall_ns)
{
    const int64_t minute_ns = 60 * WEIR_NS_PER_S;
    int64_t minutes = wall_ns / minute_ns - (wall_ns % minute_ns < 0 ? 1 : 0);
    int64_t m = (minutes + EPOCH_MINUTES) % MINUTES_A_WEEK;
    return m < 0 ? m + MINUTES_A_WEEK : m;
}

static bool
has_day(const struct weir_window *w, int64_t day)
{
    return (w->days >> day & 1) != 0;
}

static bool
covers(const struct weir_window *w, int64_t day, int64_t minute)
{
    if (w->from_min < w->to_min)
        return has_day(w, day) && minute >= w->from_min && minute < w->to_min;
    /* Past midnight: the evening of its own day, or the morning after it. */
    return (has_day(w, day) && minute >= w->from_min) ||
           (has_day(w, (day + 6) % 7) && minute < w->to_min);
}

uint64_t
weir_windows_limit(const struct weir_window *windows, size_t count, int64_t wall_ns)
{
    int64_t now = minute_of_week(wall_ns);
    for (size_t i = 0; i < count; i++)
        if (covers(&windows[i], now / MINUTES_A_DAY, now % MINUTES_A_DAY))
            return windows[i].bytes_per_s;
    return 0;
}
