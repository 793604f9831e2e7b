/* retry -- what the files of the retry wrapper share. */
#ifndef WEIR_WRAP_RETRY_H
#define WEIR_WRAP_RETRY_H

#include "wrap/tries.h"
#include "wrap/wrap.h"

struct weir_retry_shared { /* one for all clones */
    const struct weir_transport_options *options;
    struct weir_retry_budget budget;
    atomic_uint refs;
    atomic_uint_fast64_t handles; /* ever made: seeds their jitter */
};

struct weir_retry {
    struct weir_wrapper wrap;
    struct weir_retry_shared *shared;
    struct weir_rng rng;
};

static inline struct weir_retry *
weir_retry_of(struct weir_transport *t)
{
    return (struct weir_retry *)t;
}

/* The tries of one operation of a handle. */
void weir_retry_begin(struct weir_transport *t, struct weir_tries *out);

/* retry_change.c: what changes the store */
int weir_retry_put(struct weir_transport *t, const struct weir_object *object, const void *data,
                   size_t bytes, uint64_t crc64nvme, struct weir_stored *out,
                   struct weir_err *err);
int weir_retry_create_upload(struct weir_transport *t, const struct weir_object *object,
                             char *out_id, struct weir_err *err);
int weir_retry_put_part(struct weir_transport *t, const char *key, const char *upload_id,
                        uint32_t number, const void *data, size_t bytes, uint64_t crc64nvme,
                        struct weir_part *out, struct weir_err *err);
int weir_retry_complete_upload(struct weir_transport *t, const struct weir_object *object,
                               const char *upload_id, const struct weir_part *parts,
                               size_t count, uint64_t object_bytes, uint64_t crc64nvme,
                               struct weir_stored *out, struct weir_err *err);
int weir_retry_abort_upload(struct weir_transport *t, const char *key, const char *upload_id,
                            struct weir_err *err);
int weir_retry_remove(struct weir_transport *t, const char *key, struct weir_err *err);
int weir_retry_copy(struct weir_transport *t, const char *source_key, const char *source_etag,
                    const struct weir_object *object, struct weir_stored *out,
                    struct weir_err *err);
int weir_retry_copy_part(struct weir_transport *t, const char *key, const char *upload_id,
                         uint32_t number, const char *source_key, const char *source_etag,
                         uint64_t offset, uint64_t bytes, struct weir_part *out,
                         struct weir_err *err);

/* retry_remove.c */
int weir_retry_remove_many(struct weir_transport *t, const char *const *keys, size_t count,
                           weir_removed_fn *fn, void *ctx, struct weir_err *err);

#endif
