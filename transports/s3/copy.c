/* copy -- CopyObject and UploadPartCopy: bytes that the store moves by itself.
 *
 * Both may answer 200 long before they are done and say in the body how it went, so the body
 * decides.  Stores may ignore the source's ETag; what the contract says of that is for the
 * caller. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/digest.h>

#include "s3/handle.h"
#include "s3/judge.h"
#include "s3/operation.h"
#include "s3/reply.h"
#include "s3/uri.h"

struct source {               /* texts of headers: borrowed by the request until it was sent */
    struct weir_s3_text path; /* "/bucket/prefix/key", percent-encoded */
    char etag[WEIR_ETAG_BYTES + 2];
};

static int
source_name(struct weir_s3 *s, const char *key, const char *etag, struct source *out,
            struct weir_err *err)
{
    const struct weir_s3_shared *shared = s->shared;
    const char *owner = shared->options.destination->expected_owner;
    weir_s3_text_char(&out->path, '/');
    weir_s3_uri_encode(&out->path, shared->bucket, false);
    weir_s3_text_char(&out->path, '/');
    weir_s3_uri_encode(&out->path, shared->prefix, true);
    weir_s3_uri_encode(&out->path, key, true);
    if (out->path.failed)
        return weir_err_set(err, WEIR_E_NOMEM, "request");
    weir_s3_request_header(s, "x-amz-copy-source", out->path.data);
    if (etag != NULL && etag[0] != '\0') {
        (void)snprintf(out->etag, sizeof(out->etag), "\"%s\"", etag);
        weir_s3_request_header(s, "x-amz-copy-source-if-match", out->etag);
    }
    if (owner != NULL)
        weir_s3_request_header(s, "x-amz-source-expected-bucket-owner", owner);
    return 0;
}

/* Judges the body of a 200.  *out_crc is set when the store told a value of the whole. */
static int
copy_reply(struct weir_s3 *s, const char *root, char out_etag[WEIR_ETAG_BYTES], bool *out_has,
           uint64_t *out_crc, struct weir_err *err)
{
    const struct weir_s3_response *a = &s->session.response;
    const char *body = weir_s3_text_get(&a->body);
    struct weir_s3_complete_reply reply;
    size_t blank = strspn(body, " \t\r\n"); /* sent to keep the connection alive */
    if (weir_s3_reply_copy(root, body + blank, a->body.used - blank, &reply, NULL) != 0)
        return weir_s3_judge_body(s, err);
    *out_has = strcmp(reply.checksum_type, "COMPOSITE") != 0 &&
               weir_crc64nvme_parse(reply.crc64nvme, out_crc) == 0;
    memcpy(out_etag, reply.etag, sizeof(reply.etag));
    return 0;
}

/* What the new object is to have beside its bytes. */
static void
copy_describe(struct weir_s3 *s, const struct weir_object *object)
{
    struct weir_object o = *object;
    if (object->meta == NULL) { /* type and metadata are the source's, and so are its tags */
        o.meta_count = 0;
        o.content_type = NULL;
        weir_s3_request_header(s, "x-amz-metadata-directive", "COPY");
    } else {
        weir_s3_request_header(s, "x-amz-metadata-directive", "REPLACE");
        if (weir_s3_operation_tags(s))
            weir_s3_request_header(s, "x-amz-tagging-directive", "REPLACE");
    }
    weir_s3_request_header(s, "x-amz-checksum-algorithm", "CRC64NVME");
    weir_s3_operation_object(s, &o);
    weir_s3_operation_condition(s, &o);
}

int
weir_s3_copy(struct weir_transport *t, const char *source_key, const char *source_etag,
             const struct weir_object *object, struct weir_stored *out, struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    struct weir_stored stored = {.bytes = 0};
    struct source source = {.path = {0}};
    int rc = -1;
    if (object->condition == WEIR_COND_MATCH ||
        (object->meta == NULL && strcmp(source_key, object->key) == 0))
        return weir_err_set(err, WEIR_E_BUG, "copy of %s: not in the contract", source_key);
    if (weir_s3_operation_check_key(s, source_key, err) != 0 ||
        weir_s3_operation_check_key(s, object->key, err) != 0)
        return -1;
    weir_s3_request_begin(s, WEIR_S3_PUT, "CopyObject", object->key);
    /* sent twice, the second sending of a conditional copy would meet the first */
    s->request.call.once = object->condition != WEIR_COND_NONE;
    s->request.call.no_stall = true;
    copy_describe(s, object);
    if (source_name(s, source_key, source_etag, &source, err) == 0 &&
        weir_s3_request_send(s, err) == 0 &&
        copy_reply(s, "CopyObjectResult", stored.etag, &stored.has_crc64nvme, &stored.crc64nvme,
                   err) == 0) {
        memcpy(stored.version, s->session.response.version, sizeof(stored.version));
        *out = stored;
        rc = 0;
    } else {
        weir_err_add(err, "copy of %s", source_key);
    }
    weir_s3_text_free(&source.path);
    return rc;
}

static int
copy_part_send(struct weir_s3 *s, struct weir_part *out, struct weir_err *err)
{
    if (weir_s3_request_send(s, err) != 0 ||
        copy_reply(s, "CopyPartResult", out->etag, &out->has_crc64nvme, &out->crc64nvme, err) !=
            0)
        return -1;
    if (out->etag[0] == '\0')
        return weir_s3_judge_fail(s, WEIR_E_PROTOCOL, "there is no ETag", err);
    return 0;
}

int
weir_s3_copy_part(struct weir_transport *t, const char *key, const char *upload_id,
                  uint32_t number, const char *source_key, const char *source_etag,
                  uint64_t offset, uint64_t bytes, struct weir_part *out, struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    struct weir_part part = {.number = number, .bytes = bytes};
    struct source source = {.path = {0}};
    char number_text[16], range[64];
    int rc = -1;
    if (weir_s3_operation_check_key(s, source_key, err) != 0 ||
        weir_s3_operation_check_key(s, key, err) != 0)
        return -1;
    if (bytes == 0 || bytes - 1 > UINT64_MAX - offset)
        return weir_err_set(err, WEIR_E_BUG, "range of %" PRIu64 " bytes at %" PRIu64, bytes,
                            offset);
    (void)snprintf(number_text, sizeof(number_text), "%" PRIu32, number);
    (void)snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, offset,
                   offset + bytes - 1);
    weir_s3_request_begin(s, WEIR_S3_PUT, "UploadPartCopy", key);
    weir_s3_request_query(s, "partNumber", number_text);
    weir_s3_request_query(s, "uploadId", upload_id);
    s->request.call.no_stall = true;
    weir_s3_request_header(s, "x-amz-copy-source-range", range);
    if (source_name(s, source_key, source_etag, &source, err) == 0 &&
        copy_part_send(s, &part, err) == 0) {
        *out = part;
        rc = 0;
    } else {
        weir_err_add(err, "part %s from %s of %s", number_text, range, source_key);
    }
    weir_s3_text_free(&source.path);
    return rc;
}
