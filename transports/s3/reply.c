#include "s3/reply.h"

#include <stdio.h>
#include <string.h>

#include "s3/element.h"
#include "s3/xml.h"

/* ---- Error ---- */

struct error_ctx {
    struct weir_s3_error_reply *out;
};

static void
take_cut(const char *text, char *out, size_t room)
{
    (void)snprintf(out, room, "%.*s", (int)room - 1, text);
}

static int
on_error(void *ctx, const char *path, const char *text, struct weir_err *err)
{
    struct error_ctx *c = ctx;
    const char *name = weir_s3_element_below("Error", path, err);
    if (name == NULL)
        return -1;
    if (strcmp(name, "Code") == 0)
        take_cut(text, c->out->code, sizeof(c->out->code));
    else if (strcmp(name, "Message") == 0)
        take_cut(text, c->out->message, sizeof(c->out->message));
    else if (strcmp(name, "Region") == 0)
        take_cut(text, c->out->region, sizeof(c->out->region));
    else if (strcmp(name, "RequestId") == 0)
        take_cut(text, c->out->request_id, sizeof(c->out->request_id));
    return 0;
}

int
weir_s3_reply_error(const char *data, size_t bytes, struct weir_s3_error_reply *out,
                    struct weir_err *err)
{
    struct error_ctx c = {out};
    *out = (struct weir_s3_error_reply){0};
    if (weir_s3_xml_parse(data, bytes, on_error, &c, err) != 0)
        return -1;
    if (out->code[0] == '\0')
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: <Error> without <Code>");
    return 0;
}

/* ---- InitiateMultipartUploadResult ---- */

struct initiate_ctx {
    char *id;
};

static int
on_initiate(void *ctx, const char *path, const char *text, struct weir_err *err)
{
    struct initiate_ctx *c = ctx;
    const char *name = weir_s3_element_below("InitiateMultipartUploadResult", path, err);
    if (name == NULL)
        return -1;
    if (strcmp(name, "UploadId") == 0)
        return weir_s3_element_text("UploadId", text, c->id, WEIR_UPLOAD_ID_BYTES, err);
    return 0;
}

int
weir_s3_reply_initiate(const char *data, size_t bytes, char out_id[WEIR_UPLOAD_ID_BYTES],
                       struct weir_err *err)
{
    char id[WEIR_UPLOAD_ID_BYTES] = "";
    struct initiate_ctx c = {id};
    if (weir_s3_xml_parse(data, bytes, on_initiate, &c, err) != 0)
        return -1;
    if (id[0] == '\0')
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: no UploadId");
    memcpy(out_id, id, sizeof(id));
    return 0;
}

/* ---- CompleteMultipartUploadResult, CopyObjectResult, CopyPartResult ---- */

struct result_ctx {
    const char *root;
    struct weir_s3_complete_reply *out;
};

static int
on_result(void *ctx, const char *path, const char *text, struct weir_err *err)
{
    struct result_ctx *c = ctx;
    const char *name = weir_s3_element_below(c->root, path, err);
    if (name == NULL)
        return -1;
    if (strcmp(name, "ETag") == 0)
        return weir_s3_element_etag(text, c->out->etag, err);
    if (strcmp(name, "ChecksumCRC64NVME") == 0)
        return weir_s3_element_text(name, text, c->out->crc64nvme, sizeof(c->out->crc64nvme),
                                    err);
    if (strcmp(name, "ChecksumType") == 0)
        return weir_s3_element_text(name, text, c->out->checksum_type,
                                    sizeof(c->out->checksum_type), err);
    return 0;
}

int
weir_s3_reply_complete(const char *data, size_t bytes, struct weir_s3_complete_reply *out,
                       struct weir_err *err)
{
    return weir_s3_reply_copy("CompleteMultipartUploadResult", data, bytes, out, err);
}

int
weir_s3_reply_copy(const char *root, const char *data, size_t bytes,
                   struct weir_s3_complete_reply *out, struct weir_err *err)
{
    struct result_ctx c = {root, out};
    *out = (struct weir_s3_complete_reply){0};
    return weir_s3_xml_parse(data, bytes, on_result, &c, err);
}

/* ---- DeleteResult ---- */

#define DELETED_KEY_ROOM 2048

struct deleted_ctx {
    weir_s3_deleted_fn *fn;
    void *fn_ctx;
    bool has_key;
    char key[DELETED_KEY_ROOM];
    char version[WEIR_VERSION_BYTES];
    struct weir_s3_error_reply why;
};

static int
end_deleted(struct deleted_ctx *c, bool failed, struct weir_err *err)
{
    const struct weir_s3_deleted d = {
        .key = c->key, .version = c->version, .why = failed ? &c->why : NULL};
    if (!c->has_key)
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: a result without its key");
    if (failed && c->why.code[0] == '\0')
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: <Error> without <Code>");
    int rc = c->fn(c->fn_ctx, &d, err);
    c->has_key = false;
    c->version[0] = c->why.code[0] = c->why.message[0] = '\0';
    return rc;
}

static int
on_deleted(void *ctx, const char *path, const char *text, struct weir_err *err)
{
    struct deleted_ctx *c = ctx;
    const char *name = weir_s3_element_below("DeleteResult", path, err);
    if (name == NULL)
        return -1;
    bool failed = strncmp(name, "Error", 5) == 0;
    if (!failed && strncmp(name, "Deleted", 7) != 0)
        return 0;
    const char *below = name + (failed ? 5 : 7);
    if (below[0] == '\0')
        return end_deleted(c, failed, err);
    if (strcmp(below, "/Key") == 0) {
        c->has_key = true;
        return weir_s3_element_text("Key", text, c->key, sizeof(c->key), err);
    }
    if (strcmp(below, "/DeleteMarkerVersionId") == 0)
        return weir_s3_element_text(below + 1, text, c->version, sizeof(c->version), err);
    if (strcmp(below, "/Code") == 0)
        take_cut(text, c->why.code, sizeof(c->why.code));
    else if (strcmp(below, "/Message") == 0)
        take_cut(text, c->why.message, sizeof(c->why.message));
    return 0;
}

int
weir_s3_reply_deleted(const char *data, size_t bytes, weir_s3_deleted_fn *fn, void *ctx,
                      struct weir_err *err)
{
    struct deleted_ctx c = {.fn = fn, .fn_ctx = ctx};
    return weir_s3_xml_parse(data, bytes, on_deleted, &c, err);
}
