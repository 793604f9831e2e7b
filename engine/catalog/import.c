/* import -- a catalog from lines of NDJSON.  Every byte is untrusted: what is not exactly a
 * line that export writes is refused with its number, and nothing of the import stays. */
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_impl.h"
#include "catalog/exchange.h"

#define LINE_BYTES_MAX ((size_t)64 << 20) /* the chunk digests of 3 TiB */

struct importer {
    struct weir_catalog *c;
    uint64_t line;
    struct weir_catalog_dir dir; /* whose entries come; id 0: none yet */
    bool header, summary;
    uint64_t facts, dirs, entries;
};

static int
wrong(const struct importer *m, const char *what, struct weir_err *err)
{
    return weir_err_set(err, WEIR_E_CONFIG, "line %llu of the import: %s",
                        (unsigned long long)m->line, what);
}

/* ---- values ---- */

static bool
get_number(const json_t *o, const char *name, uint64_t max, uint64_t *out)
{
    const json_t *v = json_object_get(o, name);
    *out = (uint64_t)json_integer_value(v);
    return json_is_integer(v) && *out <= max;
}

static bool
get_bool(const json_t *o, const char *name, bool *out)
{
    const json_t *v = json_object_get(o, name);
    *out = json_is_true(v);
    return json_is_boolean(v);
}

static bool
get_time(const json_t *o, const char *name, struct weir_time *out)
{
    const json_t *v = json_object_get(o, name);
    const json_t *s = json_array_get(v, 0), *ns = json_array_get(v, 1);
    if (json_array_size(v) != 2 || !json_is_integer(s) || !json_is_integer(ns) ||
        json_integer_value(ns) < 0 || json_integer_value(ns) > 999999999)
        return false;
    *out =
        (struct weir_time){.s = json_integer_value(s), .ns = (uint32_t)json_integer_value(ns)};
    return true;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
get_digest(const json_t *o, const char *name, struct weir_xxh128 *out)
{
    const char *text = json_string_value(json_object_get(o, name));
    if (text == NULL || strlen(text) != 2 * sizeof(out->b))
        return false;
    for (size_t i = 0; i < sizeof(out->b); i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out->b[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Base64 with padding, as it was written.  *out is malloc'ed. */
static bool
get_base64(const json_t *v, uint8_t **out, size_t *out_bytes)
{
    const char *text = json_string_value(v);
    size_t len = json_string_length(v);
    if (text == NULL || len % 4 != 0 || len > LINE_BYTES_MAX || memchr(text, '\0', len) != NULL)
        return false;
    uint8_t *data = malloc(len / 4 * 3 + 1);
    int got = data != NULL ? EVP_DecodeBlock(data, (const unsigned char *)text, (int)len) : -1;
    if (got < 0) {
        free(data);
        return false;
    }
    size_t padding = len > 0 && text[len - 1] == '=' ? 1 + (text[len - 2] == '=') : 0;
    *out = data;
    *out_bytes = (size_t)got - padding;
    return true;
}

/* A name or path: text, or base64 under name_b64.  *out is malloc'ed, with a NUL behind it. */
static bool
get_bytes(const json_t *o, const char *name, const char *name_b64, char **out, size_t *out_len)
{
    const json_t *text = json_object_get(o, name), *b64 = json_object_get(o, name_b64);
    if ((text == NULL) == (b64 == NULL))
        return false;
    if (b64 != NULL) {
        uint8_t *data;
        if (!get_base64(b64, &data, out_len))
            return false;
        data[*out_len] = '\0';
        *out = (char *)data;
    } else {
        *out_len = json_string_length(text);
        if (!json_is_string(text) || (*out = malloc(*out_len + 1)) == NULL)
            return false;
        memcpy(*out, json_string_value(text), *out_len + 1);
    }
    if (memchr(*out, '\0', *out_len) == NULL)
        return true;
    free(*out);
    return false;
}

/* Segments between single slashes, none of them "." or "..". */
static bool
is_path(const char *path, size_t len, bool one_segment)
{
    size_t start = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && path[i] != '/')
            continue;
        size_t n = i - start;
        if (n == 0 || (n == 1 && path[start] == '.') ||
            (n == 2 && path[start] == '.' && path[start + 1] == '.') ||
            (one_segment && i < len))
            return len == 0;
        start = i + 1;
    }
    return true;
}

static bool
get_stat(const json_t *o, struct weir_stat *st)
{
    uint64_t mode, uid, gid, nlink;
    if (!get_number(o, "size", UINT64_MAX, &st->size) ||
        !get_number(o, "dev", UINT64_MAX, &st->dev) ||
        !get_number(o, "ino", UINT64_MAX, &st->ino) ||
        !get_number(o, "blocks", UINT64_MAX, &st->blocks) ||
        !get_number(o, "mode", UINT32_MAX, &mode) || !get_number(o, "uid", UINT32_MAX, &uid) ||
        !get_number(o, "gid", UINT32_MAX, &gid) ||
        !get_number(o, "nlink", UINT32_MAX, &nlink) || !get_time(o, "mtime", &st->mtime) ||
        !get_time(o, "ctime", &st->ctime) || !get_time(o, "atime", &st->atime))
        return false;
    st->mode = (uint32_t)mode;
    st->uid = (uint32_t)uid;
    st->gid = (uint32_t)gid;
    st->nlink = (uint32_t)nlink;
    return true;
}

/* ---- lines ---- */

/* Facts about this catalog's own lake stay; those that say whose it is must agree. */
static int
take_fact(struct importer *m, const json_t *o, struct weir_err *err)
{
    static const char *const own[] = {"root_dev", "root_ino", "root_born"};
    static const char *const same[] = {"job", "destination", "root"};
    const char *name = json_string_value(json_object_get(o, "fact"));
    const char *value = json_string_value(json_object_get(o, "value"));
    char mine[8192];
    bool found = false;
    m->facts++;
    if (name == NULL || value == NULL || strlen(value) >= sizeof(mine))
        return wrong(m, "not a fact", err);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strcmp(name, own[i]) == 0)
            return 0;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        if (strcmp(name, same[i]) != 0)
            continue;
        if (weir_catalog_fact_get(m->c, name, mine, sizeof(mine), &found, err) != 0)
            return -1;
        return found && strcmp(mine, value) == 0
                   ? 0
                   : weir_err_set(err, WEIR_E_SAFETY,
                                  "the import is of %s \"%s\", the manifest says \"%s\"", name,
                                  value, mine);
    }
    if (strcmp(name, "job_id") == 0) {
        if (strlen(value) != 32 || strspn(value, "0123456789abcdef") != 32)
            return wrong(m, "not the id of a job", err);
        memcpy(m->c->job_id, value, 33);
    }
    return weir_catalog_fact_set(m->c, name, value, err);
}

static int
take_dir(struct importer *m, const json_t *o, struct weir_err *err)
{
    struct weir_catalog_dir d = {0};
    char *path = NULL;
    size_t len = 0;
    bool known = false;
    if (!get_bytes(o, "dir", "dir_b64", &path, &len))
        return wrong(m, "no path of a directory", err);
    int rc = -1;
    if (!is_path(path, len, false) || !get_bool(o, "sealed", &d.sealed) ||
        !get_bool(o, "opened", &d.opened) || !get_bool(o, "mounted", &d.mounted) ||
        !get_digest(o, "stat_digest", &d.stat_digest) ||
        !get_number(o, "entries", UINT64_MAX, &d.entries) ||
        !get_number(o, "bytes", UINT64_MAX, &d.bytes) || (d.sealed && d.opened)) {
        wrong(m, "not a directory", err);
    } else if (weir_catalog_dir_get(m->c, path, len, &m->dir, &known, err) != 0) {
        ;
    } else if (known) {
        wrong(m, "the directory stands twice", err);
    } else if (weir_catalog_dir_open(m->c, path, len, &d.id, err) == 0) {
        rc = d.opened ? 0 : weir_catalog_dir_close(m->c, &d, err);
        m->dir = d;
        m->dirs++;
    }
    free(path);
    return rc;
}

static bool
read_entry(const json_t *o, struct weir_catalog_entry *row)
{
    uint64_t type, proof, gone;
    row->etag = json_string_value(json_object_get(o, "etag"));
    row->version = json_string_value(json_object_get(o, "version"));
    if (row->etag == NULL || row->version == NULL ||
        !get_number(o, "type", WEIR_ENTRY_BLOCK, &type) ||
        !get_number(o, "proof", WEIR_PROOF_ADOPTED, &proof) || proof < WEIR_PROOF_UPLOADED ||
        !get_stat(o, &row->st) || !get_digest(o, "xxh128", &row->xxh128) ||
        !get_number(o, "crc64nvme", UINT64_MAX, &row->crc64nvme) ||
        !get_number(o, "part_bytes", UINT64_MAX, &row->part_bytes) ||
        !get_number(o, "chunk_bytes", UINT64_MAX, &row->chunk_bytes) ||
        !get_number(o, "gone_ns", INT64_MAX, &gone))
        return false;
    row->type = (uint8_t)type;
    row->proof = (uint8_t)proof;
    row->gone_ns = (int64_t)gone;
    bool self = row->name_len == 0;
    return self ? type == WEIR_ENTRY_DIR : is_path(row->name, row->name_len, true);
}

static int
put_entry(struct importer *m, const json_t *o, const struct weir_catalog_entry *row,
          struct weir_err *err)
{
    const json_t *v = json_object_get(o, "chunks");
    struct weir_catalog_entry there;
    uint8_t *chunks = NULL;
    size_t bytes = 0;
    bool known = false;
    if (weir_catalog_entry_find(m->c, m->dir.id, row->name, row->name_len, &there, &known,
                                err) != 0)
        return -1;
    weir_catalog_rows_end(m->c);
    if (known)
        return wrong(m, "the entry stands twice", err);
    if (v != NULL && !get_base64(v, &chunks, &bytes))
        return wrong(m, "chunks are not base64", err);
    uint64_t want =
        row->chunk_bytes > 0 ? (row->st.size + row->chunk_bytes - 1) / row->chunk_bytes : 0;
    int rc = -1;
    if (v != NULL && (want < 2 || bytes != want * sizeof(struct weir_xxh128)))
        wrong(m, "another number of chunks than the size tells", err);
    else
        rc = weir_catalog_entry_put(m->c, m->dir.id, row, (const struct weir_xxh128 *)chunks,
                                    bytes / sizeof(struct weir_xxh128), err);
    free(chunks);
    m->entries++;
    return rc;
}

static int
take_entry(struct importer *m, const json_t *o, struct weir_err *err)
{
    struct weir_catalog_entry row = {0};
    char *name = NULL;
    if (m->dir.id == 0 || !get_bytes(o, "name", "name_b64", &name, &row.name_len))
        return wrong(m, "not an entry of a directory", err);
    row.name = name;
    int rc = read_entry(o, &row) ? put_entry(m, o, &row, err) : wrong(m, "not an entry", err);
    free(name);
    return rc;
}

static int
take_summary(struct importer *m, const json_t *o, struct weir_err *err)
{
    const json_t *s = json_object_get(o, "summary");
    uint64_t facts, dirs, entries;
    if (!get_number(s, "facts", UINT64_MAX, &facts) ||
        !get_number(s, "directories", UINT64_MAX, &dirs) ||
        !get_number(s, "entries", UINT64_MAX, &entries))
        return wrong(m, "not a summary", err);
    if (facts != m->facts || dirs != m->dirs || entries != m->entries)
        return wrong(m, "the summary counts other lines than there are", err);
    m->summary = true;
    return 0;
}

static int
take(struct importer *m, const json_t *o, struct weir_err *err)
{
    if (m->summary)
        return wrong(m, "something comes after the summary", err);
    if (!m->header) {
        const json_t *v = json_object_get(o, "weir_catalog");
        m->header = json_integer_value(v) == WEIR_EXCHANGE_VERSION;
        return m->header ? 0 : wrong(m, "not a catalog that this version exported", err);
    }
    if (json_object_get(o, "fact") != NULL)
        return take_fact(m, o, err);
    if (json_object_get(o, "dir") != NULL || json_object_get(o, "dir_b64") != NULL)
        return take_dir(m, o, err);
    if (json_object_get(o, "summary") != NULL)
        return take_summary(m, o, err);
    return take_entry(m, o, err);
}

static int
take_line(struct importer *m, const char *line, size_t bytes, struct weir_err *err)
{
    m->line++;
    if (bytes > LINE_BYTES_MAX)
        return wrong(m, "too long", err);
    json_error_t why;
    json_t *o = json_loadb(line, bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    int rc = json_is_object(o) ? take(m, o, err) : wrong(m, "not a JSON object", err);
    json_decref(o);
    return rc;
}

static int
check_empty(struct weir_catalog *c, struct weir_err *err)
{
    int64_t last = 0;
    if (weir_catalog_dir_last(c, &last, err) != 0)
        return -1;
    if (last == 0)
        return 0;
    weir_err_set(err, WEIR_E_SAFETY,
                 "%s is not empty: give the import a --state directory of its own", c->path);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

int
weir_catalog_import(struct weir_catalog *c, weir_exchange_in_fn *next, void *ctx,
                    struct weir_err *err)
{
    struct importer m = {.c = c};
    const char *line = NULL;
    size_t bytes = 0;
    int got;
    if (check_empty(c, err) != 0 || weir_catalog_begin(c, err) != 0)
        return -1;
    while ((got = next(ctx, &line, &bytes, err)) == 1)
        if (take_line(&m, line, bytes, err) != 0)
            return -1; /* closing the catalog undoes it all */
    if (got < 0)
        return -1;
    if (!m.summary)
        return wrong(&m, "the summary is missing: the file is not whole", err);
    return weir_catalog_commit(c, err);
}
