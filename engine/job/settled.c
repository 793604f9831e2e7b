/* settled -- the ends of an entry in catalog, ledger and report: done, unchanged after all,
 * failed, put off, left behind. */
#include <stdio.h>
#include <string.h>

#include "job/run.h"

#define TRIES_MAX 5 /* then an entry that keeps changing is unstable */
#define QUIET_NS (WEIR_READER_QUIET_NS + 100 * WEIR_NS_PER_MS)
#define FAILURES_IN_A_ROW_MAX 20 /* of the endpoint, with no success in between */

/* The last of an item: out of the counts, its directory is told. */
static int
item_end(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    struct weir_run_dir *d = item->owner;
    if (item->live_prev != NULL)
        item->live_prev->live_next = item->live_next;
    else
        r->live = item->live_next;
    if (item->live_next != NULL)
        item->live_next->live_prev = item->live_prev;
    if (item->upload != NULL && item->upload->row != 0)
        weir_run_orphans_keep(r, item->upload->row);
    weir_run_upload_drop(r, item);
    weir_item_free(item);
    return weir_run_dir_release(r, d, err);
}

static void
record(struct weir_run *r, const struct weir_item *item, enum weir_state state,
       const struct weir_task *t, size_t chunks, const struct weir_err *why)
{
    r->ledger.count[state]++;
    r->ledger.bytes[state] += t != NULL                      ? t->bytes
                              : item->type == WEIR_ENTRY_DIR ? 0
                                                             : item->st.size;
    struct weir_record rec = {.path = item->path,
                              .path_len = item->path_len,
                              .key = item->key,
                              .type = weir_run_type_name(item->type),
                              .state = weir_state_name(state),
                              .has_bytes = true,
                              .bytes = item->st.size,
                              .err = why};
    if (t != NULL) {
        rec.bytes = t->bytes;
        rec.xxh128 = &t->xxh128;
        rec.chunks = chunks;
        rec.crc64nvme = &t->crc64nvme;
        rec.etag = t->stored.etag;
        rec.version = t->stored.version;
        rec.found = t->outcome == WEIR_OUTCOME_FOUND;
        rec.copied = t->outcome == WEIR_OUTCOME_COPIED;
    }
    weir_report_entry(r->report, &rec);
}

static void
record_same(struct weir_run *r, const struct weir_item *item)
{
    struct weir_record rec = {.path = item->path,
                              .path_len = item->path_len,
                              .key = item->key,
                              .type = weir_run_type_name(item->type),
                              .state = weir_state_name(WEIR_STATE_UNCHANGED),
                              .has_bytes = true,
                              .bytes = item->st.size};
    weir_report_entry(r->report, &rec);
}

static uint8_t
proof_of(const struct weir_task *t)
{
    if (t->adopted)
        return WEIR_PROOF_ADOPTED;
    return t->proven ? WEIR_PROOF_VERIFIED : WEIR_PROOF_UPLOADED;
}

static int
save_row(struct weir_run *r, const struct weir_item *item, const struct weir_task *t,
         const struct weir_xxh128 *chunks, size_t chunk_count, uint64_t part_bytes,
         uint64_t chunk_bytes, struct weir_err *err)
{
    const struct weir_run_dir *d = item->owner;
    struct weir_catalog_entry row = {.type = item->type,
                                     .proof = proof_of(t),
                                     .st = t->st,
                                     .xxh128 = t->xxh128,
                                     .crc64nvme = t->crc64nvme,
                                     .part_bytes = part_bytes,
                                     .chunk_bytes = chunk_bytes,
                                     .etag = t->stored.etag,
                                     .version = t->stored.version,
                                     .name = ""};
    if (item->index > 0) {
        row.name = d->batch->entries[item->index - 1].name;
        row.name_len = d->batch->entries[item->index - 1].name_len;
    }
    bool keep_chunks = chunk_count > 1;
    if (weir_run_begin(r, err) != 0)
        return -1;
    return weir_catalog_entry_put(r->setup.catalog, d->id, &row, keep_chunks ? chunks : NULL,
                                  keep_chunks ? chunk_count : 0, err);
}

/* The content is not what it was although nothing says that the file was written to. */
static void
warn_silent_change(struct weir_run *r, const struct weir_item *item)
{
    struct weir_err why = WEIR_ERR_INIT;
    weir_err_set(&why, WEIR_E_CHANGED,
                 "content changed although size, times and inode did not: a writer by mmap, or "
                 "a disk that forgets; the object now holds the new content");
    weir_run_warn(r, item->path, &why);
}

/* The row with new stat data; what it says of the content and the object stays. */
static int
refresh_row(struct weir_run *r, const struct weir_item *item, const struct weir_task *t,
            struct weir_err *err)
{
    const struct weir_base *b = item->base;
    struct weir_task old = *t;
    old.xxh128 = b->xxh128;
    old.crc64nvme = b->crc64nvme;
    old.proven = b->proof == WEIR_PROOF_VERIFIED;
    old.adopted = b->proof == WEIR_PROOF_ADOPTED;
    (void)snprintf(old.stored.etag, sizeof(old.stored.etag), "%s", b->etag);
    (void)snprintf(old.stored.version, sizeof(old.stored.version), "%s", b->version);
    return save_row(r, item, &old, b->chunks, b->chunk_count, b->part_bytes, b->chunk_bytes,
                    err);
}

int
weir_run_item_same(struct weir_run *r, struct weir_item *item, const struct weir_task *t,
                   struct weir_err *err)
{
    if (refresh_row(r, item, t, err) != 0)
        return weir_err_add(err, "%s", item->path);
    if (item->upload == NULL)
        r->done_bytes += t->bytes;
    r->ledger.count[WEIR_STATE_UNCHANGED]++;
    r->ledger.bytes[WEIR_STATE_UNCHANGED] += t->bytes;
    r->ledger.reread++;
    struct weir_run_dir *d = item->owner;
    if (r->o->report_all)
        record_same(r, item);
    if (!weir_stat_same(&t->st, weir_run_entry_stat(d, item->index)))
        d->dirty = true; /* the seal is over what the walk saw */
    return item_end(r, item, err);
}

/* The file's old name, should it vanish in this pass, was not lost. */
static int
note_moved(struct weir_run *r, const struct weir_item *item, const struct weir_task *t,
           struct weir_err *err)
{
    const struct weir_base *b = item->base;
    if (b == NULL || b->self || memcmp(&b->xxh128, &t->xxh128, sizeof(b->xxh128)) != 0)
        return 0;
    return weir_catalog_entry_moved(r->setup.catalog, b->dir_id, b->name, b->name_len, err);
}

int
weir_run_item_done(struct weir_run *r, struct weir_item *item, const struct weir_task *t,
                   const struct weir_xxh128 *chunks, size_t chunk_count, uint64_t part_bytes,
                   struct weir_err *err)
{
    uint64_t chunk_bytes = item->upload != NULL ? item->upload->chunk_bytes : (uint64_t)1 << 20;
    if (save_row(r, item, t, chunks, chunk_count, part_bytes, chunk_bytes, err) != 0 ||
        note_moved(r, item, t, err) != 0)
        return weir_err_add(err, "%s", item->path);
    r->failures_in_a_row = 0;
    if (item->check && t->outcome != WEIR_OUTCOME_FOUND)
        warn_silent_change(r, item);
    if (t->outcome == WEIR_OUTCOME_FOUND) {
        r->ledger.found++;
    } else if (t->outcome == WEIR_OUTCOME_COPIED) {
        r->ledger.copied_objects++;
        r->ledger.copied_bytes += t->bytes;
    } else {
        r->ledger.sent_objects++;
        if (item->upload == NULL)
            r->ledger.sent_bytes += t->bytes;
    }
    if (item->upload == NULL)
        r->done_bytes += t->bytes;
    record(r, item, t->proven ? WEIR_STATE_VERIFIED : WEIR_STATE_UPLOADED, t, chunk_count,
           NULL);
    struct weir_run_dir *d = item->owner;
    if (!weir_stat_same(&t->st, weir_run_entry_stat(d, item->index)))
        d->dirty = true; /* the seal is over what the walk saw */
    return item_end(r, item, err);
}

/* Its directory must be looked at again; and where an interrupted pass may have sent the entry,
 * the next one must ask as this one should have. */
static void
not_done(const struct weir_item *item)
{
    struct weir_run_dir *d = item->owner;
    d->dirty = true;
    if (item->maybe_sent)
        d->unknown = true;
}

static bool
is_endpoint_trouble(const struct weir_err *why)
{
    return why->code == WEIR_E_NETWORK || why->code == WEIR_E_THROTTLED ||
           why->code == WEIR_E_SERVER;
}

/* One object failed; does the run? */
static void
judge_run(struct weir_run *r, const struct weir_err *why)
{
    if (!is_endpoint_trouble(why))
        return;
    if (++r->failures_in_a_row < FAILURES_IN_A_ROW_MAX)
        return;
    struct weir_err all = *why;
    weir_err_add(&all, "%u objects in a row failed; stopped. Run again to continue",
                 r->failures_in_a_row);
    weir_run_fatal(r, &all);
}

int
weir_run_item_failed(struct weir_run *r, struct weir_item *item, const struct weir_err *why,
                     struct weir_err *err)
{
    struct weir_run_dir *d = item->owner;
    not_done(item);
    if (why->outcome_unknown)
        d->unknown = true;
    if (why->code == WEIR_E_CANCELLED || (r->stopping && why->scope == WEIR_SCOPE_RUN))
        return weir_run_item_abandon(r, item, err); /* not the fault of this entry */
    weir_run_warn(r, item->path, why);
    record(r, item, WEIR_STATE_FAILED, NULL, 0, why);
    judge_run(r, why);
    return item_end(r, item, err);
}

int
weir_run_item_put_off(struct weir_run *r, struct weir_item *item, const struct weir_err *why,
                      struct weir_err *err)
{
    if (++item->tries >= TRIES_MAX) {
        struct weir_err all = *why;
        not_done(item);
        weir_err_add(&all, "unstable, changed during each of %u tries", item->tries);
        weir_run_warn(r, item->path, &all);
        record(r, item, WEIR_STATE_UNSTABLE, NULL, 0, &all);
        return item_end(r, item, err);
    }
    item->restat = true;
    item->recent = WEIR_RECENT_TRUST; /* if it is still the same after the pause */
    item->due_ns = weir_run_now(r) + QUIET_NS * (int64_t)item->tries;
    weir_item_list_append(&r->later, item);
    return 0;
}

int
weir_run_item_abandon(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    not_done(item);
    return item_end(r, item, err);
}
