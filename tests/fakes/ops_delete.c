#include <string.h>

#include "errors.h"
#include "ops.h"
#include "xml.h"

#define DELETE_MAX 1000
#define DELETE_BODY_MAX (2 << 20)

int
fake_ops_delete_one(struct fake_call *c)
{
    if (fake_ops_check_bucket(c) != 0)
        return -1;
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    int rc = b ? fake_ops_precondition_locked(c, b) : -1;
    const char *version = fake_http_param(&c->req, "versionId");
    uint64_t marker = 0;
    if (rc == 0 && version)
        fake_store_remove_version(b, c->key, version);
    else if (rc == 0)
        marker = fake_store_remove(b, c->key);
    fake_store_unlock(&c->server->store);
    if (rc != 0)
        return -1;
    c->reply.status = 204; /* also when there was nothing */
    fake_ops_version_header(c, marker);
    if (marker)
        fake_reply_header(c, "x-amz-delete-marker", "true");
    return 0;
}

static int
check_list(struct fake_call *c, const struct fake_xml *x)
{
    size_t count = 0;
    if (!x || strcmp(x->name, "Delete") != 0)
        return fake_reply_error(c, "MalformedXML", NULL);
    for (const struct fake_xml *o = x->child; o; o = o->next) {
        if (strcmp(o->name, "Quiet") == 0)
            continue;
        const char *key = fake_xml_child_text(o, "Key");
        if (strcmp(o->name, "Object") != 0 || !key || !*key)
            return fake_reply_error(c, "MalformedXML", NULL);
        count++;
    }
    return count == 0 || count > DELETE_MAX ? fake_reply_error(c, "MalformedXML", NULL) : 0;
}

static void
add_error(struct fake_buf *out, const char *key, const char *code)
{
    const struct fake_error *e = fake_errors_find(code);
    fake_buf_puts(out, "<Error>");
    fake_xml_element(out, "Key", key);
    fake_xml_element(out, "Code", code);
    fake_xml_element(out, "Message", e ? e->message : code);
    fake_buf_puts(out, "</Error>");
}

/* The fault that a script has for this key: rules with op=DeleteKey. */
static struct fake_fault
pick_fault(struct fake_call *c, const char *key)
{
    struct fake_server *s = c->server;
    struct fake_fault f = {.play = FAKE_PLAY_TRUE};
    struct fake_what what = {
        .op = "DeleteKey", .bucket = c->bucket, .key = key, .query = "", .inner = true};
    pthread_mutex_lock(&s->script_lock);
    if (s->script)
        fake_script_pick(s->script, &what, &f);
    pthread_mutex_unlock(&s->script_lock);
    return f;
}

static void
add_deleted(struct fake_buf *out, const char *key, const char *version, uint64_t marker)
{
    char text[FAKE_VERSION_TEXT];
    fake_buf_puts(out, "<Deleted>");
    fake_xml_element(out, "Key", key);
    if (version)
        fake_xml_element(out, "VersionId", version);
    if (marker) {
        fake_store_version_text(marker, text);
        fake_xml_element(out, "DeleteMarker", "true");
        fake_xml_element(out, "DeleteMarkerVersionId", text);
    }
    fake_buf_puts(out, "</Deleted>");
}

static void
delete_key(struct fake_call *c, struct fake_bucket *b, const struct fake_xml *x, bool quiet,
           struct fake_buf *out)
{
    const char *key = fake_xml_child_text(x, "Key");
    const char *etag = fake_xml_child_text(x, "ETag");
    const char *version = fake_xml_child_text(x, "VersionId");
    const struct fake_object *old = fake_store_object(b, key);
    struct fake_fault fault = pick_fault(c, key);
    bool fails = fault.play == FAKE_PLAY_ERROR;
    uint64_t marker = 0;
    if (!fails && etag && (!old || !fake_ops_same_etag(etag, old->etag))) {
        add_error(out, key, "PreconditionFailed");
        return;
    }
    if ((!fails || fault.commit) && version)
        fake_store_remove_version(b, key, version);
    else if (!fails || fault.commit)
        marker = fake_store_remove(b, key);
    if (fails)
        add_error(out, key, fault.code);
    else if (!quiet && fault.play == FAKE_PLAY_TRUE)
        add_deleted(out, key, version, marker);
}

static void
delete_listed(struct fake_call *c, struct fake_bucket *b, const struct fake_xml *x)
{
    const char *text = fake_xml_child_text(x, "Quiet");
    bool quiet = text && strcmp(text, "true") == 0;
    struct fake_buf *out = fake_reply_xml(c);
    fake_buf_puts(out, "<DeleteResult" FAKE_XML_NS ">");
    for (const struct fake_xml *o = x->child; o; o = o->next)
        if (strcmp(o->name, "Object") == 0)
            delete_key(c, b, o, quiet, out);
    fake_buf_puts(out, "</DeleteResult>");
}

int
fake_ops_delete_many(struct fake_call *c)
{
    struct fake_buf text = {0};
    struct fake_intake in = {.alg = FAKE_ALG_NONE,
                             .use = FAKE_CHECKSUM_OF_BODY,
                             .text = &text,
                             .text_max = DELETE_BODY_MAX};
    if (fake_ops_check_bucket(c) != 0 || fake_body_said(c, &in.said) != 0)
        return -1;
    if (!fake_http_header(&c->req, "content-md5") && in.said.alg == FAKE_ALG_NONE &&
        !(c->lenient & (FAKE_LENIENT_MD5 | FAKE_LENIENT_CHECKSUM)))
        return fake_reply_error(c, "InvalidRequest",
                                "Missing required header for this request: Content-MD5 OR "
                                "x-amz-checksum-*");
    int rc = fake_body_read(c, &in);
    struct fake_xml *x = rc == 0 ? fake_xml_parse(fake_buf_text(&text)) : NULL;
    if (rc == 0)
        rc = check_list(c, x);
    if (rc == 0) {
        fake_store_lock(&c->server->store);
        struct fake_bucket *b = fake_ops_bucket_locked(c);
        if (b)
            delete_listed(c, b, x);
        fake_store_unlock(&c->server->store);
    }
    fake_xml_free(x);
    fake_buf_free(&text);
    return rc;
}
