#include "s3/page.h"

#include <stdlib.h>
#include <string.h>

#include <weir/digest.h>

#include "s3/element.h"
#include "s3/uri.h"
#include "s3/xml.h"

static int
take_truncated(const char *text, struct weir_s3_page *page, struct weir_err *err)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: IsTruncated is \"%.40s\"", text);
    page->truncated = text[0] == 't';
    page->has_truncated = true;
    return 0;
}

/* Parses one page of a listing. */
static int
parse_page(const char *data, size_t bytes, weir_s3_xml_fn *fn, void *ctx,
           struct weir_s3_page *page, struct weir_err *err)
{
    page->truncated = page->has_truncated = page->stopped = false;
    page->token[0] = page->upload_marker[0] = '\0';
    if (weir_s3_xml_parse(data, bytes, fn, ctx, err) != 0)
        return -1;
    if (!page->stopped && !page->has_truncated)
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: a listing without IsTruncated");
    return 0;
}

/* ---- ListPartsResult ---- */

struct parts_ctx {
    struct weir_part part;
    bool has_number, has_bytes;
    weir_part_fn *fn;
    void *fn_ctx;
    struct weir_s3_page *page;
};

static int
end_part(struct parts_ctx *c, struct weir_err *err)
{
    if (!c->has_number || !c->has_bytes)
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: a part without number or size");
    struct weir_part part = c->part;
    c->part = (struct weir_part){0};
    c->has_number = c->has_bytes = false;
    c->page->stopped = c->fn(c->fn_ctx, &part) != 0;
    return c->page->stopped ? 1 : 0;
}

static int
on_part_field(struct parts_ctx *c, const char *name, const char *text, struct weir_err *err)
{
    uint64_t value = 0;
    if (strcmp(name, "PartNumber") == 0) {
        if (weir_s3_element_u64(name, text, UINT32_MAX, &value, err) != 0)
            return -1;
        c->part.number = (uint32_t)value;
        c->has_number = true;
    } else if (strcmp(name, "Size") == 0) {
        if (weir_s3_element_u64(name, text, INT64_MAX, &c->part.bytes, err) != 0)
            return -1;
        c->has_bytes = true;
    } else if (strcmp(name, "ETag") == 0) {
        return weir_s3_element_etag(text, c->part.etag, err);
    } else if (strcmp(name, "ChecksumCRC64NVME") == 0) {
        c->part.has_crc64nvme = weir_crc64nvme_parse(text, &c->part.crc64nvme) == 0;
    }
    return 0;
}

static int
on_parts(void *ctx, const char *path, const char *text, struct weir_err *err)
{
    struct parts_ctx *c = ctx;
    const char *name = weir_s3_element_below("ListPartsResult", path, err);
    if (name == NULL)
        return -1;
    if (strncmp(name, "Part/", 5) == 0)
        return on_part_field(c, name + 5, text, err);
    if (strcmp(name, "Part") == 0)
        return end_part(c, err);
    if (strcmp(name, "IsTruncated") == 0)
        return take_truncated(text, c->page, err);
    if (strcmp(name, "NextPartNumberMarker") == 0)
        return weir_s3_element_text(name, text, c->page->token, sizeof(c->page->token), err);
    return 0;
}

int
weir_s3_page_parts(const char *data, size_t bytes, weir_part_fn *fn, void *ctx,
                   struct weir_s3_page *out, struct weir_err *err)
{
    struct parts_ctx c = {.fn = fn, .fn_ctx = ctx, .page = out};
    return parse_page(data, bytes, on_parts, &c, out, err);
}

/* ---- listings of keys ---- */

#define KEY_ROOM 2048

/* Did the store do what encoding-type=url asks for?  It says so, some of them at the end of the
 * page; some do not do it.  A key cannot forge this: '<' is escaped in it. */
static bool
is_url_encoded(const char *data, size_t bytes)
{
    static const char says[] = "<EncodingType>url</EncodingType>";
    return memmem(data, bytes, says, sizeof(says) - 1) != NULL;
}

static int
decode(const char *text, bool encoded, char *out, size_t room)
{
    if (encoded)
        return weir_s3_uri_decode(text, out, room) < 0 ? -1 : 0;
    size_t bytes = strlen(text);
    if (bytes >= room)
        return -1;
    memcpy(out, text, bytes + 1);
    return 0;
}

/* Decodes a key and checks that it begins with the prefix. */
static int
take_key(const char *text, bool encoded, const char *prefix, char key[KEY_ROOM],
         struct weir_err *err)
{
    if (decode(text, encoded, key, KEY_ROOM) != 0)
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: key \"%.80s\" is not URL-encoded",
                            text);
    if (strncmp(key, prefix, strlen(prefix)) != 0)
        return weir_err_set(err, WEIR_E_PROTOCOL,
                            "XML reply: key \"%.80s\" is outside of prefix \"%.80s\"", key,
                            prefix);
    return 0;
}

struct uploads_ctx {
    const struct weir_s3_scope *scope;
    bool encoded; /* keys are percent-encoded */
    char key[KEY_ROOM];
    char id[WEIR_UPLOAD_ID_BYTES];
    bool has_key;
    int64_t initiated_s;
    weir_upload_fn *fn;
    void *fn_ctx;
    struct weir_s3_page *page;
};

static int
end_upload(struct uploads_ctx *c, struct weir_err *err)
{
    if (!c->has_key || c->id[0] == '\0')
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: an upload without key or id");
    const char *key = c->key + c->scope->strip_bytes;
    if (key[0] != '\0')
        c->page->stopped = c->fn(c->fn_ctx, key, c->id, c->initiated_s) != 0;
    c->has_key = false;
    c->id[0] = '\0';
    c->initiated_s = 0;
    return c->page->stopped ? 1 : 0;
}

static int
on_uploads(void *ctx, const char *path, const char *text, struct weir_err *err)
{
    struct uploads_ctx *c = ctx;
    const char *name = weir_s3_element_below("ListMultipartUploadsResult", path, err);
    if (name == NULL)
        return -1;
    if (strcmp(name, "Upload/Key") == 0) {
        c->has_key = true;
        return take_key(text, c->encoded, c->scope->prefix, c->key, err);
    }
    if (strcmp(name, "Upload/UploadId") == 0)
        return weir_s3_element_text(name, text, c->id, sizeof(c->id), err);
    if (strcmp(name, "Upload/Initiated") == 0)
        return weir_s3_element_time(name, text, &c->initiated_s, err);
    if (strcmp(name, "Upload") == 0)
        return end_upload(c, err);
    if (strcmp(name, "IsTruncated") == 0)
        return take_truncated(text, c->page, err);
    if (strcmp(name, "NextKeyMarker") == 0) {
        if (decode(text, c->encoded, c->page->token, sizeof(c->page->token)) != 0)
            return weir_err_set(err, WEIR_E_PROTOCOL,
                                "XML reply: NextKeyMarker \"%.80s\" is not URL-encoded", text);
        return 0;
    }
    if (strcmp(name, "NextUploadIdMarker") == 0)
        return weir_s3_element_text(name, text, c->page->upload_marker,
                                    sizeof(c->page->upload_marker), err);
    return 0;
}

int
weir_s3_page_uploads(const char *data, size_t bytes, const struct weir_s3_scope *scope,
                     weir_upload_fn *fn, void *ctx, struct weir_s3_page *out,
                     struct weir_err *err)
{
    struct uploads_ctx c;
    c.scope = scope;
    c.encoded = is_url_encoded(data, bytes);
    c.has_key = false;
    c.id[0] = '\0';
    c.initiated_s = 0;
    c.fn = fn;
    c.fn_ctx = ctx;
    c.page = out;
    return parse_page(data, bytes, on_uploads, &c, out, err);
}

struct objects_ctx {
    const struct weir_s3_scope *scope;
    bool encoded; /* keys are percent-encoded */
    char key[KEY_ROOM];
    char etag[WEIR_ETAG_BYTES];
    char storage_class[32];
    uint64_t bytes;
    int64_t modified_s;
    bool has_key, has_bytes;
    weir_list_fn *fn;
    void *fn_ctx;
    struct weir_s3_page *page;
};

static void
begin_object(struct objects_ctx *c)
{
    c->has_key = c->has_bytes = false;
    c->etag[0] = c->storage_class[0] = '\0';
    c->modified_s = 0;
}

static int
end_object(struct objects_ctx *c, struct weir_err *err)
{
    if (!c->has_key || !c->has_bytes)
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: an object without key or size");
    struct weir_listed object = {.key = c->key + c->scope->strip_bytes,
                                 .bytes = c->bytes,
                                 .etag = c->etag,
                                 .storage_class = c->storage_class,
                                 .modified_s = c->modified_s};
    if (object.key[0] != '\0')
        c->page->stopped = c->fn(c->fn_ctx, &object) != 0;
    begin_object(c);
    return c->page->stopped ? 1 : 0;
}

static int
on_object_field(struct objects_ctx *c, const char *name, const char *text, struct weir_err *err)
{
    if (strcmp(name, "Key") == 0) {
        c->has_key = true;
        return take_key(text, c->encoded, c->scope->prefix, c->key, err);
    }
    if (strcmp(name, "Size") == 0) {
        c->has_bytes = true;
        return weir_s3_element_u64(name, text, INT64_MAX, &c->bytes, err);
    }
    if (strcmp(name, "ETag") == 0)
        return weir_s3_element_etag(text, c->etag, err);
    if (strcmp(name, "StorageClass") == 0)
        return weir_s3_element_text(name, text, c->storage_class, sizeof(c->storage_class),
                                    err);
    if (strcmp(name, "LastModified") == 0)
        return weir_s3_element_time(name, text, &c->modified_s, err);
    return 0;
}

static int
on_objects(void *ctx, const char *path, const char *text, struct weir_err *err)
{
    struct objects_ctx *c = ctx;
    const char *name = weir_s3_element_below("ListBucketResult", path, err);
    if (name == NULL)
        return -1;
    if (strncmp(name, "Contents/", 9) == 0)
        return on_object_field(c, name + 9, text, err);
    if (strcmp(name, "Contents") == 0)
        return end_object(c, err);
    if (strcmp(name, "IsTruncated") == 0)
        return take_truncated(text, c->page, err);
    if (strcmp(name, "NextContinuationToken") == 0)
        return weir_s3_element_text(name, text, c->page->token, sizeof(c->page->token), err);
    return 0;
}

int
weir_s3_page_objects(const char *data, size_t bytes, const struct weir_s3_scope *scope,
                     weir_list_fn *fn, void *ctx, struct weir_s3_page *out,
                     struct weir_err *err)
{
    struct objects_ctx c;
    c.scope = scope;
    c.encoded = is_url_encoded(data, bytes);
    c.bytes = 0;
    c.fn = fn;
    c.fn_ctx = ctx;
    c.page = out;
    begin_object(&c);
    return parse_page(data, bytes, on_objects, &c, out, err);
}
