#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"
#include "text.h"
#include "xml.h"

/* A server that publishes less than it was sent, and says nothing. */
static void
shorten(struct fake_call *c, struct fake_data *d)
{
    struct fake_data kept = {0};
    uint64_t less = c->fault.short_bytes < d->bytes ? c->fault.short_bytes : d->bytes;
    if (less == 0)
        return;
    fake_data_share(&kept, d, 0, d->bytes - less);
    fake_data_free(d);
    *d = kept;
}

static int
publish(struct fake_call *c, struct fake_object *o)
{
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    int rc = b ? fake_ops_precondition_locked(c, b) : -1;
    if (rc == 0) {
        fake_object_ref(o);
        fake_store_publish(b, c->key, o);
    }
    fake_store_unlock(&c->server->store);
    return rc;
}

int
fake_ops_object_put(struct fake_call *c)
{
    struct fake_intake in = {.use = FAKE_CHECKSUM_OF_BODY, .alg = FAKE_CRC64NVME};
    if (c->lenient & (FAKE_LENIENT_CHECKSUM | FAKE_LENIENT_CHECKSUM_MARKER))
        in.alg = FAKE_ALG_NONE;
    if (fake_ops_check_bucket(c) != 0 || fake_body_said(c, &in.said) != 0)
        return -1;
    struct fake_object *o = fake_object_create();
    int rc = fake_ops_collect_fields(c, &o->fields);
    if (rc == 0)
        rc = fake_body_read(c, &in);
    o->data = in.data;
    if (rc == 0) {
        shorten(c, &o->data);
        o->mtime_ms = c->now_ms;
        o->alg = in.alg;
        o->type = FAKE_FULL_OBJECT;
        fake_ops_etag_text(c, in.md5, o->etag);
        if (o->alg != FAKE_ALG_NONE)
            fake_ops_sum_text(o->alg, in.sum, o->sum);
        rc = publish(c, o);
    }
    if (rc == 0) {
        c->reply.status = 200;
        fake_reply_header(c, "ETag", "\"%s\"", o->etag);
        fake_ops_sum_header(c, o->alg, o->type, o->sum);
        fake_ops_version_header(c, o->serial);
    }
    fake_object_unref(o);
    return rc;
}

/* What was asked for is a delete marker, or nothing; -1. */
static int
no_object(struct fake_call *c, const struct fake_object *marker, const char *version)
{
    const char *code = marker && version ? "MethodNotAllowed"
                       : version         ? "NoSuchVersion"
                                         : "NoSuchKey";
    fake_reply_error(c, code, NULL);
    if (marker) {
        fake_reply_header(c, "x-amz-delete-marker", "true");
        fake_ops_version_header(c, marker->serial);
    }
    return -1;
}

static struct fake_object *
take_object(struct fake_call *c)
{
    struct fake_object *o = NULL;
    const char *version = fake_http_param(&c->req, "versionId");
    if (fake_ops_check_bucket(c) != 0)
        return NULL;
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    if (b)
        o = version ? fake_store_version(b, c->key, version) : fake_store_newest(b, c->key);
    if (b && (!o || o->marker))
        no_object(c, o, version);
    o = o && !o->marker ? fake_object_ref(o) : NULL;
    fake_store_unlock(&c->server->store);
    return o;
}

/* bytes=A-B, bytes=A- and bytes=-N; anything else is not a range.  0 whole, 1 part, -1 error.
 */
static int
parse_range(struct fake_call *c, const char *header, const struct fake_object *o)
{
    uint64_t size = o->data.bytes, first = 0, last = 0;
    char text[64];
    const char *dash = header ? strchr(header, '-') : NULL;
    if (!dash || strncmp(header, "bytes=", 6) != 0 || strlen(header) >= sizeof(text))
        return 0;
    memcpy(text, header + 6, strlen(header) - 5);
    char *second = strchr(text, '-');
    *second++ = 0;
    bool has_first = *text, has_last = *second;
    if ((!has_first && !has_last) ||
        (has_first && fake_text_uint(text, UINT64_MAX / 2, &first) != 0) ||
        (has_last && fake_text_uint(second, UINT64_MAX / 2, &last) != 0) ||
        (has_first && has_last && last < first))
        return 0;
    if (!has_first) { /* the last N bytes */
        first = last < size ? size - last : 0;
        if (last == 0)
            first = size;
        has_last = false;
    }
    if (first >= size) {
        struct fake_buf number = {0};
        fake_buf_printf(&number, "%" PRIu64, size);
        fake_xml_element(&c->reply.detail, "RangeRequested", header);
        fake_xml_element(&c->reply.detail, "ActualObjectSize", number.data);
        fake_buf_free(&number);
        return fake_reply_error(c, "InvalidRange", NULL);
    }
    c->reply.offset = first;
    c->reply.bytes = (has_last && last < size ? last + 1 : size) - first;
    return 1;
}

/* The range of ?partNumber=N; 1, or -1 with an error as the reply. */
static int
part_range(struct fake_call *c, const struct fake_object *o, uint32_t *number)
{
    if (fake_http_header(&c->req, "range"))
        return fake_reply_error(c, "InvalidRequest",
                                "Cannot specify both Range header and partNumber query "
                                "parameter");
    if (fake_ops_part_number(c, number) != 0)
        return -1;
    if (*number > (o->piece_count ? o->piece_count : 1))
        return fake_reply_error(c, "InvalidPartNumber", NULL);
    c->reply.offset = 0;
    c->reply.bytes = o->data.bytes;
    if (o->piece_count) {
        for (uint32_t i = 0; i + 1 < *number; i++)
            c->reply.offset += o->piece[i].bytes;
        c->reply.bytes = o->piece[*number - 1].bytes;
    }
    return 1;
}

static int
check_read_conditions(struct fake_call *c, const struct fake_object *o)
{
    const char *match = fake_http_header(&c->req, "if-match");
    const char *none_match = fake_http_header(&c->req, "if-none-match");
    if (match && strcmp(match, "*") != 0 && !fake_ops_same_etag(match, o->etag))
        return fake_reply_error(c, "PreconditionFailed", NULL);
    if (none_match && (strcmp(none_match, "*") == 0 || fake_ops_same_etag(none_match, o->etag)))
        return fake_reply_error(c, "NotModified", NULL);
    return 0;
}

/* A checksum speaks about the whole, or about one part of a COMPOSITE object. */
static void
send_sum(struct fake_call *c, const struct fake_object *o, int ranged, uint32_t part)
{
    const char *mode = fake_http_header(&c->req, "x-amz-checksum-mode");
    if (!mode || !fake_text_same_nocase(mode, "ENABLED"))
        return;
    if (!ranged || (part && o->piece_count == 0))
        fake_ops_sum_header(c, o->alg, o->type, o->sum);
    else if (part && o->type == FAKE_COMPOSITE)
        fake_ops_sum_header(c, o->alg, o->type, o->piece[part - 1].sum);
}

int
fake_ops_object_get(struct fake_call *c)
{
    struct fake_object *o = take_object(c);
    uint32_t part = 0;
    char date[40];
    if (!o)
        return -1;
    c->reply.offset = 0;
    c->reply.bytes = o->data.bytes;
    int ranged = check_read_conditions(c, o);
    bool by_part =
        fake_http_param(&c->req, "partNumber") && !(c->lenient & FAKE_LENIENT_PART_NUMBER);
    if (ranged == 0)
        ranged = by_part ? part_range(c, o, &part)
                         : parse_range(c, fake_http_header(&c->req, "range"), o);
    if (ranged < 0) {
        fake_object_unref(o);
        return -1;
    }
    c->reply.status = ranged ? 206 : 200;
    c->reply.object = o;
    c->reply.has_object = true;
    fake_text_http_date(o->mtime_ms, date);
    fake_reply_header(c, "Last-Modified", "%s", date);
    fake_reply_header(c, "ETag", "\"%s\"", o->etag);
    fake_reply_header(c, "Accept-Ranges", "bytes");
    fake_ops_version_header(c, o->serial);
    fake_ops_send_fields(c, &o->fields);
    if (ranged && c->reply.bytes > 0)
        fake_reply_header(c, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                          c->reply.offset, c->reply.offset + c->reply.bytes - 1, o->data.bytes);
    if (part && o->piece_count)
        fake_reply_header(c, "x-amz-mp-parts-count", "%u", o->piece_count);
    send_sum(c, o, ranged, part);
    return 0;
}

static bool
wants(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; (p = strstr(p, name)); p += n)
        if ((p == list || p[-1] == ',' || p[-1] == ' ') && (!p[n] || p[n] == ','))
            return true;
    return false;
}

static void
add_pieces(struct fake_buf *b, const struct fake_object *o, uint64_t marker, uint64_t max)
{
    fake_buf_printf(b, "<ObjectParts><PartsCount>%u</PartsCount>", o->piece_count);
    /* real S3 names the parts of COMPOSITE objects only */
    if (o->type == FAKE_COMPOSITE) {
        uint64_t end = marker + max < o->piece_count ? marker + max : o->piece_count;
        fake_buf_printf(b,
                        "<PartNumberMarker>%" PRIu64 "</PartNumberMarker><MaxParts>%" PRIu64
                        "</MaxParts><NextPartNumberMarker>%" PRIu64
                        "</NextPartNumberMarker><IsTruncated>%s</IsTruncated>",
                        marker, max, end, end < o->piece_count ? "true" : "false");
        for (uint64_t i = marker; i < end; i++) {
            fake_buf_printf(
                b, "<Part><PartNumber>%" PRIu64 "</PartNumber><Size>%" PRIu64 "</Size>", i + 1,
                o->piece[i].bytes);
            fake_xml_element(b, fake_checksum_info(o->alg)->xml, o->piece[i].sum);
            fake_buf_puts(b, "</Part>");
        }
    }
    fake_buf_puts(b, "</ObjectParts>");
}

static void
add_attributes(struct fake_call *c, const struct fake_object *o, const char *list,
               uint64_t marker, uint64_t max)
{
    struct fake_buf *b = fake_reply_xml(c);
    fake_buf_puts(b, "<GetObjectAttributesResponse" FAKE_XML_NS ">");
    if (wants(list, "ETag"))
        fake_xml_element(b, "ETag", o->etag);
    if (wants(list, "Checksum") && o->alg != FAKE_ALG_NONE) {
        char plain[FAKE_SUM_TEXT];
        size_t n = strcspn(o->sum, "-"); /* here without the -N of a COMPOSITE value */
        memcpy(plain, o->sum, n);
        plain[n] = 0;
        fake_buf_puts(b, "<Checksum>");
        fake_xml_element(b, fake_checksum_info(o->alg)->xml, plain);
        fake_xml_element(b, "ChecksumType", fake_checksum_type_name(o->type));
        fake_buf_puts(b, "</Checksum>");
    }
    if (wants(list, "ObjectParts") && o->piece_count)
        add_pieces(b, o, marker, max);
    if (wants(list, "StorageClass")) {
        const char *class = fake_fields_get(&o->fields, "x-amz-storage-class");
        fake_xml_element(b, "StorageClass", class ? class : "STANDARD");
    }
    if (wants(list, "ObjectSize"))
        fake_buf_printf(b, "<ObjectSize>%" PRIu64 "</ObjectSize>", o->data.bytes);
    fake_buf_puts(b, "</GetObjectAttributesResponse>");
}

int
fake_ops_object_attributes(struct fake_call *c)
{
    const char *list = fake_http_header(&c->req, "x-amz-object-attributes");
    const char *max_text = fake_http_header(&c->req, "x-amz-max-parts");
    const char *marker_text = fake_http_header(&c->req, "x-amz-part-number-marker");
    uint64_t max = 1000, marker = 0;
    char date[40];
    if (c->lenient & FAKE_LENIENT_ATTRIBUTES)
        return fake_reply_error(c, "NotImplemented", NULL);
    if (!list)
        return fake_reply_error(c, "InvalidArgument",
                                "The x-amz-object-attributes header is missing");
    if ((max_text && fake_text_uint(max_text, 1000, &max) != 0) ||
        (marker_text && fake_text_uint(marker_text, 10000, &marker) != 0))
        return fake_reply_error(c, "InvalidArgument", NULL);
    struct fake_object *o = take_object(c);
    if (!o)
        return -1;
    add_attributes(c, o, list, marker, max);
    fake_text_http_date(o->mtime_ms, date);
    fake_reply_header(c, "Last-Modified", "%s", date);
    fake_object_unref(o);
    return 0;
}
