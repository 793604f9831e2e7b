/* send -- a whole object in one request: small files, symlinks, directories.  A PUT, or a copy
 * inside the store where it has the same bytes already. */
#include <stdlib.h>
#include <string.h>

#include "plan/parts.h"
#include "transfer/copy.h"
#include "transfer/settle.h"
#include "transfer/worker.h"

#define CHUNK_BYTES ((uint64_t)1 << 20)

struct content { /* the bytes of one object while it is sent */
    const void *data;
    size_t bytes;
    char *target; /* of a symlink; owned */
};

/* Digests what is in memory already (link targets, nothing). */
static void
digest_memory(struct weir_task *task, const struct content *c)
{
    task->bytes = c->bytes;
    task->crc64nvme = weir_crc64nvme(0, c->data, c->bytes);
    weir_xxh128(c->data, c->bytes, &task->xxh128);
}

static int
load_file(struct weir_worker *w, struct weir_task *task, struct content *c,
          struct weir_err *err)
{
    const struct weir_item *item = task->item;
    struct weir_reader r;
    if (weir_worker_open(w, item, &task->st, &r, err) != 0)
        return -1;
    int rc = -1;
    size_t bytes = (size_t)task->st.size;
    if (task->st.size > item->whole_max) {
        weir_err_set(err, WEIR_E_CHANGED, "%.200s has grown beyond one part", item->path);
        goto close_reader;
    }
    struct weir_xxh128 one;
    size_t count = bytes == 0 ? 1 : (size_t)((bytes - 1) / CHUNK_BYTES + 1);
    if (count > 1 && (task->chunks = malloc(count * sizeof(*task->chunks))) == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "chunk digests");
        goto close_reader;
    }
    if (weir_worker_reserve(w, bytes == 0 ? 1 : bytes, err) != 0)
        goto close_reader;
    weir_digester_begin(w->digester, CHUNK_BYTES, count > 1 ? task->chunks : &one, count);
    if (weir_reader_read(&r, item->path, 0, w->buffer, bytes, w->digester, err) != 0 ||
        weir_reader_finish(&r, item->path, err) != 0)
        goto close_reader;
    task->chunk_count = weir_digester_end(w->digester, &task->crc64nvme);
    weir_xxh128_of_chunks(count > 1 ? task->chunks : &one, task->chunk_count, &task->xxh128);
    task->bytes = bytes;
    c->data = w->buffer;
    c->bytes = bytes;
    rc = 0;
close_reader:
    weir_reader_close(&r);
    return rc;
}

static int
load(struct weir_worker *w, struct weir_task *task, struct content *c, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    if (item->type == WEIR_ENTRY_FILE)
        return load_file(w, task, c, err);
    task->st = item->st;
    if (item->type == WEIR_ENTRY_SYMLINK) {
        if ((item->restat && weir_worker_look(w, item, &task->st, err) != 0) ||
            weir_reader_link(w->sender->root, item->path, &task->st, &c->target, &c->bytes,
                             err) != 0)
            return -1;
        c->data = c->target;
    } else {
        c->data = "";
        c->bytes = 0;
    }
    digest_memory(task, c);
    return 0;
}

static enum weir_condition
match(const struct weir_sender *s, const char *etag)
{
    return (s->caps & WEIR_CAP_IF_MATCH) != 0 && etag[0] != '\0' ? WEIR_COND_MATCH
                                                                 : WEIR_COND_NONE;
}

/* The precondition of the first try. */
static enum weir_condition
first_condition(const struct weir_sender *s, const struct weir_item *item)
{
    const char *own = weir_item_etag(item);
    if (own != NULL)
        return match(s, own);
    if (s->existing == WEIR_EXISTING_REPLACE || (s->caps & WEIR_CAP_IF_NONE_MATCH) == 0)
        return WEIR_COND_NONE;
    return WEIR_COND_ABSENT;
}

/* Must we look before we send?  After an interrupted pass; where the store would overwrite an
 * object that nobody asked us to overwrite; and where an object may be taken over unsent. */
static bool
must_ask(const struct weir_sender *s, const struct weir_item *item)
{
    if (item->maybe_sent || s->ask_only ||
        (weir_item_etag(item) == NULL && s->existing == WEIR_EXISTING_ADOPT))
        return true;
    return s->existing != WEIR_EXISTING_REPLACE && first_condition(s, item) == WEIR_COND_NONE;
}

static bool
put_is_proof(const struct weir_sender *s, const struct weir_task *task)
{
    if ((s->caps & WEIR_CAP_PUT_CHECKSUM) != 0)
        return true;
    return (s->caps & WEIR_CAP_STORED_CHECKSUM) != 0 && task->stored.has_crc64nvme &&
           task->stored.crc64nvme == task->crc64nvme;
}

/* Asks; fills in the next condition.  Returns 1 when the object is there already, 0 to send it,
 * -1 on error. */
static int
ask(struct weir_worker *w, struct weir_task *task, struct weir_object *object,
    const struct content *c, struct weir_err *err)
{
    const struct weir_sender *s = w->sender;
    struct weir_content mine = {.bytes = task->bytes,
                                .crc64nvme = task->crc64nvme,
                                .data = c->data,
                                .meta = &w->meta,
                                .known_etag = weir_item_known_etag(task->item),
                                .marker = task->item->type == WEIR_ENTRY_DIR};
    enum weir_settle found;
    if (weir_settle_ask(w, object->key, &mine, &found, &task->proven, err) != 0)
        return -1;
    /* A store that keeps no metadata on these objects tells no more than that there is one. */
    if (s->ask_only && found == WEIR_SETTLE_REPLACE && mine.marker &&
        weir_meta_find(&w->head, WEIR_META_ID) == NULL)
        found = WEIR_SETTLE_SAME;
    if (found == WEIR_SETTLE_SAME) {
        task->stored = w->head.stored;
        task->outcome = WEIR_OUTCOME_FOUND;
        task->adopted = !weir_meta_is_ours(&w->head, s->job_id);
        return 1;
    }
    object->condition = WEIR_COND_NONE;
    /* Some stores take a directory that has, or had, objects for its own object, and answer a
     * condition with 412 whatever HEAD said; over an empty object there is nothing to lose. */
    if (task->item->type == WEIR_ENTRY_DIR)
        return 0;
    if (found == WEIR_SETTLE_ABSENT && (s->caps & WEIR_CAP_IF_NONE_MATCH) != 0)
        object->condition = WEIR_COND_ABSENT;
    if (found == WEIR_SETTLE_REPLACE) {
        object->etag = w->head.stored.etag;
        object->condition = match(s, object->etag);
    }
    return 0;
}

/* Was the precondition not met?  If-Match on a key that is gone is answered with 404. */
static bool
is_refused(const struct weir_object *object, const struct weir_err *why)
{
    bool gone = object->condition == WEIR_COND_MATCH && why->code == WEIR_E_NOT_FOUND &&
                why->scope != WEIR_SCOPE_RUN;
    return why->code == WEIR_E_EXISTS || gone;
}

static int
deliver(struct weir_worker *w, struct weir_task *task, const struct content *c,
        struct weir_err *err)
{
    const struct weir_item *item = task->item;
    struct weir_object object = {.key = item->key,
                                 .meta = w->meta.kv,
                                 .meta_count = w->meta.count,
                                 .condition = first_condition(w->sender, item),
                                 .etag = weir_item_etag(item)};
    bool look = must_ask(w->sender, item);
    for (int round = 0; round < 3; round++) {
        int there = look ? ask(w, task, &object, c, err) : 0;
        if (there != 0)
            return there < 0 ? -1 : 0;
        if (w->sender->ask_only)
            return weir_settle_not_there(item->key, err);
        struct weir_err put_err = WEIR_ERR_INIT;
        if (w->transport->ops->put(w->transport, &object, c->data, c->bytes, task->crc64nvme,
                                   &task->stored, &put_err) == 0) {
            task->proven = put_is_proof(w->sender, task);
            return 0;
        }
        if (!is_refused(&object, &put_err)) {
            *err = put_err;
            return -1;
        }
        look = true; /* something is there: a retry of ours whose reply was lost, or foreign */
    }
    return weir_err_set(err, WEIR_E_EXISTS,
                        "%s: the object at this key changes while it is written; does another "
                        "program write to this prefix?",
                        item->key);
}

/* ---- the store has the bytes already ---- */

/* A new entry with the inode, size and both times of a row: a file in a renamed directory.  By
 * the identity test it is that file, so it is not read. */
static bool
is_renamed(const struct weir_item *item)
{
    const struct weir_base *b = item->base;
    return b != NULL && !b->self && !item->restat && weir_stat_same(&b->st, &item->st) &&
           (b->chunks != NULL || b->st.size <= CHUNK_BYTES);
}

/* The digests of the row stand for the file. */
static int
take_digests(struct weir_task *task, const struct weir_base *b, struct weir_err *err)
{
    task->st = task->item->st;
    task->bytes = b->st.size;
    task->crc64nvme = b->crc64nvme;
    task->xxh128 = b->xxh128;
    if (b->chunks == NULL)
        return 0;
    task->chunks = malloc(b->chunk_count * sizeof(*task->chunks));
    if (task->chunks == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "chunk digests");
    memcpy(task->chunks, b->chunks, b->chunk_count * sizeof(*task->chunks));
    task->chunk_count = b->chunk_count;
    return 0;
}

/* Is the content what the row says?  Times alone never prove that. */
static bool
is_same_content(const struct weir_task *task)
{
    const struct weir_base *b = task->item->base;
    return b != NULL && !task->item->send_whole && b->type == task->item->type &&
           (b->type == WEIR_ENTRY_DIR || b->st.size == task->bytes) &&
           b->crc64nvme == task->crc64nvme &&
           memcmp(&b->xxh128, &task->xxh128, sizeof(b->xxh128)) == 0;
}

/* Returns 1 when nothing needs to be sent, 0 to send, -1 on error. */
static int
use_base(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    if (!is_same_content(task) || w->sender->ask_only ||
        (item->maybe_sent && item->base->self)) /* who sends it asks first */
        return 0;
    if (weir_copy_is_needless(w, task)) {
        task->outcome = WEIR_OUTCOME_SAME;
        return 1;
    }
    return item->type == WEIR_ENTRY_DIR ? 0 : weir_copy_base(w, task, err);
}

static void
fill_meta(struct weir_worker *w, const struct weir_task *task)
{
    weir_meta_fill(&w->meta, w->sender->source->metadata, &task->st, w->sender->job_id,
                   &task->xxh128);
}

int
weir_send_run(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    struct content c = {0};
    if (is_renamed(task->item)) {
        if (take_digests(task, task->item->base, err) != 0)
            return -1;
        fill_meta(w, task);
        int there = use_base(w, task, err);
        if (there != 0)
            return there < 0 ? -1 : 0;
        free(task->chunks); /* it must be read after all */
        task->chunks = NULL;
    }
    int rc = load(w, task, &c, err);
    if (rc == 0) {
        fill_meta(w, task);
        rc = is_renamed(task->item) ? 0 : use_base(w, task, err);
        rc = rc == 0 ? deliver(w, task, &c, err) : rc < 0 ? -1 : 0;
    }
    free(c.target);
    return rc;
}
