#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_impl.h"

#define ENTRY_VALUES                                                                           \
    "entry (dir, name, type, proof, size, stat, xxh128, crc64nvme, part_bytes, chunk_bytes,"   \
    " etag, version, gone_ns, doubt, moved, ino)"                                              \
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

int
weir_catalog_rows_begin(struct weir_catalog *c, int64_t dir_id, struct weir_err *err)
{
    weir_catalog_rows_end(c);
    if (weir_stmt_take(c, WEIR_STMT_ROWS,
                       "SELECT " WEIR_ENTRY_COLUMNS " FROM entry WHERE dir = ? ORDER BY name",
                       &c->rows, err) != 0)
        return -1;
    weir_stmt_bind_int(&c->rows, dir_id);
    return 0;
}

bool
weir_rows_read(struct weir_catalog *c)
{
    struct weir_stmt *q = &c->rows;
    struct weir_catalog_entry *row = &c->row;
    row->name = weir_stmt_blob(q, &row->name_len);
    int64_t type = weir_stmt_int(q), proof = weir_stmt_int(q);
    int stat_rc = weir_stmt_stat(q, &row->st);
    size_t digest_bytes = 0;
    const void *digest = weir_stmt_blob(q, &digest_bytes);
    bool named = row->name_len > 0 || type == WEIR_ENTRY_DIR; /* "" is the directory itself */
    if (!named || type < 0 || type > WEIR_ENTRY_BLOCK || proof < WEIR_PROOF_UPLOADED ||
        proof > WEIR_PROOF_ADOPTED || stat_rc != 0 || digest_bytes != sizeof(row->xxh128))
        return false;
    row->type = (uint8_t)type;
    row->proof = (uint8_t)proof;
    memcpy(&row->xxh128, digest, sizeof(row->xxh128));
    row->crc64nvme = weir_stmt_uint(q);
    row->part_bytes = weir_stmt_uint(q);
    row->chunk_bytes = weir_stmt_uint(q);
    row->etag = weir_stmt_text(q);
    row->version = weir_stmt_text(q);
    row->gone_ns = weir_stmt_int(q);
    row->doubt = weir_stmt_int(q) != 0;
    row->moved = weir_stmt_int(q) != 0;
    return true;
}

int
weir_catalog_rows_next(struct weir_catalog *c, const struct weir_catalog_entry **out_row,
                       struct weir_err *err)
{
    *out_row = NULL;
    if (c->rows.s == NULL)
        return 0;
    int got = weir_stmt_step(&c->rows, "read a directory's rows", err);
    if (got <= 0)
        return got;
    if (!weir_rows_read(c)) {
        weir_catalog_rows_end(c);
        return weir_stmt_damaged(c, "row of an entry", err);
    }
    *out_row = &c->row;
    return 0;
}

void
weir_catalog_rows_end(struct weir_catalog *c)
{
    weir_stmt_release(&c->rows);
}

static int
run_entry(struct weir_stmt *q, int64_t dir_id, const struct weir_catalog_entry *row,
          struct weir_err *err)
{
    weir_stmt_bind_int(q, dir_id);
    weir_stmt_bind_blob(q, row->name, row->name_len);
    weir_stmt_bind_int(q, row->type);
    weir_stmt_bind_int(q, row->proof);
    weir_stmt_bind_stat(q, &row->st);
    weir_stmt_bind_blob(q, &row->xxh128, sizeof(row->xxh128));
    weir_stmt_bind_uint(q, row->crc64nvme);
    weir_stmt_bind_uint(q, row->part_bytes);
    weir_stmt_bind_uint(q, row->chunk_bytes);
    weir_stmt_bind_text(q, row->etag);
    weir_stmt_bind_text(q, row->version);
    weir_stmt_bind_int(q, row->gone_ns);
    weir_stmt_bind_int(q, row->doubt);
    weir_stmt_bind_int(q, row->moved);
    weir_stmt_bind_uint(q, row->st.ino);
    return weir_stmt_run(q, "write an entry", err);
}

int
weir_rows_remove_chunks(struct weir_catalog *c, int64_t dir_id, const char *name,
                        size_t name_len, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_CHUNKS_REMOVE,
                             "DELETE FROM chunks WHERE dir = ? AND name = ?", &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, dir_id);
    weir_stmt_bind_blob(&q, name, name_len);
    return weir_stmt_run(&q, "remove digests", err);
}

static int
put_chunks(struct weir_catalog *c, int64_t dir_id, const struct weir_catalog_entry *row,
           const struct weir_xxh128 *chunks, size_t count, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(
            c, WEIR_STMT_CHUNKS_PUT,
            "INSERT INTO chunks (dir, name, digests) VALUES (?, ?, ?)"
            " ON CONFLICT (dir, name) DO UPDATE SET digests = excluded.digests",
            &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, dir_id);
    weir_stmt_bind_blob(&q, row->name, row->name_len);
    weir_stmt_bind_blob(&q, chunks, count * sizeof(*chunks));
    return weir_stmt_run(&q, "write digests", err);
}

/* A new row, the common case while seeding, is one insert.  Only a row that was there before
 * can have left digests behind. */
int
weir_catalog_entry_put(struct weir_catalog *c, int64_t dir_id,
                       const struct weir_catalog_entry *row, const struct weir_xxh128 *chunks,
                       size_t chunk_count, struct weir_err *err)
{
    bool keep = chunks != NULL && chunk_count > 1;
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_ENTRY_INSERT, "INSERT OR IGNORE INTO " ENTRY_VALUES,
                             &q, err) != 0 ||
        run_entry(&q, dir_id, row, err) != 0)
        return -1;
    if (sqlite3_changes(c->db) == 0) {
        if (weir_stmt_take_write(c, WEIR_STMT_ENTRY_REPLACE,
                                 "INSERT OR REPLACE INTO " ENTRY_VALUES, &q, err) != 0 ||
            run_entry(&q, dir_id, row, err) != 0)
            return -1;
        if (!keep && weir_rows_remove_chunks(c, dir_id, row->name, row->name_len, err) != 0)
            return -1;
    }
    return keep ? put_chunks(c, dir_id, row, chunks, chunk_count, err) : 0;
}

int
weir_catalog_chunks_get(struct weir_catalog *c, int64_t dir_id, const char *name,
                        size_t name_len, struct weir_xxh128 **out_chunks, size_t *out_count,
                        struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_CHUNKS_GET,
                       "SELECT digests FROM chunks WHERE dir = ? AND name = ?", &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, dir_id);
    weir_stmt_bind_blob(&q, name, name_len);
    int got = weir_stmt_step(&q, "read digests", err);
    if (got < 0)
        return -1;
    if (got == 0) {
        *out_chunks = NULL;
        *out_count = 0;
        return 0;
    }
    size_t bytes = 0;
    const void *data = weir_stmt_blob(&q, &bytes);
    struct weir_xxh128 *copy = NULL;
    if (bytes == 0 || bytes % sizeof(*copy) != 0) {
        weir_stmt_damaged(c, "digests of chunks", err);
    } else if ((copy = malloc(bytes)) == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "digests of %zu chunks", bytes / sizeof(*copy));
    } else {
        memcpy(copy, data, bytes);
        *out_chunks = copy;
        *out_count = bytes / sizeof(*copy);
    }
    weir_stmt_release(&q);
    return copy != NULL ? 0 : -1;
}

/* Adding up in C: SQL would see a size of 2^63 or more as negative, and fail when it overflows.
 */
int
weir_catalog_totals(struct weir_catalog *c, uint64_t *out_entries, uint64_t *out_bytes,
                    struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_TOTALS, "SELECT size FROM entry WHERE gone_ns = 0", &q,
                       err) != 0)
        return -1;
    uint64_t entries = 0, bytes = 0;
    int got;
    while ((got = weir_stmt_step(&q, "add up the entries", err)) == 1) {
        uint64_t size = weir_stmt_uint(&q);
        entries++;
        bytes = size > UINT64_MAX - bytes ? UINT64_MAX : bytes + size;
    }
    if (got < 0)
        return -1;
    *out_entries = entries;
    *out_bytes = bytes;
    return 0;
}
