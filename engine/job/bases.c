/* bases -- what the store has already of an entry: its older object with the digests of its
 * chunks, or the object of a file that was renamed or linked. */
#include <stdlib.h>
#include <string.h>

#include "job/run.h"
#include "plan/key.h"

static int
load_chunks(struct weir_run *r, struct weir_base *b, int64_t dir_id, const char *name,
            size_t name_len, struct weir_err *err)
{
    if (b->type != WEIR_ENTRY_FILE || b->st.size <= b->chunk_bytes)
        return 0;
    return weir_catalog_chunks_get(r->setup.catalog, dir_id, name, name_len, &b->chunks,
                                   &b->chunk_count, err);
}

/* A base under another path: its key. */
static int
base_of(struct weir_run *r, const struct weir_catalog_place *place,
        const struct weir_catalog_entry *row, struct weir_base **out, struct weir_err *err)
{
    char key[WEIR_KEY_BYTES];
    struct weir_err no_key = WEIR_ERR_INIT;
    *out = NULL;
    if (row->etag[0] == '\0' || weir_key_from_path(place->path, place->path_len, WEIR_KEY_FILE,
                                                   r->limits->key_bytes_max, key, &no_key) != 0)
        return 0;
    struct weir_base *b = weir_base_create(row, false);
    if (b == NULL || (b->key = strdup(key)) == NULL) {
        weir_base_free(b);
        return weir_err_set(err, WEIR_E_NOMEM, "base of an entry");
    }
    const char *name = place->path + place->path_len - place->name_len;
    b->dir_id = place->dir_id;
    b->name = strndup(name, place->name_len);
    b->name_len = place->name_len;
    if (b->name == NULL)
        weir_err_set(err, WEIR_E_NOMEM, "base of an entry");
    if (b->name == NULL || load_chunks(r, b, place->dir_id, name, place->name_len, err) != 0) {
        weir_base_free(b);
        return -1;
    }
    *out = b;
    return 0;
}

static int
find_renamed(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    struct weir_catalog_place place = {0};
    struct weir_catalog_entry row;
    bool found = false;
    if (weir_catalog_find_inode(r->setup.catalog, &item->st, &place, &row, &found, err) != 0)
        return -1;
    if (!found)
        return 0;
    int rc = base_of(r, &place, &row, &item->base, err);
    weir_catalog_rows_end(r->setup.catalog); /* an open scan would hold the log back */
    free(place.path);
    return rc;
}

int
weir_run_find_base(struct weir_run *r, const struct weir_run_dir *d, struct weir_item *item,
                   struct weir_err *err)
{
    if (item->type != WEIR_ENTRY_FILE)
        return 0;
    if (item->base == NULL)
        return r->had_rows && item->st.size > 0 ? find_renamed(r, item, err) : 0;
    const struct weir_lake_entry *e = &d->batch->entries[item->index - 1];
    return load_chunks(r, item->base, d->id, e->name, e->name_len, err);
}
