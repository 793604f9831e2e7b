#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_impl.h"

int
weir_dirs_read(struct weir_stmt *q, struct weir_catalog_dir *out, struct weir_err *err)
{
    struct weir_catalog_dir dir;
    dir.id = weir_stmt_int(q);
    dir.sealed = weir_stmt_int(q) != 0;
    dir.opened = weir_stmt_int(q) != 0;
    dir.mounted = weir_stmt_int(q) != 0;
    dir.entries = weir_stmt_uint(q);
    dir.bytes = weir_stmt_uint(q);
    size_t bytes = 0;
    const void *digest = weir_stmt_blob(q, &bytes);
    if (bytes != sizeof(dir.stat_digest))
        return weir_stmt_damaged(q->c, "digest of a directory", err);
    memcpy(&dir.stat_digest, digest, bytes);
    *out = dir;
    return 0;
}

int
weir_catalog_dir_get(struct weir_catalog *c, const char *path, size_t path_len,
                     struct weir_catalog_dir *out, bool *out_found, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_DIR_GET,
                       "SELECT " WEIR_DIR_COLUMNS " FROM dir WHERE path = ?", &q, err) != 0)
        return -1;
    weir_stmt_bind_blob(&q, path, path_len);
    int got = weir_stmt_step(&q, "look up a directory", err);
    if (got < 0)
        return -1;
    *out_found = got == 1;
    if (got == 0)
        return 0;
    int rc = weir_dirs_read(&q, out, err);
    weir_stmt_release(&q);
    return rc;
}

int
weir_catalog_dir_open(struct weir_catalog *c, const char *path, size_t path_len,
                      int64_t *out_id, struct weir_err *err)
{
    static const struct weir_xxh128 none;
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_DIR_OPEN,
                             "INSERT INTO dir (path, stat_digest, sealed, opened, entries,"
                             " bytes) VALUES (?, ?, 0, 1, 0, 0)"
                             " ON CONFLICT (path) DO UPDATE SET sealed = 0, opened = 1"
                             " RETURNING id",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_blob(&q, path, path_len);
    weir_stmt_bind_blob(&q, &none, sizeof(none));
    int got = weir_stmt_step(&q, "open a directory", err);
    if (got < 0)
        return -1;
    if (got == 0)
        return weir_stmt_damaged(c, "a directory without a number", err);
    *out_id = weir_stmt_int(&q);
    weir_stmt_release(&q);
    return 0;
}

int
weir_catalog_dir_close(struct weir_catalog *c, const struct weir_catalog_dir *dir,
                       struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_DIR_CLOSE,
                             "UPDATE dir SET sealed = ?, mounted = ?, stat_digest = ?,"
                             " entries = ?, bytes = ?, opened = 0 WHERE id = ?",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, dir->sealed);
    weir_stmt_bind_int(&q, dir->mounted);
    weir_stmt_bind_blob(&q, &dir->stat_digest, sizeof(dir->stat_digest));
    weir_stmt_bind_uint(&q, dir->entries);
    weir_stmt_bind_uint(&q, dir->bytes);
    weir_stmt_bind_int(&q, dir->id);
    if (weir_stmt_run(&q, "close a directory", err) != 0)
        return -1;
    if (sqlite3_changes(c->db) != 1)
        return weir_err_set(err, WEIR_E_BUG, "catalog: no directory %lld", (long long)dir->id);
    return 0;
}

int
weir_catalog_dir_last(struct weir_catalog *c, int64_t *out_id, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_DIR_LAST, "SELECT max(id) FROM dir", &q, err) != 0)
        return -1;
    int got = weir_stmt_step(&q, "look for the last directory", err);
    if (got != 1)
        return got < 0 ? -1 : weir_stmt_damaged(c, "no last directory", err);
    *out_id = weir_stmt_int(&q); /* NULL reads as 0 */
    weir_stmt_release(&q);
    return 0;
}

static int
copy_path(struct weir_stmt *q, char **out_path, size_t *out_len, struct weir_err *err)
{
    const void *path = weir_stmt_blob(q, out_len);
    *out_path = malloc(*out_len + 1);
    if (*out_path == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "path of a directory");
    memcpy(*out_path, path, *out_len);
    (*out_path)[*out_len] = '\0';
    return 0;
}

int
weir_catalog_dir_next(struct weir_catalog *c, int64_t after, int64_t last,
                      struct weir_catalog_dir *out, char **out_path, size_t *out_path_len,
                      bool *out_found, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_DIR_NEXT,
                       "SELECT " WEIR_DIR_COLUMNS ", path FROM dir WHERE id > ? AND id <= ?"
                       " AND (mounted != 0 OR EXISTS (SELECT 1 FROM entry"
                       " WHERE entry.dir = dir.id AND entry.gone_ns = 0))"
                       " ORDER BY id LIMIT 1",
                       &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, after);
    weir_stmt_bind_int(&q, last);
    int got = weir_stmt_step(&q, "look for directories", err);
    *out_found = got == 1;
    if (got <= 0)
        return got;
    int rc = weir_dirs_read(&q, out, err);
    if (rc == 0)
        rc = copy_path(&q, out_path, out_path_len, err);
    weir_stmt_release(&q);
    return rc;
}

int
weir_catalog_dir_drop_empty(struct weir_catalog *c, int64_t id, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_DIR_DROP,
                             "DELETE FROM dir WHERE id = ?1 AND opened = 0 AND sealed = 0"
                             " AND NOT EXISTS (SELECT 1 FROM entry WHERE dir = ?1)",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, id);
    return weir_stmt_run(&q, "forget a directory", err);
}
