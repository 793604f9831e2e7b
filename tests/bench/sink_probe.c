/* The strict corner of the sink: objects and uploads of weir's start-up probe. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weir/digest.h>

#include "sink.h"

#define OBJECTS 32
#define UPLOADS 16
#define PARTS 8
#define KEY_MAX 1100

struct object {
    char path[KEY_MAX]; /* "" = free */
    uint64_t bytes, crc64nvme;
    bool multipart;
};

struct upload {
    unsigned id; /* 0 = free */
    char path[KEY_MAX];
    struct {
        bool here;
        uint64_t bytes, crc64nvme;
    } part[PARTS + 1];
};

struct sink_probe {
    pthread_mutex_t lock; /* guards everything below */
    unsigned last_id;
    struct object object[OBJECTS];
    struct upload upload[UPLOADS];
};

struct sink_probe *
sink_probe_create(void)
{
    struct sink_probe *p = calloc(1, sizeof(*p));
    if (p != NULL)
        (void)pthread_mutex_init(&p->lock, NULL);
    return p;
}

void
sink_probe_free(struct sink_probe *p)
{
    if (p == NULL)
        return;
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

static struct object *
find_object_locked(struct sink_probe *p, const char *path)
{
    for (size_t i = 0; i < OBJECTS; i++)
        if (strcmp(p->object[i].path, path) == 0)
            return &p->object[i];
    return NULL;
}

static struct upload *
find_upload_locked(struct sink_probe *p, const struct sink_request *r)
{
    char id[32];
    if (!sink_query_get(r->query, "uploadId", id, sizeof(id)))
        return NULL;
    for (size_t i = 0; i < UPLOADS; i++)
        if (p->upload[i].id != 0 && p->upload[i].id == strtoul(id, NULL, 10) &&
            strcmp(p->upload[i].path, r->path) == 0)
            return &p->upload[i];
    return NULL;
}

static void
etag_of(const struct object *o, char out[40])
{
    (void)snprintf(out, 40, "%016" PRIx64 "%016" PRIx64 "%s", o->crc64nvme, o->bytes,
                   o->multipart ? "-1" : "");
}

/* A checksum that was sent must be that of the bytes. */
static bool
checksum_right(const struct sink_request *r, uint64_t crc64nvme)
{
    uint64_t sent;
    return r->crc64nvme == NULL ||
           (weir_crc64nvme_parse(r->crc64nvme, &sent) == 0 && sent == crc64nvme);
}

/* The status that a conditional write must fail with, or 0. */
static int
refused_by_condition(const struct sink_request *r, const struct object *o)
{
    char etag[40];
    if (r->if_none_match && o != NULL)
        return 412;
    if (r->if_match == NULL)
        return 0;
    if (o == NULL)
        return 404;
    etag_of(o, etag);
    const char *want = r->if_match + (r->if_match[0] == '"');
    return strncmp(want, etag, strlen(etag)) == 0 ? 0 : 412;
}

static void
reply_condition(struct sink_reply *out, const struct sink_request *r, int status)
{
    sink_reply_error(out, r, status, status == 404 ? "NoSuchKey" : "PreconditionFailed");
}

static void
object_headers(const struct object *o, char *out, size_t out_bytes)
{
    char etag[40];
    char crc[13];
    etag_of(o, etag);
    weir_crc64nvme_base64(o->crc64nvme, crc);
    (void)snprintf(out, out_bytes,
                   "ETag: \"%s\"\r\nx-amz-checksum-crc64nvme: %s\r\n"
                   "x-amz-checksum-type: FULL_OBJECT\r\n",
                   etag, crc);
}

static struct object *
store_locked(struct sink_probe *p, const char *path, uint64_t bytes, uint64_t crc64nvme,
             bool multipart)
{
    struct object *o = find_object_locked(p, path);
    if (o == NULL)
        o = find_object_locked(p, "");
    if (o == NULL || strlen(path) >= KEY_MAX)
        return NULL;
    (void)snprintf(o->path, sizeof(o->path), "%s", path);
    o->bytes = bytes;
    o->crc64nvme = crc64nvme;
    o->multipart = multipart;
    return o;
}

static void
put_locked(struct sink_probe *p, const struct sink_request *r, const uint8_t *body,
           size_t body_bytes, struct sink_reply *out)
{
    char headers[256];
    uint64_t crc = weir_crc64nvme(0, body, body_bytes);
    int refused = refused_by_condition(r, find_object_locked(p, r->path));
    if (refused != 0) {
        reply_condition(out, r, refused);
        return;
    }
    if (!checksum_right(r, crc)) {
        sink_reply_error(out, r, 400, "BadDigest");
        return;
    }
    struct object *o = store_locked(p, r->path, body_bytes, crc, false);
    if (o == NULL) {
        sink_reply_error(out, r, 400, "TooManyProbeObjects");
        return;
    }
    object_headers(o, headers, sizeof(headers));
    sink_reply_set(out, r, 200, headers, "");
}

static void
create_locked(struct sink_probe *p, const struct sink_request *r, struct sink_reply *out)
{
    char body[512];
    struct upload *u = NULL;
    for (size_t i = 0; i < UPLOADS && u == NULL; i++)
        if (p->upload[i].id == 0)
            u = &p->upload[i];
    if (u == NULL || strlen(r->path) >= KEY_MAX) {
        sink_reply_error(out, r, 400, "TooManyProbeUploads");
        return;
    }
    *u = (struct upload){.id = ++p->last_id};
    (void)snprintf(u->path, sizeof(u->path), "%s", r->path);
    (void)snprintf(body, sizeof(body),
                   "<InitiateMultipartUploadResult><Bucket>bench</Bucket><Key>key</Key>"
                   "<UploadId>%u</UploadId></InitiateMultipartUploadResult>",
                   u->id);
    sink_reply_set(out, r, 200, "x-amz-checksum-algorithm: CRC64NVME\r\n", body);
}

static void
part_locked(struct upload *u, const struct sink_request *r, const uint8_t *body,
            size_t body_bytes, struct sink_reply *out)
{
    char number[16] = "";
    char headers[256];
    (void)sink_query_get(r->query, "partNumber", number, sizeof(number));
    unsigned long n = strtoul(number, NULL, 10);
    struct object part = {.bytes = body_bytes,
                          .crc64nvme = weir_crc64nvme(0, body, body_bytes)};
    if (n < 1 || n > PARTS) {
        sink_reply_error(out, r, 400, "InvalidArgument");
        return;
    }
    if (!checksum_right(r, part.crc64nvme)) {
        sink_reply_error(out, r, 400, "BadDigest");
        return;
    }
    u->part[n].here = true;
    u->part[n].bytes = part.bytes;
    u->part[n].crc64nvme = part.crc64nvme;
    object_headers(&part, headers, sizeof(headers));
    sink_reply_set(out, r, 200, headers, "");
}

static void
complete_locked(struct sink_probe *p, struct upload *u, const struct sink_request *r,
                struct sink_reply *out)
{
    uint64_t crc = 0;
    uint64_t bytes = 0;
    char headers[256];
    char etag[40];
    char b64[13];
    char body[512];
    for (size_t n = 1; n <= PARTS; n++) {
        if (!u->part[n].here)
            continue;
        crc = weir_crc64nvme_combine(crc, u->part[n].crc64nvme, u->part[n].bytes);
        bytes += u->part[n].bytes;
    }
    int refused = refused_by_condition(r, find_object_locked(p, r->path));
    if (refused != 0) {
        reply_condition(out, r, refused);
        return;
    }
    struct object *o =
        checksum_right(r, crc) ? store_locked(p, r->path, bytes, crc, true) : NULL;
    if (o == NULL) {
        sink_reply_error(out, r, 400, "BadDigest");
        return;
    }
    u->id = 0;
    etag_of(o, etag);
    weir_crc64nvme_base64(crc, b64);
    object_headers(o, headers, sizeof(headers));
    (void)snprintf(body, sizeof(body),
                   "<CompleteMultipartUploadResult><Location>http://sink/</Location>"
                   "<Bucket>bench</Bucket><Key>key</Key><ETag>&quot;%s&quot;</ETag>"
                   "<ChecksumCRC64NVME>%s</ChecksumCRC64NVME>"
                   "<ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>",
                   etag, b64);
    sink_reply_set(out, r, 200, headers, body);
}

static void
upload_locked(struct sink_probe *p, const struct sink_request *r, const uint8_t *body,
              size_t body_bytes, struct sink_reply *out)
{
    struct upload *u = find_upload_locked(p, r);
    if (u == NULL) {
        sink_reply_error(out, r, 404, "NoSuchUpload");
    } else if (r->kind == SINK_PART) {
        part_locked(u, r, body, body_bytes, out);
    } else if (r->kind == SINK_COMPLETE) {
        complete_locked(p, u, r, out);
    } else if (r->kind == SINK_ABORT) {
        u->id = 0;
        sink_reply_set(out, r, 204, "", "");
    } else {
        sink_reply_set(out, r, 200, "", "<ListPartsResult/>");
    }
}

static void
object_locked(struct sink_probe *p, const struct sink_request *r, struct sink_reply *out)
{
    char headers[400];
    struct object *o = find_object_locked(p, r->path);
    if (r->kind == SINK_DELETE) {
        if (o != NULL)
            o->path[0] = '\0';
        sink_reply_set(out, r, 204, "", "");
    } else if (o == NULL || r->kind != SINK_HEAD) { /* bytes are not kept: no GET */
        sink_reply_error(out, r, 404, "NoSuchKey");
    } else {
        int n = snprintf(headers, sizeof(headers), "Content-Length: %" PRIu64 "\r\n", o->bytes);
        object_headers(o, headers + n, sizeof(headers) - (size_t)n);
        sink_reply_set(out, r, 200, headers, "");
    }
}

void
sink_probe_answer(struct sink_probe *p, const struct sink_request *r, const uint8_t *body,
                  size_t body_bytes, struct sink_reply *out)
{
    if (body == NULL && body_bytes > 0) { /* it was too long to be kept */
        sink_reply_error(out, r, 400, "EntityTooLarge");
        return;
    }
    (void)pthread_mutex_lock(&p->lock);
    if (r->kind == SINK_PUT)
        put_locked(p, r, body, body_bytes, out);
    else if (r->kind == SINK_CREATE)
        create_locked(p, r, out);
    else if (r->kind == SINK_PART || r->kind == SINK_COMPLETE || r->kind == SINK_ABORT ||
             r->kind == SINK_LIST_PARTS)
        upload_locked(p, r, body, body_bytes, out);
    else
        object_locked(p, r, out);
    (void)pthread_mutex_unlock(&p->lock);
}
