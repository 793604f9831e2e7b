#include <string.h>

#include "ops.h"
#include "text.h"
#include "xml.h"

int
fake_ops_bucket_list_all(struct fake_call *c)
{
    struct fake_buf *b = fake_reply_xml(c);
    fake_buf_puts(b, "<ListAllMyBucketsResult" FAKE_XML_NS "><Owner>");
    fake_xml_element(b, "ID", c->server->opt.owner);
    fake_buf_puts(b, "</Owner><Buckets>");
    fake_store_lock(&c->server->store);
    for (struct fake_node *n = fake_map_first(&c->server->store.buckets); n; n = n->next[0]) {
        const struct fake_bucket *bucket = n->value;
        fake_buf_puts(b, "<Bucket>");
        fake_xml_element(b, "Name", bucket->name);
        fake_ops_xml_time(b, "CreationDate", bucket->created_ms);
        fake_buf_puts(b, "</Bucket>");
    }
    fake_store_unlock(&c->server->store);
    fake_buf_puts(b, "</Buckets></ListAllMyBucketsResult>");
    return 0;
}

int
fake_ops_bucket_create(struct fake_call *c)
{
    struct fake_buf text = {0};
    struct fake_intake in = {
        .alg = FAKE_ALG_NONE, .use = FAKE_CHECKSUM_NONE, .text = &text, .text_max = 65536};
    int rc = fake_body_read(c, &in);
    fake_buf_free(&text);
    if (rc != 0)
        return -1;
    fake_store_lock(&c->server->store);
    if (fake_store_bucket(&c->server->store, c->bucket)) {
        rc = fake_reply_error(c, "BucketAlreadyOwnedByYou", NULL);
    } else {
        fake_store_add_bucket(&c->server->store, c->bucket, c->now_ms);
        c->reply.status = 200;
        fake_reply_header(c, "Location", "/%s", c->bucket);
    }
    fake_store_unlock(&c->server->store);
    return rc;
}

int
fake_ops_bucket_head(struct fake_call *c)
{
    if (fake_ops_check_bucket(c) != 0)
        return -1;
    c->reply.status = 200;
    fake_reply_header(c, "Content-Type", "application/xml");
    fake_reply_header(c, "x-amz-bucket-region", "%s", c->server->opt.creds.region);
    return 0;
}

int
fake_ops_bucket_delete(struct fake_call *c)
{
    if (fake_ops_check_bucket(c) != 0)
        return -1;
    int rc = 0;
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    if (!b)
        rc = -1;
    else if (b->objects.count > 0 || b->old.count > 0)
        rc = fake_reply_error(c, "BucketNotEmpty", NULL);
    else
        fake_store_remove_bucket(&c->server->store, b);
    fake_store_unlock(&c->server->store);
    if (rc == 0)
        c->reply.status = 204;
    return rc;
}

int
fake_ops_bucket_location(struct fake_call *c)
{
    if (fake_ops_check_bucket(c) != 0)
        return -1;
    struct fake_buf *b = fake_reply_xml(c);
    const char *region = c->server->opt.creds.region;
    fake_buf_puts(b, "<LocationConstraint" FAKE_XML_NS ">");
    if (strcmp(region, "us-east-1") != 0) /* the oldest region has no name here */
        fake_xml_escape(b, region);
    fake_buf_puts(b, "</LocationConstraint>");
    return 0;
}
