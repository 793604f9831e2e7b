#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"
#include "text.h"
#include "xml.h"

#define METADATA_MAX_BYTES 2048

struct fake_bucket *
fake_ops_bucket_locked(struct fake_call *c)
{
    struct fake_bucket *b = fake_store_bucket(&c->server->store, c->bucket);
    if (!b)
        fake_reply_error(c, "NoSuchBucket", NULL);
    return b;
}

int
fake_ops_check_bucket(struct fake_call *c)
{
    const char *owner = fake_http_header(&c->req, "x-amz-expected-bucket-owner");
    fake_store_lock(&c->server->store);
    struct fake_bucket *b = fake_ops_bucket_locked(c);
    fake_store_unlock(&c->server->store);
    if (b && owner && !(c->lenient & FAKE_LENIENT_OWNER) &&
        strcmp(owner, c->server->opt.owner) != 0)
        return fake_reply_error(c, "AccessDenied", NULL);
    return b ? 0 : -1;
}

struct fake_upload *
fake_ops_upload_locked(struct fake_call *c, struct fake_bucket *b)
{
    const char *id = fake_http_param(&c->req, "uploadId");
    struct fake_upload *u = fake_store_upload(b, c->key, id ? id : "");
    if (u && !u->completed_body)
        return u;
    fake_reply_error(c, "NoSuchUpload", NULL);
    return NULL;
}

static bool
is_kept(const char *name)
{
    static const char *const names[] = {
        "content-type",        "cache-control",
        "content-disposition", "content-encoding",
        "content-language",    "expires",
        "x-amz-storage-class", "x-amz-website-redirect-location",
        "x-amz-tagging",
    };
    static const char *const families[] = {"x-amz-meta-", "x-amz-server-side-encryption",
                                           "x-amz-object-lock-"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strncmp(name, families[i], strlen(families[i])) == 0)
            return true;
    return false;
}

static int
check_storage_class(struct fake_call *c, const char *value)
{
    static const char classes[] = " STANDARD REDUCED_REDUNDANCY STANDARD_IA ONEZONE_IA "
                                  "INTELLIGENT_TIERING GLACIER GLACIER_IR DEEP_ARCHIVE ";
    char word[64];
    snprintf(word, sizeof(word), " %.60s ", value);
    return strstr(classes, word) ? 0 : fake_reply_error(c, "InvalidStorageClass", NULL);
}

/* aws-chunked is how the body travels, not what the object is. */
static void
keep_encoding(struct fake_fields *out, const char *value)
{
    const char *rest = value;
    if (strncmp(rest, "aws-chunked", 11) == 0)
        rest += 11 + strspn(rest + 11, ", ");
    if (*rest)
        fake_fields_add(out, "content-encoding", rest);
}

int
fake_ops_collect_fields(struct fake_call *c, struct fake_fields *out)
{
    size_t meta = 0;
    for (size_t i = 0; i < c->req.header_count; i++) {
        const struct fake_header *h = &c->req.header[i];
        if (!is_kept(h->name))
            continue;
        if (strcmp(h->name, "x-amz-storage-class") == 0 && check_storage_class(c, h->value))
            return -1;
        if (strncmp(h->name, "x-amz-meta-", 11) == 0)
            meta += strlen(h->name) - 11 + strlen(h->value);
        if (strcmp(h->name, "content-encoding") == 0)
            keep_encoding(out, h->value);
        else
            fake_fields_add(out, h->name, h->value);
    }
    if (meta > METADATA_MAX_BYTES)
        return fake_reply_error(c, "MetadataTooLarge", NULL);
    if (!fake_fields_get(out, "content-type"))
        fake_fields_add(out, "content-type", "binary/octet-stream");
    return 0;
}

void
fake_ops_send_fields(struct fake_call *c, const struct fake_fields *f)
{
    for (size_t i = 0; i < f->count; i++) {
        const char *name = f->field[i].name, *value = f->field[i].value;
        if (strcmp(name, "x-amz-tagging") == 0) {
            int tags = *value != 0;
            for (const char *p = value; *p; p++)
                tags += *p == '&';
            fake_reply_header(c, "x-amz-tagging-count", "%d", tags);
        } else if (strcmp(name, "x-amz-storage-class") != 0 || strcmp(value, "STANDARD") != 0) {
            fake_reply_header(c, name, "%s", value);
        }
    }
}

bool
fake_ops_same_etag(const char *header, const char *etag)
{
    size_t n = strlen(header);
    if (n >= 2 && header[0] == '"' && header[n - 1] == '"') {
        header++;
        n -= 2;
    }
    return strlen(etag) == n && strncmp(header, etag, n) == 0;
}

static int
fails(struct fake_call *c, const char *condition)
{
    fake_xml_element(&c->reply.detail, "Condition", condition);
    return fake_reply_error(c, "PreconditionFailed", NULL);
}

int
fake_ops_precondition_locked(struct fake_call *c, struct fake_bucket *b)
{
    const char *match = fake_http_header(&c->req, "if-match");
    const char *none_match = fake_http_header(&c->req, "if-none-match");
    if ((!match && !none_match) || c->lenient & FAKE_LENIENT_CONDITIONAL)
        return 0;
    if (c->lenient & FAKE_LENIENT_CONDITIONAL_501)
        return fake_reply_error(c, "NotImplemented", NULL);
    struct fake_object *o = fake_store_object(b, c->key);
    if (none_match && strcmp(none_match, "*") != 0)
        return fake_reply_error(c, "NotImplemented", NULL);
    if (none_match && o)
        return fails(c, "If-None-Match");
    if (match && !o)
        return fake_reply_error(c, "NoSuchKey", NULL);
    if (match && strcmp(match, "*") != 0 && !fake_ops_same_etag(match, o->etag))
        return fails(c, "If-Match");
    return 0;
}

void
fake_ops_sum_text(enum fake_alg alg, const uint8_t *sum, char out[FAKE_SUM_TEXT])
{
    fake_text_base64(sum, fake_checksum_info(alg)->bytes, out);
}

void
fake_ops_sum_header(struct fake_call *c, enum fake_alg alg, enum fake_type type,
                    const char *text)
{
    if (alg == FAKE_ALG_NONE || c->lenient & FAKE_LENIENT_CHECKSUM)
        return;
    fake_reply_header(c, fake_checksum_info(alg)->header, "%s", text);
    fake_reply_header(c, "x-amz-checksum-type", "%s", fake_checksum_type_name(type));
}

void
fake_ops_etag_text(struct fake_call *c, const uint8_t md5[16], char out[FAKE_ETAG_MAX])
{
    uint8_t other[16];
    memcpy(other, md5, 16);
    if (c->lenient & FAKE_LENIENT_OPAQUE_ETAG)
        for (size_t i = 0; i < 16; i++)
            other[i] = (uint8_t)(other[i] * 7 + (c->id >> (i % 8 * 8)) + i);
    fake_text_hex(other, 16, out);
}

int
fake_ops_part_number(struct fake_call *c, uint32_t *out)
{
    uint64_t n;
    const char *text = fake_http_param(&c->req, "partNumber");
    if (!text || fake_text_uint(text, 10000, &n) != 0 || n == 0)
        return fake_reply_error(
            c, "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive");
    *out = (uint32_t)n;
    return 0;
}

void
fake_ops_xml_etag(struct fake_buf *out, const char *etag)
{
    fake_buf_printf(out, "<ETag>&quot;%s&quot;</ETag>", etag);
}

void
fake_ops_xml_time(struct fake_buf *out, const char *name, int64_t ms)
{
    char text[40];
    fake_text_iso_date(ms, text);
    fake_xml_element(out, name, text);
}

void
fake_ops_xml_key(struct fake_call *c, struct fake_buf *out, const char *name, const char *text)
{
    const char *encoding = fake_http_param(&c->req, "encoding-type");
    if (!encoding || c->lenient & FAKE_LENIENT_LIST_RAW) {
        fake_xml_element(out, name, text);
        return;
    }
    fake_buf_printf(out, "<%s>", name);
    for (const char *p = text; *p; p++) /* a space becomes +, as S3 has it */
        if (*p == ' ')
            fake_buf_puts(out, "+");
        else
            fake_text_percent(out, p, 1, FAKE_SLASH_KEEP);
    fake_buf_printf(out, "</%s>", name);
}

int
fake_ops_page_size(struct fake_call *c, const char *param, uint64_t most, uint64_t *out)
{
    char message[96];
    const char *text = fake_http_param(&c->req, param);
    const char *encoding = fake_http_param(&c->req, "encoding-type");
    *out = most;
    if (encoding && strcmp(encoding, "url") != 0)
        return fake_reply_error(c, "InvalidArgument", "Invalid Encoding Method specified");
    if (text && fake_text_uint(text, INT32_MAX, out) != 0) {
        snprintf(message, sizeof(message), "Provided %s not an integer or within range", param);
        return fake_reply_error(c, "InvalidArgument", message);
    }
    if (*out > most)
        *out = most;
    return 0;
}
