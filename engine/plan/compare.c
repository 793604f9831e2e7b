#include "plan/compare.h"

#include <stdlib.h>
#include <string.h>

bool
weir_compare_wants_self(enum weir_directories policy, const struct weir_lake_batch *batch)
{
    if (batch->path_len == 0 || !batch->complete || policy == WEIR_DIRECTORIES_SKIP)
        return false;
    if (policy == WEIR_DIRECTORIES_ALL)
        return true;
    for (size_t i = 0; i < batch->count && batch->taken == 0; i++)
        if (batch->entries[i].verdict == WEIR_VERDICT_FAILED)
            return false; /* not empty: nothing in it can be looked at */
    return batch->taken == 0;
}

void
weir_compare_seal(const struct weir_lake_batch *batch, bool self, struct weir_xxh128 *out)
{
    struct {
        struct weir_xxh128 entries;
        uint64_t self, mode, uid, gid, mtime_s, mtime_ns;
    } all = {.entries = batch->stat_digest, .self = self};
    if (self) {
        all.mode = batch->st.mode;
        all.uid = batch->st.uid;
        all.gid = batch->st.gid;
        all.mtime_s = (uint64_t)batch->st.mtime.s;
        all.mtime_ns = batch->st.mtime.ns;
    }
    weir_xxh128(&all, sizeof(all), out);
}

enum weir_action
weir_compare_entry(const struct weir_lake_entry *e, const struct weir_catalog_entry *row)
{
    if (e->verdict != WEIR_VERDICT_TAKE || e->type == WEIR_ENTRY_DIR)
        return WEIR_ACTION_NONE;
    if (row == NULL)
        return WEIR_ACTION_SEND;
    return row->type == e->type && weir_stat_same(&row->st, &e->st) ? WEIR_ACTION_UNCHANGED
                                                                    : WEIR_ACTION_REPLACE;
}

/* A directory's size and inode change time mean nothing to the store. */
static enum weir_action
compare_self(const struct weir_stat *st, const struct weir_catalog_entry *row)
{
    if (row == NULL)
        return WEIR_ACTION_SEND;
    bool same = row->st.mode == st->mode && row->st.uid == st->uid && row->st.gid == st->gid &&
                row->st.mtime.s == st->mtime.s && row->st.mtime.ns == st->mtime.ns;
    return same ? WEIR_ACTION_UNCHANGED : WEIR_ACTION_REPLACE;
}

/* Byte order of names. */
static int
order(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t n = a_len < b_len ? a_len : b_len;
    int c = memcmp(a, b, n);
    return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

static int
keep_etag(char **slot, const char *etag, struct weir_err *err)
{
    *slot = strdup(etag);
    return *slot == NULL ? weir_err_set(err, WEIR_E_NOMEM, "ETag of a changed entry") : 0;
}

struct join {
    struct weir_catalog *c;
    const struct weir_catalog_entry *row; /* NULL at the end, or without a query */
    bool open;
};

/* Moves to the first row whose name is not below name. */
static int
advance(struct join *j, const char *name, size_t len, struct weir_err *err)
{
    while (j->row != NULL && order(j->row->name, j->row->name_len, name, len) < 0)
        if (weir_catalog_rows_next(j->c, &j->row, err) != 0)
            return -1;
    return 0;
}

static int
join_entry(struct join *j, const struct weir_lake_batch *batch, size_t i,
           struct weir_compared *out, struct weir_err *err)
{
    const struct weir_lake_entry *e = &batch->entries[i];
    if (advance(j, e->name, e->name_len, err) != 0)
        return -1;
    const struct weir_catalog_entry *row = j->row;
    if (row != NULL && order(row->name, row->name_len, e->name, e->name_len) != 0)
        row = NULL;
    out->action[i] = (uint8_t)weir_compare_entry(e, row);
    if (out->action[i] == WEIR_ACTION_UNCHANGED) {
        out->unchanged++;
        out->unchanged_bytes += e->st.size;
    } else if (out->action[i] != WEIR_ACTION_NONE) {
        out->to_send++;
    }
    if (out->action[i] != WEIR_ACTION_REPLACE)
        return 0;
    if (out->etag == NULL && (out->etag = calloc(batch->count, sizeof(*out->etag))) == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "ETags of changed entries");
    return keep_etag(&out->etag[i], row->etag, err);
}

static int
join_self(struct join *j, const struct weir_lake_batch *batch, struct weir_compared *out,
          struct weir_err *err)
{
    const struct weir_catalog_entry *row =
        j->row != NULL && j->row->name_len == 0 ? j->row : NULL;
    out->self = (uint8_t)compare_self(&batch->st, row);
    if (out->self == WEIR_ACTION_UNCHANGED)
        out->unchanged++;
    else
        out->to_send++;
    return out->self == WEIR_ACTION_REPLACE ? keep_etag(&out->self_etag, row->etag, err) : 0;
}

int
weir_compare_dir(struct weir_catalog *c, int64_t dir_id, const struct weir_lake_batch *batch,
                 bool self, struct weir_compared *out, struct weir_err *err)
{
    struct weir_compared p = {0};
    struct join j = {.c = c};
    int rc = -1;
    p.action = calloc(batch->count + 1, 1);
    if (p.action == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "comparison of a directory");
        goto done;
    }
    if (dir_id != 0) {
        if (weir_catalog_rows_begin(c, dir_id, err) != 0)
            goto done;
        j.open = true;
        if (weir_catalog_rows_next(c, &j.row, err) != 0)
            goto done;
    }
    if (self && join_self(&j, batch, &p, err) != 0)
        goto done;
    for (size_t i = 0; i < batch->count; i++)
        if (join_entry(&j, batch, i, &p, err) != 0)
            goto done;
    rc = 0;
done:
    if (j.open)
        weir_catalog_rows_end(c);
    if (rc == 0)
        *out = p;
    else
        weir_compared_fini(&p, batch->count);
    return rc;
}

void
weir_compared_fini(struct weir_compared *p, size_t count)
{
    for (size_t i = 0; p->etag != NULL && i < count; i++)
        free(p->etag[i]);
    free(p->etag);
    free(p->self_etag);
    free(p->action);
    *p = (struct weir_compared){0};
}
