/* throttle -- bodies wait for their share of the bandwidth window: before put and put_part, and
 * between the blocks of a get.  Everything else passes, copies too: the store makes them. */
#include "wrap/bucket.h"
#include "wrap/wrap.h"

#include <stdlib.h>

struct shared { /* one for all clones */
    const struct weir_transport_options *options;
    struct weir_bucket bucket;
    atomic_uint refs;
};

struct throttle {
    struct weir_wrapper wrap;
    struct shared *shared;
};

static struct throttle *
self(struct weir_transport *t)
{
    return (struct throttle *)t;
}

/* Waits until bytes may go.  A body that has not begun gives way to a drain. */
static int
pace(const struct throttle *t, uint64_t bytes, enum weir_cancel_level stop_at, const char *key,
     struct weir_err *err)
{
    const struct weir_clock *clock = t->shared->options->clock;
    for (;;) {
        int64_t wait = weir_bucket_take(&t->shared->bucket, bytes, clock->mono_ns(clock),
                                        clock->wall_ns(clock));
        if (wait == 0)
            return 0;
        if (!weir_wrap_sleep(t->shared->options,
                             wait < WEIR_NS_PER_S / 4 ? wait : WEIR_NS_PER_S / 4, stop_at))
            return weir_err_set(err, WEIR_E_CANCELLED,
                                "%s: stopped by a signal while waiting for bandwidth", key);
    }
}

static int
throttle_put(struct weir_transport *t, const struct weir_object *object, const void *data,
             size_t bytes, uint64_t crc64nvme, struct weir_stored *out, struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    if (pace(self(t), bytes, WEIR_CANCEL_DRAIN, object->key, err) != 0)
        return -1;
    return in->ops->put(in, object, data, bytes, crc64nvme, out, err);
}

static int
throttle_put_part(struct weir_transport *t, const char *key, const char *upload_id,
                  uint32_t number, const void *data, size_t bytes, uint64_t crc64nvme,
                  struct weir_part *out, struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    if (pace(self(t), bytes, WEIR_CANCEL_DRAIN, key, err) != 0)
        return -1;
    return in->ops->put_part(in, key, upload_id, number, data, bytes, crc64nvme, out, err);
}

struct paced_sink {
    const struct throttle *t;
    const char *key;
    weir_sink_fn *sink;
    void *ctx;
};

static int
paced(void *ctx, const void *data, size_t bytes)
{
    struct paced_sink *p = ctx;
    if (pace(p->t, bytes, WEIR_CANCEL_NOW, p->key, NULL) != 0)
        return 1;
    return p->sink(p->ctx, data, bytes);
}

static int
throttle_get(struct weir_transport *t, const char *key, uint64_t offset, uint64_t bytes,
             weir_sink_fn *sink, void *ctx, struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    struct paced_sink p = {.t = self(t), .key = key, .sink = sink, .ctx = ctx};
    return in->ops->get(in, key, offset, bytes, paced, &p, err);
}

/* ---- passed on as they are ---- */

static int
throttle_probe(struct weir_transport *t, uint64_t nonce, unsigned *out_caps,
               struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->probe(in, nonce, out_caps, err);
}

static int
throttle_create_upload(struct weir_transport *t, const struct weir_object *object, char *out_id,
                       struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->create_upload(in, object, out_id, err);
}

static int
throttle_complete_upload(struct weir_transport *t, const struct weir_object *object,
                         const char *upload_id, const struct weir_part *parts, size_t count,
                         uint64_t object_bytes, uint64_t crc64nvme, struct weir_stored *out,
                         struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->complete_upload(in, object, upload_id, parts, count, object_bytes,
                                    crc64nvme, out, err);
}

static int
throttle_abort_upload(struct weir_transport *t, const char *key, const char *upload_id,
                      struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->abort_upload(in, key, upload_id, err);
}

static int
throttle_list_parts(struct weir_transport *t, const char *key, const char *upload_id,
                    weir_part_fn *fn, void *ctx, struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->list_parts(in, key, upload_id, fn, ctx, err);
}

static int
throttle_list_uploads(struct weir_transport *t, const char *key_prefix, weir_upload_fn *fn,
                      void *ctx, struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->list_uploads(in, key_prefix, fn, ctx, err);
}

static int
throttle_head(struct weir_transport *t, const char *key, struct weir_head *out,
              struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->head(in, key, out, err);
}

static int
throttle_list(struct weir_transport *t, const char *key_prefix, const char *start_after,
              weir_list_fn *fn, void *ctx, struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->list(in, key_prefix, start_after, fn, ctx, err);
}

static int
throttle_remove(struct weir_transport *t, const char *key, struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->remove(in, key, err);
}

static int
throttle_remove_many(struct weir_transport *t, const char *const *keys, size_t count,
                     weir_removed_fn *fn, void *ctx, struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->remove_many(in, keys, count, fn, ctx, err);
}

static int
throttle_copy(struct weir_transport *t, const char *source_key, const char *source_etag,
              const struct weir_object *object, struct weir_stored *out, struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->copy(in, source_key, source_etag, object, out, err);
}

static int
throttle_copy_part(struct weir_transport *t, const char *key, const char *upload_id,
                   uint32_t number, const char *source_key, const char *source_etag,
                   uint64_t offset, uint64_t bytes, struct weir_part *out, struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->copy_part(in, key, upload_id, number, source_key, source_etag, offset,
                              bytes, out, err);
}

static int
throttle_part_size(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
                   uint32_t *out_part_count, struct weir_err *err)
{
    struct weir_transport *in = self(t)->wrap.inner;
    return in->ops->part_size(in, key, out_part_bytes, out_part_count, err);
}

/* ---- life ---- */

static void
shared_unref(struct shared *s)
{
    if (atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    weir_bucket_fini(&s->bucket);
    free(s);
}

struct weir_transport *
weir_throttle_release(struct weir_transport *t)
{
    struct weir_transport *inner = self(t)->wrap.inner;
    shared_unref(self(t)->shared);
    free(t);
    return inner;
}

static void
throttle_close(struct weir_transport *t)
{
    if (t == NULL)
        return;
    struct weir_transport *inner = weir_throttle_release(t);
    inner->ops->close(inner);
}

static int throttle_clone(struct weir_transport *t, struct weir_transport **out,
                          struct weir_err *err);

static const struct weir_transport_ops throttle_ops = {
    .scheme = "throttle",
    .limits = weir_wrap_limits,
    .describe = weir_wrap_describe,
    .clone = throttle_clone,
    .probe = throttle_probe,
    .put = throttle_put,
    .create_upload = throttle_create_upload,
    .put_part = throttle_put_part,
    .complete_upload = throttle_complete_upload,
    .abort_upload = throttle_abort_upload,
    .list_parts = throttle_list_parts,
    .list_uploads = throttle_list_uploads,
    .head = throttle_head,
    .get = throttle_get,
    .list = throttle_list,
    .remove = throttle_remove,
    .remove_many = throttle_remove_many,
    .copy = throttle_copy,
    .copy_part = throttle_copy_part,
    .part_size = throttle_part_size,
    .close = throttle_close,
};

/* A handle around inner with its own reference to s. */
static int
wrap_inner(struct shared *s, struct weir_transport *inner, struct weir_transport **out,
           struct weir_err *err)
{
    struct throttle *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "bandwidth limit");
    atomic_fetch_add(&s->refs, 1);
    *h = (struct throttle){.wrap = {.base.ops = &throttle_ops, .inner = inner}, .shared = s};
    *out = &h->wrap.base;
    return 0;
}

static int
throttle_clone(struct weir_transport *t, struct weir_transport **out, struct weir_err *err)
{
    struct weir_transport *inner = NULL;
    if (self(t)->wrap.inner->ops->clone(self(t)->wrap.inner, &inner, err) != 0)
        return -1;
    if (wrap_inner(self(t)->shared, inner, out, err) == 0)
        return 0;
    inner->ops->close(inner);
    return -1;
}

int
weir_throttle_open(const struct weir_transport_options *options,
                   const struct weir_transfer *transfer, struct weir_transport *inner,
                   struct weir_transport **out, struct weir_err *err)
{
    struct shared *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "bandwidth limit");
    s->options = options;
    weir_bucket_init(&s->bucket, transfer);
    atomic_store(&s->refs, 1);
    int rc = wrap_inner(s, inner, out, err);
    shared_unref(s); /* the handle has its own reference */
    return rc;
}
