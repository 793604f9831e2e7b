/* session -- one libcurl handle: sends one prepared request at a time and keeps the reply.
 *
 * No redirects, no proxy, no protocol but http and https, HTTP/1.1, certificates verified. What
 * comes in is capped.  Nothing here knows S3 but for the names of reply headers. */
#ifndef WEIR_S3_SESSION_H
#define WEIR_S3_SESSION_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/cancel.h>
#include <weir/err.h>
#include <weir/transport.h>

#include "s3/text.h"

#define WEIR_S3_HEADER_BYTES_MAX (64 * 1024)
#define WEIR_S3_ERROR_BODY_MAX (1024 * 1024)
#define WEIR_S3_XML_BODY_MAX (8 * 1024 * 1024)

enum weir_s3_method {
    WEIR_S3_GET = 0,
    WEIR_S3_HEAD,
    WEIR_S3_PUT,
    WEIR_S3_POST,
    WEIR_S3_DELETE,
};
const char *weir_s3_session_method(enum weir_s3_method m); /* "GET" */

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

struct weir_s3_session {
    CURL *curl;
    const struct weir_cancel *cancel;
    struct weir_transport_counters *counters;
    const struct weir_s3_call *call; /* the one under way */
    unsigned sends;                  /* times the present call went out */
    enum weir_s3_method method;      /* what the handle is set to */
    bool method_known, stall_known, no_stall;
    long stall_timeout_s;
    char origin[320];
    char error[CURL_ERROR_SIZE];
    struct weir_s3_response response;
};

struct weir_s3_session_options {
    const char *ca_file; /* PEM file or NULL */
    const struct weir_cancel *cancel;
    struct weir_transport_counters *counters;
    long connect_timeout_ms;
    long stall_timeout_s;
};

int weir_s3_session_init(struct weir_s3_session *s, const struct weir_s3_session_options *o,
                         struct weir_err *err);
void weir_s3_session_fini(struct weir_s3_session *s); /* zeroed is fine */

/**
 * weir_s3_session_perform() -- send a request and take the whole reply into s->response.
 * Returns CURLE_OK when a reply came in full, whatever its status.  Otherwise s->error says
 * what happened, and s->response.why is set when it was weir that gave up (CURLE_WRITE_ERROR).
 */
CURLcode weir_s3_session_perform(struct weir_s3_session *s, const struct weir_s3_call *call);

/* Fills *err for a call that did not end in a reply.  mutating: the request changes the store,
 * so its outcome is unknown once it may have been sent. */
int weir_s3_session_fail(const struct weir_s3_session *s, CURLcode code, bool mutating,
                         struct weir_err *err);

#endif
