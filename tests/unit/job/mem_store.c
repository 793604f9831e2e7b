/* mem_store -- objects and uploads in shared memory, and the faults that are played. */
#include "mem_store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/digest.h>

/* Address space; memory is taken only where something is written. */
#define ARENA_BYTES ((size_t)4 << 30)
#define KEPT_BYTES_MAX ((size_t)16 << 20)

static struct mem_store *current; /* the one that is opened */

/* ---- the store ---- */

static void *
take(struct mem_store *s, size_t bytes)
{
    size_t at = (s->used + 15) & ~(size_t)15;
    if (at + bytes > ARENA_BYTES)
        abort();
    s->used = at + bytes;
    return s->arena + at;
}

static char *
copy_text(struct mem_store *s, const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(take(s, bytes), text, bytes);
}

const unsigned char *
mem_keep(struct mem_store *s, const void *data, size_t bytes)
{
    if (bytes > KEPT_BYTES_MAX || bytes + KEPT_BYTES_MAX > ARENA_BYTES - s->used)
        return NULL;
    void *kept = take(s, bytes + 1);
    return memcpy(kept, bytes > 0 ? data : "", bytes);
}

unsigned char *
mem_room(struct mem_store *s, uint64_t bytes)
{
    return bytes + KEPT_BYTES_MAX > ARENA_BYTES - s->used ? NULL : take(s, (size_t)bytes + 1);
}

struct mem_store *
mem_store_create(void)
{
    void *p = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        abort();
    struct mem_store *s = p;
    s->arena = p;
    s->used = sizeof(*s);
    s->caps = MEM_CAPS_ALL;
    pthread_mutexattr_t a;
    (void)pthread_mutexattr_init(&a);
    (void)pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    (void)pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    (void)pthread_mutex_init(&s->lock, &a);
    (void)pthread_mutexattr_destroy(&a);
    current = s;
    return s;
}

void
mem_store_free(struct mem_store *s)
{
    (void)pthread_mutex_destroy(&s->lock);
    (void)munmap(s->arena, ARENA_BYTES);
    current = NULL;
}

void
mem_store_calm(struct mem_store *s)
{
    memset(s->faults, 0, sizeof(s->faults));
    memset(s->calls, 0, sizeof(s->calls));
}

void
mem_lock(struct mem_store *s)
{
    if (pthread_mutex_lock(&s->lock) == EOWNERDEAD) /* died on purpose, between two works */
        (void)pthread_mutex_consistent(&s->lock);
}

void
mem_unlock(struct mem_store *s)
{
    (void)pthread_mutex_unlock(&s->lock);
}

struct mem_object *
mem_store_find(struct mem_store *s, const char *key)
{
    struct mem_object *o = s->objects;
    while (o != NULL && strcmp(o->key, key) != 0)
        o = o->next;
    return o;
}

unsigned
mem_store_open_uploads(struct mem_store *s)
{
    unsigned n = 0;
    for (struct mem_upload *u = s->uploads; u != NULL; u = u->next)
        n += u->open;
    return n;
}

unsigned
mem_store_count(struct mem_store *s)
{
    unsigned n = 0;
    for (struct mem_object *o = s->objects; o != NULL; o = o->next)
        n++;
    return n;
}

void
mem_store_remove(struct mem_store *s, const char *key)
{
    for (struct mem_object **o = &s->objects; *o != NULL; o = &(*o)->next) {
        if (strcmp((*o)->key, key) == 0) {
            *o = (*o)->next;
            return;
        }
    }
}

void
mem_describe_object(struct mem_store *s, struct mem_object *o, const struct weir_object *from)
{
    o->key = copy_text(s, from->key);
    if (from->meta_count > MEM_META_MAX)
        abort();
    o->meta_count = from->meta_count;
    for (size_t i = 0; i < from->meta_count; i++)
        o->meta[i] = (struct weir_kv){copy_text(s, from->meta[i].name),
                                      copy_text(s, from->meta[i].value)};
}

static bool
same_content(const struct mem_object *a, const struct mem_object *b)
{
    if (a->bytes != b->bytes || a->crc64nvme != b->crc64nvme || a->meta_count != b->meta_count)
        return false;
    for (size_t i = 0; i < a->meta_count; i++)
        if (strcmp(a->meta[i].name, "file-atime") != 0 &&
            strcmp(a->meta[i].value, b->meta[i].value) != 0)
            return false;
    return true;
}

struct mem_object *
mem_publish(struct mem_store *s, const struct mem_object *new)
{
    struct mem_object *old = mem_store_find(s, new->key), *o = take(s, sizeof(*o));
    if (old != NULL && same_content(old, new))
        s->duplicates++;
    mem_store_remove(s, new->key);
    *o = *new;
    (void)snprintf(o->etag, sizeof(o->etag), "e%u", ++s->serial);
    o->next = s->objects;
    s->objects = o;
    return o;
}

struct mem_object *
mem_store_plant(struct mem_store *s, const char *key, uint64_t bytes, uint64_t crc64nvme)
{
    struct mem_object o = {.bytes = bytes, .crc64nvme = crc64nvme};
    o.key = copy_text(s, key);
    return mem_publish(s, &o);
}

struct mem_object *
mem_store_plant_bytes(struct mem_store *s, const char *key, const void *data, size_t bytes,
                      const char *etag)
{
    struct mem_object o = {.bytes = bytes, .crc64nvme = weir_crc64nvme(0, data, bytes)};
    o.key = copy_text(s, key);
    o.data = mem_keep(s, data, bytes);
    struct mem_object *published = mem_publish(s, &o);
    if (etag != NULL)
        (void)snprintf(published->etag, sizeof(published->etag), "%s", etag);
    return published;
}

struct mem_upload *
mem_new_upload(struct mem_store *s, const struct weir_object *object)
{
    struct mem_upload *u = take(s, sizeof(*u));
    memset(u, 0, sizeof(*u));
    mem_describe_object(s, &u->object, object);
    (void)snprintf(u->id, sizeof(u->id), "u%u", ++s->serial);
    u->open = true;
    u->next = s->uploads;
    s->uploads = u;
    return u;
}

void
mem_store_plant_upload(struct mem_store *s, const char *key)
{
    struct weir_object o = {.key = key};
    (void)mem_new_upload(s, &o);
}

/* ---- faults ---- */

static void
die(struct mem_store *s)
{
    mem_lock(s); /* nobody else is in the middle of something */
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

static int
fail(const struct mem_fault *f, bool unknown, struct weir_err *err)
{
    weir_err_set(err, f->code == WEIR_OK ? WEIR_E_NETWORK : f->code, "as the test wants");
    err->scope = f->scope;
    err->outcome_unknown = unknown;
    return -1;
}

/* Counts the call, finds the fault, does what comes before the work. */
int
mem_enter(struct weir_transport *t, enum mem_op op, const char *key, struct mem_call *c,
          struct weir_err *err)
{
    struct mem_handle *h = (struct mem_handle *)t;
    struct mem_store *s = h->store;
    *c = (struct mem_call){.s = s};
    mem_lock(s);
    s->calls[op]++;
    s->calls[MEM_ANY]++;
    for (size_t i = 0; i < sizeof(s->faults) / sizeof(s->faults[0]); i++) {
        struct mem_fault *f = &s->faults[i];
        if (f->nth == 0 || (f->op != MEM_ANY && f->op != op) ||
            (f->key != NULL && (key == NULL || strcmp(f->key, key) != 0)))
            continue;
        unsigned n = ++f->met;
        if (c->fault == NULL && n >= f->nth && n < f->nth + (f->times > 0 ? f->times : 1))
            c->fault = f;
    }
    mem_unlock(s);
    if (weir_cancel_get(h->options->cancel) == WEIR_CANCEL_NOW)
        return weir_err_set(err, WEIR_E_CANCELLED, "stopped");
    if (c->fault == NULL)
        return 0;
    if (c->fault->act == MEM_KILL)
        die(s);
    if (c->fault->act == MEM_CALL)
        c->fault->call(c->fault->ctx);
    return c->fault->act == MEM_FAIL ? fail(c->fault, false, err) : 0;
}

int
mem_leave(struct mem_call *c, int rc, struct weir_err *err)
{
    if (c->fault != NULL && c->fault->act == MEM_KILL_AFTER)
        die(c->s);
    if (rc != 0 || c->fault == NULL)
        return rc;
    return c->fault->act == MEM_LOSE_REPLY ? fail(c->fault, true, err) : 0;
}

struct mem_store *
mem_store_current(void)
{
    return current;
}
