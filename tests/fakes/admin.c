#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "body.h"
#include "framing.h"
#include "reply.h"
#include "text.h"

#define SCRIPT_MAX_BYTES (1 << 20)

bool
fake_admin_wants(const struct fake_request *r)
{
    return strncmp(r->path, "/_fake/", 7) == 0;
}

static struct fake_buf *
json(struct fake_call *c)
{
    c->reply.status = 200;
    fake_reply_header(c, "Content-Type", "application/json");
    return &c->reply.body;
}

static void
show_log(struct fake_call *c)
{
    struct fake_server *s = c->server;
    uint64_t objects = 0, bytes = 0, uploads = 0, parts = 0;
    fake_store_lock(&s->store);
    for (struct fake_node *b = fake_map_first(&s->store.buckets); b; b = b->next[0]) {
        const struct fake_bucket *bucket = b->value;
        objects += bucket->objects.count;
        for (struct fake_node *n = fake_map_first(&bucket->objects); n; n = n->next[0])
            bytes += ((const struct fake_object *)n->value)->data.bytes;
        for (struct fake_node *n = fake_map_first(&bucket->uploads); n; n = n->next[0]) {
            const struct fake_upload *u = n->value;
            uploads += u->completed_body == NULL;
            parts += u->part_count;
        }
    }
    fake_store_unlock(&s->store);
    pthread_mutex_lock(&s->conn_lock);
    uint64_t open = s->conn_open, accepted = s->conn_accepted;
    pthread_mutex_unlock(&s->conn_lock);
    struct fake_buf *out = json(c);
    fake_buf_printf(out,
                    "{\"objects\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"uploads\":%" PRIu64
                    ",\"parts\":%" PRIu64 ",\"connections\":{\"open\":%" PRIu64
                    ",\"accepted\":%" PRIu64 "},",
                    objects, bytes, uploads, parts, open, accepted);
    fake_accesslog_report(&s->log, out);
    fake_buf_puts(out, "}\n");
}

static void
add_percent(struct fake_buf *out, const char *name, const char *key)
{
    fake_buf_printf(out, "\"%s\":\"", name);
    fake_text_percent(out, key, strlen(key), FAKE_SLASH_KEEP);
    fake_buf_puts(out, "\"");
}

/* Digests of the stored bytes, computed now: they owe nothing to what a client claimed. */
static void
add_digests(struct fake_buf *out, const struct fake_object *o)
{
    static const enum fake_alg algs[] = {FAKE_CRC64NVME, FAKE_SHA256};
    uint8_t sum[FAKE_SUM_MAX];
    char text[2 * FAKE_SUM_MAX + 1];
    for (size_t i = 0; i < 2; i++) {
        const struct fake_alg_info *info = fake_checksum_info(algs[i]);
        if (fake_data_sum(&o->data, algs[i], sum) != 0)
            continue;
        fake_text_hex(sum, info->bytes, text);
        fake_buf_printf(out, ",\"%s\":\"%s\"", info->lower, text);
    }
}

static void
add_object(struct fake_buf *out, const char *bucket, const char *key,
           const struct fake_object *o, bool digests)
{
    fake_buf_puts(out, "{");
    add_percent(out, "bucket", bucket);
    fake_buf_puts(out, ",");
    add_percent(out, "key", key);
    fake_buf_printf(out, ",\"size\":%" PRIu64 ",\"etag\":\"%s\",\"parts\":%u", o->data.bytes,
                    o->etag, o->piece_count);
    if (o->alg != FAKE_ALG_NONE)
        fake_buf_printf(out, ",\"checksum\":\"%s:%s:%s\"", fake_checksum_info(o->alg)->name,
                        fake_checksum_type_name(o->type), o->sum);
    if (digests)
        add_digests(out, o);
    fake_buf_puts(out, ",\"headers\":{");
    for (size_t i = 0; i < o->fields.count; i++) {
        fake_buf_puts(out, i ? "," : "");
        fake_text_json(out, o->fields.field[i].name);
        fake_buf_puts(out, ":");
        fake_text_json(out, o->fields.field[i].value);
    }
    fake_buf_puts(out, "}}\n");
}

struct found {
    char *bucket, *key;
    struct fake_object *object;
};
struct catch
{
    struct found *found;
    size_t count;
};

static void
add_found(struct catch *all, const char *bucket, struct fake_node *n)
{
    if ((all->count & (all->count - 1)) == 0) /* full at every power of two */
        all->found =
            fake_grow(all->found, (all->count ? all->count * 2 : 1) * sizeof(*all->found));
    all->found[all->count++] =
        (struct found){fake_strdup(bucket), fake_strdup(n->key), fake_object_ref(n->value)};
}

/* One JSON object a line.  The objects are collected first, so that the digests are computed
 * without the lock. */
static void
show_objects(struct fake_call *c)
{
    struct fake_store *s = &c->server->store;
    const char *want = fake_http_param(&c->req, "bucket");
    const char *prefix = fake_http_param(&c->req, "prefix");
    const char *digests = fake_http_param(&c->req, "digests");
    struct catch all = {0};
    struct fake_buf *out = json(c);
    fake_store_lock(s);
    for (struct fake_node *b = fake_map_first(&s->buckets); b; b = b->next[0]) {
        const struct fake_bucket *bucket = b->value;
        if (want && strcmp(want, bucket->name) != 0)
            continue;
        for (struct fake_node *n = fake_map_first(&bucket->objects); n; n = n->next[0])
            if (!prefix || strncmp(n->key, prefix, strlen(prefix)) == 0)
                add_found(&all, bucket->name, n);
    }
    fake_store_unlock(s);
    for (size_t i = 0; i < all.count; i++) {
        struct found *f = &all.found[i];
        add_object(out, f->bucket, f->key, f->object, !digests || strcmp(digests, "no") != 0);
        fake_object_unref(f->object);
        free(f->bucket);
        free(f->key);
    }
    free(all.found);
}

static void
show_uploads(struct fake_call *c)
{
    struct fake_store *s = &c->server->store;
    struct fake_buf *out = json(c);
    fake_store_lock(s);
    for (struct fake_node *b = fake_map_first(&s->buckets); b; b = b->next[0]) {
        const struct fake_bucket *bucket = b->value;
        for (struct fake_node *n = fake_map_first(&bucket->uploads); n; n = n->next[0]) {
            const struct fake_upload *u = n->value;
            if (u->completed_body)
                continue;
            fake_buf_puts(out, "{");
            add_percent(out, "bucket", bucket->name);
            fake_buf_puts(out, ",");
            add_percent(out, "key", u->key);
            fake_buf_printf(out, ",\"upload_id\":\"%s\",\"parts\":%u}\n", u->id, u->part_count);
        }
    }
    fake_store_unlock(s);
}

static void
say(struct fake_call *c, int status, const char *text)
{
    c->reply.status = status;
    fake_reply_header(c, "Content-Type", "text/plain");
    fake_buf_puts(&c->reply.body, text);
}

static void
set_script(struct fake_call *c)
{
    struct fake_server *s = c->server;
    struct fake_buf text = {0}, error = {0};
    struct fake_intake in = {.alg = FAKE_ALG_NONE,
                             .use = FAKE_CHECKSUM_NONE,
                             .text = &text,
                             .text_max = SCRIPT_MAX_BYTES};
    if (fake_body_read(c, &in) == 0) {
        struct fake_script *script = fake_script_parse(fake_buf_text(&text), &error);
        if (script) {
            pthread_mutex_lock(&s->script_lock);
            struct fake_script *old = s->script;
            s->script = script;
            pthread_mutex_unlock(&s->script_lock);
            fake_script_free(old);
            say(c, 200, "ok\n");
        } else {
            say(c, 400, fake_buf_text(&error));
        }
    }
    fake_buf_free(&error);
    fake_buf_free(&text);
}

static void
show_script(struct fake_call *c)
{
    struct fake_server *s = c->server;
    struct fake_buf *out = json(c);
    pthread_mutex_lock(&s->script_lock);
    if (s->script)
        fake_script_report(s->script, out);
    else
        fake_buf_puts(out, "[]\n");
    pthread_mutex_unlock(&s->script_lock);
}

/* Changes one stored bit behind everybody's back. */
static void
corrupt(struct fake_call *c)
{
    struct fake_store *s = &c->server->store;
    const char *bucket = fake_http_param(&c->req, "bucket");
    const char *key = fake_http_param(&c->req, "key");
    const char *offset_text = fake_http_param(&c->req, "offset");
    uint64_t offset = 0;
    char byte;
    bool done = false;
    if (!bucket || !key ||
        (offset_text && fake_text_uint(offset_text, UINT64_MAX / 2, &offset) != 0)) {
        say(c, 400, "corrupt wants bucket, key and perhaps offset\n");
        return;
    }
    fake_store_lock(s);
    struct fake_bucket *b = fake_store_bucket(s, bucket);
    struct fake_object *o = b ? fake_store_object(b, key) : NULL;
    if (o && offset < o->data.bytes && fake_data_read(&o->data, offset, &byte, 1) == 0) {
        byte ^= 1;
        done = fake_data_write(&o->data, offset, &byte, 1) == 0;
    }
    fake_store_unlock(s);
    say(c, done ? 200 : 404, done ? "ok\n" : "no such byte\n");
}

static void
set_credentials(struct fake_call *c)
{
    fake_server_set_creds(c->server, fake_http_param(&c->req, "access-key"),
                          fake_http_param(&c->req, "secret-key"),
                          fake_http_param(&c->req, "session-token"));
    say(c, 200, "ok\n");
}

static void
reset_log(struct fake_call *c)
{
    fake_accesslog_reset(&c->server->log);
    say(c, 200, "ok\n");
}

void
fake_admin_do(struct fake_call *c)
{
    static const struct {
        const char *method, *path;
        void (*run)(struct fake_call *c);
    } pages[] = {
        {"GET", "/_fake/log", show_log},
        {"POST", "/_fake/reset", reset_log},
        {"GET", "/_fake/objects", show_objects},
        {"GET", "/_fake/uploads", show_uploads},
        {"GET", "/_fake/script", show_script},
        {"POST", "/_fake/script", set_script},
        {"POST", "/_fake/corrupt", corrupt},
        {"POST", "/_fake/credentials", set_credentials},
    };
    c->auth.payload = FAKE_PAYLOAD_UNSIGNED;
    c->logged = true; /* not part of what tests count */
    if (fake_body_begin(c) == 0) {
        for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
            if (strcmp(pages[i].method, c->req.method) == 0 &&
                strcmp(pages[i].path, c->req.path) == 0)
                pages[i].run(c);
        if (c->reply.status == 0)
            say(c, 404, "log, reset, objects, uploads, script, corrupt, credentials\n");
    }
    fake_framing_finish(c);
    fake_reply_send(c);
}
