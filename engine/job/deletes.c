/* deletes -- the end of a sync: objects whose files vanished, after the grace time, if the
 * guard agrees.  Each batch is looked at and removed by a worker; rows go with the store's
 * answer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/run.h"
#include "plan/guard.h"
#include "plan/key.h"
#include "transfer/remove.h"

struct weir_deletes {
    int64_t before_ns; /* gone at least since then */
    bool all_out;      /* no more batches to make */
    size_t batches_out;
    uint64_t failed, failed_bytes;
    /* the row after which the next batch begins */
    int64_t after_dir;
    char *after_name; /* owned */
    size_t after_len;
    char quarantine[64];
};

/* ---- the guard ---- */

/* The first of those that would go, for the message. */
static void
name_one(struct weir_run *r, int64_t before_ns, char out[256])
{
    struct weir_catalog_place place = {0};
    struct weir_catalog_entry row;
    struct weir_err ignored = WEIR_ERR_INIT;
    bool found = false;
    (void)snprintf(out, 256, "?");
    if (weir_catalog_gone_next(r->setup.catalog, before_ns, 0, "", 0, &place, &row, &found,
                               &ignored) != 0 ||
        !found)
        return;
    (void)snprintf(out, 256, "%.250s", place.path);
    free(place.path);
}

static void
close_guard(struct weir_run *r, enum weir_guard why, const struct weir_guard_question *q,
            const char *first)
{
    switch (why) {
    case WEIR_GUARD_OPEN:
        return;
    case WEIR_GUARD_UNSEEN:
        weir_err_set(
            &r->guard, WEIR_E_SAFETY,
            "parts of the lake could not be looked at, so nothing was deleted (%" PRIu64
            " objects are due, %s and others): mend or exclude what is named above",
            q->due, first);
        break;
    case WEIR_GUARD_FILES:
        weir_err_set(
            &r->guard, WEIR_E_SAFETY,
            "nothing was deleted: %" PRIu64 " objects would be (%s and others), more than "
            "track.delete_limit.files allows (%" PRIu64 "). If they are meant to go, run "
            "once with --allow-deletes %" PRIu64,
            q->due, first, q->track->delete_limit_files, q->due);
        break;
    case WEIR_GUARD_PERCENT:
        weir_err_set(
            &r->guard, WEIR_E_SAFETY,
            "nothing was deleted: %" PRIu64 " of %" PRIu64 " objects would be (%s and "
            "others), more than track.delete_limit.percent allows (%u %%). If they are "
            "meant to go, run once with --allow-deletes %" PRIu64,
            q->due, q->known, first, q->track->delete_limit_percent, q->due);
        break;
    case WEIR_GUARD_ALLOWED:
        weir_err_set(&r->guard, WEIR_E_SAFETY,
                     "nothing was deleted: %" PRIu64
                     " objects would be (%s and others), more than "
                     "--allow-deletes %" PRIu64,
                     q->due, first, q->allowed);
        break;
    }
    r->guard.scope = WEIR_SCOPE_RUN;
}

/* What is gone since then, or longer, is due. */
static int64_t
due_before(const struct weir_run *r)
{
    uint64_t grace_s = r->o->manifest->track.delete_grace_s;
    int64_t now = r->o->clock->wall_ns(r->o->clock);
    return grace_s < INT64_MAX / WEIR_NS_PER_S ? now - (int64_t)grace_s * WEIR_NS_PER_S : 0;
}

int
weir_run_deletes_foretell(struct weir_run *r, uint64_t due, const char *first,
                          struct weir_err *err)
{
    struct weir_guard_question q = {.track = &r->o->manifest->track,
                                    .due = due,
                                    .unseen = r->unseen,
                                    .allowed = r->o->allow_deletes};
    if (weir_catalog_entry_count(r->setup.catalog, &q.known, err) != 0)
        return -1;
    close_guard(r, weir_guard_ask(&q), &q, first);
    if (r->guard.code != WEIR_OK)
        weir_run_warn(r, "unless they were only renamed", &r->guard);
    weir_err_clear(&r->guard);
    return 0;
}

int
weir_run_deletes(struct weir_run *r, struct weir_err *err)
{
    const struct weir_track *track = &r->o->manifest->track;
    int64_t before = due_before(r);
    struct weir_guard_question q = {
        .track = track, .unseen = r->unseen, .allowed = r->o->allow_deletes};
    uint64_t bytes;
    if (!r->delete_pass || track->delete_policy == WEIR_DELETE_KEEP)
        return 0;
    if (weir_catalog_gone_count(r->setup.catalog, before, &q.due, &bytes, err) != 0)
        return -1;
    if (q.due == 0)
        return 0;
    if (weir_catalog_entry_count(r->setup.catalog, &q.known, err) != 0)
        return -1;
    uint64_t moved = 0;
    if (weir_catalog_gone_moved(r->setup.catalog, before, &moved, err) != 0)
        return -1;
    q.due -= moved < q.due ? moved : q.due;
    enum weir_guard guard = weir_guard_ask(&q);
    if (guard != WEIR_GUARD_OPEN) {
        char first[256];
        name_one(r, before, first);
        close_guard(r, guard, &q, first);
        return 0;
    }
    r->deletes = calloc(1, sizeof(*r->deletes));
    if (r->deletes == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "deletes");
    r->deletes->before_ns = before;
    (void)snprintf(r->deletes->quarantine, sizeof(r->deletes->quarantine),
                   WEIR_QUARANTINE_PREFIX "%" PRId64 "/", r->pass);
    return 0;
}

void
weir_run_deletes_free(struct weir_run *r)
{
    if (r->deletes != NULL)
        free(r->deletes->after_name);
    free(r->deletes);
    r->deletes = NULL;
}

bool
weir_run_deleting(const struct weir_run *r)
{
    const struct weir_deletes *d = r->deletes;
    return d != NULL && (d->batches_out > 0 || (!d->all_out && !r->stopping));
}

/* ---- batches ---- */

static int
set_after(struct weir_deletes *d, const struct weir_catalog_place *place, struct weir_err *err)
{
    char *name = malloc(place->name_len + 1);
    if (name == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "place in the deletes");
    memcpy(name, place->path + place->path_len - place->name_len, place->name_len);
    name[place->name_len] = '\0';
    free(d->after_name);
    d->after_name = name;
    d->after_len = place->name_len;
    d->after_dir = place->dir_id;
    return 0;
}

/* Takes over place->path. */
static int
fill(struct weir_run *r, struct weir_removal *x, struct weir_catalog_place *place,
     const struct weir_catalog_entry *row, struct weir_err *err)
{
    char key[WEIR_KEY_BYTES];
    *x = (struct weir_removal){.dir_id = place->dir_id,
                               .path = place->path,
                               .path_len = place->path_len,
                               .name_len = place->name_len,
                               .decided =
                                   place->name_len == 0 && weir_run_has_seen(r, place->dir_id)};
    place->path = NULL;
    if (weir_key_from_path(x->path, x->path_len,
                           row->type == WEIR_ENTRY_DIR ? WEIR_KEY_DIR : WEIR_KEY_FILE,
                           r->limits->key_bytes_max, key, err) != 0)
        return -1;
    x->key = strdup(key);
    x->base = weir_base_create(row, true);
    return x->key == NULL || x->base == NULL
               ? weir_err_set(err, WEIR_E_NOMEM, "object to delete")
               : 0;
}

static int
fill_batch(struct weir_run *r, struct weir_removal_batch *b, struct weir_err *err)
{
    struct weir_deletes *d = r->deletes;
    while (b->count < WEIR_REMOVAL_BATCH) {
        struct weir_catalog_place place = {0};
        struct weir_catalog_entry row;
        bool found = false;
        if (weir_catalog_gone_next(r->setup.catalog, d->before_ns, d->after_dir,
                                   d->after_name != NULL ? d->after_name : "", d->after_len,
                                   &place, &row, &found, err) != 0)
            return -1;
        if (!found) {
            d->all_out = true;
            weir_catalog_rows_end(r->setup.catalog);
            return 0;
        }
        int rc = set_after(d, &place, err);
        b->count++; /* what fill() got done is freed with the batch */
        if (rc != 0 || fill(r, &b->items[b->count - 1], &place, &row, err) != 0) {
            free(place.path);
            return -1;
        }
    }
    return 0;
}

/* Should this pass be killed, and a file be put back as it was, the next one must not take our
 * row's word that its object is there. */
static int
announce(struct weir_run *r, const struct weir_removal_batch *b, struct weir_err *err)
{
    r->must_commit = true;
    if (weir_run_begin(r, err) != 0)
        return -1;
    for (size_t i = 0; i < b->count; i++) {
        const struct weir_removal *x = &b->items[i];
        if (weir_catalog_entry_doubt(r->setup.catalog, x->dir_id,
                                     x->path + x->path_len - x->name_len, x->name_len,
                                     err) != 0)
            return -1;
    }
    return 0;
}

int
weir_run_delete_tasks(struct weir_run *r, struct weir_err *err)
{
    struct weir_deletes *d = r->deletes;
    while (d != NULL && !d->all_out && !r->stopping &&
           d->batches_out < r->connections.now * 2) {
        struct weir_removal_batch *b = calloc(1, sizeof(*b));
        if (b == NULL)
            return weir_err_set(err, WEIR_E_NOMEM, "deletes");
        if (r->o->manifest->track.delete_policy == WEIR_DELETE_QUARANTINE)
            b->quarantine = d->quarantine;
        int rc = fill_batch(r, b, err);
        struct weir_task *t =
            rc == 0 && b->count > 0 ? weir_run_task(r, NULL, WEIR_TASK_REMOVE, err) : NULL;
        if (t == NULL) {
            bool nothing = rc == 0 && b->count == 0;
            weir_removal_batch_free(b);
            return nothing ? 0 : -1;
        }
        t->removals = b;
        d->batches_out++;
        if (announce(r, b, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- results ---- */

static void
record(struct weir_run *r, const struct weir_removal *x, enum weir_state state,
       const struct weir_removal_batch *b)
{
    char quarantine[sizeof(r->deletes->quarantine) + WEIR_KEY_BYTES];
    (void)snprintf(quarantine, sizeof(quarantine), "%s%s",
                   b->quarantine != NULL ? b->quarantine : "", x->key);
    struct weir_record rec = {
        .path = x->path,
        .path_len = x->path_len,
        .key = x->key,
        .type = weir_run_type_name(x->base->type),
        .state = weir_state_name(state),
        .has_bytes = true,
        .bytes = x->base->st.size,
        .found = false,
        .version = x->version[0] != '\0' ? x->version : NULL,
        .quarantine =
            b->quarantine != NULL && x->state == WEIR_REMOVAL_REMOVED ? quarantine : NULL,
        .err = x->err};
    weir_report_entry(r->report, &rec);
}

static int
forget(struct weir_run *r, const struct weir_removal *x, struct weir_err *err)
{
    if (weir_run_begin(r, err) != 0 ||
        weir_catalog_entry_remove(r->setup.catalog, x->dir_id,
                                  x->path + x->path_len - x->name_len, x->name_len, err) != 0)
        return -1;
    return weir_catalog_dir_drop_empty(r->setup.catalog, x->dir_id, err);
}

static void
warn_foreign(struct weir_run *r, const struct weir_removal *x)
{
    struct weir_err why = WEIR_ERR_INIT;
    weir_err_set(
        &why, WEIR_E_EXISTS,
        "another program wrote the object since, so it was not deleted and is no longer "
        "weir's");
    weir_run_warn(r, x->path, &why);
}

static int
one_removed(struct weir_run *r, const struct weir_removal_batch *b, struct weir_removal *x,
            struct weir_err *err)
{
    static const struct weir_err no_memory = {
        .code = WEIR_E_NOMEM, .nframes = 1, .frame = {"out of memory"}};
    uint64_t bytes = x->base->type == WEIR_ENTRY_DIR ? 0 : x->base->st.size;
    switch (x->state) {
    case WEIR_REMOVAL_WAITS:
    case WEIR_REMOVAL_BACK: /* the next pass sees it */
        return 0;
    case WEIR_REMOVAL_REMOVED:
    case WEIR_REMOVAL_WAS_GONE:
        weir_run_count(r, WEIR_STATE_DELETED, 1, bytes);
        r->ledger.quarantined += b->quarantine != NULL && x->state == WEIR_REMOVAL_REMOVED;
        record(r, x, WEIR_STATE_DELETED, b);
        return forget(r, x, err);
    case WEIR_REMOVAL_FOREIGN:
        warn_foreign(r, x);
        weir_run_count(r, WEIR_STATE_KEPT, 1, bytes);
        record(r, x, WEIR_STATE_KEPT, b);
        return forget(r, x, err);
    case WEIR_REMOVAL_READY:
    case WEIR_REMOVAL_FAILED:
        break;
    }
    weir_run_warn(r, x->path, x->err != NULL ? x->err : &no_memory);
    weir_run_count(r, WEIR_STATE_FAILED, 1, bytes);
    r->deletes->failed++;
    r->deletes->failed_bytes += bytes;
    record(r, x, WEIR_STATE_FAILED, b);
    return 0;
}

int
weir_run_removed(struct weir_run *r, struct weir_task *t, struct weir_err *err)
{
    int rc = 0;
    r->deletes->batches_out--;
    for (size_t i = 0; rc == 0 && i < t->removals->count; i++)
        rc = one_removed(r, t->removals, &t->removals->items[i], err);
    weir_task_free(t);
    return rc;
}

int
weir_run_count_kept(struct weir_run *r, struct weir_err *err)
{
    uint64_t entries, bytes;
    if (weir_catalog_gone_count(r->setup.catalog, INT64_MAX, &entries, &bytes, err) != 0)
        return -1;
    if (r->deletes != NULL) { /* counted as failed already */
        entries -= r->deletes->failed < entries ? r->deletes->failed : entries;
        bytes -= r->deletes->failed_bytes < bytes ? r->deletes->failed_bytes : bytes;
    }
    weir_run_count(r, WEIR_STATE_KEPT, entries, bytes);
    return 0;
}
