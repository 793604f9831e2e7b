/* response -- a call over HTTP and its reply: the header fields that S3 uses, and a body that
 * goes to a sink or is collected.  What comes in is capped, and nothing in it is trusted. */
#ifndef WEIR_S3_RESPONSE_H
#define WEIR_S3_RESPONSE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/transport.h>

#include "s3/text.h"

#define WEIR_S3_HEADER_BYTES_MAX ((size_t)64 * 1024)
#define WEIR_S3_ERROR_BODY_MAX ((size_t)1024 * 1024)
#define WEIR_S3_XML_BODY_MAX ((size_t)8 * 1024 * 1024)

enum weir_s3_method {
    WEIR_S3_GET = 0,
    WEIR_S3_HEAD,
    WEIR_S3_PUT,
    WEIR_S3_POST,
    WEIR_S3_DELETE,
};
const char *weir_s3_response_method(enum weir_s3_method m); /* "GET" */

struct weir_s3_call { /* all borrowed for the call */
    enum weir_s3_method method;
    const char *origin;               /* "https://host:port" */
    const char *target;               /* "/bucket/key?query", sent as it is */
    const struct curl_slist *headers; /* everything but Content-Length */
    const void *body;                 /* PUT and POST */
    size_t body_bytes;
    bool once;     /* must not be sent twice, not even when a kept connection turns out dead */
    bool no_stall; /* the reply may take minutes (Complete) */
    uint64_t offset; /* GET with a sink: the range that was asked for; bytes == UINT64_MAX: */
    uint64_t bytes;  /* all from offset */
    weir_sink_fn *sink; /* receives a 2xx body; NULL: it is collected */
    void *sink_ctx;
};

struct weir_s3_response { /* texts are "" when the header was missing or too long */
    int status;           /* 0: no reply */
    bool header_ended;    /* the empty line came: libcurl does not insist on it */
    char etag[WEIR_ETAG_BYTES + 16];
    char version[WEIR_VERSION_BYTES];
    char crc64nvme[32];
    char checksum_type[16];
    char request_id[64];
    char region[64];
    char date[40];
    char last_modified[40];
    char storage_class[32];
    char content_range[80];
    char retry_after[16];    /* seconds */
    char retry_after_ms[16]; /* x-amz-retry-after */
    char content_length[24];
    char parts_count[12];                             /* x-amz-mp-parts-count */
    char crc32[24], crc32c[24], sha1[48], sha256[64]; /* base64, as they came */
    size_t header_bytes;
    size_t meta_count;
    size_t meta_used;
    uint64_t sunk;                           /* bytes that reached the sink */
    const char *why;                         /* why weir itself stopped the transfer, or NULL */
    bool by_reader;                          /* ... because the sink said so */
    struct weir_kv meta[WEIR_HEAD_META_MAX]; /* x-amz-meta-*, names in lower case */
    char meta_text[9 * 1024];
    struct weir_s3_text body;
};

/* Forgets the reply so far: a 1xx, or one before a resend.  Memory is kept. */
void weir_s3_response_reset(struct weir_s3_response *r);

/* Takes a status or header line with its line end; false: too much of it, r->why says so. */
bool weir_s3_response_header(struct weir_s3_response *r, const char *line, size_t bytes);

/* Takes a piece of the body.  Returns bytes, or 0 when the transfer must stop; r->why is set.
 */
size_t weir_s3_response_body(struct weir_s3_response *r, const struct weir_s3_call *call,
                             const char *data, size_t bytes);

#endif
