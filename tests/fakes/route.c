#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ops.h"
#include "route.h"
#include "text.h"

#define KEY_MAX_BYTES 1024

static const struct {
    const char *name;
    int (*run)(struct fake_call *c);
} ops[FAKE_OP_COUNT] = {
    [FAKE_OP_UNKNOWN] = {"Unknown", NULL},
    [FAKE_OP_LIST_BUCKETS] = {"ListBuckets", fake_ops_bucket_list_all},
    [FAKE_OP_CREATE_BUCKET] = {"CreateBucket", fake_ops_bucket_create},
    [FAKE_OP_HEAD_BUCKET] = {"HeadBucket", fake_ops_bucket_head},
    [FAKE_OP_DELETE_BUCKET] = {"DeleteBucket", fake_ops_bucket_delete},
    [FAKE_OP_BUCKET_LOCATION] = {"GetBucketLocation", fake_ops_bucket_location},
    [FAKE_OP_GET_VERSIONING] = {"GetBucketVersioning", fake_ops_versions_get},
    [FAKE_OP_PUT_VERSIONING] = {"PutBucketVersioning", fake_ops_versions_set},
    [FAKE_OP_LIST_VERSIONS] = {"ListObjectVersions", fake_ops_versions_list},
    [FAKE_OP_LIST_OBJECTS] = {"ListObjects", fake_ops_list_objects},
    [FAKE_OP_LIST_OBJECTS_V2] = {"ListObjectsV2", fake_ops_list_objects},
    [FAKE_OP_LIST_UPLOADS] = {"ListMultipartUploads", fake_ops_uploads_list},
    [FAKE_OP_DELETE_OBJECTS] = {"DeleteObjects", fake_ops_delete_many},
    [FAKE_OP_PUT_OBJECT] = {"PutObject", fake_ops_object_put},
    [FAKE_OP_GET_OBJECT] = {"GetObject", fake_ops_object_get},
    [FAKE_OP_HEAD_OBJECT] = {"HeadObject", fake_ops_object_get},
    [FAKE_OP_DELETE_OBJECT] = {"DeleteObject", fake_ops_delete_one},
    [FAKE_OP_COPY_OBJECT] = {"CopyObject", fake_ops_copy_object},
    [FAKE_OP_ATTRIBUTES] = {"GetObjectAttributes", fake_ops_object_attributes},
    [FAKE_OP_CREATE_UPLOAD] = {"CreateMultipartUpload", fake_ops_multipart_create},
    [FAKE_OP_UPLOAD_PART] = {"UploadPart", fake_ops_multipart_put},
    [FAKE_OP_UPLOAD_PART_COPY] = {"UploadPartCopy", fake_ops_copy_part},
    [FAKE_OP_COMPLETE_UPLOAD] = {"CompleteMultipartUpload", fake_ops_complete},
    [FAKE_OP_ABORT_UPLOAD] = {"AbortMultipartUpload", fake_ops_multipart_abort},
    [FAKE_OP_LIST_PARTS] = {"ListParts", fake_ops_uploads_parts},
};

/* First row that fits wins: the method, what it speaks about, and what the query must have. */
static const struct {
    const char *method;
    enum { SERVICE, BUCKET, KEY } on;
    const char *param, *param2, *header;
    enum fake_op op;
} table[] = {
    {"GET", SERVICE, NULL, NULL, NULL, FAKE_OP_LIST_BUCKETS},
    {"GET", BUCKET, "location", NULL, NULL, FAKE_OP_BUCKET_LOCATION},
    {"GET", BUCKET, "versioning", NULL, NULL, FAKE_OP_GET_VERSIONING},
    {"GET", BUCKET, "versions", NULL, NULL, FAKE_OP_LIST_VERSIONS},
    {"GET", BUCKET, "uploads", NULL, NULL, FAKE_OP_LIST_UPLOADS},
    {"GET", BUCKET, "list-type", NULL, NULL, FAKE_OP_LIST_OBJECTS_V2},
    {"GET", BUCKET, NULL, NULL, NULL, FAKE_OP_LIST_OBJECTS},
    {"HEAD", BUCKET, NULL, NULL, NULL, FAKE_OP_HEAD_BUCKET},
    {"PUT", BUCKET, "versioning", NULL, NULL, FAKE_OP_PUT_VERSIONING},
    {"PUT", BUCKET, NULL, NULL, NULL, FAKE_OP_CREATE_BUCKET},
    {"DELETE", BUCKET, NULL, NULL, NULL, FAKE_OP_DELETE_BUCKET},
    {"POST", BUCKET, "delete", NULL, NULL, FAKE_OP_DELETE_OBJECTS},
    {"PUT", KEY, "uploadId", "partNumber", "x-amz-copy-source", FAKE_OP_UPLOAD_PART_COPY},
    {"PUT", KEY, "uploadId", "partNumber", NULL, FAKE_OP_UPLOAD_PART},
    {"PUT", KEY, NULL, NULL, "x-amz-copy-source", FAKE_OP_COPY_OBJECT},
    {"PUT", KEY, NULL, NULL, NULL, FAKE_OP_PUT_OBJECT},
    {"POST", KEY, "uploads", NULL, NULL, FAKE_OP_CREATE_UPLOAD},
    {"POST", KEY, "uploadId", NULL, NULL, FAKE_OP_COMPLETE_UPLOAD},
    {"DELETE", KEY, "uploadId", NULL, NULL, FAKE_OP_ABORT_UPLOAD},
    {"DELETE", KEY, NULL, NULL, NULL, FAKE_OP_DELETE_OBJECT},
    {"GET", KEY, "uploadId", NULL, NULL, FAKE_OP_LIST_PARTS},
    {"GET", KEY, "attributes", NULL, NULL, FAKE_OP_ATTRIBUTES},
    {"GET", KEY, NULL, NULL, NULL, FAKE_OP_GET_OBJECT},
    {"HEAD", KEY, NULL, NULL, NULL, FAKE_OP_HEAD_OBJECT},
};

/* Everything the operations above read.  A sub-resource that is not here asks for something the
 * fake does not have: saying so is better than answering another question. */
static const char *const params[] = {
    "location",           "versioning", "uploads",     "list-type",        "delete",
    "uploadId",           "partNumber", "attributes",  "prefix",           "delimiter",
    "max-keys",           "marker",     "start-after", "fetch-owner",      "encoding-type",
    "continuation-token", "key-marker", "max-uploads", "upload-id-marker", "max-parts",
    "part-number-marker", "versionId",  "x-id",        "versions",         "version-id-marker",
};

const char *
fake_route_name(int op)
{
    return op > 0 && op < FAKE_OP_COUNT ? ops[op].name : ops[FAKE_OP_UNKNOWN].name;
}

/* BUCKET.domain[:port]: the length of BUCKET, or 0 for path style. */
static size_t
host_bucket(const struct fake_call *c)
{
    const char *host = fake_http_header(&c->req, "host");
    size_t n = strcspn(host, ":"), domain = strlen(c->server->opt.domain);
    if (n <= domain + 1 || host[n - domain - 1] != '.' ||
        strncasecmp(host + n - domain, c->server->opt.domain, domain) != 0)
        return 0;
    return n - domain - 1;
}

static int
split_path(struct fake_call *c)
{
    struct fake_buf path = {0};
    if (fake_text_unpercent(&path, c->req.path + 1, strlen(c->req.path + 1),
                            FAKE_PLUS_LITERAL) != 0) {
        fake_buf_free(&path);
        return fake_reply_error(c, "InvalidURI", NULL);
    }
    struct fake_buf bucket = {0};
    size_t n = host_bucket(c), skip = 0;
    if (n) {
        fake_buf_add(&bucket, fake_http_header(&c->req, "host"), n);
    } else {
        n = strcspn(path.data, "/");
        fake_buf_add(&bucket, path.data, n);
        skip = n + (path.data[n] == '/');
    }
    free(c->bucket);
    free(c->key);
    c->bucket = fake_buf_take(&bucket);
    c->key = fake_strdup(path.data + skip);
    fake_buf_free(&path);
    return 0;
}

static int
check_names(struct fake_call *c)
{
    size_t n = strlen(c->bucket);
    if (n &&
        (n < 3 || n > 63 || strspn(c->bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-") != n))
        return fake_reply_error(c, "InvalidBucketName", NULL);
    if (!fake_text_utf8_ok(c->key) && !(c->lenient & FAKE_LENIENT_UTF8))
        return fake_reply_error(c, "InvalidURI", NULL);
    if (strlen(c->key) > KEY_MAX_BYTES)
        return fake_reply_error(c, "KeyTooLongError", NULL);
    return 0;
}

static bool
all_known(const struct fake_call *c)
{
    for (size_t i = 0; i < c->req.param_count; i++) {
        size_t k = 0, count = sizeof(params) / sizeof(params[0]);
        while (k < count && strcmp(params[k], c->req.param[i].name) != 0)
            k++;
        if (k == count)
            return false;
    }
    return true;
}

static bool
has(const struct fake_call *c, const char *param)
{
    return !param || fake_http_param(&c->req, param);
}

int
fake_route_find(struct fake_call *c)
{
    uint64_t part;
    if (split_path(c) != 0)
        return -1;
    int on = !*c->bucket ? SERVICE : !*c->key ? BUCKET : KEY;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) && !c->op; i++)
        if (strcmp(table[i].method, c->req.method) == 0 && (int)table[i].on == on &&
            has(c, table[i].param) && has(c, table[i].param2) &&
            (!table[i].header || fake_http_header(&c->req, table[i].header)))
            c->op = (int)table[i].op;
    const char *number = fake_http_param(&c->req, "partNumber");
    if (number && fake_text_uint(number, 10000, &part) == 0)
        c->part_number = (uint32_t)part;
    c->upload_id = fake_http_param(&c->req, "uploadId");
    if (check_names(c) != 0)
        return -1;
    if (!c->op)
        return fake_reply_error(c, "MethodNotAllowed", NULL);
    return all_known(c) ? 0 : fake_reply_error(c, "NotImplemented", NULL);
}

void
fake_route_do(struct fake_call *c)
{
    if (ops[c->op].run(c) == 0 && c->reply.status == 0)
        fake_reply_error(c, "InternalError", "The operation gave no answer");
}
