#include <inttypes.h>
#include <string.h>

#include "ops.h"
#include "text.h"
#include "xml.h"

#define VERSIONING_BODY_MAX 65536

void
fake_ops_version_header(struct fake_call *c, uint64_t serial)
{
    char text[FAKE_VERSION_TEXT];
    if (serial == 0)
        return;
    fake_store_version_text(serial, text);
    fake_reply_header(c, "x-amz-version-id", "%s", text);
}

int
fake_ops_versions_get(struct fake_call *c)
{
    if (fake_ops_check_bucket(c) != 0)
        return -1;
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    bool on = b && b->versioned;
    fake_store_unlock(&c->server->store);
    struct fake_buf *out = fake_reply_xml(c);
    fake_buf_puts(out, "<VersioningConfiguration" FAKE_XML_NS ">");
    if (on)
        fake_xml_element(out, "Status", "Enabled");
    fake_buf_puts(out, "</VersioningConfiguration>");
    return 0;
}

/* On, and on for ever: suspending is not played. */
int
fake_ops_versions_set(struct fake_call *c)
{
    struct fake_buf text = {0};
    struct fake_intake in = {.alg = FAKE_ALG_NONE,
                             .use = FAKE_CHECKSUM_OF_BODY,
                             .text = &text,
                             .text_max = VERSIONING_BODY_MAX};
    if (fake_ops_check_bucket(c) != 0 || fake_body_said(c, &in.said) != 0)
        return -1;
    int rc = fake_body_read(c, &in);
    struct fake_xml *x = rc == 0 ? fake_xml_parse(fake_buf_text(&text)) : NULL;
    const char *status = x ? fake_xml_child_text(x, "Status") : NULL;
    if (rc == 0 && (!x || strcmp(x->name, "VersioningConfiguration") != 0 || !status))
        rc = fake_reply_error(c, "MalformedXML", NULL);
    else if (rc == 0 && strcmp(status, "Enabled") != 0)
        rc = fake_reply_error(c, "NotImplemented", NULL);
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = rc == 0 ? fake_ops_bucket_locked(c) : NULL;
    if (b) {
        b->versioned = true;
        c->reply.status = 200;
    }
    fake_store_unlock(&c->server->store);
    fake_xml_free(x);
    fake_buf_free(&text);
    return b ? 0 : -1;
}

static void
write_version(struct fake_call *c, struct fake_buf *out, const char *key,
              const struct fake_object *o, bool latest)
{
    char text[FAKE_VERSION_TEXT];
    const char *element = o->marker ? "DeleteMarker" : "Version";
    fake_store_version_text(o->serial, text);
    fake_buf_printf(out, "<%s>", element);
    fake_ops_xml_key(c, out, "Key", key);
    fake_xml_element(out, "VersionId", text);
    fake_xml_element(out, "IsLatest", latest ? "true" : "false");
    fake_ops_xml_time(out, "LastModified", o->mtime_ms);
    if (!o->marker) {
        fake_ops_xml_etag(out, o->etag);
        fake_buf_printf(out, "<Size>%" PRIu64 "</Size><StorageClass>STANDARD</StorageClass>",
                        o->data.bytes);
    }
    fake_buf_printf(out, "</%s>", element);
}

/* Everything in one page: tests keep small buckets.  Both maps are in the order of keys. */
static void
write_versions(struct fake_call *c, struct fake_bucket *b, const char *prefix)
{
    size_t n = strlen(prefix);
    struct fake_buf *out = fake_reply_xml(c);
    struct fake_node *now = fake_map_seek(&b->objects, prefix, n, FAKE_SEEK_FROM);
    struct fake_node *old = fake_map_seek(&b->old, prefix, n, FAKE_SEEK_FROM);
    const char *last = "";
    fake_buf_puts(out, "<ListVersionsResult" FAKE_XML_NS ">");
    fake_xml_element(out, "Name", c->bucket);
    fake_buf_puts(out, "<IsTruncated>false</IsTruncated>");
    for (;;) {
        if (now && strncmp(now->key, prefix, n) != 0)
            now = NULL;
        if (old && strncmp(old->key, prefix, n) != 0)
            old = NULL;
        if (!now && !old)
            break;
        bool first = now && (!old || strcmp(now->key, old->key) <= 0);
        struct fake_node **from = first ? &now : &old;
        write_version(c, out, (*from)->key, (*from)->value, strcmp(last, (*from)->key) != 0);
        last = (*from)->key;
        *from = (*from)->next[0];
    }
    fake_buf_puts(out, "</ListVersionsResult>");
}

int
fake_ops_versions_list(struct fake_call *c)
{
    const char *prefix = fake_http_param(&c->req, "prefix");
    uint64_t max;
    if (fake_ops_check_bucket(c) != 0 || fake_ops_page_size(c, "max-keys", 1000, &max) != 0)
        return -1;
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    if (b)
        write_versions(c, b, prefix ? prefix : "");
    fake_store_unlock(&c->server->store);
    return b ? 0 : -1;
}
