/* stmt -- prepared statements of a catalog: each is compiled once, at first use.
 *
 * SQLite integers are signed 64 bits.  A uint64_t is stored as the int64_t with the same bits:
 * nothing is lost, but SQL must not compare or add values that can exceed 2^63 - 1. */
#ifndef WEIR_CATALOG_STMT_H
#define WEIR_CATALOG_STMT_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/entry.h>
#include <weir/err.h>

#include "catalog/pack.h"

struct weir_catalog;

enum weir_stmt_slot {
    WEIR_STMT_BEGIN,
    WEIR_STMT_COMMIT,
    WEIR_STMT_FACT_SET,
    WEIR_STMT_FACT_GET,
    WEIR_STMT_DIR_GET,
    WEIR_STMT_DIR_OPEN,
    WEIR_STMT_DIR_CLOSE,
    WEIR_STMT_ROWS,
    WEIR_STMT_ENTRY_INSERT,
    WEIR_STMT_ENTRY_REPLACE,
    WEIR_STMT_CHUNKS_PUT,
    WEIR_STMT_CHUNKS_REMOVE,
    WEIR_STMT_CHUNKS_GET,
    WEIR_STMT_TOTALS,
    WEIR_STMT_UPLOAD_INSERT,
    WEIR_STMT_UPLOAD_UPDATE,
    WEIR_STMT_UPLOAD_FIND,
    WEIR_STMT_UPLOAD_EACH,
    WEIR_STMT_UPLOAD_REMOVE,
    WEIR_STMT_PARTS_FORGET,
    WEIR_STMT_PARTS_REMOVE,
    WEIR_STMT_PART_PUT,
    WEIR_STMT_PART_EACH,
    WEIR_STMT_PASS_BEGIN,
    WEIR_STMT_PASS_UPDATE,
    WEIR_STMT_PASS_LAST,
    WEIR_STMT_PASS_LAST_GOOD,
    WEIR_STMT_PASS_FINISHED,
    WEIR_STMT_PASS_SKIP,
    WEIR_STMT_FACT_EACH,
    WEIR_STMT_DIR_EACH,
    WEIR_STMT_DIR_LAST,
    WEIR_STMT_DIR_NEXT,
    WEIR_STMT_DIR_DROP,
    WEIR_STMT_DIR_GONE,
    WEIR_STMT_DIR_UNSEAL,
    WEIR_STMT_ENTRY_GONE,
    WEIR_STMT_ENTRY_REMOVE,
    WEIR_STMT_ENTRY_FIND,
    WEIR_STMT_ENTRY_COUNT,
    WEIR_STMT_FIND_INODE,
    WEIR_STMT_GONE_COUNT,
    WEIR_STMT_GONE_MOVED,
    WEIR_STMT_ENTRY_DOUBT,
    WEIR_STMT_ENTRY_MOVED,
    WEIR_STMT_MOVED_SETTLE,
    WEIR_STMT_DIR_UNSEAL_GONE,
    WEIR_STMT_GONE_NEXT,
    WEIR_STMT_ROWS_DIGESTS,
    WEIR_STMT_PASS_NUMBER,
    WEIR_STMT_PASS_NUMBER_SET,
    WEIR_STMT_PASS_NUMBER_KEEP,
    WEIR_STMT_IS_EMPTY,
    WEIR_STMT_SLOTS
};

/* One use of a statement: take, bind in order, step or run.  Bound bytes are borrowed until it
 * is released.  A failed bind shows at the first step. */
struct weir_stmt {
    struct weir_catalog *c;
    sqlite3_stmt *s;
    int next; /* parameter, or column, that comes next */
    int rc;
    uint8_t packed[WEIR_PACK_BYTES_MAX]; /* stat data, bound from here */
};

int weir_stmt_take(struct weir_catalog *c, enum weir_stmt_slot slot, const char *sql,
                   struct weir_stmt *out, struct weir_err *err);
/* As take, for statements that write: WEIR_E_BUG when no transaction is open. */
int weir_stmt_take_write(struct weir_catalog *c, enum weir_stmt_slot slot, const char *sql,
                         struct weir_stmt *out, struct weir_err *err);

void weir_stmt_bind_int(struct weir_stmt *q, int64_t value);
void weir_stmt_bind_uint(struct weir_stmt *q, uint64_t value);
void weir_stmt_bind_blob(struct weir_stmt *q, const void *data, size_t bytes);
void weir_stmt_bind_text(struct weir_stmt *q, const char *text);           /* NULL binds NULL */
void weir_stmt_bind_stat(struct weir_stmt *q, const struct weir_stat *st); /* size, stat */

/* 1: a row is there; 0: no more rows, released; -1: error, released.  @doing: for the message.
 */
int weir_stmt_step(struct weir_stmt *q, const char *doing, struct weir_err *err);
/* Runs a statement without rows to its end and releases it. */
int weir_stmt_run(struct weir_stmt *q, const char *doing, struct weir_err *err);
void weir_stmt_release(struct weir_stmt *q);

/* Columns from the left; pointers are valid until the next step or release. */
int64_t weir_stmt_int(struct weir_stmt *q);
uint64_t weir_stmt_uint(struct weir_stmt *q);
const char *weir_stmt_text(struct weir_stmt *q); /* "" for NULL */
const void *weir_stmt_blob(struct weir_stmt *q, size_t *out_bytes);
int weir_stmt_stat(struct weir_stmt *q, struct weir_stat *out); /* size, stat; -1: malformed */

/* Turns an SQLite result code into an error that names the file and says what to do. */
int weir_stmt_fail(struct weir_catalog *c, int rc, const char *doing, struct weir_err *err);
/* The same for a file whose content cannot be right. */
int weir_stmt_damaged(struct weir_catalog *c, const char *what, struct weir_err *err);

#endif
