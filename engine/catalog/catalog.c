#include "catalog/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/catalog_impl.h"
#include "catalog/identity.h"
#include "catalog/schema.h"

/* cache_size bounds the memory (16 MiB), also of what an upgrade or a new index sorts, thanks
 * to temp_store.  The two WAL limits bound the -wal file (16 MiB before it is written back, 64
 * MiB kept on disk at most).  cell_size_check finds damage early. */
static const char *const pragmas[] = {
    "PRAGMA page_size = 8192", /* of a new file */
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 2048",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -16384",
    "PRAGMA mmap_size = 0",
    "PRAGMA temp_store = FILE",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
};
#define BUSY_MS 5000 /* a reader may meet the moment of recovery after a crash */

static int
fail_sys(const struct weir_catalog *c, const char *doing, struct weir_err *err)
{
    weir_err_sys(err, WEIR_E_IO, errno, "%s catalog %s", doing, c->path);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

static int
make_file(struct weir_catalog *c, struct weir_err *err)
{
    /* SQLite gives -wal and -shm the mode of this file, so umask need not be touched. */
    int fd = openat(c->dir.fd, WEIR_CATALOG_FILE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_sys(c, "make", err);
    int rc = fchmod(fd, 0600) == 0 && fsync(fd) == 0 && fsync(c->dir.fd) == 0
                 ? 0
                 : fail_sys(c, "make", err);
    (void)close(fd);
    return rc;
}

/* The file must be a regular one.  It is never opened here but when it is new: closing any
 * descriptor of a live SQLite file drops the locks that this process holds on it. */
static int
find_file(struct weir_catalog *c, enum weir_catalog_mode mode, struct weir_err *err)
{
    struct stat st;
    if (fstatat(c->dir.fd, WEIR_CATALOG_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT && mode == WEIR_CATALOG_WRITE)
            return make_file(c, err);
        return fail_sys(c, "open", err);
    }
    if (!S_ISREG(st.st_mode)) {
        weir_err_set(err, WEIR_E_CATALOG, "catalog %s is not a regular file", c->path);
        err->scope = WEIR_SCOPE_RUN;
        return -1;
    }
    if (mode == WEIR_CATALOG_WRITE && (st.st_mode & 077) != 0 &&
        fchmodat(c->dir.fd, WEIR_CATALOG_FILE, 0600, 0) != 0)
        return fail_sys(c, "chmod", err);
    return 0;
}

static int
open_database(struct weir_catalog *c, enum weir_catalog_mode mode, struct weir_err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    flags |= mode == WEIR_CATALOG_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    int rc = sqlite3_open_v2(c->path, &c->db, flags, NULL);
    if (rc != SQLITE_OK)
        return weir_stmt_fail(c, rc, "open it", err);
    (void)sqlite3_extended_result_codes(c->db, 1);
    (void)sqlite3_busy_timeout(c->db, BUSY_MS);
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return 0;
}

static int
set_pragmas(struct weir_catalog *c, struct weir_err *err)
{
    for (size_t i = 0; i < sizeof(pragmas) / sizeof(pragmas[0]); i++) {
        int rc = sqlite3_exec(c->db, pragmas[i], NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            return weir_stmt_fail(c, rc, pragmas[i], err);
    }
    return 0;
}

/* Only when the file is known to be ours: it changes the header. */
static int
use_wal(struct weir_catalog *c, struct weir_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(c->db, "PRAGMA journal_mode = WAL", -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    bool wal = rc == SQLITE_ROW &&
               sqlite3_stricmp((const char *)sqlite3_column_text(s, 0), "wal") == 0;
    (void)sqlite3_finalize(s);
    if (wal)
        return 0;
    if (rc != SQLITE_ROW)
        return weir_stmt_fail(c, rc, "switch to WAL", err);
    weir_err_set(err, WEIR_E_UNSUPPORTED,
                 "catalog %s: this file system cannot hold a write-ahead log: give a --state "
                 "on a local disk",
                 c->path);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

static int
prepare_schema(struct weir_catalog *c, enum weir_catalog_mode mode, struct weir_err *err)
{
    enum weir_schema_kind kind;
    if (set_pragmas(c, err) != 0 || weir_schema_look(c, &kind, err) != 0)
        return -1;
    if (mode == WEIR_CATALOG_WRITE) {
        if (use_wal(c, err) != 0)
            return -1;
        if (kind != WEIR_SCHEMA_EMPTY && weir_schema_check(c, err) != 0)
            return -1;
        if (kind != WEIR_SCHEMA_CURRENT && weir_schema_upgrade(c, err) != 0)
            return -1;
        return weir_schema_look_index(c, err);
    }
    if (kind == WEIR_SCHEMA_CURRENT)
        return weir_schema_look_index(c, err);
    weir_err_set(err, kind == WEIR_SCHEMA_EMPTY ? WEIR_E_NOT_FOUND : WEIR_E_CATALOG,
                 kind == WEIR_SCHEMA_EMPTY
                     ? "catalog %s is empty: no pass has begun"
                     : "catalog %s is of an older weir: run a pass, it is upgraded then",
                 c->path);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

int
weir_catalog_open(const char *state_dir, enum weir_catalog_mode mode,
                  const struct weir_catalog_identity *identity, uint64_t seed,
                  struct weir_catalog **out, struct weir_err *err)
{
    struct weir_catalog *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "catalog");
    c->dir = (struct weir_state_dir)WEIR_STATE_DIR_INIT;
    if (asprintf(&c->path, "%s/%s", state_dir, WEIR_CATALOG_FILE) < 0) {
        c->path = NULL;
        weir_err_set(err, WEIR_E_NOMEM, "path of the catalog");
        goto fail;
    }
    if ((mode == WEIR_CATALOG_WRITE ? weir_state_dir_own(state_dir, &c->dir, err)
                                    : weir_state_dir_peek(state_dir, &c->dir, err)) != 0)
        goto fail;
    if (find_file(c, mode, err) != 0 || open_database(c, mode, err) != 0 ||
        prepare_schema(c, mode, err) != 0 || weir_identity_settle(c, mode, identity, seed, err))
        goto fail;
    *out = c;
    return 0;
fail:
    weir_catalog_close(c);
    return -1;
}

void
weir_catalog_close(struct weir_catalog *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < WEIR_STMT_SLOTS; i++)
        (void)sqlite3_finalize(c->stmt[i]);
    if (c->db != NULL && !sqlite3_get_autocommit(c->db))
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    (void)sqlite3_close(c->db);
    weir_state_dir_close(&c->dir); /* the lock goes last */
    free(c->upload_text);
    free(c->path);
    free(c);
}

const char *
weir_catalog_job_id(const struct weir_catalog *c)
{
    return c->job_id;
}

const char *
weir_catalog_path(const struct weir_catalog *c)
{
    return c->path;
}

const struct weir_stat *
weir_catalog_dir_stat(const struct weir_catalog *c)
{
    return &c->dir.st;
}

int
weir_catalog_begin(struct weir_catalog *c, struct weir_err *err)
{
    struct weir_stmt q;
    if (c->dir.lock_fd < 0)
        return weir_err_set(err, WEIR_E_BUG, "catalog %s is open for reading", c->path);
    if (c->in_transaction)
        return weir_err_set(err, WEIR_E_BUG, "catalog: a transaction is already open");
    if (weir_stmt_take(c, WEIR_STMT_BEGIN, "BEGIN IMMEDIATE", &q, err) != 0 ||
        weir_stmt_run(&q, "begin a transaction", err) != 0)
        return -1;
    c->in_transaction = true;
    return 0;
}

int
weir_catalog_commit(struct weir_catalog *c, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_COMMIT, "COMMIT", &q, err) != 0 ||
        weir_stmt_run(&q, "commit", err) != 0)
        return -1;
    c->in_transaction = false;
    return 0;
}

void
weir_catalog_roll_back(struct weir_catalog *c)
{
    weir_catalog_rows_end(c);
    if (!sqlite3_get_autocommit(c->db)) /* else SQLite has done it already */
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    c->in_transaction = false;
    c->failed = sqlite3_get_autocommit(c->db) == 0;
}
