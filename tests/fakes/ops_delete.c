#include <string.h>

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
    if (rc == 0)
        fake_store_publish(b, c->key, NULL);
    fake_store_unlock(&c->server->store);
    if (rc == 0)
        c->reply.status = 204; /* also when there was nothing */
    return rc;
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
delete_listed(struct fake_call *c, struct fake_bucket *b, const struct fake_xml *x)
{
    const char *quiet = fake_xml_child_text(x, "Quiet");
    struct fake_buf *out = fake_reply_xml(c);
    fake_buf_puts(out, "<DeleteResult" FAKE_XML_NS ">");
    for (const struct fake_xml *o = x->child; o; o = o->next) {
        const char *key = fake_xml_child_text(o, "Key");
        const char *etag = fake_xml_child_text(o, "ETag");
        if (!key)
            continue;
        const struct fake_object *old = fake_store_object(b, key);
        bool refused = etag && (!old || !fake_ops_same_etag(etag, old->etag));
        if (refused) {
            fake_buf_puts(out, "<Error>");
            fake_xml_element(out, "Key", key);
            fake_xml_element(out, "Code", "PreconditionFailed");
            fake_xml_element(out, "Message", "The ETag does not match");
            fake_buf_puts(out, "</Error>");
            continue;
        }
        fake_store_publish(b, key, NULL);
        if (quiet && strcmp(quiet, "true") == 0)
            continue;
        fake_buf_puts(out, "<Deleted>");
        fake_xml_element(out, "Key", key);
        fake_buf_puts(out, "</Deleted>");
    }
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
