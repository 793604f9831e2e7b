#include "catalog/schema.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "catalog/catalog_impl.h"

/* Step i leads from version i to i + 1.  A step that was released is never changed. */
static const char *const steps[] = {
    /* 0 -> 1: paths and names are bytes; uint64 values are stored as int64 with the same bits
     */
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE dir (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE,"
    "sealed INTEGER NOT NULL, opened INTEGER NOT NULL, stat_digest BLOB NOT NULL,"
    "entries INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;"

    "CREATE TABLE entry (dir INTEGER NOT NULL, name BLOB NOT NULL, type INTEGER NOT NULL,"
    "proof INTEGER NOT NULL,"
    "size INTEGER NOT NULL, stat BLOB NOT NULL,"
    "xxh128 BLOB NOT NULL, crc64nvme INTEGER NOT NULL, part_bytes INTEGER NOT NULL,"
    "chunk_bytes INTEGER NOT NULL, etag TEXT NOT NULL, version TEXT NOT NULL,"
    "PRIMARY KEY (dir, name)) STRICT, WITHOUT ROWID;"

    /* Digests of an entry's chunks, 16 bytes each.  With a rowid: the blobs can be long. */
    "CREATE TABLE chunks (id INTEGER PRIMARY KEY, dir INTEGER NOT NULL, name BLOB NOT NULL,"
    "digests BLOB NOT NULL, UNIQUE (dir, name)) STRICT;"

    /* A path may have several: one to abort and one under way. */
    "CREATE TABLE upload (id INTEGER PRIMARY KEY, path BLOB NOT NULL, key TEXT NOT NULL,"
    "upload_id TEXT NOT NULL,"
    "size INTEGER NOT NULL, stat BLOB NOT NULL,"
    "part_bytes INTEGER NOT NULL, chunk_bytes INTEGER NOT NULL,"
    "completing INTEGER NOT NULL) STRICT;"
    "CREATE INDEX upload_path ON upload (path);"

    "CREATE TABLE part (upload INTEGER NOT NULL, number INTEGER NOT NULL,"
    "bytes INTEGER NOT NULL, etag TEXT NOT NULL, has_crc64nvme INTEGER NOT NULL,"
    "crc64nvme INTEGER NOT NULL, chunks BLOB NOT NULL,"
    "PRIMARY KEY (upload, number)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE pass (pass INTEGER PRIMARY KEY AUTOINCREMENT, command TEXT NOT NULL,"
    "started_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL, finished INTEGER NOT NULL,"
    "exit_status INTEGER NOT NULL, ledger TEXT) STRICT;",

    /* 1 -> 2: renames are found by inode, vanished entries stay until they are deleted */
    "ALTER TABLE entry ADD COLUMN gone_ns INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE entry ADD COLUMN ino INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE entry ADD COLUMN doubt INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE entry ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;"
    "UPDATE entry SET ino = weir_inode(stat) WHERE type = 1;"
    "CREATE INDEX entry_gone ON entry (dir, name) WHERE gone_ns != 0;"
    "CREATE INDEX entry_moved ON entry (dir, name) WHERE moved != 0 AND gone_ns = 0;"
    "ALTER TABLE dir ADD COLUMN mounted INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE upload ADD COLUMN delta INTEGER NOT NULL DEFAULT 0;",
};
#define VERSION ((int)(sizeof(steps) / sizeof(steps[0])))

/* One integer from a statement that is run once. */
static int
query_int(struct weir_catalog *c, const char *sql, int *out, struct weir_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    int result = 0;
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int(s, 0);
    else
        result = weir_stmt_fail(c, rc, "open it", err);
    (void)sqlite3_finalize(s);
    return result;
}

static int
refuse(struct weir_catalog *c, const char *why, struct weir_err *err)
{
    weir_err_set(err, WEIR_E_CATALOG, "catalog %s %s", c->path, why);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

/* SQLite reads a lost end of the last page as zeros.  Beside a -wal that is not empty the
 * length means nothing: a crash may have come while the log was written back. */
static int
check_length(struct weir_catalog *c, struct weir_err *err)
{
    struct stat db, wal;
    int page_bytes = 0;
    if (query_int(c, "PRAGMA page_size", &page_bytes, err) != 0)
        return -1;
    if (page_bytes <= 0 ||
        fstatat(c->dir.fd, WEIR_CATALOG_FILE, &db, AT_SYMLINK_NOFOLLOW) != 0 ||
        db.st_size % page_bytes == 0)
        return 0;
    if (fstatat(c->dir.fd, WEIR_CATALOG_FILE "-wal", &wal, AT_SYMLINK_NOFOLLOW) == 0 &&
        wal.st_size > 0)
        return 0;
    return weir_stmt_damaged(c, "its end is missing", err);
}

int
weir_schema_look(struct weir_catalog *c, enum weir_schema_kind *out, struct weir_err *err)
{
    int id = 0, version = 0, objects = 0;
    if (query_int(c, "PRAGMA application_id", &id, err) != 0 ||
        query_int(c, "PRAGMA user_version", &version, err) != 0 ||
        query_int(c, "SELECT count(*) FROM sqlite_schema", &objects, err) != 0)
        return -1;
    if (id == 0 && version == 0 && objects == 0) {
        *out = WEIR_SCHEMA_EMPTY;
        return check_length(c, err);
    }
    if (id != WEIR_SCHEMA_APPLICATION_ID)
        return refuse(c, "is a database of another program: give another --state directory",
                      err);
    if (version > VERSION) {
        char why[160];
        (void)snprintf(why, sizeof(why),
                       "was written by a newer weir (schema %d, this one knows %d): use that "
                       "version, or give another --state directory",
                       version, VERSION);
        return refuse(c, why, err);
    }
    if (version < 1)
        return weir_stmt_damaged(c, "it has no schema version", err);
    *out = version == VERSION ? WEIR_SCHEMA_CURRENT : WEIR_SCHEMA_OLDER;
    return check_length(c, err);
}

#define CHECK_ALWAYS_BYTES (INT64_C(16) << 20)
#define CHECK_EVERY 64

/* Reading the whole file costs more than a pass over an unchanged lake.  So: after a crash,
 * while the file is small, and now and then. */
static int
wants_check(struct weir_catalog *c, bool *out, struct weir_err *err)
{
    struct stat db, wal;
    int passes = 0;
    bool crashed =
        fstatat(c->dir.fd, WEIR_CATALOG_FILE "-wal", &wal, AT_SYMLINK_NOFOLLOW) == 0 &&
        wal.st_size > 0;
    bool large = fstatat(c->dir.fd, WEIR_CATALOG_FILE, &db, AT_SYMLINK_NOFOLLOW) == 0 &&
                 db.st_size > CHECK_ALWAYS_BYTES;
    if (query_int(c, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence", &passes, err) != 0)
        return -1;
    *out = crashed || !large || passes % CHECK_EVERY == 0;
    return 0;
}

int
weir_schema_check(struct weir_catalog *c, struct weir_err *err)
{
    bool wanted = true;
    if (wants_check(c, &wanted, err) != 0)
        return -1;
    if (!wanted)
        return 0;
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(c->db, "PRAGMA quick_check(1)", -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    int result = 0;
    if (rc != SQLITE_ROW) {
        result = weir_stmt_fail(c, rc, "check it", err);
    } else {
        const char *verdict = (const char *)sqlite3_column_text(s, 0);
        if (verdict == NULL || sqlite3_stricmp(verdict, "ok") != 0)
            result = weir_stmt_damaged(c, verdict == NULL ? "unreadable" : verdict, err);
    }
    (void)sqlite3_finalize(s);
    return result;
}

static int
execute(struct weir_catalog *c, const char *sql, struct weir_err *err)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : weir_stmt_fail(c, rc, "change its schema", err);
}

int
weir_schema_run_steps(struct weir_catalog *c, const char *const *list, int count,
                      struct weir_err *err)
{
    char mark[96];
    int version = 0;
    if (execute(c, "BEGIN IMMEDIATE", err) != 0)
        return -1;
    if (query_int(c, "PRAGMA user_version", &version, err) != 0)
        goto rollback;
    for (; version < count; version++)
        if (execute(c, list[version], err) != 0)
            goto rollback;
    (void)snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   WEIR_SCHEMA_APPLICATION_ID, count);
    if (execute(c, mark, err) != 0 || execute(c, "COMMIT", err) != 0)
        goto rollback;
    return 0;
rollback:
    if (!sqlite3_get_autocommit(c->db))
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

/* SQL function: the inode in packed stat data, 0 when it is none. */
static void
inode_of(sqlite3_context *ctx, int count, sqlite3_value **arg)
{
    struct weir_stat st;
    int64_t ino = 0;
    (void)count;
    if (weir_pack_read_stat(sqlite3_value_blob(arg[0]), (size_t)sqlite3_value_bytes(arg[0]),
                            &st) == 0)
        memcpy(&ino, &st.ino, sizeof(ino));
    sqlite3_result_int64(ctx, ino);
}

int
weir_schema_upgrade(struct weir_catalog *c, struct weir_err *err)
{
    int rc = sqlite3_create_function(c->db, "weir_inode", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                     NULL, inode_of, NULL, NULL);
    if (rc != SQLITE_OK)
        return weir_stmt_fail(c, rc, "prepare its schema", err);
    return weir_schema_run_steps(c, steps, VERSION, err);
}

/* ---- the index by inode ---- */

/* Not one of the steps: where inodes are in no order it makes a row four to eight times as
 * dear, and the pass that fills a new catalog has nothing to look up. */
int
weir_schema_index_inodes(struct weir_catalog *c, struct weir_err *err)
{
    if (execute(c,
                "CREATE INDEX IF NOT EXISTS entry_ino ON entry (ino)"
                " WHERE type = 1 AND size != 0",
                err) != 0)
        return -1;
    c->by_inode = true;
    return 0;
}

int
weir_schema_look_index(struct weir_catalog *c, struct weir_err *err)
{
    int found = 0;
    if (query_int(c, "SELECT count(*) FROM sqlite_schema WHERE name = 'entry_ino'", &found,
                  err) != 0)
        return -1;
    c->by_inode = found != 0;
    return 0;
}
