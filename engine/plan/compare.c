#include "plan/compare.h"

#include <stdlib.h>
#include <string.h>

bool
weir_compare_is_work(enum weir_action action)
{
    return action == WEIR_ACTION_SEND || action == WEIR_ACTION_REPLACE ||
           action == WEIR_ACTION_SETTLE || action == WEIR_ACTION_CHECK;
}

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
weir_compare_entry(const struct weir_lake_entry *e, const struct weir_catalog_entry *row,
                   enum weir_compare_depth depth)
{
    if (e->verdict != WEIR_VERDICT_TAKE || e->type == WEIR_ENTRY_DIR)
        return WEIR_ACTION_NONE;
    if (row == NULL)
        return WEIR_ACTION_SEND;
    if (row->doubt)
        return WEIR_ACTION_SETTLE;
    if (row->type != e->type || !weir_stat_same(&row->st, &e->st))
        return WEIR_ACTION_REPLACE;
    if (depth == WEIR_COMPARE_CONTENT)
        return WEIR_ACTION_CHECK;
    return row->gone_ns != 0 ? WEIR_ACTION_BACK : WEIR_ACTION_UNCHANGED;
}

/* A directory's size and inode change time mean nothing to the store. */
static enum weir_action
compare_self(const struct weir_stat *st, const struct weir_catalog_entry *row)
{
    if (row == NULL)
        return WEIR_ACTION_SEND;
    if (row->doubt)
        return WEIR_ACTION_SETTLE;
    bool same = row->st.mode == st->mode && row->st.uid == st->uid && row->st.gid == st->gid &&
                row->st.mtime.s == st->mtime.s && row->st.mtime.ns == st->mtime.ns;
    if (!same)
        return WEIR_ACTION_REPLACE;
    return row->gone_ns != 0 ? WEIR_ACTION_BACK : WEIR_ACTION_UNCHANGED;
}

/* Byte order of names. */
static int
order(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t n = a_len < b_len ? a_len : b_len;
    int c = memcmp(a, b, n);
    return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

struct join {
    struct weir_catalog *c;
    const struct weir_lake_batch *batch;
    enum weir_compare_depth depth;
    const struct weir_catalog_entry *row; /* NULL at the end, or without a query */
    bool open;
    struct weir_compared *out;
};

/* The present row has no entry. */
static int
note_missing(struct join *j, struct weir_err *err)
{
    const struct weir_catalog_entry *row = j->row;
    if (!j->batch->complete || row->gone_ns != 0)
        return 0;
    struct weir_missing *m = malloc(sizeof(*m) + row->name_len + 1);
    if (m == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "entries that vanished");
    *m = (struct weir_missing){.next = j->out->missing,
                               .name_len = row->name_len,
                               .bytes = row->st.size,
                               .type = row->type};
    memcpy(m->name, row->name, row->name_len);
    m->name[row->name_len] = '\0';
    j->out->missing = m;
    return 0;
}

/* Moves to the first row whose name is not below name; those on the way are missing. */
static int
advance(struct join *j, const char *name, size_t len, struct weir_err *err)
{
    while (j->row != NULL && order(j->row->name, j->row->name_len, name, len) < 0)
        if (note_missing(j, err) != 0 || weir_catalog_rows_next(j->c, &j->row, err) != 0)
            return -1;
    return 0;
}

static void
add_up(struct weir_compared *out, uint8_t action, uint64_t bytes)
{
    switch ((enum weir_action)action) {
    case WEIR_ACTION_NONE:
        return;
    case WEIR_ACTION_BACK:
        out->back++;
        /* fall through */
    case WEIR_ACTION_UNCHANGED:
        out->unchanged++;
        out->unchanged_bytes += bytes;
        return;
    case WEIR_ACTION_SEND:
    case WEIR_ACTION_REPLACE:
    case WEIR_ACTION_SETTLE:
    case WEIR_ACTION_CHECK:
        out->to_send++;
    }
}

static bool
has_base(uint8_t action)
{
    return action == WEIR_ACTION_REPLACE || action == WEIR_ACTION_SETTLE ||
           action == WEIR_ACTION_CHECK;
}

/* Where a file was there is a directory, a pipe or the like now. */
static bool
is_no_file(const struct weir_lake_entry *e)
{
    return (e->verdict == WEIR_VERDICT_TAKE && e->type == WEIR_ENTRY_DIR) ||
           e->type >= WEIR_ENTRY_FIFO;
}

static int
join_entry(struct join *j, size_t i, struct weir_err *err)
{
    const struct weir_lake_entry *e = &j->batch->entries[i];
    struct weir_compared *out = j->out;
    if (advance(j, e->name, e->name_len, err) != 0)
        return -1;
    const struct weir_catalog_entry *row = j->row;
    if (row != NULL && order(row->name, row->name_len, e->name, e->name_len) != 0)
        row = NULL;
    out->action[i] = (uint8_t)weir_compare_entry(e, row, j->depth);
    add_up(out, out->action[i], e->st.size);
    if (row != NULL && is_no_file(e) && note_missing(j, err) != 0)
        return -1;
    if (row != NULL && row->gone_ns == 0 && e->verdict != WEIR_VERDICT_TAKE)
        out->hidden = true;
    if (has_base(out->action[i])) {
        if (out->base == NULL &&
            (out->base = calloc(j->batch->count, sizeof(struct weir_base *))) == NULL)
            return weir_err_set(err, WEIR_E_NOMEM, "changed entries");
        if ((out->base[i] = weir_base_create(row, true)) == NULL)
            return weir_err_set(err, WEIR_E_NOMEM, "changed entry");
    }
    return row != NULL ? weir_catalog_rows_next(j->c, &j->row, err) : 0;
}

static int
join_self(struct join *j, bool self, struct weir_err *err)
{
    struct weir_compared *out = j->out;
    const struct weir_catalog_entry *row =
        j->row != NULL && j->row->name_len == 0 ? j->row : NULL;
    if (!self)
        return 0; /* advance() finds it missing */
    out->self = (uint8_t)compare_self(&j->batch->st, row);
    add_up(out, out->self, 0);
    if (has_base(out->self) && (out->self_base = weir_base_create(row, true)) == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "changed directory");
    return row != NULL ? weir_catalog_rows_next(j->c, &j->row, err) : 0;
}

static int
join_all(struct join *j, bool self, struct weir_err *err)
{
    if (join_self(j, self, err) != 0)
        return -1;
    for (size_t i = 0; i < j->batch->count; i++)
        if (join_entry(j, i, err) != 0)
            return -1;
    while (j->row != NULL)
        if (note_missing(j, err) != 0 || weir_catalog_rows_next(j->c, &j->row, err) != 0)
            return -1;
    return 0;
}

int
weir_compare_dir(struct weir_catalog *c, int64_t dir_id, const struct weir_lake_batch *batch,
                 bool self, enum weir_compare_depth depth, struct weir_compared *out,
                 struct weir_err *err)
{
    struct weir_compared p = {0};
    struct join j = {.c = c, .batch = batch, .depth = depth, .out = &p};
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
    rc = join_all(&j, self, err);
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
    for (size_t i = 0; p->base != NULL && i < count; i++)
        weir_base_free(p->base[i]);
    free(p->base);
    weir_base_free(p->self_base);
    for (struct weir_missing *m; (m = p->missing) != NULL;) {
        p->missing = m->next;
        free(m);
    }
    free(p->action);
    *p = (struct weir_compared){0};
}
