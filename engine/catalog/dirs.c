#include <string.h>

#include "catalog/catalog_impl.h"

int
weir_catalog_dir_get(struct weir_catalog *c, const char *path, size_t path_len,
                     struct weir_catalog_dir *out, bool *out_found, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_DIR_GET,
                       "SELECT id, sealed, opened, entries, bytes, stat_digest FROM dir"
                       " WHERE path = ?",
                       &q, err) != 0)
        return -1;
    weir_stmt_bind_blob(&q, path, path_len);
    int got = weir_stmt_step(&q, "look up a directory", err);
    if (got < 0)
        return -1;
    *out_found = got == 1;
    if (got == 0)
        return 0;
    struct weir_catalog_dir dir;
    dir.id = weir_stmt_int(&q);
    dir.sealed = weir_stmt_int(&q) != 0;
    dir.opened = weir_stmt_int(&q) != 0;
    dir.entries = weir_stmt_uint(&q);
    dir.bytes = weir_stmt_uint(&q);
    size_t bytes = 0;
    const void *digest = weir_stmt_blob(&q, &bytes);
    int rc = 0;
    if (bytes == sizeof(dir.stat_digest)) {
        memcpy(&dir.stat_digest, digest, bytes);
        *out = dir;
    } else {
        rc = weir_stmt_damaged(c, "digest of a directory", err);
    }
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
weir_catalog_dir_close(struct weir_catalog *c, int64_t id, bool sealed,
                       const struct weir_xxh128 *stat_digest, uint64_t entries, uint64_t bytes,
                       struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_DIR_CLOSE,
                             "UPDATE dir SET sealed = ?, stat_digest = ?, entries = ?,"
                             " bytes = ?, opened = 0 WHERE id = ?",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, sealed);
    weir_stmt_bind_blob(&q, stat_digest, sizeof(*stat_digest));
    weir_stmt_bind_uint(&q, entries);
    weir_stmt_bind_uint(&q, bytes);
    weir_stmt_bind_int(&q, id);
    if (weir_stmt_run(&q, "close a directory", err) != 0)
        return -1;
    if (sqlite3_changes(c->db) != 1)
        return weir_err_set(err, WEIR_E_BUG, "catalog: no directory %lld", (long long)id);
    return 0;
}
