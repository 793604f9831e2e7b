/* remove -- DeleteObject and DeleteObjects.
 *
 * A batch names keys in XML; keys that XML cannot carry, and all keys of a store that does not
 * know DeleteObjects, are removed one by one. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include <weir/digest.h>

#include "s3/errors.h"
#include "s3/handle.h"
#include "s3/judge.h"
#include "s3/operation.h"
#include "s3/reply.h"

static bool
is_gone(const struct weir_err *err)
{
    return err->code == WEIR_E_NOT_FOUND && err->scope == WEIR_SCOPE_OBJECT;
}

static int
delete_object(struct weir_s3 *s, const char *key, struct weir_err *own)
{
    s->session.response.version[0] = '\0';
    weir_s3_request_begin(s, WEIR_S3_DELETE, "DeleteObject", key);
    return weir_s3_request_send(s, own) == 0 || is_gone(own) ? 0 : -1;
}

int
weir_s3_remove(struct weir_transport *t, const char *key, struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    struct weir_err own = WEIR_ERR_INIT;
    if (weir_s3_operation_check_key(s, key, err) != 0)
        return -1;
    return delete_object(s, key, &own) == 0 ? 0 : weir_s3_operation_pass(&own, err);
}

struct batch {
    struct weir_s3 *s;
    const char *const *keys;
    size_t count;
    bool *told;    /* owned: the caller has heard of this key */
    size_t next;   /* where the next answer is looked for first: most stores keep the order */
    size_t untold; /* of those in the request */
    weir_removed_fn *fn;
    void *ctx;
};

static void
tell(struct batch *b, size_t index, const char *version, const struct weir_err *why)
{
    b->told[index] = true;
    b->fn(b->ctx, index, version, why);
}

/* ---- one by one ---- */

/* Is this error about more than the one key? */
static bool
stops_all(const struct weir_err *err)
{
    switch (err->code) {
    case WEIR_E_NETWORK:
    case WEIR_E_THROTTLED:
    case WEIR_E_CANCELLED:
    case WEIR_E_NOMEM:
        return true;
    default:
        return err->scope == WEIR_SCOPE_RUN;
    }
}

/* Removes those of which the caller has not heard. */
static int
remove_singly(struct batch *b, struct weir_err *err)
{
    for (size_t i = 0; i < b->count; i++) {
        struct weir_err own = WEIR_ERR_INIT;
        if (b->told[i])
            continue;
        int rc = delete_object(b->s, b->keys[i], &own);
        if (rc != 0 && stops_all(&own))
            return weir_s3_operation_pass(&own, err);
        tell(b, i, rc == 0 ? b->s->session.response.version : "", rc == 0 ? NULL : &own);
    }
    return 0;
}

/* ---- together ---- */

/* XML 1.0 has no U+FFFE and U+FFFF.  Control characters are in no key. */
static bool
fits_xml(const char *key)
{
    return strstr(key, "\xef\xbf\xbe") == NULL && strstr(key, "\xef\xbf\xbf") == NULL;
}

static void
batch_body(struct batch *b, struct weir_s3_text *t)
{
    weir_s3_text_add(t, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < b->count; i++) {
        if (!fits_xml(b->keys[i]))
            continue;
        weir_s3_text_add(t, "<Object><Key>");
        weir_s3_text_xml(t, b->s->shared->prefix);
        weir_s3_text_xml(t, b->keys[i]);
        weir_s3_text_add(t, "</Key></Object>");
        b->untold++;
    }
    weir_s3_text_add(t, "</Delete>");
}

/* Older stores know Content-MD5 only.  Where the library forbids MD5 it is left out. */
static void
content_md5(struct weir_s3 *s, const struct weir_s3_text *body, char text[32])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    size_t bytes = 0;
    if (EVP_Q_digest(NULL, "MD5", NULL, body->data, body->used, sum, &bytes) != 1 ||
        bytes != 16)
        return;
    (void)EVP_EncodeBlock((unsigned char *)text, sum, 16);
    weir_s3_request_header(s, "content-md5", text);
}

static int
batch_send(struct batch *b, const struct weir_s3_text *body, struct weir_err *err)
{
    char checksum[13], md5[32];
    struct weir_s3 *s = b->s;
    weir_s3_request_begin(s, WEIR_S3_POST, "DeleteObjects", NULL);
    weir_s3_request_query(s, "delete", "");
    s->request.call.body = body->data;
    s->request.call.body_bytes = body->used;
    s->request.sign_body = true;
    weir_s3_request_header(s, "content-type", "application/xml");
    content_md5(s, body, md5);
    weir_s3_operation_checksum(s, weir_crc64nvme(0, body->data, body->used), checksum);
    return weir_s3_request_send(s, err);
}

/* The index of a key of the reply, or count. */
static size_t
find(const struct batch *b, const char *key)
{
    size_t strip = strlen(b->s->shared->prefix);
    if (strncmp(key, b->s->shared->prefix, strip) != 0)
        return b->count;
    for (size_t n = 0; n < b->count; n++) {
        size_t i = (b->next + n) % b->count;
        if (!b->told[i] && strcmp(b->keys[i], key + strip) == 0)
            return i;
    }
    return b->count;
}

static int
on_deleted(void *ctx, const struct weir_s3_deleted *d, struct weir_err *err)
{
    struct batch *b = ctx;
    struct weir_err why = WEIR_ERR_INIT;
    size_t i = find(b, d->key);
    if (i == b->count)
        return weir_err_set(err, WEIR_E_PROTOCOL,
                            "XML reply: key \"%.80s\" was not asked for, or told before",
                            d->key);
    b->next = i + 1;
    b->untold--;
    if (d->why != NULL) {
        b->s->request.key = b->keys[i]; /* the message is about this key */
        weir_s3_judge_reply(b->s, 500, d->why, &why);
        b->s->request.key = NULL;
    }
    bool gone = d->why == NULL || is_gone(&why);
    tell(b, i, d->version, gone ? NULL : &why);
    return 0;
}

/* Does this error say that the store has no such operation? */
static bool
is_unknown(const struct weir_err *err)
{
    return err->http_status == 501 || err->http_status == 405 ||
           strcmp(err->s3_code, "NotImplemented") == 0 ||
           strcmp(err->s3_code, "MethodNotAllowed") == 0;
}

/* Judges the body of a 200 and hands out what it says.  The body leaves the session first, so
 * that the callback may use the handle. */
static int
batch_reply(struct batch *b, struct weir_err *err)
{
    struct weir_s3 *s = b->s;
    struct weir_s3_text body = s->session.response.body;
    struct weir_err own = WEIR_ERR_INIT;
    size_t blank = strspn(weir_s3_text_get(&body), " \t\r\n");
    size_t before = b->untold;
    s->session.response.body = (struct weir_s3_text){0};
    int rc = weir_s3_reply_deleted(weir_s3_text_get(&body) + blank, body.used - blank,
                                   on_deleted, b, &own);
    if (rc != 0 && b->untold == before) { /* an <Error>, or nothing of ours at all */
        s->session.response.body = body;
        return weir_s3_judge_body(s, err);
    }
    weir_s3_text_free(&body);
    if (rc == 0 && b->untold == 0)
        return 0;
    return weir_s3_judge_fail(s, WEIR_E_PROTOCOL,
                              rc != 0 ? own.frame[0] : "it does not tell of every key", err);
}

static int
remove_together(struct batch *b, struct weir_err *err)
{
    struct weir_s3_text body = {0};
    struct weir_err own = WEIR_ERR_INIT;
    int rc = 0;
    batch_body(b, &body);
    if (body.failed)
        rc = weir_err_set(&own, WEIR_E_NOMEM, "list of %zu keys", b->count);
    else if (b->untold > 0 && (rc = batch_send(b, &body, &own)) == 0)
        rc = batch_reply(b, &own);
    weir_s3_text_free(&body);
    if (rc == 0)
        return 0;
    if (!is_unknown(&own))
        return weir_s3_operation_pass(&own, err);
    atomic_store(&b->s->shared->no_delete_objects, true);
    return 0;
}

int
weir_s3_remove_many(struct weir_transport *t, const char *const *keys, size_t count,
                    weir_removed_fn *fn, void *ctx, struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    struct batch b = {.s = s, .keys = keys, .count = count, .fn = fn, .ctx = ctx};
    if (count > s->shared->limits.remove_count_max)
        return weir_err_set(err, WEIR_E_LIMIT, "%zu keys to remove at once; %zu are possible",
                            count, s->shared->limits.remove_count_max);
    for (size_t i = 0; i < count; i++)
        if (weir_s3_operation_check_key(s, keys[i], err) != 0)
            return -1;
    b.told = calloc(count + 1, sizeof(*b.told));
    if (b.told == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "list of %zu keys", count);
    int rc = 0;
    if (!atomic_load(&s->shared->no_delete_objects))
        rc = remove_together(&b, err);
    if (rc == 0) /* what is left: all of them, or those that XML cannot carry */
        rc = remove_singly(&b, err);
    free(b.told);
    return rc;
}
