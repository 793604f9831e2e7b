/* handle -- what one handle of the s3 transport holds, and what all handles of a store share.
 */
#ifndef WEIR_S3_HANDLE_H
#define WEIR_S3_HANDLE_H

#include <pthread.h>
#include <stdatomic.h>

#include <weir/transport.h>

#include "s3/credentials.h"
#include "s3/endpoint.h"
#include "s3/request.h"
#include "s3/session.h"
#include "s3/sigv4.h"

struct weir_s3_shared {
    /* fixed after open */
    struct weir_transport_options options; /* what it points to is borrowed */
    struct weir_s3_credentials credentials;
    struct weir_limits limits;
    char *bucket;
    char *prefix;    /* "" or with a trailing slash */
    char *ca_file;   /* or NULL */
    char *tagging;   /* value of x-amz-tagging, or NULL */
    char *described; /* "s3://bucket/prefix at https://host" */
    /* any thread */
    atomic_uint refs;
    atomic_llong skew_s;           /* server's clock minus ours, as learned */
    atomic_uint generation;        /* moves on when region and endpoint change */
    atomic_bool no_delete_objects; /* the store does not know DeleteObjects */
    /* under the lock */
    pthread_mutex_t lock;
    char region[64];
    struct weir_s3_endpoint endpoint;
};

struct weir_s3 { /* one thread at a time */
    struct weir_transport base;
    struct weir_s3_shared *shared; /* one reference */
    struct weir_s3_sigv4 *signer;
    unsigned generation; /* of the two copies below */
    char region[64];
    struct weir_s3_endpoint endpoint;
    struct weir_s3_session session;
    struct weir_s3_request request;
};

static inline struct weir_s3 *
weir_s3_of(struct weir_transport *t)
{
    return (struct weir_s3 *)t;
}

/* objects.c */
int weir_s3_put(struct weir_transport *t, const struct weir_object *object, const void *data,
                size_t bytes, uint64_t crc64nvme, struct weir_stored *out,
                struct weir_err *err);
int weir_s3_head(struct weir_transport *t, const char *key, struct weir_head *out,
                 struct weir_err *err);
int weir_s3_get(struct weir_transport *t, const char *key, uint64_t offset, uint64_t bytes,
                weir_sink_fn *sink, void *ctx, struct weir_err *err);
int weir_s3_part_size(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
                      uint32_t *out_part_count, struct weir_err *err);

/* remove.c */
int weir_s3_remove(struct weir_transport *t, const char *key, struct weir_err *err);
int weir_s3_remove_many(struct weir_transport *t, const char *const *keys, size_t count,
                        weir_removed_fn *fn, void *ctx, struct weir_err *err);

/* copy.c */
int weir_s3_copy(struct weir_transport *t, const char *source_key, const char *source_etag,
                 const struct weir_object *object, struct weir_stored *out,
                 struct weir_err *err);
int weir_s3_copy_part(struct weir_transport *t, const char *key, const char *upload_id,
                      uint32_t number, const char *source_key, const char *source_etag,
                      uint64_t offset, uint64_t bytes, struct weir_part *out,
                      struct weir_err *err);

/* multipart.c */
int weir_s3_create_upload(struct weir_transport *t, const struct weir_object *object,
                          char *out_id, struct weir_err *err);
int weir_s3_put_part(struct weir_transport *t, const char *key, const char *upload_id,
                     uint32_t number, const void *data, size_t bytes, uint64_t crc64nvme,
                     struct weir_part *out, struct weir_err *err);
int weir_s3_complete_upload(struct weir_transport *t, const struct weir_object *object,
                            const char *upload_id, const struct weir_part *parts, size_t count,
                            uint64_t object_bytes, uint64_t crc64nvme, struct weir_stored *out,
                            struct weir_err *err);
int weir_s3_abort_upload(struct weir_transport *t, const char *key, const char *upload_id,
                         struct weir_err *err);

/* listing.c */
int weir_s3_list_parts(struct weir_transport *t, const char *key, const char *upload_id,
                       weir_part_fn *fn, void *ctx, struct weir_err *err);
int weir_s3_list_uploads(struct weir_transport *t, const char *key_prefix, weir_upload_fn *fn,
                         void *ctx, struct weir_err *err);
int weir_s3_list(struct weir_transport *t, const char *key_prefix, const char *start_after,
                 weir_list_fn *fn, void *ctx, struct weir_err *err);

/* probe.c */
int weir_s3_probe(struct weir_transport *t, uint64_t nonce, unsigned *out_caps,
                  struct weir_err *err);

#endif
