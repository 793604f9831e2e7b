#include <string.h>

#include "catalog/catalog_impl.h"

int
weir_catalog_part_put(struct weir_catalog *c, int64_t upload, const struct weir_part *part,
                      const struct weir_xxh128 *chunks, size_t chunk_count,
                      struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_PART_PUT,
                             "INSERT OR REPLACE INTO part (upload, number, bytes, etag,"
                             " has_crc64nvme, crc64nvme, chunks) VALUES (?, ?, ?, ?, ?, ?, ?)",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, upload);
    weir_stmt_bind_int(&q, part->number);
    weir_stmt_bind_uint(&q, part->bytes);
    weir_stmt_bind_text(&q, part->etag);
    weir_stmt_bind_int(&q, part->has_crc64nvme);
    weir_stmt_bind_uint(&q, part->crc64nvme);
    weir_stmt_bind_blob(&q, chunks, chunk_count * sizeof(*chunks));
    return weir_stmt_run(&q, "write a part", err);
}

/* False when it cannot be a part that weir wrote. */
static bool
read_part(struct weir_stmt *q, struct weir_part *part, const void **out_chunks,
          size_t *out_count)
{
    int64_t number = weir_stmt_int(q);
    part->bytes = weir_stmt_uint(q);
    const char *etag = weir_stmt_text(q);
    part->has_crc64nvme = weir_stmt_int(q) != 0;
    part->crc64nvme = weir_stmt_uint(q);
    size_t bytes = 0, length = strlen(etag);
    *out_chunks = weir_stmt_blob(q, &bytes);
    *out_count = bytes / sizeof(struct weir_xxh128);
    if (number < 1 || number > UINT32_MAX || length >= sizeof(part->etag) ||
        bytes % sizeof(struct weir_xxh128) != 0)
        return false;
    part->number = (uint32_t)number;
    memcpy(part->etag, etag, length + 1);
    return true;
}

int
weir_catalog_part_each(struct weir_catalog *c, int64_t upload, weir_catalog_part_fn *fn,
                       void *ctx, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_PART_EACH,
                       "SELECT number, bytes, etag, has_crc64nvme, crc64nvme, chunks FROM part"
                       " WHERE upload = ? ORDER BY number",
                       &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, upload);
    int got;
    while ((got = weir_stmt_step(&q, "list the parts", err)) == 1) {
        struct weir_part part = {0};
        const void *chunks = NULL;
        size_t count = 0;
        if (!read_part(&q, &part, &chunks, &count)) {
            weir_stmt_release(&q);
            return weir_stmt_damaged(c, "row of a part", err);
        }
        if (fn(ctx, &part, chunks, count) != 0)
            break;
    }
    weir_stmt_release(&q);
    return got < 0 ? -1 : 0;
}
