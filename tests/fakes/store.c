#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "store.h"
#include "text.h"

void
fake_fields_add(struct fake_fields *f, const char *name, const char *value)
{
    f->field = fake_grow(f->field, (f->count + 1) * sizeof(*f->field));
    f->field[f->count++] = (struct fake_field){fake_strdup(name), fake_strdup(value)};
}

void
fake_fields_copy(struct fake_fields *to, const struct fake_fields *from)
{
    for (size_t i = 0; i < from->count; i++)
        fake_fields_add(to, from->field[i].name, from->field[i].value);
}

const char *
fake_fields_get(const struct fake_fields *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (fake_text_same_nocase(f->field[i].name, name))
            return f->field[i].value;
    return NULL;
}

void
fake_fields_free(struct fake_fields *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->field[i].name);
        free(f->field[i].value);
    }
    free(f->field);
    *f = (struct fake_fields){0};
}

struct fake_object *
fake_object_create(void)
{
    struct fake_object *o = fake_alloc(sizeof(*o));
    atomic_init(&o->refs, 1);
    o->alg = FAKE_ALG_NONE;
    return o;
}

struct fake_object *
fake_object_ref(struct fake_object *o)
{
    atomic_fetch_add(&o->refs, 1);
    return o;
}

void
fake_object_unref(struct fake_object *o)
{
    if (!o || atomic_fetch_sub(&o->refs, 1) > 1)
        return;
    fake_data_free(&o->data);
    fake_fields_free(&o->fields);
    free(o->piece);
    free(o);
}

void
fake_upload_free(struct fake_upload *u)
{
    if (!u)
        return;
    fake_store_drop_parts(u);
    fake_fields_free(&u->fields);
    free(u->completed_body);
    free(u->id);
    free(u->key);
    free(u);
}

int
fake_store_open(struct fake_store *s, const char *data_dir)
{
    *s = (struct fake_store){0};
    pthread_mutex_init(&s->lock, NULL);
    return fake_spool_open(&s->spool, data_dir);
}

void
fake_store_close(struct fake_store *s)
{
    struct fake_node *n;
    while ((n = fake_map_first(&s->buckets)))
        fake_store_remove_bucket(s, n->value);
    close(s->spool.fd);
    pthread_mutex_destroy(&s->lock);
}

void
fake_store_lock(struct fake_store *s)
{
    pthread_mutex_lock(&s->lock);
}

void
fake_store_unlock(struct fake_store *s)
{
    pthread_mutex_unlock(&s->lock);
}

struct fake_bucket *
fake_store_bucket(struct fake_store *s, const char *name)
{
    return fake_map_get(&s->buckets, name, strlen(name));
}

struct fake_bucket *
fake_store_add_bucket(struct fake_store *s, const char *name, int64_t now)
{
    struct fake_bucket *b = fake_alloc(sizeof(*b));
    b->name = fake_strdup(name);
    b->created_ms = now;
    fake_map_put(&s->buckets, name, strlen(name), b);
    return b;
}

void
fake_store_remove_bucket(struct fake_store *s, struct fake_bucket *b)
{
    struct fake_node *n;
    fake_map_remove(&s->buckets, b->name, strlen(b->name));
    while ((n = fake_map_first(&b->objects)))
        fake_object_unref(fake_map_remove(&b->objects, n->key, n->key_len));
    while ((n = fake_map_first(&b->old)))
        fake_object_unref(fake_map_remove(&b->old, n->key, n->key_len));
    while ((n = fake_map_first(&b->uploads)))
        fake_upload_free(fake_map_remove(&b->uploads, n->key, n->key_len));
    free(b->name);
    free(b);
}

struct fake_object *
fake_store_object(struct fake_bucket *b, const char *key)
{
    return fake_map_get(&b->objects, key, strlen(key));
}

static struct fake_buf
upload_name(const char *key, const char *id)
{
    struct fake_buf name = {0};
    fake_buf_add(&name, key, strlen(key) + 1);
    fake_buf_puts(&name, id);
    return name;
}

struct fake_upload *
fake_store_upload(struct fake_bucket *b, const char *key, const char *id)
{
    struct fake_buf name = upload_name(key, id);
    struct fake_upload *u = fake_map_get(&b->uploads, name.data, name.len);
    fake_buf_free(&name);
    return u;
}

void
fake_store_add_upload(struct fake_bucket *b, struct fake_upload *u)
{
    struct fake_buf name = upload_name(u->key, u->id);
    fake_map_put(&b->uploads, name.data, name.len, u);
    fake_buf_free(&name);
}

void
fake_store_remove_upload(struct fake_bucket *b, struct fake_upload *u)
{
    struct fake_buf name = upload_name(u->key, u->id);
    fake_upload_free(fake_map_remove(&b->uploads, name.data, name.len));
    fake_buf_free(&name);
}

/* Index of the first part whose number is not below @number. */
static uint32_t
part_place(const struct fake_upload *u, uint32_t number)
{
    uint32_t low = 0, high = u->part_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (u->part[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct fake_part *
fake_store_part(struct fake_upload *u, uint32_t number)
{
    uint32_t i = part_place(u, number);
    return i < u->part_count && u->part[i].number == number ? &u->part[i] : NULL;
}

void
fake_store_put_part(struct fake_upload *u, struct fake_part *part)
{
    uint32_t i = part_place(u, part->number);
    if (i < u->part_count && u->part[i].number == part->number) {
        fake_data_free(&u->part[i].data);
    } else {
        u->part = fake_grow(u->part, (u->part_count + 1) * sizeof(*part));
        memmove(&u->part[i + 1], &u->part[i], (u->part_count - i) * sizeof(*part));
        u->part_count++;
    }
    u->part[i] = *part;
    part->data = (struct fake_data){0};
}

void
fake_store_drop_parts(struct fake_upload *u)
{
    for (uint32_t i = 0; i < u->part_count; i++)
        fake_data_free(&u->part[i].data);
    free(u->part);
    u->part = NULL;
    u->part_count = 0;
}
