/* The tables of objects and uploads. */
#include "vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 65536u

struct vault *
vault_create(void)
{
    struct vault *v = calloc(1, sizeof(*v));
    if (v == NULL)
        return NULL;
    v->bucket = calloc(BUCKETS, sizeof(struct vault_object *));
    if (v->bucket == NULL) {
        free(v);
        return NULL;
    }
    (void)pthread_mutex_init(&v->lock, NULL);
    return v;
}

static void
free_object(struct vault_object *o)
{
    vault_data_fini(&o->data);
    free(o->path);
    free(o->meta);
    free(o);
}

void
vault_free(struct vault *v)
{
    if (v == NULL)
        return;
    while (v->uploads != NULL)
        vault_end_locked(v, v->uploads);
    for (size_t i = 0; i < BUCKETS; i++) {
        while (v->bucket[i] != NULL) {
            struct vault_object *o = v->bucket[i];
            v->bucket[i] = o->next;
            free_object(o);
        }
    }
    free(v->bucket);
    (void)pthread_mutex_destroy(&v->lock);
    free(v);
}

/* The link that leads to the object, or the one that ends its chain (FNV-1a). */
static struct vault_object **
find_link(const struct vault *v, const char *path)
{
    uint32_t hash = 2166136261u;
    for (const char *p = path; *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    struct vault_object **link = &v->bucket[(hash ^ hash >> 16) % BUCKETS];
    while (*link != NULL && strcmp((*link)->path, path) != 0)
        link = &(*link)->next;
    return link;
}

struct vault_object *
vault_find_locked(const struct vault *v, const char *path)
{
    return *find_link(v, path);
}

void
vault_remove_locked(struct vault *v, const char *path)
{
    struct vault_object **link = find_link(v, path);
    struct vault_object *o = *link;
    if (o == NULL)
        return;
    *link = o->next;
    free_object(o);
}

void
vault_etag(const struct vault_data *d, bool multipart, char out[VAULT_ETAG_BYTES])
{
    (void)snprintf(out, VAULT_ETAG_BYTES, "%016" PRIx64 "%016" PRIx64 "%s", d->crc64nvme,
                   d->bytes, multipart ? "-1" : "");
}

struct vault_object *
vault_store_locked(struct vault *v, const char *path, struct vault_data *data, char *meta,
                   bool multipart)
{
    struct vault_object *o = meta != NULL ? calloc(1, sizeof(*o)) : NULL;
    if (o == NULL || (o->path = strdup(path)) == NULL) {
        free(o);
        free(meta);
        vault_data_fini(data);
        return NULL;
    }
    vault_remove_locked(v, path);
    o->meta = meta;
    o->data = *data;
    *data = (struct vault_data){0};
    vault_etag(&o->data, multipart, o->etag);
    *find_link(v, path) = o;
    return o;
}

struct vault_upload *
vault_begin_locked(struct vault *v, const char *path, char *meta)
{
    struct vault_upload *u = meta != NULL ? calloc(1, sizeof(*u)) : NULL;
    if (u != NULL) {
        u->path = strdup(path);
        u->part = calloc(VAULT_PARTS_MAX + 1, sizeof(*u->part));
        u->here = calloc(VAULT_PARTS_MAX + 1, sizeof(*u->here));
    }
    if (u == NULL || u->path == NULL || u->part == NULL || u->here == NULL) {
        if (u != NULL) {
            free(u->path);
            free(u->part);
            free(u->here);
        }
        free(u);
        free(meta);
        return NULL;
    }
    u->meta = meta;
    u->id = ++v->last_id;
    u->next = v->uploads;
    v->uploads = u;
    return u;
}

struct vault_upload *
vault_upload_locked(const struct vault *v, const char *path, unsigned id)
{
    struct vault_upload *u = v->uploads;
    while (u != NULL && (u->id != id || strcmp(u->path, path) != 0))
        u = u->next;
    return u;
}

void
vault_end_locked(struct vault *v, struct vault_upload *u)
{
    struct vault_upload **link = &v->uploads;
    while (*link != u)
        link = &(*link)->next;
    *link = u->next;
    for (size_t n = 0; n <= VAULT_PARTS_MAX; n++)
        vault_data_fini(&u->part[n]);
    free(u->part);
    free(u->here);
    free(u->path);
    free(u->meta);
    free(u);
}
