/* objects -- PutObject, HeadObject, GetObject. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/digest.h>

#include "s3/element.h"
#include "s3/handle.h"
#include "s3/judge.h"
#include "s3/operation.h"
#include "s3/reply.h"
#include "s3/time.h"

int
weir_s3_put(struct weir_transport *t, const struct weir_object *object, const void *data,
            size_t bytes, uint64_t crc64nvme, struct weir_stored *out, struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    struct weir_stored stored = {.bytes = bytes};
    char checksum[13];
    if (weir_s3_operation_check_key(s, object->key, err) != 0)
        return -1;
    weir_s3_request_begin(s, WEIR_S3_PUT, "PutObject", object->key);
    s->request.call.body = data;
    s->request.call.body_bytes = bytes;
    /* sent twice, the second sending of a conditional PUT would meet the first */
    s->request.call.once = object->condition != WEIR_COND_NONE;
    weir_s3_operation_checksum(s, crc64nvme, checksum);
    weir_s3_operation_object(s, object);
    (void)weir_s3_operation_tags(s);
    weir_s3_operation_condition(s, object);
    if (weir_s3_request_send(s, err) != 0)
        return weir_s3_operation_conditional(object, err);
    if (weir_s3_operation_stored(s, crc64nvme, &stored, err) != 0)
        return -1;
    *out = stored;
    return 0;
}

int
weir_s3_head(struct weir_transport *t, const char *key, struct weir_head *out,
             struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    const struct weir_s3_response *a = &s->session.response;
    uint64_t bytes = 0;
    char etag[WEIR_ETAG_BYTES];
    if (weir_s3_operation_check_key(s, key, err) != 0)
        return -1;
    weir_s3_request_begin(s, WEIR_S3_HEAD, "HeadObject", key);
    weir_s3_request_header(s, "x-amz-checksum-mode", "ENABLED");
    if (weir_s3_request_send(s, err) != 0)
        return -1;
    if (weir_s3_operation_number(a->content_length, &bytes) != 0)
        return weir_s3_judge_fail(s, WEIR_E_PROTOCOL, "there is no Content-Length", err);
    if (weir_s3_element_strip(a->etag, etag) != 0)
        return weir_s3_judge_fail(s, WEIR_E_PROTOCOL, "the ETag is malformed", err);

    memset(&out->stored, 0, sizeof(out->stored));
    out->stored.bytes = bytes;
    memcpy(out->stored.etag, etag, sizeof(etag));
    memcpy(out->stored.version, a->version, sizeof(a->version));
    out->stored.has_crc64nvme = strcmp(a->checksum_type, "COMPOSITE") != 0 &&
                                weir_crc64nvme_parse(a->crc64nvme, &out->stored.crc64nvme) == 0;
    out->modified_s = 0;
    (void)weir_s3_time_http(a->last_modified, &out->modified_s);
    memcpy(out->storage_class, a->storage_class, sizeof(out->storage_class));
    memcpy(out->crc32, a->crc32, sizeof(out->crc32));
    memcpy(out->crc32c, a->crc32c, sizeof(out->crc32c));
    memcpy(out->sha1, a->sha1, sizeof(out->sha1));
    memcpy(out->sha256, a->sha256, sizeof(out->sha256));
    memcpy(out->meta_text, a->meta_text, a->meta_used);
    out->meta_count = a->meta_count;
    for (size_t i = 0; i < a->meta_count; i++) {
        out->meta[i].name = out->meta_text + (a->meta[i].name - a->meta_text);
        out->meta[i].value = out->meta_text + (a->meta[i].value - a->meta_text);
    }
    return 0;
}

int
weir_s3_get(struct weir_transport *t, const char *key, uint64_t offset, uint64_t bytes,
            weir_sink_fn *sink, void *ctx, struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    const struct weir_s3_response *a = &s->session.response;
    char range[64];
    if (weir_s3_operation_check_key(s, key, err) != 0)
        return -1;
    if (bytes == 0 || (bytes != UINT64_MAX && bytes - 1 > UINT64_MAX - offset))
        return weir_err_set(err, WEIR_E_BUG, "range of %llu bytes at %llu",
                            (unsigned long long)bytes, (unsigned long long)offset);
    weir_s3_request_begin(s, WEIR_S3_GET, "GetObject", key);
    if (bytes != UINT64_MAX)
        (void)snprintf(range, sizeof(range), "bytes=%llu-%llu", (unsigned long long)offset,
                       (unsigned long long)(offset + bytes - 1));
    else
        (void)snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)offset);
    if (bytes != UINT64_MAX || offset != 0)
        weir_s3_request_header(s, "range", range);
    s->request.call.offset = offset;
    s->request.call.bytes = bytes;
    s->request.call.sink = sink;
    s->request.call.sink_ctx = ctx;
    if (weir_s3_request_send(s, err) != 0)
        return -1;
    if (bytes != UINT64_MAX && a->sunk != bytes)
        return weir_s3_judge_fail(s, WEIR_E_PROTOCOL, "the reply has too few bytes", err);
    return 0;
}

int
weir_s3_part_size(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
                  uint32_t *out_part_count, struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    const struct weir_s3_response *a = &s->session.response;
    uint64_t bytes = 0, count = 0;
    if (weir_s3_operation_check_key(s, key, err) != 0)
        return -1;
    weir_s3_request_begin(s, WEIR_S3_HEAD, "HeadObject", key);
    weir_s3_request_query(s, "partNumber", "1");
    if (weir_s3_request_send(s, err) != 0)
        return -1;
    if (a->parts_count[0] == '\0')
        return weir_s3_judge_fail(s, WEIR_E_UNSUPPORTED,
                                  "the store does not tell of which parts the object is made",
                                  err);
    if (weir_s3_operation_number(a->parts_count, &count) != 0 || count == 0 ||
        count > UINT32_MAX || weir_s3_operation_number(a->content_length, &bytes) != 0)
        return weir_s3_judge_fail(s, WEIR_E_PROTOCOL,
                                  "the number of parts or Content-Length is malformed", err);
    *out_part_bytes = bytes;
    *out_part_count = (uint32_t)count;
    return 0;
}
