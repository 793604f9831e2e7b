/* dry -- what a pass would do, told entry by entry; nothing is written anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/run.h"

/* Would the object go in this pass? */
static bool
goes(const char *action)
{
    return strcmp(action, "delete") == 0 || strcmp(action, "quarantine") == 0;
}

static void
tell(struct weir_run *r, const char *action, const char *path, size_t path_len, uint8_t type,
     uint64_t bytes)
{
    const struct weir_observer *ob = &r->o->observer;
    struct weir_planned p = {.action = action,
                             .path = path,
                             .path_len = path_len,
                             .type = weir_run_type_name(type),
                             .bytes = bytes};
    if (goes(action) && r->due++ == 0)
        (void)snprintf(r->first_due, sizeof(r->first_due), "%.250s", path);
    if (ob->planned != NULL)
        ob->planned(ob->ctx, &p);
}

/* What becomes of an object whose file vanished; with a grace time not at once. */
static const char *
end_of_vanished(const struct weir_run *r, int64_t gone_ns)
{
    const struct weir_track *track = &r->o->manifest->track;
    int64_t age_s = (r->o->clock->wall_ns(r->o->clock) - gone_ns) / WEIR_NS_PER_S;
    if (track->delete_policy == WEIR_DELETE_KEEP || age_s < 0 ||
        (uint64_t)age_s < track->delete_grace_s)
        return "keep";
    return track->delete_policy == WEIR_DELETE_MIRROR ? "delete" : "quarantine";
}

static void
tell_entry(struct weir_run *r, const struct weir_run_dir *d, size_t index,
           enum weir_action action)
{
    static const char *const names[] = {[WEIR_ACTION_SEND] = "send",
                                        [WEIR_ACTION_REPLACE] = "replace",
                                        [WEIR_ACTION_SETTLE] = "check",
                                        [WEIR_ACTION_CHECK] = "check"};
    const struct weir_lake_entry *e = index > 0 ? &d->batch->entries[index - 1] : NULL;
    size_t len;
    char *path = weir_run_entry_path(d, index, &len);
    if (path == NULL)
        return;
    tell(r, names[action], path, len, e != NULL ? e->type : WEIR_ENTRY_DIR,
         e != NULL ? e->st.size : 0);
    free(path);
}

void
weir_run_tell_dir(struct weir_run *r, const struct weir_run_dir *d)
{
    const struct weir_compared *c = &d->compared;
    r->ledger.seen += c->to_send;
    if (weir_compare_is_work((enum weir_action)c->self))
        tell_entry(r, d, 0, (enum weir_action)c->self);
    for (size_t i = 0; i < d->batch->count; i++)
        if (weir_compare_is_work((enum weir_action)c->action[i]))
            tell_entry(r, d, i + 1, (enum weir_action)c->action[i]);
    for (const struct weir_missing *m = c->missing; m != NULL; m = m->next) {
        size_t len;
        char *path = weir_run_join_path(d->batch, m->name, m->name_len, &len);
        if (path == NULL)
            return;
        if (m->name_len == 0 || weir_run_look(r, path, m->type) == WEIR_ABSENT_YES)
            tell(r, end_of_vanished(r, r->ledger.started_ns), path, len, m->type, m->bytes);
        free(path);
    }
}

/* The live rows of a directory that is not there. */
static int
tell_rows(struct weir_run *r, int64_t id, const char *dir, struct weir_err *err)
{
    const struct weir_catalog_entry *row;
    struct weir_lake_batch at = {.path = strdup(dir), .path_len = strlen(dir)};
    int rc = at.path == NULL ? weir_err_set(err, WEIR_E_NOMEM, "path of a directory")
                             : weir_catalog_rows_begin(r->setup.catalog, id, err);
    while (rc == 0 && (rc = weir_catalog_rows_next(r->setup.catalog, &row, err)) == 0 &&
           row != NULL) {
        size_t len;
        char *path = weir_run_join_path(&at, row->name, row->name_len, &len);
        if (path != NULL && row->gone_ns == 0)
            tell(r, end_of_vanished(r, r->ledger.started_ns), path, len, row->type,
                 row->st.size);
        free(path);
    }
    weir_catalog_rows_end(r->setup.catalog);
    free(at.path);
    return rc;
}

static int
tell_unseen_dirs(struct weir_run *r, struct weir_err *err)
{
    struct weir_catalog_dir dir = {0};
    for (;;) {
        char *path = NULL;
        bool found = false;
        if (weir_run_next_unseen(r, &dir, &path, &found, err) != 0)
            return -1;
        if (!found)
            return 0;
        int rc = weir_run_look(r, path, WEIR_ENTRY_DIR) == WEIR_ABSENT_YES
                     ? tell_rows(r, dir.id, path, err)
                     : 0;
        free(path);
        if (rc != 0)
            return -1;
    }
}

int
weir_run_tell_vanished(struct weir_run *r, struct weir_err *err)
{
    struct weir_catalog_place place = {0};
    struct weir_catalog_entry row;
    bool found = true;
    int64_t dir = 0;
    char *name = NULL; /* of the last one: where the next search begins */
    size_t name_len = 0;
    if (r->setup.catalog == NULL)
        return 0;
    int rc = tell_unseen_dirs(r, err);
    while (rc == 0 && found) {
        rc = weir_catalog_gone_next(r->setup.catalog, INT64_MAX, dir, name != NULL ? name : "",
                                    name_len, &place, &row, &found, err);
        if (rc != 0 || !found)
            break;
        tell(r, end_of_vanished(r, row.gone_ns), place.path, place.path_len, row.type,
             row.st.size);
        free(name);
        dir = place.dir_id;
        name_len = place.name_len;
        name = strdup(place.path + place.path_len - name_len);
        free(place.path);
        if (name == NULL)
            rc = weir_err_set(err, WEIR_E_NOMEM, "name of an entry");
    }
    free(name);
    return rc == 0 && r->due > 0 ? weir_run_deletes_foretell(r, r->due, r->first_due, err) : rc;
}
