/* multipart -- the worker's side of a large file: open or resume, parts, complete, abort. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/parts.h"
#include "transfer/settle.h"
#include "transfer/worker.h"

#define TRIES 6 /* of what the transport cannot repeat by itself */
#define PAUSE_NS (500 * WEIR_NS_PER_MS)

/* Waits before another try; a signal ends the waiting. */
static void
pause_before(const struct weir_sender *s, int64_t ns)
{
    int64_t until = s->clock->mono_ns(s->clock) + ns;
    while (weir_cancel_get(s->cancel) == WEIR_CANCEL_NONE &&
           s->clock->mono_ns(s->clock) < until)
        s->clock->sleep_ns(s->clock, 50 * WEIR_NS_PER_MS);
}

/* ---- open ---- */

/* Digests the whole file without sending it, to compare it with an object that is there. */
static int
digest_file(struct weir_worker *w, const struct weir_item *item, struct weir_upload *u,
            struct weir_err *err)
{
    for (uint32_t n = 1; n <= u->part_count; n++) {
        size_t count;
        struct weir_xxh128 *chunks = weir_upload_chunks(u, n, &count);
        struct weir_part *p = &u->parts[n - 1];
        p->bytes = weir_parts_length(u->object_bytes, u->part_bytes, n);
        if (weir_cancel_get(w->sender->cancel) != WEIR_CANCEL_NONE)
            return weir_err_set(err, WEIR_E_CANCELLED, "stopped while reading %s", item->path);
        if (weir_worker_reserve(w, (size_t)p->bytes, err) != 0)
            return -1;
        weir_digester_begin(w->digester, u->chunk_bytes, chunks, count);
        if (weir_reader_read(&u->reader, item->path, (uint64_t)(n - 1) * u->part_bytes,
                             w->buffer, (size_t)p->bytes, w->digester, err) != 0)
            return -1;
        (void)weir_digester_end(w->digester, &p->crc64nvme);
    }
    return weir_reader_finish(&u->reader, item->path, err);
}

/* Looks at what is at the key before a new upload is made.  Returns 1 when the object is there
 * with the same bytes, 0 to send, -1 on error. */
static int
look_before(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    const struct weir_sender *s = w->sender;
    struct weir_upload *u = item->upload;
    if (!item->maybe_sent && s->existing == WEIR_EXISTING_REPLACE)
        return 0;
    bool found = false;
    if (weir_settle_head(w, item->key, &found, err) != 0)
        return -1;
    if (!found)
        return 0;
    bool ours = weir_settle_is_ours(s, &w->head, item->replace_etag);
    bool digest = w->head.stored.has_crc64nvme && (s->caps & WEIR_CAP_STORED_CHECKSUM_MPU) != 0;
    /* An older object of a changed file is not worth reading the file for. */
    bool hope = ours ? item->maybe_sent || item->replace_etag == NULL
                     : s->existing == WEIR_EXISTING_ADOPT;
    if (w->head.stored.bytes == u->object_bytes && digest && hope) {
        if (digest_file(w, item, u, err) != 0)
            return -1;
        task->crc64nvme = weir_upload_crc(u);
        if (task->crc64nvme == w->head.stored.crc64nvme) {
            task->stored = w->head.stored;
            task->proven = true;
            return 1;
        }
    }
    if (ours || s->existing == WEIR_EXISTING_REPLACE)
        return 0;
    return weir_settle_foreign(w, item->key, err);
}

/* The object of an earlier Complete whose reply was lost: ours, not the one it should replace,
 * this size, this time, and the same CRC where the store has one. */
static bool
is_published(const struct weir_worker *w, const struct weir_item *item,
             const struct weir_stat *st, bool *out_proven)
{
    const struct weir_upload *u = item->upload;
    const struct weir_head *head = &w->head;
    *out_proven = false;
    if (!weir_meta_is_ours(head, w->sender->job_id) || head->stored.bytes != u->object_bytes)
        return false;
    if (item->replace_etag != NULL && item->replace_etag[0] != '\0' &&
        strcmp(item->replace_etag, head->stored.etag) == 0)
        return false;
    if (w->sender->source->metadata == WEIR_METADATA_POSIX) {
        char mtime[40];
        const char *there = weir_meta_find(head, WEIR_META_MTIME);
        weir_meta_time(&st->mtime, mtime);
        if (there == NULL || strcmp(there, mtime) != 0)
            return false;
    }
    if (head->stored.has_crc64nvme && (w->sender->caps & WEIR_CAP_STORED_CHECKSUM_MPU) != 0) {
        *out_proven = head->stored.crc64nvme == weir_upload_crc(u);
        return *out_proven;
    }
    return true;
}

static bool
all_parts_known(const struct weir_upload *u)
{
    for (uint32_t i = 0; i < u->part_count; i++)
        if (u->part_state[i] != WEIR_PART_DONE)
            return false;
    return true;
}

/* ListParts against what the catalog remembers.  part_state DONE means: in the catalog. */
struct compare {
    struct weir_upload *u;
    uint8_t *seen; /* parts confirmed by the store */
};

static bool
same_part(const struct weir_part *mine, const struct weir_part *theirs)
{
    return mine->bytes == theirs->bytes && strcmp(mine->etag, theirs->etag) == 0 &&
           (!theirs->has_crc64nvme || theirs->crc64nvme == mine->crc64nvme);
}

static int
compare_part(void *ctx, const struct weir_part *theirs)
{
    struct compare *c = ctx;
    struct weir_upload *u = c->u;
    if (theirs->number < 1 || theirs->number > u->part_count)
        return 0; /* cannot be ours: Complete leaves it out */
    uint32_t i = theirs->number - 1;
    if (u->part_state[i] == WEIR_PART_DONE && same_part(&u->parts[i], theirs)) {
        c->seen[i] = 1;
    } else if (theirs->has_crc64nvme &&
               theirs->bytes ==
                   weir_parts_length(u->object_bytes, u->part_bytes, theirs->number)) {
        u->part_state[i] = WEIR_PART_REMOTE;
        u->parts[i] = *theirs;
        c->seen[i] = 1;
    }
    return 0;
}

static int
compare_parts(struct weir_worker *w, const struct weir_item *item, struct weir_err *err)
{
    struct weir_upload *u = item->upload;
    uint8_t *seen = calloc(u->part_count, 1);
    if (seen == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "list of parts");
    struct compare c = {.u = u, .seen = seen};
    int rc =
        w->transport->ops->list_parts(w->transport, item->key, u->id, compare_part, &c, err);
    u->done = 0;
    for (uint32_t i = 0; i < u->part_count; i++) {
        if (!seen[i]) { /* whatever the catalog says: it must be sent */
            u->part_state[i] = WEIR_PART_TODO;
            u->parts[i] = (struct weir_part){0};
        }
        if (u->part_state[i] == WEIR_PART_DONE)
            u->done++;
    }
    free(seen);
    return rc;
}

/* Takes up an upload of an earlier run.  Returns 1 when it was published after all, 0 when
 * parts are to be sent, -1 on error (NO_UPLOAD: it is gone). */
static int
resume(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    struct weir_upload *u = item->upload;
    if (u->completing && all_parts_known(u)) {
        bool found = false;
        if (weir_settle_head(w, item->key, &found, err) != 0)
            return -1;
        if (found && is_published(w, item, &task->st, &task->proven)) {
            task->stored = w->head.stored;
            task->crc64nvme = weir_upload_crc(u);
            /* The object may be older than this upload: its row is all that knows of it. */
            return w->transport->ops->abort_upload(w->transport, item->key, u->id, err) == 0
                       ? 1
                       : -1;
        }
    }
    return compare_parts(w, item, err);
}

struct leaked { /* an upload of one key */
    const char *key;
    char id[WEIR_UPLOAD_ID_BYTES];
};

static int
find_leaked(void *ctx, const char *key, const char *upload_id, int64_t initiated_s)
{
    struct leaked *l = ctx;
    (void)initiated_s;
    if (strcmp(key, l->key) != 0)
        return 0;
    (void)snprintf(l->id, sizeof(l->id), "%s", upload_id);
    return 1;
}

int
weir_multipart_abort_leaked(struct weir_transport *t, const char *key, struct weir_err *err)
{
    for (int i = 0; i < 16; i++) {
        struct leaked l = {.key = key};
        if (t->ops->list_uploads(t, key, find_leaked, &l, err) != 0)
            return -1;
        if (l.id[0] == '\0')
            return 0;
        if (t->ops->abort_upload(t, key, l.id, err) != 0)
            return -1;
    }
    return 0;
}

/* After a lost reply the upload that nobody knows is aborted before another is made. */
static int
create(struct weir_worker *w, const struct weir_object *object, char *out_id,
       struct weir_err *err)
{
    const struct weir_sender *s = w->sender;
    for (int try = 1;; try++) {
        struct weir_err e = WEIR_ERR_INIT;
        if (w->transport->ops->create_upload(w->transport, object, out_id, &e) == 0)
            return 0;
        out_id[0] = '\0';
        if (!e.outcome_unknown || try == TRIES ||
            weir_cancel_get(s->cancel) != WEIR_CANCEL_NONE) {
            *err = e;
            return try == 1 ? -1 : weir_err_add(err, "gave up after %d tries", try);
        }
        pause_before(s, PAUSE_NS << (try - 1));
        if (weir_multipart_abort_leaked(w->transport, object->key, err) != 0)
            return -1;
    }
}

static int
open_upload(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    struct weir_item *item = task->item;
    struct weir_upload *u = item->upload;
    if (u->reader_open)
        weir_reader_close(&u->reader);
    u->reader_open = false;
    if (weir_worker_open(w, item, &task->st, &u->reader, err) != 0)
        return -1;
    u->reader_open = true;
    if (task->st.size != u->object_bytes)
        return weir_err_set(err, WEIR_E_CHANGED, "%s has another size now", item->path);
    if (u->id[0] != '\0' && !weir_stat_same(&task->st, &item->st)) /* no parts of two files */
        return weir_err_set(err, WEIR_E_CHANGED, "%s has changed again", item->path);
    task->bytes = u->object_bytes;
    if (u->id[0] != '\0') {
        struct weir_err resume_err = WEIR_ERR_INIT;
        int rc = resume(w, task, &resume_err);
        if (rc >= 0) {
            task->outcome = rc == 1 ? WEIR_OUTCOME_FOUND : WEIR_OUTCOME_DONE;
            return 0;
        }
        if (resume_err.code != WEIR_E_NO_UPLOAD) {
            *err = resume_err;
            return -1;
        }
        weir_upload_reset(u); /* expired or aborted by somebody: begin again */
    }
    if (item->maybe_sent && weir_multipart_abort_leaked(w->transport, item->key, err) != 0)
        return -1;
    int there = look_before(w, task, err);
    if (there != 0) {
        task->outcome = WEIR_OUTCOME_FOUND;
        return there < 0 ? -1 : 0;
    }
    weir_meta_fill(&w->meta, w->sender->source->metadata, &task->st, w->sender->job_id, NULL);
    struct weir_object object = {
        .key = item->key, .meta = w->meta.kv, .meta_count = w->meta.count};
    return create(w, &object, u->id, err);
}

/* ---- part ---- */

static int
send_part(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    struct weir_item *item = task->item;
    struct weir_upload *u = item->upload;
    uint32_t n = task->part;
    uint64_t bytes = weir_parts_length(u->object_bytes, u->part_bytes, n);
    const struct weir_part *remote = &u->parts[n - 1]; /* set when the store has this number */
    if (weir_worker_reserve(w, (size_t)bytes, err) != 0)
        return -1;
    size_t room;
    task->chunks = weir_upload_chunks(u, n, &room);
    weir_digester_begin(w->digester, u->chunk_bytes, task->chunks, room);
    if (weir_reader_read(&u->reader, item->path, (uint64_t)(n - 1) * u->part_bytes, w->buffer,
                         (size_t)bytes, w->digester, err) != 0 ||
        weir_reader_finish(&u->reader, item->path, err) != 0)
        return -1;
    task->chunk_count = weir_digester_end(w->digester, &task->crc64nvme);
    task->bytes = bytes;
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

/* ---- complete ---- */

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
    *out_foreign = found && !weir_settle_is_ours(w->sender, &w->head, item->replace_etag);
    if (!found || !is_published(w, item, &item->upload->reader.seen, &task->proven))
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
    bool fresh = item->replace_etag == NULL && !item->maybe_sent &&
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
        if ((!e.outcome_unknown && !refused) || try == TRIES ||
            weir_cancel_get(s->cancel) != WEIR_CANCEL_NONE) {
            *err = e;
            return try == 1 ? -1 : weir_err_add(err, "gave up after %d tries", try);
        }
        pause_before(s, PAUSE_NS << try);
    }
}

int
weir_multipart_run(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    switch (task->kind) {
    case WEIR_TASK_OPEN:
        return open_upload(w, task, err);
    case WEIR_TASK_PART:
        return send_part(w, task, err);
    case WEIR_TASK_COMPLETE:
        return complete(w, task, err);
    case WEIR_TASK_ABORT:
        return w->transport->ops->abort_upload(w->transport, item->key, item->upload->id, err);
    case WEIR_TASK_SEND:
        break;
    }
    return weir_err_set(err, WEIR_E_BUG, "task kind %d", (int)task->kind);
}
