/* retry -- every operation through the loop of tries.h.  What may be repeated when, see there
 * and in transports/DESIGN.md. */
#include "wrap/retry.h"

#include <stdlib.h>

void
weir_retry_begin(struct weir_transport *t, struct weir_tries *out)
{
    out->options = weir_retry_of(t)->shared->options;
    out->budget = &weir_retry_of(t)->shared->budget;
    out->rng = &weir_retry_of(t)->rng;
    out->made = out->cost = 0;
    out->unknown = false;
    out->end = WEIR_TRIES_ANSWERED;
    out->last.code = WEIR_OK; /* clear() needs no more; the texts are large */
    weir_err_clear(&out->last);
}

static int
retry_probe(struct weir_transport *t, uint64_t nonce, unsigned *out_caps, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->probe(in, nonce, out_caps, &tries.last);
    while (weir_tries_again(&tries, rc, WEIR_REPEAT_YES));
    return weir_tries_end(&tries, rc, err);
}

static int
retry_head(struct weir_transport *t, const char *key, struct weir_head *out,
           struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->head(in, key, out, &tries.last);
    while (weir_tries_again(&tries, rc, WEIR_REPEAT_YES));
    return weir_tries_end(&tries, rc, err);
}

static int
retry_part_size(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
                uint32_t *out_part_count, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->part_size(in, key, out_part_bytes, out_part_count, &tries.last);
    while (weir_tries_again(&tries, rc, WEIR_REPEAT_YES));
    return weir_tries_end(&tries, rc, err);
}

/* ---- with callbacks: repeated only while nothing was handed over ---- */

struct watch { /* the caller's callback and whether it was called */
    union {
        weir_sink_fn *sink;
        weir_list_fn *list;
        weir_part_fn *part;
        weir_upload_fn *upload;
    } fn;
    void *ctx;
    bool delivered;
};

static enum weir_repeat
repeat_of(const struct watch *w)
{
    return w->delivered ? WEIR_REPEAT_DELIVERED : WEIR_REPEAT_YES;
}

static int
on_bytes(void *ctx, const void *data, size_t bytes)
{
    struct watch *w = ctx;
    w->delivered = true;
    return w->fn.sink(w->ctx, data, bytes);
}

static int
on_listed(void *ctx, const struct weir_listed *object)
{
    struct watch *w = ctx;
    w->delivered = true;
    return w->fn.list(w->ctx, object);
}

static int
on_part(void *ctx, const struct weir_part *part)
{
    struct watch *w = ctx;
    w->delivered = true;
    return w->fn.part(w->ctx, part);
}

static int
on_upload(void *ctx, const char *key, const char *upload_id, int64_t initiated_s)
{
    struct watch *w = ctx;
    w->delivered = true;
    return w->fn.upload(w->ctx, key, upload_id, initiated_s);
}

static int
retry_get(struct weir_transport *t, const char *key, uint64_t offset, uint64_t bytes,
          weir_sink_fn *sink, void *ctx, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct watch w = {.fn.sink = sink, .ctx = ctx};
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->get(in, key, offset, bytes, on_bytes, &w, &tries.last);
    while (weir_tries_again(&tries, rc, repeat_of(&w)));
    return weir_tries_end(&tries, rc, err);
}

static int
retry_list(struct weir_transport *t, const char *key_prefix, const char *start_after,
           weir_list_fn *fn, void *ctx, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct watch w = {.fn.list = fn, .ctx = ctx};
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->list(in, key_prefix, start_after, on_listed, &w, &tries.last);
    while (weir_tries_again(&tries, rc, repeat_of(&w)));
    return weir_tries_end(&tries, rc, err);
}

static int
retry_list_parts(struct weir_transport *t, const char *key, const char *upload_id,
                 weir_part_fn *fn, void *ctx, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct watch w = {.fn.part = fn, .ctx = ctx};
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->list_parts(in, key, upload_id, on_part, &w, &tries.last);
    while (weir_tries_again(&tries, rc, repeat_of(&w)));
    return weir_tries_end(&tries, rc, err);
}

static int
retry_list_uploads(struct weir_transport *t, const char *key_prefix, weir_upload_fn *fn,
                   void *ctx, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct watch w = {.fn.upload = fn, .ctx = ctx};
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->list_uploads(in, key_prefix, on_upload, &w, &tries.last);
    while (weir_tries_again(&tries, rc, repeat_of(&w)));
    return weir_tries_end(&tries, rc, err);
}

/* ---- life ---- */

static void
shared_unref(struct weir_retry_shared *s)
{
    if (atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    weir_retry_budget_fini(&s->budget);
    free(s);
}

static void
retry_close(struct weir_transport *t)
{
    if (t == NULL)
        return;
    struct weir_transport *inner = weir_retry_of(t)->wrap.inner;
    inner->ops->close(inner);
    shared_unref(weir_retry_of(t)->shared);
    free(t);
}

static int retry_clone(struct weir_transport *t, struct weir_transport **out,
                       struct weir_err *err);

static const struct weir_transport_ops retry_ops = {
    .scheme = "retry",
    .limits = weir_wrap_limits,
    .describe = weir_wrap_describe,
    .clone = retry_clone,
    .probe = retry_probe,
    .put = weir_retry_put,
    .create_upload = weir_retry_create_upload,
    .put_part = weir_retry_put_part,
    .complete_upload = weir_retry_complete_upload,
    .abort_upload = weir_retry_abort_upload,
    .list_parts = retry_list_parts,
    .list_uploads = retry_list_uploads,
    .head = retry_head,
    .get = retry_get,
    .list = retry_list,
    .remove = weir_retry_remove,
    .remove_many = weir_retry_remove_many,
    .copy = weir_retry_copy,
    .copy_part = weir_retry_copy_part,
    .part_size = retry_part_size,
    .close = retry_close,
};

/* A handle around inner with its own reference to s. */
static int
wrap_inner(struct weir_retry_shared *s, struct weir_transport *inner,
           struct weir_transport **out, struct weir_err *err)
{
    struct weir_retry *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "retries");
    atomic_fetch_add(&s->refs, 1);
    uint64_t number = atomic_fetch_add(&s->handles, 1);
    *h = (struct weir_retry){.wrap = {.base.ops = &retry_ops, .inner = inner}, .shared = s};
    h->rng.state = s->options->seed ^ ((number + 1) * UINT64_C(0xd1b54a32d192ed03));
    *out = &h->wrap.base;
    return 0;
}

static int
retry_clone(struct weir_transport *t, struct weir_transport **out, struct weir_err *err)
{
    struct weir_transport *inner = NULL;
    if (weir_retry_of(t)->wrap.inner->ops->clone(weir_retry_of(t)->wrap.inner, &inner, err) !=
        0)
        return -1;
    if (wrap_inner(weir_retry_of(t)->shared, inner, out, err) == 0)
        return 0;
    inner->ops->close(inner);
    return -1;
}

int
weir_retry_open(const struct weir_transport_options *options, struct weir_transport *inner,
                struct weir_transport **out, struct weir_err *err)
{
    struct weir_retry_shared *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "retries");
    s->options = options;
    weir_retry_budget_init(&s->budget);
    atomic_store(&s->refs, 1);
    int rc = wrap_inner(s, inner, out, err);
    shared_unref(s); /* the handle has its own reference */
    return rc;
}
