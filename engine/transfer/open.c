/* open -- the beginning of a multipart upload: is the object there already, can it be made from
 * what the store has, is there an upload to go on with? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/parts.h"
#include "transfer/foreign.h"
#include "transfer/multipart.h"
#include "transfer/settle.h"

/* May the object at the key hold the same bytes, so that reading the file is worth it?  An
 * older object of a changed file does not. */
static bool
is_hopeful(const struct weir_sender *s, const struct weir_item *item, bool ours)
{
    return ours ? item->maybe_sent || weir_item_etag(item) == NULL
                : s->existing == WEIR_EXISTING_ADOPT;
}

/* w->head is at the key and as long as the file: is it the same?  1, 0 or -1. */
static int
compare_there(struct weir_worker *w, struct weir_task *task, bool ours, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    struct weir_upload *u = item->upload;
    bool digest =
        w->head.stored.has_crc64nvme && (w->sender->caps & WEIR_CAP_STORED_CHECKSUM_MPU) != 0;
    bool meta = w->sender->metadata_changes == WEIR_METADATA_CHANGES_CATALOG ||
                weir_settle_same_meta(&w->head, &w->meta);
    if (ours && (!digest || !meta))
        return 0;
    if (!u->has_crc && weir_delta_digest(w, item, err) != 0)
        return -1;
    task->crc64nvme = weir_upload_crc(u);
    bool same = digest && task->crc64nvme == w->head.stored.crc64nvme;
    if (!digest) {
        struct weir_foreign_source bytes = {
            .reader = &u->reader, .path = item->path, .bytes = u->object_bytes};
        enum weir_settle found;
        if (weir_settle_adopt(w, item->key, &bytes, &found, err) != 0)
            return -1;
        same = found == WEIR_SETTLE_SAME;
    }
    if (!same)
        return 0;
    task->stored = w->head.stored;
    task->proven = true;
    task->adopted = !weir_meta_is_ours(&w->head, w->sender->job_id);
    return 1;
}

/* Looks at what is at the key before a new upload is made.  Returns 1 when the object is there
 * with the same bytes, 0 to send, -1 on error. */
static int
look_before(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    const struct weir_sender *s = w->sender;
    struct weir_upload *u = item->upload;
    if (!item->maybe_sent && s->existing == WEIR_EXISTING_REPLACE && u->plan == NULL)
        return 0;
    bool found = false;
    if (weir_settle_head(w, item->key, &found, err) != 0)
        return -1;
    if (u->plan != NULL && item->base->self &&
        (!found || strcmp(w->head.stored.etag, item->base->etag) != 0) &&
        weir_upload_drop_plan(u, err) != 0) /* not the object that our row remembers */
        return -1;
    if (!found)
        return 0;
    bool ours = weir_settle_is_ours(s, &w->head, weir_item_known_etag(item));
    if (w->head.stored.bytes == u->object_bytes && is_hopeful(s, item, ours)) {
        int same = compare_there(w, task, ours, err);
        if (same != 0)
            return same;
    }
    if (ours || s->existing == WEIR_EXISTING_REPLACE)
        return 0;
    return weir_settle_foreign(w, item->key, err);
}

/* The object of an earlier Complete whose reply was lost: ours, not the one it should replace,
 * this size, this time, and the same CRC where the store has one. */
bool
weir_open_is_published(const struct weir_worker *w, const struct weir_item *item,
                       const struct weir_stat *st, bool *out_proven)
{
    const struct weir_upload *u = item->upload;
    const struct weir_head *head = &w->head;
    *out_proven = false;
    if (!weir_meta_is_ours(head, w->sender->job_id) || head->stored.bytes != u->object_bytes)
        return false;
    const char *replaced = weir_item_etag(item);
    if (replaced != NULL && replaced[0] != '\0' && strcmp(replaced, head->stored.etag) == 0)
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
               theirs->bytes == weir_upload_length(u, theirs->number)) {
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
        if (found && weir_open_is_published(w, item, &task->st, &task->proven)) {
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
        if (!e.outcome_unknown || try == WEIR_MULTIPART_TRIES ||
            weir_cancel_get(s->cancel) != WEIR_CANCEL_NONE) {
            *err = e;
            return try == 1 ? -1 : weir_err_add(err, "gave up after %d tries", try);
        }
        weir_multipart_pause(s, WEIR_MULTIPART_PAUSE_NS << (try - 1));
        if (weir_multipart_abort_leaked(w->transport, object->key, err) != 0)
            return -1;
    }
}

static int
open_file(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
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
    weir_meta_fill(&w->meta, w->sender->source->metadata, &task->st, w->sender->job_id, NULL);
    return 0;
}

/* Nothing is to be sent after all: an upload that an earlier pass left here is of no use. */
static int
end_left(struct weir_worker *w, const struct weir_item *item, struct weir_err *err)
{
    struct weir_upload *u = item->upload;
    if (u->id[0] != '\0')
        return w->transport->ops->abort_upload(w->transport, item->key, u->id, err);
    return item->maybe_sent ? weir_multipart_abort_leaked(w->transport, item->key, err) : 0;
}

/* Goes on with the upload of an earlier pass.  1: published, 0: parts are to be sent, -1
 * (NO_UPLOAD: begin again). */
static int
go_on(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    struct weir_upload *u = task->item->upload;
    if (u->recorded_delta != (u->plan != NULL))
        return weir_err_set(err, WEIR_E_NO_UPLOAD, "the upload of %s was cut in another way",
                            task->item->path);
    weir_upload_take_recorded(u);
    return resume(w, task, err);
}

static int
begin(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    struct weir_item *item = task->item;
    if (item->maybe_sent && weir_multipart_abort_leaked(w->transport, item->key, err) != 0)
        return -1;
    int there = look_before(w, task, err);
    if (there != 0) {
        task->outcome = WEIR_OUTCOME_FOUND;
        return there < 0 ? -1 : 0;
    }
    if (w->sender->ask_only)
        return weir_settle_not_there(item->key, err);
    weir_meta_fill(&w->meta, w->sender->source->metadata, &task->st, w->sender->job_id, NULL);
    struct weir_object object = {
        .key = item->key, .meta = w->meta.kv, .meta_count = w->meta.count};
    return create(w, &object, item->upload->id, err);
}

int
weir_open_run(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    struct weir_item *item = task->item;
    struct weir_upload *u = item->upload;
    if (open_file(w, task, err) != 0)
        return -1;
    int settled = weir_delta_prepare(w, task, err);
    if (settled != 0)
        return settled < 0 ? -1 : end_left(w, item, err);
    if (u->id[0] == '\0')
        return begin(w, task, err);
    struct weir_err why = WEIR_ERR_INIT;
    int rc = go_on(w, task, &why);
    if (rc >= 0) {
        task->outcome = rc == 1 ? WEIR_OUTCOME_FOUND : WEIR_OUTCOME_DONE;
        return 0;
    }
    if (why.code != WEIR_E_NO_UPLOAD || u->recorded_delta != (u->plan != NULL)) {
        *err = why;
        return -1;
    }
    weir_upload_reset(u); /* expired or aborted by somebody: begin again */
    return begin(w, task, err);
}
