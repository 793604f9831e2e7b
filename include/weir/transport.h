/* transport -- the contract between the engine and a store.
 *
 * One const table of operations for each kind; every slot is set, never NULL.  A handle is used
 * by one thread at a time; `clone` gives another handle to the same store for another thread
 * and shares what should be shared (credentials, learned clock skew, region).  Calls block.
 * Keys are relative to the URL of the store: the transport puts the prefix in front and takes
 * it off again in listings.  Keys are non-empty valid UTF-8 without control characters,
 * NUL-terminated, no longer than limits->key_bytes_max; "dir/" (trailing slash) is the object
 * of a directory.
 *
 * Errors: the transport alone decides err->retryable and err->outcome_unknown.  It never
 * retries (wrap/retry.c does), with one exception that the caller cannot do: one re-signed
 * attempt after learning the clock skew or the region.  A message names operation, key,
 * endpoint, status, S3 code and request id, and what to do.  Output arguments are written only
 * on success. */
#ifndef WEIR_TRANSPORT_H
#define WEIR_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/cancel.h>
#include <weir/clock.h>
#include <weir/err.h>
#include <weir/manifest.h>

struct weir_transport;

struct weir_limits {         /* data of the store, never constants of the engine */
    uint64_t part_bytes_min; /* every part but the last */
    uint64_t part_bytes_max;
    uint32_t part_count_max;
    uint64_t put_bytes_max;         /* single PUT */
    uint64_t copy_bytes_max;        /* one copy or copy_part */
    uint64_t copy_source_bytes_min; /* copy_part takes ranges of longer objects only */
    size_t remove_count_max;        /* keys of one remove_many */
    uint64_t object_bytes_max;
    size_t key_bytes_max;      /* of a relative key: the prefix is already taken off */
    size_t metadata_bytes_max; /* sum of names and values of user metadata */
};

/* What the endpoint was seen to do.  Bits; stored in the catalog: never renumber. */
enum weir_capability {
    WEIR_CAP_PUT_CHECKSUM = 1 << 0,      /* PUT with a wrong CRC64NVME is refused */
    WEIR_CAP_PART_CHECKSUM = 1 << 1,     /* part with a wrong CRC64NVME is refused */
    WEIR_CAP_COMPLETE_CHECKSUM = 1 << 2, /* Complete with a wrong object CRC64NVME is refused */
    WEIR_CAP_STORED_CHECKSUM = 1 << 3,   /* HEAD gives the right CRC64NVME of a PUT object */
    WEIR_CAP_STORED_CHECKSUM_MPU = 1
                                   << 4, /* ... and of a multipart object, whole-object value */
    WEIR_CAP_IF_NONE_MATCH = 1 << 5,     /* PUT If-None-Match: * is honoured */
    WEIR_CAP_IF_NONE_MATCH_COMPLETE = 1 << 6,
    WEIR_CAP_IF_MATCH = 1 << 7,  /* PUT If-Match is honoured */
    WEIR_CAP_COPY = 1 << 8,      /* copy makes the same bytes with the metadata given, also
                                    onto its own source */
    WEIR_CAP_COPY_PART = 1 << 9, /* copy_part of a range makes the right bytes */
    WEIR_CAP_COPY_IF_NONE_MATCH = 1 << 10, /* copy honours If-None-Match: * at its target */
};

struct weir_kv { /* user metadata: "file-mtime" stands for x-amz-meta-file-mtime */
    const char *name, *value;
};

enum weir_condition {
    WEIR_COND_NONE = 0,
    WEIR_COND_ABSENT, /* If-None-Match: * ; fails with WEIR_E_EXISTS */
    WEIR_COND_MATCH,  /* If-Match: etag ; fails with WEIR_E_EXISTS (gone counts too) */
};

struct weir_object { /* everything about an upload but its bytes; all borrowed for the call */
    const char *key;
    const struct weir_kv *meta;
    size_t meta_count;
    const char *content_type; /* or NULL */
    enum weir_condition condition;
    const char *etag; /* for WEIR_COND_MATCH, without quotes */
};

#define WEIR_ETAG_BYTES 136
#define WEIR_VERSION_BYTES 136
#define WEIR_UPLOAD_ID_BYTES 1025

struct weir_stored { /* what the store says of an object */
    uint64_t bytes;
    char etag[WEIR_ETAG_BYTES];       /* without quotes; "" when the store gave none */
    char version[WEIR_VERSION_BYTES]; /* "" when the bucket has no versions */
    bool has_crc64nvme;               /* crc64nvme is the store's FULL_OBJECT value */
    uint64_t crc64nvme;
};

#define WEIR_HEAD_META_MAX 40
struct weir_head {
    struct weir_stored stored;
    int64_t modified_s;     /* Last-Modified, seconds since 1970; 0 when unknown */
    char storage_class[32]; /* "" means STANDARD */
    /* Other checksums, base64 as the store sent them ("-N" at the end: of N parts); "" = none.
     * They are what the store says, compared only to adopt objects of other tools. */
    char crc32[24], crc32c[24], sha1[48], sha256[64];
    size_t meta_count;
    struct weir_kv meta[WEIR_HEAD_META_MAX]; /* names lower-case; point into meta_text */
    char meta_text[9 * 1024];
};

struct weir_part {   /* one part to complete with, or as ListParts gives it */
    uint32_t number; /* from 1, consecutive */
    uint64_t bytes;
    char etag[WEIR_ETAG_BYTES];
    bool has_crc64nvme;
    uint64_t crc64nvme;
};

struct weir_listed {
    const char *key; /* relative; borrowed until the callback returns */
    uint64_t bytes;
    const char *etag;
    const char *storage_class;
    int64_t modified_s;
};

/* Callbacks return 0 to go on, anything else to stop early (the call then still succeeds). */
typedef int weir_list_fn(void *ctx, const struct weir_listed *object);
typedef int weir_part_fn(void *ctx, const struct weir_part *part);
typedef int weir_upload_fn(void *ctx, const char *key, const char *upload_id,
                           int64_t initiated_s);
/* Receives the bytes of a GET in order; non-zero stops the transfer with WEIR_E_CANCELLED. */
typedef int weir_sink_fn(void *ctx, const void *data, size_t bytes);
/* One key of remove_many, by its index: why == NULL when it is gone (or was not there); version
 * is that of the delete marker, "" without versions. */
typedef void weir_removed_fn(void *ctx, size_t index, const char *version,
                             const struct weir_err *why);

struct weir_transport_ops {
    const char *scheme; /* "s3", "file" */

    /* Limits of this store; valid as long as the handle. */
    const struct weir_limits *(*limits)(const struct weir_transport *t);

    /* A short name of the store for messages: "s3://bucket/prefix at https://host". */
    const char *(*describe)(const struct weir_transport *t);

    /* Another handle to the same store, for another thread. */
    int (*clone)(struct weir_transport *t, struct weir_transport **out, struct weir_err *err);

    /* Checks that the store can be reached and written, and finds out what it honours, with
     * objects ".weir/probe-<nonce>..." that are removed again.  *out_caps is a set of
     * enum weir_capability.  Fails with scope RUN: NOT_FOUND (no such bucket or directory),
     * CREDENTIALS, ACCESS, TLS, NETWORK. */
    int (*probe)(struct weir_transport *t, uint64_t nonce, unsigned *out_caps,
                 struct weir_err *err);

    /* Stores one object whole.  data/bytes are borrowed; crc64nvme is that of the bytes and is
     * sent along.  Idempotent.  WEIR_E_DIGEST when the store computed another value. */
    int (*put)(struct weir_transport *t, const struct weir_object *object, const void *data,
               size_t bytes, uint64_t crc64nvme, struct weir_stored *out, struct weir_err *err);

    /* Starts a multipart upload.  Not idempotent: a lost or dubious reply sets
     * err->outcome_unknown and leaks an upload that only list_uploads can find: abort it before
     * another try.  out_id has WEIR_UPLOAD_ID_BYTES. */
    int (*create_upload)(struct weir_transport *t, const struct weir_object *object,
                         char *out_id, struct weir_err *err);

    /* Sends one part.  Idempotent: the same number overwrites.  NO_UPLOAD when it is gone. */
    int (*put_part)(struct weir_transport *t, const char *key, const char *upload_id,
                    uint32_t number, const void *data, size_t bytes, uint64_t crc64nvme,
                    struct weir_part *out, struct weir_err *err);

    /* Publishes the object from parts 1..count in order.  Asserts whole size and CRC where the
     * store can.  object->condition applies; meta is ignored (given at create).  A lost or
     * dubious reply sets err->outcome_unknown.  NO_UPLOAD: perhaps it was completed before. */
    int (*complete_upload)(struct weir_transport *t, const struct weir_object *object,
                           const char *upload_id, const struct weir_part *parts, size_t count,
                           uint64_t object_bytes, uint64_t crc64nvme, struct weir_stored *out,
                           struct weir_err *err);

    /* Gives up an upload and its parts.  An upload that is gone is success. */
    int (*abort_upload)(struct weir_transport *t, const char *key, const char *upload_id,
                        struct weir_err *err);

    /* Every part of an upload, in part order, all pages. */
    int (*list_parts)(struct weir_transport *t, const char *key, const char *upload_id,
                      weir_part_fn *fn, void *ctx, struct weir_err *err);

    /* Every unfinished upload below the store's prefix whose relative key starts with
     * key_prefix ("" for all), all pages. */
    int (*list_uploads)(struct weir_transport *t, const char *key_prefix, weir_upload_fn *fn,
                        void *ctx, struct weir_err *err);

    /* Size, ETag, checksum, metadata.  NOT_FOUND when there is no such object. */
    int (*head)(struct weir_transport *t, const char *key, struct weir_head *out,
                struct weir_err *err);

    /* Reads bytes offset..offset+bytes-1 (bytes == UINT64_MAX: to the end; never 0).  Fails
     * with PROTOCOL when the store sends fewer or more than it must. */
    int (*get)(struct weir_transport *t, const char *key, uint64_t offset, uint64_t bytes,
               weir_sink_fn *sink, void *ctx, struct weir_err *err);

    /* Every object whose relative key starts with key_prefix, in UTF-8 byte order, all pages,
     * after start_after (NULL for the start). */
    int (*list)(struct weir_transport *t, const char *key_prefix, const char *start_after,
                weir_list_fn *fn, void *ctx, struct weir_err *err);

    /* Removes one object.  An object that is gone is success. */
    int (*remove)(struct weir_transport *t, const char *key, struct weir_err *err);

    /* Removes up to limits->remove_count_max objects, distinct keys, in one request where the
     * store can.  fn is called once for each key whose fate the store told, also when the call
     * then fails; those it was not called for are in doubt (look again).  Idempotent.  In a
     * bucket with versions the objects stay behind delete markers. */
    int (*remove_many)(struct weir_transport *t, const char *const *keys, size_t count,
                       weir_removed_fn *fn, void *ctx, struct weir_err *err);

    /* Copies a whole object inside the store, at most limits->copy_bytes_max.  source_etag: the
     * copy is made only while the source still has it (EXISTS otherwise; stores may ignore
     * that: compare the result); "" = any.  NOT_FOUND: the source is gone.  object->meta ==
     * NULL keeps the source's metadata, else it is replaced.  object->key may be source_key
     * (with meta).  object->condition is about the target: ABSENT or NONE.  EXISTS does not
     * tell which of the two conditions failed: HEAD the source, then the target.  Idempotent.
     * out->bytes is 0 and has_crc64nvme false where the reply does not tell. */
    int (*copy)(struct weir_transport *t, const char *source_key, const char *source_etag,
                const struct weir_object *object, struct weir_stored *out,
                struct weir_err *err);

    /* Makes a part of an upload from bytes offset..offset+bytes-1 of an object, server-side.
     * source_etag as in copy.  NO_UPLOAD when the upload is gone.  out->has_crc64nvme only
     * where the reply tells it. */
    int (*copy_part)(struct weir_transport *t, const char *key, const char *upload_id,
                     uint32_t number, const char *source_key, const char *source_etag,
                     uint64_t offset, uint64_t bytes, struct weir_part *out,
                     struct weir_err *err);

    /* Length of the first part, and number of parts, of an object that was uploaded in parts
     * (HEAD ?partNumber=1).  UNSUPPORTED where the store does not tell. */
    int (*part_size)(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
                     uint32_t *out_part_count, struct weir_err *err);

    /* Frees the handle; the pointer is dead afterwards.  The last handle frees what was shared.
     */
    void (*close)(struct weir_transport *t);
};

struct weir_transport { /* first member of every kind */
    const struct weir_transport_ops *ops;
};

struct weir_transport_counters {      /* shared by all handles of a run; atomics, any thread */
    atomic_uint_fast64_t requests;    /* HTTP requests, or operations on files */
    atomic_uint_fast64_t retries;     /* attempts after the first */
    atomic_uint_fast64_t throttled;   /* replies that asked to slow down */
    atomic_uint_fast64_t bytes_sent;  /* object bytes that left, with those sent again */
    atomic_uint_fast64_t connections; /* connections opened */
};

struct weir_transport_options { /* borrowed for the life of all handles, but for url texts */
    const struct weir_destination *destination;
    const struct weir_clock *clock;
    const struct weir_cancel *cancel;         /* polled while waiting; may be NULL */
    struct weir_transport_counters *counters; /* may be NULL */
    uint64_t seed;                            /* for jitter and nonces */
    /* Environment look-up (AWS_ACCESS_KEY_ID, HOME, ...); NULL result = unset. */
    const char *(*env)(void *ctx, const char *name);
    void *env_ctx;
    /* Called for each failed attempt that will be tried again; any thread; may be NULL. */
    void (*on_retry)(void *ctx, const struct weir_err *err, unsigned attempt, int64_t wait_ns);
    void *on_retry_ctx;
};

/**
 * weir_transport_open() -- open the store that options->destination->url names.
 * Looks the scheme up in transports/registry.c; makes no request.  Returns 0, or -1 with
 * WEIR_E_CONFIG (unknown scheme, bad URL), CREDENTIALS (none found) or NOMEM.
 */
int weir_transport_open(const struct weir_transport_options *options,
                        struct weir_transport **out, struct weir_err *err);

/**
 * weir_transport_wrap() -- put throttle and retry around a freshly opened handle.
 * Takes ownership of *inner on success.  The token bucket (options->windows of the manifest's
 * transfer section) and the retry budget are shared by all clones.
 */
int weir_transport_wrap(const struct weir_transport_options *options,
                        const struct weir_transfer *transfer, struct weir_transport *inner,
                        struct weir_transport **out, struct weir_err *err);

#endif
