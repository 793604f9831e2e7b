/* gone -- rows whose files vanished from the lake, and rows by inode. */
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_impl.h"

/* Runs an UPDATE of one row by (dir, name); sql's first parameter may be given before. */
static int
update_row(struct weir_stmt *q, int64_t dir_id, const char *name, size_t name_len,
           struct weir_err *err)
{
    struct weir_catalog *c = q->c;
    weir_stmt_bind_int(q, dir_id);
    weir_stmt_bind_blob(q, name, name_len);
    if (weir_stmt_run(q, "mark an entry", err) != 0)
        return -1;
    if (sqlite3_changes(c->db) != 1)
        return weir_err_set(err, WEIR_E_BUG, "catalog: no entry to mark in directory %lld",
                            (long long)dir_id);
    return 0;
}

/* A seal is over live entries: it must not answer for one that was marked since. */
static int
unseal(struct weir_catalog *c, int64_t dir_id, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_DIR_UNSEAL, "UPDATE dir SET sealed = 0 WHERE id = ?",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, dir_id);
    return weir_stmt_run(&q, "unseal a directory", err);
}

int
weir_catalog_entry_gone(struct weir_catalog *c, int64_t dir_id, const char *name,
                        size_t name_len, int64_t gone_ns, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_ENTRY_GONE,
                             "UPDATE entry SET gone_ns = ?1, moved = moved AND ?1 != 0"
                             " WHERE dir = ?2 AND name = ?3",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, gone_ns);
    return update_row(&q, dir_id, name, name_len, err) != 0 ? -1 : unseal(c, dir_id, err);
}

int
weir_catalog_entry_doubt(struct weir_catalog *c, int64_t dir_id, const char *name,
                         size_t name_len, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_ENTRY_DOUBT,
                             "UPDATE entry SET doubt = 1 WHERE dir = ? AND name = ?", &q,
                             err) != 0)
        return -1;
    return update_row(&q, dir_id, name, name_len, err);
}

int
weir_catalog_entry_moved(struct weir_catalog *c, int64_t dir_id, const char *name,
                         size_t name_len, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_ENTRY_MOVED,
                             "UPDATE entry SET moved = 1 WHERE dir = ? AND name = ?", &q,
                             err) != 0)
        return -1;
    weir_stmt_bind_int(&q, dir_id);
    weir_stmt_bind_blob(&q, name, name_len);
    return weir_stmt_run(&q, "mark an entry", err); /* the row may be another's by now */
}

int
weir_catalog_moved_settle(struct weir_catalog *c, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_MOVED_SETTLE,
                             "UPDATE entry SET moved = 0 WHERE moved != 0 AND gone_ns = 0", &q,
                             err) != 0)
        return -1;
    return weir_stmt_run(&q, "settle what was moved", err);
}

int
weir_catalog_dir_gone(struct weir_catalog *c, int64_t dir_id, int64_t gone_ns,
                      struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_DIR_GONE,
                             "UPDATE entry SET gone_ns = ? WHERE dir = ? AND gone_ns = 0", &q,
                             err) != 0)
        return -1;
    weir_stmt_bind_int(&q, gone_ns);
    weir_stmt_bind_int(&q, dir_id);
    if (weir_stmt_run(&q, "mark a directory's entries", err) != 0 ||
        weir_stmt_take_write(c, WEIR_STMT_DIR_UNSEAL_GONE,
                             "UPDATE dir SET sealed = 0, mounted = 0 WHERE id = ?", &q,
                             err) != 0)
        return -1;
    weir_stmt_bind_int(&q, dir_id);
    return weir_stmt_run(&q, "unseal a directory", err);
}

int
weir_catalog_entry_remove(struct weir_catalog *c, int64_t dir_id, const char *name,
                          size_t name_len, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_rows_remove_chunks(c, dir_id, name, name_len, err) != 0 ||
        weir_stmt_take_write(c, WEIR_STMT_ENTRY_REMOVE,
                             "DELETE FROM entry WHERE dir = ? AND name = ?", &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, dir_id);
    weir_stmt_bind_blob(&q, name, name_len);
    return weir_stmt_run(&q, "remove an entry", err);
}

int
weir_catalog_entry_find(struct weir_catalog *c, int64_t dir_id, const char *name,
                        size_t name_len, struct weir_catalog_entry *out, bool *out_found,
                        struct weir_err *err)
{
    weir_catalog_rows_end(c);
    if (weir_stmt_take(c, WEIR_STMT_ENTRY_FIND,
                       "SELECT " WEIR_ENTRY_COLUMNS " FROM entry WHERE dir = ? AND name = ?",
                       &c->rows, err) != 0)
        return -1;
    weir_stmt_bind_int(&c->rows, dir_id);
    weir_stmt_bind_blob(&c->rows, name, name_len);
    const struct weir_catalog_entry *row;
    if (weir_catalog_rows_next(c, &row, err) != 0)
        return -1;
    *out_found = row != NULL;
    if (row != NULL)
        *out = *row;
    return 0;
}

/* ---- rows with their paths ---- */

#define PLACE_COLUMNS "entry.dir, dir.path, " WEIR_ENTRY_COLUMNS
#define PLACE_TABLES "entry JOIN dir ON dir.id = entry.dir"

/* Joins a directory's path and a name. */
static int
make_place(const char *dir, size_t dir_len, const struct weir_catalog_entry *row,
           struct weir_catalog_place *out, struct weir_err *err)
{
    size_t slash = dir_len > 0 && row->name_len > 0 ? 1 : 0;
    out->path_len = dir_len + slash + row->name_len;
    out->name_len = row->name_len;
    out->path = malloc(out->path_len + 1);
    if (out->path == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "path of an entry");
    memcpy(out->path, dir, dir_len);
    if (slash != 0)
        out->path[dir_len] = '/';
    memcpy(out->path + dir_len + slash, row->name, row->name_len);
    out->path[out->path_len] = '\0';
    return 0;
}

/* The next row of c->rows, which begins with PLACE_COLUMNS.  1, 0 at the end, -1. */
static int
next_place(struct weir_catalog *c, struct weir_catalog_place *out_place,
           struct weir_catalog_entry *out_row, struct weir_err *err)
{
    struct weir_stmt *q = &c->rows;
    int got = weir_stmt_step(q, "look up entries", err);
    if (got <= 0)
        return got;
    size_t dir_len = 0;
    struct weir_catalog_place place = {.dir_id = weir_stmt_int(q)};
    const char *dir = weir_stmt_blob(q, &dir_len);
    if (!weir_rows_read(c)) {
        weir_catalog_rows_end(c);
        return weir_stmt_damaged(c, "row of an entry", err);
    }
    if (make_place(dir, dir_len, &c->row, &place, err) != 0)
        return -1;
    *out_place = place;
    *out_row = c->row;
    return 1;
}

static bool
same_time(const struct weir_time *a, const struct weir_time *b)
{
    return a->s == b->s && a->ns == b->ns;
}

/* The first row with this inode, size and mtime, and ctime if exact.  1, 0 or -1. */
static int
find_inode(struct weir_catalog *c, const struct weir_stat *st, bool exact,
           struct weir_catalog_place *out_place, struct weir_catalog_entry *out_row,
           struct weir_err *err)
{
    weir_catalog_rows_end(c);
    if (weir_stmt_take(c, WEIR_STMT_FIND_INODE,
                       "SELECT " PLACE_COLUMNS " FROM " PLACE_TABLES
                       " WHERE entry.ino = ? AND entry.type = 1 AND entry.size = ?"
                       " AND entry.size != 0 ORDER BY entry.dir, entry.name",
                       &c->rows, err) != 0)
        return -1;
    weir_stmt_bind_uint(&c->rows, st->ino);
    weir_stmt_bind_uint(&c->rows, st->size);
    int got;
    while ((got = next_place(c, out_place, out_row, err)) == 1) {
        if (same_time(&out_row->st.mtime, &st->mtime) &&
            (!exact || same_time(&out_row->st.ctime, &st->ctime)))
            return 1;
        free(out_place->path);
    }
    return got;
}

int
weir_catalog_find_inode(struct weir_catalog *c, const struct weir_stat *st,
                        struct weir_catalog_place *out_place,
                        struct weir_catalog_entry *out_row, bool *out_found,
                        struct weir_err *err)
{
    *out_found = false;
    if (!c->by_inode) /* each lookup would read the whole catalog */
        return 0;
    int got = find_inode(c, st, true, out_place, out_row, err);
    if (got == 0)
        got = find_inode(c, st, false, out_place, out_row, err);
    *out_found = got == 1;
    return got < 0 ? -1 : 0;
}

int
weir_catalog_gone_count(struct weir_catalog *c, int64_t before_ns, uint64_t *out_entries,
                        uint64_t *out_bytes, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_GONE_COUNT,
                       "SELECT type, size FROM entry WHERE gone_ns != 0 AND gone_ns <= ?", &q,
                       err) != 0)
        return -1;
    weir_stmt_bind_int(&q, before_ns);
    uint64_t entries = 0, bytes = 0;
    int got;
    while ((got = weir_stmt_step(&q, "count what vanished", err)) == 1) {
        bool dir = weir_stmt_int(&q) == WEIR_ENTRY_DIR;
        uint64_t size = dir ? 0 : weir_stmt_uint(&q);
        entries++;
        bytes = size > UINT64_MAX - bytes ? UINT64_MAX : bytes + size;
    }
    if (got < 0)
        return -1;
    *out_entries = entries;
    *out_bytes = bytes;
    return 0;
}

int
weir_catalog_gone_next(struct weir_catalog *c, int64_t before_ns, int64_t after_dir,
                       const char *after_name, size_t after_name_len,
                       struct weir_catalog_place *out_place, struct weir_catalog_entry *out_row,
                       bool *out_found, struct weir_err *err)
{
    weir_catalog_rows_end(c);
    if (weir_stmt_take(c, WEIR_STMT_GONE_NEXT,
                       "SELECT " PLACE_COLUMNS " FROM " PLACE_TABLES
                       " WHERE entry.gone_ns != 0 AND entry.gone_ns <= ?"
                       " AND (entry.dir, entry.name) > (?, ?)"
                       " ORDER BY entry.dir, entry.name LIMIT 1",
                       &c->rows, err) != 0)
        return -1;
    weir_stmt_bind_int(&c->rows, before_ns);
    weir_stmt_bind_int(&c->rows, after_dir);
    weir_stmt_bind_blob(&c->rows, after_name, after_name_len);
    int got = next_place(c, out_place, out_row, err);
    *out_found = got == 1;
    return got < 0 ? -1 : 0;
}

/* One number from a statement whose parameters are bound. */
static int
read_count(struct weir_stmt *q, uint64_t *out, struct weir_err *err)
{
    struct weir_catalog *c = q->c;
    int got = weir_stmt_step(q, "count entries", err);
    if (got != 1)
        return got < 0 ? -1 : weir_stmt_damaged(c, "no count", err);
    *out = weir_stmt_uint(q);
    weir_stmt_release(q);
    return 0;
}

int
weir_catalog_gone_moved(struct weir_catalog *c, int64_t before_ns, uint64_t *out_entries,
                        struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_GONE_MOVED,
                       "SELECT count(*) FROM entry WHERE gone_ns != 0 AND gone_ns <= ?"
                       " AND moved != 0",
                       &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, before_ns);
    return read_count(&q, out_entries, err);
}

int
weir_catalog_entry_count(struct weir_catalog *c, uint64_t *out_entries, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_ENTRY_COUNT, "SELECT count(*) FROM entry", &q, err) != 0)
        return -1;
    return read_count(&q, out_entries, err);
}
