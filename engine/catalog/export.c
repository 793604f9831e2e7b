/* export -- the catalog as lines. */
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "catalog/catalog_impl.h"
#include "catalog/exchange.h"

const char *const weir_exchange_types[WEIR_EXCHANGE_TYPES] = {
    [WEIR_ENTRY_UNKNOWN] = "unknown",  [WEIR_ENTRY_FILE] = "file",
    [WEIR_ENTRY_DIR] = "directory",    [WEIR_ENTRY_SYMLINK] = "symlink",
    [WEIR_ENTRY_FIFO] = "fifo",        [WEIR_ENTRY_SOCKET] = "socket",
    [WEIR_ENTRY_CHAR] = "char-device", [WEIR_ENTRY_BLOCK] = "block-device",
};
const char *const weir_exchange_proofs[WEIR_EXCHANGE_PROOFS] = {
    [WEIR_PROOF_UPLOADED] = "uploaded",
    [WEIR_PROOF_VERIFIED] = "verified",
    [WEIR_PROOF_ADOPTED] = "adopted",
};

struct out {
    struct weir_catalog *c;
    weir_exchange_out_fn *fn;
    void *ctx;
    struct weir_buf line;
    uint64_t crc; /* of all lines so far, with their newlines */
    uint64_t facts, dirs, entries, digests;
};

/* ---- fields: each writes a comma before itself, but for the first of a line ---- */

static void
key(struct weir_buf *b, const char *name)
{
    weir_buf_text(b, b->len == 0 ? "{\"" : ",\"");
    weir_buf_text(b, name);
}

static void
put_u64(struct weir_buf *b, const char *name, uint64_t value)
{
    const char *quote = value > WEIR_EXCHANGE_NUMBER_MAX ? "\"" : "";
    key(b, name);
    weir_buf_text(b, "\":");
    weir_buf_text(b, quote);
    weir_buf_u64(b, value);
    weir_buf_text(b, quote);
}

static void
put_i64_value(struct weir_buf *b, int64_t value)
{
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    const char *quote = size > WEIR_EXCHANGE_NUMBER_MAX ? "\"" : "";
    weir_buf_text(b, quote);
    weir_buf_text(b, value < 0 ? "-" : "");
    weir_buf_u64(b, size);
    weir_buf_text(b, quote);
}

static void
put_i64(struct weir_buf *b, const char *name, int64_t value)
{
    key(b, name);
    weir_buf_text(b, "\":");
    put_i64_value(b, value);
}

static void
put_time(struct weir_buf *b, const char *name, const struct weir_time *t)
{
    key(b, name);
    weir_buf_text(b, "\":[");
    put_i64_value(b, t->s);
    weir_buf_text(b, ",");
    weir_buf_u64(b, t->ns);
    weir_buf_text(b, "]");
}

static void
put_base64(struct weir_buf *b, const char *name, const void *data, size_t bytes)
{
    key(b, name);
    weir_buf_text(b, "\":\"");
    weir_buf_base64(b, data, bytes);
    weir_buf_text(b, "\"");
}

/* Bytes as text, or as NAME_b64 where they are not UTF-8. */
static void
put_bytes(struct weir_buf *b, const char *name, const char *data, size_t bytes)
{
    key(b, name);
    if (weir_utf8_valid(data, bytes)) {
        weir_buf_text(b, "\":");
        weir_buf_json(b, data, bytes);
    } else {
        weir_buf_text(b, "_b64\":\"");
        weir_buf_base64(b, data, bytes);
        weir_buf_text(b, "\"");
    }
}

static void
put_text(struct weir_buf *b, const char *name, const char *text)
{
    put_bytes(b, name, text, strlen(text));
}

static void
put_digest(struct weir_buf *b, const char *name, const struct weir_xxh128 *digest)
{
    key(b, name);
    weir_buf_text(b, "\":\"");
    weir_buf_hex(b, digest->b, sizeof(digest->b));
    weir_buf_text(b, "\"");
}

static void
put_true(struct weir_buf *b, const char *name, bool value)
{
    if (!value)
        return;
    key(b, name);
    weir_buf_text(b, "\":true");
}

/* ---- lines ---- */

static int
emit(struct out *o, struct weir_err *err)
{
    struct weir_buf *b = &o->line;
    weir_buf_text(b, "}");
    if (b->failed)
        return weir_err_set(err, WEIR_E_NOMEM, "a line of the export");
    if (b->len > WEIR_EXCHANGE_LINE_BYTES)
        return weir_err_set(err, WEIR_E_LIMIT,
                            "a line of the export would have %zu bytes, more than %zu: %.128s",
                            b->len, WEIR_EXCHANGE_LINE_BYTES, b->data);
    o->crc = weir_crc64nvme(weir_crc64nvme(o->crc, b->data, b->len), "\n", 1);
    if (o->fn(o->ctx, b->data, b->len) != 0) {
        weir_err_set(err, WEIR_E_IO, "the export could not be written");
        if (err != NULL)
            err->scope = WEIR_SCOPE_RUN;
        return -1;
    }
    weir_buf_clear(b);
    return 0;
}

static int
write_header(struct out *o, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(o->c, WEIR_STMT_PASS_NUMBER,
                       "SELECT seq FROM sqlite_sequence WHERE name = 'pass'", &q, err) != 0)
        return -1;
    int got = weir_stmt_step(&q, "look for the last pass", err);
    if (got < 0)
        return -1;
    int64_t passes = got == 1 ? weir_stmt_int(&q) : 0;
    weir_stmt_release(&q);
    put_u64(&o->line, "weir_catalog", WEIR_EXCHANGE_VERSION);
    put_text(&o->line, "weir", WEIR_VERSION);
    put_i64(&o->line, "passes", passes);
    return emit(o, err);
}

static int
write_facts(struct out *o, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(o->c, WEIR_STMT_FACT_EACH, "SELECT name, value FROM fact ORDER BY name",
                       &q, err) != 0)
        return -1;
    int got;
    while ((got = weir_stmt_step(&q, "read the facts", err)) == 1) {
        const char *name = weir_stmt_text(&q);
        if (strncmp(name, WEIR_EXCHANGE_LOCAL_FACT, strlen(WEIR_EXCHANGE_LOCAL_FACT)) == 0)
            continue;
        put_text(&o->line, "fact", name);
        put_text(&o->line, "value", weir_stmt_text(&q));
        if (emit(o, err) != 0) {
            weir_stmt_release(&q);
            return -1;
        }
        o->facts++;
    }
    return got;
}

static void
put_stat(struct weir_buf *b, const struct weir_stat *st)
{
    put_u64(b, "size", st->size);
    put_time(b, "mtime", &st->mtime);
    put_time(b, "ctime", &st->ctime);
    put_time(b, "atime", &st->atime);
    put_u64(b, "mode", st->mode);
    put_u64(b, "uid", st->uid);
    put_u64(b, "gid", st->gid);
    put_u64(b, "nlink", st->nlink);
    put_u64(b, "dev", st->dev);
    put_u64(b, "ino", st->ino);
    put_u64(b, "blocks", st->blocks);
}

static void
put_entry(struct weir_buf *b, const struct weir_catalog_entry *row, size_t chunks)
{
    char crc[13];
    put_bytes(b, "name", row->name, row->name_len);
    put_text(b, "type", weir_exchange_types[row->type]);
    put_text(b, "proof", weir_exchange_proofs[row->proof]);
    put_stat(b, &row->st);
    put_digest(b, "xxh128", &row->xxh128);
    weir_crc64nvme_base64(row->crc64nvme, crc);
    put_text(b, "crc64nvme", crc);
    if (row->part_bytes != 0)
        put_u64(b, "part_bytes", row->part_bytes);
    if (row->chunk_bytes != 0)
        put_u64(b, "chunk_bytes", row->chunk_bytes);
    if (row->etag[0] != '\0')
        put_text(b, "etag", row->etag);
    if (row->version[0] != '\0')
        put_text(b, "version", row->version);
    if (row->gone_ns != 0)
        put_i64(b, "gone_ns", row->gone_ns);
    put_true(b, "doubt", row->doubt);
    put_true(b, "moved", row->moved);
    if (chunks != 0)
        put_u64(b, "chunks", chunks);
}

static int
write_digests(struct out *o, const uint8_t *data, size_t count, struct weir_err *err)
{
    for (size_t done = 0; done < count;) {
        size_t some = count - done;
        if (some > WEIR_EXCHANGE_LINE_DIGESTS)
            some = WEIR_EXCHANGE_LINE_DIGESTS;
        put_base64(&o->line, "digests", data + done * sizeof(struct weir_xxh128),
                   some * sizeof(struct weir_xxh128));
        if (emit(o, err) != 0)
            return -1;
        done += some;
    }
    o->digests += count;
    return 0;
}

/* The row that c->rows is at. */
static int
write_entry(struct out *o, struct weir_err *err)
{
    size_t bytes = 0;
    if (!weir_rows_read(o->c))
        return weir_stmt_damaged(o->c, "row of an entry", err);
    const uint8_t *digests = weir_stmt_blob(&o->c->rows, &bytes);
    if (bytes % sizeof(struct weir_xxh128) != 0)
        return weir_stmt_damaged(o->c, "digests of chunks", err);
    size_t chunks = bytes / sizeof(struct weir_xxh128);
    put_entry(&o->line, &o->c->row, chunks);
    o->entries++;
    return emit(o, err) != 0 ? -1 : write_digests(o, digests, chunks, err);
}

static int
write_entries(struct out *o, int64_t dir_id, struct weir_err *err)
{
    struct weir_catalog *c = o->c;
    weir_catalog_rows_end(c);
    if (weir_stmt_take(c, WEIR_STMT_ROWS_DIGESTS,
                       "SELECT " WEIR_ENTRY_COLUMNS ", chunks.digests FROM entry"
                       " LEFT JOIN chunks ON chunks.dir = entry.dir"
                       " AND chunks.name = entry.name"
                       " WHERE entry.dir = ? ORDER BY entry.name",
                       &c->rows, err) != 0)
        return -1;
    weir_stmt_bind_int(&c->rows, dir_id);
    int got;
    while ((got = weir_stmt_step(&c->rows, "read a directory's rows", err)) == 1)
        if (write_entry(o, err) != 0) {
            weir_catalog_rows_end(c);
            return -1;
        }
    return got;
}

/* A row of WEIR_STMT_DIR_EACH. */
static int
write_dir(struct out *o, struct weir_stmt *q, struct weir_err *err)
{
    size_t path_len = 0;
    struct weir_catalog_dir dir;
    const char *path = weir_stmt_blob(q, &path_len);
    put_bytes(&o->line, "dir", path, path_len);
    if (weir_dirs_read(q, &dir, err) != 0)
        return -1;
    put_true(&o->line, "sealed", dir.sealed);
    put_true(&o->line, "opened", dir.opened);
    put_true(&o->line, "mounted", dir.mounted);
    put_digest(&o->line, "stat_digest", &dir.stat_digest);
    put_u64(&o->line, "entries", dir.entries);
    put_u64(&o->line, "bytes", dir.bytes);
    o->dirs++;
    return emit(o, err) != 0 ? -1 : write_entries(o, dir.id, err);
}

static int
write_dirs(struct out *o, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(o->c, WEIR_STMT_DIR_EACH,
                       "SELECT path, " WEIR_DIR_COLUMNS " FROM dir ORDER BY path", &q,
                       err) != 0)
        return -1;
    int got;
    while ((got = weir_stmt_step(&q, "read the directories", err)) == 1)
        if (write_dir(o, &q, err) != 0) {
            weir_stmt_release(&q);
            return -1;
        }
    return got;
}

static int
write_summary(struct out *o, struct weir_err *err)
{
    char crc[13];
    weir_crc64nvme_base64(o->crc, crc);
    weir_buf_printf(&o->line,
                    "{\"summary\":{\"facts\":%" PRIu64 ",\"directories\":%" PRIu64
                    ",\"entries\":%" PRIu64 ",\"digests\":%" PRIu64 ",\"crc64nvme\":\"%s\"}",
                    o->facts, o->dirs, o->entries, o->digests, crc);
    return emit(o, err);
}

int
weir_catalog_export(struct weir_catalog *c, weir_exchange_out_fn *fn, void *ctx,
                    struct weir_err *err)
{
    struct out o = {.c = c, .fn = fn, .ctx = ctx};
    bool own = sqlite3_get_autocommit(c->db) != 0; /* all lines from one state */
    if (own) {
        int begun = sqlite3_exec(c->db, "BEGIN", NULL, NULL, NULL);
        if (begun != SQLITE_OK)
            return weir_stmt_fail(c, begun, "begin to read it", err);
    }
    int rc = write_header(&o, err);
    if (rc == 0)
        rc = write_facts(&o, err);
    if (rc == 0)
        rc = write_dirs(&o, err);
    if (rc == 0)
        rc = write_summary(&o, err);
    if (own && !sqlite3_get_autocommit(c->db))
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
    weir_buf_fini(&o.line);
    return rc;
}
