#include "transfer/remove.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lake/absent.h"
#include "plan/key.h"
#include "transfer/copy.h"
#include "transfer/settle.h"
#include "transfer/worker.h"

void
weir_removal_batch_free(struct weir_removal_batch *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->count; i++) {
        free(b->items[i].path);
        free(b->items[i].key);
        weir_base_free(b->items[i].base);
        free(b->items[i].err);
    }
    free(b);
}

static void
settle(struct weir_removal *x, enum weir_removal_state state, const struct weir_err *why)
{
    x->state = state;
    if (why != NULL && x->err == NULL && (x->err = malloc(sizeof(*x->err))) != NULL)
        *x->err = *why;
}

/* The last look at the lake.  A directory's own object goes when the directory is no object any
 * more, which the walk has decided. */
static bool
is_absent(struct weir_worker *w, struct weir_removal *x)
{
    struct weir_err err = WEIR_ERR_INIT;
    if (x->decided)
        return true;
    enum weir_absent absent =
        weir_lake_absent(w->sender->root, w->sender->source, x->path, x->base->type, &err);
    if (absent == WEIR_ABSENT_YES)
        return true;
    settle(x, absent == WEIR_ABSENT_NO ? WEIR_REMOVAL_BACK : WEIR_REMOVAL_FAILED,
           absent == WEIR_ABSENT_NO ? NULL : &err);
    return false;
}

/* The empty object of a directory: some stores refuse to copy one, and there are no bytes to
 * lose. */
static int
keep_marker(struct weir_worker *w, const char *key, struct weir_err *err)
{
    struct weir_stored stored;
    struct weir_object object = {
        .key = key, .meta = w->head.meta, .meta_count = w->head.meta_count};
    return w->transport->ops->put(w->transport, &object, "", 0, weir_crc64nvme(0, "", 0),
                                  &stored, err);
}

static int
quarantine(struct weir_worker *w, struct weir_removal *x, const char *prefix,
           struct weir_err *err)
{
    char key[WEIR_KEY_BYTES * 2];
    const struct weir_limits *lim = w->transport->ops->limits(w->transport);
    int len = snprintf(key, sizeof(key), "%s%s", prefix, x->key);
    if (len < 0 || (size_t)len > lim->key_bytes_max)
        return weir_err_set(err, WEIR_E_LIMIT,
                            "the key in the quarantine would be longer than %zu bytes",
                            lim->key_bytes_max);
    if (x->name_len == 0 && w->head.stored.bytes == 0)
        return keep_marker(w, key, err);
    struct weir_copy_source from = {.key = x->key,
                                    .etag = w->head.stored.etag,
                                    .bytes = w->head.stored.bytes,
                                    .has_crc64nvme = w->head.stored.has_crc64nvme,
                                    .crc64nvme = w->head.stored.crc64nvme,
                                    .meta = &w->head};
    if (strcmp(from.etag, x->base->etag) == 0) { /* the very object that our row describes */
        from.has_crc64nvme = true;
        from.crc64nvme = x->base->crc64nvme;
    }
    return weir_copy_keep(w, &from, key, err);
}

/* The object that our row describes, with the name of this job on it.  Adopted ones have no
 * name, and some stores keep no metadata on the objects of directories. */
static bool
may_go(const struct weir_worker *w, const struct weir_removal *x)
{
    const struct weir_base *b = x->base;
    bool nameless = b->proof == WEIR_PROOF_ADOPTED || b->type == WEIR_ENTRY_DIR;
    return weir_settle_is_ours(w->sender, &w->head, b->doubt ? NULL : b->etag) &&
           (nameless || weir_meta_is_ours(&w->head, w->sender->job_id));
}

/* Looks at the object: may it go?  -1 with err when the run cannot go on. */
static int
look(struct weir_worker *w, struct weir_removal *x, const char *quarantine_prefix,
     struct weir_err *out_err)
{
    struct weir_err err = WEIR_ERR_INIT;
    bool found = false;
    if (!is_absent(w, x))
        return 0;
    if (weir_settle_head(w, x->key, &found, &err) != 0) {
        settle(x, WEIR_REMOVAL_FAILED, &err);
    } else if (!found) {
        settle(x, WEIR_REMOVAL_WAS_GONE, NULL);
    } else if (!may_go(w, x)) {
        settle(x, WEIR_REMOVAL_FOREIGN, NULL);
    } else if (quarantine_prefix != NULL && quarantine(w, x, quarantine_prefix, &err) != 0) {
        weir_err_add(&err, "copy to the quarantine, so it was not deleted");
        settle(x, WEIR_REMOVAL_FAILED, &err);
    } else {
        settle(x, WEIR_REMOVAL_READY, NULL);
    }
    if (err.scope != WEIR_SCOPE_RUN)
        return 0;
    *out_err = err;
    return -1;
}

struct ready { /* those of a batch that go into the request */
    struct weir_removal *item[WEIR_REMOVAL_BATCH];
    const char *key[WEIR_REMOVAL_BATCH];
    size_t count;
};

static void
removed(void *ctx, size_t index, const char *version, const struct weir_err *why)
{
    struct ready *r = ctx;
    if (index >= r->count)
        return;
    struct weir_removal *x = r->item[index];
    settle(x, why == NULL ? WEIR_REMOVAL_REMOVED : WEIR_REMOVAL_FAILED, why);
    (void)snprintf(x->version, sizeof(x->version), "%s", version != NULL ? version : "");
}

int
weir_remove_run(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    struct weir_removal_batch *b = task->removals;
    struct ready ready = {.count = 0};
    for (size_t i = 0; i < b->count; i++) {
        if (weir_cancel_get(w->sender->cancel) != WEIR_CANCEL_NONE)
            break; /* what was looked at is still removed */
        if (look(w, &b->items[i], b->quarantine, err) != 0)
            return -1; /* nothing of the batch is removed */
        if (b->items[i].state != WEIR_REMOVAL_READY)
            continue;
        ready.item[ready.count] = &b->items[i];
        ready.key[ready.count++] = b->items[i].key;
    }
    if (ready.count == 0)
        return 0;
    struct weir_err all = WEIR_ERR_INIT;
    if (w->transport->ops->remove_many(w->transport, ready.key, ready.count, removed, &ready,
                                       &all) == 0)
        return 0;
    for (size_t i = 0; i < ready.count; i++)
        if (ready.item[i]->state == WEIR_REMOVAL_READY)
            settle(ready.item[i], WEIR_REMOVAL_FAILED, &all);
    if (all.scope != WEIR_SCOPE_RUN)
        return 0; /* each one says it */
    *err = all;
    return -1;
}
