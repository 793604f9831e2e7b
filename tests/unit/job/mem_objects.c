/* mem_objects -- looking at the objects of the store in memory. */
#include "mem_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int
mem_head(struct weir_transport *t, const char *key, struct weir_head *out, struct weir_err *err)
{
    struct mem_call c;
    if (mem_is_marker(key))
        return ((struct mem_handle *)t)->store->marked
                   ? 0
                   : weir_err_set(err, WEIR_E_NOT_FOUND, "%s", key);
    if (mem_enter(t, MEM_HEAD, key, &c, err) != 0)
        return -1;
    mem_lock(c.s);
    const struct mem_object *o = mem_store_find(c.s, key);
    int rc = o != NULL ? 0 : weir_err_set(err, WEIR_E_NOT_FOUND, "%s", key);
    if (o != NULL) {
        memset(out, 0, sizeof(*out));
        mem_tell(c.s, o, &out->stored);
        memcpy(out->crc32, o->crc32, sizeof(out->crc32));
        memcpy(out->crc32c, o->crc32c, sizeof(out->crc32c));
        memcpy(out->sha1, o->sha1, sizeof(out->sha1));
        memcpy(out->sha256, o->sha256, sizeof(out->sha256));
        out->meta_count = o->meta_count;
        for (size_t i = 0; i < o->meta_count; i++)
            out->meta[i] = o->meta[i]; /* the arena never moves */
    }
    mem_unlock(c.s);
    return mem_leave(&c, rc, err);
}

int
mem_part_size(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
              uint32_t *out_part_count, struct weir_err *err)
{
    struct mem_call c;
    if (mem_enter(t, MEM_PART_SIZE, key, &c, err) != 0)
        return -1;
    int rc = 0;
    mem_lock(c.s);
    const struct mem_object *o = mem_store_find(c.s, key);
    if (o == NULL) {
        rc = weir_err_set(err, WEIR_E_NOT_FOUND, "%s", key);
    } else if (o->part_bytes == 0) {
        rc = weir_err_set(err, WEIR_E_UNSUPPORTED, "%s: no parts are known", key);
    } else {
        *out_part_bytes = o->part_bytes;
        *out_part_count = o->part_count;
    }
    mem_unlock(c.s);
    return mem_leave(&c, rc, err);
}

int
mem_get(struct weir_transport *t, const char *key, uint64_t offset, uint64_t bytes,
        weir_sink_fn *sink, void *ctx, struct weir_err *err)
{
    struct mem_call c;
    if (mem_enter(t, MEM_GET, key, &c, err) != 0)
        return -1;
    mem_lock(c.s);
    const struct mem_object *o = mem_store_find(c.s, key);
    struct mem_object found = {0};
    if (o != NULL)
        found = *o;
    mem_unlock(c.s);
    if (o == NULL)
        return weir_err_set(err, WEIR_E_NOT_FOUND, "%s", key);
    if (found.data == NULL)
        return weir_err_set(err, WEIR_E_BUG, "%s: its bytes are not kept by this test", key);
    if (offset > found.bytes || (bytes != UINT64_MAX && bytes > found.bytes - offset))
        return weir_err_set(err, WEIR_E_PROTOCOL, "%s: range at %" PRIu64, key, offset);
    if (bytes == UINT64_MAX)
        bytes = found.bytes - offset;
    if (bytes > 0 && sink(ctx, found.data + offset, (size_t)bytes) != 0)
        return weir_err_set(err, WEIR_E_CANCELLED, "%s: stopped by the receiver", key);
    return mem_leave(&c, 0, err);
}

static int
by_key(const void *a, const void *b)
{
    const struct mem_object *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

/* A copy of the pointers, sorted; objects stay readable when they are removed. */
static const struct mem_object **
snapshot(struct mem_store *s, const char *key_prefix, const char *start_after, size_t *out_n)
{
    size_t n = 0;
    mem_lock(s);
    const struct mem_object **list =
        calloc(mem_store_count(s) + 1, sizeof(struct mem_object *));
    if (list == NULL)
        abort();
    for (const struct mem_object *o = s->objects; o != NULL; o = o->next)
        if (strncmp(o->key, key_prefix, strlen(key_prefix)) == 0 &&
            (start_after == NULL || strcmp(o->key, start_after) > 0))
            list[n++] = o;
    mem_unlock(s);
    qsort(list, n, sizeof(struct mem_object *), by_key);
    *out_n = n;
    return list;
}

int
mem_list(struct weir_transport *t, const char *key_prefix, const char *start_after,
         weir_list_fn *fn, void *ctx, struct weir_err *err)
{
    struct mem_call c;
    size_t n = 0;
    if (mem_enter(t, MEM_LIST, key_prefix, &c, err) != 0)
        return -1;
    const struct mem_object **list = snapshot(c.s, key_prefix, start_after, &n);
    for (size_t i = 0; i < n; i++) {
        const struct weir_listed listed = {.key = list[i]->key,
                                           .bytes = list[i]->bytes,
                                           .etag = list[i]->etag,
                                           .storage_class = ""};
        if (fn(ctx, &listed) != 0)
            break;
    }
    free(list);
    return mem_leave(&c, 0, err);
}
