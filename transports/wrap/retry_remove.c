/* retry_remove -- remove_many, again for the keys whose fate is not settled: those that the
 * store did not tell of, and those whose own error may pass. */
#include "wrap/retry.h"

#include <stdlib.h>

struct removal {
    const char *const *keys; /* all of the caller's */
    size_t count;
    weir_removed_fn *fn;
    void *ctx;
    bool *settled;         /* the caller has heard of this key */
    struct weir_err *held; /* the last error of a key that may be tried again; or code OK */
    size_t held_count;
    /* the present try */
    const char **asked;
    size_t *index; /* of asked[i] in keys */
    size_t asked_count;
    int rc; /* of the call itself: keys that failed are told one by one */
};

/* Errors are large; pages of held that none reaches cost no memory. */
static int
removal_init(struct removal *r, struct weir_err *err)
{
    r->settled = calloc(r->count + 1, sizeof(*r->settled));
    r->held = calloc(r->count + 1, sizeof(*r->held));
    r->asked = calloc(r->count + 1, sizeof(*r->asked));
    r->index = calloc(r->count + 1, sizeof(*r->index));
    if (r->settled == NULL || r->held == NULL || r->asked == NULL || r->index == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "list of %zu keys to remove", r->count);
    return 0;
}

static void
removal_free(struct removal *r)
{
    free(r->settled);
    free(r->held);
    free(r->asked);
    free(r->index);
}

static void
choose(struct removal *r)
{
    r->asked_count = 0;
    for (size_t i = 0; i < r->count; i++)
        if (!r->settled[i]) {
            r->asked[r->asked_count] = r->keys[i];
            r->index[r->asked_count++] = i;
        }
}

static void
on_removed(void *ctx, size_t at, const char *version, const struct weir_err *why)
{
    struct removal *r = ctx;
    size_t i = r->index[at];
    if (r->settled[i])
        return;
    if (why != NULL && why->retryable) {
        r->held_count += r->held[i].code == WEIR_OK;
        r->held[i] = *why;
        return;
    }
    r->held_count -= r->held[i].code != WEIR_OK;
    r->settled[i] = true;
    r->fn(r->ctx, i, version, why);
}

/* One try.  Keys with errors that may pass make it a failure that may be tried again. */
static int
attempt(struct weir_transport *in, struct removal *r, struct weir_err *err)
{
    choose(r);
    r->rc = in->ops->remove_many(in, r->asked, r->asked_count, on_removed, r, err);
    if (r->rc != 0 || r->held_count == 0)
        return r->rc;
    size_t i = 0;
    while (r->settled[i] || r->held[i].code == WEIR_OK)
        i++;
    *err = r->held[i];
    return -1;
}

/* No more tries: the errors that were held back come out, each with how often it was tried. */
static void
give_up(struct removal *r, struct weir_tries *tries)
{
    for (size_t i = 0; i < r->count; i++) {
        struct weir_err why = WEIR_ERR_INIT;
        if (r->settled[i] || r->held[i].code == WEIR_OK)
            continue;
        tries->last = r->held[i];
        (void)weir_tries_end(tries, -1, &why);
        r->fn(r->ctx, i, "", &why);
    }
}

int
weir_retry_remove_many(struct weir_transport *t, const char *const *keys, size_t count,
                       weir_removed_fn *fn, void *ctx, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct removal r = {.keys = keys, .count = count, .fn = fn, .ctx = ctx, .rc = -1};
    struct weir_tries tries;
    if (removal_init(&r, err) == 0) {
        int rc = 0;
        weir_retry_begin(t, &tries);
        do
            rc = attempt(in, &r, &tries.last);
        while (weir_tries_again(&tries, rc, WEIR_REPEAT_YES));
        if (r.rc != 0)
            (void)weir_tries_end(&tries, rc, err);
        give_up(&r, &tries);
    }
    removal_free(&r);
    return r.rc;
}
