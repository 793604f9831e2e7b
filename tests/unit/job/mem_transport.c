/* mem_transport -- the operations of a transport on the store in memory. */
#include "mem_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/digest.h>

static int
mem_probe(struct weir_transport *t, uint64_t nonce, unsigned *out_caps, struct weir_err *err)
{
    struct mem_call c;
    (void)nonce;
    if (mem_enter(t, MEM_PROBE, NULL, &c, err) != 0)
        return -1;
    *out_caps = c.s->caps;
    return mem_leave(&c, 0, err);
}

/* cap: that without which ABSENT is ignored. */
int
mem_check_condition(struct mem_store *s, const struct weir_object *object, unsigned cap,
                    struct weir_err *err)
{
    const struct mem_object *o = mem_store_find(s, object->key);
    if (object->condition == WEIR_COND_ABSENT && (s->caps & cap) != 0 && o != NULL)
        return weir_err_set(err, WEIR_E_EXISTS, "%s is there", object->key);
    if (object->condition == WEIR_COND_MATCH && (s->caps & WEIR_CAP_IF_MATCH) != 0 &&
        (o == NULL || strcmp(o->etag, object->etag) != 0))
        return weir_err_set(err, WEIR_E_EXISTS, "%s is another", object->key);
    return 0;
}

void
mem_tell(const struct mem_store *s, const struct mem_object *o, struct weir_stored *out)
{
    unsigned cap = o->multipart ? WEIR_CAP_STORED_CHECKSUM_MPU : WEIR_CAP_STORED_CHECKSUM;
    *out = (struct weir_stored){.bytes = o->bytes};
    (void)snprintf(out->etag, sizeof(out->etag), "%s", o->etag);
    out->has_crc64nvme = (s->caps & cap) != 0 && !o->no_crc64nvme;
    out->crc64nvme = out->has_crc64nvme ? o->crc64nvme : 0;
}

bool
mem_is_marker(const char *key)
{
    return strncmp(key, ".weir/job-", 10) == 0;
}

static int
mem_put_marker(struct weir_transport *t, size_t bytes, struct weir_stored *out)
{
    ((struct mem_handle *)t)->store->marked = true;
    *out = (struct weir_stored){.bytes = bytes};
    return 0;
}

static int
mem_put(struct weir_transport *t, const struct weir_object *object, const void *data,
        size_t bytes, uint64_t crc64nvme, struct weir_stored *out, struct weir_err *err)
{
    struct mem_call c;
    if (mem_is_marker(object->key))
        return mem_put_marker(t, bytes, out);
    if (mem_enter(t, MEM_PUT, object->key, &c, err) != 0)
        return -1;
    mem_lock(c.s);
    c.s->put_bytes += bytes;
    if (c.s->put_bytes > c.s->put_bytes_max)
        c.s->put_bytes_max = c.s->put_bytes;
    mem_unlock(c.s);
    bool intact = weir_crc64nvme(0, data, bytes) == crc64nvme;
    mem_lock(c.s);
    c.s->put_bytes -= bytes;
    int rc = mem_check_condition(c.s, object, WEIR_CAP_IF_NONE_MATCH, err);
    if (rc == 0 && !intact)
        rc = weir_err_set(err, WEIR_E_DIGEST, "%s", object->key);
    if (rc == 0) {
        struct mem_object o = {.bytes = bytes, .crc64nvme = crc64nvme};
        mem_describe_object(c.s, &o, object);
        o.data = mem_keep(c.s, data, bytes);
        mem_tell(c.s, mem_publish(c.s, &o), out);
    }
    mem_unlock(c.s);
    return mem_leave(&c, rc, err);
}

static int
mem_create(struct weir_transport *t, const struct weir_object *object, char *out_id,
           struct weir_err *err)
{
    struct mem_call c;
    if (mem_enter(t, MEM_CREATE, object->key, &c, err) != 0)
        return -1;
    mem_lock(c.s);
    (void)snprintf(out_id, WEIR_UPLOAD_ID_BYTES, "%s", mem_new_upload(c.s, object)->id);
    mem_unlock(c.s);
    return mem_leave(&c, 0, err);
}

struct mem_upload *
mem_find_upload(struct mem_store *s, const char *key, const char *id)
{
    for (struct mem_upload *u = s->uploads; u != NULL; u = u->next)
        if (u->open && strcmp(u->id, id) == 0 && strcmp(u->object.key, key) == 0)
            return u;
    return NULL;
}

static int
mem_put_part(struct weir_transport *t, const char *key, const char *upload_id, uint32_t number,
             const void *data, size_t bytes, uint64_t crc64nvme, struct weir_part *out,
             struct weir_err *err)
{
    struct mem_call c;
    if (mem_enter(t, MEM_PART, key, &c, err) != 0)
        return -1;
    mem_lock(c.s);
    int rc = 0;
    struct mem_upload *u = mem_find_upload(c.s, key, upload_id);
    if (u == NULL) {
        rc = weir_err_set(err, WEIR_E_NO_UPLOAD, "%s", key);
    } else if (number < 1 || number > MEM_PARTS_MAX ||
               weir_crc64nvme(0, data, bytes) != crc64nvme) {
        rc = weir_err_set(err, WEIR_E_DIGEST, "%s part %u", key, number);
    } else {
        struct weir_part *p = &u->parts[number - 1];
        *p = (struct weir_part){
            .number = number, .bytes = bytes, .has_crc64nvme = true, .crc64nvme = crc64nvme};
        (void)snprintf(p->etag, sizeof(p->etag), "p%u", ++c.s->serial);
        u->data[number - 1] = mem_keep(c.s, data, bytes);
        *out = *p;
    }
    mem_unlock(c.s);
    return mem_leave(&c, rc, err);
}

/* The bytes of all parts in a row, or NULL when those of one are not kept. */
static const unsigned char *
join(struct mem_store *s, const struct mem_upload *u, size_t count, uint64_t bytes)
{
    unsigned char *data = mem_room(s, bytes), *at = data;
    for (size_t i = 0; i < count && data != NULL; i++) {
        if (u->data[i] == NULL)
            return NULL;
        memcpy(at, u->data[i], u->parts[i].bytes);
        at += u->parts[i].bytes;
    }
    return data;
}

static int
assemble(struct mem_store *s, const struct weir_object *object, const char *upload_id,
         const struct weir_part *parts, size_t count, uint64_t object_bytes, uint64_t crc64nvme,
         struct weir_stored *out, struct weir_err *err)
{
    struct mem_upload *u = mem_find_upload(s, object->key, upload_id);
    if (u == NULL)
        return weir_err_set(err, WEIR_E_NO_UPLOAD, "%s", object->key);
    if (mem_check_condition(s, object, WEIR_CAP_IF_NONE_MATCH_COMPLETE, err) != 0)
        return -1;
    struct mem_object o = u->object;
    o.multipart = true;
    for (size_t i = 0; i < count; i++) {
        const struct weir_part *p = &u->parts[i];
        if (parts[i].number != i + 1 || p->number != i + 1 ||
            strcmp(p->etag, parts[i].etag) != 0)
            return weir_err_set(err, WEIR_E_PROTOCOL, "%s: no part %zu", object->key, i + 1);
        o.crc64nvme =
            i == 0 ? p->crc64nvme : weir_crc64nvme_combine(o.crc64nvme, p->crc64nvme, p->bytes);
        o.bytes += p->bytes;
    }
    if (o.bytes != object_bytes || o.crc64nvme != crc64nvme)
        return weir_err_set(err, WEIR_E_DIGEST, "%s", object->key);
    u->open = false;
    o.data = join(s, u, count, o.bytes);
    o.part_bytes = u->parts[0].bytes;
    o.part_count = (uint32_t)count;
    mem_tell(s, mem_publish(s, &o), out);
    return 0;
}

static int
mem_complete(struct weir_transport *t, const struct weir_object *object, const char *upload_id,
             const struct weir_part *parts, size_t count, uint64_t object_bytes,
             uint64_t crc64nvme, struct weir_stored *out, struct weir_err *err)
{
    struct mem_call c;
    if (mem_enter(t, MEM_COMPLETE, object->key, &c, err) != 0)
        return -1;
    mem_lock(c.s);
    int rc = assemble(c.s, object, upload_id, parts, count, object_bytes, crc64nvme, out, err);
    mem_unlock(c.s);
    return mem_leave(&c, rc, err);
}

static int
mem_abort(struct weir_transport *t, const char *key, const char *upload_id,
          struct weir_err *err)
{
    struct mem_call c;
    if (mem_enter(t, MEM_ABORT, key, &c, err) != 0)
        return -1;
    mem_lock(c.s);
    struct mem_upload *u = mem_find_upload(c.s, key, upload_id);
    if (u != NULL)
        u->open = false;
    mem_unlock(c.s);
    return mem_leave(&c, 0, err);
}

static int
mem_list_parts(struct weir_transport *t, const char *key, const char *upload_id,
               weir_part_fn *fn, void *ctx, struct weir_err *err)
{
    struct mem_call c;
    if (mem_enter(t, MEM_LIST_PARTS, key, &c, err) != 0)
        return -1;
    mem_lock(c.s);
    int rc = 0;
    struct mem_upload *u = mem_find_upload(c.s, key, upload_id);
    if (u == NULL)
        rc = weir_err_set(err, WEIR_E_NO_UPLOAD, "%s", key);
    for (size_t i = 0; u != NULL && i < MEM_PARTS_MAX; i++)
        if (u->parts[i].number != 0 && fn(ctx, &u->parts[i]) != 0)
            break;
    mem_unlock(c.s);
    return mem_leave(&c, rc, err);
}

static int
mem_list_uploads(struct weir_transport *t, const char *key_prefix, weir_upload_fn *fn,
                 void *ctx, struct weir_err *err)
{
    struct mem_call c;
    if (mem_enter(t, MEM_LIST_UPLOADS, key_prefix, &c, err) != 0)
        return -1;
    mem_lock(c.s);
    for (struct mem_upload *u = c.s->uploads; u != NULL; u = u->next)
        if (u->open && strncmp(u->object.key, key_prefix, strlen(key_prefix)) == 0 &&
            fn(ctx, u->object.key, u->id, 0) != 0)
            break;
    mem_unlock(c.s);
    return mem_leave(&c, 0, err);
}

static const struct weir_limits *
mem_limits(const struct weir_transport *t)
{
    static const struct weir_limits limits = {.part_bytes_min = (uint64_t)1 << 20,
                                              .part_bytes_max = (uint64_t)1 << 30,
                                              .put_bytes_max = (uint64_t)1 << 30,
                                              .copy_bytes_max = (uint64_t)1 << 30,
                                              .copy_source_bytes_min = (uint64_t)1 << 20,
                                              .remove_count_max = 100,
                                              .object_bytes_max = (uint64_t)1 << 40,
                                              .part_count_max = MEM_PARTS_MAX,
                                              .key_bytes_max = 256,
                                              .metadata_bytes_max = 2048};
    (void)t;
    return &limits;
}

static const char *
mem_describe(const struct weir_transport *t)
{
    (void)t;
    return "mem";
}

static int mem_clone(struct weir_transport *t, struct weir_transport **out,
                     struct weir_err *err);

static void
mem_close(struct weir_transport *t)
{
    free(t);
}

static const struct weir_transport_ops ops = {
    .scheme = "mem",
    .limits = mem_limits,
    .describe = mem_describe,
    .clone = mem_clone,
    .probe = mem_probe,
    .put = mem_put,
    .create_upload = mem_create,
    .put_part = mem_put_part,
    .complete_upload = mem_complete,
    .abort_upload = mem_abort,
    .list_parts = mem_list_parts,
    .list_uploads = mem_list_uploads,
    .head = mem_head,
    .get = mem_get,
    .list = mem_list,
    .remove = mem_remove,
    .remove_many = mem_remove_many,
    .copy = mem_copy,
    .copy_part = mem_copy_part,
    .part_size = mem_part_size,
    .close = mem_close,
};

int
weir_transport_open(const struct weir_transport_options *options, struct weir_transport **out,
                    struct weir_err *err)
{
    struct mem_handle *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "mem");
    *h =
        (struct mem_handle){.base.ops = &ops, .store = mem_store_current(), .options = options};
    *out = &h->base;
    return 0;
}

static int
mem_clone(struct weir_transport *t, struct weir_transport **out, struct weir_err *err)
{
    return weir_transport_open(((struct mem_handle *)t)->options, out, err);
}

int
weir_transport_wrap(const struct weir_transport_options *options,
                    const struct weir_transfer *transfer, struct weir_transport *inner,
                    struct weir_transport **out, struct weir_err *err)
{
    (void)options;
    (void)transfer;
    (void)err;
    *out = inner;
    return 0;
}
