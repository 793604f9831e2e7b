#include "job/trouble.h"

#include <stdio.h>

#define QUIET_TRIES 2 /* that a store is busy for a moment is everyday life */
#define TELL_EVERY_NS (10 * WEIR_NS_PER_S)

void
weir_trouble_init(struct weir_trouble *t, const struct weir_options *o)
{
    t->options = o;
    t->threads = false;
    t->told_ns = INT64_MIN;
    (void)pthread_mutex_init(&t->shared.lock, NULL);
    t->shared.failures = 0;
}

void
weir_trouble_fini(struct weir_trouble *t)
{
    (void)pthread_mutex_destroy(&t->shared.lock);
}

void
weir_trouble_note(void *trouble, const struct weir_err *err, unsigned attempt, int64_t wait_ns)
{
    struct weir_trouble *t = trouble;
    (void)wait_ns;
    /* A try that ends in silence may have taken a minute: told at once. */
    if (attempt <= QUIET_TRIES && err->code != WEIR_E_NETWORK)
        return;
    (void)pthread_mutex_lock(&t->shared.lock);
    t->shared.failures++;
    (void)weir_err_text(err, t->shared.last, sizeof(t->shared.last));
    (void)pthread_mutex_unlock(&t->shared.lock);
    if (!t->threads) /* this is the caller's thread */
        weir_trouble_tell(t);
}

void
weir_trouble_tell(struct weir_trouble *t)
{
    const struct weir_observer *ob = &t->options->observer;
    int64_t now = t->options->clock->mono_ns(t->options->clock);
    char text[1200] = "";
    if (ob->log == NULL || (t->told_ns != INT64_MIN && now - t->told_ns < TELL_EVERY_NS))
        return;
    (void)pthread_mutex_lock(&t->shared.lock);
    if (t->shared.failures > 0)
        (void)snprintf(text, sizeof(text), "%u requests failed and wait to be repeated: %s",
                       t->shared.failures, t->shared.last);
    t->shared.failures = 0;
    (void)pthread_mutex_unlock(&t->shared.lock);
    if (text[0] == '\0')
        return;
    t->told_ns = now;
    ob->log(ob->ctx, WEIR_LOG_WARN, text);
}
