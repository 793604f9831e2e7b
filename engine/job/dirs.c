/* dirs -- directories on their way through the pass: taken in, compared, worked off, sealed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "job/run.h"

#define AHEAD_DIRS 64
#define AHEAD_ENTRIES 2000

static void
dir_free(struct weir_run *r, struct weir_run_dir *d)
{
    weir_compared_fini(&d->compared, d->batch->count);
    weir_budget_give(r->batches, d->batch->heap_bytes);
    weir_lake_batch_free(d->batch);
    free(d);
}

/* The common case of a later pass: nothing in this directory changed, and one row says so. */
static bool
is_sealed(const struct weir_catalog_dir *row, const struct weir_lake_batch *b, bool self)
{
    struct weir_xxh128 seal;
    if (!row->sealed || !b->complete)
        return false;
    weir_compare_seal(b, self, &seal);
    return memcmp(&seal, &row->stat_digest, sizeof(seal)) == 0;
}

static void
sum_taken(struct weir_run_dir *d)
{
    for (size_t i = 0; i < d->batch->count; i++) {
        const struct weir_lake_entry *e = &d->batch->entries[i];
        if (e->verdict == WEIR_VERDICT_TAKE && e->type != WEIR_ENTRY_DIR) {
            d->entries++;
            d->bytes += e->st.size;
        }
    }
    d->entries += d->self ? 1 : 0;
}

/* Takes its place in the list; nothing of it is announced yet. */
static void
list_dir(struct weir_run *r, struct weir_run_dir *d)
{
    r->ledger.seen += d->compared.to_send;
    r->total_bytes += d->bytes;
    r->done_bytes += d->compared.unchanged_bytes;
    if (r->dirs_last == NULL)
        r->dirs = d;
    else
        r->dirs_last->next = d;
    r->dirs_last = d;
    d->listed = true;
    d->alive_next = r->alive;
    if (r->alive != NULL)
        r->alive->alive_prev = d;
    r->alive = d;
    r->dirs_alive++;
}

static enum weir_action
action_at(const struct weir_run_dir *d, size_t index)
{
    return (enum weir_action)(index == 0 ? d->compared.self : d->compared.action[index - 1]);
}

/* Objects that are about to be replaced: should this pass be killed, and the file be put back
 * as it was, the next one must not take our row's word for what is in the store. */
static int
announce(struct weir_run *r, const struct weir_run_dir *d, struct weir_err *err)
{
    if (d->compared.base == NULL && d->compared.self_base == NULL)
        return 0;
    for (size_t i = 0; i <= d->batch->count; i++) {
        const struct weir_lake_entry *e = i > 0 ? &d->batch->entries[i - 1] : NULL;
        if (action_at(d, i) == WEIR_ACTION_REPLACE &&
            weir_catalog_entry_doubt(r->setup.catalog, d->id, e != NULL ? e->name : "",
                                     e != NULL ? e->name_len : 0, err) != 0)
            return -1;
    }
    return 0;
}

/* Marks d and some that follow as open in the catalog, so that an interrupted pass is noticed:
 * one commit for many small directories, but not so far ahead that after a kill half the lake
 * would be asked for. */
static int
open_ahead(struct weir_run *r, struct weir_run_dir *d, struct weir_err *err)
{
    uint64_t entries = 0;
    if (weir_run_begin(r, err) != 0)
        return -1;
    r->must_commit = true;
    for (int n = 0; d != NULL && n < AHEAD_DIRS && entries < AHEAD_ENTRIES; n++, d = d->next) {
        if (d->open)
            continue;
        if (weir_catalog_dir_open(r->setup.catalog, d->batch->path, d->batch->path_len, &d->id,
                                  err) != 0)
            return -1;
        d->open = true;
        entries += d->compared.to_send;
        if (announce(r, d, err) != 0)
            return -1;
    }
    return 0;
}

static int
close_dir(struct weir_run *r, const struct weir_run_dir *d, struct weir_err *err)
{
    struct weir_catalog_dir row = {.id = d->id,
                                   .sealed =
                                       !d->dirty && !d->compared.hidden && d->batch->complete,
                                   .mounted = weir_run_is_mounted(r, d->batch),
                                   .entries = d->entries,
                                   .bytes = d->bytes};
    weir_compare_seal(d->batch, d->self, &row.stat_digest);
    if (weir_run_begin(r, err) != 0)
        return -1;
    return weir_catalog_dir_close(r->setup.catalog, &row, err);
}

/* A directory with nothing to send. */
static int
seal_now(struct weir_run *r, struct weir_run_dir *d, struct weir_err *err)
{
    if (d->id == 0 && d->entries == 0 && !weir_run_is_mounted(r, d->batch))
        return 0; /* nothing to remember of a directory without entries of its own */
    if (d->unknown)
        return 0; /* what was not seen may have been sent: it stays open */
    if (weir_run_begin(r, err) != 0)
        return -1;
    if (d->id == 0 && weir_catalog_dir_open(r->setup.catalog, d->batch->path,
                                            d->batch->path_len, &d->id, err) != 0)
        return -1;
    return close_dir(r, d, err);
}

/* Nothing in it changed since it was sealed. */
static void
take_sealed(struct weir_run *r, struct weir_run_dir *d, const struct weir_catalog_dir *row)
{
    weir_run_count(r, WEIR_STATE_UNCHANGED, row->entries, row->bytes);
    r->total_bytes += row->bytes;
    r->done_bytes += row->bytes;
    if (r->o->report_all)
        weir_run_record_unchanged(r, d, NULL);
    dir_free(r, d);
}

/* Compares it with its rows; what came back or vanished is marked. */
static int
compare(struct weir_run *r, struct weir_run_dir *d, struct weir_err *err)
{
    enum weir_compare_depth depth = r->o->full ? WEIR_COMPARE_CONTENT : WEIR_COMPARE_STAT;
    if (weir_compare_dir(r->setup.catalog, d->id, d->batch, d->self, depth, &d->compared,
                         err) != 0)
        return -1;
    sum_taken(d);
    weir_run_count(r, WEIR_STATE_UNCHANGED, d->compared.unchanged, d->compared.unchanged_bytes);
    if (r->o->report_all)
        weir_run_record_unchanged(r, d, &d->compared);
    return r->o->dry_run ? 0 : weir_run_mark_rows(r, d, err);
}

static int
take_in(struct weir_run *r, struct weir_run_dir *d, struct weir_err *err)
{
    struct weir_lake_batch *b = d->batch;
    struct weir_catalog_dir row = {0};
    bool known = false;
    if (r->setup.catalog != NULL &&
        weir_catalog_dir_get(r->setup.catalog, b->path, b->path_len, &row, &known, err) != 0)
        return -1;
    if (!known)
        row = (struct weir_catalog_dir){0};
    if (weir_run_check_mount(r, &row, b, err) != 0 || weir_run_saw(r, row.id, err) != 0)
        return -1;
    bool same_mount = row.mounted == weir_run_is_mounted(r, b);
    if (known && same_mount && !r->o->full && is_sealed(&row, b, d->self)) {
        take_sealed(r, d, &row);
        return 0;
    }
    d->id = row.id;
    d->maybe_sent = row.opened || r->rebuild;
    if (compare(r, d, err) != 0)
        return -1;
    d->unknown = row.opened && d->dirty;
    if (r->o->dry_run) {
        weir_run_tell_dir(r, d);
        dir_free(r, d);
        return 0;
    }
    if (d->compared.to_send > 0) {
        list_dir(r, d);
        return 0;
    }
    int rc = seal_now(r, d, err);
    if (rc == 0) {
        r->total_bytes += d->bytes;
        r->done_bytes += d->bytes;
        dir_free(r, d);
    }
    return rc;
}

int
weir_run_batch(struct weir_run *r, struct weir_lake_batch *b, struct weir_err *err)
{
    struct weir_run_dir *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        weir_lake_batch_free(b);
        return weir_err_set(err, WEIR_E_NOMEM, "directory");
    }
    d->batch = b;
    d->self = weir_compare_wants_self(r->o->manifest->source.directories, b);
    r->ledger.directories++;
    if (!b->complete) {
        weir_run_record_unlisted(r, b);
        d->dirty = true;
    }
    for (size_t i = 0; i < b->count; i++) {
        const struct weir_lake_entry *e = &b->entries[i];
        if (e->verdict == WEIR_VERDICT_TAKE)
            continue;
        if (e->verdict == WEIR_VERDICT_FAILED)
            d->dirty = true;
        if (weir_run_settle_by_walk(r, b, e, err) != 0) {
            dir_free(r, d);
            return -1;
        }
    }
    if (take_in(r, d, err) == 0)
        return 0;
    weir_err_add(err, "directory %s", b->path_len > 0 ? b->path : ".");
    dir_free(r, d); /* nothing fails once it is listed */
    return weir_run_safety(r, err);
}

static void
unlist_first(struct weir_run *r)
{
    struct weir_run_dir *d = r->dirs;
    r->dirs = d->next;
    if (r->dirs == NULL)
        r->dirs_last = NULL;
    d->next = NULL;
    d->listed = false;
}

int
weir_run_start_entries(struct weir_run *r, struct weir_err *err)
{
    while (r->dirs != NULL && weir_run_has_room(r) && r->uploads.count == 0) {
        struct weir_run_dir *d = r->dirs;
        if (d->cursor > d->batch->count) {
            d->items++; /* held while it leaves the list */
            unlist_first(r);
            if (weir_run_dir_release(r, d, err) != 0)
                return -1;
            continue;
        }
        size_t index = d->cursor++;
        enum weir_action action = action_at(d, index);
        if (!weir_compare_is_work(action))
            continue;
        if (!d->open && open_ahead(r, d, err) != 0)
            return -1;
        d->items++;
        if (weir_run_item_start(r, d, index, err) != 0)
            return -1;
    }
    return 0;
}

static void
unlink_alive(struct weir_run *r, struct weir_run_dir *d)
{
    if (d->alive_prev != NULL)
        d->alive_prev->alive_next = d->alive_next;
    else
        r->alive = d->alive_next;
    if (d->alive_next != NULL)
        d->alive_next->alive_prev = d->alive_prev;
    r->dirs_alive--;
}

int
weir_run_dir_release(struct weir_run *r, struct weir_run_dir *d, struct weir_err *err)
{
    if (--d->items > 0 || d->listed)
        return 0;
    int rc = 0;
    if (d->open && !d->unknown) /* else it stays as it is: the next pass asks before it sends */
        rc = close_dir(r, d, err);
    unlink_alive(r, d);
    dir_free(r, d);
    return rc;
}

int
weir_run_dirs_abandon(struct weir_run *r, struct weir_err *err)
{
    while (r->dirs != NULL) {
        struct weir_run_dir *d = r->dirs;
        d->dirty = true;
        d->unknown |= d->maybe_sent; /* the rest was not asked for */
        d->items++;
        unlist_first(r);
        if (weir_run_dir_release(r, d, err) != 0)
            return -1;
    }
    return 0;
}

void
weir_run_dirs_free(struct weir_run *r)
{
    while (r->alive != NULL) {
        struct weir_run_dir *d = r->alive;
        unlink_alive(r, d);
        dir_free(r, d);
    }
    r->dirs = r->dirs_last = NULL;
}
