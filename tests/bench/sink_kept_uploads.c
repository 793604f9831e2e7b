/* The strict corner of the sink: multipart uploads of objects that are kept. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink_kept.h"

static void
create_locked(struct vault *v, const struct sink_request *r, struct sink_reply *out)
{
    char body[512];
    const struct vault_upload *u = vault_begin_locked(v, r->path, sink_kept_meta(r));
    if (u == NULL) {
        sink_reply_error(out, r, 500, "InternalError");
        return;
    }
    (void)snprintf(body, sizeof(body),
                   "<InitiateMultipartUploadResult><Bucket>bench</Bucket><Key>key</Key>"
                   "<UploadId>%u</UploadId></InitiateMultipartUploadResult>",
                   u->id);
    sink_reply_set(out, r, 200, "x-amz-checksum-algorithm: CRC64NVME\r\n", body);
}

/* Takes over the data. */
static void
keep_part(struct vault_upload *u, unsigned long n, struct vault_data *data)
{
    vault_data_fini(&u->part[n]);
    u->part[n] = *data;
    u->here[n] = true;
    *data = (struct vault_data){0};
}

static void
part(struct vault_upload *u, const struct sink_request *r, unsigned long n,
     struct vault_data *body, struct sink_reply *out)
{
    char headers[256], etag[VAULT_ETAG_BYTES];
    if (!sink_kept_checksum_right(r, body->crc64nvme)) {
        sink_reply_error(out, r, 400, "BadDigest");
        return;
    }
    keep_part(u, n, body);
    vault_etag(&u->part[n], false, etag);
    sink_kept_headers(etag, u->part[n].crc64nvme, headers, sizeof(headers));
    sink_reply_set(out, r, 200, headers, "");
}

/* "bytes=FIRST-LAST", both inside the source. */
static bool
parse_range(const char *text, uint64_t size, uint64_t *offset, uint64_t *bytes)
{
    uint64_t first, last;
    char tail;
    *offset = 0;
    *bytes = size;
    if (text == NULL)
        return true;
    if (sscanf(text, "bytes=%" SCNu64 "-%" SCNu64 "%c", &first, &last, &tail) != 2 ||
        last < first || last >= size)
        return false;
    *offset = first;
    *bytes = last - first + 1;
    return true;
}

static void
copy_part_locked(struct vault *v, struct vault_upload *u, const struct sink_request *r,
                 unsigned long n, struct sink_reply *out)
{
    uint64_t offset, bytes;
    char etag[VAULT_ETAG_BYTES], crc[13], body[512];
    struct vault_data data = {0};
    const struct vault_object *from = sink_kept_source_locked(v, r, out);
    if (from == NULL)
        return;
    if (!parse_range(r->copy_range, from->data.bytes, &offset, &bytes)) {
        sink_reply_error(out, r, 400, "InvalidArgument");
        return;
    }
    if (vault_data_share(&data, &from->data, offset, bytes) != 0) {
        vault_data_fini(&data);
        sink_reply_error(out, r, 501, "NotImplemented");
        return;
    }
    keep_part(u, n, &data);
    vault_etag(&u->part[n], false, etag);
    weir_crc64nvme_base64(u->part[n].crc64nvme, crc);
    (void)snprintf(body, sizeof(body),
                   "<CopyPartResult><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                   "<ETag>&quot;%s&quot;</ETag><ChecksumCRC64NVME>%s</ChecksumCRC64NVME>"
                   "</CopyPartResult>",
                   etag, crc);
    sink_reply_set(out, r, 200, "Content-Type: application/xml\r\n", body);
}

/* All parts that are there, in order. */
static int
join(const struct vault_upload *u, struct vault_data *out)
{
    for (size_t n = 1; n <= VAULT_PARTS_MAX; n++)
        if (u->here[n] && vault_data_share(out, &u->part[n], 0, u->part[n].bytes) != 0)
            return -1;
    return 0;
}

static void
published(const struct sink_request *r, const struct vault_object *o, struct sink_reply *out)
{
    char headers[256], crc[13], body[512];
    weir_crc64nvme_base64(o->data.crc64nvme, crc);
    sink_kept_headers(o->etag, o->data.crc64nvme, headers, sizeof(headers));
    (void)snprintf(body, sizeof(body),
                   "<CompleteMultipartUploadResult><Location>http://sink/</Location>"
                   "<Bucket>bench</Bucket><Key>key</Key><ETag>&quot;%s&quot;</ETag>"
                   "<ChecksumCRC64NVME>%s</ChecksumCRC64NVME>"
                   "<ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>",
                   o->etag, crc);
    sink_reply_set(out, r, 200, headers, body);
}

static void
complete_locked(struct vault *v, struct vault_upload *u, const struct sink_request *r,
                struct sink_reply *out)
{
    struct vault_data data = {0};
    if (sink_kept_refused(r, vault_find_locked(v, r->path), out))
        return;
    if (join(u, &data) != 0 || !sink_kept_checksum_right(r, data.crc64nvme)) {
        vault_data_fini(&data);
        sink_reply_error(out, r, 400, "BadDigest");
        return;
    }
    char *meta = u->meta;
    u->meta = NULL;
    vault_end_locked(v, u);
    const struct vault_object *o = vault_store_locked(v, r->path, &data, meta, true);
    if (o == NULL)
        sink_reply_error(out, r, 500, "InternalError");
    else
        published(r, o, out);
}

static unsigned long
number_of(const struct sink_request *r, const char *name)
{
    char text[32] = "";
    (void)sink_query_get(r->query, name, text, sizeof(text));
    return strtoul(text, NULL, 10);
}

static void
any_part_locked(struct vault *v, struct vault_upload *u, const struct sink_request *r,
                struct vault_data *body, struct sink_reply *out)
{
    unsigned long n = number_of(r, "partNumber");
    if (n < 1 || n > VAULT_PARTS_MAX)
        sink_reply_error(out, r, 400, "InvalidArgument");
    else if (r->kind == SINK_PART)
        part(u, r, n, body, out);
    else
        copy_part_locked(v, u, r, n, out);
}

void
sink_kept_upload_locked(struct vault *v, const struct sink_request *r, struct vault_data *body,
                        struct sink_reply *out)
{
    struct vault_upload *u =
        vault_upload_locked(v, r->path, (unsigned)number_of(r, "uploadId"));
    if (r->kind == SINK_CREATE) {
        create_locked(v, r, out);
    } else if (u == NULL) {
        sink_reply_error(out, r, 404, "NoSuchUpload");
    } else if (r->kind == SINK_COMPLETE) {
        complete_locked(v, u, r, out);
    } else if (r->kind == SINK_ABORT) {
        vault_end_locked(v, u);
        sink_reply_set(out, r, 204, "", "");
    } else if (r->kind == SINK_LIST_PARTS) {
        sink_reply_set(out, r, 200, "", "<ListPartsResult/>");
    } else {
        any_part_locked(v, u, r, body, out);
    }
}
