/* uploads -- the coordinator's side of multipart: what is announced in the catalog, which part
 * goes next, and what happens when something fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/run.h"
#include "plan/parts.h"

#define RESTARTS_MAX 3

static int
step(struct weir_item *item, enum weir_upload_event event, struct weir_err *err)
{
    if (weir_upload_step(item->upload, event, err) != 0)
        return weir_err_add(err, "%s", item->path);
    return 0;
}

/* Writes the upload's row; what it announces may happen only after the commit. */
static int
announce(struct weir_run *r, struct weir_item *item, bool completing, struct weir_err *err)
{
    struct weir_upload *u = item->upload;
    struct weir_catalog_upload row = {.id = u->row,
                                      .path = item->path,
                                      .path_len = item->path_len,
                                      .key = item->key,
                                      .upload_id = u->id,
                                      .st = item->st,
                                      .part_bytes = u->part_bytes,
                                      .chunk_bytes = u->chunk_bytes,
                                      .completing = completing,
                                      .delta = u->plan != NULL};
    r->must_commit = true;
    if (weir_run_begin(r, err) != 0)
        return -1;
    return weir_catalog_upload_put(r->setup.catalog, &row, &u->row, err);
}

static int
forget(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    if (weir_run_begin(r, err) != 0)
        return -1;
    int64_t row = item->upload->row;
    item->upload->row = 0;
    return row == 0 ? 0 : weir_catalog_upload_remove(r->setup.catalog, row, err);
}

/* The part of a plan: its place is known when the plan is made again. */
static int
record_part(struct weir_upload *u, const struct weir_part *part)
{
    struct weir_part *more =
        realloc(u->recorded, (u->recorded_count + 1) * sizeof(*u->recorded));
    if (more == NULL)
        return 0; /* it is sent again */
    u->recorded = more;
    u->recorded[u->recorded_count++] = *part;
    return 0;
}

static int
load_part(void *ctx, const struct weir_part *part, const struct weir_xxh128 *chunks,
          size_t chunk_count)
{
    struct weir_upload *u = ctx;
    size_t want = 0;
    if (u->recorded_delta)
        return record_part(u, part);
    if (part->number < 1 || part->number > u->part_count)
        return 0;
    struct weir_xxh128 *to = weir_upload_chunks(u, part->number, &want);
    if (chunk_count != want)
        return 0;
    memcpy(to, chunks, want * sizeof(*chunks));
    u->parts[part->number - 1] = *part;
    u->part_state[part->number - 1] = WEIR_PART_DONE;
    return 0;
}

/* Takes up the row of an earlier run when it is about the same file, cut in the same way. */
static int
take_up(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    struct weir_catalog_upload row;
    struct weir_upload *u = item->upload;
    bool found = false;
    if (weir_catalog_upload_find(r->setup.catalog, item->path, item->path_len, &row, &found,
                                 err) != 0)
        return -1;
    if (!found)
        return 0;
    u->row = row.id;
    item->maybe_sent = true;
    bool same = weir_stat_same(&row.st, &item->st) && row.part_bytes == u->part_bytes &&
                row.chunk_bytes == u->chunk_bytes && strcmp(row.key, item->key) == 0;
    (void)snprintf(u->id, sizeof(u->id), "%s", row.upload_id);
    if (u->id[0] != '\0' && !same) {
        item->fate = WEIR_FATE_RESTART; /* abort it first, then begin a new one */
        return 0;
    }
    u->completing = row.completing;
    u->recorded_delta = row.delta;
    return weir_catalog_part_each(r->setup.catalog, u->row, load_part, u, err);
}

/* Out with the OPEN task. */
static int
open_task(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    if (step(item, WEIR_UPLOAD_EV_START, err) != 0 ||
        announce(r, item, item->upload->completing, err) != 0)
        return -1;
    return weir_run_task(r, item, WEIR_TASK_OPEN, err) == NULL ? -1 : 0;
}

static int
abort_task(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    if (step(item, WEIR_UPLOAD_EV_DISCARD, err) != 0)
        return -1;
    return weir_run_task(r, item, WEIR_TASK_ABORT, err) == NULL ? -1 : 0;
}

int
weir_run_check_memory(const struct weir_run *r, uint64_t part_bytes, struct weir_err *why)
{
    if (part_bytes <= WEIR_WORKER_KEEP_BYTES || part_bytes <= r->heavy_max)
        return 0;
    return weir_err_set(
        why, WEIR_E_LIMIT,
        "needs parts of %llu MiB, and transfer.memory leaves %llu MiB for parts; "
        "set transfer.memory to at least %llu MiB",
        (unsigned long long)(part_bytes >> 20), (unsigned long long)(r->heavy_max >> 20),
        (unsigned long long)(part_bytes >> 19));
}

/* With a base there are two lists of digests, the CRCs, and a plan that may have more parts. */
static uint64_t
list_bytes(const struct weir_upload *u, bool with_base)
{
    uint64_t part = sizeof(*u->parts) + sizeof(*u->part_state);
    uint64_t chunk = sizeof(*u->chunks);
    if (with_base) {
        part = 2 * (part + sizeof(*u->plan) + sizeof(*u->recorded));
        chunk = 2 * chunk + sizeof(*u->chunk_crc);
    }
    return u->part_count * part + u->chunk_count * chunk;
}

void
weir_run_upload_drop(struct weir_run *r, struct weir_item *item)
{
    if (item->upload == NULL)
        return;
    r->uploads_open--;
    r->uploads_bytes -= item->upload->accounted;
    weir_upload_free(item->upload);
    item->upload = NULL;
}

int
weir_run_upload_start(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    struct weir_err why = WEIR_ERR_INIT;
    uint64_t part_bytes = 0;
    if (weir_parts_size(r->limits, item->st.size, r->o->manifest->transfer.part_bytes,
                        &part_bytes, &why) != 0 ||
        weir_upload_create(item->st.size, part_bytes,
                           weir_parts_chunk(item->st.size, part_bytes), &item->upload,
                           &why) != 0)
        return weir_run_item_failed(r, item, &why, err);
    r->uploads_open++;
    item->upload->accounted = list_bytes(item->upload, item->base != NULL);
    r->uploads_bytes += item->upload->accounted;
    item->fate = WEIR_FATE_NONE;
    if (take_up(r, item, err) != 0)
        return weir_err_add(err, "%s", item->path);
    if (weir_run_check_memory(r, part_bytes, &why) != 0)
        return weir_run_item_failed(r, item, &why, err);
    if (item->fate == WEIR_FATE_NONE)
        return open_task(r, item, err);
    /* A stale upload of this path: through STOPPING to ABORTING, then a new start. */
    if (step(item, WEIR_UPLOAD_EV_START, err) != 0 || step(item, WEIR_UPLOAD_EV_STOP, err) != 0)
        return -1;
    return abort_task(r, item, err);
}

static bool
is_heavy(const struct weir_upload *u)
{
    return u->part_bytes > WEIR_WORKER_KEEP_BYTES;
}

/* The next part that must go out, or 0. */
static uint32_t
next_part(struct weir_upload *u)
{
    for (; u->next_part <= u->part_count; u->next_part++) {
        uint8_t state = u->part_state[u->next_part - 1];
        if (state == WEIR_PART_TODO || state == WEIR_PART_REMOTE)
            return u->next_part;
    }
    return 0;
}

int
weir_run_upload_parts(struct weir_run *r, struct weir_err *err)
{
    while (r->uploads.first != NULL && r->tasks_out < r->tasks_max) {
        struct weir_item *item = r->uploads.first;
        struct weir_upload *u = item->upload;
        uint32_t n = next_part(u); /* never 0 in this list */
        if (is_heavy(u) && !weir_run_heavy_fits(r, u->part_bytes))
            return 0;
        struct weir_task *t = weir_run_task(r, item, WEIR_TASK_PART, err);
        if (t == NULL)
            return -1;
        t->part = n;
        u->part_state[n - 1] = WEIR_PART_OUT;
        if (next_part(u) == 0)
            (void)weir_item_list_take(&r->uploads); /* all parts are out */
        if (is_heavy(u))
            r->heavy_out += u->part_bytes;
    }
    return 0;
}

static int
complete_task(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    if (step(item, WEIR_UPLOAD_EV_ALL_SENT, err) != 0 || announce(r, item, true, err) != 0)
        return -1;
    return weir_run_task(r, item, WEIR_TASK_COMPLETE, err) == NULL ? -1 : 0;
}

static int
opened(struct weir_run *r, struct weir_task *t, struct weir_err *err)
{
    struct weir_item *item = t->item;
    struct weir_upload *u = item->upload;
    item->st = t->st;
    if (step(item, WEIR_UPLOAD_EV_OPENED, err) != 0 || announce(r, item, false, err) != 0)
        return -1;
    r->ledger.parts_reused += u->done;
    for (uint32_t n = 1; n <= u->part_count; n++)
        if (u->part_state[n - 1] == WEIR_PART_DONE)
            r->done_bytes += u->parts[n - 1].bytes;
    if (u->done == u->part_count)
        return complete_task(r, item, err);
    weir_item_list_append(&r->uploads, item);
    return 0;
}

static int
part_done(struct weir_run *r, struct weir_task *t, struct weir_err *err)
{
    struct weir_item *item = t->item;
    struct weir_upload *u = item->upload;
    u->parts[t->part - 1] = t->part_done;
    u->part_state[t->part - 1] = WEIR_PART_DONE;
    u->done++;
    r->failures_in_a_row = 0;
    r->done_bytes += t->bytes;
    if (t->sent) {
        r->ledger.parts_sent++;
        r->ledger.sent_bytes += t->bytes;
    } else if (t->copied) {
        r->ledger.parts_copied++;
        r->ledger.copied_bytes += t->bytes;
    } else {
        r->ledger.parts_reused++;
    }
    if (weir_run_begin(r, err) != 0 ||
        weir_catalog_part_put(r->setup.catalog, u->row, &t->part_done, t->chunks,
                              t->chunk_count, err) != 0)
        return -1;
    if (u->done == u->part_count && u->state == WEIR_UPLOAD_SENDING)
        return complete_task(r, item, err);
    return 0;
}

static int
published(struct weir_run *r, struct weir_task *t, enum weir_upload_event event,
          struct weir_err *err)
{
    struct weir_item *item = t->item;
    struct weir_upload *u = item->upload;
    if (step(item, event, err) != 0 || forget(r, item, err) != 0)
        return -1;
    weir_xxh128_of_chunks(u->chunks, u->chunk_count, &t->xxh128);
    if (event == WEIR_UPLOAD_EV_FOUND)
        r->done_bytes += u->object_bytes;
    if (t->outcome == WEIR_OUTCOME_SAME)
        return weir_run_item_same(r, item, t, err);
    return weir_run_item_done(r, item, t, u->chunks, u->chunk_count, u->part_bytes, err);
}

/* Which way out of STOPPING. */
static enum weir_fate
fate_of(const struct weir_task *t)
{
    if (t->outcome == WEIR_OUTCOME_CHANGED)
        return WEIR_FATE_PUT_OFF;
    if (t->outcome == WEIR_OUTCOME_RESTART)
        return WEIR_FATE_RESTART;
    switch (t->err != NULL ? t->err->code : WEIR_E_NOMEM) {
    case WEIR_E_EXISTS:
    case WEIR_E_DIGEST:
    case WEIR_E_LIMIT:
    case WEIR_E_NOT_FOUND:
        return WEIR_FATE_DISCARD; /* going on would end in the same way */
    default:
        return WEIR_FATE_FAIL;
    }
}

/* The upload is out of the way: what now? */
static int
end_of_upload(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    enum weir_fate fate = item->fate;
    struct weir_err why = WEIR_ERR_INIT;
    if (item->fate_err != NULL)
        why = *item->fate_err;
    else
        weir_err_set(&why, WEIR_E_NOMEM, "out of memory");
    free(item->fate_err);
    item->fate_err = NULL;
    item->fate = WEIR_FATE_NONE;
    if (fate == WEIR_FATE_FAIL || fate == WEIR_FATE_DISCARD)
        return weir_run_item_failed(r, item, &why, err);
    weir_run_upload_drop(r, item);
    if (fate == WEIR_FATE_PUT_OFF)
        return weir_run_item_put_off(r, item, &why, err);
    if (item->restarts++ < RESTARTS_MAX)
        return weir_run_upload_start(r, item, err);
    weir_err_add(&why, "the store forgot this upload %u times", item->restarts);
    return weir_run_item_failed(r, item, &why, err);
}

/* No task of a stopped upload is out any more. */
static int
stopped(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    struct weir_upload *u = item->upload;
    if (item->tasks_out > 0)
        return 0;
    bool has_upload = u->id[0] != '\0';
    if (item->fate != WEIR_FATE_FAIL && has_upload)
        return abort_task(r, item, err);
    /* A row without an id may stand for an upload that nobody has looked for yet. */
    bool keep = item->fate == WEIR_FATE_FAIL || item->maybe_sent;
    if (!keep && forget(r, item, err) != 0)
        return -1;
    if (step(item, WEIR_UPLOAD_EV_KEEP, err) != 0)
        return -1;
    return end_of_upload(r, item, err);
}

static int
failed(struct weir_run *r, struct weir_task *t, struct weir_err *err)
{
    struct weir_item *item = t->item;
    if (step(item, WEIR_UPLOAD_EV_STOP, err) != 0)
        return -1;
    weir_item_list_remove(&r->uploads, item);
    item->send_whole |= t->base_lost;
    if (item->fate == WEIR_FATE_NONE) { /* the first failure decides */
        item->fate = fate_of(t);
        item->fate_err = t->err;
        t->err = NULL;
        if (t->outcome == WEIR_OUTCOME_CHANGED && t->kind == WEIR_TASK_OPEN)
            item->st = t->st;
    }
    return stopped(r, item, err);
}

/* Aborted, or not: a failed abort leaves the row, and the next run tries again. */
static int
aborted(struct weir_run *r, struct weir_task *t, struct weir_err *err)
{
    struct weir_item *item = t->item;
    if (t->outcome == WEIR_OUTCOME_DONE || t->outcome == WEIR_OUTCOME_RESTART) {
        if (step(item, WEIR_UPLOAD_EV_ABORTED, err) != 0 || forget(r, item, err) != 0)
            return -1;
        return end_of_upload(r, item, err);
    }
    if (step(item, WEIR_UPLOAD_EV_KEEP, err) != 0)
        return -1;
    if (item->fate != WEIR_FATE_DISCARD) { /* there the first error says more */
        free(item->fate_err);
        item->fate_err = t->err;
        t->err = NULL;
    }
    item->fate = WEIR_FATE_FAIL;
    return end_of_upload(r, item, err);
}

static int
task_done(struct weir_run *r, struct weir_task *t, struct weir_err *err)
{
    struct weir_item *item = t->item;
    struct weir_upload *u = item->upload;
    bool there = t->outcome == WEIR_OUTCOME_FOUND || t->outcome == WEIR_OUTCOME_COPIED ||
                 t->outcome == WEIR_OUTCOME_SAME;
    bool good = t->outcome == WEIR_OUTCOME_DONE || there;
    if (t->kind == WEIR_TASK_PART && is_heavy(u))
        r->heavy_out -= u->part_bytes;
    if (t->kind == WEIR_TASK_ABORT)
        return aborted(r, t, err);
    if (!good)
        return failed(r, t, err);
    if (t->kind == WEIR_TASK_OPEN)
        return there ? published(r, t, WEIR_UPLOAD_EV_FOUND, err) : opened(r, t, err);
    if (t->kind == WEIR_TASK_COMPLETE)
        return published(r, t, WEIR_UPLOAD_EV_COMPLETED, err);
    int rc = part_done(r, t, err);
    return rc == 0 && u->state == WEIR_UPLOAD_STOPPING ? stopped(r, item, err) : rc;
}

int
weir_run_upload_task_done(struct weir_run *r, struct weir_task *t, struct weir_err *err)
{
    int rc = task_done(r, t, err);
    weir_task_free(t);
    return rc;
}
