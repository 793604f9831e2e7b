/* What the sink says: enough S3 for a client that only uploads. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sink.h"

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define ETAG "5d41402abc4b2a76b9719d911017c592"

static const char *const kind_names[SINK_KINDS] = {
    [SINK_PUT] = "put",
    [SINK_CREATE] = "create",
    [SINK_PART] = "part",
    [SINK_COPY] = "copy",
    [SINK_COPY_PART] = "copy_part",
    [SINK_COMPLETE] = "complete",
    [SINK_ABORT] = "abort",
    [SINK_DELETE] = "delete",
    [SINK_HEAD] = "head",
    [SINK_HEAD_BUCKET] = "head_bucket",
    [SINK_GET] = "get",
    [SINK_LIST] = "list",
    [SINK_LIST_PARTS] = "list_parts",
    [SINK_LIST_UPLOADS] = "list_uploads",
    [SINK_OWN] = "own",
    [SINK_STATS] = "stats",
    [SINK_BAD] = "bad",
};

void
sink_counts_json(const struct sink_counts *c, char *out, size_t out_bytes)
{
    size_t at = 0;
    uint64_t requests = 0;
    uint64_t bytes = 0;
    out[0] = '\0';
    for (int k = 0; k < SINK_KINDS && at < out_bytes; k++) {
        uint64_t n = atomic_load(&c->requests[k]);
        uint64_t b = atomic_load(&c->bytes[k]);
        requests += k == SINK_STATS ? 0 : n;
        bytes += b;
        int len = snprintf(out + at, out_bytes - at,
                           "%s\"%s\": {\"requests\": %" PRIu64 ", \"bytes\": %" PRIu64 "}",
                           k == 0 ? "{" : ", ", kind_names[k], n, b);
        at += (size_t)len;
    }
    if (at < out_bytes)
        (void)snprintf(out + at, out_bytes - at,
                       ", \"connections\": %" PRIu64 ", \"requests\": %" PRIu64
                       ", \"bytes\": %" PRIu64 "}",
                       (uint64_t)atomic_load(&c->connections), requests, bytes);
}

static const char *
reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 412:
        return "Precondition Failed";
    default:
        return "Error";
    }
}

/* The date is made once a second and thread: strftime costs more than the rest of a reply. */
static const char *
http_date(void)
{
    static _Thread_local time_t made;
    static _Thread_local char text[40];
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != made) {
        struct tm tm;
        (void)gmtime_r(&now.tv_sec, &tm);
        (void)strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        made = now.tv_sec;
    }
    return text;
}

void
sink_reply_set(struct sink_reply *out, const struct sink_request *r, int status,
               const char *extra, const char *body)
{
    bool bodyless = status == 204 || strcmp(r->method, "HEAD") == 0;
    char length[48] = "";
    if (!bodyless)
        (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    int n = snprintf(out->text, sizeof(out->text),
                     "HTTP/1.1 %d %s\r\nServer: weir-sink\r\nDate: %s\r\n"
                     "x-amz-request-id: SINK000000000000\r\n%s%s\r\n%s",
                     status, reason(status), http_date(), length, extra, bodyless ? "" : body);
    out->bytes = (size_t)n < sizeof(out->text) ? (size_t)n : sizeof(out->text) - 1;
}

void
sink_reply_error(struct sink_reply *out, const struct sink_request *r, int status,
                 const char *code)
{
    char body[512];
    (void)snprintf(body, sizeof(body),
                   XML "<Error><Code>%s</Code><Message>the sink says %s</Message>"
                       "<RequestId>SINK000000000000</RequestId></Error>",
                   code, code);
    sink_reply_set(out, r, status, "Content-Type: application/xml\r\n", body);
}

void
sink_reply_bytes(struct sink_reply *out, const void *bytes, size_t n)
{
    int head = snprintf(out->text, sizeof(out->text),
                        "HTTP/1.1 200 OK\r\nServer: weir-sink\r\nDate: %s\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        http_date(), n);
    memcpy(out->text + head, bytes, n);
    out->bytes = (size_t)head + n;
}

/* ETag, and the checksum that the client sent as if the server had computed it. */
static const char *
stored_headers(const struct sink_request *r, char *out, size_t out_bytes)
{
    if (r->crc64nvme == NULL)
        (void)snprintf(out, out_bytes, "ETag: \"" ETAG "\"\r\n");
    else
        (void)snprintf(out, out_bytes,
                       "ETag: \"" ETAG "\"\r\nx-amz-checksum-crc64nvme: %.12s\r\n"
                       "x-amz-checksum-type: FULL_OBJECT\r\n",
                       r->crc64nvme);
    return out;
}

static void
answer_complete(const struct sink_request *r, struct sink_reply *out)
{
    char crc[120] = "";
    char body[1024];
    if (r->crc64nvme != NULL)
        (void)snprintf(crc, sizeof(crc),
                       "<ChecksumCRC64NVME>%.12s</ChecksumCRC64NVME>"
                       "<ChecksumType>FULL_OBJECT</ChecksumType>",
                       r->crc64nvme);
    (void)snprintf(body, sizeof(body),
                   XML "<CompleteMultipartUploadResult" NS "><Location>http://sink/</Location>"
                       "<Bucket>bench</Bucket><Key>key</Key><ETag>&quot;" ETAG
                       "-1&quot;</ETag>%s</CompleteMultipartUploadResult>",
                   crc);
    sink_reply_set(out, r, 200, "Content-Type: application/xml\r\n", body);
}

void
sink_answer(struct sink *s, const struct sink_request *r, struct vault_data *body,
            struct sink_reply *out)
{
    static const char xml[] = "Content-Type: application/xml\r\n";
    char text[2048];
    if (r->kept) {
        sink_kept_answer(s->vault, r, body, out);
        return;
    }
    switch (r->kind) {
    case SINK_PUT:
    case SINK_PART:
        sink_reply_set(out, r, 200, stored_headers(r, text, sizeof(text)), "");
        return;
    case SINK_CREATE:
        sink_reply_set(out, r, 200, xml,
                       XML "<InitiateMultipartUploadResult" NS "><Bucket>bench</Bucket>"
                           "<Key>key</Key><UploadId>sink-upload</UploadId>"
                           "</InitiateMultipartUploadResult>");
        return;
    case SINK_COMPLETE:
        answer_complete(r, out);
        return;
    case SINK_ABORT:
    case SINK_DELETE:
        sink_reply_set(out, r, 204, "", "");
        return;
    case SINK_HEAD_BUCKET:
        sink_reply_set(out, r, 200, "x-amz-bucket-region: us-east-1\r\n", "");
        return;
    case SINK_LIST:
        sink_reply_set(out, r, 200, xml,
                       XML "<ListBucketResult" NS "><Name>bench</Name><Prefix></Prefix>"
                           "<KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys>"
                           "<IsTruncated>false</IsTruncated></ListBucketResult>");
        return;
    case SINK_LIST_PARTS:
        sink_reply_set(out, r, 200, xml,
                       XML "<ListPartsResult" NS "><Bucket>bench</Bucket><Key>key</Key>"
                           "<UploadId>sink-upload</UploadId><IsTruncated>false</IsTruncated>"
                           "</ListPartsResult>");
        return;
    case SINK_LIST_UPLOADS:
        sink_reply_set(out, r, 200, xml,
                       XML "<ListMultipartUploadsResult" NS "><Bucket>bench</Bucket>"
                           "<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>");
        return;
    case SINK_STATS:
        sink_counts_json(&s->counts, text, sizeof(text));
        sink_reply_set(out, r, 200, "Content-Type: application/json\r\n", text);
        return;
    case SINK_HEAD:
    case SINK_GET:
    case SINK_COPY: /* there is nothing to copy from */
    case SINK_COPY_PART:
        sink_reply_error(out, r, 404, "NoSuchKey");
        return;
    case SINK_BAD:
    case SINK_OWN:
    case SINK_KINDS:
        break;
    }
    sink_reply_error(out, r, 400, "InvalidRequest");
}
