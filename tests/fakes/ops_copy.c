#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"
#include "text.h"
#include "xml.h"

#define COPY_MAX_BYTES (UINT64_C(5) << 30)

struct source {
    char *bucket, *key; /* owned */
    char *version;      /* owned; NULL: the newest */
    struct fake_object *object;
};

static void
source_free(struct source *s)
{
    free(s->bucket);
    free(s->key);
    free(s->version);
    fake_object_unref(s->object);
}

/* [/]bucket/key[?versionId=V], percent-encoded. */
static int
parse_source(struct fake_call *c, struct source *out)
{
    const char *text = fake_http_header(&c->req, "x-amz-copy-source");
    const char *version = strstr(text, "?versionId=");
    struct fake_buf b = {0};
    if (version)
        out->version = fake_strdup(version + strlen("?versionId="));
    if (*text == '/')
        text++;
    if (fake_text_unpercent(&b, text, strcspn(text, "?"), FAKE_PLUS_LITERAL) == 0) {
        char *slash = strchr(b.data, '/');
        if (slash && slash != b.data && slash[1]) {
            *slash = 0;
            out->bucket = fake_strdup(b.data);
            out->key = fake_strdup(slash + 1);
        }
    }
    fake_buf_free(&b);
    if (out->key)
        return 0;
    return fake_reply_error(c, "InvalidArgument",
                            "Copy Source must mention the source bucket and key: "
                            "sourcebucket/sourcekey");
}

static int
check_source(struct fake_call *c, const struct source *s)
{
    const char *owner = fake_http_header(&c->req, "x-amz-source-expected-bucket-owner");
    const char *match = fake_http_header(&c->req, "x-amz-copy-source-if-match");
    const char *none = fake_http_header(&c->req, "x-amz-copy-source-if-none-match");
    if (owner && !(c->lenient & FAKE_LENIENT_OWNER) && strcmp(owner, c->server->opt.owner) != 0)
        return fake_reply_error(c, "AccessDenied", NULL);
    if (c->lenient & FAKE_LENIENT_COPY_SOURCE_MATCH)
        return 0;
    if ((match && !fake_ops_same_etag(match, s->object->etag)) ||
        (none && fake_ops_same_etag(none, s->object->etag)))
        return fake_reply_error(c, "PreconditionFailed", NULL);
    return 0;
}

static int
find_source(struct fake_call *c, struct source *out)
{
    if (parse_source(c, out) != 0)
        return -1;
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_store_bucket(&c->server->store, out->bucket);
    struct fake_object *o = !b             ? NULL
                            : out->version ? fake_store_version(b, out->key, out->version)
                                           : fake_store_object(b, out->key);
    if (o && o->marker)
        o = NULL;
    out->object = o ? fake_object_ref(o) : NULL;
    fake_store_unlock(&c->server->store);
    if (!b)
        return fake_reply_error(c, "NoSuchBucket", NULL);
    if (!o)
        return fake_reply_error(c, out->version ? "NoSuchVersion" : "NoSuchKey", NULL);
    return check_source(c, out);
}

/* Digests of what is stored, not of what somebody said was stored. */
static int
sum_data(struct fake_call *c, const struct fake_data *d, enum fake_alg alg,
         uint8_t sum[FAKE_SUM_MAX], uint8_t md5[FAKE_SUM_MAX])
{
    if (fake_data_sum(d, FAKE_MD5, md5) != 0 ||
        (alg != FAKE_ALG_NONE && fake_data_sum(d, alg, sum) != 0))
        return fake_reply_error(c, "InternalError", NULL);
    return 0;
}

static int
copy_algorithm(struct fake_call *c, const struct source *s, enum fake_alg *out)
{
    const char *name = fake_http_header(&c->req, "x-amz-checksum-algorithm");
    *out = s->object->alg == FAKE_ALG_NONE ? FAKE_CRC64NVME : s->object->alg;
    if (c->lenient & FAKE_LENIENT_CHECKSUM)
        *out = FAKE_ALG_NONE;
    else if (name)
        *out = fake_checksum_by_name(name);
    if (name && *out == FAKE_ALG_NONE && !(c->lenient & FAKE_LENIENT_CHECKSUM))
        return fake_reply_error(c, "InvalidRequest",
                                "Checksum algorithm provided is unsupported.");
    return 0;
}

static int
make_copy(struct fake_call *c, const struct source *s, struct fake_object *o)
{
    uint8_t sum[FAKE_SUM_MAX], md5[FAKE_SUM_MAX];
    if (s->object->data.bytes > COPY_MAX_BYTES)
        return fake_reply_error(
            c, "InvalidRequest",
            "The specified copy source is larger than the maximum allowable "
            "size for a copy source: 5368709120");
    bool onto_itself =
        strcmp(s->bucket, c->bucket) == 0 && strcmp(s->key, c->key) == 0 && !s->version;
    if (fake_ops_copy_fields(c, s->object, onto_itself, &o->fields) != 0 ||
        copy_algorithm(c, s, &o->alg) != 0)
        return -1;
    fake_data_share(&o->data, &s->object->data, 0, s->object->data.bytes);
    if (sum_data(c, &o->data, o->alg, sum, md5) != 0)
        return -1;
    o->mtime_ms = c->now_ms;
    o->type = FAKE_FULL_OBJECT;
    fake_ops_etag_text(c, md5, o->etag);
    if (o->alg != FAKE_ALG_NONE)
        fake_ops_sum_text(o->alg, sum, o->sum);
    return 0;
}

static void
answer(struct fake_call *c, const char *root, int64_t mtime_ms, const char *etag,
       enum fake_alg alg, const char *sum)
{
    struct fake_buf *b = fake_reply_xml(c);
    fake_buf_printf(b, "<%s" FAKE_XML_NS ">", root);
    fake_ops_xml_time(b, "LastModified", mtime_ms);
    fake_ops_xml_etag(b, etag);
    if (alg != FAKE_ALG_NONE)
        fake_xml_element(b, fake_checksum_info(alg)->xml, sum);
    if (alg != FAKE_ALG_NONE && strcmp(root, "CopyObjectResult") == 0)
        fake_xml_element(b, "ChecksumType", fake_checksum_type_name(FAKE_FULL_OBJECT));
    fake_buf_printf(b, "</%s>", root);
}

static int
check_target(struct fake_call *c, struct fake_bucket *b)
{
    if (c->lenient & FAKE_LENIENT_COPY_CONDITIONAL)
        return 0;
    return fake_ops_precondition_locked(c, b);
}

int
fake_ops_copy_object(struct fake_call *c)
{
    struct source s = {0};
    struct fake_object *o = fake_object_create();
    int rc = fake_ops_check_bucket(c);
    if (rc == 0)
        rc = find_source(c, &s);
    if (rc == 0)
        rc = make_copy(c, &s, o);
    if (rc == 0) {
        fake_store_lock(&c->server->store);
        struct fake_bucket *b = fake_ops_bucket_locked(c);
        rc = b ? check_target(c, b) : -1;
        if (rc == 0)
            fake_store_publish(b, c->key, fake_object_ref(o));
        fake_store_unlock(&c->server->store);
    }
    if (rc == 0) {
        answer(c, "CopyObjectResult", o->mtime_ms, o->etag, o->alg, o->sum);
        fake_ops_version_header(c, o->serial);
    }
    fake_object_unref(o);
    source_free(&s);
    return rc;
}

/* bytes=FIRST-LAST, both inclusive and inside the source. */
static int
source_range(struct fake_call *c, uint64_t size, uint64_t *offset, uint64_t *bytes)
{
    const char *header = fake_http_header(&c->req, "x-amz-copy-source-range");
    unsigned long long first, last;
    char tail, message[128];
    *offset = 0;
    *bytes = size;
    if (!header || c->lenient & FAKE_LENIENT_COPY_RANGE)
        return 0;
    if (sscanf(header, "bytes=%llu-%llu%c", &first, &last, &tail) != 2 || last < first)
        return fake_reply_error(c, "InvalidArgument",
                                "The x-amz-copy-source-range value must be of the form "
                                "bytes=first-last where first and last are the zero-based "
                                "offsets of the first and last bytes to copy");
    if (size <= c->server->opt.min_part_bytes)
        return fake_reply_error(c, "InvalidRequest",
                                "The specified copy source is not supported as a byte-range "
                                "copy source");
    if (last >= size) {
        snprintf(message, sizeof(message),
                 "Range specified is not valid for source object of size: %" PRIu64, size);
        return fake_reply_error(c, "InvalidArgument", message);
    }
    *offset = first;
    *bytes = last - first + 1;
    return 0;
}

static int
copy_range(struct fake_call *c, const struct source *s, struct fake_part *part)
{
    uint64_t offset, bytes;
    uint8_t md5[FAKE_SUM_MAX];
    if (source_range(c, s->object->data.bytes, &offset, &bytes) != 0)
        return -1;
    if (bytes > COPY_MAX_BYTES)
        return fake_reply_error(c, "EntityTooLarge", NULL);
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    struct fake_upload *u = b ? fake_ops_upload_locked(c, b) : NULL;
    part->alg = u ? u->alg : FAKE_ALG_NONE;
    fake_store_unlock(&c->server->store);
    if (!u)
        return -1;
    fake_data_share(&part->data, &s->object->data, offset, bytes);
    if (sum_data(c, &part->data, part->alg, part->sum, md5) != 0)
        return -1;
    memcpy(part->md5, md5, 16);
    fake_ops_etag_text(c, md5, part->etag);
    part->mtime_ms = c->now_ms;
    return 0;
}

int
fake_ops_copy_part(struct fake_call *c)
{
    struct source s = {0};
    struct fake_part part = {.alg = FAKE_ALG_NONE};
    char sum[FAKE_SUM_TEXT] = "";
    bool named = false;
    int rc = fake_ops_check_bucket(c);
    if (rc == 0)
        rc = fake_ops_part_number(c, &part.number);
    if (rc == 0)
        rc = find_source(c, &s);
    if (rc == 0)
        rc = copy_range(c, &s, &part);
    if (rc == 0) {
        fake_store_lock(&c->server->store);
        struct fake_bucket *b = fake_ops_bucket_locked(c);
        struct fake_upload *u = b ? fake_ops_upload_locked(c, b) : NULL;
        named = u && u->alg_named && !(c->lenient & FAKE_LENIENT_COPY_CHECKSUM);
        if (u)
            fake_store_put_part(u, &part); /* empties part.data */
        rc = u ? 0 : -1;
        fake_store_unlock(&c->server->store);
    }
    if (rc == 0) {
        if (named)
            fake_ops_sum_text(part.alg, part.sum, sum);
        answer(c, "CopyPartResult", part.mtime_ms, part.etag, named ? part.alg : FAKE_ALG_NONE,
               sum);
    }
    fake_data_free(&part.data);
    source_free(&s);
    return rc;
}
