#include "wrap/tries.h"
#include "wrap/wrap.h"

#define BASE_NS (100 * WEIR_NS_PER_MS)
#define BASE_THROTTLED_NS (500 * WEIR_NS_PER_MS)
#define WAIT_MAX_NS (20 * WEIR_NS_PER_S)
#define ASKED_EXTRA_NS (5 * WEIR_NS_PER_S)
#define COST 5u
#define COST_NETWORK 10u

int64_t
weir_tries_wait_ns(const struct weir_err *why, unsigned made, struct weir_rng *rng)
{
    int64_t most = why->code == WEIR_E_THROTTLED ? BASE_THROTTLED_NS : BASE_NS;
    for (unsigned i = 1; i < made && most < WAIT_MAX_NS; i++)
        most *= 2;
    if (most > WAIT_MAX_NS)
        most = WAIT_MAX_NS;
    int64_t wait = (int64_t)weir_rng_below(rng, (uint64_t)most + 1);
    int64_t asked = (int64_t)why->retry_after_ms * WEIR_NS_PER_MS;
    if (asked > wait + ASKED_EXTRA_NS)
        asked = wait + ASKED_EXTRA_NS;
    return asked > wait ? asked : wait;
}

static bool
may_repeat(struct weir_tries *t, enum weir_repeat repeat)
{
    if (!t->last.retryable || (repeat == WEIR_REPEAT_KNOWN && t->last.outcome_unknown))
        return false;
    if (repeat == WEIR_REPEAT_DELIVERED) {
        t->end = WEIR_TRIES_DELIVERED;
        return false;
    }
    if (t->made >= WEIR_TRIES_MAX) {
        t->end = WEIR_TRIES_MANY;
        return false;
    }
    unsigned cost = t->last.code == WEIR_E_NETWORK ? COST_NETWORK : COST;
    if (!weir_retry_budget_take(t->budget, cost)) {
        t->end = WEIR_TRIES_BUDGET;
        return false;
    }
    t->cost = cost;
    return true;
}

static void
count(atomic_uint_fast64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

bool
weir_tries_again(struct weir_tries *t, int rc, enum weir_repeat repeat)
{
    const struct weir_transport_options *o = t->options;
    t->made++;
    if (rc == 0) {
        weir_retry_budget_give(t->budget, t->cost > 0 ? t->cost : 1);
        return false;
    }
    t->unknown = t->unknown || t->last.outcome_unknown;
    if (!may_repeat(t, repeat))
        return false;
    int64_t wait = weir_tries_wait_ns(&t->last, t->made, t->rng);
    if (o->on_retry != NULL)
        o->on_retry(o->on_retry_ctx, &t->last, t->made, wait);
    if (!weir_wrap_sleep(o, wait, WEIR_CANCEL_DRAIN)) {
        weir_retry_budget_give(t->budget, t->cost); /* this retry is not made */
        t->end = WEIR_TRIES_SIGNAL;
        return false;
    }
    if (o->counters != NULL)
        count(&o->counters->retries);
    weir_err_clear(&t->last);
    return true;
}

int
weir_tries_end(const struct weir_tries *t, int rc, struct weir_err *err)
{
    if (rc == 0 || err == NULL || err->code != WEIR_OK)
        return rc;
    *err = t->last;
    /* An earlier try may have worked: EXISTS may be our own object, a refused connection says
     * nothing about the request that got no reply. */
    err->outcome_unknown = t->unknown;
    switch (t->end) {
    case WEIR_TRIES_MANY:
        weir_err_add(err, "gave up after %u of %u tries", t->made, WEIR_TRIES_MAX);
        break;
    case WEIR_TRIES_BUDGET:
        weir_err_add(err,
                     "gave up after %u of %u tries: the retry budget of the run is used up, "
                     "too many requests fail",
                     t->made, WEIR_TRIES_MAX);
        break;
    case WEIR_TRIES_SIGNAL:
        weir_err_add(err, "stopped by a signal after %u of %u tries", t->made, WEIR_TRIES_MAX);
        err->code = WEIR_E_CANCELLED; /* not a failure of the object */
        break;
    case WEIR_TRIES_DELIVERED:
        weir_err_add(err, "not tried again: part of the answer was used already");
        break;
    case WEIR_TRIES_ANSWERED:
        if (t->made > 1)
            weir_err_add(err, "on try %u of %u", t->made, WEIR_TRIES_MAX);
        break;
    }
    return rc;
}
