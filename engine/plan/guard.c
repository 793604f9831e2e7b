#include "plan/guard.h"

/* percent of known, rounded up, without overflow. */
static uint64_t
share(uint64_t known, unsigned percent)
{
    uint64_t whole = known / 100 * percent, rest = known % 100 * percent;
    return whole + (rest + 99) / 100;
}

enum weir_guard
weir_guard_ask(const struct weir_guard_question *q)
{
    if (q->unseen)
        return WEIR_GUARD_UNSEEN;
    if (q->due == 0)
        return WEIR_GUARD_OPEN;
    if (q->allowed > 0)
        return q->due <= q->allowed ? WEIR_GUARD_OPEN : WEIR_GUARD_ALLOWED;
    if (q->due > q->track->delete_limit_files)
        return WEIR_GUARD_FILES;
    if (q->due > share(q->known, q->track->delete_limit_percent))
        return WEIR_GUARD_PERCENT;
    return WEIR_GUARD_OPEN;
}
