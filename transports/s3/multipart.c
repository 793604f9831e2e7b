/* multipart -- CreateMultipartUpload, UploadPart, CompleteMultipartUpload,
 * AbortMultipartUpload.
 *
 * Complete asserts the whole object's size and CRC64NVME.  Its reply is a success only when the
 * body says so: S3 sends status 200 first and may find out later. */
#include <stdio.h>
#include <string.h>

#include <weir/digest.h>

#include "s3/handle.h"
#include "s3/judge.h"
#include "s3/operation.h"
#include "s3/reply.h"

int
weir_s3_create_upload(struct weir_transport *t, const struct weir_object *object, char *out_id,
                      struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    const struct weir_s3_text *body = &s->session.response.body;
    if (weir_s3_operation_check_key(s, object->key, err) != 0)
        return -1;
    weir_s3_request_begin(s, WEIR_S3_POST, "CreateMultipartUpload", object->key);
    s->request.call.once = true;
    weir_s3_request_query(s, "uploads", "");
    weir_s3_request_header(s, "x-amz-checksum-algorithm", "CRC64NVME");
    weir_s3_request_header(s, "x-amz-checksum-type", "FULL_OBJECT");
    weir_s3_operation_object(s, object);
    (void)weir_s3_operation_tags(s);
    if (weir_s3_request_send(s, err) != 0)
        return -1;
    if (weir_s3_reply_initiate(weir_s3_text_get(body), body->used, out_id, err) != 0) {
        if (err != NULL)
            err->outcome_unknown = true;
        return weir_s3_judge_frame(s, err);
    }
    return 0;
}

int
weir_s3_put_part(struct weir_transport *t, const char *key, const char *upload_id,
                 uint32_t number, const void *data, size_t bytes, uint64_t crc64nvme,
                 struct weir_part *out, struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    struct weir_stored stored = {.bytes = bytes};
    char checksum[13], number_text[16];
    if (weir_s3_operation_check_key(s, key, err) != 0)
        return -1;
    (void)snprintf(number_text, sizeof(number_text), "%u", (unsigned)number);
    weir_s3_request_begin(s, WEIR_S3_PUT, "UploadPart", key);
    weir_s3_request_query(s, "partNumber", number_text);
    weir_s3_request_query(s, "uploadId", upload_id);
    s->request.call.body = data;
    s->request.call.body_bytes = bytes;
    weir_s3_operation_checksum(s, crc64nvme, checksum);
    if (weir_s3_request_send(s, err) != 0 ||
        weir_s3_operation_stored(s, crc64nvme, &stored, err) != 0) {
        weir_err_add(err, "part %u", (unsigned)number);
        return -1;
    }
    if (stored.etag[0] == '\0')
        return weir_s3_judge_fail(s, WEIR_E_PROTOCOL, "there is no ETag", err);
    struct weir_part part = {.number = number,
                             .bytes = bytes,
                             .has_crc64nvme = true, /* ours; the store compared it or cannot */
                             .crc64nvme = crc64nvme};
    memcpy(part.etag, stored.etag, sizeof(part.etag));
    *out = part;
    return 0;
}

static void
complete_body(struct weir_s3_text *t, const struct weir_part *parts, size_t count)
{
    char checksum[13];
    weir_s3_text_add(t, "<CompleteMultipartUpload "
                        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < count; i++) {
        weir_s3_text_add(t, "<Part>");
        if (parts[i].has_crc64nvme) {
            weir_crc64nvme_base64(parts[i].crc64nvme, checksum);
            weir_s3_text_format(t, "<ChecksumCRC64NVME>%s</ChecksumCRC64NVME>", checksum);
        }
        weir_s3_text_add(t, "<ETag>&quot;");
        weir_s3_text_xml(t, parts[i].etag);
        weir_s3_text_format(t, "&quot;</ETag><PartNumber>%u</PartNumber></Part>",
                            (unsigned)parts[i].number);
    }
    weir_s3_text_add(t, "</CompleteMultipartUpload>");
}

/* Judges the body of a 200. */
static int
complete_reply(struct weir_s3 *s, uint64_t crc64nvme, struct weir_stored *out,
               struct weir_err *err)
{
    const struct weir_s3_response *a = &s->session.response;
    const char *body = weir_s3_text_get(&a->body);
    struct weir_s3_complete_reply reply;
    size_t blank = strspn(body, " \t\r\n"); /* sent to keep the connection alive */
    if (weir_s3_reply_complete(body + blank, a->body.used - blank, &reply, NULL) != 0)
        return weir_s3_judge_body(s, err);
    out->has_crc64nvme = strcmp(reply.checksum_type, "COMPOSITE") != 0 &&
                         weir_crc64nvme_parse(reply.crc64nvme, &out->crc64nvme) == 0;
    if (out->has_crc64nvme && out->crc64nvme != crc64nvme)
        return weir_s3_judge_fail(
            s, WEIR_E_DIGEST, "the store computed another CRC64NVME for the whole object", err);
    memcpy(out->etag, reply.etag, sizeof(out->etag));
    memcpy(out->version, a->version, sizeof(out->version));
    return 0;
}

/* What the codes of a failed Complete mean for the upload. */
static int
complete_failed(const struct weir_object *object, struct weir_err *err)
{
    if (err == NULL)
        return -1;
    if (strcmp(err->s3_code, "ConditionalRequestConflict") == 0) {
        err->code = WEIR_E_NO_UPLOAD; /* S3: create the upload anew and send all parts again */
        err->retryable = false;
    }
    if (err->code == WEIR_E_DIGEST)
        err->retryable = false; /* the parts are stored: asking again changes nothing */
    return weir_s3_operation_conditional(object, err);
}

int
weir_s3_complete_upload(struct weir_transport *t, const struct weir_object *object,
                        const char *upload_id, const struct weir_part *parts, size_t count,
                        uint64_t object_bytes, uint64_t crc64nvme, struct weir_stored *out,
                        struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    struct weir_stored stored = {.bytes = object_bytes};
    struct weir_s3_text body = {0};
    char checksum[13], size_text[24];
    int rc = -1;
    if (weir_s3_operation_check_key(s, object->key, err) != 0)
        return -1;
    complete_body(&body, parts, count);
    if (body.failed) {
        weir_err_set(err, WEIR_E_NOMEM, "list of %zu parts", count);
        goto free_body;
    }
    (void)snprintf(size_text, sizeof(size_text), "%llu", (unsigned long long)object_bytes);
    weir_crc64nvme_base64(crc64nvme, checksum);
    weir_s3_request_begin(s, WEIR_S3_POST, "CompleteMultipartUpload", object->key);
    weir_s3_request_query(s, "uploadId", upload_id);
    s->request.call.body = body.data;
    s->request.call.body_bytes = body.used;
    s->request.call.once = true;
    s->request.call.no_stall = true;
    s->request.sign_body = true;
    weir_s3_request_header(s, "content-type", "application/xml");
    weir_s3_request_header(s, "x-amz-checksum-crc64nvme", checksum);
    weir_s3_request_header(s, "x-amz-checksum-type", "FULL_OBJECT");
    weir_s3_request_header(s, "x-amz-mp-object-size", size_text);
    weir_s3_operation_condition(s, object);
    if (weir_s3_request_send(s, err) != 0 || complete_reply(s, crc64nvme, &stored, err) != 0) {
        complete_failed(object, err);
        goto free_body;
    }
    *out = stored;
    rc = 0;
free_body:
    weir_s3_text_free(&body);
    return rc;
}

int
weir_s3_abort_upload(struct weir_transport *t, const char *key, const char *upload_id,
                     struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    struct weir_err own = WEIR_ERR_INIT;
    if (weir_s3_operation_check_key(s, key, err) != 0)
        return -1;
    weir_s3_request_begin(s, WEIR_S3_DELETE, "AbortMultipartUpload", key);
    weir_s3_request_query(s, "uploadId", upload_id);
    if (weir_s3_request_send(s, &own) == 0 || own.code == WEIR_E_NO_UPLOAD ||
        (own.code == WEIR_E_NOT_FOUND && own.scope == WEIR_SCOPE_OBJECT))
        return 0;
    return weir_s3_operation_pass(&own, err);
}
