/* mem_transport -- a store in memory for tests of the job: strict about conditions, fails or
 * dies at the call that a test names.
 *
 * It lives in memory that is shared with forked children, so that a child may be killed in the
 * middle of a pass and its store looked at.  Bytes are kept, but for those of planted objects
 * and of single puts and parts over 16 MiB, and are never freed before the store is. */
#ifndef WEIR_TEST_MEM_TRANSPORT_H
#define WEIR_TEST_MEM_TRANSPORT_H

#include <pthread.h>

#include <weir/transport.h>

enum mem_op {
    MEM_ANY = 0,
    MEM_PROBE,
    MEM_PUT,
    MEM_CREATE,
    MEM_PART,
    MEM_COMPLETE,
    MEM_ABORT,
    MEM_LIST_PARTS,
    MEM_LIST_UPLOADS,
    MEM_HEAD,
    MEM_LIST,
    MEM_GET,
    MEM_REMOVE, /* one key: also each key of a remove_many, whose result the fault then is */
    MEM_REMOVE_MANY,
    MEM_COPY, /* met by the key of the new object */
    MEM_COPY_PART,
    MEM_PART_SIZE,
    MEM_OPS
};

enum mem_do {
    MEM_FAIL = 0,   /* an error, nothing is done */
    MEM_LOSE_REPLY, /* the work is done, the reply is an error with an unknown outcome */
    MEM_KILL,       /* the process ends before the work */
    MEM_KILL_AFTER, /* ... after it */
    MEM_CALL,       /* the test's function is called before the work */
};

struct mem_fault {
    enum mem_op op;
    const char *key; /* or NULL for any */
    unsigned nth;    /* from this matching call on ... */
    unsigned times;  /* ... so often; 0 means once */
    enum mem_do act;
    enum weir_code code; /* WEIR_OK means NETWORK */
    enum weir_scope scope;
    void (*call)(void *ctx);
    void *ctx;
    unsigned met; /* matching calls so far */
};

#define MEM_META_MAX 16
struct mem_object {
    struct mem_object *next;
    char *key;
    uint64_t bytes, crc64nvme;
    const unsigned char *data; /* NULL: not kept; such an object can be copied whole only */
    bool multipart;
    bool no_crc64nvme;   /* of another tool: HEAD tells no CRC64NVME */
    uint64_t part_bytes; /* of part 1; 0: part_size is UNSUPPORTED */
    uint32_t part_count;
    char crc32[24], crc32c[24], sha1[48], sha256[64]; /* as in weir_head; "" = none */
    char etag[40];
    struct weir_kv meta[MEM_META_MAX];
    size_t meta_count;
};

#define MEM_PARTS_MAX 128
struct mem_upload {
    struct mem_upload *next;
    bool open;
    char id[24];
    struct mem_object object; /* key and metadata */
    struct weir_part parts[MEM_PARTS_MAX];
    const unsigned char *data[MEM_PARTS_MAX];
};

struct mem_store { /* guarded by lock, but for what tests set between passes */
    pthread_mutex_t lock;
    struct mem_object *objects;
    struct mem_upload *uploads; /* the closed ones too */
    unsigned caps;
    bool ignores_source_etag; /* copy and copy_part do not look at it */
    bool copies_silently;     /* replies to copy and copy_part tell no CRC64NVME */
    bool versions;            /* removing leaves delete markers: "m1", "m2", ... */
    struct mem_fault faults[4];
    unsigned calls[MEM_OPS]; /* [MEM_ANY]: all */
    bool marked;             /* the job left its marker; coordinator only */
    unsigned duplicates;     /* objects that were published twice with the same content */
    unsigned serial;
    uint64_t put_bytes, put_bytes_max; /* of all puts under way */
    char *arena;
    size_t used;
};

#define MEM_CAPS_ALL 0x7ffu

struct mem_store *mem_store_create(void); /* becomes the store of weir_transport_open() */
void mem_store_free(struct mem_store *s);
void mem_store_calm(struct mem_store *s); /* no more faults; counters to zero */
struct mem_object *mem_store_find(struct mem_store *s, const char *key);
unsigned mem_store_open_uploads(struct mem_store *s);
unsigned mem_store_count(struct mem_store *s);
/* An object that weir did not write, or changed behind its back. */
struct mem_object *mem_store_plant(struct mem_store *s, const char *key, uint64_t bytes,
                                   uint64_t crc64nvme);
/* The same with bytes, and an ETag of your choice (NULL: a new one). */
struct mem_object *mem_store_plant_bytes(struct mem_store *s, const char *key, const void *data,
                                         size_t bytes, const char *etag);
void mem_store_remove(struct mem_store *s, const char *key);
/* An upload that nobody remembers. */
void mem_store_plant_upload(struct mem_store *s, const char *key);

#endif
