/* export -- the catalog as lines of NDJSON. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "catalog/catalog_impl.h"
#include "catalog/exchange.h"

struct exporter {
    struct weir_catalog *c;
    weir_exchange_out_fn *fn;
    void *ctx;
    struct weir_buf line;
    uint64_t facts, dirs, entries;
};

static int
put_line(struct exporter *x, struct weir_err *err)
{
    if (x->line.failed)
        return weir_err_set(err, WEIR_E_NOMEM, "line of the export");
    int rc = x->fn(x->ctx, x->line.data, x->line.len);
    weir_buf_clear(&x->line);
    return rc == 0 ? 0 : weir_err_set(err, WEIR_E_IO, "the export could not be written");
}

/* "name":"..." or, where that is no text, "name_b64":"...". */
static void
text_field(struct weir_buf *b, const char *name, const char *bytes, size_t len)
{
    bool text = weir_utf8_valid(bytes, len);
    weir_buf_printf(b, "\"%s%s\":", name, text ? "" : "_b64");
    if (text) {
        weir_buf_json(b, bytes, len);
        return;
    }
    weir_buf_text(b, "\"");
    weir_buf_base64(b, bytes, len);
    weir_buf_text(b, "\"");
}

/* As an int64_t with the same bits, as SQLite and jansson keep it. */
static void
number(struct weir_buf *b, const char *name, uint64_t value)
{
    weir_buf_printf(b, ",\"%s\":%lld", name, (long long)(int64_t)value);
}

static void
digest_field(struct weir_buf *b, const char *name, const struct weir_xxh128 *digest)
{
    weir_buf_printf(b, ",\"%s\":\"", name);
    weir_buf_hex(b, digest->b, sizeof(digest->b));
    weir_buf_text(b, "\"");
}

static void
time_field(struct weir_buf *b, const char *name, const struct weir_time *t)
{
    weir_buf_printf(b, ",\"%s\":[%lld,%u]", name, (long long)t->s, t->ns);
}

static void
stat_fields(struct weir_buf *b, const struct weir_stat *st)
{
    number(b, "size", st->size);
    number(b, "dev", st->dev);
    number(b, "ino", st->ino);
    number(b, "blocks", st->blocks);
    time_field(b, "mtime", &st->mtime);
    time_field(b, "ctime", &st->ctime);
    time_field(b, "atime", &st->atime);
    number(b, "mode", st->mode);
    number(b, "uid", st->uid);
    number(b, "gid", st->gid);
    number(b, "nlink", st->nlink);
}

static int
put_facts(struct exporter *x, struct weir_err *err)
{
    struct weir_stmt q;
    int got;
    if (weir_stmt_take(x->c, WEIR_STMT_FACT_EACH, "SELECT name, value FROM fact ORDER BY name",
                       &q, err) != 0)
        return -1;
    while ((got = weir_stmt_step(&q, "read the facts", err)) == 1) {
        const char *name = weir_stmt_text(&q), *value = weir_stmt_text(&q);
        weir_buf_text(&x->line, "{");
        text_field(&x->line, "fact", name, strlen(name));
        weir_buf_text(&x->line, ",");
        text_field(&x->line, "value", value, strlen(value));
        weir_buf_text(&x->line, "}");
        x->facts++;
        if (put_line(x, err) != 0) {
            weir_stmt_release(&q);
            return -1;
        }
    }
    return got;
}

static int
chunks_field(struct exporter *x, int64_t dir, const struct weir_catalog_entry *row,
             struct weir_err *err)
{
    struct weir_xxh128 *chunks = NULL;
    size_t count = 0;
    if (weir_catalog_chunks_get(x->c, dir, row->name, row->name_len, &chunks, &count, err) != 0)
        return -1;
    if (count > 0) {
        weir_buf_text(&x->line, ",\"chunks\":\"");
        weir_buf_base64(&x->line, chunks, count * sizeof(*chunks));
        weir_buf_text(&x->line, "\"");
    }
    free(chunks);
    return 0;
}

static int
put_entry(struct exporter *x, int64_t dir, const struct weir_catalog_entry *row,
          struct weir_err *err)
{
    struct weir_buf *b = &x->line;
    weir_buf_text(b, "{");
    text_field(b, "name", row->name, row->name_len);
    number(b, "type", row->type);
    number(b, "proof", row->proof);
    stat_fields(b, &row->st);
    digest_field(b, "xxh128", &row->xxh128);
    number(b, "crc64nvme", row->crc64nvme);
    number(b, "part_bytes", row->part_bytes);
    number(b, "chunk_bytes", row->chunk_bytes);
    weir_buf_text(b, ",");
    text_field(b, "etag", row->etag, strlen(row->etag));
    weir_buf_text(b, ",");
    text_field(b, "version", row->version, strlen(row->version));
    number(b, "gone_ns", (uint64_t)row->gone_ns);
    if (row->st.size > row->chunk_bytes && chunks_field(x, dir, row, err) != 0)
        return -1;
    weir_buf_text(b, "}");
    x->entries++;
    return put_line(x, err);
}

static int
put_dir(struct exporter *x, const struct weir_catalog_dir *d, const char *path, size_t len,
        struct weir_err *err)
{
    struct weir_buf *b = &x->line;
    const struct weir_catalog_entry *row;
    weir_buf_text(b, "{");
    text_field(b, "dir", path, len);
    weir_buf_printf(b, ",\"sealed\":%s,\"opened\":%s,\"mounted\":%s",
                    d->sealed ? "true" : "false", d->opened ? "true" : "false",
                    d->mounted ? "true" : "false");
    digest_field(b, "stat_digest", &d->stat_digest);
    number(b, "entries", d->entries);
    number(b, "bytes", d->bytes);
    weir_buf_text(b, "}");
    x->dirs++;
    if (put_line(x, err) != 0 || weir_catalog_rows_begin(x->c, d->id, err) != 0)
        return -1;
    for (;;) {
        if (weir_catalog_rows_next(x->c, &row, err) != 0)
            return -1;
        if (row == NULL)
            return 0;
        if (put_entry(x, d->id, row, err) != 0) {
            weir_catalog_rows_end(x->c);
            return -1;
        }
    }
}

static int
put_dirs(struct exporter *x, struct weir_err *err)
{
    struct weir_stmt q;
    int got;
    if (weir_stmt_take(x->c, WEIR_STMT_DIR_EACH,
                       "SELECT " WEIR_DIR_COLUMNS ", path FROM dir ORDER BY path", &q,
                       err) != 0)
        return -1;
    while ((got = weir_stmt_step(&q, "read the directories", err)) == 1) {
        struct weir_catalog_dir d;
        size_t len = 0;
        int rc = weir_dirs_read(&q, &d, err);
        const char *path = weir_stmt_blob(&q, &len);
        if (rc != 0 || put_dir(x, &d, path, len, err) != 0) {
            weir_stmt_release(&q);
            return -1;
        }
    }
    return got;
}

int
weir_catalog_export(struct weir_catalog *c, weir_exchange_out_fn *fn, void *ctx,
                    struct weir_err *err)
{
    struct exporter x = {.c = c, .fn = fn, .ctx = ctx};
    weir_buf_printf(&x.line, "{\"weir_catalog\":%d}", WEIR_EXCHANGE_VERSION);
    int rc = put_line(&x, err);
    if (rc == 0)
        rc = put_facts(&x, err);
    if (rc == 0)
        rc = put_dirs(&x, err);
    if (rc == 0) {
        weir_buf_printf(&x.line,
                        "{\"summary\":{\"facts\":%llu,\"directories\":%llu,\"entries\":%llu}}",
                        (unsigned long long)x.facts, (unsigned long long)x.dirs,
                        (unsigned long long)x.entries);
        rc = put_line(&x, err);
    }
    weir_buf_fini(&x.line);
    return rc;
}
