/* delta -- a large file against the digests of the object that the store has: nothing changed,
 * some chunks did, or all of them. */
#include <stdlib.h>
#include <string.h>

#include "plan/delta.h"
#include "transfer/copy.h"
#include "transfer/multipart.h"

int
weir_delta_digest(struct weir_worker *w, const struct weir_item *item, struct weir_err *err)
{
    struct weir_upload *u = item->upload;
    uint64_t crc = 0, left = u->object_bytes;
    if (u->chunk_crc == NULL &&
        (u->chunk_crc = calloc(u->chunk_count, sizeof(*u->chunk_crc))) == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "digests of %zu chunks", u->chunk_count);
    for (size_t i = 0; i < u->chunk_count; i++) {
        size_t bytes = (size_t)(left < u->chunk_bytes ? left : u->chunk_bytes);
        if (weir_cancel_get(w->sender->cancel) != WEIR_CANCEL_NONE ||
            atomic_load(w->sender->stop))
            return weir_err_set(err, WEIR_E_CANCELLED, "stopped while reading %s", item->path);
        if (weir_worker_reserve(w, bytes, err) != 0)
            return -1;
        weir_digester_begin(w->digester, u->chunk_bytes, &u->chunks[i], 1);
        if (weir_reader_read(&u->reader, item->path, (uint64_t)i * u->chunk_bytes, w->buffer,
                             bytes, w->digester, err) != 0)
            return -1;
        (void)weir_digester_end(w->digester, &u->chunk_crc[i]);
        crc = i == 0 ? u->chunk_crc[i] : weir_crc64nvme_combine(crc, u->chunk_crc[i], bytes);
        left -= bytes;
    }
    if (weir_reader_finish(&u->reader, item->path, err) != 0)
        return -1;
    u->has_crc = true;
    u->crc64nvme = crc;
    return 0;
}

/* Ranges are copied only where the whole object's CRC64NVME is compared afterwards. */
static bool
copies_parts(const struct weir_sender *s)
{
    return (s->caps & WEIR_CAP_COPY_PART) != 0 &&
           (s->caps & (WEIR_CAP_COMPLETE_CHECKSUM | WEIR_CAP_STORED_CHECKSUM_MPU)) != 0;
}

static bool
is_usable(const struct weir_worker *w, const struct weir_item *item)
{
    const struct weir_base *b = item->base;
    bool worth = item->check || w->sender->metadata_changes == WEIR_METADATA_CHANGES_CATALOG ||
                 weir_copy_is_safe(w->sender) || copies_parts(w->sender);
    return b != NULL && worth && !item->send_whole && !w->sender->ask_only &&
           b->type == WEIR_ENTRY_FILE && b->chunks != NULL &&
           b->chunk_bytes == item->upload->chunk_bytes;
}

/* Same content as the base: the object may stay, or be copied.  1, 0 (send), -1. */
static int
use_same(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    if (weir_copy_is_needless(w, task)) {
        task->outcome = WEIR_OUTCOME_SAME;
        return 1;
    }
    return weir_copy_base(w, task, err);
}

/* Length of chunk i in a file of so many bytes; 0 behind its end. */
static uint64_t
chunk_length(uint64_t file_bytes, uint64_t chunk_bytes, size_t i)
{
    uint64_t start = (uint64_t)i * chunk_bytes;
    uint64_t rest = file_bytes > start ? file_bytes - start : 0;
    return rest < chunk_bytes ? rest : chunk_bytes;
}

static int
make_plan(struct weir_worker *w, const struct weir_item *item, struct weir_err *err)
{
    struct weir_upload *u = item->upload;
    const struct weir_base *b = item->base;
    struct weir_delta_plan plan = {0};
    uint8_t *same = calloc(u->chunk_count, 1);
    if (same == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "comparison of %zu chunks", u->chunk_count);
    for (size_t i = 0; i < u->chunk_count && i < b->chunk_count; i++)
        same[i] = chunk_length(u->object_bytes, u->chunk_bytes, i) ==
                      chunk_length(b->st.size, u->chunk_bytes, i) &&
                  memcmp(&u->chunks[i], &b->chunks[i], sizeof(*b->chunks)) == 0;
    struct weir_delta_input in = {.limits = w->transport->ops->limits(w->transport),
                                  .object_bytes = u->object_bytes,
                                  .base_bytes = b->st.size,
                                  .part_bytes = u->part_bytes,
                                  .chunk_bytes = u->chunk_bytes,
                                  .same = same};
    int rc = weir_delta_plan(&in, &plan, err);
    if (rc == 0 && plan.count > 0)
        rc = weir_upload_use_plan(u, &plan, err);
    weir_delta_plan_fini(&plan);
    free(same);
    return rc;
}

/* What was digested says what the file is; the base is what its row says. */
static bool
is_same(const struct weir_upload *u, const struct weir_base *b)
{
    return b->st.size == u->object_bytes && b->crc64nvme == u->crc64nvme &&
           b->chunk_count == u->chunk_count &&
           memcmp(b->chunks, u->chunks, u->chunk_count * sizeof(*b->chunks)) == 0;
}

/* A file of a renamed directory has the inode, size and both times of the row: it is not read.
 * (More than one copy takes needs digests of its parts.) */
static bool
take_unread(struct weir_worker *w, const struct weir_item *item)
{
    const struct weir_base *b = item->base;
    struct weir_upload *u = item->upload;
    if (b->self || item->restat || !weir_stat_same(&b->st, &item->st) ||
        b->chunk_count != u->chunk_count ||
        u->object_bytes > w->transport->ops->limits(w->transport)->copy_bytes_max)
        return false;
    memcpy(u->chunks, b->chunks, u->chunk_count * sizeof(*u->chunks));
    u->has_crc = true;
    u->crc64nvme = b->crc64nvme;
    return true;
}

int
weir_delta_prepare(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    const struct weir_item *item = task->item;
    struct weir_upload *u = item->upload;
    if (!is_usable(w, item))
        return 0;
    bool unread = take_unread(w, item);
    if (!unread && weir_delta_digest(w, item, err) != 0)
        return -1;
    task->crc64nvme = u->crc64nvme;
    if (is_same(u, item->base) && !(item->maybe_sent && item->base->self)) {
        int settled = use_same(w, task, err);
        if (settled != 0)
            return settled;
        if (unread && weir_delta_digest(w, item, err) != 0)
            return -1;
    }
    if (!copies_parts(w->sender) || item->base->etag[0] == '\0')
        return 0;
    return make_plan(w, item, err);
}
