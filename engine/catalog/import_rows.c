/* import_rows -- directories and entries of an import. */
#include <string.h>

#include "catalog/import.h"

#define CHUNKS_MAX (1u << 20) /* a file of 1 TiB; larger ones have a chunk for each part */

/* ---- directories ---- */

static bool
is_name(const char *name, size_t len)
{
    bool dots = (len == 1 || len == 2) && memcmp(name, "..", len) == 0;
    return len > 0 && !dots && memchr(name, '/', len) == NULL;
}

/* Relative to the root, which is "". */
static bool
is_path(const char *path, size_t len)
{
    if (len == 0)
        return true;
    const char *end = path + len;
    for (const char *slash; (slash = memchr(path, '/', (size_t)(end - path))) != NULL;) {
        if (!is_name(path, (size_t)(slash - path)))
            return false;
        path = slash + 1;
    }
    return is_name(path, (size_t)(end - path));
}

static int
put_dir(struct weir_import *m, const char *path, size_t len, struct weir_catalog_dir *dir,
        struct weir_err *err)
{
    int64_t again;
    if (weir_catalog_dir_open(m->c, path, len, &dir->id, err) != 0 ||
        weir_catalog_dir_close(m->c, dir, err) != 0)
        return -1;
    m->dir_id = dir->id;
    m->named = false;
    m->dirs++;
    return dir->opened ? weir_catalog_dir_open(m->c, path, len, &again, err) : 0;
}

int
weir_import_dir(struct weir_import *m, struct weir_fields *f, struct weir_err *err)
{
    size_t len;
    const char *path = weir_fields_bytes(f, "dir", &len);
    struct weir_catalog_dir dir = {.sealed = weir_fields_true(f, "sealed"),
                                   .opened = weir_fields_true(f, "opened"),
                                   .mounted = weir_fields_true(f, "mounted"),
                                   .entries = weir_fields_u64(f, "entries", UINT64_MAX),
                                   .bytes = weir_fields_u64(f, "bytes", UINT64_MAX)};
    weir_fields_digest(f, "stat_digest", &dir.stat_digest);
    if (weir_import_end(m, f, err) != 0)
        return -1;
    if (m->has != WEIR_HAS_ALL)
        return weir_import_wrong(m, err, "the facts before it do not say whose catalog it is");
    if (!is_path(path, len))
        return weir_import_wrong(m, err, "this is not the path of a directory");
    if (dir.sealed && dir.opened)
        return weir_import_wrong(m, err, "a directory is either sealed or opened");
    int rc = weir_import_follow(&m->last_dir, m->dirs == 0, path, len, err);
    if (rc <= 0)
        return rc < 0 ? -1 : weir_import_wrong(m, err, "the directories are not in order");
    return put_dir(m, path, len, &dir, err);
}

/* ---- entries ---- */

static void
read_stat(struct weir_fields *f, struct weir_stat *st)
{
    *st = (struct weir_stat){.size = weir_fields_u64(f, "size", UINT64_MAX),
                             .mtime = weir_fields_time(f, "mtime"),
                             .ctime = weir_fields_time(f, "ctime"),
                             .atime = weir_fields_time(f, "atime"),
                             .mode = (uint32_t)weir_fields_u64(f, "mode", UINT32_MAX),
                             .uid = (uint32_t)weir_fields_u64(f, "uid", UINT32_MAX),
                             .gid = (uint32_t)weir_fields_u64(f, "gid", UINT32_MAX),
                             .nlink = (uint32_t)weir_fields_u64(f, "nlink", UINT32_MAX),
                             .dev = weir_fields_u64(f, "dev", UINT64_MAX),
                             .ino = weir_fields_u64(f, "ino", UINT64_MAX),
                             .blocks = weir_fields_u64(f, "blocks", UINT64_MAX)};
}

static void
read_row(struct weir_fields *f, struct weir_catalog_entry *row)
{
    row->name = weir_fields_bytes(f, "name", &row->name_len);
    row->type = weir_fields_choice(f, "type", weir_exchange_types, WEIR_EXCHANGE_TYPES);
    row->proof = weir_fields_choice(f, "proof", weir_exchange_proofs, WEIR_EXCHANGE_PROOFS);
    read_stat(f, &row->st);
    weir_fields_digest(f, "xxh128", &row->xxh128);
    row->crc64nvme = weir_fields_crc64nvme(f, "crc64nvme");
    row->part_bytes = weir_fields_u64_or_0(f, "part_bytes", UINT64_MAX);
    row->chunk_bytes = weir_fields_u64_or_0(f, "chunk_bytes", UINT64_MAX);
    row->etag = weir_fields_text_or_empty(f, "etag");
    row->version = weir_fields_text_or_empty(f, "version");
    row->gone_ns = (int64_t)weir_fields_u64_or_0(f, "gone_ns", INT64_MAX);
    row->doubt = weir_fields_true(f, "doubt");
    row->moved = weir_fields_true(f, "moved");
}

/* Either none, or one for each chunk of a file that has several. */
static bool
is_chunk_count(const struct weir_catalog_entry *row, uint64_t count)
{
    if (count == 0)
        return true;
    uint64_t size = row->st.size, grain = row->chunk_bytes;
    return count > 1 && grain > 0 && count == size / grain + (size % grain != 0);
}

/* The entry is complete. */
static int
put_entry(struct weir_import *m, struct weir_err *err)
{
    const struct weir_xxh128 *chunks = (const void *)m->chunk_data.data;
    int rc = weir_catalog_entry_put(m->c, m->dir_id, &m->row, m->chunks > 0 ? chunks : NULL,
                                    m->chunks, err);
    json_decref(m->waiting);
    m->waiting = NULL;
    weir_buf_clear(&m->chunk_data);
    m->entries++;
    m->digests += m->chunks;
    return rc;
}

int
weir_import_entry(struct weir_import *m, struct weir_fields *f, struct weir_err *err)
{
    struct weir_catalog_entry *row = &m->row;
    read_row(f, row);
    m->chunks = (size_t)weir_fields_u64_or_0(f, "chunks", CHUNKS_MAX);
    if (weir_import_end(m, f, err) != 0)
        return -1;
    if (m->dirs == 0)
        return weir_import_wrong(m, err, "an entry before the first directory");
    if (row->name_len == 0 ? row->type != WEIR_ENTRY_DIR : !is_name(row->name, row->name_len))
        return weir_import_wrong(m, err, "this is not the name of an entry");
    if (strlen(row->etag) >= WEIR_ETAG_BYTES || strlen(row->version) >= WEIR_VERSION_BYTES)
        return weir_import_wrong(m, err, "no store gives an ETag or a version that long");
    if (!is_chunk_count(row, m->chunks))
        return weir_import_wrong(m, err, "the size of the file tells another number of chunks");
    int rc = weir_import_follow(&m->last_name, !m->named, row->name, row->name_len, err);
    if (rc <= 0)
        return rc < 0 ? -1 : weir_import_wrong(m, err, "the entries are not in order");
    m->named = true;
    m->waiting = json_incref(f->object);
    return m->chunks == 0 ? put_entry(m, err) : 0;
}

int
weir_import_digests(struct weir_import *m, struct weir_fields *f, struct weir_err *err)
{
    size_t bytes, want = m->chunks * sizeof(struct weir_xxh128);
    const void *data = weir_fields_base64(f, "digests", &bytes);
    if (weir_import_end(m, f, err) != 0)
        return -1;
    if (m->waiting == NULL)
        return weir_import_wrong(m, err, "digests without their entry");
    if (bytes == 0 || bytes % sizeof(struct weir_xxh128) != 0 ||
        bytes > want - m->chunk_data.len)
        return weir_import_wrong(m, err, "more digests than the entry has, or less than one");
    weir_buf_bytes(&m->chunk_data, data, bytes);
    if (m->chunk_data.failed)
        return weir_err_set(err, WEIR_E_NOMEM, "digests of %zu chunks", m->chunks);
    return m->chunk_data.len == want ? put_entry(m, err) : 0;
}
