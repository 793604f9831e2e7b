#include "transfer/copy.h"

#include <stdlib.h>
#include <string.h>

#include "plan/parts.h"
#include "transfer/settle.h"

/* Is what the store says of the copy the same as the source?  An ETag is compared only where no
 * digest can be: it survives a copy in most stores. */
static bool
is_same(const struct weir_worker *w, const struct weir_copy_source *from,
        const struct weir_stored *copy, bool *out_proven)
{
    unsigned digests = WEIR_CAP_STORED_CHECKSUM;
    *out_proven = false;
    if (copy->bytes != from->bytes)
        return false;
    if (from->has_crc64nvme && copy->has_crc64nvme && (w->sender->caps & digests) != 0) {
        *out_proven = copy->crc64nvme == from->crc64nvme;
        return *out_proven;
    }
    return from->etag[0] != '\0' && strcmp(from->etag, copy->etag) == 0;
}

/* Compares what is at key now. */
static int
check(struct weir_worker *w, const struct weir_copy_source *from, const char *key,
      struct weir_stored *out, bool *out_proven, struct weir_err *err)
{
    struct weir_head *head = malloc(sizeof(*head)); /* w->head may describe the source */
    struct weir_err why = WEIR_ERR_INIT;
    if (head == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "look at a copy");
    int rc = w->transport->ops->head(w->transport, key, head, &why);
    if (rc != 0 && (why.code != WEIR_E_NOT_FOUND || why.scope == WEIR_SCOPE_RUN)) {
        *err = why;
        goto done;
    }
    rc = rc == 0 && is_same(w, from, &head->stored, out_proven);
    if (rc == 1)
        *out = head->stored;
done:
    free(head);
    return rc;
}

bool
weir_copy_is_safe(const struct weir_sender *s)
{
    unsigned needed = WEIR_CAP_COPY | WEIR_CAP_STORED_CHECKSUM;
    return (s->caps & needed) == needed;
}

bool
weir_copy_is_refusal(const struct weir_err *why)
{
    if (why->scope == WEIR_SCOPE_RUN)
        return false;
    switch (why->code) {
    case WEIR_E_EXISTS:      /* the source was replaced, or the target is occupied */
    case WEIR_E_NOT_FOUND:   /* the source is gone */
    case WEIR_E_ACCESS:      /* it may not be read, or is archived */
    case WEIR_E_UNSUPPORTED: /* the store does not copy */
    case WEIR_E_LIMIT:
    case WEIR_E_PROTOCOL: /* it is shorter than our row says */
    case WEIR_E_DIGEST:
        return true;
    default:
        return false;
    }
}

enum weir_copy
weir_copy_object(struct weir_worker *w, const struct weir_copy_source *from,
                 const struct weir_object *object, struct weir_stored *out, bool *out_proven,
                 struct weir_err *err)
{
    const struct weir_limits *lim = w->transport->ops->limits(w->transport);
    struct weir_err why = WEIR_ERR_INIT;
    struct weir_stored stored = {0};
    if ((w->sender->caps & WEIR_CAP_COPY) == 0 || from->bytes > lim->copy_bytes_max)
        return WEIR_COPY_REFUSED;
    if (w->transport->ops->copy(w->transport, from->key, from->etag, object, &stored, &why) !=
        0) {
        if (weir_copy_is_refusal(&why))
            return WEIR_COPY_REFUSED;
        *err = why;
        return WEIR_COPY_ERROR;
    }
    stored.bytes = from->bytes; /* a reply does not tell: believed only with the digest */
    if (stored.has_crc64nvme && is_same(w, from, &stored, out_proven) && *out_proven &&
        stored.etag[0] != '\0') {
        *out = stored;
        return WEIR_COPY_DONE;
    }
    int same = check(w, from, object->key, out, out_proven, err);
    return same < 0 ? WEIR_COPY_ERROR : same == 1 ? WEIR_COPY_DONE : WEIR_COPY_DOUBTFUL;
}

bool
weir_copy_is_needless(const struct weir_worker *w, const struct weir_task *task)
{
    const struct weir_sender *s = w->sender;
    const struct weir_item *item = task->item;
    struct weir_meta before;
    if (!item->base->self || item->maybe_sent)
        return false;
    if (s->metadata_changes == WEIR_METADATA_CHANGES_CATALOG)
        return true;
    weir_meta_fill(&before, s->source->metadata, &item->base->st, s->job_id, NULL);
    return weir_meta_same(&before, &w->meta);
}

int
weir_copy_base(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    const struct weir_base *b = item->base;
    struct weir_object object = {
        .key = item->key, .meta = w->meta.kv, .meta_count = w->meta.count};
    struct weir_copy_source from = {.key = b->self ? item->key : b->key,
                                    .etag = b->etag,
                                    .bytes = task->bytes,
                                    .has_crc64nvme = true,
                                    .crc64nvme = task->crc64nvme};
    if (!weir_copy_is_safe(w->sender) || (b->self && b->etag[0] == '\0'))
        return 0; /* nothing says that the object there is still ours */
    if (!b->self) {
        bool guarded = (w->sender->caps & WEIR_CAP_COPY_IF_NONE_MATCH) != 0, found = false;
        bool ask = item->maybe_sent || !guarded;
        if (ask && weir_settle_head(w, item->key, &found, err) != 0)
            return -1;
        if (found)
            return 0; /* who sends it finds out whose it is */
        object.condition = guarded ? WEIR_COND_ABSENT : WEIR_COND_NONE;
    }
    switch (weir_copy_object(w, &from, &object, &task->stored, &task->proven, err)) {
    case WEIR_COPY_DONE:
        task->outcome = WEIR_OUTCOME_COPIED;
        return 1;
    case WEIR_COPY_DOUBTFUL: /* an object of ours that may hold anything must not stay */
        return b->self ? 0 : w->transport->ops->remove(w->transport, item->key, err);
    case WEIR_COPY_REFUSED:
        return 0;
    default:
        return -1;
    }
}

/* ---- safe-keeping ---- */

static int
copy_parts(struct weir_worker *w, const struct weir_copy_source *from, const char *key,
           const char *id, struct weir_part *parts, uint32_t count, uint64_t part_bytes,
           struct weir_err *err)
{
    for (uint32_t n = 1; n <= count; n++) {
        uint64_t bytes = weir_parts_length(from->bytes, part_bytes, n);
        if (weir_cancel_get(w->sender->cancel) != WEIR_CANCEL_NONE)
            return weir_err_set(err, WEIR_E_CANCELLED, "stopped while copying %s", from->key);
        if (w->transport->ops->copy_part(w->transport, key, id, n, from->key, from->etag,
                                         (uint64_t)(n - 1) * part_bytes, bytes, &parts[n - 1],
                                         err) != 0)
            return -1;
    }
    return 0;
}

/* More than one copy request takes: an upload whose parts are copied.  Uploads of this key that
 * a killed pass left are aborted first. */
static int
keep_large(struct weir_worker *w, const struct weir_copy_source *from,
           const struct weir_object *object, struct weir_err *err)
{
    struct weir_transport *t = w->transport;
    uint64_t part_bytes = t->ops->limits(t)->copy_bytes_max;
    uint32_t count = weir_parts_count(from->bytes, part_bytes);
    char id[WEIR_UPLOAD_ID_BYTES];
    struct weir_stored stored;
    if ((w->sender->caps & WEIR_CAP_COPY_PART) == 0)
        return weir_err_set(err, WEIR_E_UNSUPPORTED, "the store cannot copy %s", from->key);
    struct weir_part *parts = calloc(count, sizeof(*parts));
    if (parts == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "list of parts");
    int rc = -1;
    if (weir_multipart_abort_leaked(t, object->key, err) != 0 ||
        t->ops->create_upload(t, object, id, err) != 0)
        goto done;
    if (copy_parts(w, from, object->key, id, parts, count, part_bytes, err) == 0)
        rc = t->ops->complete_upload(t, object, id, parts, count, from->bytes, from->crc64nvme,
                                     &stored, err);
    if (rc != 0) {
        struct weir_err ignored = WEIR_ERR_INIT;
        (void)t->ops->abort_upload(t, object->key, id, &ignored);
    }
done:
    free(parts);
    return rc;
}

struct read_back {
    uint64_t bytes, crc64nvme;
};

static int
digest_back(void *ctx, const void *data, size_t bytes)
{
    struct read_back *r = ctx;
    r->crc64nvme = weir_crc64nvme(r->crc64nvme, data, bytes);
    r->bytes += bytes;
    return 0;
}

/* Where the store keeps no checksum and gives the copy another ETag, only its bytes can tell.
 * 1, 0 or -1. */
static int
compare_bytes(struct weir_worker *w, const struct weir_copy_source *from, const char *key,
              struct weir_err *err)
{
    struct read_back r = {0};
    if (!from->has_crc64nvme)
        return 0;
    if (from->bytes > 0 &&
        w->transport->ops->get(w->transport, key, 0, UINT64_MAX, digest_back, &r, err) != 0)
        return -1;
    return r.bytes == from->bytes && r.crc64nvme == from->crc64nvme;
}

int
weir_copy_keep(struct weir_worker *w, const struct weir_copy_source *from, const char *key,
               struct weir_err *err)
{
    const struct weir_limits *lim = w->transport->ops->limits(w->transport);
    bool guarded = (w->sender->caps & WEIR_CAP_COPY_IF_NONE_MATCH) != 0;
    struct weir_object object = {.key = key,
                                 .condition = guarded ? WEIR_COND_ABSENT : WEIR_COND_NONE};
    struct weir_stored stored;
    bool proven = false;
    int there = 0;
    if ((w->sender->caps & WEIR_CAP_COPY) == 0)
        return weir_err_set(err, WEIR_E_UNSUPPORTED, "the store cannot copy objects");
    if (from->bytes > lim->copy_bytes_max) {
        object.meta = from->meta->meta;
        object.meta_count = from->meta->meta_count;
        if (!from->has_crc64nvme)
            return weir_err_set(err, WEIR_E_UNSUPPORTED,
                                "%s is longer than one copy and has no CRC64NVME", from->key);
        if (keep_large(w, from, &object, err) != 0)
            return -1;
        there = check(w, from, key, &stored, &proven, err);
    } else {
        enum weir_copy copied = weir_copy_object(w, from, &object, &stored, &proven, err);
        if (copied == WEIR_COPY_REFUSED)
            return weir_err_set(err, WEIR_E_UNSUPPORTED, "the store refused to copy %s to %s",
                                from->key, key);
        there = copied == WEIR_COPY_ERROR ? -1 : copied == WEIR_COPY_DONE;
    }
    if (there == 0)
        there = compare_bytes(w, from, key, err);
    if (there == 0)
        return weir_err_set(err, WEIR_E_DIGEST,
                            "the copy of %s at %s cannot be shown to be the same", from->key,
                            key);
    return there < 0 ? -1 : 0;
}
