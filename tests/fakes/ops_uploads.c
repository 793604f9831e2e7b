#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"
#include "text.h"
#include "xml.h"

#define PAGE_MAX 1000

static struct fake_node *
first_upload(struct fake_call *c, const struct fake_bucket *b)
{
    const char *key = fake_http_param(&c->req, "key-marker");
    const char *id = fake_http_param(&c->req, "upload-id-marker");
    struct fake_buf place = {0};
    if (!key || !*key)
        return fake_map_first(&b->uploads);
    /* names are key NUL id: after the pair, or (key \1 is above them) all uploads of the key */
    fake_buf_add(&place, key, strlen(key));
    fake_buf_add(&place, id && *id ? "" : "\1", 1);
    if (id && *id)
        fake_buf_puts(&place, id);
    struct fake_node *n = fake_map_seek(&b->uploads, place.data, place.len, FAKE_SEEK_AFTER);
    fake_buf_free(&place);
    return n;
}

static void
write_upload(struct fake_call *c, struct fake_buf *b, const struct fake_upload *u)
{
    fake_buf_puts(b, "<Upload>");
    fake_ops_xml_key(c, b, "Key", u->key);
    fake_xml_element(b, "UploadId", u->id);
    fake_ops_xml_time(b, "Initiated", u->started_ms);
    fake_buf_puts(b, "<StorageClass>STANDARD</StorageClass>");
    if (u->alg_named) {
        fake_xml_element(b, "ChecksumAlgorithm", fake_checksum_info(u->alg)->name);
        fake_xml_element(b, "ChecksumType", fake_checksum_type_name(u->type));
    }
    fake_buf_puts(b, "</Upload>");
}

static void
write_uploads(struct fake_call *c, const struct fake_bucket *bucket, uint64_t max)
{
    struct fake_buf list = {0};
    const char *prefix = fake_http_param(&c->req, "prefix");
    const struct fake_upload *last = NULL;
    uint64_t count = 0;
    bool truncated = false;
    for (struct fake_node *n = first_upload(c, bucket); n && max; n = n->next[0]) {
        const struct fake_upload *u = n->value;
        if (u->completed_body || (prefix && strncmp(u->key, prefix, strlen(prefix)) != 0))
            continue;
        truncated = count == max;
        if (truncated)
            break;
        write_upload(c, &list, u);
        last = u;
        count++;
    }
    struct fake_buf *b = fake_reply_xml(c);
    fake_buf_puts(b, "<ListMultipartUploadsResult" FAKE_XML_NS ">");
    fake_xml_element(b, "Bucket", c->bucket);
    const char *marker = fake_http_param(&c->req, "key-marker");
    fake_ops_xml_key(c, b, "KeyMarker", marker ? marker : "");
    if (prefix)
        fake_ops_xml_key(c, b, "Prefix", prefix);
    if (fake_http_param(&c->req, "encoding-type"))
        fake_buf_puts(b, "<EncodingType>url</EncodingType>");
    fake_buf_printf(b, "<MaxUploads>%" PRIu64 "</MaxUploads><IsTruncated>%s</IsTruncated>", max,
                    truncated ? "true" : "false");
    if (truncated && last && c->fault.list != FAKE_LIST_NO_TOKEN) {
        fake_ops_xml_key(c, b, "NextKeyMarker", last->key);
        fake_xml_element(b, "NextUploadIdMarker", last->id);
    }
    fake_buf_puts(b, fake_buf_text(&list));
    fake_buf_puts(b, "</ListMultipartUploadsResult>");
    fake_buf_free(&list);
}

int
fake_ops_uploads_list(struct fake_call *c)
{
    uint64_t max;
    if (fake_ops_check_bucket(c) != 0 ||
        fake_ops_page_size(c, "max-uploads", PAGE_MAX, &max) != 0)
        return -1;
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    if (b)
        write_uploads(c, b, max);
    fake_store_unlock(&c->server->store);
    return b ? 0 : -1;
}

static void
write_part(struct fake_buf *b, const struct fake_upload *u, const struct fake_part *p)
{
    char sum[FAKE_SUM_TEXT];
    fake_buf_printf(b, "<Part><PartNumber>%u</PartNumber>", p->number);
    fake_ops_xml_time(b, "LastModified", p->mtime_ms);
    fake_ops_xml_etag(b, p->etag);
    fake_buf_printf(b, "<Size>%" PRIu64 "</Size>", p->data.bytes);
    if (u->alg_named) {
        fake_ops_sum_text(p->alg, p->sum, sum);
        fake_xml_element(b, fake_checksum_info(p->alg)->xml, sum);
    }
    fake_buf_puts(b, "</Part>");
}

static void
write_parts(struct fake_call *c, const struct fake_upload *u, uint64_t marker, uint64_t max)
{
    struct fake_buf *b = fake_reply_xml(c);
    struct fake_buf list = {0};
    uint64_t count = 0, last = 0;
    bool truncated = false;
    for (uint32_t i = 0; i < u->part_count && max; i++) {
        if (u->part[i].number <= marker)
            continue;
        truncated = count == max;
        if (truncated)
            break;
        write_part(&list, u, &u->part[i]);
        last = u->part[i].number;
        count++;
    }
    fake_buf_puts(b, "<ListPartsResult" FAKE_XML_NS ">");
    fake_xml_element(b, "Bucket", c->bucket);
    fake_ops_xml_key(c, b, "Key", c->key);
    fake_xml_element(b, "UploadId", u->id);
    fake_buf_printf(b,
                    "<PartNumberMarker>%" PRIu64 "</PartNumberMarker><MaxParts>%" PRIu64
                    "</MaxParts><IsTruncated>%s</IsTruncated>",
                    marker, max, truncated ? "true" : "false");
    if (truncated && c->fault.list != FAKE_LIST_NO_TOKEN)
        fake_buf_printf(b, "<NextPartNumberMarker>%" PRIu64 "</NextPartNumberMarker>",
                        c->fault.list == FAKE_LIST_REPEAT_TOKEN ? marker : last);
    fake_buf_puts(b, "<StorageClass>STANDARD</StorageClass>");
    if (u->alg_named) {
        fake_xml_element(b, "ChecksumAlgorithm", fake_checksum_info(u->alg)->name);
        fake_xml_element(b, "ChecksumType", fake_checksum_type_name(u->type));
    }
    fake_buf_puts(b, fake_buf_text(&list));
    fake_buf_puts(b, "</ListPartsResult>");
    fake_buf_free(&list);
}

int
fake_ops_uploads_parts(struct fake_call *c)
{
    uint64_t max, marker = 0;
    const char *text = fake_http_param(&c->req, "part-number-marker");
    if (fake_ops_check_bucket(c) != 0 ||
        fake_ops_page_size(c, "max-parts", PAGE_MAX, &max) != 0)
        return -1;
    if (text && fake_text_uint(text, INT32_MAX, &marker) != 0)
        return fake_reply_error(c, "InvalidArgument", NULL);
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    struct fake_upload *u = b ? fake_ops_upload_locked(c, b) : NULL;
    if (u)
        write_parts(c, u, marker, max);
    fake_store_unlock(&c->server->store);
    return u ? 0 : -1;
}
