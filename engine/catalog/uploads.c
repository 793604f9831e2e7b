#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_impl.h"

#define UPLOAD_COLUMNS                                                                         \
    "path, key, upload_id, size, stat, part_bytes, chunk_bytes, completing, delta"
#define UPLOAD_PARAMS "?, ?, ?, ?, ?, ?, ?, ?, ?"

static void
bind_upload(struct weir_stmt *q, const struct weir_catalog_upload *u)
{
    weir_stmt_bind_blob(q, u->path, u->path_len);
    weir_stmt_bind_text(q, u->key);
    weir_stmt_bind_text(q, u->upload_id);
    weir_stmt_bind_stat(q, &u->st);
    weir_stmt_bind_uint(q, u->part_bytes);
    weir_stmt_bind_uint(q, u->chunk_bytes);
    weir_stmt_bind_int(q, u->completing);
    weir_stmt_bind_int(q, u->delta);
}

/* Strings of *out are SQLite's, until the statement moves on. */
static int
read_upload(struct weir_stmt *q, struct weir_catalog_upload *out, struct weir_err *err)
{
    out->id = weir_stmt_int(q);
    out->path = weir_stmt_blob(q, &out->path_len);
    out->key = weir_stmt_text(q);
    out->upload_id = weir_stmt_text(q);
    int rc = weir_stmt_stat(q, &out->st);
    out->part_bytes = weir_stmt_uint(q);
    out->chunk_bytes = weir_stmt_uint(q);
    out->completing = weir_stmt_int(q) != 0;
    out->delta = weir_stmt_int(q) != 0;
    return rc == 0 ? 0 : weir_stmt_damaged(q->c, "row of an upload", err);
}

static int
insert_upload(struct weir_catalog *c, const struct weir_catalog_upload *u, int64_t *out_id,
              struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(
            c, WEIR_STMT_UPLOAD_INSERT,
            "INSERT INTO upload (" UPLOAD_COLUMNS ") VALUES (" UPLOAD_PARAMS ")", &q, err) != 0)
        return -1;
    bind_upload(&q, u);
    if (weir_stmt_run(&q, "write an upload", err) != 0)
        return -1;
    *out_id = sqlite3_last_insert_rowid(c->db);
    return 0;
}

/* Parts belong to an upload id: under another one they do not exist. */
static int
forget_parts_of_another(struct weir_catalog *c, const struct weir_catalog_upload *u,
                        struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_PARTS_FORGET,
                             "DELETE FROM part WHERE upload = ?1 AND ?2 <>"
                             " (SELECT upload_id FROM upload WHERE id = ?1)",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, u->id);
    weir_stmt_bind_text(&q, u->upload_id);
    return weir_stmt_run(&q, "forget old parts", err);
}

int
weir_catalog_upload_put(struct weir_catalog *c, const struct weir_catalog_upload *u,
                        int64_t *out_id, struct weir_err *err)
{
    if (u->id == 0)
        return insert_upload(c, u, out_id, err);
    struct weir_stmt q;
    if (forget_parts_of_another(c, u, err) != 0 ||
        weir_stmt_take_write(c, WEIR_STMT_UPLOAD_UPDATE,
                             "UPDATE upload SET (" UPLOAD_COLUMNS ") = (" UPLOAD_PARAMS
                             ") WHERE id = ?",
                             &q, err) != 0)
        return -1;
    bind_upload(&q, u);
    weir_stmt_bind_int(&q, u->id);
    if (weir_stmt_run(&q, "write an upload", err) != 0)
        return -1;
    if (sqlite3_changes(c->db) != 1)
        return weir_err_set(err, WEIR_E_BUG, "catalog: no upload %lld", (long long)u->id);
    *out_id = u->id;
    return 0;
}

/* Moves the strings of u into memory of the catalog, so that no statement stays open. */
static int
own_strings(struct weir_catalog *c, struct weir_catalog_upload *u, struct weir_err *err)
{
    size_t key_bytes = strlen(u->key) + 1, id_bytes = strlen(u->upload_id) + 1;
    char *text = malloc(u->path_len + 1 + key_bytes + id_bytes);
    if (text == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "strings of an upload");
    memcpy(text, u->path, u->path_len);
    text[u->path_len] = '\0';
    u->path = text;
    u->key = memcpy(text + u->path_len + 1, u->key, key_bytes);
    u->upload_id = memcpy(text + u->path_len + 1 + key_bytes, u->upload_id, id_bytes);
    free(c->upload_text);
    c->upload_text = text;
    return 0;
}

int
weir_catalog_upload_find(struct weir_catalog *c, const char *path, size_t path_len,
                         struct weir_catalog_upload *out, bool *out_found, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_UPLOAD_FIND,
                       "SELECT id, " UPLOAD_COLUMNS
                       " FROM upload WHERE path = ? ORDER BY id DESC LIMIT 1",
                       &q, err) != 0)
        return -1;
    weir_stmt_bind_blob(&q, path, path_len);
    int got = weir_stmt_step(&q, "look up an upload", err);
    if (got < 0)
        return -1;
    *out_found = got == 1;
    if (got == 0)
        return 0;
    struct weir_catalog_upload found;
    int rc = read_upload(&q, &found, err) == 0 ? own_strings(c, &found, err) : -1;
    weir_stmt_release(&q);
    if (rc == 0)
        *out = found;
    return rc;
}

int
weir_catalog_upload_each(struct weir_catalog *c, weir_catalog_upload_fn *fn, void *ctx,
                         struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_UPLOAD_EACH,
                       "SELECT id, " UPLOAD_COLUMNS " FROM upload ORDER BY id", &q, err) != 0)
        return -1;
    int got;
    while ((got = weir_stmt_step(&q, "list the uploads", err)) == 1) {
        struct weir_catalog_upload u;
        if (read_upload(&q, &u, err) != 0)
            got = -1;
        if (got < 0 || fn(ctx, &u) != 0)
            break;
    }
    weir_stmt_release(&q);
    return got < 0 ? -1 : 0;
}

int
weir_catalog_upload_remove(struct weir_catalog *c, int64_t id, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_PARTS_REMOVE, "DELETE FROM part WHERE upload = ?", &q,
                             err) != 0)
        return -1;
    weir_stmt_bind_int(&q, id);
    if (weir_stmt_run(&q, "remove parts", err) != 0 ||
        weir_stmt_take_write(c, WEIR_STMT_UPLOAD_REMOVE, "DELETE FROM upload WHERE id = ?", &q,
                             err) != 0)
        return -1;
    weir_stmt_bind_int(&q, id);
    return weir_stmt_run(&q, "remove an upload", err);
}
