/* copy -- objects that the store makes from objects it has: renames, new metadata, quarantine.
 */
#ifndef WEIR_TRANSFER_COPY_H
#define WEIR_TRANSFER_COPY_H

#include "transfer/worker.h"

struct weir_copy_source {   /* what is copied, and what it must be */
    const char *key, *etag; /* etag "": unknown */
    uint64_t bytes;
    bool has_crc64nvme; /* the value below is known */
    uint64_t crc64nvme;
    const struct weir_head
        *meta; /* weir_copy_keep: metadata where the copy needs it; or NULL */
};

enum weir_copy {
    WEIR_COPY_ERROR = -1,
    WEIR_COPY_REFUSED = 0, /* no such capability, source gone or changed, target occupied */
    WEIR_COPY_DONE,        /* it is there, and is the same */
    WEIR_COPY_DOUBTFUL,    /* it is there, and differs or cannot be compared */
};

/**
 * weir_copy_object() -- make object->key from the source, with object's metadata, in one
 * request.  The store's word is not enough: the copy's size, and its CRC64NVME or ETag, are
 * compared.  DONE sets *out and *out_proven (by CRC64NVME).
 */
enum weir_copy weir_copy_object(struct weir_worker *w, const struct weir_copy_source *from,
                                const struct weir_object *object, struct weir_stored *out,
                                bool *out_proven, struct weir_err *err);

/* May objects be made from others in this store?  Only where what came of it can be proven: a
 * store may ignore the condition on the source, and a pass may be killed before it has looked.
 */
bool weir_copy_is_safe(const struct weir_sender *s);

/* An error of a copy after which the file can still be sent. */
bool weir_copy_is_refusal(const struct weir_err *why);

/* The content is what the base says; is the object's metadata, too, or may it stay as it is?
 * w->meta is what it should be. */
bool weir_copy_is_needless(const struct weir_worker *w, const struct weir_task *task);

/* Makes the item's object from its base, which has the same content (task->bytes, crc64nvme),
 * with the metadata in w->meta.  Returns 1 when it is there (outcome, stored and
 * proven are set), 0 to send the file, -1 on error. */
int weir_copy_base(struct weir_worker *w, struct weir_task *task, struct weir_err *err);

/* A copy of any size with the source's metadata, for safe-keeping; compared as above.  The old
 * object may go only when this returned 0. */
int weir_copy_keep(struct weir_worker *w, const struct weir_copy_source *from, const char *key,
                   struct weir_err *err);

#endif
