/* catalog_impl -- the inside of a catalog, for the files of this folder and their tests. */
#ifndef WEIR_CATALOG_CATALOG_IMPL_H
#define WEIR_CATALOG_CATALOG_IMPL_H

#include "catalog/catalog.h"
#include "catalog/state_dir.h"
#include "catalog/stmt.h"

struct weir_catalog {
    char *path; /* owned; of catalog.db */
    struct weir_state_dir dir;
    sqlite3 *db;
    sqlite3_stmt *stmt[WEIR_STMT_SLOTS]; /* NULL until first used */
    bool in_transaction;                 /* between begin and commit, as the caller sees it */
    bool failed;   /* an error inside a transaction: it can only be rolled back, by closing */
    bool by_inode; /* find_inode has its index */
    char job_id[33];
    struct weir_stmt rows; /* the open range scan; rows.s == NULL: none */
    struct weir_catalog_entry row;
    char *upload_text; /* owned; strings of the last upload found */
};

#define WEIR_CATALOG_FILE "catalog.db"

/* ---- catalog.c ---- */
/* Undoes the open transaction; whatever failed in it, the catalog can be used again. */
void weir_catalog_roll_back(struct weir_catalog *c);

/* ---- dirs.c, for export.c ---- */
#define WEIR_DIR_COLUMNS "id, sealed, opened, mounted, entries, bytes, stat_digest"
int weir_dirs_read(struct weir_stmt *q, struct weir_catalog_dir *out, struct weir_err *err);

/* ---- rows.c, for gone.c ---- */
#define WEIR_ENTRY_COLUMNS                                                                     \
    "entry.name, entry.type, entry.proof, entry.size, entry.stat, entry.xxh128,"               \
    " entry.crc64nvme, entry.part_bytes, entry.chunk_bytes, entry.etag, entry.version,"        \
    " entry.gone_ns, entry.doubt, entry.moved"
/* Reads these columns of c->rows into c->row; false when it cannot be a row that weir wrote. */
bool weir_rows_read(struct weir_catalog *c);
int weir_rows_remove_chunks(struct weir_catalog *c, int64_t dir_id, const char *name,
                            size_t name_len, struct weir_err *err);

#endif
