/* mem_store -- what mem_transport.c needs of the store beside what tests see. */
#ifndef WEIR_TEST_MEM_STORE_H
#define WEIR_TEST_MEM_STORE_H

#include "mem_transport.h"

struct mem_handle {
    struct weir_transport base; /* first member */
    struct mem_store *store;
    const struct weir_transport_options *options;
};

struct mem_call {
    struct mem_store *s;
    struct mem_fault *fault; /* that fires, or NULL */
};

struct mem_store *mem_store_current(void);
void mem_lock(struct mem_store *s);
void mem_unlock(struct mem_store *s);

/* Under the lock. */
const unsigned char *mem_keep(struct mem_store *s, const void *data, size_t bytes);
unsigned char *mem_room(struct mem_store *s, uint64_t bytes); /* NULL: too much to be kept */
int mem_check_condition(struct mem_store *s, const struct weir_object *object, unsigned cap,
                        struct weir_err *err);
void mem_tell(const struct mem_store *s, const struct mem_object *o, struct weir_stored *out);
struct mem_upload *mem_find_upload(struct mem_store *s, const char *key, const char *id);
void mem_describe_object(struct mem_store *s, struct mem_object *o,
                         const struct weir_object *from);
struct mem_object *mem_publish(struct mem_store *s, const struct mem_object *new);
struct mem_upload *mem_new_upload(struct mem_store *s, const struct weir_object *object);

/* Counts the call, finds the fault, does what comes before the work. */
int mem_enter(struct weir_transport *t, enum mem_op op, const char *key, struct mem_call *c,
              struct weir_err *err);
int mem_leave(struct mem_call *c, int rc, struct weir_err *err);

/* The marker of the job is no entry of a lake: not counted, never made to fail. */
bool mem_is_marker(const char *key);

/* mem_objects.c */
int mem_head(struct weir_transport *t, const char *key, struct weir_head *out,
             struct weir_err *err);
int mem_part_size(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
                  uint32_t *out_part_count, struct weir_err *err);
int mem_get(struct weir_transport *t, const char *key, uint64_t offset, uint64_t bytes,
            weir_sink_fn *sink, void *ctx, struct weir_err *err);
int mem_list(struct weir_transport *t, const char *key_prefix, const char *start_after,
             weir_list_fn *fn, void *ctx, struct weir_err *err);
/* mem_copies.c */
int mem_remove(struct weir_transport *t, const char *key, struct weir_err *err);
int mem_remove_many(struct weir_transport *t, const char *const *keys, size_t count,
                    weir_removed_fn *fn, void *ctx, struct weir_err *err);
int mem_copy(struct weir_transport *t, const char *source_key, const char *source_etag,
             const struct weir_object *object, struct weir_stored *out, struct weir_err *err);
int mem_copy_part(struct weir_transport *t, const char *key, const char *upload_id,
                  uint32_t number, const char *source_key, const char *source_etag,
                  uint64_t offset, uint64_t bytes, struct weir_part *out, struct weir_err *err);

#endif
