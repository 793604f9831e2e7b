/* versions -- what has a key now, and what had it before in a bucket with versions. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "store.h"

/* Old versions sort by key, then newest first. */
static struct fake_buf
old_name(const char *key, uint64_t serial)
{
    struct fake_buf name = {0};
    fake_buf_add(&name, key, strlen(key) + 1);
    fake_buf_printf(&name, "%016" PRIx64, ~serial);
    return name;
}

static void
put_old(struct fake_bucket *b, const char *key, struct fake_object *o)
{
    struct fake_buf name = old_name(key, o->serial);
    fake_map_put(&b->old, name.data, name.len, o);
    fake_buf_free(&name);
}

/* As opaque as those of S3, and as little in order. */
void
fake_store_version_text(uint64_t serial, char out[FAKE_VERSION_TEXT])
{
    if (serial == 0)
        snprintf(out, FAKE_VERSION_TEXT, "null");
    else
        snprintf(out, FAKE_VERSION_TEXT, "%016" PRIx64 "%016" PRIx64,
                 serial * UINT64_C(0x9e3779b97f4a7c15), serial);
}

void
fake_store_publish(struct fake_bucket *b, const char *key, struct fake_object *o)
{
    if (b->versioned)
        o->serial = ++b->last_serial;
    struct fake_object *before = fake_map_put(&b->objects, key, strlen(key), o);
    if (before && b->versioned)
        put_old(b, key, before);
    else
        fake_object_unref(before);
}

uint64_t
fake_store_remove(struct fake_bucket *b, const char *key)
{
    struct fake_object *before = fake_map_remove(&b->objects, key, strlen(key));
    if (!b->versioned) {
        fake_object_unref(before);
        return 0;
    }
    if (before)
        put_old(b, key, before);
    struct fake_object *marker = fake_object_create();
    marker->serial = ++b->last_serial;
    marker->marker = true;
    put_old(b, key, marker);
    return marker->serial;
}

static struct fake_node *
first_old(const struct fake_bucket *b, const char *key)
{
    struct fake_node *n = fake_map_seek(&b->old, key, strlen(key) + 1, FAKE_SEEK_FROM);
    return n && strcmp(n->key, key) == 0 ? n : NULL;
}

struct fake_object *
fake_store_newest(struct fake_bucket *b, const char *key)
{
    struct fake_object *o = fake_store_object(b, key);
    struct fake_node *n = o ? NULL : first_old(b, key);
    return o ? o : n ? n->value : NULL;
}

static bool
is_version(const struct fake_object *o, const char *version)
{
    char text[FAKE_VERSION_TEXT];
    fake_store_version_text(o->serial, text);
    return strcmp(text, version) == 0;
}

struct fake_object *
fake_store_version(struct fake_bucket *b, const char *key, const char *version)
{
    struct fake_object *o = fake_store_object(b, key);
    if (o && is_version(o, version))
        return o;
    for (struct fake_node *n = first_old(b, key); n && strcmp(n->key, key) == 0; n = n->next[0])
        if (is_version(n->value, version))
            return n->value;
    return NULL;
}

void
fake_store_remove_version(struct fake_bucket *b, const char *key, const char *version)
{
    struct fake_object *o = fake_store_version(b, key, version);
    if (!o)
        return;
    if (o == fake_store_object(b, key)) {
        fake_object_unref(fake_map_remove(&b->objects, key, strlen(key)));
    } else {
        struct fake_buf name = old_name(key, o->serial);
        fake_object_unref(fake_map_remove(&b->old, name.data, name.len));
        fake_buf_free(&name);
    }
    struct fake_node *n = fake_store_object(b, key) ? NULL : first_old(b, key);
    struct fake_object *next = n ? n->value : NULL;
    if (next && !next->marker) { /* it is the newest now */
        fake_map_remove(&b->old, n->key, n->key_len);
        fake_map_put(&b->objects, key, strlen(key), next);
    }
}
