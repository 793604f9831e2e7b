/* store -- buckets, objects and open uploads in memory.  One lock guards the index; objects are
 * immutable once published and counted, so readers stream them without the lock. */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "blob.h"
#include "map.h"

struct fake_field {
    char *name, *value;
};
struct fake_fields { /* headers kept with an object */
    struct fake_field *field;
    size_t count;
};
void fake_fields_add(struct fake_fields *f, const char *name, const char *value);
void fake_fields_copy(struct fake_fields *to, const struct fake_fields *from);
const char *fake_fields_get(const struct fake_fields *f, const char *name);
void fake_fields_free(struct fake_fields *f);

#define FAKE_ETAG_MAX 48

struct fake_piece { /* a part of a finished object */
    uint64_t bytes;
    char sum[FAKE_SUM_TEXT];
};
struct fake_object {
    atomic_uint refs;
    struct fake_data data;
    char etag[FAKE_ETAG_MAX]; /* without quotes */
    int64_t mtime_ms;
    struct fake_fields fields;
    enum fake_alg alg; /* NONE: no checksum is shown */
    enum fake_type type;
    char sum[FAKE_SUM_TEXT];
    struct fake_piece *piece;
    uint32_t piece_count; /* 0: not a multipart object */
    uint64_t serial;      /* of the version; 0: the bucket has none */
    bool marker;          /* a delete marker: no contents */
};

#define FAKE_VERSION_TEXT 33

struct fake_part {
    uint32_t number;
    struct fake_data data;
    char etag[FAKE_ETAG_MAX];
    uint8_t md5[16];
    enum fake_alg alg;
    uint8_t sum[FAKE_SUM_MAX];
    int64_t mtime_ms;
};
struct fake_upload {
    char *id, *key;
    int64_t started_ms;
    struct fake_fields fields;
    enum fake_alg alg; /* CRC64NVME when the client named none */
    enum fake_type type;
    bool alg_named;
    struct fake_part *part; /* ascending numbers */
    uint32_t part_count;
    /* set by the Complete that succeeded: a repetition gets the same answer */
    int64_t completed_ms;
    char *completed_body;
    uint64_t completed_serial;
};

struct fake_bucket {
    char *name;
    int64_t created_ms;
    struct fake_map objects; /* key -> fake_object */
    struct fake_map uploads; /* key NUL id -> fake_upload */
    bool versioned;
    uint64_t last_serial;
    struct fake_map old; /* key NUL falling number -> fake_object: newest first */
};
struct fake_store {
    pthread_mutex_t lock;
    struct fake_map buckets;
    struct fake_spool spool;
};

int fake_store_open(struct fake_store *s, const char *data_dir);
void fake_store_close(struct fake_store *s);
void fake_store_lock(struct fake_store *s);
void fake_store_unlock(struct fake_store *s);

/* All of these: the lock is held. */
struct fake_bucket *fake_store_bucket(struct fake_store *s, const char *name);
struct fake_bucket *fake_store_add_bucket(struct fake_store *s, const char *name, int64_t now);
void fake_store_remove_bucket(struct fake_store *s, struct fake_bucket *b);
struct fake_object *fake_store_object(struct fake_bucket *b, const char *key); /* borrowed */
/* Takes over the reference.  In a bucket with versions the object before becomes an old one. */
void fake_store_publish(struct fake_bucket *b, const char *key, struct fake_object *o);
/* Removes what has the key.  The serial of the delete marker, 0 in a bucket without versions.
 */
uint64_t fake_store_remove(struct fake_bucket *b, const char *key);
/* A version, delete markers too; borrowed.  NULL: there is none. */
struct fake_object *fake_store_version(struct fake_bucket *b, const char *key,
                                       const char *version);
/* Removes one version for good; the newest of those left becomes the object. */
void fake_store_remove_version(struct fake_bucket *b, const char *key, const char *version);
/* The newest version, which may be a delete marker. */
struct fake_object *fake_store_newest(struct fake_bucket *b, const char *key);
void fake_store_version_text(uint64_t serial, char out[FAKE_VERSION_TEXT]); /* "null" for 0 */
struct fake_upload *fake_store_upload(struct fake_bucket *b, const char *key, const char *id);
void fake_store_add_upload(struct fake_bucket *b, struct fake_upload *u); /* takes over */
void fake_store_remove_upload(struct fake_bucket *b, struct fake_upload *u);
struct fake_part *fake_store_part(struct fake_upload *u, uint32_t number);
/* Takes over the part's contents; one with the same number is replaced. */
void fake_store_put_part(struct fake_upload *u, struct fake_part *part);
/* Frees parts, keeps the upload: after Complete. */
void fake_store_drop_parts(struct fake_upload *u);

struct fake_object *fake_object_create(void);
struct fake_object *fake_object_ref(struct fake_object *o);
void fake_object_unref(struct fake_object *o);
void fake_upload_free(struct fake_upload *u);

#endif
