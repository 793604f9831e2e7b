/* multipart -- the worker's side of a large file: parts, complete, abort. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transfer/copy.h"
#include "transfer/multipart.h"
#include "transfer/settle.h"

void
weir_multipart_pause(const struct weir_sender *s, int64_t ns)
{
    int64_t until = s->clock->mono_ns(s->clock) + ns;
    while (weir_cancel_get(s->cancel) == WEIR_CANCEL_NONE &&
           s->clock->mono_ns(s->clock) < until)
        s->clock->sleep_ns(s->clock, 50 * WEIR_NS_PER_MS);
}

/* ---- part ---- */

static int
send_part(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    struct weir_item *item = task->item;
    struct weir_upload *u = item->upload;
    uint32_t n = task->part;
    uint64_t bytes = weir_upload_length(u, n);
    const struct weir_part *remote = &u->parts[n - 1]; /* set when the store has this number */
    if (weir_worker_reserve(w, (size_t)bytes, err) != 0)
        return -1;
    size_t room;
    task->chunks = weir_upload_chunks(u, n, &room);
    weir_digester_begin(w->digester, u->chunk_bytes, task->chunks, room);
    if (weir_reader_read(&u->reader, item->path, weir_upload_offset(u, n), w->buffer,
                         (size_t)bytes, w->digester, err) != 0 ||
        weir_reader_finish(&u->reader, item->path, err) != 0)
        return -1;
    task->chunk_count = weir_digester_end(w->digester, &task->crc64nvme);
    task->bytes = bytes;
    if (u->chunk_crc != NULL && task->crc64nvme != weir_upload_part_crc(u, n))
        return weir_err_set(err, WEIR_E_CHANGED,
                            "%s has other content than a moment ago, though its times are the "
                            "same",
                            item->path);
    if (remote->number == n && remote->has_crc64nvme && remote->bytes == bytes &&
        remote->crc64nvme == task->crc64nvme) {
        task->part_done = *remote;
        task->sent = false;
        return 0;
    }
    task->sent = true;
    if (w->transport->ops->put_part(w->transport, item->key, u->id, n, w->buffer, (size_t)bytes,
                                    task->crc64nvme, &task->part_done, err) != 0)
        return -1;
    task->part_done.has_crc64nvme = true; /* ours: computed from the bytes that were sent */
    task->part_done.crc64nvme = task->crc64nvme;
    return 0;
}

/* The store makes the part from the same range of the base. */
static int
copy_part(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    struct weir_item *item = task->item;
    struct weir_upload *u = item->upload;
    const struct weir_base *b = item->base;
    uint32_t n = task->part;
    size_t room;
    task->chunks = weir_upload_chunks(u, n, &room);
    task->chunk_count = room;
    task->bytes = weir_upload_length(u, n);
    task->crc64nvme = weir_upload_part_crc(u, n);
    task->sent = false;
    task->copied = true;
    struct weir_part *p = &task->part_done;
    if (w->transport->ops->copy_part(w->transport, item->key, u->id, n,
                                     b->self ? item->key : b->key, b->etag,
                                     weir_upload_offset(u, n), task->bytes, p, err) != 0) {
        task->base_lost = weir_copy_is_refusal(err);
        return -1;
    }
    if (p->has_crc64nvme && p->crc64nvme != task->crc64nvme) {
        task->base_lost = true;
        return weir_err_set(err, WEIR_E_DIGEST,
                            "%s: the object in the store has other content than the catalog "
                            "says",
                            item->key);
    }
    p->number = n;
    p->bytes = task->bytes;
    p->has_crc64nvme = true; /* of the file's bytes: Complete makes the store compare it */
    p->crc64nvme = task->crc64nvme;
    return 0;
}

/* ---- complete ---- */

/* Stores may ignore the precondition of a copy: is the base still the object that was meant? */
static int
check_base(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    const struct weir_base *b = item->base;
    bool found = false, copies = false;
    for (uint32_t n = 1; n <= item->upload->part_count && !copies; n++)
        copies = weir_upload_is_copy(item->upload, n);
    if (!copies)
        return 0;
    if (weir_settle_head(w, b->self ? item->key : b->key, &found, err) != 0)
        return -1;
    if (found && strcmp(w->head.stored.etag, b->etag) == 0)
        return 0;
    task->base_lost = true;
    return weir_err_set(err, WEIR_E_EXISTS, "%s was replaced while parts were copied from it",
                        b->self ? item->key : b->key);
}

static bool
complete_is_proof(const struct weir_sender *s, const struct weir_task *task)
{
    if ((s->caps & WEIR_CAP_PART_CHECKSUM) == 0)
        return false;
    if ((s->caps & WEIR_CAP_COMPLETE_CHECKSUM) != 0)
        return true;
    return (s->caps & WEIR_CAP_STORED_CHECKSUM_MPU) != 0 && task->stored.has_crc64nvme &&
           task->stored.crc64nvme == task->crc64nvme;
}

/* Where Complete itself proves nothing but HEAD gives the whole object's CRC, ask for it. */
static int
prove(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    const struct weir_sender *s = w->sender;
    task->proven = complete_is_proof(s, task);
    if (task->proven || (s->caps & WEIR_CAP_STORED_CHECKSUM_MPU) == 0)
        return 0;
    bool found = false;
    if (weir_settle_head(w, task->item->key, &found, err) != 0)
        return -1;
    if (!found || !w->head.stored.has_crc64nvme)
        return 0;
    task->stored = w->head.stored;
    if (w->head.stored.crc64nvme != task->crc64nvme)
        return weir_err_set(err, WEIR_E_DIGEST,
                            "%s: the store says that the object it assembled has another "
                            "CRC64NVME than the file",
                            task->item->key);
    task->proven = true;
    return 0;
}

/* After a dubious Complete: is our object there?  Returns 1 yes, 0 no, -1 error.
 * *out_foreign: somebody else's is. */
static int
was_published(struct weir_worker *w, struct weir_task *task, bool *out_foreign,
              struct weir_err *err)
{
    const struct weir_item *item = task->item;
    bool found = false;
    if (weir_settle_head(w, item->key, &found, err) != 0)
        return -1;
    *out_foreign =
        found && !weir_settle_is_ours(w->sender, &w->head, weir_item_known_etag(item));
    if (!found || !weir_open_is_published(w, item, &item->upload->reader.seen, &task->proven))
        return 0;
    task->stored = w->head.stored;
    return 1;
}

static int
complete(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    const struct weir_sender *s = w->sender;
    struct weir_upload *u = item->upload;
    if (weir_reader_finish(&u->reader, item->path, err) != 0)
        return -1;
    task->crc64nvme = weir_upload_crc(u);
    task->bytes = u->object_bytes;
    if (check_base(w, task, err) != 0)
        return -1;
    bool fresh = weir_item_etag(item) == NULL && !item->maybe_sent &&
                 s->existing != WEIR_EXISTING_REPLACE &&
                 (s->caps & WEIR_CAP_IF_NONE_MATCH_COMPLETE) != 0;
    struct weir_object object = {.key = item->key,
                                 .condition = fresh ? WEIR_COND_ABSENT : WEIR_COND_NONE};
    for (int try = 1;; try++) {
        struct weir_err e = WEIR_ERR_INIT;
        if (w->transport->ops->complete_upload(w->transport, &object, u->id, u->parts,
                                               u->part_count, u->object_bytes, task->crc64nvme,
                                               &task->stored, &e) == 0)
            return prove(w, task, err);
        bool refused = e.code == WEIR_E_EXISTS, foreign = false;
        bool dubious = e.outcome_unknown || e.code == WEIR_E_NO_UPLOAD || refused;
        int there = dubious ? was_published(w, task, &foreign, err) : 0;
        if (there != 0)
            return there < 0 ? -1 : 0;
        if (refused && foreign)
            return weir_settle_foreign(w, item->key, err);
        if (refused) /* by an object of our own, which this one replaces */
            object.condition = WEIR_COND_NONE;
        if ((!e.outcome_unknown && !refused) || try == WEIR_MULTIPART_TRIES ||
            weir_cancel_get(s->cancel) != WEIR_CANCEL_NONE) {
            *err = e;
            return try == 1 ? -1 : weir_err_add(err, "gave up after %d tries", try);
        }
        weir_multipart_pause(s, WEIR_MULTIPART_PAUSE_NS << try);
    }
}

int
weir_multipart_run(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    switch (task->kind) {
    case WEIR_TASK_OPEN:
        return weir_open_run(w, task, err);
    case WEIR_TASK_PART:
        return weir_upload_is_copy(item->upload, task->part) ? copy_part(w, task, err)
                                                             : send_part(w, task, err);
    case WEIR_TASK_COMPLETE:
        if (complete(w, task, err) == 0)
            return 0;
        if (err->code == WEIR_E_DIGEST && item->upload->plan != NULL)
            task->base_lost = true; /* what was copied is not what the catalog says */
        return -1;
    case WEIR_TASK_ABORT:
        return w->transport->ops->abort_upload(w->transport, item->key, item->upload->id, err);
    case WEIR_TASK_SEND:
    case WEIR_TASK_REMOVE:
        break;
    }
    return weir_err_set(err, WEIR_E_BUG, "task kind %d", (int)task->kind);
}
