/* vanished -- what the lake does not have any more.  A row is marked as gone on positive
 * evidence only: a fresh look that finds nothing.  What could not be looked at stays as it is.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "job/run.h"

int
weir_run_saw(struct weir_run *r, int64_t dir_id, struct weir_err *err)
{
    if (dir_id <= 0 || dir_id > r->last_dir)
        return 0;
    if (r->seen_dirs == NULL && (r->seen_dirs = calloc((size_t)r->last_dir / 8 + 1, 1)) == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "list of %" PRId64 " directories", r->last_dir);
    r->seen_dirs[dir_id / 8] |= (uint8_t)(1 << dir_id % 8);
    return 0;
}

bool
weir_run_has_seen(const struct weir_run *r, int64_t dir_id)
{
    if (dir_id > r->last_dir)
        return true; /* made in this pass */
    return r->seen_dirs != NULL && (r->seen_dirs[dir_id / 8] >> dir_id % 8 & 1) != 0;
}

/* ---- mounts ---- */

bool
weir_run_is_mounted(const struct weir_run *r, const struct weir_lake_batch *b)
{
    bool other_device = b->st.dev != weir_lake_root_stat(r->setup.root)->dev;
    return b->path_len > 0 && (b->mount_root || other_device);
}

static int
other_mount(struct weir_err *err, const char *path, const char *what)
{
    weir_err_set(err, WEIR_E_SAFETY,
                 "%.200s %s; if it is meant to be so, run once with --accept-root", path, what);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

static const char is_unmounted[] =
    "was a mounted file system in the last pass and is not now: mount it";
static const char is_hidden[] = "is on another file system than in the last pass: what is "
                                "mounted there hides what was seen";

static int
emptied(struct weir_run *r, struct weir_err *err)
{
    uint64_t known = 0;
    if (weir_catalog_entry_count(r->setup.catalog, &known, err) != 0)
        return -1;
    if (known == 0 || r->o->allow_deletes >= known)
        return 0;
    weir_err_set(err, WEIR_E_SAFETY,
                 "source.root %s is empty, and %" PRIu64 " entries were there before: is it "
                 "mounted? If it is meant to be empty, run once with --accept-root",
                 r->o->manifest->source.root, known);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

int
weir_run_check_mount(struct weir_run *r, const struct weir_catalog_dir *row,
                     const struct weir_lake_batch *b, struct weir_err *err)
{
    if (r->o->accept_root)
        return 0;
    if (b->path_len == 0 && b->count == 0 && b->complete && r->had_rows)
        return emptied(r, err);
    bool mounted = weir_run_is_mounted(r, b);
    if (row->mounted && !mounted)
        return other_mount(err, b->path, is_unmounted);
    return !row->mounted && mounted && row->entries > 0 ? other_mount(err, b->path, is_hidden)
                                                        : 0;
}

/* ---- entries ---- */

enum weir_absent
weir_run_look(struct weir_run *r, const char *path, uint8_t type)
{
    struct weir_err why = WEIR_ERR_INIT;
    enum weir_absent absent =
        weir_lake_absent(r->setup.root, &r->o->manifest->source, path, type, &why);
    if (absent == WEIR_ABSENT_UNKNOWN) {
        r->unseen = true;
        weir_run_warn(r, NULL, &why);
    }
    return absent;
}

static int
mark(struct weir_run *r, const struct weir_run_dir *d, const char *name, size_t name_len,
     int64_t gone_ns, struct weir_err *err)
{
    if (weir_run_begin(r, err) != 0)
        return -1;
    return weir_catalog_entry_gone(r->setup.catalog, d->id, name, name_len, gone_ns, err);
}

static int
mark_missing(struct weir_run *r, struct weir_run_dir *d, const struct weir_missing *m,
             int64_t now, struct weir_err *err)
{
    enum weir_absent absent = WEIR_ABSENT_YES; /* of a directory's own object: by the rules */
    if (m->name_len > 0) {
        size_t len;
        char *path = weir_run_join_path(d->batch, m->name, m->name_len, &len);
        if (path == NULL)
            return weir_err_set(err, WEIR_E_NOMEM, "path of an entry");
        absent = weir_run_look(r, path, m->type);
        free(path);
    }
    if (absent == WEIR_ABSENT_UNKNOWN)
        d->dirty = true; /* to be looked at again */
    return absent == WEIR_ABSENT_YES ? mark(r, d, m->name, m->name_len, now, err) : 0;
}

int
weir_run_mark_rows(struct weir_run *r, struct weir_run_dir *d, struct weir_err *err)
{
    const struct weir_compared *c = &d->compared;
    int64_t now = r->o->clock->wall_ns(r->o->clock);
    if (c->self == WEIR_ACTION_BACK && mark(r, d, "", 0, 0, err) != 0)
        return -1;
    for (size_t i = 0; c->back > 0 && i < d->batch->count; i++) {
        const struct weir_lake_entry *e = &d->batch->entries[i];
        if (c->action[i] == WEIR_ACTION_BACK && mark(r, d, e->name, e->name_len, 0, err) != 0)
            return -1;
    }
    for (const struct weir_missing *m = c->missing; m != NULL; m = m->next) {
        if (weir_cancel_get(r->o->cancel) != WEIR_CANCEL_NONE) {
            d->dirty = true; /* the rest is looked at by the next pass */
            return 0;
        }
        if (mark_missing(r, d, m, now, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- directories ---- */

static int
unseen_dir(struct weir_run *r, const struct weir_catalog_dir *dir, const char *path,
           struct weir_err *err)
{
    if (weir_run_look(r, path, WEIR_ENTRY_DIR) != WEIR_ABSENT_YES)
        return 0; /* excluded, or could not be entered */
    if (dir->mounted && !r->o->accept_root)
        return other_mount(err, path, is_unmounted);
    if (weir_run_begin(r, err) != 0)
        return -1;
    return weir_catalog_dir_gone(r->setup.catalog, dir->id, r->o->clock->wall_ns(r->o->clock),
                                 err);
}

/* The first id after this one that the walk did not meet; over last_dir: none. */
static int64_t
next_unseen(const struct weir_run *r, int64_t id)
{
    for (id++; id <= r->last_dir; id++) {
        if (r->seen_dirs != NULL && id % 8 == 0 && r->seen_dirs[id / 8] == 0xff)
            id += 7;
        else if (!weir_run_has_seen(r, id))
            break;
    }
    return id;
}

int
weir_run_next_unseen(struct weir_run *r, struct weir_catalog_dir *dir, char **out_path,
                     bool *out_found, struct weir_err *err)
{
    for (;;) {
        size_t len;
        int64_t id = next_unseen(r, dir->id);
        *out_found = false;
        if (id > r->last_dir)
            return 0;
        if (weir_catalog_dir_next(r->setup.catalog, id - 1, r->last_dir, dir, out_path, &len,
                                  out_found, err) != 0)
            return -1;
        if (!*out_found || !weir_run_has_seen(r, dir->id))
            return 0;
        free(*out_path); /* ids between were given back */
    }
}

int
weir_run_unseen_dirs(struct weir_run *r, struct weir_err *err)
{
    struct weir_catalog_dir dir = {0};
    for (;;) {
        char *path = NULL;
        bool found = false;
        if (weir_run_next_unseen(r, &dir, &path, &found, err) != 0)
            return -1;
        if (!found)
            return 0;
        int rc = unseen_dir(r, &dir, path, err);
        free(path);
        if (rc != 0)
            return weir_run_safety(r, err);
        if (weir_run_poll_cancel(r))
            return 0;
        if (r->in_transaction && weir_run_now(r) - r->transaction_ns >= WEIR_NS_PER_S &&
            weir_run_commit(r, err) != 0)
            return -1;
    }
}
