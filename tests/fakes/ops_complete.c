#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"
#include "text.h"
#include "xml.h"

#define COMPLETE_BODY_MAX (4 << 20)
#define PARTS_MAX 10000

/* The list of the request, matched with the parts of the upload. */
struct chosen {
    struct fake_part **part;
    size_t count;
};

static int
wrong_part(struct fake_call *c, const struct fake_upload *u, uint32_t number, const char *etag)
{
    struct fake_buf text = {0};
    fake_buf_printf(&text, "%u", number);
    fake_xml_element(&c->reply.detail, "UploadId", u->id);
    fake_xml_element(&c->reply.detail, "PartNumber", text.data);
    fake_xml_element(&c->reply.detail, "ETag", etag);
    fake_buf_free(&text);
    return fake_reply_error(c, "InvalidPart", NULL);
}

static int
check_part_sum(struct fake_call *c, const struct fake_upload *u, const struct fake_part *p,
               const struct fake_xml *x)
{
    char message[200], sum[FAKE_SUM_TEXT];
    if (u->alg == FAKE_ALG_NONE || c->lenient & FAKE_LENIENT_CHECKSUM)
        return 0;
    const struct fake_alg_info *info = fake_checksum_info(u->alg);
    for (const struct fake_xml *e = x->child; e; e = e->next)
        if (strncmp(e->name, "Checksum", 8) == 0 && strcmp(e->name, info->xml) != 0)
            return fake_reply_error(c, "InvalidRequest",
                                    "A part names another checksum algorithm than its upload");
    const char *given = fake_xml_child_text(x, info->xml);
    if (!given && u->type == FAKE_COMPOSITE) {
        snprintf(message, sizeof(message),
                 "The upload was created using a %s checksum. The complete request must "
                 "include the checksum for each part. It was missing for part %u in the "
                 "request.",
                 info->lower, p->number);
        return fake_reply_error(c, "InvalidRequest", message);
    }
    fake_ops_sum_text(u->alg, p->sum, sum);
    if (given && strcmp(given, sum) != 0)
        return wrong_part(c, u, p->number, p->etag);
    return 0;
}

static int
check_part(struct fake_call *c, struct fake_upload *u, const struct fake_xml *x,
           struct chosen *out)
{
    const char *number_text = fake_xml_child_text(x, "PartNumber");
    const char *etag = fake_xml_child_text(x, "ETag");
    uint64_t number;
    if (strcmp(x->name, "Part") != 0 || !number_text || !etag ||
        fake_text_uint(number_text, INT32_MAX, &number) != 0 || out->count == PARTS_MAX)
        return fake_reply_error(c, "MalformedXML", NULL);
    uint32_t before = out->count ? out->part[out->count - 1]->number : 0;
    if (number <= before && number > 0)
        return fake_reply_error(c, "InvalidPartOrder", NULL);
    struct fake_part *p = fake_store_part(u, (uint32_t)number);
    if (!p || !fake_ops_same_etag(etag, p->etag))
        return wrong_part(c, u, (uint32_t)number, etag);
    if (u->alg_named && number != before + 1)
        return fake_reply_error(c, "InvalidPartOrder",
                                "With an additional checksum the part numbers must be "
                                "consecutive and begin with 1");
    if (check_part_sum(c, u, p, x) != 0)
        return -1;
    out->part[out->count++] = p;
    return 0;
}

static int
choose_parts(struct fake_call *c, struct fake_upload *u, const struct fake_xml *x,
             struct chosen *out)
{
    if (!x || strcmp(x->name, "CompleteMultipartUpload") != 0 || !x->child)
        return fake_reply_error(c, "MalformedXML", NULL);
    out->part = fake_alloc(PARTS_MAX * sizeof(struct fake_part *));
    for (const struct fake_xml *e = x->child; e; e = e->next)
        if (check_part(c, u, e, out) != 0)
            return -1;
    if (c->lenient & FAKE_LENIENT_NO_SUBSET && out->count != u->part_count)
        return fake_reply_error(c, "InvalidPart", NULL);
    for (size_t i = 0; i + 1 < out->count; i++)
        if (out->part[i]->data.bytes < c->server->opt.min_part_bytes) {
            struct fake_buf b = {0};
            fake_buf_printf(&b,
                            "<ProposedSize>%" PRIu64 "</ProposedSize><MinSizeAllowed>%" PRIu64
                            "</MinSizeAllowed><PartNumber>%u</PartNumber>",
                            out->part[i]->data.bytes, c->server->opt.min_part_bytes,
                            out->part[i]->number);
            fake_buf_puts(&c->reply.detail, b.data);
            fake_buf_free(&b);
            return fake_reply_error(c, "EntityTooSmall", NULL);
        }
    return 0;
}

/* MD5 over the MD5s, "-" and the count. */
static void
make_etag(struct fake_call *c, const struct chosen *parts, char out[FAKE_ETAG_MAX])
{
    uint8_t md5[FAKE_SUM_MAX];
    char text[FAKE_ETAG_MAX];
    struct fake_sum *sum = fake_checksum_create(FAKE_MD5);
    for (size_t i = 0; i < parts->count; i++)
        fake_checksum_update(sum, parts->part[i]->md5, 16);
    fake_checksum_finish(sum, md5);
    fake_ops_etag_text(c, md5, text);
    snprintf(out, FAKE_ETAG_MAX, "%.32s-%u", text, (unsigned)parts->count);
}

static void
make_sum(const struct fake_upload *u, const struct chosen *parts, char out[FAKE_SUM_TEXT])
{
    uint8_t sum[FAKE_SUM_MAX];
    *out = 0;
    if (u->alg == FAKE_ALG_NONE)
        return;
    if (u->type == FAKE_FULL_OBJECT) {
        memcpy(sum, parts->part[0]->sum, sizeof(sum));
        for (size_t i = 1; i < parts->count; i++)
            fake_checksum_combine(u->alg, sum, parts->part[i]->sum, parts->part[i]->data.bytes);
        fake_ops_sum_text(u->alg, sum, out);
        return;
    }
    struct fake_sum *s = fake_checksum_create(u->alg);
    for (size_t i = 0; i < parts->count; i++)
        fake_checksum_update(s, parts->part[i]->sum, fake_checksum_info(u->alg)->bytes);
    fake_checksum_finish(s, sum);
    fake_ops_sum_text(u->alg, sum, out);
    size_t n = strlen(out);
    snprintf(out + n, FAKE_SUM_TEXT - n, "-%u", (unsigned)parts->count);
}

/* What the headers assert about the whole object. */
static int
check_object(struct fake_call *c, const struct fake_upload *u, const struct fake_object *o)
{
    uint64_t size;
    char message[128];
    const char *size_text = fake_http_header(&c->req, "x-amz-mp-object-size");
    const char *type = fake_http_header(&c->req, "x-amz-checksum-type");
    if (c->lenient & FAKE_LENIENT_COMPLETE_CHECKS)
        return 0;
    if (size_text &&
        (fake_text_uint(size_text, UINT64_MAX / 2, &size) != 0 || size != o->data.bytes))
        return fake_reply_error(
            c, "InvalidRequest",
            "The provided 'x-amz-mp-object-size' header does not match what "
            "was computed.");
    if (c->lenient & FAKE_LENIENT_CHECKSUM)
        return 0;
    if (type && strcmp(type, fake_checksum_type_name(u->type)) != 0)
        return fake_reply_error(c, "BadDigest", "The checksum type is not that of the upload.");
    for (int i = 0; i < FAKE_ALG_COUNT; i++) {
        const struct fake_alg_info *info = fake_checksum_info((enum fake_alg)i);
        const char *value = fake_http_header(&c->req, info->header);
        if (!value)
            continue;
        if ((enum fake_alg)i != u->alg)
            return fake_reply_error(c, "InvalidRequest",
                                    "The checksum algorithm is not that of the upload.");
        size_t n = strcspn(value, "-"); /* "-N" of a COMPOSITE value may be left out */
        if (strncmp(value, o->sum, n) == 0 && n == strcspn(o->sum, "-") &&
            (!value[n] || strcmp(value, o->sum) == 0))
            continue;
        snprintf(message, sizeof(message),
                 "The %s you specified did not match the calculated checksum.", info->lower);
        return fake_reply_error(c, "BadDigest", message);
    }
    return 0;
}

static struct fake_object *
assemble(struct fake_call *c, const struct fake_upload *u, const struct chosen *parts)
{
    struct fake_object *o = fake_object_create();
    o->piece = fake_alloc(parts->count * sizeof(*o->piece));
    o->piece_count = (uint32_t)parts->count;
    for (size_t i = 0; i < parts->count; i++) {
        const struct fake_part *p = parts->part[i];
        fake_data_share(&o->data, &p->data, 0, p->data.bytes);
        o->piece[i].bytes = p->data.bytes;
        if (u->alg != FAKE_ALG_NONE)
            fake_ops_sum_text(u->alg, p->sum, o->piece[i].sum);
    }
    fake_fields_copy(&o->fields, &u->fields);
    o->mtime_ms = u->started_ms; /* as S3: when the upload was created */
    o->alg = u->alg;
    o->type = u->type;
    make_etag(c, parts, o->etag);
    make_sum(u, parts, o->sum);
    return o;
}

static void
answer(struct fake_call *c, struct fake_upload *u, const struct fake_object *o)
{
    struct fake_buf *b = fake_reply_xml(c);
    fake_buf_puts(b, "<CompleteMultipartUploadResult" FAKE_XML_NS ">");
    fake_buf_printf(b, "<Location>http://fake/</Location>");
    fake_xml_element(b, "Bucket", c->bucket);
    fake_xml_element(b, "Key", c->key);
    fake_ops_xml_etag(b, o->etag);
    if (o->alg != FAKE_ALG_NONE) {
        fake_xml_element(b, fake_checksum_info(o->alg)->xml, o->sum);
        fake_xml_element(b, "ChecksumType", fake_checksum_type_name(o->type));
    }
    fake_buf_puts(b, "</CompleteMultipartUploadResult>");
    u->completed_body = fake_strdup(b->data);
    u->completed_ms = c->now_ms;
}

/* A repetition of the Complete that succeeded: 1 when answered, 0 to go on, -1 error. */
static int
replay(struct fake_call *c, struct fake_bucket *b, struct fake_upload *u)
{
    if (!u->completed_body)
        return 0;
    bool late = (uint64_t)(c->now_ms - u->completed_ms) > c->server->opt.replay_ms;
    if (late || c->lenient & FAKE_LENIENT_NO_REPLAY) {
        fake_store_remove_upload(b, u);
        return fake_reply_error(c, "NoSuchUpload", NULL);
    }
    if (c->lenient & FAKE_LENIENT_REPLAY_412 && fake_http_header(&c->req, "if-none-match"))
        return fake_reply_error(c, "PreconditionFailed", NULL);
    fake_buf_clear(&c->reply.body);
    c->reply.status = 200;
    fake_reply_header(c, "Content-Type", "application/xml");
    fake_ops_version_header(c, u->completed_serial);
    fake_buf_puts(&c->reply.body, u->completed_body);
    return 1;
}

static int
complete_locked(struct fake_call *c, const struct fake_xml *x)
{
    const char *id = fake_http_param(&c->req, "uploadId");
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    struct fake_upload *u = b ? fake_store_upload(b, c->key, id ? id : "") : NULL;
    struct chosen parts = {0};
    if (!b)
        return -1;
    if (!u)
        return fake_reply_error(
            c, c->lenient & FAKE_LENIENT_UNKNOWN_500 ? "InternalError" : "NoSuchUpload", NULL);
    int again = replay(c, b, u);
    if (again != 0)
        return again < 0 ? -1 : 0;
    struct fake_object *o = NULL;
    int rc = choose_parts(c, u, x, &parts);
    if (rc == 0) {
        o = assemble(c, u, &parts);
        rc = check_object(c, u, o);
    }
    if (rc == 0 && !(c->lenient & FAKE_LENIENT_COMPLETE_CONDITIONAL))
        rc = fake_ops_precondition_locked(c, b);
    if (rc == 0) {
        answer(c, u, o);
        fake_store_publish(b, c->key, o);
        u->completed_serial = o->serial;
        fake_ops_version_header(c, o->serial);
        fake_store_drop_parts(u);
        o = NULL;
    }
    fake_object_unref(o);
    free(parts.part);
    return rc;
}

int
fake_ops_complete(struct fake_call *c)
{
    struct fake_buf text = {0};
    struct fake_intake in = {.alg = FAKE_ALG_NONE,
                             .use = FAKE_CHECKSUM_NONE,
                             .text = &text,
                             .text_max = COMPLETE_BODY_MAX};
    int rc = fake_ops_check_bucket(c);
    if (rc == 0)
        rc = fake_body_read(c, &in);
    if (rc == 0) {
        struct fake_xml *x = fake_xml_parse(fake_buf_text(&text));
        fake_store_lock(&c->server->store);
        rc = complete_locked(c, x);
        fake_store_unlock(&c->server->store);
        fake_xml_free(x);
    }
    fake_buf_free(&text);
    return rc;
}
