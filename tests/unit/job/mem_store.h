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
void mem_describe_object(struct mem_store *s, struct mem_object *o,
                         const struct weir_object *from);
struct mem_object *mem_publish(struct mem_store *s, const struct mem_object *new);
struct mem_upload *mem_new_upload(struct mem_store *s, const struct weir_object *object);

/* Counts the call, finds the fault, does what comes before the work. */
int mem_enter(struct weir_transport *t, enum mem_op op, const char *key, struct mem_call *c,
              struct weir_err *err);
int mem_leave(struct mem_call *c, int rc, struct weir_err *err);

#endif
