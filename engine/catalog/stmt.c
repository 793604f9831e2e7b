#include "catalog/stmt.h"

#include <errno.h>
#include <string.h>

#include "catalog/catalog_impl.h"

static int
fail(struct weir_catalog *c, enum weir_code code, int errno_value, const char *doing,
     const char *advice, struct weir_err *err)
{
    if (err == NULL || err->code != WEIR_OK)
        return -1;
    weir_err_set(err, code, "%s: %s; %s", doing,
                 errno_value != 0 ? strerror(errno_value) : sqlite3_errmsg(c->db), advice);
    err->sys_errno = errno_value;
    err->scope = WEIR_SCOPE_RUN;
    return weir_err_add(err, "catalog %s", c->path);
}

int
weir_stmt_damaged(struct weir_catalog *c, const char *what, struct weir_err *err)
{
    if (err == NULL || err->code != WEIR_OK)
        return -1;
    weir_err_set(err, WEIR_E_CATALOG,
                 "damaged: %s; move it away with its -wal and -shm and run again with "
                 "\"existing: adopt\": what the store has is taken over, not sent again",
                 what);
    err->scope = WEIR_SCOPE_RUN;
    return weir_err_add(err, "catalog %s", c->path);
}

/* Why the system refused an operation.  SQLite forgets it when COMMIT fails, its files do not.
 */
static int
last_errno(sqlite3 *db)
{
    if (db == NULL)
        return ENOMEM; /* open could not even make the handle */
    int value = sqlite3_system_errno(db);
    sqlite3_file *file[2] = {NULL,
                             NULL}; /* the -wal is the one written to, so it comes first */
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file[0]);
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file[1]);
    for (int i = 0; i < 2 && value == 0; i++)
        if (file[i] != NULL && file[i]->pMethods != NULL)
            (void)file[i]->pMethods->xFileControl(file[i], SQLITE_FCNTL_LAST_ERRNO, &value);
    return value;
}

int
weir_stmt_fail(struct weir_catalog *c, int rc, const char *doing, struct weir_err *err)
{
    int sys = last_errno(c->db);
    c->failed |= c->in_transaction; /* SQLite has undone it, or part of it, or nothing */
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return weir_stmt_damaged(c, sqlite3_errmsg(c->db), err);
    case SQLITE_FULL:
        return fail(
            c, WEIR_E_IO, ENOSPC, doing,
            "make room on that file system and run again: all that was committed is safe", err);
    case SQLITE_IOERR:
        if (sys == ENOSPC || sys == EDQUOT)
            return weir_stmt_fail(c, SQLITE_FULL, doing, err);
        return fail(c, WEIR_E_IO, sys, doing,
                    "look at the disk and the kernel log, then run again", err);
    case SQLITE_NOMEM:
        return fail(c, WEIR_E_NOMEM, ENOMEM, doing, "give weir more memory", err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fail(c, WEIR_E_LOCKED, 0, doing,
                    "another program has the file open: close it and run again", err);
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        return fail(c, WEIR_E_ACCESS, sys, doing,
                    "weir must be able to read and write the state directory and its files",
                    err);
    case SQLITE_MISUSE:
    case SQLITE_CONSTRAINT:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
        return fail(c, WEIR_E_BUG, 0, doing, "please report this", err);
    default: /* a table or column is missing: not our file any more */
        return weir_stmt_damaged(c, sqlite3_errmsg(c->db), err);
    }
}

int
weir_stmt_take(struct weir_catalog *c, enum weir_stmt_slot slot, const char *sql,
               struct weir_stmt *out, struct weir_err *err)
{
    if (c->stmt[slot] == NULL) {
        int rc =
            sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &c->stmt[slot], NULL);
        if (rc != SQLITE_OK)
            return weir_stmt_fail(c, rc, "prepare a query", err);
    }
    out->c = c; /* field by field: packed needs no zeros */
    out->s = c->stmt[slot];
    out->next = 1;
    out->rc = SQLITE_OK;
    return 0;
}

int
weir_stmt_take_write(struct weir_catalog *c, enum weir_stmt_slot slot, const char *sql,
                     struct weir_stmt *out, struct weir_err *err)
{
    if (!c->in_transaction) {
        weir_err_set(err, WEIR_E_BUG, "catalog: write outside of a transaction: %s", sql);
        return -1;
    }
    if (c->failed || sqlite3_get_autocommit(c->db)) {
        weir_err_set(err, WEIR_E_IO,
                     "catalog %s: an earlier error undid this transaction; run again", c->path);
        if (err != NULL)
            err->scope = WEIR_SCOPE_RUN;
        return -1;
    }
    return weir_stmt_take(c, slot, sql, out, err);
}

static void
bound(struct weir_stmt *q, int rc)
{
    if (q->rc == SQLITE_OK)
        q->rc = rc;
}

void
weir_stmt_bind_int(struct weir_stmt *q, int64_t value)
{
    bound(q, sqlite3_bind_int64(q->s, q->next++, value));
}

void
weir_stmt_bind_uint(struct weir_stmt *q, uint64_t value)
{
    int64_t same_bits;
    memcpy(&same_bits, &value, sizeof(same_bits));
    weir_stmt_bind_int(q, same_bits);
}

void
weir_stmt_bind_blob(struct weir_stmt *q, const void *data, size_t bytes)
{
    /* A NULL pointer would bind NULL, not a blob of no bytes. */
    bound(q,
          sqlite3_bind_blob64(q->s, q->next++, bytes == 0 ? "" : data, bytes, SQLITE_STATIC));
}

void
weir_stmt_bind_text(struct weir_stmt *q, const char *text)
{
    bound(q, sqlite3_bind_text(q->s, q->next++, text, -1, SQLITE_STATIC));
}

void
weir_stmt_bind_stat(struct weir_stmt *q, const struct weir_stat *st)
{
    weir_stmt_bind_uint(q, st->size);
    weir_stmt_bind_blob(q, q->packed, weir_pack_stat(st, q->packed));
}

int
weir_stmt_step(struct weir_stmt *q, const char *doing, struct weir_err *err)
{
    int rc = q->rc == SQLITE_OK ? sqlite3_step(q->s) : q->rc;
    q->next = 0; /* columns count from 0 */
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        weir_stmt_fail(q->c, rc, doing, err);
    weir_stmt_release(q);
    return rc == SQLITE_DONE ? 0 : -1;
}

int
weir_stmt_run(struct weir_stmt *q, const char *doing, struct weir_err *err)
{
    int got = weir_stmt_step(q, doing, err);
    if (got == 1)
        weir_stmt_release(q);
    return got < 0 ? -1 : 0;
}

void
weir_stmt_release(struct weir_stmt *q)
{
    if (q->s != NULL)
        (void)sqlite3_reset(q->s); /* its error was reported by step */
    q->s = NULL;
}

int64_t
weir_stmt_int(struct weir_stmt *q)
{
    return sqlite3_column_int64(q->s, q->next++);
}

uint64_t
weir_stmt_uint(struct weir_stmt *q)
{
    return (uint64_t)weir_stmt_int(q);
}

const char *
weir_stmt_text(struct weir_stmt *q)
{
    const unsigned char *text = sqlite3_column_text(q->s, q->next++);
    return text == NULL ? "" : (const char *)text;
}

const void *
weir_stmt_blob(struct weir_stmt *q, size_t *out_bytes)
{
    int column = q->next++;
    const void *data = sqlite3_column_blob(q->s, column);
    *out_bytes = (size_t)sqlite3_column_bytes(q->s, column);
    return data == NULL ? "" : data;
}

int
weir_stmt_stat(struct weir_stmt *q, struct weir_stat *out)
{
    out->size = weir_stmt_uint(q);
    size_t bytes = 0;
    const uint8_t *data = weir_stmt_blob(q, &bytes);
    return weir_pack_read_stat(data, bytes, out);
}
