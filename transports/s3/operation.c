#include "s3/operation.h"

#include <stdio.h>
#include <string.h>

#include <weir/digest.h>

#include "s3/element.h"
#include "s3/handle.h"
#include "s3/judge.h"
#include "s3/reply.h"

int
weir_s3_operation_check_key(const struct weir_s3 *s, const char *key, struct weir_err *err)
{
    size_t bytes = strlen(key);
    if (bytes == 0 || bytes > s->shared->limits.key_bytes_max)
        return weir_err_set(err, WEIR_E_LIMIT,
                            "the key has %zu bytes, and must have 1 to %zu below %s", bytes,
                            s->shared->limits.key_bytes_max, s->shared->described);
    return 0;
}

void
weir_s3_operation_checksum(struct weir_s3 *s, uint64_t crc64nvme, char text[13])
{
    weir_crc64nvme_base64(crc64nvme, text);
    weir_s3_request_header(s, "x-amz-checksum-crc64nvme", text);
    weir_s3_request_header(s, "x-amz-sdk-checksum-algorithm", "CRC64NVME");
}

static void
encryption(struct weir_s3 *s, const struct weir_destination *d)
{
    static const char *const types[] = {
        [WEIR_ENCRYPTION_AES256] = "AES256",
        [WEIR_ENCRYPTION_KMS] = "aws:kms",
        [WEIR_ENCRYPTION_KMS_DSSE] = "aws:kms:dsse",
    };
    if (d->encryption == WEIR_ENCRYPTION_NONE)
        return;
    weir_s3_request_header(s, "x-amz-server-side-encryption", types[d->encryption]);
    if (d->encryption_key != NULL)
        weir_s3_request_header(s, "x-amz-server-side-encryption-aws-kms-key-id",
                               d->encryption_key);
}

void
weir_s3_operation_object(struct weir_s3 *s, const struct weir_object *object)
{
    const struct weir_destination *d = s->shared->options.destination;
    if (object->content_type != NULL)
        weir_s3_request_header(s, "content-type", object->content_type);
    if (d->storage_class != NULL)
        weir_s3_request_header(s, "x-amz-storage-class", d->storage_class);
    encryption(s, d);
    for (size_t i = 0; i < object->meta_count; i++)
        weir_s3_request_meta(s, object->meta[i].name, object->meta[i].value);
}

bool
weir_s3_operation_tags(struct weir_s3 *s)
{
    if (s->shared->tagging != NULL)
        weir_s3_request_header(s, "x-amz-tagging", s->shared->tagging);
    return s->shared->tagging != NULL;
}

void
weir_s3_operation_condition(struct weir_s3 *s, const struct weir_object *object)
{
    if (object->condition == WEIR_COND_ABSENT)
        weir_s3_request_header(s, "if-none-match", "*");
    else if (object->condition == WEIR_COND_MATCH) /* S3 takes it with and without quotes, */
        weir_s3_request_header(s, "if-match", object->etag); /* Ceph without them only */
}

int
weir_s3_operation_conditional(const struct weir_object *object, struct weir_err *err)
{
    if (err != NULL && object->condition == WEIR_COND_MATCH && err->code == WEIR_E_NOT_FOUND &&
        err->scope == WEIR_SCOPE_OBJECT)
        err->code = WEIR_E_EXISTS;
    return -1;
}

/* True when the reply's body is empty but for white space, as it must be. */
static bool
body_is_blank(const struct weir_s3_response *a)
{
    const char *body = weir_s3_text_get(&a->body);
    return strspn(body, " \t\r\n") == a->body.used;
}

int
weir_s3_operation_stored(struct weir_s3 *s, uint64_t crc64nvme, struct weir_stored *out,
                         struct weir_err *err)
{
    const struct weir_s3_response *a = &s->session.response;
    if (!body_is_blank(a))
        return weir_s3_judge_fail(s, WEIR_E_PROTOCOL,
                                  "the reply has a body; is this an S3 endpoint?", err);
    if (weir_s3_element_strip(a->etag, out->etag) != 0)
        return weir_s3_judge_fail(s, WEIR_E_PROTOCOL, "the ETag is malformed", err);
    out->has_crc64nvme = weir_crc64nvme_parse(a->crc64nvme, &out->crc64nvme) == 0;
    if (out->has_crc64nvme && out->crc64nvme != crc64nvme)
        return weir_s3_judge_fail(s, WEIR_E_DIGEST,
                                  "the store computed another CRC64NVME than weir", err);
    memcpy(out->version, a->version, sizeof(a->version));
    return 0;
}

int
weir_s3_operation_pass(const struct weir_err *from, struct weir_err *err)
{
    if (err != NULL && err->code == WEIR_OK)
        *err = *from;
    return -1;
}

int
weir_s3_operation_number(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9'; c++) {
        if (value > (INT64_MAX - (uint64_t)(*c - '0')) / 10)
            return -1;
        value = value * 10 + (uint64_t)(*c - '0');
    }
    if (c == text || *c != '\0')
        return -1;
    *out = value;
    return 0;
}
