/* multipart -- what open.c, delta.c and multipart.c share. */
#ifndef WEIR_TRANSFER_MULTIPART_H
#define WEIR_TRANSFER_MULTIPART_H

#include "transfer/worker.h"

#define WEIR_MULTIPART_TRIES 6 /* of what the transport cannot repeat by itself */
#define WEIR_MULTIPART_PAUSE_NS (500 * WEIR_NS_PER_MS)

/* Waits before another try; a signal ends the waiting. */
void weir_multipart_pause(const struct weir_sender *s, int64_t ns);

/* The OPEN task. */
int weir_open_run(struct weir_worker *w, struct weir_task *task, struct weir_err *err);

/* Is w->head the object of an earlier Complete whose reply was lost: ours, not the one it
 * should replace, this size, this time, and the same CRC where the store has one? */
bool weir_open_is_published(const struct weir_worker *w, const struct weir_item *item,
                            const struct weir_stat *st, bool *out_proven);

/* Digests the open file chunk by chunk into upload->chunks, chunk_crc and crc64nvme. */
int weir_delta_digest(struct weir_worker *w, const struct weir_item *item,
                      struct weir_err *err);

/**
 * weir_delta_prepare() -- find out what the store has of an open file already.
 * Where the item has a base with chunk digests, the file is digested and compared.  Returns 1
 * when nothing is to be sent (task->outcome SAME or COPIED); 0 to upload it, with upload->plan
 * set where parts can be copied; -1 on error.
 */
int weir_delta_prepare(struct weir_worker *w, struct weir_task *task, struct weir_err *err);

#endif
