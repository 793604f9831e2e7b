/* wrap_mock -- a clock that only sleeping moves, and a transport that fails as it is told. */
#ifndef WEIR_TEST_WRAP_MOCK_H
#define WEIR_TEST_WRAP_MOCK_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <weir/transport.h>

#include "../main_check.h"

struct mock_clock {
    struct weir_clock base; /* first member */
    int64_t now_ns, wall_start_ns;
    struct weir_cancel *raise_at_sleep; /* drained during the next sleep when set */
    unsigned sleeps;
};

static inline int64_t
mock_mono(const struct weir_clock *c)
{
    return ((const struct mock_clock *)c)->now_ns;
}

static inline int64_t
mock_wall(const struct weir_clock *c)
{
    const struct mock_clock *m = (const struct mock_clock *)c;
    return m->wall_start_ns + m->now_ns;
}

static inline void
mock_sleep(const struct weir_clock *c, int64_t ns)
{
    struct mock_clock *m = (struct mock_clock *)(uintptr_t)c; /* the clock is ours to move */
    ck_assert_int_gt(ns, 0);
    ck_assert_int_le(ns, 100 * WEIR_NS_PER_MS); /* cancel is looked at that often */
    m->now_ns += ns;
    m->sleeps++;
    if (m->raise_at_sleep != NULL)
        weir_cancel_raise(m->raise_at_sleep, WEIR_CANCEL_DRAIN);
}

#define MOCK_CLOCK                                                                             \
    {                                                                                          \
        .base = {.mono_ns = mock_mono, .wall_ns = mock_wall, .sleep_ns = mock_sleep }          \
    }

/* What the store answers, shared by all clones; the last step is repeated for ever. */
struct mock_step {
    enum weir_code code; /* WEIR_OK: success */
    bool retryable, unknown, deliver;
    unsigned retry_after_ms;
};
struct mock_store {
    const struct mock_step *steps;
    size_t count;
    unsigned calls, open;
};
struct mock {
    struct weir_transport base; /* first member */
    struct mock_store *store;
};

static inline const struct mock_step *
mock_answer(struct weir_transport *t, struct weir_err *err)
{
    struct mock_store *s = ((struct mock *)t)->store;
    const struct mock_step *step = &s->steps[s->calls < s->count ? s->calls : s->count - 1];
    s->calls++;
    ck_assert_int_eq(err->code, WEIR_OK); /* a fresh error for each try */
    if (step->code != WEIR_OK) {
        weir_err_set(err, step->code, "call %u", s->calls);
        err->retryable = step->retryable;
        err->outcome_unknown = step->unknown;
        err->retry_after_ms = step->retry_after_ms;
    }
    return step;
}

static inline int
mock_rc(struct weir_transport *t, struct weir_err *err)
{
    return mock_answer(t, err)->code == WEIR_OK ? 0 : -1;
}

static inline const struct weir_limits *
mock_limits(const struct weir_transport *t)
{
    static const struct weir_limits limits = {.part_count_max = 77};
    (void)t;
    return &limits;
}

static inline const char *
mock_describe(const struct weir_transport *t)
{
    (void)t;
    return "mock store";
}

static inline int
mock_probe(struct weir_transport *t, uint64_t nonce, unsigned *out_caps, struct weir_err *err)
{
    (void)nonce;
    *out_caps = 5;
    return mock_rc(t, err);
}

static inline int
mock_put(struct weir_transport *t, const struct weir_object *object, const void *data,
         size_t bytes, uint64_t crc64nvme, struct weir_stored *out, struct weir_err *err)
{
    (void)object, (void)data, (void)bytes, (void)crc64nvme, (void)out;
    return mock_rc(t, err);
}

static inline int
mock_create(struct weir_transport *t, const struct weir_object *object, char *out_id,
            struct weir_err *err)
{
    (void)object, (void)out_id;
    return mock_rc(t, err);
}

static inline int
mock_put_part(struct weir_transport *t, const char *key, const char *upload_id, uint32_t number,
              const void *data, size_t bytes, uint64_t crc64nvme, struct weir_part *out,
              struct weir_err *err)
{
    (void)key, (void)upload_id, (void)number, (void)data, (void)bytes, (void)crc64nvme;
    (void)out;
    return mock_rc(t, err);
}

static inline int
mock_complete(struct weir_transport *t, const struct weir_object *object, const char *upload_id,
              const struct weir_part *parts, size_t count, uint64_t object_bytes,
              uint64_t crc64nvme, struct weir_stored *out, struct weir_err *err)
{
    (void)object, (void)upload_id, (void)parts, (void)count, (void)object_bytes;
    (void)crc64nvme, (void)out;
    return mock_rc(t, err);
}

static inline int
mock_abort(struct weir_transport *t, const char *key, const char *upload_id,
           struct weir_err *err)
{
    (void)key, (void)upload_id;
    return mock_rc(t, err);
}

static inline int
mock_list_parts(struct weir_transport *t, const char *key, const char *upload_id,
                weir_part_fn *fn, void *ctx, struct weir_err *err)
{
    (void)key, (void)upload_id;
    const struct mock_step *step = mock_answer(t, err);
    const struct weir_part part = {.number = 1};
    if (step->deliver)
        (void)fn(ctx, &part);
    return step->code == WEIR_OK ? 0 : -1;
}

static inline int
mock_list_uploads(struct weir_transport *t, const char *key_prefix, weir_upload_fn *fn,
                  void *ctx, struct weir_err *err)
{
    (void)key_prefix;
    const struct mock_step *step = mock_answer(t, err);
    if (step->deliver)
        (void)fn(ctx, "key", "id", 0);
    return step->code == WEIR_OK ? 0 : -1;
}

static inline int
mock_head(struct weir_transport *t, const char *key, struct weir_head *out,
          struct weir_err *err)
{
    (void)key, (void)out;
    return mock_rc(t, err);
}

static inline int
mock_get(struct weir_transport *t, const char *key, uint64_t offset, uint64_t bytes,
         weir_sink_fn *sink, void *ctx, struct weir_err *err)
{
    (void)key, (void)offset;
    const struct mock_step *step = mock_answer(t, err);
    char block[1000] = "";
    if (step->deliver)
        for (uint64_t done = 0; done < bytes; done += sizeof(block))
            if (sink(ctx, block, sizeof(block)) != 0)
                return weir_err_set(err, WEIR_E_CANCELLED, "sink");
    return step->code == WEIR_OK ? 0 : -1;
}

static inline int
mock_list(struct weir_transport *t, const char *key_prefix, const char *start_after,
          weir_list_fn *fn, void *ctx, struct weir_err *err)
{
    (void)key_prefix, (void)start_after;
    const struct mock_step *step = mock_answer(t, err);
    const struct weir_listed listed = {.key = "key"};
    if (step->deliver)
        (void)fn(ctx, &listed);
    return step->code == WEIR_OK ? 0 : -1;
}

static inline int
mock_remove(struct weir_transport *t, const char *key, struct weir_err *err)
{
    (void)key;
    return mock_rc(t, err);
}

static inline int
mock_remove_many(struct weir_transport *t, const char *const *keys, size_t count,
                 weir_removed_fn *fn, void *ctx, struct weir_err *err)
{
    (void)keys;
    int rc = mock_rc(t, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        fn(ctx, i, "v1", NULL);
    return rc;
}

static inline int
mock_copy(struct weir_transport *t, const char *source_key, const char *source_etag,
          const struct weir_object *object, struct weir_stored *out, struct weir_err *err)
{
    (void)source_key, (void)source_etag, (void)object, (void)out;
    return mock_rc(t, err);
}

static inline int
mock_copy_part(struct weir_transport *t, const char *key, const char *upload_id,
               uint32_t number, const char *source_key, const char *source_etag,
               uint64_t offset, uint64_t bytes, struct weir_part *out, struct weir_err *err)
{
    (void)key, (void)upload_id, (void)number, (void)source_key, (void)source_etag;
    (void)offset, (void)bytes, (void)out;
    return mock_rc(t, err);
}

static inline int
mock_part_size(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
               uint32_t *out_part_count, struct weir_err *err)
{
    (void)key, (void)out_part_bytes, (void)out_part_count;
    return mock_rc(t, err);
}

static inline void
mock_close(struct weir_transport *t)
{
    ((struct mock *)t)->store->open--;
    free(t);
}

static int mock_clone(struct weir_transport *t, struct weir_transport **out,
                      struct weir_err *err);

static const struct weir_transport_ops mock_ops = {
    .scheme = "mock",
    .limits = mock_limits,
    .describe = mock_describe,
    .clone = mock_clone,
    .probe = mock_probe,
    .put = mock_put,
    .create_upload = mock_create,
    .put_part = mock_put_part,
    .complete_upload = mock_complete,
    .abort_upload = mock_abort,
    .list_parts = mock_list_parts,
    .list_uploads = mock_list_uploads,
    .head = mock_head,
    .get = mock_get,
    .list = mock_list,
    .remove = mock_remove,
    .remove_many = mock_remove_many,
    .copy = mock_copy,
    .copy_part = mock_copy_part,
    .part_size = mock_part_size,
    .close = mock_close,
};

static inline struct weir_transport *
mock_open(struct mock_store *store)
{
    struct mock *m = calloc(1, sizeof(*m));
    ck_assert_ptr_nonnull(m);
    m->base.ops = &mock_ops;
    m->store = store;
    store->open++;
    return &m->base;
}

static inline int
mock_clone(struct weir_transport *t, struct weir_transport **out, struct weir_err *err)
{
    (void)err;
    *out = mock_open(((struct mock *)t)->store);
    return 0;
}

/* Every operation by number, with arguments that do not matter. */
enum mock_op {
    OP_PROBE,
    OP_PUT,
    OP_CREATE,
    OP_PUT_PART,
    OP_COMPLETE,
    OP_ABORT,
    OP_LIST_PARTS,
    OP_LIST_UPLOADS,
    OP_HEAD,
    OP_GET,
    OP_LIST,
    OP_REMOVE,
    OP_REMOVE_MANY,
    OP_COPY,
    OP_COPY_PART,
    OP_PART_SIZE,
    OPS
};

static inline int
mock_sink(void *ctx, const void *data, size_t bytes)
{
    (void)data, (void)bytes;
    ++*(unsigned *)ctx;
    return 0;
}

static inline int
mock_on_part(void *ctx, const struct weir_part *part)
{
    (void)part;
    ++*(unsigned *)ctx;
    return 0;
}

static inline int
mock_on_upload(void *ctx, const char *key, const char *upload_id, int64_t initiated_s)
{
    (void)key, (void)upload_id, (void)initiated_s;
    ++*(unsigned *)ctx;
    return 0;
}

static inline int
mock_on_listed(void *ctx, const struct weir_listed *object)
{
    (void)object;
    ++*(unsigned *)ctx;
    return 0;
}

static inline void
mock_on_removed(void *ctx, size_t index, const char *version, const struct weir_err *why)
{
    (void)ctx, (void)index, (void)version, (void)why;
}

static inline int
mock_call(struct weir_transport *t, enum mock_op op, size_t bytes, unsigned *delivered,
          struct weir_err *err)
{
    const struct weir_transport_ops *o = t->ops;
    const struct weir_object object = {.key = "key", .condition = WEIR_COND_ABSENT};
    static struct weir_stored stored;
    static struct weir_part part;
    static struct weir_head head;
    static char id[WEIR_UPLOAD_ID_BYTES];
    static const char *const keys[] = {"a", "b"};
    uint64_t part_bytes = 0;
    uint32_t part_count = 0;
    unsigned caps = 0;
    switch (op) {
    case OP_PROBE:
        return o->probe(t, 1, &caps, err);
    case OP_PUT:
        return o->put(t, &object, "", bytes, 0, &stored, err);
    case OP_CREATE:
        return o->create_upload(t, &object, id, err);
    case OP_PUT_PART:
        return o->put_part(t, "key", "id", 1, "", bytes, 0, &part, err);
    case OP_COMPLETE:
        return o->complete_upload(t, &object, "id", &part, 1, 0, 0, &stored, err);
    case OP_ABORT:
        return o->abort_upload(t, "key", "id", err);
    case OP_LIST_PARTS:
        return o->list_parts(t, "key", "id", mock_on_part, delivered, err);
    case OP_LIST_UPLOADS:
        return o->list_uploads(t, "", mock_on_upload, delivered, err);
    case OP_HEAD:
        return o->head(t, "key", &head, err);
    case OP_GET:
        return o->get(t, "key", 0, bytes, mock_sink, delivered, err);
    case OP_LIST:
        return o->list(t, "", NULL, mock_on_listed, delivered, err);
    case OP_REMOVE:
        return o->remove(t, "key", err);
    case OP_REMOVE_MANY:
        return o->remove_many(t, keys, 2, mock_on_removed, NULL, err);
    case OP_COPY:
        return o->copy(t, "from", "", &object, &stored, err);
    case OP_COPY_PART:
        return o->copy_part(t, "key", "id", 1, "from", "", 0, 1, &part, err);
    case OP_PART_SIZE:
        return o->part_size(t, "key", &part_bytes, &part_count, err);
    case OPS:
        break;
    }
    ck_abort_msg("no such operation");
    return -1;
}

#endif
