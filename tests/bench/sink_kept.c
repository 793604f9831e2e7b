/* The strict corner of the sink: objects that are kept. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink_kept.h"

#define COPY_RESULT                                                                            \
    "<CopyObjectResult><LastModified>2026-01-01T00:00:00.000Z</LastModified>"                  \
    "<ETag>&quot;%s&quot;</ETag><ChecksumCRC64NVME>%s</ChecksumCRC64NVME>"                     \
    "<ChecksumType>FULL_OBJECT</ChecksumType></CopyObjectResult>"

bool
sink_kept_checksum_right(const struct sink_request *r, uint64_t crc64nvme)
{
    uint64_t sent;
    return r->crc64nvme == NULL ||
           (weir_crc64nvme_parse(r->crc64nvme, &sent) == 0 && sent == crc64nvme);
}

static bool
same_etag(const char *quoted, const char *etag)
{
    size_t quote = quoted[0] == '"';
    size_t n = strlen(etag);
    return strncmp(quoted + quote, etag, n) == 0 && quoted[quote + n] == (quote ? '"' : '\0');
}

bool
sink_kept_refused(const struct sink_request *r, const struct vault_object *o,
                  struct sink_reply *out)
{
    int status = 0;
    if (r->if_none_match != NULL && strcmp(r->if_none_match, "*") == 0 && o != NULL)
        status = 412;
    else if (r->if_match != NULL && o == NULL)
        status = 404;
    else if (r->if_match != NULL && !same_etag(r->if_match, o->etag))
        status = 412;
    if (status != 0)
        sink_reply_error(out, r, status, status == 404 ? "NoSuchKey" : "PreconditionFailed");
    return status != 0;
}

void
sink_kept_headers(const char *etag, uint64_t crc64nvme, char *out, size_t out_bytes)
{
    char crc[13];
    weir_crc64nvme_base64(crc64nvme, crc);
    (void)snprintf(out, out_bytes,
                   "ETag: \"%s\"\r\nx-amz-checksum-crc64nvme: %s\r\n"
                   "x-amz-checksum-type: FULL_OBJECT\r\n",
                   etag, crc);
}

char *
sink_kept_meta(const struct sink_request *r)
{
    size_t bytes = 1;
    for (size_t i = 0; i < r->meta_count; i++)
        bytes += strlen(r->meta[i].name) + strlen(r->meta[i].value) + 4;
    char *text = malloc(bytes);
    size_t at = 0;
    if (text == NULL)
        return NULL;
    text[0] = '\0';
    for (size_t i = 0; i < r->meta_count; i++)
        at += (size_t)snprintf(text + at, bytes - at, "%s: %s\r\n", r->meta[i].name,
                               r->meta[i].value);
    return text;
}

static void
put_locked(struct vault *v, const struct sink_request *r, struct vault_data *body,
           struct sink_reply *out)
{
    char headers[256];
    if (sink_kept_refused(r, vault_find_locked(v, r->path), out))
        return;
    if (!sink_kept_checksum_right(r, body->crc64nvme)) {
        sink_reply_error(out, r, 400, "BadDigest");
        return;
    }
    const struct vault_object *o =
        vault_store_locked(v, r->path, body, sink_kept_meta(r), false);
    if (o == NULL) {
        sink_reply_error(out, r, 500, "InternalError");
        return;
    }
    sink_kept_headers(o->etag, o->data.crc64nvme, headers, sizeof(headers));
    sink_reply_set(out, r, 200, headers, "");
}

const struct vault_object *
sink_kept_source_locked(const struct vault *v, const struct sink_request *r,
                        struct sink_reply *out)
{
    const struct vault_object *o = vault_find_locked(v, r->copy_source);
    if (o == NULL)
        sink_reply_error(out, r, 404, "NoSuchKey");
    else if (r->copy_if_match != NULL && !same_etag(r->copy_if_match, o->etag)) {
        sink_reply_error(out, r, 412, "PreconditionFailed");
        return NULL;
    }
    return o;
}

static void
copy_locked(struct vault *v, const struct sink_request *r, struct sink_reply *out)
{
    char crc[13], body[512];
    struct vault_data data = {0};
    bool replace = r->directive != NULL && strcmp(r->directive, "REPLACE") == 0;
    const struct vault_object *from = sink_kept_source_locked(v, r, out);
    if (from == NULL || sink_kept_refused(r, vault_find_locked(v, r->path), out))
        return;
    if (!replace && strcmp(r->path, r->copy_source) == 0) {
        sink_reply_error(out, r, 400, "InvalidRequest");
        return;
    }
    if (vault_data_share(&data, &from->data, 0, from->data.bytes) != 0) {
        vault_data_fini(&data);
        sink_reply_error(out, r, 500, "InternalError");
        return;
    }
    const struct vault_object *o = vault_store_locked(
        v, r->path, &data, replace ? sink_kept_meta(r) : strdup(from->meta), false);
    if (o == NULL) {
        sink_reply_error(out, r, 500, "InternalError");
        return;
    }
    weir_crc64nvme_base64(o->data.crc64nvme, crc);
    (void)snprintf(body, sizeof(body), COPY_RESULT, o->etag, crc);
    sink_reply_set(out, r, 200, "Content-Type: application/xml\r\n", body);
}

static void
head_locked(const struct sink_request *r, const struct vault_object *o, struct sink_reply *out)
{
    char headers[3000];
    int n = snprintf(headers, sizeof(headers), "Content-Length: %" PRIu64 "\r\n%s",
                     o->data.bytes, o->meta);
    if (n < 0 || (size_t)n >= sizeof(headers)) {
        sink_reply_error(out, r, 500, "InternalError");
        return;
    }
    sink_kept_headers(o->etag, o->data.crc64nvme, headers + n, sizeof(headers) - (size_t)n);
    sink_reply_set(out, r, 200, headers, "");
}

/* Only what is short and whose bytes were kept: probe objects. */
static void
get_locked(const struct sink_request *r, const struct vault_object *o, struct sink_reply *out)
{
    char bytes[2048];
    if (vault_data_read(&o->data, bytes, sizeof(bytes)) != 0)
        sink_reply_error(out, r, 501, "NotImplemented");
    else
        sink_reply_bytes(out, bytes, (size_t)o->data.bytes);
}

static void
object_locked(struct vault *v, const struct sink_request *r, struct vault_data *body,
              struct sink_reply *out)
{
    const struct vault_object *o = vault_find_locked(v, r->path);
    if (r->kind == SINK_PUT) {
        put_locked(v, r, body, out);
    } else if (r->kind == SINK_COPY) {
        copy_locked(v, r, out);
    } else if (r->kind == SINK_DELETE) {
        vault_remove_locked(v, r->path);
        sink_reply_set(out, r, 204, "", "");
    } else if (o == NULL) {
        sink_reply_error(out, r, 404, "NoSuchKey");
    } else if (r->kind == SINK_HEAD) {
        head_locked(r, o, out);
    } else {
        get_locked(r, o, out);
    }
}

void
sink_kept_answer(struct vault *v, const struct sink_request *r, struct vault_data *body,
                 struct sink_reply *out)
{
    (void)pthread_mutex_lock(&v->lock);
    switch (r->kind) {
    case SINK_CREATE:
    case SINK_PART:
    case SINK_COPY_PART:
    case SINK_COMPLETE:
    case SINK_ABORT:
    case SINK_LIST_PARTS:
        sink_kept_upload_locked(v, r, body, out);
        break;
    default:
        object_locked(v, r, body, out);
    }
    (void)pthread_mutex_unlock(&v->lock);
}
