#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"
#include "text.h"
#include "xml.h"

/* Which checksum the upload is to have: the table of algorithms and types. */
static int
choose_checksum(struct fake_call *c, struct fake_upload *u)
{
    char message[160];
    const char *name = fake_http_header(&c->req, "x-amz-checksum-algorithm");
    const char *type = fake_http_header(&c->req, "x-amz-checksum-type");
    u->alg = FAKE_CRC64NVME;
    u->type = FAKE_FULL_OBJECT;
    if (c->lenient & FAKE_LENIENT_CHECKSUM) {
        u->alg = FAKE_ALG_NONE;
        return 0;
    }
    if (!name && type)
        return fake_reply_error(c, "InvalidRequest",
                                "The x-amz-checksum-type header can only be used with the "
                                "x-amz-checksum-algorithm header.");
    if (!name)
        return 0;
    u->alg = fake_checksum_by_name(name);
    const struct fake_alg_info *info = fake_checksum_info(u->alg);
    if (!info)
        return fake_reply_error(c, "InvalidRequest",
                                "Checksum algorithm provided is unsupported.");
    u->alg_named = true;
    u->type = info->multipart_type;
    if (!type)
        return 0;
    if (strcmp(type, "FULL_OBJECT") == 0)
        u->type = FAKE_FULL_OBJECT;
    else if (strcmp(type, "COMPOSITE") == 0)
        u->type = FAKE_COMPOSITE;
    else
        return fake_reply_error(c, "InvalidRequest",
                                "Value for x-amz-checksum-type header is invalid.");
    if (u->type == FAKE_FULL_OBJECT ? info->full_object : info->composite)
        return 0;
    snprintf(message, sizeof(message),
             "The %s checksum type cannot be used with the %s checksum algorithm.", type,
             info->lower);
    return fake_reply_error(c, "InvalidRequest", message);
}

static char *
new_id(struct fake_call *c)
{
    snprintf(c->new_upload_id, sizeof(c->new_upload_id), "up.%08" PRIx64 "_%012" PRIx64,
             c->id & UINT32_MAX, (uint64_t)c->now_ms & UINT64_C(0xffffffffffff));
    c->upload_id = c->new_upload_id;
    return fake_strdup(c->new_upload_id);
}

int
fake_ops_multipart_create(struct fake_call *c)
{
    struct fake_upload *u = fake_alloc(sizeof(*u));
    int rc = fake_ops_check_bucket(c);
    if (rc == 0)
        rc = choose_checksum(c, u);
    if (rc == 0)
        rc = fake_ops_collect_fields(c, &u->fields);
    if (rc != 0) {
        fake_upload_free(u);
        return -1;
    }
    u->key = fake_strdup(c->key);
    u->id = new_id(c);
    u->started_ms = c->now_ms;
    if (u->alg_named) {
        fake_reply_header(c, "x-amz-checksum-algorithm", "%s",
                          fake_checksum_info(u->alg)->name);
        fake_reply_header(c, "x-amz-checksum-type", "%s", fake_checksum_type_name(u->type));
    }
    struct fake_buf *b = fake_reply_xml(c);
    fake_buf_puts(b, "<InitiateMultipartUploadResult" FAKE_XML_NS ">");
    fake_xml_element(b, "Bucket", c->bucket);
    fake_xml_element(b, "Key", c->key);
    fake_xml_element(b, "UploadId", u->id);
    fake_buf_puts(b, "</InitiateMultipartUploadResult>");
    fake_store_lock(&c->server->store);
    struct fake_bucket *bucket = fake_ops_bucket_locked(c);
    if (bucket)
        fake_store_add_upload(bucket, u);
    else
        fake_upload_free(u);
    fake_store_unlock(&c->server->store);
    return bucket ? 0 : -1;
}

/* The algorithm of the upload, and whether the client's checksum fits it. */
static int
check_part_checksum(struct fake_call *c, struct fake_intake *in)
{
    char message[160];
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    struct fake_upload *u = b ? fake_ops_upload_locked(c, b) : NULL;
    enum fake_alg alg = u ? u->alg : FAKE_ALG_NONE;
    bool named = u && u->alg_named, composite = u && u->type == FAKE_COMPOSITE;
    fake_store_unlock(&c->server->store);
    if (!u || fake_body_said(c, &in->said) != 0)
        return -1;
    in->alg = alg;
    enum fake_alg expected = named ? alg : FAKE_ALG_NONE;
    bool silent = in->said.alg == FAKE_ALG_NONE;
    if (silent ? !composite : in->said.alg == alg)
        return 0;
    snprintf(message, sizeof(message),
             "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum "
             "Type: %s",
             expected == FAKE_ALG_NONE ? "null" : fake_checksum_info(expected)->lower,
             silent ? "null" : fake_checksum_info(in->said.alg)->lower);
    return fake_reply_error(c, "InvalidRequest", message);
}

static int
store_part(struct fake_call *c, struct fake_part *part)
{
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    struct fake_upload *u = b ? fake_ops_upload_locked(c, b) : NULL;
    if (u)
        fake_store_put_part(u, part);
    fake_store_unlock(&c->server->store);
    return u ? 0 : -1;
}

int
fake_ops_multipart_put(struct fake_call *c)
{
    struct fake_intake in = {.use = FAKE_CHECKSUM_OF_BODY, .alg = FAKE_ALG_NONE};
    struct fake_part part = {0};
    char sum[FAKE_SUM_TEXT], etag[FAKE_ETAG_MAX];
    if (fake_ops_part_number(c, &part.number) != 0 || fake_ops_check_bucket(c) != 0 ||
        check_part_checksum(c, &in) != 0)
        return -1;
    int rc = fake_body_read(c, &in);
    if (rc == 0) {
        part.data = in.data;
        part.alg = in.alg;
        part.mtime_ms = c->now_ms;
        memcpy(part.md5, in.md5, sizeof(part.md5));
        memcpy(part.sum, in.sum, sizeof(part.sum));
        fake_ops_etag_text(c, in.md5, part.etag);
        memcpy(etag, part.etag, sizeof(etag));
        rc = store_part(c, &part); /* takes the data over when it succeeds */
        in.data = part.data;
    }
    fake_data_free(&in.data);
    if (rc != 0)
        return -1;
    c->reply.status = 200;
    fake_reply_header(c, "ETag", "\"%s\"", etag);
    if (in.said.alg != FAKE_ALG_NONE) {
        fake_ops_sum_text(in.said.alg, in.sum, sum);
        fake_reply_header(c, fake_checksum_info(in.said.alg)->header, "%s", sum);
    }
    return 0;
}

int
fake_ops_multipart_abort(struct fake_call *c)
{
    if (fake_ops_check_bucket(c) != 0)
        return -1;
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    struct fake_upload *u = b ? fake_ops_upload_locked(c, b) : NULL;
    if (u)
        fake_store_remove_upload(b, u);
    fake_store_unlock(&c->server->store);
    if (!u)
        return -1;
    c->reply.status = 204;
    return 0;
}
