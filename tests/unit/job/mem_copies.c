/* mem_copies -- removing and copying in the store in memory. */
#include "mem_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/digest.h>

/* ---- remove ---- */

/* Removes one key; version has WEIR_VERSION_BYTES. */
static int
remove_key(struct weir_transport *t, const char *key, char *version, struct weir_err *err)
{
    struct mem_call c;
    version[0] = '\0';
    if (mem_is_marker(key)) {
        ((struct mem_handle *)t)->store->marked = false;
        return 0;
    }
    if (mem_enter(t, MEM_REMOVE, key, &c, err) != 0)
        return -1;
    mem_lock(c.s);
    mem_store_remove(c.s, key);
    if (c.s->versions)
        (void)snprintf(version, WEIR_VERSION_BYTES, "m%u", ++c.s->serial);
    mem_unlock(c.s);
    return mem_leave(&c, 0, err);
}

int
mem_remove(struct weir_transport *t, const char *key, struct weir_err *err)
{
    char version[WEIR_VERSION_BYTES];
    return remove_key(t, key, version, err);
}

struct removed {
    char version[WEIR_VERSION_BYTES];
    struct weir_err why;
};

/* Results come out after the work, so that a lost reply tells nothing. */
int
mem_remove_many(struct weir_transport *t, const char *const *keys, size_t count,
                weir_removed_fn *fn, void *ctx, struct weir_err *err)
{
    struct mem_call c;
    if (count > t->ops->limits(t)->remove_count_max)
        return weir_err_set(err, WEIR_E_LIMIT, "%zu keys at once", count);
    if (mem_enter(t, MEM_REMOVE_MANY, NULL, &c, err) != 0)
        return -1;
    struct removed *done = calloc(count + 1, sizeof(*done));
    if (done == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        (void)remove_key(t, keys[i], done[i].version, &done[i].why);
    int rc = mem_leave(&c, 0, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        fn(ctx, i, done[i].version, done[i].why.code == WEIR_OK ? NULL : &done[i].why);
    free(done);
    return rc;
}

/* ---- copy ---- */

/* The source of a copy, or NULL with err. */
static const struct mem_object *
source(struct mem_store *s, const char *key, const char *etag, struct weir_err *err)
{
    const struct mem_object *o = mem_store_find(s, key);
    if (o == NULL) {
        weir_err_set(err, WEIR_E_NOT_FOUND, "%s", key);
    } else if (etag[0] != '\0' && strcmp(etag, o->etag) != 0 && !s->ignores_source_etag) {
        weir_err_set(err, WEIR_E_EXISTS, "%s is another", key);
        o = NULL;
    }
    return o;
}

static int
copy_locked(struct mem_store *s, const struct mem_object *from,
            const struct weir_object *object, struct weir_stored *out, struct weir_err *err)
{
    if (object->condition == WEIR_COND_MATCH ||
        (object->meta == NULL && strcmp(object->key, from->key) == 0))
        return weir_err_set(err, WEIR_E_BUG, "%s: no such copy", object->key);
    if (mem_check_condition(s, object, WEIR_CAP_COPY_IF_NONE_MATCH, err) != 0)
        return -1;
    struct mem_object o = {
        .bytes = from->bytes, .crc64nvme = from->crc64nvme, .data = from->data};
    struct weir_object to = *object;
    to.meta_count = object->meta != NULL ? object->meta_count : 0;
    mem_describe_object(s, &o, &to);
    if (object->meta == NULL) {
        o.meta_count = from->meta_count;
        memcpy(o.meta, from->meta, sizeof(o.meta));
    }
    mem_tell(s, mem_publish(s, &o), out);
    out->bytes = 0; /* S3 does not tell */
    if (s->copies_silently)
        out->has_crc64nvme = false;
    return 0;
}

int
mem_copy(struct weir_transport *t, const char *source_key, const char *source_etag,
         const struct weir_object *object, struct weir_stored *out, struct weir_err *err)
{
    struct mem_call c;
    if (mem_enter(t, MEM_COPY, object->key, &c, err) != 0)
        return -1;
    int rc = -1;
    mem_lock(c.s);
    const struct mem_object *from = NULL;
    if ((c.s->caps & WEIR_CAP_COPY) == 0)
        weir_err_set(err, WEIR_E_UNSUPPORTED, "%s: no copies", object->key);
    else if ((from = source(c.s, source_key, source_etag, err)) != NULL)
        rc = copy_locked(c.s, from, object, out, err);
    mem_unlock(c.s);
    return mem_leave(&c, rc, err);
}

static int
check_range(const struct weir_transport *t, const struct mem_object *from, uint64_t offset,
            uint64_t bytes, struct weir_err *err)
{
    if (from->bytes <= t->ops->limits(t)->copy_source_bytes_min)
        return weir_err_set(err, WEIR_E_UNSUPPORTED, "%s: too short for ranges", from->key);
    if (bytes == 0 || offset > from->bytes || bytes > from->bytes - offset)
        return weir_err_set(err, WEIR_E_PROTOCOL, "%s has no %" PRIu64 " bytes at %" PRIu64,
                            from->key, bytes, offset);
    if (from->data == NULL)
        return weir_err_set(err, WEIR_E_BUG, "%s: its bytes are not kept by this test",
                            from->key);
    return 0;
}

static void
copy_part_locked(struct mem_store *s, struct mem_upload *u, uint32_t number,
                 const unsigned char *data, uint64_t bytes, struct weir_part *out)
{
    struct weir_part *p = &u->parts[number - 1];
    *p = (struct weir_part){.number = number,
                            .bytes = bytes,
                            .has_crc64nvme = true,
                            .crc64nvme = weir_crc64nvme(0, data, (size_t)bytes)};
    (void)snprintf(p->etag, sizeof(p->etag), "p%u", ++s->serial);
    u->data[number - 1] = data; /* the arena keeps it */
    *out = *p;
    if (s->copies_silently) {
        out->has_crc64nvme = false;
        out->crc64nvme = 0;
    }
}

int
mem_copy_part(struct weir_transport *t, const char *key, const char *upload_id, uint32_t number,
              const char *source_key, const char *source_etag, uint64_t offset, uint64_t bytes,
              struct weir_part *out, struct weir_err *err)
{
    struct mem_call c;
    if (mem_enter(t, MEM_COPY_PART, key, &c, err) != 0)
        return -1;
    int rc = -1;
    mem_lock(c.s);
    struct mem_upload *u = mem_find_upload(c.s, key, upload_id);
    const struct mem_object *from = NULL;
    if ((c.s->caps & WEIR_CAP_COPY_PART) == 0)
        weir_err_set(err, WEIR_E_UNSUPPORTED, "%s: no copies of ranges", key);
    else if (u == NULL)
        weir_err_set(err, WEIR_E_NO_UPLOAD, "%s", key);
    else if (number < 1 || number > MEM_PARTS_MAX)
        weir_err_set(err, WEIR_E_LIMIT, "%s: part %" PRIu32, key, number);
    else if ((from = source(c.s, source_key, source_etag, err)) != NULL)
        rc = check_range(t, from, offset, bytes, err);
    if (rc == 0)
        copy_part_locked(c.s, u, number, from->data + offset, bytes, out);
    mem_unlock(c.s);
    return mem_leave(&c, rc, err);
}
