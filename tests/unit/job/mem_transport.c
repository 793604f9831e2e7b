#include "mem_transport.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/digest.h>

#define ARENA_BYTES ((size_t)256 << 20)

static struct mem_store *current; /* the one that weir_transport_open() opens */

struct handle {
    struct weir_transport base; /* first member */
    struct mem_store *store;
    const struct weir_transport_options *options;
};

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

struct mem_store *
mem_store_create(void)
{
    void *p =
        mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
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

static void
lock(struct mem_store *s)
{
    if (pthread_mutex_lock(&s->lock) == EOWNERDEAD) /* died on purpose, between two works */
        (void)pthread_mutex_consistent(&s->lock);
}

static void
unlock(struct mem_store *s)
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

static void
describe_object(struct mem_store *s, struct mem_object *o, const struct weir_object *from)
{
    o->key = copy_text(s, from->key);
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

static struct mem_object *
publish(struct mem_store *s, const struct mem_object *new)
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
    return publish(s, &o);
}

static struct mem_upload *
new_upload(struct mem_store *s, const struct weir_object *object)
{
    struct mem_upload *u = take(s, sizeof(*u));
    memset(u, 0, sizeof(*u));
    describe_object(s, &u->object, object);
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
    (void)new_upload(s, &o);
}

/* ---- faults ---- */

struct call {
    struct mem_store *s;
    struct mem_fault *fault; /* that fires, or NULL */
};

static void
die(struct mem_store *s)
{
    lock(s); /* nobody else is in the middle of something */
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
static int
enter(struct weir_transport *t, enum mem_op op, const char *key, struct call *c,
      struct weir_err *err)
{
    struct handle *h = (struct handle *)t;
    struct mem_store *s = h->store;
    *c = (struct call){.s = s};
    lock(s);
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
    unlock(s);
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

static int
leave(struct call *c, int rc, struct weir_err *err)
{
    if (c->fault != NULL && c->fault->act == MEM_KILL_AFTER)
        die(c->s);
    if (rc != 0 || c->fault == NULL)
        return rc;
    return c->fault->act == MEM_LOSE_REPLY ? fail(c->fault, true, err) : 0;
}

/* ---- operations ---- */

static int
mem_probe(struct weir_transport *t, uint64_t nonce, unsigned *out_caps, struct weir_err *err)
{
    struct call c;
    (void)nonce;
    if (enter(t, MEM_PROBE, NULL, &c, err) != 0)
        return -1;
    *out_caps = c.s->caps;
    return leave(&c, 0, err);
}

static int
check_condition(struct mem_store *s, const struct weir_object *object, bool complete,
                struct weir_err *err)
{
    const struct mem_object *o = mem_store_find(s, object->key);
    unsigned absent = complete ? WEIR_CAP_IF_NONE_MATCH_COMPLETE : WEIR_CAP_IF_NONE_MATCH;
    if (object->condition == WEIR_COND_ABSENT && (s->caps & absent) != 0 && o != NULL)
        return weir_err_set(err, WEIR_E_EXISTS, "%s is there", object->key);
    if (object->condition == WEIR_COND_MATCH && (s->caps & WEIR_CAP_IF_MATCH) != 0 &&
        (o == NULL || strcmp(o->etag, object->etag) != 0))
        return weir_err_set(err, WEIR_E_EXISTS, "%s is another", object->key);
    return 0;
}

static void
tell(const struct mem_store *s, const struct mem_object *o, struct weir_stored *out)
{
    unsigned cap = o->multipart ? WEIR_CAP_STORED_CHECKSUM_MPU : WEIR_CAP_STORED_CHECKSUM;
    *out = (struct weir_stored){.bytes = o->bytes};
    (void)snprintf(out->etag, sizeof(out->etag), "%s", o->etag);
    out->has_crc64nvme = (s->caps & cap) != 0;
    out->crc64nvme = out->has_crc64nvme ? o->crc64nvme : 0;
}

static int
mem_put(struct weir_transport *t, const struct weir_object *object, const void *data,
        size_t bytes, uint64_t crc64nvme, struct weir_stored *out, struct weir_err *err)
{
    struct call c;
    if (enter(t, MEM_PUT, object->key, &c, err) != 0)
        return -1;
    lock(c.s);
    c.s->put_bytes += bytes;
    if (c.s->put_bytes > c.s->put_bytes_max)
        c.s->put_bytes_max = c.s->put_bytes;
    unlock(c.s);
    bool intact = weir_crc64nvme(0, data, bytes) == crc64nvme;
    lock(c.s);
    c.s->put_bytes -= bytes;
    int rc = check_condition(c.s, object, false, err);
    if (rc == 0 && !intact)
        rc = weir_err_set(err, WEIR_E_DIGEST, "%s", object->key);
    if (rc == 0) {
        struct mem_object o = {.bytes = bytes, .crc64nvme = crc64nvme};
        describe_object(c.s, &o, object);
        tell(c.s, publish(c.s, &o), out);
    }
    unlock(c.s);
    return leave(&c, rc, err);
}

static int
mem_create(struct weir_transport *t, const struct weir_object *object, char *out_id,
           struct weir_err *err)
{
    struct call c;
    if (enter(t, MEM_CREATE, object->key, &c, err) != 0)
        return -1;
    lock(c.s);
    (void)snprintf(out_id, WEIR_UPLOAD_ID_BYTES, "%s", new_upload(c.s, object)->id);
    unlock(c.s);
    return leave(&c, 0, err);
}

static struct mem_upload *
find_upload(struct mem_store *s, const char *key, const char *id)
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
    struct call c;
    if (enter(t, MEM_PART, key, &c, err) != 0)
        return -1;
    lock(c.s);
    int rc = 0;
    struct mem_upload *u = find_upload(c.s, key, upload_id);
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
        *out = *p;
    }
    unlock(c.s);
    return leave(&c, rc, err);
}

static int
assemble(struct mem_store *s, const struct weir_object *object, const char *upload_id,
         const struct weir_part *parts, size_t count, uint64_t object_bytes, uint64_t crc64nvme,
         struct weir_stored *out, struct weir_err *err)
{
    struct mem_upload *u = find_upload(s, object->key, upload_id);
    if (u == NULL)
        return weir_err_set(err, WEIR_E_NO_UPLOAD, "%s", object->key);
    if (check_condition(s, object, true, err) != 0)
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
    tell(s, publish(s, &o), out);
    return 0;
}

static int
mem_complete(struct weir_transport *t, const struct weir_object *object, const char *upload_id,
             const struct weir_part *parts, size_t count, uint64_t object_bytes,
             uint64_t crc64nvme, struct weir_stored *out, struct weir_err *err)
{
    struct call c;
    if (enter(t, MEM_COMPLETE, object->key, &c, err) != 0)
        return -1;
    lock(c.s);
    int rc = assemble(c.s, object, upload_id, parts, count, object_bytes, crc64nvme, out, err);
    unlock(c.s);
    return leave(&c, rc, err);
}

static int
mem_abort(struct weir_transport *t, const char *key, const char *upload_id,
          struct weir_err *err)
{
    struct call c;
    if (enter(t, MEM_ABORT, key, &c, err) != 0)
        return -1;
    lock(c.s);
    struct mem_upload *u = find_upload(c.s, key, upload_id);
    if (u != NULL)
        u->open = false;
    unlock(c.s);
    return leave(&c, 0, err);
}

static int
mem_list_parts(struct weir_transport *t, const char *key, const char *upload_id,
               weir_part_fn *fn, void *ctx, struct weir_err *err)
{
    struct call c;
    if (enter(t, MEM_LIST_PARTS, key, &c, err) != 0)
        return -1;
    lock(c.s);
    int rc = 0;
    struct mem_upload *u = find_upload(c.s, key, upload_id);
    if (u == NULL)
        rc = weir_err_set(err, WEIR_E_NO_UPLOAD, "%s", key);
    for (size_t i = 0; u != NULL && i < MEM_PARTS_MAX; i++)
        if (u->parts[i].number != 0 && fn(ctx, &u->parts[i]) != 0)
            break;
    unlock(c.s);
    return leave(&c, rc, err);
}

static int
mem_list_uploads(struct weir_transport *t, const char *key_prefix, weir_upload_fn *fn,
                 void *ctx, struct weir_err *err)
{
    struct call c;
    if (enter(t, MEM_LIST_UPLOADS, key_prefix, &c, err) != 0)
        return -1;
    lock(c.s);
    for (struct mem_upload *u = c.s->uploads; u != NULL; u = u->next)
        if (u->open && strncmp(u->object.key, key_prefix, strlen(key_prefix)) == 0 &&
            fn(ctx, u->object.key, u->id, 0) != 0)
            break;
    unlock(c.s);
    return leave(&c, 0, err);
}

static int
mem_head(struct weir_transport *t, const char *key, struct weir_head *out, struct weir_err *err)
{
    struct call c;
    if (enter(t, MEM_HEAD, key, &c, err) != 0)
        return -1;
    lock(c.s);
    const struct mem_object *o = mem_store_find(c.s, key);
    int rc = o != NULL ? 0 : weir_err_set(err, WEIR_E_NOT_FOUND, "%s", key);
    if (o != NULL) {
        memset(out, 0, sizeof(*out));
        tell(c.s, o, &out->stored);
        out->meta_count = o->meta_count;
        for (size_t i = 0; i < o->meta_count; i++)
            out->meta[i] = o->meta[i]; /* the arena never moves */
    }
    unlock(c.s);
    return leave(&c, rc, err);
}

static int
mem_list(struct weir_transport *t, const char *key_prefix, const char *start_after,
         weir_list_fn *fn, void *ctx, struct weir_err *err)
{
    struct call c; /* only the sweep of old probes lists, and there are none */
    (void)start_after;
    (void)fn;
    (void)ctx;
    if (enter(t, MEM_LIST, key_prefix, &c, err) != 0)
        return -1;
    return leave(&c, 0, err);
}

static int
mem_remove(struct weir_transport *t, const char *key, struct weir_err *err)
{
    (void)t;
    return weir_err_set(err, WEIR_E_BUG, "%s: weir removes nothing", key);
}

static const struct weir_limits *
mem_limits(const struct weir_transport *t)
{
    static const struct weir_limits limits = {.part_bytes_min = (uint64_t)1 << 20,
                                              .part_bytes_max = (uint64_t)1 << 30,
                                              .put_bytes_max = (uint64_t)1 << 30,
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
    .list = mem_list,
    .remove = mem_remove,
    .close = mem_close,
};

int
weir_transport_open(const struct weir_transport_options *options, struct weir_transport **out,
                    struct weir_err *err)
{
    struct handle *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "mem");
    *h = (struct handle){.base.ops = &ops, .store = current, .options = options};
    *out = &h->base;
    return 0;
}

static int
mem_clone(struct weir_transport *t, struct weir_transport **out, struct weir_err *err)
{
    return weir_transport_open(((struct handle *)t)->options, out, err);
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
