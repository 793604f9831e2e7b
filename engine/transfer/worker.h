/* worker -- what one thread does with one task: read, digest, send, settle.  Straight-line,
 * blocking code; everything it needs is its own or read-only. */
#ifndef WEIR_TRANSFER_WORKER_H
#define WEIR_TRANSFER_WORKER_H

#include <weir/cancel.h>
#include <weir/clock.h>
#include <weir/manifest.h>

#include "transfer/meta.h"
#include "transfer/task.h"
#include "transfer/upload.h"

/* A buffer larger than this is given back after each task, and is under the budget of the run.
 */
#define WEIR_WORKER_KEEP_BYTES ((uint64_t)8 << 20)

struct weir_sender { /* one for a run: fixed before the first worker starts */
    const struct weir_lake_root *root;
    const struct weir_source *source;
    const struct weir_clock *clock;
    const struct weir_cancel *cancel; /* may be NULL */
    const char *job_id;
    enum weir_existing existing;
    enum weir_metadata_changes metadata_changes;
    bool ask_only;     /* find out what is there, send nothing: NOT_FOUND when it is not */
    unsigned caps;     /* enum weir_capability bits of the store */
    atomic_bool *stop; /* set once, by whoever finds that the pass cannot go on: what waits is
                          not begun */
};

struct weir_worker {
    const struct weir_sender *sender;
    struct weir_transport *transport; /* owned */
    struct weir_digester *digester;   /* owned */
    uint8_t *buffer;                  /* owned; mapped, grows to the largest part */
    size_t buffer_bytes;
    struct weir_meta meta; /* scratch */
    struct weir_head head; /* scratch */
};

/* Takes ownership of transport on success.  NOMEM. */
int weir_worker_create(const struct weir_sender *sender, struct weir_transport *transport,
                       struct weir_worker **out, struct weir_err *err);
void weir_worker_free(struct weir_worker *w); /* NULL is fine */

/* Runs the task and fills in its result.  Never fails otherwise. */
void weir_worker_run(struct weir_worker *w, struct weir_task *task);

/* ---- between the files of this folder ---- */

/* At least bytes of buffer; NOMEM. */
int weir_worker_reserve(struct weir_worker *w, size_t bytes, struct weir_err *err);

/* The file of an item, opened and compared with what is expected (restat: looked at anew).  On
 * CHANGED the task is to be put off. */
int weir_worker_open(struct weir_worker *w, const struct weir_item *item,
                     struct weir_stat *out_st, struct weir_reader *out, struct weir_err *err);

/* The file or link as it is now, for a later try.  An error when it is of another type. */
int weir_worker_look(const struct weir_worker *w, const struct weir_item *item,
                     struct weir_stat *out, struct weir_err *err);

/* Whole objects: WEIR_TASK_SEND. */
int weir_send_run(struct weir_worker *w, struct weir_task *task, struct weir_err *err);

/* Objects of vanished files: REMOVE. */
int weir_remove_run(struct weir_worker *w, struct weir_task *task, struct weir_err *err);

/* Multipart: OPEN, PART, COMPLETE, ABORT. */
int weir_multipart_run(struct weir_worker *w, struct weir_task *task, struct weir_err *err);
/* A create whose reply was lost left an upload that only a listing can find: aborts every
 * upload of this key. */
int weir_multipart_abort_leaked(struct weir_transport *t, const char *key,
                                struct weir_err *err);

#endif
